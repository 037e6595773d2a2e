//! Holds the Chinese README against the English one. It compares what is the same in every
//! language, and does not read the prose.

use std::fs;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag};

/// A line of a block of code without its comment. None: it has only a comment.
fn command(line: &str) -> Option<&str> {
    let command = line.split(" #").next().unwrap_or_default().trim_end();
    (!command.is_empty() && !command.starts_with('#')).then_some(command)
}

/// What a translation keeps, each with its line: the structure, the commands, the links and the
/// names in the text. All are in their order.
fn kept(text: &str) -> Vec<(usize, String)> {
    let mut kept = Vec::new();
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let what = match event {
            Event::Start(Tag::Heading { level, .. }) => format!("a heading {level}"),
            Event::Start(Tag::Paragraph) => "a paragraph".to_owned(),
            Event::Start(Tag::List(_)) => "a list".to_owned(),
            Event::Start(Tag::Item) => "an item of a list".to_owned(),
            Event::Start(Tag::TableHead) => "a table".to_owned(),
            Event::Start(Tag::TableRow) => "a row of a table".to_owned(),
            Event::Start(Tag::TableCell) => "a cell of a table".to_owned(),
            // Beside Chinese, not every `**` ends bold text.
            Event::Start(Tag::Strong) => "bold text".to_owned(),
            Event::Start(Tag::Link { dest_url, .. }) => format!("a link to {dest_url}"),
            Event::Start(Tag::Image { dest_url, .. }) => format!("the image {dest_url}"),
            Event::Start(Tag::CodeBlock(_)) => {
                let commands: Vec<&str> = text[range.clone()].lines().filter_map(command).collect();
                commands.join("\n")
            }
            Event::Code(name) => format!("`{name}`"),
            _ => continue,
        };
        kept.push((text[..range.start].matches('\n').count() + 1, what));
    }
    kept.push((text.lines().count(), "its end".to_owned()));
    kept
}

/// The first difference of a translation.
fn difference(english: &str, chinese: &str) -> Option<String> {
    let mut pairs = kept(english).into_iter().zip(kept(chinese));
    let ((english_line, english), (chinese_line, chinese)) =
        pairs.find(|((_, english), (_, chinese))| english != chinese)?;
    Some(format!(
        "README.md has in line {english_line}: {english}\n\
         README.zh-CN.md has in line {chinese_line}: {chinese}"
    ))
}

#[test]
fn the_chinese_readme_is_in_step_with_the_english_one() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |file: &str| fs::read_to_string(workspace.join(file)).unwrap();
    // Each begins with a link to the other.
    let english = read("README.md").replace("(README.zh-CN.md)", "(README.md)");
    if let Some(difference) = difference(&english, &read("README.zh-CN.md")) {
        panic!("{difference}");
    }
}

#[test]
fn a_translation_that_lacks_or_changes_something_differs() {
    let english = "# A\n\n**B.** See [c](c.md), `d`.\n\n- e\n- f\n\n| g |\n|---|\n| `h` |\n\n\
                   ```sh\n# i\nj --k  # l\n```\n\n![m](m.png)\n\nn\n";
    let translated = [
        ("# A", "# 甲"),
        ("B.", "乙。"),
        ("# i", "# 壬"),
        ("# l", "# 寅"),
    ];
    for (from, to) in translated {
        assert_eq!(difference(english, &english.replace(from, to)), None);
    }
    let wrong = [
        ("# A", "## A"),
        ("**B.** ", "**乙。**见"),
        ("c.md", "d.md"),
        ("`d`", "d"),
        ("- f\n", ""),
        ("- e", "1. e"),
        ("| `h` |\n", ""),
        ("`h`", "`i`"),
        ("j --k", "j"),
        ("m.png", "n.png"),
        ("\nn\n", ""),
    ];
    for (from, to) in wrong {
        let chinese = english.replace(from, to);
        assert!(difference(english, &chinese).is_some(), "{chinese}");
    }
    assert_eq!(
        difference("a\n\nb `c`\n", "a\n\n\nb `d`\n").as_deref(),
        Some("README.md has in line 3: `c`\nREADME.zh-CN.md has in line 4: `d`")
    );
}

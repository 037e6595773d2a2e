//! Makes the list of bots, `crates/tally/src/hit/bots.txt`, from the npm package
//! `crawler-user-agents`.
//!
//! The package has a regular expression for each bot. Almost all are a literal text. Every other
//! one is expanded to literals, because an instance of the app finds any of 1,500 literals in one
//! pass, and needs no regular expressions. The first character of a literal may be `^`: the user
//! agent begins there. Its last may be `$`: the user agent ends there.
//!
//! A name is made from a literal in these steps:
//!
//! 1. It ends before ` (`.
//! 2. It has no scheme, as `https://`.
//! 3. It begins and ends with a letter or a digit.
//! 4. If an earlier name differs in upper and lower case alone, it is the earlier name.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use serde_json::Value;

use crate::npm;
use crate::workspace::Workspace;

const PACKAGE: &str = "crawler-user-agents";
const LICENSE: &str = "MIT";
const LIST: &str = "crates/tally/src/hit/bots.txt";

/// Where the user agent begins, and where it ends.
const ANCHORS: [char; 2] = ['^', '$'];

/// The most literals that one pattern may give. A pattern that gives more fails by name.
const LITERALS_MAX: usize = 64;

/// Patterns that no list of literals says exactly, with the literals that stand for them. The
/// literals find every user agent that the package has for the pattern, and no browser.
const STAND_INS: [(&str, &[&str]); 5] = [
    (
        "AdsBot-Google([^-]|$)",
        &[
            "AdsBot-Google ",
            "AdsBot-Google;",
            "AdsBot-Google)",
            "AdsBot-Google$",
        ],
    ),
    (r"BlogTraffic\/\d\.\d+ Feed-Fetcher", &["BlogTraffic/"]),
    (r"ContextualBot[\s\S]*outcomes\.net", &["ContextualBot/"]),
    (r"Current[\s\S]*RSS Reader", &["; Current/"]),
    (r"Spider[\s\S]*spider\.com", &["; Spider;"]),
];

pub fn run(workspace: &Workspace) -> Result<()> {
    let package = npm::newest(workspace, PACKAGE, LICENSE)?;
    let read = |file: &str| {
        let path = package.folder.join(file);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let patterns = patterns(&read("crawler-user-agents.json")?)?;
    let lines = lines(&patterns)?;

    let mut list = format!(
        "# Bots by their user agents: a name, a tab, a text in the user agent. The first match counts.\n\
         # `^` is where the user agent begins, `$` is where it ends.\n\
         # `cargo xtask bots` made this from the npm package {PACKAGE} {}.\n\
         # Its license is {LICENSE}:\n#\n",
        package.version
    );
    for line in read("LICENSE")?.trim().lines() {
        list += format!("# {line}").trim_end();
        list += "\n";
    }
    list += &lines.concat();
    let path = workspace.root().join(LIST);
    fs::write(&path, list).with_context(|| path.display().to_string())?;
    println!(
        "{LIST}: {} texts, from {} patterns of {PACKAGE} {}",
        lines.len(),
        patterns.len(),
        package.version
    );
    Ok(())
}

fn patterns(json: &str) -> Result<Vec<String>> {
    let list: Vec<Value> = serde_json::from_str(json).context(PACKAGE)?;
    list.iter()
        .map(|bot| {
            let pattern = bot.get("pattern").and_then(Value::as_str);
            Ok(pattern
                .with_context(|| format!("a bot has no pattern: {bot}"))?
                .to_owned())
        })
        .collect()
}

/// The lines of the list, in the order of the patterns.
fn lines(patterns: &[String]) -> Result<Vec<String>> {
    let mut stand_ins: HashMap<_, _> = STAND_INS.into();
    let mut names = HashMap::<String, String>::new();
    let mut lines = Vec::new();
    for pattern in patterns {
        let literals = match stand_ins.remove(pattern.as_str()) {
            Some(literals) => literals.iter().map(|&literal| literal.to_owned()).collect(),
            None => literals(pattern).with_context(|| format!("the pattern {pattern:?}"))?,
        };
        for literal in literals {
            let name = name(&literal);
            ensure!(!name.is_empty(), "the pattern {pattern:?} gives no name");
            let name = names
                .entry(name.to_lowercase())
                .or_insert_with(|| name.to_owned());
            lines.push(format!("{name}\t{literal}\n"));
        }
    }
    if let Some(pattern) = stand_ins.keys().next() {
        bail!("{PACKAGE} has no pattern {pattern:?} any more: take it out of STAND_INS");
    }
    Ok(lines)
}

fn name(literal: &str) -> &str {
    let name = literal.split(" (").next().unwrap_or_default();
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    name.trim_matches(|char: char| !char.is_alphanumeric())
}

/// All texts that a pattern matches.
fn literals(pattern: &str) -> Result<Vec<String>> {
    let hir = regex_syntax::parse(pattern)?;
    let literals = expand(&hir)?;
    for literal in &literals {
        let text = literal.strip_prefix('^').unwrap_or(literal);
        let text = text.strip_suffix('$').unwrap_or(text);
        ensure!(!text.is_empty(), "it matches any user agent");
        ensure!(
            !text.contains(ANCHORS),
            "it begins or ends in the middle of a text: {text:?}"
        );
    }
    Ok(literals)
}

fn expand(hir: &Hir) -> Result<Vec<String>> {
    let expanded = match hir.kind() {
        HirKind::Empty => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8(literal.0.to_vec())?],
        HirKind::Look(Look::Start) => vec!["^".to_owned()],
        HirKind::Look(Look::End) => vec!["$".to_owned()],
        HirKind::Class(Class::Unicode(class)) => class
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .take(LITERALS_MAX + 1)
            .map(String::from)
            .collect(),
        HirKind::Capture(capture) => expand(&capture.sub)?,
        HirKind::Alternation(alternatives) => {
            let each: Vec<_> = alternatives.iter().map(expand).collect::<Result<_>>()?;
            each.concat()
        }
        HirKind::Concat(parts) => {
            let mut wholes = vec![String::new()];
            for part in parts {
                let ends = expand(part)?;
                wholes = wholes
                    .iter()
                    .flat_map(|whole| ends.iter().map(move |end| [whole.as_str(), end].concat()))
                    .take(LITERALS_MAX + 1)
                    .collect();
            }
            wholes
        }
        HirKind::Look(_) | HirKind::Class(_) | HirKind::Repetition(_) => {
            bail!("it cannot be expanded to literals. STAND_INS may have literals for it")
        }
    };
    ensure!(
        expanded.len() <= LITERALS_MAX,
        "it gives more than {LITERALS_MAX} literals. STAND_INS may have literals for it"
    );
    if matches!(hir.kind(), HirKind::Literal(_) | HirKind::Class(_)) {
        let cannot_hold = |char: char| ANCHORS.contains(&char) || char.is_control();
        ensure!(
            !expanded.iter().any(|text| text.contains(cannot_hold)),
            "it has a character that the list cannot hold: {expanded:?}"
        );
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expect: &[&str]) {
        assert_eq!(literals(pattern).unwrap(), expect, "{pattern}");
    }

    #[test]
    fn a_pattern_is_expanded_to_all_texts_that_it_matches() {
        check(r"Googlebot\/", &["Googlebot/"]);
        check(
            r"Riddler \(http:\/\/riddler\.io",
            &["Riddler (http://riddler.io"],
        );
        check(
            "[cC]laude[bB]ot",
            &["ClaudeBot", "Claudebot", "claudeBot", "claudebot"],
        );
        check("Ahrefs(Bot|SiteAudit)", &["AhrefsBot", "AhrefsSiteAudit"]);
        check("Chirp|gotosocial", &["Chirp", "gotosocial"]);
        check(r"(^| )sentry\/", &["^sentry/", " sentry/"]);
        check("^curl", &["^curl"]);
        check("SSL Labs$", &["SSL Labs$"]);
        check(r"Yahoo\! x\+", &["Yahoo! x+"]);
    }

    #[test]
    fn a_pattern_that_cannot_be_expanded_fails_by_name() {
        for pattern in [
            "Spider.*com",
            "Bot[^-]",
            "bot?",
            r"bot\b",
            r"\^bot",
            r"a\$",
            "[$]",
            "a(^|b)",
            "(|x)",
            "^",
            "a(",
            r"a\tb",
        ] {
            let error = lines(&[pattern.to_owned()]).unwrap_err();
            assert!(
                error.to_string().contains(&format!("{pattern:?}")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_pattern_gives_at_most_so_many_literals() {
        let pattern = |last| format!("[a-h][a-{last}]");
        assert_eq!(literals(&pattern('h')).unwrap().len(), LITERALS_MAX);
        assert!(literals(&pattern('i')).is_err());
    }

    #[test]
    fn a_stand_in_without_its_pattern_is_an_error() {
        let error = lines(&["a".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("take it out"), "{error}");
    }

    #[test]
    fn a_name_is_short_and_one_for_each_bot() {
        for (literal, expect) in [
            ("Googlebot/", "Googlebot"),
            ("^LCC ", "LCC"),
            (" sentry/", "sentry"),
            ("Mediapartners (Googlebot)", "Mediapartners"),
            ("https://example.com/bot/", "example.com/bot"),
            ("SSL Labs$", "SSL Labs"),
            ("Y!J", "Y!J"),
        ] {
            assert_eq!(name(literal), expect);
        }
        let mut patterns: Vec<String> = STAND_INS.iter().map(|each| each.0.to_owned()).collect();
        patterns.extend(["[wW]get", r"WGet\/"].map(str::to_owned));
        let lines = lines(&patterns).unwrap();
        assert_eq!(
            lines.get(8..).unwrap(),
            ["Wget\tWget\n", "Wget\twget\n", "Wget\tWGet/\n"]
        );
    }
}

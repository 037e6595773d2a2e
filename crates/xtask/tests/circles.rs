//! No file of a crate imports from a file that imports it back, be it directly or through others.
//!
//! An import is a path in the code that begins with `crate`, `super`, a module or a used name. It
//! is an import from the file that defines the item, even if the path names a re-export. So a file
//! imports nothing if it only declares modules and re-exports. Code for tests may import from any
//! file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The names from the root of a crate to a module or an item.
type Names = Vec<String>;

/// The text of a file. None: there is no such file.
type TextOf<'a> = &'a dyn Fn(&str) -> Option<String>;

const ITEMS: [&str; 8] = [
    "const", "enum", "fn", "static", "struct", "trait", "type", "union",
];

/// The code of one crate.
#[derive(Default)]
struct Source {
    /// The file of each module.
    files: BTreeMap<Names, String>,
    items: BTreeSet<Names>,
    /// For each name that a `use` brings into a module: the path of the `use`.
    used: BTreeMap<Names, Names>,
    /// Each module with a `use …::*`, and the path before the star.
    globs: BTreeSet<(Names, Names)>,
    /// Each path in the code of a module, with the module. A single name is a path, too.
    paths: BTreeSet<(Names, Names)>,
}

impl Source {
    fn read(&mut self, module: &[String], file: &str, text_of: TextOf) {
        let tokens = text_of(file).unwrap().parse().unwrap();
        self.files.insert(module.to_vec(), file.to_owned());
        for child in self.scan(module, tokens) {
            let stem = child.join("/");
            let mut files = [format!("{stem}.rs"), format!("{stem}/mod.rs")].into_iter();
            let file = files.find(|file| text_of(file).is_some()).unwrap();
            self.read(&child, &file, text_of);
        }
    }

    /// Notes the code of a module. Returns the modules that have a file of their own.
    fn scan(&mut self, module: &[String], tokens: TokenStream) -> Vec<Names> {
        let tokens = Vec::from_iter(tokens);
        let text = |at: usize| tokens.get(at).map(ToString::to_string).unwrap_or_default();
        let (mut children, mut is_pub, mut at) = (Vec::new(), false, 0);
        while at < tokens.len() {
            let (word, next) = (text(at), text(at + 1));
            let was_pub = std::mem::take(&mut is_pub);
            match (word.as_str(), &tokens[at]) {
                ("#", _) if next.replace(' ', "") == "[cfg(test)]" => {
                    let ends = |at: &usize| text(*at) == ";" || in_braces(&tokens[*at]).is_some();
                    at = (at..tokens.len()).find(ends).unwrap_or(tokens.len()) + 1;
                }
                ("#", _) => at += 2,
                ("pub", _) => {
                    is_pub = true;
                    at += 1 + usize::from(next.starts_with('('));
                }
                ("mod", _) if next != "$" => {
                    let child = joined(module, &[next]);
                    if let Some(body) = tokens.get(at + 2).and_then(in_braces) {
                        self.files.insert(child.clone(), self.files[module].clone());
                        children.extend(self.scan(&child, body));
                    } else {
                        children.push(child);
                    }
                    at += 3;
                }
                ("use", _) if next != "<" => {
                    let end = (at..tokens.len()).find(|at| text(*at) == ";").unwrap();
                    self.note_use(module, Names::new(), &tokens[at + 1..end], was_pub);
                    at = end + 1;
                }
                (_, TokenTree::Group(body)) => {
                    children.extend(self.scan(module, body.stream()));
                    at += 1;
                }
                (_, TokenTree::Ident(_)) => {
                    if ITEMS.contains(&word.as_str()) {
                        self.items.insert(joined(module, &[next]));
                    }
                    let mut path = vec![word];
                    at += 1;
                    while let (":", ":", Some(TokenTree::Ident(name))) =
                        (&*text(at), &*text(at + 1), tokens.get(at + 2))
                    {
                        path.push(name.to_string());
                        at += 3;
                    }
                    self.paths.insert((module.to_vec(), path));
                }
                _ => at += 1,
            }
        }
        children
    }

    /// Notes a `use`, or the part of it behind `path`.
    fn note_use(&mut self, module: &[String], mut path: Names, tree: &[TokenTree], is_pub: bool) {
        let mut name = None;
        let mut tokens = tree.iter();
        while let Some(token) = tokens.next() {
            match (token.to_string().as_str(), in_braces(token)) {
                (_, Some(trees)) => {
                    let trees = Vec::from_iter(trees);
                    let each = trees.split(|token| token.to_string() == ",");
                    // Behind the last comma is nothing.
                    for tree in each.filter(|tree| !tree.is_empty()) {
                        self.note_use(module, path.clone(), tree, is_pub);
                    }
                    return;
                }
                ("*", _) => _ = self.globs.insert((module.to_vec(), path.clone())),
                ("as", _) => name = tokens.next().map(ToString::to_string),
                (":", _) => {}
                ("self", _) if !path.is_empty() => {}
                (text, _) => path.push(text.to_owned()),
            }
        }
        if let Some(name) = name.or(path.last().cloned()) {
            self.used.insert(joined(module, &[name]), path.clone());
            // A re-export is no import, unless the code below has its name.
            if !is_pub {
                self.paths.insert((module.to_vec(), path));
            }
        }
    }

    /// The file that defines the item of a path. None: the path is of another crate.
    fn file_of(&self, module: &[String], path: &[String], steps: usize) -> Option<&String> {
        let first = joined(module, path.get(..1)?);
        let is_ours = ["crate", "self", "super"].contains(&path[0].as_str())
            || self.used.contains_key(&first)
            || (path.len() > 1 && self.files.contains_key(&first));
        if !is_ours || steps == 0 {
            return None;
        }
        let path = from_root(module, path);
        let Some(at) = (0..path.len()).find(|at| !self.files.contains_key(&path[..=*at])) else {
            return self.files.get(&path);
        };
        let (module, rest) = path.split_at(at);
        if let Some(used) = self.used.get(&path[..=at]) {
            return self.file_of(module, &joined(used, &rest[1..]), steps - 1);
        }
        for (_, glob) in self.globs.iter().filter(|(of, _)| of == module) {
            let item = joined(&from_root(module, glob), &rest[..1]);
            if self.items.contains(&item) || self.used.contains_key(&item) {
                return self.file_of(module, &joined(glob, rest), steps - 1);
            }
        }
        self.files.get(module)
    }

    /// A circle of imports, as a text that names each step.
    fn circle(&self) -> Option<String> {
        let mut imports = BTreeMap::<&String, BTreeMap<&String, String>>::new();
        for (module, path) in &self.paths {
            let file = &self.files[module];
            if let Some(from) = self.file_of(module, path, 9).filter(|from| *from != file) {
                imports
                    .entry(file)
                    .or_default()
                    .insert(from, path.join("::"));
            }
        }
        // A file is in no circle if it imports from none of the files that remain.
        loop {
            let remaining = BTreeSet::from_iter(imports.keys().copied());
            imports.retain(|_, from| from.keys().any(|from| remaining.contains(from)));
            if imports.len() == remaining.len() {
                break;
            }
        }
        let mut way = vec![*imports.keys().next()?];
        loop {
            let last = way[way.len() - 1];
            let next = *imports[last]
                .keys()
                .find(|from| imports.contains_key(**from))?;
            if let Some(begin) = way.iter().position(|file| *file == next) {
                let steps = way[begin..]
                    .iter()
                    .zip(way[begin + 1..].iter().chain([&next]));
                let steps = steps.map(|(file, from)| {
                    format!("{file} imports {} from {from}", imports[*file][*from])
                });
                return Some(Vec::from_iter(steps).join(", "));
            }
            way.push(next);
        }
    }
}

fn in_braces(token: &TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    }
}

fn joined(path: &[String], rest: &[String]) -> Names {
    [path, rest].concat()
}

/// The path from the crate's root on.
fn from_root(module: &[String], path: &[String]) -> Names {
    let mut names = module.to_vec();
    for name in path {
        match name.as_str() {
            "crate" => names.clear(),
            "self" => {}
            "super" => _ = names.pop(),
            name => names.push(name.to_owned()),
        }
    }
    names
}

#[test]
fn no_file_imports_from_a_file_that_imports_it_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["crates", "components"].map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let packages = folders
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    for package in packages.chain([root.join("tests")]) {
        let text_of = |file: &str| fs::read_to_string(package.join("src").join(file)).ok();
        let roots = ["lib.rs", "main.rs"].into_iter();
        for file in roots.filter(|file| text_of(file).is_some()) {
            let mut source = Source::default();
            source.read(&[], file, &text_of);
            assert_eq!(source.circle(), None, "in {}", package.display());
        }
    }
}

/// Checks a crate that is made of these files.
fn check(files: &[(&str, &str)], expect: Option<&str>) {
    let find = |name: &str| files.iter().find(|(file, _)| *file == name);
    let text_of = |name: &str| find(name).map(|(_, text)| (*text).to_owned());
    let mut source = Source::default();
    source.read(&[], "lib.rs", &text_of);
    assert_eq!(source.circle().as_deref(), expect);
}

#[test]
fn a_circle_of_two_files_is_found() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B; fn f() { super::a::g(); }"),
    ];
    let expect = "a.rs imports crate::b::B from b.rs, b.rs imports super::a::g from a.rs";
    check(&files, Some(expect));
}

#[test]
fn a_circle_through_re_exports_and_macros_is_found() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use c::*;"),
        ("a.rs", "use crate::{C, b}; pub struct A(C);"),
        ("b/mod.rs", "mod inner; pub use inner::B as Other;"),
        ("b/inner.rs", "use crate::a::A; pub struct B(A);"),
        (
            "c.rs",
            "pub struct C; fn f() { log!(\"{}\", crate::b::Other::new()); }",
        ),
    ];
    let expect = "a.rs imports crate::C from c.rs, \
                  c.rs imports crate::b::Other::new from b/inner.rs, \
                  b/inner.rs imports crate::a::A from a.rs";
    check(&files, Some(expect));
}

#[test]
fn a_re_export_is_an_import_if_the_code_of_its_file_needs_it() {
    let files = |root| [("lib.rs", root), ("a.rs", "use crate::B; pub struct A(B);")];
    check(&files("mod a; pub use a::A; pub struct B;"), None);
    let expect = "a.rs imports crate::B from lib.rs, lib.rs imports A from a.rs";
    check(
        &files("mod a; pub use a::A; pub enum B { Of(Box<A>) }"),
        Some(expect),
    );
}

#[test]
fn tests_may_import_from_any_file() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        (
            "b.rs",
            "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
        ),
    ];
    check(&files, None);
}

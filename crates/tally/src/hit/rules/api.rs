//! The operator's API, as its OpenAPI file has it: paths with variables, and the methods of each.
//!
//! A path of a hit is found segment by segment. A segment that is written out comes before one with
//! variables, so `/users/me` comes before `/users/{id}`. The time to find a path depends on the
//! paths that begin like it, and not on the number of all paths.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use thiserror::Error;

use super::encoding::normal_encoding;
use super::spelling::Spelling;
use crate::hit::PATH_BYTES_MAX;

/// The most operations, and the most paths. A bucket of the sums has as many paths by name.
pub const API_OPERATIONS_MAX: usize = 10_000;

/// The node at which every path begins.
const ROOT: usize = 0;

/// An API. By default it has no path.
#[derive(Clone, Debug, Default)]
pub struct Api {
    paths: Vec<ApiPath>,
    nodes: Vec<Node>,
    spelling: Spelling,
}

/// A path of an API.
#[derive(Clone, Debug)]
struct ApiPath {
    /// As in `/users/{id}`. Hits are counted under it.
    text: String,
    methods: BTreeSet<String>,
}

/// The segments that may follow after the same first segments.
#[derive(Clone, Debug, Default)]
struct Node {
    fixed: HashMap<String, usize>,
    /// In the order in which they are tried.
    variable: Vec<(Segment, usize)>,
    /// The path that ends here.
    path: Option<usize>,
}

/// A segment with variables. Each stands for one character or more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    start: String,
    /// The texts between the variables.
    between: Vec<String>,
    end: String,
}

/// Why paths are no API.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadApi {
    #[error("there are more than {API_OPERATIONS_MAX} paths or operations")]
    TooMany,
    #[error("the path {path:?} {reason}")]
    Path { path: String, reason: &'static str },
}

impl Api {
    /// Takes the methods of each path. The part of a path behind `?` or `#` is left out, as it is
    /// in the paths of hits. If two paths differ only in the names of their variables, they are one
    /// path with the names of the first.
    pub fn new(
        paths: impl IntoIterator<Item = (String, Vec<String>)>,
        spelling: Spelling,
    ) -> Result<Self, BadApi> {
        let mut api = Self {
            paths: Vec::new(),
            nodes: vec![Node::default()],
            spelling,
        };
        let mut operations = 0;
        for (path, methods) in paths {
            operations += methods.len();
            api.add(path, methods)?;
            if api.paths.len().max(operations) > API_OPERATIONS_MAX {
                return Err(BadApi::TooMany);
            }
        }
        for node in &mut api.nodes {
            node.variable.sort_by_key(|(segment, _)| segment.rank());
        }
        Ok(api)
    }

    fn add(&mut self, mut path: String, methods: Vec<String>) -> Result<(), BadApi> {
        let bad = |path: &str, reason| BadApi::Path {
            path: path.to_owned(),
            reason,
        };
        if let Some(end) = path.find(['?', '#']) {
            path.truncate(end);
        }
        if !path.starts_with('/') {
            return Err(bad(&path, "does not begin with /"));
        }
        if path.len() > PATH_BYTES_MAX {
            return Err(bad(&path, "is too long"));
        }
        let as_written = Spelling {
            lower_case: false,
            ..self.spelling
        };
        let text = as_written.of(normal_encoding(path));
        let mut at = ROOT;
        for segment in self.spelling.of(text.clone()).split('/') {
            let variable = Segment::read(segment).map_err(|reason| bad(&text, reason))?;
            at = self.step(at, segment, variable);
        }
        let count = self.paths.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return Ok(());
        };
        let known = *node.path.get_or_insert(count);
        match self.paths.get_mut(known) {
            Some(known) => known.methods.extend(methods),
            None => self.paths.push(ApiPath {
                text,
                methods: methods.into_iter().collect(),
            }),
        }
        Ok(())
    }

    /// The node behind a segment. Makes it if there is none.
    fn step(&mut self, at: usize, text: &str, variable: Option<Segment>) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        let next = match variable {
            None => *node.fixed.entry(text.to_owned()).or_insert(new),
            Some(segment) => match node.variable.iter().find(|(known, _)| *known == segment) {
                Some((_, next)) => *next,
                None => {
                    node.variable.push((segment, new));
                    new
                }
            },
        };
        if next == new {
            self.nodes.push(Node::default());
        }
        next
    }

    /// The path of the API that a path of a hit is counted under.
    pub(super) fn counted(&self, path: &str) -> Option<&str> {
        Some(self.find(path)?.text.as_str())
    }

    /// The operation that a path key belongs to, as `METHOD /path`.
    pub fn operation(&self, path_key: &str) -> Option<String> {
        let (method, path) = path_key.split_once(' ')?;
        let path = self.find(&self.spelling.of(path.to_owned()))?;
        let has_method = path.methods.contains(method);
        has_method.then(|| format!("{method} {}", path.text))
    }

    /// Each operation, as `METHOD /path`.
    pub fn operations(&self) -> impl Iterator<Item = String> {
        self.paths.iter().flat_map(|path| {
            let methods = path.methods.iter();
            methods.map(move |method| format!("{method} {}", path.text))
        })
    }

    /// `path` is in its one spelling.
    fn find(&self, path: &str) -> Option<&ApiPath> {
        // What was added last is tried first. A node is tried at most once.
        let mut open = vec![(ROOT, path.split('/'))];
        while let Some((at, mut rest)) = open.pop() {
            let node = self.nodes.get(at)?;
            let Some(segment) = rest.next() else {
                match node.path {
                    Some(path) => return self.paths.get(path),
                    None => continue,
                }
            };
            let fitting = node.variable.iter().rev();
            let fitting = fitting.filter(|(known, _)| known.has(segment));
            open.extend(fitting.map(|(_, next)| (*next, rest.clone())));
            open.extend(node.fixed.get(segment).map(|next| (*next, rest)));
        }
        None
    }
}

impl Segment {
    /// Reads a segment of a path of an API. None: it has no variable.
    fn read(text: &str) -> Result<Option<Self>, &'static str> {
        let Some((start, mut rest)) = text.split_once('{') else {
            return match text.contains('}') {
                true => Err("has a } without a {"),
                false => Ok(None),
            };
        };
        let mut between = Vec::new();
        loop {
            let (name, after) = rest.split_once('}').ok_or("has a { without a }")?;
            if name.contains('{') {
                return Err("has a { within { and }");
            }
            let Some((literal, next)) = after.split_once('{') else {
                return Ok(Some(Self {
                    start: start.to_owned(),
                    between,
                    end: after.to_owned(),
                }));
            };
            between.push(literal.to_owned());
            rest = next;
        }
    }

    fn has(&self, segment: &str) -> bool {
        let rest = segment.strip_prefix(self.start.as_str());
        let rest = rest.and_then(|rest| rest.strip_suffix(self.end.as_str()));
        let Some(mut rest) = rest else {
            return false;
        };
        for literal in &self.between {
            // The variable has one character at least. The first place that fits is the best one.
            let mut characters = rest.chars();
            characters.next();
            let Some((_, after)) = characters.as_str().split_once(literal.as_str()) else {
                return false;
            };
            rest = after;
        }
        !rest.is_empty()
    }

    /// The segments that say more come first.
    fn rank(&self) -> Reverse<usize> {
        let between: usize = self.between.iter().map(String::len).sum();
        Reverse(self.start.len() + between + self.end.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn api(lines: &[&str], spelling: Spelling) -> Result<Api, BadApi> {
        let paths = lines.iter().map(|line| {
            let (methods, path) = line.split_once(' ').unwrap();
            let methods = methods.split('|').map(str::to_owned);
            (path.to_owned(), methods.collect())
        });
        Api::new(paths, spelling)
    }

    #[track_caller]
    fn check(api: &Api, path: &str, expect: Option<&str>) {
        assert_eq!(api.counted(path), expect, "{path}");
    }

    #[test]
    fn a_path_written_out_comes_before_one_with_variables() {
        let api = api(
            &[
                "GET /users/{id}",
                "GET /users/me",
                "GET /users/{id}/orders/{order}",
                "GET /users/me/orders/{order}",
                "GET /{any}/{thing}/orders/last",
                "GET /",
            ],
            Spelling::EXACT,
        )
        .unwrap();
        for (path, expect) in [
            ("/users/me", "/users/me"),
            ("/users/you", "/users/{id}"),
            ("/users/{id}", "/users/{id}"),
            ("/users/you/orders/7", "/users/{id}/orders/{order}"),
            ("/users/me/orders/7", "/users/me/orders/{order}"),
            ("/shops/me/orders/last", "/{any}/{thing}/orders/last"),
            ("/", "/"),
        ] {
            check(&api, path, Some(expect));
        }
        for path in ["", "/users", "/users/", "/users/7/", "/users/7/orders", "*"] {
            check(&api, path, None);
        }
    }

    #[test]
    fn a_variable_may_be_a_part_of_a_segment() {
        let api = api(
            &[
                "GET /files/{name}",
                "GET /files/{name}.json",
                "GET /maps/{x}-{y},{z}",
                "GET /jobs/{id}:cancel",
                "GET /twins/{a}{b}",
                "GET /ab{a}ba",
            ],
            Spelling::EXACT,
        )
        .unwrap();
        for (path, expect) in [
            ("/files/a.txt", Some("/files/{name}")),
            ("/files/a.b.json", Some("/files/{name}.json")),
            ("/files/.json", Some("/files/{name}")),
            ("/maps/1-2,3", Some("/maps/{x}-{y},{z}")),
            ("/maps/1--2,3", Some("/maps/{x}-{y},{z}")),
            ("/maps/-2,3", None),
            ("/maps/1-2,", None),
            ("/jobs/7:cancel", Some("/jobs/{id}:cancel")),
            ("/jobs/7", None),
            ("/twins/éö", Some("/twins/{a}{b}")),
            ("/twins/é", None),
            ("/abcba", Some("/ab{a}ba")),
            ("/aba", None),
        ] {
            check(&api, path, expect);
        }
    }

    #[test]
    fn an_operation_is_found_by_any_path_that_is_counted_under_it() {
        let spelling = Spelling {
            no_trailing_slash: true,
            lower_case: true,
        };
        let api = api(
            &[
                "GET|POST /Users/{userId}/",
                "DELETE /users/{id}",
                "GET /caf%c3%a9?x={y}",
            ],
            spelling,
        )
        .unwrap();
        let every: Vec<String> = api.operations().collect();
        let users = ["DELETE", "GET", "POST"].map(|method| format!("{method} /Users/{{userId}}"));
        assert_eq!(every[..3], users);
        assert_eq!(every[3..], ["GET /caf%C3%A9"]);
        for (key, expect) in [
            ("GET /users/7", Some("GET /Users/{userId}")),
            ("GET /USERS/7/", Some("GET /Users/{userId}")),
            ("DELETE /Users/{userId}", Some("DELETE /Users/{userId}")),
            ("PUT /users/7", None),
            ("GET /users", None),
            ("(other)", None),
            ("GET *", None),
        ] {
            assert_eq!(api.operation(key).as_deref(), expect, "{key}");
        }
    }

    #[test]
    fn a_path_that_cannot_be_used_is_named() {
        let long = format!("GET /{}", "a".repeat(PATH_BYTES_MAX));
        for (line, reason) in [
            ("GET users", "does not begin with /"),
            ("GET /{a", "has a { without a }"),
            ("GET /a}", "has a } without a {"),
            ("GET /{a{b}}", "has a { within { and }"),
            ("GET /{a/b}", "has a { without a }"),
            (&long, "is too long"),
        ] {
            let error = api(&[line], Spelling::EXACT).unwrap_err().to_string();
            assert!(error.ends_with(reason), "{line}: {error}");
        }
        assert!(api(&[&long[..long.len() - 1]], Spelling::EXACT).is_ok());
    }

    #[test]
    fn there_is_a_most_of_operations_and_of_paths() {
        let many = |paths: usize, methods: usize| {
            let methods = vec!["GET".to_owned(); methods];
            let paths = (0..paths).map(|n| (format!("/{n}"), methods.clone()));
            Api::new(paths, Spelling::EXACT)
        };
        let most = API_OPERATIONS_MAX;
        assert!(many(most, 1).is_ok() && many(most / 2, 2).is_ok() && many(most, 0).is_ok());
        for (paths, methods) in [(most + 1, 0), (most + 1, 1), (most / 2 + 1, 2)] {
            assert_eq!(many(paths, methods).unwrap_err(), BadApi::TooMany);
        }
    }

    #[test]
    fn a_path_that_fits_in_many_ways_until_its_end_is_searched_to_the_end() {
        let of = |n: u32| (0..12).map(move |bit| if n >> bit & 1 == 1 { "/a" } else { "/{x}" });
        let paths = (0..4096).map(|n| (of(n).collect::<String>() + "/end", vec![]));
        let api = Api::new(paths, Spelling::EXACT).unwrap();
        check(&api, &"/a".repeat(13), None);
        let end = "/a".repeat(11) + "/b/end";
        check(&api, &end, Some(&("/a".repeat(11) + "/{x}/end")));
    }
}

//! Which paths are one, and which do not count.

use std::sync::Arc;

use super::api::Api;
use super::encoding::normal_encoding;
use super::spelling::Spelling;
use super::words::words;

/// What stands for an id in a path.
const ID: &str = ":id";
/// A text of hexadecimal digits with this length or more is a hash.
const HASH_DIGITS: usize = 16;

/// Which paths count as one, and which hits do not count.
#[derive(Clone, Debug, Default)]
pub struct PathRules {
    /// Numbers, UUIDs, hashes and dates count as `:id`.
    pub ids: bool,
    pub spelling: Spelling,
    /// A path of the API counts under the API's text of it, if it fits no template.
    pub api: Option<Arc<Api>>,
    templates: Vec<Template>,
    excluded: Vec<Pattern>,
}

/// A path with variable parts.
#[derive(Clone, Debug)]
struct Template {
    text: String,
    /// The last segment is `*`: it stands for any number of segments.
    has_rest: bool,
}

/// The paths that do not count.
#[derive(Clone, Debug)]
enum Pattern {
    Is(String),
    Starts(String),
    Ends(String),
}

impl PathRules {
    pub(super) const NONE: Self = Self {
        ids: false,
        spelling: Spelling::EXACT,
        api: None,
        templates: Vec::new(),
        excluded: Vec::new(),
    };

    /// `templates` is a list of paths as `/users/:name/orders/:id` or `/files/*`. `excluded` is a
    /// list of paths, where a `*` at the start or at the end stands for any text.
    ///
    /// # Errors
    /// A word of a list cannot be used. The error is this word.
    pub fn new(templates: &str, excluded: &str) -> Result<Self, String> {
        Ok(Self {
            templates: words(templates)
                .map(Template::read)
                .collect::<Result<_, _>>()?,
            excluded: words(excluded)
                .map(Pattern::read)
                .collect::<Result<_, _>>()?,
            ..Self::default()
        })
    }

    /// The path that a path counts under. `None`: the hit does not count.
    pub(crate) fn counted(&self, mut path: String) -> Option<String> {
        if self.excluded.iter().any(|pattern| pattern.has(&path)) {
            return None;
        }
        if !path.starts_with('/') {
            return Some(path);
        }
        path = self.spelling.of(path);
        let mut templates = self.templates.iter();
        if let Some(template) = templates.find(|template| template.has(&path)) {
            return Some(template.text.clone());
        }
        if let Some(text) = self.api.as_ref().and_then(|api| api.counted(&path)) {
            return Some(text.to_owned());
        }
        if self.ids && path.split('/').any(is_id) {
            let segments = path.split('/').map(|segment| match is_id(segment) {
                true => ID,
                false => segment,
            });
            path = segments.collect::<Vec<_>>().join("/");
        }
        Some(path)
    }
}

impl Template {
    fn read(word: &str) -> Result<Self, String> {
        let has_rest = word.ends_with("/*");
        let fixed = word.strip_suffix("/*").unwrap_or(word);
        // No path has the start of a query.
        if !word.starts_with('/') || fixed.contains(['*', '?', '#']) {
            return Err(word.to_owned());
        }
        let text = normal_encoding(word.to_owned());
        Ok(Self { text, has_rest })
    }

    fn has(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        let fixed = match self.has_rest {
            true => self.text.trim_end_matches("/*"),
            false => &self.text,
        };
        for expected in fixed.split('/') {
            let fits = segments
                .next()
                .is_some_and(|segment| match expected.strip_prefix(':') {
                    Some(_name) => !segment.is_empty(),
                    None => segment == expected,
                });
            if !fits {
                return false;
            }
        }
        segments.next().is_some() == self.has_rest
    }
}

impl Pattern {
    fn read(word: &str) -> Result<Self, String> {
        let (start, end) = (word.strip_suffix('*'), word.strip_prefix('*'));
        let text = |text: &str| normal_encoding(text.to_owned());
        let pattern = match (start, end) {
            (Some(start), None) => Self::Starts(text(start)),
            (None, Some(end)) => Self::Ends(text(end)),
            (None, None) => Self::Is(text(word)),
            // This would leave out all hits, or those with a text in the middle.
            (Some(_), Some(_)) => return Err(word.to_owned()),
        };
        match &pattern {
            Self::Is(text) | Self::Starts(text) | Self::Ends(text)
                if text.is_empty() || text.contains(['*', '?', '#']) =>
            {
                Err(word.to_owned())
            }
            _ => Ok(pattern),
        }
    }

    fn has(&self, path: &str) -> bool {
        match self {
            Self::Is(whole) => path == whole,
            Self::Starts(start) => path.starts_with(start),
            Self::Ends(end) => path.ends_with(end),
        }
    }
}

/// A number, a UUID, a hash or a date.
fn is_id(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let are_digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    let are_hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    let lengths = |expected: &[usize], is_part: &dyn Fn(&[u8]) -> bool| {
        let parts = bytes.split(|byte| *byte == b'-');
        let lengths = parts.clone().map(<[u8]>::len);
        lengths.eq(expected.iter().copied()) && parts.into_iter().all(is_part)
    };
    let is_hash =
        bytes.len() >= HASH_DIGITS && are_hex(bytes) && bytes.iter().any(u8::is_ascii_digit);
    are_digits(bytes)
        || is_hash
        || lengths(&[8, 4, 4, 4, 12], &are_hex)
        || lengths(&[4, 2, 2], &are_digits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::super::encoding::normal_encoding;
    use super::*;

    #[track_caller]
    fn check(rules: &PathRules, path: &str, expect: Option<&str>) {
        assert_eq!(rules.counted(path.to_owned()).as_deref(), expect, "{path}");
    }

    #[test]
    fn ids_are_numbers_uuids_hashes_and_dates() {
        let rules = PathRules {
            ids: true,
            ..PathRules::default()
        };
        for (path, expect) in [
            ("/users/42", "/users/:id"),
            ("/users/42/orders/7/", "/users/:id/orders/:id/"),
            ("/a/550e8400-e29b-41d4-a716-446655440000/b", "/a/:id/b"),
            ("/c/d41d8cd98f00b204e9800998ecf8427e", "/c/:id"),
            ("/days/2026-11-27", "/days/:id"),
            ("/v1/users", "/v1/users"),
            ("/deadbeef", "/deadbeef"),
            ("/abcdefabcdefabcdef", "/abcdefabcdefabcdef"),
            ("/2026-11", "/2026-11"),
            ("/1.5", "/1.5"),
            ("/", "/"),
            ("example.com:443", "example.com:443"),
        ] {
            check(&rules, path, Some(expect));
        }
        check(&PathRules::default(), "/users/42", Some("/users/42"));
    }

    #[test]
    fn a_template_has_the_paths_with_its_segments_and_comes_before_the_ids() {
        let templates = "/users/:name/orders/:order, /files/* /about";
        let mut rules = PathRules::new(templates, "").unwrap();
        rules.ids = true;
        for (path, expect) in [
            ("/users/ada/orders/7", "/users/:name/orders/:order"),
            ("/users//orders/7", "/users//orders/:id"),
            ("/users/ada/orders", "/users/ada/orders"),
            ("/users/ada/orders/7/items", "/users/ada/orders/:id/items"),
            ("/files/a/b/c.txt", "/files/*"),
            ("/files/", "/files/*"),
            ("/files", "/files"),
            ("/about", "/about"),
        ] {
            check(&rules, path, Some(expect));
        }
    }

    #[test]
    fn a_path_of_the_api_comes_behind_the_templates_and_before_the_ids() {
        let paths = ["/users/{name}/orders/{id}", "/users/42", "/items/{id}"];
        let paths = paths.map(|path| (path.to_owned(), Vec::new()));
        let mut rules = PathRules::new("/items/:item", "").unwrap();
        rules.ids = true;
        rules.api = Some(Arc::new(Api::new(paths, Spelling::default()).unwrap()));
        for (path, expect) in [
            ("/users/ada/orders/7", "/users/{name}/orders/{id}"),
            ("/users/42", "/users/42"),
            ("/users/43", "/users/:id"),
            ("/items/7", "/items/:item"),
        ] {
            check(&rules, path, Some(expect));
        }
    }

    #[test]
    fn slashes_and_letters_count_as_the_rules_say() {
        let rules = PathRules {
            spelling: Spelling {
                no_trailing_slash: true,
                lower_case: true,
            },
            ..PathRules::default()
        };
        for (path, expect) in [
            ("/A/b/", "/a/b"),
            ("//", "/"),
            ("/", "/"),
            ("/É", "/é"),
            ("/%C3%89", "/%C3%89"),
            ("*", "*"),
        ] {
            check(&rules, path, Some(expect));
        }
    }

    #[test]
    fn what_is_excluded_does_not_count() {
        let rules = PathRules::new("", "/healthz, /static/* *.css").unwrap();
        for path in ["/healthz", "/static/a.js", "/a/b.css"] {
            check(&rules, path, None);
        }
        for path in ["/healthz/", "/statics", "/a.css/b", "/"] {
            check(&rules, path, Some(path));
        }
    }

    #[test]
    fn a_bad_word_of_a_list_is_named() {
        for word in ["users", "/a/*/b", "/a*", "/a?b=*", "/:a#b"] {
            assert_eq!(PathRules::new(word, "").unwrap_err(), word);
        }
        for word in ["*", "**", "*a*", "/a*b", "/a?b", "/a#*"] {
            assert_eq!(PathRules::new("", word).unwrap_err(), word);
        }
    }

    #[test]
    fn a_word_of_a_list_may_have_any_encoding() {
        let rules = PathRules::new("/caf%c3%a9/:id", "/%7Eada /x%2f*").unwrap();
        check(&rules, "/caf%C3%A9/7", Some("/caf%C3%A9/:id"));
        check(&rules, "/~ada", None);
        check(&rules, "/x%2Fy", None);
    }

    proptest! {
        #[test]
        fn whatever_a_path_is_its_one_form_stays_the_same(path in "(/|%|%[46][1-6]|%3[0-9]|[0-9a-fA-F]|é|-|:|\\*){0,40}") {
            let once = normal_encoding(path);
            prop_assert_eq!(normal_encoding(once.clone()), once.clone());
            let spelling = Spelling { no_trailing_slash: true, lower_case: true };
            let paths = ["/{A}/b/{C}/", "/{A}/{B}/{C}", "/a{A}-{B}"];
            let api = Api::new(paths.map(|path| (path.to_owned(), vec![])), spelling).unwrap();
            let mut rules = PathRules::new("/:a/:b /x/*", "/0*").unwrap();
            (rules.ids, rules.spelling, rules.api) = (true, spelling, Some(Arc::new(api)));
            if let Some(counted) = rules.counted(once) {
                prop_assert_eq!(rules.counted(counted.clone()), Some(counted));
            }
        }
    }
}

//! Entity tags. Two answers with the same tag are the same.

use http::HeaderMap;
use http::header::IF_NONE_MATCH;
use sha2::{Digest, Sha256};

/// The hex digits of a tag: 96 bits, so that no two answers ever have the same tag.
const TAG_DIGITS: usize = 24;

/// The tag of a body, in quotes, as the header has it.
pub fn of(body: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(body));
    format!("\"{digest:.TAG_DIGITS$}\"")
}

/// Whether the client has this answer: `If-None-Match` names it. The comparison is RFC 9110's weak
/// one.
pub fn is_known(asked: &HeaderMap, etag: &str) -> bool {
    let values = asked.get_all(IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_client_that_has_the_answer_is_told_so() {
        let check = |values: &[&'static str], expect: bool| {
            let values = values.iter().copied().map(HeaderValue::from_static);
            let headers: HeaderMap = values.map(|value| (IF_NONE_MATCH, value)).collect();
            assert_eq!(is_known(&headers, "\"abc\""), expect, "{headers:?}");
        };
        check(&[], false);
        check(&["\"abc\""], true);
        check(&["W/\"abc\""], true);
        check(&["\"x\", \"abc\""], true);
        check(&["\"x\"", "\"abc\""], true);
        check(&["*"], true);
        check(&["abc", "\"ABC\""], false);
    }

    #[test]
    fn the_same_body_has_the_same_tag_and_another_one_another() {
        assert_eq!(of(b"{}"), of(b"{}"));
        assert_ne!(of(b"{}"), of(b"[]"));
    }
}

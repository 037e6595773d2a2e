//! Bearer tokens: the configured tokens, and the token of a request.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use subtle::{Choice, ConstantTimeEq};

use crate::variable;

/// The store's counter of wrong tokens.
pub const DENIED_COUNTER: &str = "access-denied";

/// [`Tokens::number`] of a request's token, as the router hands it to the collector. Only the router
/// writes it: it hands no such header of a client on. So the token itself stays in the router.
pub const TOKEN_NUMBER: HeaderName = HeaderName::from_static("rollcall-token");

/// The tokens of one variable. Each token lets a client in, so that a new token can be added before
/// the old one is removed. If there is no token, nobody is let in.
///
/// Tokens cannot be printed, on purpose.
pub struct Tokens(Vec<String>);

impl Tokens {
    /// The tokens of a variable.
    pub async fn configured(variable: &str) -> Self {
        Self::listed(&variable::text(variable).await)
    }

    /// The tokens of a list, separated by whitespace or commas.
    pub fn listed(text: &str) -> Self {
        let tokens = text.split(|c: char| c.is_whitespace() || c == ',');
        let tokens = tokens.filter(|token| !token.is_empty());
        Self(tokens.map(str::to_owned).collect())
    }

    /// Whether this is one of the tokens. Compares all bytes of all tokens, so that the time does
    /// not tell how much of a token is right.
    pub fn contain(&self, given: &str) -> bool {
        self.number(given).is_some()
    }

    /// The place of a token in the list, from 1 on. Compares all bytes of all tokens, too.
    pub fn number(&self, given: &str) -> Option<usize> {
        let same = |token: &String| token.as_bytes().ct_eq(given.as_bytes());
        let same: Vec<Choice> = self.0.iter().map(same).collect();
        let place = same.into_iter().position(bool::from)?;
        Some(place + 1)
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The number that the router handed on. `None`: the request needed no token.
pub fn token_number(headers: &HeaderMap) -> Option<usize> {
    headers.get(TOKEN_NUMBER)?.to_str().ok()?.parse().ok()
}

/// The token of a request. `None`: the request has two `Authorization` headers, or another scheme,
/// such as a proxy's.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let value = value.to_str().ok()?.trim();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn every_token_of_a_list_lets_in_and_nothing_else_does() {
        for list in ["new,old", "new old", " new ,\n old,, ", "old\tnew"] {
            let tokens = Tokens::listed(list);
            for (given, expect) in [
                ("new", true),
                ("old", true),
                ("new,old", false),
                ("new old", false),
                ("ne", false),
                ("newx", false),
                ("NEW", false),
                ("", false),
                (",", false),
            ] {
                assert_eq!(tokens.contain(given), expect, "{given:?} of {list:?}");
            }
        }
    }

    #[test]
    fn a_token_has_a_number() {
        let tokens = Tokens::listed("new old new");
        assert_eq!(tokens.number("new"), Some(1));
        assert_eq!(tokens.number("old"), Some(2));
        assert_eq!(tokens.number("wrong"), None);
    }

    #[test]
    fn an_empty_list_lets_nobody_in() {
        for list in ["", " ", ",", " ,\n"] {
            let tokens = Tokens::listed(list);
            assert_eq!(tokens.iter().count(), 0);
            for given in ["", " ", ",", "x"] {
                assert!(!tokens.contain(given), "{given:?} of {list:?}");
            }
        }
    }

    #[test]
    fn the_token_is_that_of_the_only_header_with_the_scheme() {
        let check = |values: &[&'static str], expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(bearer(&headers), expect, "{values:?}");
        };
        check(&["Bearer s3cret"], Some("s3cret"));
        check(&["bearer  s3cret "], Some("s3cret"));
        check(&["Bearer"], Some(""));
        check(&["Basic s3cret"], None);
        check(&["s3cret"], None);
        check(&[], None);
        check(&["Bearer a", "Bearer b"], None);
    }

    proptest::proptest! {
        #[test]
        fn a_token_that_was_read_is_in_the_header(value: Vec<u8>, list in "[ -~]{0,30}", scheme in "[Bb]earer +") {
            for value in [value.clone(), [scheme.as_bytes(), &value].concat()] {
                let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
                let headers = HeaderMap::from_iter([(AUTHORIZATION, value.clone())]);
                if let Some(token) = bearer(&headers) {
                    proptest::prop_assert!(value.to_str().unwrap().trim().ends_with(token));
                    let is_listed = list.split([' ', ',']).any(|listed| listed == token && !listed.is_empty());
                    proptest::prop_assert_eq!(Tokens::listed(&list).contain(token), is_listed);
                }
            }
        }
    }
}

//! Bearer tokens.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

/// Whether a request carries the token. With no token configured nobody is let in.
pub fn is_authorized(headers: &HeaderMap, token: &str) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Some((scheme, given)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return false;
    };
    // Takes as long for a token that is wrong in its last byte as for one that is wrong in its first.
    let same: bool = given.trim().as_bytes().ct_eq(token.as_bytes()).into();
    same && scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn check(header: Option<&str>, token: &str, expect: bool) {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        }
        assert_eq!(
            is_authorized(&headers, token),
            expect,
            "{header:?} for {token:?}"
        );
    }

    #[test]
    fn only_the_configured_token_gets_in() {
        check(Some("Bearer s3cret"), "s3cret", true);
        check(Some("bearer s3cret"), "s3cret", true);
        check(Some("Bearer s3cre"), "s3cret", false);
        check(Some("Bearer s3cretx"), "s3cret", false);
        check(Some("Basic s3cret"), "s3cret", false);
        check(Some("s3cret"), "s3cret", false);
        check(None, "s3cret", false);
    }

    #[test]
    fn no_token_configured_lets_nobody_in() {
        check(Some("Bearer "), "", false);
        check(Some("Bearer x"), "", false);
        check(None, "", false);
    }

    #[test]
    fn two_authorization_headers_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert!(!is_authorized(&headers, "a"));
        assert!(!is_authorized(&headers, "b"));
    }
}

//! A person's session: a cookie with a role, an end, and a signature by the token that the session
//! began with.
//!
//! The cookie is `admin.1790000000.` and the signature. It holds no secret, and the app stores
//! nothing of it. It holds until its end, or until its token is no longer configured. A cookie is
//! checked only against the tokens of its own role: a cookie that a viewer's token signed is never
//! an admin's.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::header::COOKIE;
use http::{HeaderMap, Request};
use rollcall_web::signature;

use crate::keys::{Keys, Role};
use crate::local;

/// How long a person stays signed in: a working day. A stolen cookie is no use after that.
const LIFETIME_S: u32 = 12 * 60 * 60;

/// The purpose of the signature. No other text that a token may sign begins with it.
const PURPOSE: &str = "rollcall session 1: ";

/// The value of a new session's cookie. `None` does not occur: every token is fit for a key.
pub fn begin(token: &str, role: Role, now_s: u64) -> Option<String> {
    let claim = format!("{}.{}", name(role), now_s.saturating_add(LIFETIME_S.into()));
    let signature = signature::sign(token, signed(&claim))?;
    Some(format!("{claim}.{signature}"))
}

/// The role of the session that a request carries.
pub fn of<B>(request: &Request<B>, keys: &Keys, now_s: u64) -> Option<Role> {
    let name = cookie_name(local::is_https(request));
    let mut ours = cookies(request.headers()).filter(|cookie| cookie.name() == name);
    ours.find_map(|cookie| role(cookie.value(), keys, now_s))
}

/// The cookies of a request.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    let headers = headers.get_all(COOKIE).iter();
    let headers = headers.filter_map(|header| header.to_str().ok());
    headers.flat_map(|header| Cookie::split_parse(header).flatten())
}

/// The role of a cookie that holds. All tokens of the role are tried, also after one fits.
fn role(value: &str, keys: &Keys, now_s: u64) -> Option<Role> {
    let (claim, given) = value.rsplit_once('.')?;
    let (role, end_s) = claim.split_once('.')?;
    let role = [Role::Viewer, Role::Admin]
        .into_iter()
        .find(|known| name(*known) == role)?;
    let end_s: u64 = end_s.parse().ok()?;
    let tokens = keys.of(role).iter();
    let is_signed = tokens.fold(false, |any, token| {
        any | signature::verify(token, signed(claim), given)
    });
    (is_signed && now_s < end_s).then_some(role)
}

/// The name of the cookie. Over HTTPS, the name lets browsers take the cookie from this host alone,
/// and send it over HTTPS alone.
fn cookie_name(is_https: bool) -> &'static str {
    match is_https {
        true => "__Host-rollcall_session",
        false => "rollcall_session",
    }
}

/// The header that sets the cookie. With an empty value, it removes the cookie.
pub fn set_cookie(value: &str, is_https: bool) -> String {
    let seconds = if value.is_empty() { 0 } else { LIFETIME_S };
    let cookie = Cookie::build((cookie_name(is_https), value))
        .path("/")
        .max_age(Duration::seconds(seconds.into()))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_https);
    cookie.to_string()
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Metrics => "metrics",
        Role::Viewer => "viewer",
        Role::Admin => "admin",
    }
}

/// The text that a token signs.
fn signed(claim: &str) -> [&[u8]; 2] {
    [PURPOSE.as_bytes(), claim.as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_web::auth::Tokens;

    const NOW_S: u64 = 1_000_000;

    fn keys(admin: &str, viewer: &str) -> Keys {
        Keys {
            admin: Tokens::listed(admin),
            viewer: Tokens::listed(viewer),
            metrics: Tokens::listed("metrics"),
        }
    }

    fn check(value: &str, expect: Option<Role>) {
        let keys = keys("admin other", "viewer");
        assert_eq!(role(value, &keys, NOW_S), expect, "{value}");
    }

    #[test]
    fn a_session_has_the_role_that_it_began_with() {
        check(
            &begin("admin", Role::Admin, NOW_S).unwrap(),
            Some(Role::Admin),
        );
        check(
            &begin("other", Role::Admin, NOW_S).unwrap(),
            Some(Role::Admin),
        );
        check(
            &begin("viewer", Role::Viewer, NOW_S).unwrap(),
            Some(Role::Viewer),
        );
    }

    #[test]
    fn a_metrics_token_begins_none() {
        for role in [Role::Metrics, Role::Viewer, Role::Admin] {
            check(&begin("metrics", role, NOW_S).unwrap(), None);
        }
    }

    #[test]
    fn no_byte_of_it_can_be_changed_or_left_out() {
        let good = begin("viewer", Role::Viewer, NOW_S).unwrap();
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            check(&String::from_utf8(bytes).unwrap(), None);
            check(&good[..at], None);
            check(&good[at + 1..], None);
        }
        check(&format!("{good}0"), None);
        check(&good.to_uppercase(), None);
        check("", None);
        check("viewer..", None);
        check("viewer.1099511627776.", None);
    }

    #[test]
    fn a_later_end_or_a_higher_role_needs_a_new_signature() {
        let good = begin("viewer", Role::Viewer, NOW_S).unwrap();
        let end = (NOW_S + u64::from(LIFETIME_S)).to_string();
        check(&good.replace(&end, "9999999999"), None);
        check(&good.replace("viewer", "admin"), None);
        // With a viewer's token, a person can sign any text.
        check(&begin("viewer", Role::Admin, NOW_S).unwrap(), None);
        check(&begin("admin", Role::Viewer, NOW_S).unwrap(), None);
    }

    #[test]
    fn it_ends() {
        let value = begin("admin", Role::Admin, NOW_S).unwrap();
        let keys = keys("admin", "");
        let at = |now_s| role(&value, &keys, now_s);
        let end_s = NOW_S + u64::from(LIFETIME_S);
        assert_eq!(at(end_s - 1), Some(Role::Admin));
        assert_eq!(at(NOW_S + u64::from(LIFETIME_S)), None);
    }

    #[test]
    fn it_ends_with_its_token_and_not_with_another_one() {
        let value = begin("old", Role::Admin, NOW_S).unwrap();
        let under = |admin| role(&value, &keys(admin, ""), NOW_S);
        assert_eq!(under("new old"), Some(Role::Admin));
        assert_eq!(under("new"), None);
        assert_eq!(under(""), None);
        assert_eq!(role(&value, &keys("", "old"), NOW_S), None);
        let of_nobody = begin("", Role::Admin, NOW_S).unwrap();
        assert_eq!(role(&of_nobody, &keys("", ""), NOW_S), None);
    }

    #[test]
    fn the_token_cannot_be_read_from_it() {
        assert!(
            !begin("s3cret", Role::Admin, NOW_S)
                .unwrap()
                .contains("s3cret")
        );
    }

    #[test]
    fn the_cookie_is_for_browsers_alone_and_over_https_for_nothing_else() {
        assert_eq!(
            set_cookie("x", false),
            "rollcall_session=x; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"
        );
        assert_eq!(
            set_cookie("", true),
            "__Host-rollcall_session=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0"
        );
    }
}

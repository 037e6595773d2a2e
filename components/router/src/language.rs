//! The language of the pages that a reader chose, or else that their browser asks for.
//!
//! | path | |
//! |---|---|
//! | `POST /admin/language` | takes `language`, keeps it in a cookie, and leads back to the page |

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::header::{ACCEPT_LANGUAGE, REFERER, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use rollcall_web::{Problem, Reply, body};
use spin_sdk::http::Request;

use crate::access::same_origin;
use crate::texts::Language;
use crate::{form, local, session};

pub const PATH: &str = "/admin/language";

const COOKIE_NAME: &str = "rollcall_language";
/// A choice is kept for a year.
const LIFETIME_DAYS: i64 = 365;
/// A form has room for a tag. A larger one is refused with 413.
const FORM_BYTES_MAX: usize = 1024;
/// Of `Accept-Language`, so many languages are read: browsers send fewer.
const LANGUAGES_MAX: usize = 20;

/// The language of the page that a request asks for.
pub fn of<B>(request: &http::Request<B>) -> Language {
    let headers = request.headers();
    let mut cookies = session::cookies(headers).filter(|cookie| cookie.name() == COOKIE_NAME);
    let chosen = cookies.find_map(|cookie| Language::of_tag(cookie.value()));
    chosen.unwrap_or_else(|| accepted(headers))
}

/// The first of the languages with the highest weight that the pages have. Else English.
fn accepted(headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
    let each = accepted.unwrap_or_default().split(',').take(LANGUAGES_MAX);
    let known = each.filter_map(|each| {
        let (tag, weight) = each.split_once(';').unwrap_or((each, "q=1"));
        let weight: f64 = weight.trim().strip_prefix("q=")?.parse().ok()?;
        Some((Language::of_tag(tag.trim())?, weight))
    });
    let best = known.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(Language::English, |(language, _)| language)
}

/// Keeps the language that a reader chose.
pub async fn choose(request: Request) -> Result<Reply, Problem> {
    if *request.method() != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    same_origin(&request)?;
    let is_https = local::is_https(&request);
    let back = page_before(request.headers());
    let form = body::read(request, FORM_BYTES_MAX).await?;
    let Some(language) = Language::of_tag(&form::field(&form, "language")) else {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "The pages are not in this language.",
        ));
    };
    let mut reply = local::see_other(local::next(&back));
    if let Ok(cookie) = HeaderValue::from_str(&cookie(language, is_https)) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(reply)
}

/// The path and the query of the page with the form. Empty: the browser does not say.
fn page_before(headers: &HeaderMap) -> String {
    let page = headers.get(REFERER).and_then(|page| page.to_str().ok());
    let page: Option<Uri> = page.and_then(|page| page.parse().ok());
    let path = page.and_then(|page| page.path_and_query().map(ToString::to_string));
    path.unwrap_or_default()
}

fn cookie(language: Language, is_https: bool) -> String {
    Cookie::build((COOKIE_NAME, language.tag()))
        .path(local::HOME)
        .max_age(Duration::days(LIFETIME_DAYS))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_https)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cookie: &str, accepted: &str, expect: Language) {
        let request = http::Request::builder()
            .header("cookie", cookie)
            .header("accept-language", accepted)
            .body(())
            .unwrap();
        assert_eq!(of(&request), expect, "{cookie} {accepted}");
    }

    #[test]
    fn a_page_is_in_the_language_that_the_browser_likes_best() {
        let (english, chinese) = (Language::English, Language::Chinese);
        check("", "", english);
        check("", "zh-CN,zh;q=0.9,en;q=0.8", chinese);
        check("", "en-US,en;q=0.9,zh;q=0.8", english);
        check("", "en;q=0.5, zh;q=0.7", chinese);
        check("", "de, fr;q=0.9", english);
        check("", "de, zh;q=0.1", chinese);
        check("", "zh;q=x, *;q=0.5", english);
        let many = |count: usize| format!("{}zh", "de,".repeat(count));
        check("", &many(LANGUAGES_MAX - 1), chinese);
        check("", &many(LANGUAGES_MAX), english);
    }

    #[test]
    fn a_choice_goes_before_the_browser() {
        check("a=b; rollcall_language=en", "zh", Language::English);
        check("rollcall_language=zh", "en", Language::Chinese);
        check("rollcall_language=xx", "zh", Language::Chinese);
    }

    #[test]
    fn a_choice_leads_back_to_its_page() {
        for (page, expect) in [
            ("http://here:1/admin/?country=DE", "/admin/?country=DE"),
            ("https://evil.example/collect", "/admin/"),
            ("nonsense \n", "/admin/"),
        ] {
            let mut headers = HeaderMap::new();
            if let Ok(page) = HeaderValue::from_str(page) {
                headers.insert(REFERER, page);
            }
            assert_eq!(local::next(&page_before(&headers)), expect);
        }
    }
}

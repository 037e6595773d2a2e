//! The page where people sign in, and its form. It needs no token.
//!
//! | path | |
//! |---|---|
//! | `GET /admin/sign-in?next=` | the page |
//! | `POST /admin/sign-in` | takes `token` and `next`: begins a session, and leads to `next` |
//! | `POST /admin/sign-out` | removes the cookie from the browser |

use askama::Template;
use http::header::SET_COOKIE;
use http::{HeaderValue, Method, StatusCode};
use rollcall_web::{Problem, Reply, body, log, reply};
use spin_sdk::http::Request;

use crate::access::same_origin;
use crate::clock::now_s;
use crate::form::field;
use crate::keys::{Keys, Role};
use crate::texts::{Language, Text};
use crate::{language, local, session, throttle};

/// A form has room for a token and a path. A larger one is refused with 413.
const FORM_BYTES_MAX: usize = 8 * 1024;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct Page<'a> {
    next: &'a str,
    /// Why the last attempt failed.
    failure: Option<Text>,
}

pub async fn sign_in(request: Request) -> Result<Reply, Problem> {
    match *request.method() {
        Method::GET => {
            let wanted = field(request.uri().query().unwrap_or_default().as_bytes(), "next");
            page(StatusCode::OK, &wanted, None, language::of(&request))
        }
        Method::POST => begin(request).await,
        _ => Err(Problem::method_not_allowed("GET, POST")),
    }
}

async fn begin(request: Request) -> Result<Reply, Problem> {
    same_origin(&request)?;
    let (is_https, language) = (local::is_https(&request), language::of(&request));
    let form = body::read(request, FORM_BYTES_MAX).await?;
    let (token, wanted) = (field(&form, "token"), field(&form, "next"));
    // A pasted token often has a space or a line's end at its end.
    let token = token.trim();
    let role = Keys::configured().await.role(token);
    let Some(role) = role.filter(|role| *role != Role::Metrics) else {
        return refuse(throttle::wrong_token().await, &wanted, language);
    };
    let value = session::begin(token, role, now_s()).unwrap_or_default();
    Ok(lead_with_cookie(local::next(&wanted), &value, is_https))
}

pub fn sign_out(request: &Request) -> Result<Reply, Problem> {
    if *request.method() != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    same_origin(request)?;
    Ok(lead_with_cookie(
        local::SIGN_IN,
        "",
        local::is_https(request),
    ))
}

/// The page again, as the answer to a refused form. It has the status, the header and the words of
/// the problem.
fn refuse(problem: Problem, wanted: &str, language: Language) -> Result<Reply, Problem> {
    let failure = match problem.status() {
        StatusCode::TOO_MANY_REQUESTS => {
            t!("Too many wrong tokens at the moment. Try again in a moment.")
        }
        _ => t!("This token is not known."),
    };
    let page = page(problem.status(), wanted, Some(failure), language)?;
    Ok(problem.head(page))
}

fn page(
    status: StatusCode,
    wanted: &str,
    failure: Option<Text>,
    language: Language,
) -> Result<Reply, Problem> {
    let next = local::next(wanted);
    let page = Page { next, failure };
    let page = page.render_with_values(&language).map_err(|error| {
        log!(Error, "page-not-written", error = error);
        Problem::unavailable("The page could not be written.")
    })?;
    Ok(reply::full(status, "text/html; charset=utf-8", page))
}

fn lead_with_cookie(path: &str, value: &str, is_https: bool) -> Reply {
    let mut reply = local::see_other(path);
    if let Ok(cookie) = HeaderValue::from_str(&session::set_cookie(value, is_https)) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_the_page_stays_text() {
        let page = Page {
            next: "/admin/?\"><script>alert(1)</script>",
            failure: None,
        };
        let page = page.render_with_values(&Language::English).unwrap();
        assert!(!page.contains("<script"), "{page}");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_in_a_form_the_page_leads_to_a_path_under_admin(form: Vec<u8>, next in "(/admin/)?[ -~]{0,20}") {
            for wanted in [field(&form, "next"), next] {
                let next = local::next(&wanted);
                proptest::prop_assert!(next.starts_with("/admin/") && HeaderValue::from_str(next).is_ok());
                proptest::prop_assert!(page(StatusCode::OK, &wanted, None, Language::English).is_ok());
            }
        }
    }
}

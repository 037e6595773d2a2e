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
use crate::keys::{Keys, Role};
use crate::{local, session, throttle};

/// A form has room for a token and a path. A larger one is refused with 413.
const FORM_BYTES_MAX: usize = 16 * 1024;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct Page<'a> {
    next: &'a str,
    /// Why the last attempt failed.
    failure: Option<&'a str>,
}

pub async fn sign_in(request: Request) -> Result<Reply, Problem> {
    match *request.method() {
        Method::GET => {
            let wanted = field(request.uri().query().unwrap_or_default().as_bytes(), "next");
            page(StatusCode::OK, &wanted, None)
        }
        Method::POST => begin(request).await,
        _ => Err(Problem::method_not_allowed("GET, POST")),
    }
}

async fn begin(request: Request) -> Result<Reply, Problem> {
    same_origin(&request)?;
    let is_https = local::is_https(&request);
    let form = body::read(request, FORM_BYTES_MAX).await?;
    let (token, wanted) = (field(&form, "token"), field(&form, "next"));
    // A pasted token often has a space or a line's end at its end.
    let token = token.trim();
    let role = Keys::configured().await.role(token);
    let Some(role) = role.filter(|role| *role != Role::Metrics) else {
        return refuse(throttle::wrong_token().await, &wanted);
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
fn refuse(problem: Problem, wanted: &str) -> Result<Reply, Problem> {
    let failure = match problem.status() {
        StatusCode::TOO_MANY_REQUESTS => {
            "Too many wrong tokens at the moment. Try again in a moment."
        }
        _ => "This token is not known.",
    };
    let page = page(problem.status(), wanted, Some(failure))?;
    Ok(problem.head(page))
}

fn page(status: StatusCode, wanted: &str, failure: Option<&str>) -> Result<Reply, Problem> {
    let next = local::next(wanted);
    let page = Page { next, failure }.render().map_err(|error| {
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

/// A field of a form or of a query. Empty if it is absent.
fn field(form: &[u8], name: &str) -> String {
    let mut fields = form_urlencoded::parse(form);
    let found = fields.find(|(known, _)| known == name);
    found.map_or_else(String::new, |(_, value)| value.into_owned())
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
        let page = page.render().unwrap();
        assert!(!page.contains("<script"), "{page}");
    }

    #[test]
    fn a_field_is_decoded_and_the_first_of_its_name() {
        let form = b"token=a%2Bb+c&next=%2Fadmin%2F&token=x";
        assert_eq!(field(form, "token"), "a+b c");
        assert_eq!(field(form, "next"), "/admin/");
        assert_eq!(field(form, "other"), "");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_in_a_form_the_page_leads_to_a_path_under_admin(form: Vec<u8>, next in "(/admin/)?[ -~]{0,20}") {
            for wanted in [field(&form, "next"), next] {
                let next = local::next(&wanted);
                proptest::prop_assert!(next.starts_with("/admin/") && HeaderValue::from_str(next).is_ok());
                proptest::prop_assert!(page(StatusCode::OK, &wanted, None).is_ok());
            }
        }
    }
}

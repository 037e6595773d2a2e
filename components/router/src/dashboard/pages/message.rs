//! The page that says why another page cannot be shown, and how to go on.

use askama::Template;
use http::StatusCode;
use rollcall_tally::question::BadParameter;
use rollcall_web::Problem;

use crate::local::HOME;

/// Shown instead of a page that cannot be shown.
#[derive(Template)]
#[template(path = "message.html")]
pub struct MessagePage {
    title: &'static str,
    detail: String,
    bad: Vec<BadParameter>,
    advice: &'static str,
    home: &'static str,
    by_cookie: bool,
}

impl MessagePage {
    pub fn new(problem: &Problem, by_cookie: bool) -> Self {
        let (title, advice) = match problem.status() {
            StatusCode::BAD_REQUEST => (
                "That filter cannot be",
                "Go back and change it, or begin without one.",
            ),
            StatusCode::NOT_FOUND => (
                "Nothing here",
                "It may have left because too many others were seen later, or because it was erased.",
            ),
            StatusCode::SERVICE_UNAVAILABLE => (
                "No answer at the moment",
                "Nothing is lost: recorded hits wait in the store. Reload the page in a moment. If that does not help, the log says why.",
            ),
            _ => (
                "Something went wrong",
                "The log of the server names the error.",
            ),
        };
        Self {
            title,
            detail: problem.detail().unwrap_or_default().to_owned(),
            bad: problem.invalid_params().to_vec(),
            advice,
            home: HOME,
            by_cookie,
        }
    }
}

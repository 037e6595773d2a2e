//! The page that says why another page cannot be shown, and how to go on.

use askama::Template;
use http::StatusCode;
use rollcall_tally::question::BadParameter;
use rollcall_web::Problem;

use crate::local::HOME;
use crate::texts::Text;

/// Shown instead of a page that cannot be shown.
#[derive(Template)]
#[template(path = "message.html")]
pub struct MessagePage {
    title: Text,
    detail: String,
    bad: Vec<BadParameter>,
    advice: Text,
    home: &'static str,
    by_cookie: bool,
}

impl MessagePage {
    pub fn new(problem: &Problem, by_cookie: bool) -> Self {
        let (title, advice) = match problem.status() {
            StatusCode::BAD_REQUEST => (
                t!("That filter cannot be"),
                t!("Go back and change it, or begin without one."),
            ),
            StatusCode::NOT_FOUND => (
                t!("Nothing here"),
                t!(
                    "It may have left because too many others were seen later, or because it was erased."
                ),
            ),
            StatusCode::SERVICE_UNAVAILABLE => (
                t!("No answer at the moment"),
                t!(
                    "Nothing is lost: recorded hits wait in the store. Reload the page in a moment. If that does not help, the log says why."
                ),
            ),
            _ => (
                t!("Something went wrong"),
                t!("The log of the server names the error."),
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

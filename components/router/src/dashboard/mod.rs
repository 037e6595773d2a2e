//! The dashboard: the aggregator's answers as pages for people.
//!
//! | path | question |
//! |---|---|
//! | `/admin/` | `overview` |
//! | `/admin/dashboard/NAME` | the question NAME, if [`pages`] has a page for it |
//!
//! A page takes the parameters of its question. It is written here as a whole and needs no script.
//! The script shows times in the viewer's zone, reads values off the plots, and loads the page
//! again now and then. A failure is a page, too. It says how to go on.

mod chart;
mod format;
mod link;
mod pages;
mod parts;
mod places;
mod report;

use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use rollcall_tally::question::{AnySurvey, Question};
use rollcall_web::{Problem, Reply, reply};
use spin_sdk::http::Request;

use crate::access::Visitor;
use crate::headers::some_of;
use crate::local::HOME;
use pages::MessagePage;
use report::How;

/// The question that a page shows. None if the path is not that of a page.
pub fn question_of(path: &str) -> Option<&str> {
    match path {
        HOME => Some("overview"),
        _ => path.strip_prefix(link::PAGES),
    }
}

/// A page. If it cannot be shown, the answer is a page that says why.
pub async fn page(request: &Request, visitor: Visitor, name: &str) -> Result<Reply, Problem> {
    if *request.method() != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    let by_cookie = visitor.by_cookie;
    let written = match read(name, request.uri().query().unwrap_or_default()) {
        Ok(survey) => {
            let headers = some_of(request.headers(), [CACHE_CONTROL]);
            pages::show(&survey, How { headers, by_cookie }).await
        }
        Err(problem) => Err(problem),
    };
    match written {
        Ok(page) => Ok(html(StatusCode::OK, page)),
        Err(problem) => {
            let page = pages::written(&MessagePage::new(&problem, by_cookie))?;
            Ok(problem.head(html(problem.status(), page)))
        }
    }
}

/// Reads the question of a page. A form sends all of its fields: an empty one counts as not given.
fn read(name: &str, query: &str) -> Result<AnySurvey, Problem> {
    let given = form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(given)
        .finish();
    match Question::read(name, &query)? {
        Question::Survey(survey) => Ok(survey),
        Question::Export(_) | Question::Status(_) => Err(Problem::not_found()),
    }
}

fn html(status: StatusCode, page: String) -> Reply {
    reply::full(status, "text/html; charset=utf-8", page)
}

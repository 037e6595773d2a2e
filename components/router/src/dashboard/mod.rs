//! The dashboard: the aggregator's answers as pages for people.
//!
//! | path | question |
//! |---|---|
//! | `/admin/` | `overview` |
//! | `/admin/dashboard/top-paths`, `/top-ips`, `/ips/{ip}`, `/paths?key=` | of the same name |
//!
//! A page takes the parameters of its question, and is written here whole: it needs no script. The script that comes along shows times in the
//! viewer's zone, reads values off the plots, and has the page written anew now and then. Whatever goes wrong is a page, too, which says what
//! to do.

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
use crate::local::HOME;
use crate::some_of;
use pages::MessagePage;
use report::How;

/// The question that a page shows, if the path is that of one.
pub fn question_of(path: &str) -> Option<&str> {
    match path {
        HOME => Some("overview"),
        _ => path.strip_prefix(link::PAGES),
    }
}

/// A page, whatever comes of it.
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

/// A form sends each of its fields, those that were left empty too.
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

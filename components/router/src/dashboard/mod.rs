//! The dashboard: the aggregator's answers as pages for people.
//!
//! | path | question |
//! |---|---|
//! | `/admin/` | `overview` |
//! | `/admin/live` | `overview` of the last hour, always computed anew |
//! | `/admin/dashboard/settings` | labels, notes, saved views and rules. Its form changes them |
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
mod settings;
mod world;

use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use rollcall_tally::Window;
use rollcall_tally::question::{AnySurvey, BadParameter, Question, Scope};
use rollcall_web::{Problem, Reply, reply};
use spin_sdk::http::Request;

use crate::access::Visitor;
use crate::documents;
use crate::headers::some_of;
use crate::language;
use crate::local::HOME;
use crate::texts::Language;
use pages::{MessagePage, SettingsPage};
use report::How;

/// A page.
pub enum Page<'a> {
    /// The answer to the question of this name.
    Of(&'a str),
    /// The overview of the last hour. The script has it written anew all the time.
    Live,
    /// Labels, notes, saved views and rules.
    Settings,
}

/// The page of a path. None if the path is not that of a page.
pub fn page_at(path: &str) -> Option<Page<'_>> {
    match path {
        HOME => Some(Page::Of("overview")),
        link::LIVE => Some(Page::Live),
        link::SETTINGS => Some(Page::Settings),
        _ => path.strip_prefix(link::PAGES).map(Page::Of),
    }
}

/// Shows a page. If it cannot be shown, the answer is a page that says why.
pub async fn show(request: Request, visitor: Visitor) -> Result<Reply, Problem> {
    let path = request.uri().path().to_owned();
    let page = page_at(&path).ok_or_else(Problem::not_found)?;
    let is_form = matches!(page, Page::Settings) && *request.method() == Method::POST;
    if *request.method() != Method::GET && !is_form {
        return Err(Problem::method_not_allowed("GET"));
    }
    let by_cookie = visitor.by_cookie;
    let language = language::of(&request);
    let written = match page {
        Page::Settings => settings_page(request, visitor, is_form, language).await,
        page => written(&request, page, visitor, language)
            .await
            .map(|page| (StatusCode::OK, page)),
    };
    match written {
        Ok((status, page)) => Ok(html(status, page)),
        Err(problem) => {
            let page = pages::written(&MessagePage::new(&problem, by_cookie), language)?;
            Ok(problem.head(html(problem.status(), page)))
        }
    }
}

/// Carries out a form if there is one, and shows what there is now.
async fn settings_page(
    request: Request,
    visitor: Visitor,
    is_form: bool,
    language: Language,
) -> Result<(StatusCode, String), Problem> {
    let said = match is_form {
        true => Some(settings::carry_out(request).await?),
        false => None,
    };
    let status = said.as_ref().map_or(StatusCode::OK, |said| said.status);
    let documents = documents::all().await?;
    let page = pages::written(&SettingsPage::new(&documents, visitor, said), language)?;
    Ok((status, page))
}

async fn written(
    request: &Request,
    page: Page<'_>,
    visitor: Visitor,
    language: Language,
) -> Result<String, Problem> {
    let query = request.uri().query().unwrap_or_default();
    match page {
        Page::Of(name) => {
            let survey = read(name, query)?;
            let how = How {
                headers: some_of(request.headers(), [CACHE_CONTROL]),
                visitor,
                language,
            };
            pages::show(&survey, how).await
        }
        Page::Live => {
            let survey = read_live(query)?;
            let how = How {
                headers: report::no_cache(),
                visitor,
                language,
            };
            pages::show_live(&survey, how).await
        }
        Page::Settings => Err(Problem::not_found()),
    }
}

/// Reads the question of the live page. It is about the last hour.
fn read_live(query: &str) -> Result<AnySurvey, Problem> {
    let given = form_urlencoded::parse(query.as_bytes());
    let is_of_time = |name: &str| ["timeRange", "from", "to"].contains(&name);
    let refused: Vec<BadParameter> = given
        .filter(|(name, value)| {
            is_of_time(name) && !value.is_empty() && value != Window::Hour.name()
        })
        .map(|(name, _)| BadParameter {
            name: name.into_owned(),
            reason: "the live page shows the last hour".to_owned(),
        })
        .collect();
    if !refused.is_empty() {
        return Err(Problem::bad_parameters(refused));
    }
    let survey = read("overview", query)?;
    let scope = Scope {
        window: Window::Hour,
        ..survey.scope().clone()
    };
    Ok(survey.with_scope(scope))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_live_page_is_about_the_last_hour_and_takes_filters() {
        let live = |query: &str| {
            let read = read_live(query);
            read.map(|survey| link::page(&survey))
                .map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(live(""), Ok("/admin/?timeRange=1h".to_owned()));
        let filtered = Ok("/admin/?status=5xx&timeRange=1h".to_owned());
        assert_eq!(live("status=5xx&timeRange=1h&ip="), filtered);
        for query in ["timeRange=24h", "from=2026-11-28", "status=9", "limit=5"] {
            assert_eq!(live(query), Err(400), "{query}");
        }
    }
}

//! Links to the same page with another window or filter.

use rollcall_tally::question::{AnySurvey, Ip, Path, Retirement, Scope};
use rollcall_tally::{Filter, Window};

use crate::dashboard::link::{self, Condition};

/// The same page with another window and filter.
pub fn rescoped(survey: &AnySurvey, window: Window, filter: Filter) -> String {
    let scope = Scope {
        window,
        filter,
        ..survey.scope().clone()
    };
    link::page(&survey.clone().with_scope(scope))
}

/// A filter narrowed to the path and the method of a path key. None if the key has neither.
pub fn of_path(filter: &Filter, key: &str) -> Option<Filter> {
    let (method, path) = key.split_once(' ')?;
    let filter = Condition::Method.only(filter, Some(method));
    path.starts_with('/')
        .then(|| Condition::Path.only(&filter, Some(path)))
}

/// The scope of the hits that a page is about: on the page of an IP or a path, of these alone.
pub fn of_hits(survey: &AnySurvey) -> Scope {
    let scope = survey.scope().clone();
    let filter = match survey {
        AnySurvey::Ip(Ip { ip, .. }) => Condition::Ip.set(&scope.filter, Some(&ip.to_string())),
        AnySurvey::Path(Path { key, .. }) | AnySurvey::Retirement(Retirement { key, .. }) => {
            of_path(&scope.filter, key).unwrap_or(scope.filter)
        }
        _ => scope.filter,
    };
    Scope { filter, ..scope }
}

/// The same page, with one more condition.
pub fn narrowed(survey: &AnySurvey, condition: Condition, value: &str) -> String {
    let Scope { window, filter, .. } = survey.scope();
    rescoped(survey, *window, condition.only(filter, Some(value)))
}

/// The same page, without the hits of this value.
pub fn excluded(survey: &AnySurvey, condition: Condition, value: &str) -> String {
    let Scope { window, filter, .. } = survey.scope();
    rescoped(survey, *window, condition.exclude(filter, value))
}

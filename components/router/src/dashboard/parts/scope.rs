//! The window and the filter of a page, and the pages that differ from it in those alone.

use rollcall_tally::question::{LIMIT_MAX, Question};
use rollcall_tally::report::PathOrder;
use rollcall_tally::{Filter, IpOrder, Window};

use crate::dashboard::link::{self, Condition};

/// The window and the filter that a page is about.
pub fn scope(question: &Question) -> (Window, Filter) {
    let scope = question.scope();
    scope.map_or((Window::Day, Filter::default()), |(window, filter)| {
        (window, filter.clone())
    })
}

/// What one can always go to, about the same window and filter: the overview, all paths, all IPs.
pub fn always(question: &Question) -> [Question; 3] {
    let (window, filter) = scope(question);
    [
        Question::Overview {
            window,
            filter: filter.clone(),
        },
        Question::TopPaths {
            window,
            filter: filter.clone(),
            limit: LIMIT_MAX,
            order: PathOrder::Requests,
        },
        Question::TopIps {
            window,
            filter,
            limit: LIMIT_MAX,
            order: IpOrder::Requests,
        },
    ]
}

/// A filter narrowed to a path and its method. None: the key names neither.
pub fn of_path(filter: &Filter, key: &str) -> Option<Filter> {
    let (method, path) = key.split_once(' ')?;
    let filter = Condition::Method.set(filter, Some(method));
    path.starts_with('/')
        .then(|| Condition::PathPrefix.set(&filter, Some(path)))
}

/// The same page, narrowed.
pub fn narrowed(question: &Question, condition: Condition, value: &str) -> String {
    let (window, filter) = scope(question);
    let filter = condition.set(&filter, Some(value));
    link::page(&question.clone().with_scope(window, filter))
}

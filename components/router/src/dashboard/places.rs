//! The pages that other pages link to, with their own window and filter.

use rollcall_tally::hour_of_week::HourOfWeek;
use rollcall_tally::question::{
    AnySurvey, ApiUsage, Backtest, Breakdown, LIMIT_MAX, Movers, Overview, Retirement, Scope,
    TopIps, TopPaths,
};
use rollcall_tally::reports::PathOrder;
use rollcall_tally::{Change, Dimension, Grouping, IpOrder, Window};

use crate::texts::Text;

/// The places in the head of every page, each with its text.
pub fn always(scope: &Scope) -> Vec<(Text, AnySurvey)> {
    vec![
        (t!("Overview"), overview(scope.clone())),
        (t!("Paths"), all_paths(scope.clone())),
        (t!("IPs"), all_ips(scope.clone())),
        (t!("Breakdown"), breakdown(Grouping::Path, scope.clone())),
        (t!("Changes"), movers(comparable(scope.clone()), Vec::new())),
        (t!("Rate limit"), backtest(scope.clone())),
    ]
}

pub fn overview(scope: Scope) -> AnySurvey {
    Overview { scope }.into()
}

pub fn all_paths(scope: Scope) -> AnySurvey {
    let order = PathOrder::Requests;
    TopPaths {
        scope,
        limit: LIMIT_MAX,
        order,
    }
    .into()
}

pub fn all_ips(scope: Scope) -> AnySurvey {
    let order = IpOrder::Requests;
    TopIps {
        scope,
        limit: LIMIT_MAX,
        order,
    }
    .into()
}

/// A map is of the countries of the page, so they are all on one.
const COUNTRIES: u32 = 300;

/// The rows of a page of a breakdown. A heat map has all hours of the week.
pub fn rows(by: Grouping) -> u32 {
    match by {
        Grouping::Country => COUNTRIES,
        Grouping::Of(Dimension::HourOfWeek) => HourOfWeek::COUNT,
        _ => LIMIT_MAX,
    }
}

pub fn breakdown(by: Grouping, scope: Scope) -> AnySurvey {
    Breakdown {
        by,
        scope,
        limit: rows(by),
        ..Breakdown::default()
    }
    .into()
}

/// Of an interval, the period before may not be kept. So the last day is shown instead.
fn comparable(scope: Scope) -> Scope {
    match scope.window {
        Window::Between(_) => Scope {
            window: Window::Day,
            ..scope
        },
        _ => scope,
    }
}

/// The paths that changed in these ways, or in any.
pub fn movers(scope: Scope, changes: Vec<Change>) -> AnySurvey {
    let movers = Movers {
        changes,
        limit: LIMIT_MAX,
        ..Movers::default()
    };
    AnySurvey::from(movers).with_scope(scope)
}

fn backtest(scope: Scope) -> AnySurvey {
    let backtest = Backtest {
        limit: LIMIT_MAX,
        ..Backtest::default()
    };
    AnySurvey::from(backtest).with_scope(scope)
}

/// Of the last 30 days, without a filter: the proof is about every hit.
pub fn retirement(path_key: &str) -> AnySurvey {
    Retirement {
        key: path_key.to_owned(),
        ..Retirement::default()
    }
    .into()
}

pub fn api_usage(scope: Scope) -> AnySurvey {
    let limit = LIMIT_MAX;
    ApiUsage { scope, limit }.into()
}

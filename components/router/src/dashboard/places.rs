//! The pages that other pages link to, with their own window and filter.

use rollcall_tally::question::{
    AnySurvey, ApiUsage, Breakdown, LIMIT_MAX, Overview, Retirement, Scope, TopIps, TopPaths,
};
use rollcall_tally::reports::PathOrder;
use rollcall_tally::{Grouping, IpOrder};

/// The places in the head of every page, each with its text.
pub fn always(scope: &Scope) -> Vec<(&'static str, AnySurvey)> {
    vec![
        ("Overview", overview(scope.clone())),
        ("Paths", all_paths(scope.clone())),
        ("IPs", all_ips(scope.clone())),
        ("Breakdown", breakdown(Grouping::Path, scope.clone())),
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

pub fn by_country(scope: Scope) -> AnySurvey {
    breakdown(Grouping::Country, scope)
}

fn breakdown(by: Grouping, scope: Scope) -> AnySurvey {
    Breakdown {
        by,
        scope,
        limit: LIMIT_MAX,
        ..Breakdown::default()
    }
    .into()
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

//! The pages that other pages link to, with their own window and filter.

use rollcall_tally::question::{
    AnySurvey, ApiUsage, Breakdown, Countries, LIMIT_MAX, Overview, Scope, TopIps, TopPaths,
};
use rollcall_tally::reports::PathOrder;
use rollcall_tally::{GroupOrder, IpOrder};

/// The places in the head of every page, each with its text.
pub fn always(scope: &Scope) -> Vec<(&'static str, AnySurvey)> {
    vec![
        ("Overview", overview(scope.clone())),
        ("Paths", all_paths(scope.clone())),
        ("IPs", all_ips(scope.clone())),
        ("Countries", all_countries(scope.clone())),
        ("Breakdown", breakdown(scope.clone())),
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

pub fn all_countries(scope: Scope) -> AnySurvey {
    let order = GroupOrder::Requests;
    Countries {
        scope,
        limit: LIMIT_MAX,
        order,
    }
    .into()
}

fn breakdown(scope: Scope) -> AnySurvey {
    let breakdown = Breakdown {
        limit: LIMIT_MAX,
        ..Breakdown::default()
    };
    AnySurvey::from(breakdown).with_scope(scope)
}

pub fn api_usage(scope: Scope) -> AnySurvey {
    let limit = LIMIT_MAX;
    ApiUsage { scope, limit }.into()
}

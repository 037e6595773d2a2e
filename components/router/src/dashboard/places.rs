//! The pages that every page links to, with its own window and filter.

use rollcall_tally::IpOrder;
use rollcall_tally::question::{
    AnySurvey, Countries, LIMIT_MAX, Overview, Scope, TopIps, TopPaths,
};
use rollcall_tally::reports::{CountryOrder, PathOrder};

/// The places in the head of every page, each with its text.
pub fn always(scope: &Scope) -> Vec<(&'static str, AnySurvey)> {
    vec![
        ("Overview", overview(scope.clone())),
        ("Paths", all_paths(scope.clone())),
        ("IPs", all_ips(scope.clone())),
        ("Countries", all_countries(scope.clone())),
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
    let order = CountryOrder::Requests;
    Countries {
        scope,
        limit: LIMIT_MAX,
        order,
    }
    .into()
}

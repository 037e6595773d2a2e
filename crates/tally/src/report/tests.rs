//! The reports as JSON, and what the tests of the reports share.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bucket::Ranges;
use crate::report::Timeline;
use crate::reports::{
    CostMetrics, GlobalStats, IpReport, Overview, PathReport, Prices, Provenance,
};
use crate::{
    CallerSummary, CountryCount, Filter, PathSummary, RecentActivity, StatusValue, Summary, Tally,
    Window,
};

pub fn provenance(time_range: Window, filter: Option<Filter>) -> Provenance {
    Provenance {
        time_range: Some(time_range),
        from_ms: None,
        to_ms: 1_800_000_123_456,
        time_zone: "UTC".to_owned(),
        filter,
        as_of_ms: 1_800_000_123_456,
        generated_at_ms: 1_800_000_123_456,
        coverage: 1.0,
        warnings: Vec::new(),
        behind: None,
    }
}

/// A summary of one IP that called one path twice.
fn summary() -> Summary {
    let tally = Tally {
        count: 2,
        timed: 1,
        time_sum_us: 12_500,
        time_max_us: 12_500,
        ..Tally::default()
    };
    // Four minutes before, so that no number has more digits than JSON keeps.
    let at_ms = 1_800_000_123_456 - 240_000;
    let path = PathSummary {
        path_key: "GET /users".to_owned(),
        tally: tally.clone(),
        ips: 1,
        countries: vec![CountryCount {
            country: String::new(),
            requests: 2,
        }],
        first_seen_ms: at_ms,
        last_seen_ms: at_ms,
        recent: RecentActivity::default(),
        buckets: Vec::new(),
    };
    let caller = CallerSummary {
        ip: "192.0.2.1".to_owned(),
        tally: tally.clone(),
        path_keys: 1,
        country: None,
        network: None,
        first_seen_ms: Some(at_ms),
        last_seen_ms: None,
        recent: RecentActivity::default(),
        user_agents: vec!["curl/8".to_owned()],
        labels: Vec::new(),
        buckets: Vec::new(),
    };
    Summary {
        answered: 1,
        ips: 1,
        path_keys: 1,
        tally,
        paths: vec![path],
        callers: vec![caller],
        ..Summary::default()
    }
}

#[test]
fn what_is_written_as_json_is_read_back() {
    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(report: T) {
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<T>(&text).unwrap(), report, "{text}");
    }
    let narrow = Filter {
        ip: Some("192.0.2.0/24".to_owned()),
        path_prefix: Some("/u".to_owned()),
        status: Some(StatusValue::Code(404).into()),
        ..Filter::default()
    };
    for (window, filter) in [(Window::Day, None), (Window::All, Some(narrow))] {
        let provenance = || provenance(window, filter.clone());
        let ranges = Ranges::utc(1_800_000_123_456);
        let timeline = || Timeline::new(&summary(), &window.span(&ranges), &ranges);
        check(Overview::new(summary(), timeline(), 1, provenance()));
        check(IpReport::new(summary(), timeline(), 0, 10, provenance()).unwrap());
        let key = || "GET /users".to_owned();
        check(PathReport::new(key(), summary(), timeline(), provenance()));
        let uncalled = PathReport::new(key(), Summary::default(), timeline(), provenance());
        check(uncalled);
        let mut stats = GlobalStats::new(summary(), 1, provenance());
        stats.metrics = None;
        let prices = Prices::default();
        let costs = CostMetrics::new(&summary().tally, 1.0, prices, &provenance());
        stats.cost_metrics = Some(costs);
        check(stats);
    }
}

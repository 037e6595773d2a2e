//! Hits of any kind, and where the documentation says that they lie.
#![allow(dead_code, reason = "each test program uses its share")]

use std::net::IpAddr;

use proptest::prelude::*;
use rollcall_tally::accumulator::{Accumulator, StateQuery};
use rollcall_tally::calendar::Calendar;
use rollcall_tally::interval::{Interval, Moment};
use rollcall_tally::window::{DAY_MS, FINE_MS, HOUR_MS, Ranges};
use rollcall_tally::{
    BacktestDetail, Batch, Comparison, CountryDetail, Details, Filter, GroupDetail, Grouping, Hit,
    IpOrder, IpState, PathOrder, Per, StatusClass, StatusFilter, Summary, Window,
};

pub const NOW_MS: u64 = 1_800_000_123_456;

pub fn any_hit() -> impl Strategy<Value = Hit> {
    let age_ms = prop_oneof![0..3 * HOUR_MS, 0..60 * HOUR_MS, 0..120 * DAY_MS];
    let country = proptest::option::of(prop_oneof![Just("DE"), Just("CN"), Just("US")]);
    let time_us = proptest::option::of(0..5_000_000u64);
    (
        prop_oneof![Just("GET"), Just("PUT")],
        0..4u8,
        age_ms,
        proptest::option::of(any_status()),
        time_us,
        country,
    )
        .prop_map(
            |(method, path, age_ms, status, response_time_us, country)| Hit {
                ip: "192.0.2.1".parse().unwrap(),
                timestamp_ms: NOW_MS - age_ms,
                method: method.to_owned(),
                path: format!("/{path}"),
                status,
                response_time_us,
                bytes: Some(age_ms % 1_000),
                country: country.map(str::to_owned),
                user_agent: Some(format!("agent {}", age_ms % 7)),
                told: Default::default(),
            },
        )
}

/// Any status. Some are frequent, so that a filter by code lets hits through.
fn any_status() -> impl Strategy<Value = u16> {
    prop_oneof![proptest::sample::select(FREQUENT.to_vec()), 100..600u16]
}

const FREQUENT: [u16; 4] = [200, 204, 404, 429];

pub fn any_window() -> impl Strategy<Value = Window> {
    let moment = || {
        let age_ms = prop_oneof![0..3 * HOUR_MS, 0..60 * HOUR_MS, 0..120 * DAY_MS];
        let at = age_ms.prop_map(|age_ms| NOW_MS - age_ms);
        prop_oneof![
            at.clone().prop_map(Moment::At),
            at.prop_map(|at_ms| Moment::Day((at_ms / DAY_MS) as u32)),
        ]
    };
    let given = || proptest::option::of(moment());
    let interval = (given(), given()).prop_map(|(from, to)| Window::Between(Interval { from, to }));
    prop_oneof![
        proptest::sample::select(Window::EVERY.to_vec()),
        interval.prop_filter("it ends after it begins", |window| {
            let (from_ms, to_ms) = window.interval().moments(&Calendar::default());
            to_ms.is_none_or(|to_ms| from_ms < to_ms)
        }),
    ]
}

/// Every condition of a filter but the IP, each given or not: one value, two, or all others.
pub fn any_filter() -> impl Strategy<Value = Filter> {
    let given = |values: Vec<&'static str>| {
        let values = proptest::sample::subsequence(values, 1..3);
        let condition = (any::<bool>(), values).prop_map(|(is_not, values)| {
            let not = if is_not { "!" } else { "" };
            format!("{not}{}", values.join("|"))
        });
        proptest::option::weighted(0.3, condition)
    };
    (
        given(vec!["/", "/1", "/nowhere"]),
        given(vec!["/0", "/1", "/nowhere"]),
        given(vec!["GET", "PUT"]),
        given(vec!["200", "404", "429", "4xx", "5xx", "unknown"]),
        given(vec!["DE", "US", "unknown"]),
        proptest::option::weighted(0.2, proptest::sample::select(vec!["GET /1", "PUT /2"])),
    )
        .prop_map(
            |(path_prefix, path, method, status, country, path_key)| Filter {
                ip: None,
                path_prefix,
                path,
                method,
                status: status.map(|status| StatusFilter::read(&status).unwrap()),
                country,
                network: None,
                label: None,
                path_key: path_key.map(str::to_owned),
            },
        )
}

pub fn any_details() -> impl Strategy<Value = Details> {
    let order = proptest::sample::select(IpOrder::EVERY.to_vec());
    let path_order = proptest::sample::select(PathOrder::EVERY.to_vec());
    let countries = proptest::sample::select(vec![
        CountryDetail::Nothing,
        CountryDetail::Requests,
        CountryDetail::All,
    ]);
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        0..4u32,
        0..4u32,
    );
    let by = proptest::sample::select(Grouping::EVERY.to_vec());
    let comparison = (any::<bool>(), 0..3u32).prop_map(|(is_there, min_score)| {
        let from_ms = NOW_MS - 20 * DAY_MS;
        is_there.then(|| Comparison {
            from_ms,
            until_ms: from_ms + 10 * DAY_MS,
            window_ms: DAY_MS,
            other_ms: 10 * DAY_MS,
            changes: Vec::new(),
            min_score,
        })
    });
    let groups = (by, 1..4u32, any::<bool>(), comparison);
    let groups = groups.prop_map(|(by, limit, new_ips, comparison)| GroupDetail {
        new_ips,
        comparison,
        ..GroupDetail::new(by, limit)
    });
    let groups = proptest::option::of(groups);
    let backtest = proptest::option::of(any_backtest());
    (flags, countries, order, path_order, groups, backtest).prop_map(
        |(flags, countries, order, path_order, groups, backtest)| {
            let (timeline, buckets, profiles, callers, paths) = flags;
            Details {
                paths,
                path_order,
                path_keys: true,
                countries,
                callers,
                order,
                timeline,
                buckets,
                profiles,
                groups,
                backtest,
            }
        },
    )
}

/// A limit on the hits of each IP.
pub fn any_backtest() -> impl Strategy<Value = BacktestDetail> {
    let per = proptest::option::of(proptest::sample::select(Per::EVERY.to_vec()));
    (per, 1..4u32, 1..4u32).prop_map(|(per, max, limit)| BacktestDetail {
        by: Grouping::Ip,
        per,
        max,
        limit,
    })
}

/// A question about no IP in particular.
pub fn batch(as_of_ms: u64, window: Window, filter: &Filter, details: Details) -> Batch {
    Batch {
        as_of_ms,
        window,
        filter: filter.clone(),
        details,
        ips: Vec::new(),
    }
}

/// A hit that tells nothing but where and when it came from.
pub fn plain_hit(ip: IpAddr, timestamp_ms: u64) -> Hit {
    Hit {
        ip,
        timestamp_ms,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        status: None,
        response_time_us: None,
        bytes: None,
        country: None,
        user_agent: None,
        told: Default::default(),
    }
}

pub fn state(hits: &[Hit]) -> IpState {
    let mut state = IpState::default();
    for hit in hits {
        state.add(hit, &Ranges::utc(NOW_MS));
    }
    state
}

/// What one IP answers.
pub fn summary(ip: usize, hits: &[Hit], batch: &Batch) -> Summary {
    let mut accumulator = Accumulator::new(batch.details.clone());
    let ranges = Ranges::utc(batch.as_of_ms);
    let asked = StateQuery::new(batch, &ranges);
    accumulator.add_state(&format!("192.0.2.{ip}"), state(hits), &asked);
    accumulator.finish()
}

pub fn merged(details: &Details, parts: impl IntoIterator<Item = Summary>) -> Summary {
    let mut accumulator = Accumulator::new(details.clone());
    for part in parts {
        accumulator.add(part);
    }
    accumulator.finish()
}

/// Where the documentation says that a hit's bucket starts; `None` is the one bucket for all before.
pub fn bucket_start(at_ms: u64, now_ms: u64) -> Option<u64> {
    Some(bucket(at_ms, now_ms)?.0)
}

/// Where it starts, and its length.
fn bucket(at_ms: u64, now_ms: u64) -> Option<(u64, u64)> {
    let ranges = Ranges::utc(now_ms);
    let unit_ms = if at_ms >= ranges.fine_from_ms {
        FINE_MS
    } else if at_ms >= ranges.hours_from_ms {
        HOUR_MS
    } else if at_ms >= ranges.days_from_ms {
        DAY_MS
    } else {
        return None;
    };
    Some((at_ms / unit_ms * unit_ms, unit_ms))
}

/// Whether the documentation says that a hit is in a window.
pub fn is_within(hit: &Hit, window: Window, now_ms: u64) -> bool {
    let bucket = bucket(hit.timestamp_ms, now_ms);
    if let Window::Between(interval) = window {
        let (from_ms, to_ms) = interval.moments(&Calendar::default());
        let days_ms = Ranges::utc(now_ms).days_from_ms;
        let (start_ms, end_ms) = bucket.map_or((0, days_ms), |(start, unit)| (start, start + unit));
        return from_ms < end_ms && to_ms.is_none_or(|to_ms| to_ms > start_ms);
    }
    match (bucket, window.length_ms()) {
        (Some((start_ms, _)), Some(length_ms)) => start_ms >= now_ms - length_ms,
        (_, None) => true,
        (None, Some(_)) => false,
    }
}

/// The hits of one IP that a filter lets through, one by one.
pub fn let_through<'a>(hits: &'a [Hit], filter: &Filter) -> Vec<&'a Hit> {
    let told = hits.iter().filter(|hit| hit.country.is_some());
    let newest = told.max_by_key(|hit| (hit.timestamp_ms, hit.country.clone()));
    let country = newest.and_then(|hit| hit.country.as_deref());
    let fits = |hit: &&Hit| {
        let is = |condition: &Option<String>, fits: &dyn Fn(&str) -> bool| {
            let Some(condition) = condition else {
                return true;
            };
            match condition.strip_prefix('!') {
                Some(none) => !none.split('|').any(fits),
                None => condition.split('|').any(fits),
            }
        };
        let status = filter.status.as_ref().map(StatusFilter::name);
        is(&filter.method, &|method| method == hit.method)
            && is(&filter.path_key, &|key| key == hit.path_key())
            && is(&filter.country, &|wanted| {
                wanted == country.unwrap_or("unknown")
            })
            && is(&filter.path, &|path| path == hit.path)
            && is(&filter.path_prefix, &|prefix| hit.path.starts_with(prefix))
            && is(&status, &|wanted| match wanted.parse::<u16>() {
                Ok(code) => hit.status == Some(code),
                Err(_) => wanted == StatusClass::of(hit.status).name(),
            })
    };
    hits.iter().filter(fits).collect()
}

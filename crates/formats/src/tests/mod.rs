#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod access_log;
mod auto;
mod bodies;
mod bounds;
mod columns;
mod gateways;
mod json;
mod maps;
mod prefix;
mod round_trip;
mod sources;
mod told;

use super::*;
use rollcall_tally::Rejection;
use rollcall_tally::hit::{Hit, RawHit};

/// 2025-05-17T10:05:03Z.
const NOW_MS: u64 = 1_747_476_303_000;

fn hit() -> Hit {
    Hit {
        ip: [192, 0, 2, 1].into(),
        timestamp_ms: NOW_MS,
        method: "GET".into(),
        path: "/a".into(),
        status: None,
        response_time_us: None,
        bytes: None,
        country: None,
        user_agent: None,
        told: Default::default(),
    }
}

/// `number field: reason` of each refusal.
fn refusals(intake: &Intake) -> Vec<String> {
    let describe = |rejection: &Rejection| match &rejection.field {
        Some(field) => format!("{} {field}: {}", rejection.number, rejection.reason),
        None => format!("{} {}", rejection.number, rejection.reason),
    };
    intake.rejections.iter().map(describe).collect()
}

/// The one hit of a body. The error says why it is refused.
fn read_one(body: &str, format: Format) -> Result<Hit, String> {
    let intake = read(body.as_bytes(), format, NOW_MS).unwrap();
    match (intake.hits.as_slice(), refusals(&intake).as_slice()) {
        ([hit], []) => Ok(without_told(hit)),
        ([], [refusal]) => Err(refusal.trim_start_matches("1 ").to_owned()),
        _ => panic!("{body} is not one hit"),
    }
}

#[track_caller]
fn check_error(body: &[u8], format: Format, expect: &str) {
    let error = read(body, format, NOW_MS).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

/// A hit without the properties that `told.rs` tests.
fn without_told(hit: &Hit) -> Hit {
    Hit {
        told: Default::default(),
        ..hit.clone()
    }
}

/// All hits of an intake without these properties.
fn all_without_told(intake: &Intake) -> Vec<Hit> {
    intake.hits.iter().map(without_told).collect()
}

/// What the readers make of a body, before the check, without these properties.
fn raw_all(body: &[u8], lines: Lines) -> Vec<Result<RawHit, String>> {
    let without_told = |raw| RawHit {
        host: None,
        consumer: None,
        protocol: None,
        referrer: None,
        ..raw
    };
    let all = raw_told(body, lines).into_iter();
    all.map(|raw| raw.map(without_told)).collect()
}

/// What the readers make of a body, before the check.
fn raw_told(body: &[u8], lines: Lines) -> Vec<Result<RawHit, String>> {
    let mut all = Vec::new();
    let taken: Result<(), ()> = lines::for_each_hit(body, lines, |_, raw| {
        all.push(raw.map_err(|flaw| match flaw.field {
            Some(field) => format!("{field}: {}", flaw.reason),
            None => flaw.reason,
        }));
        Ok(())
    });
    taken.unwrap();
    all
}

/// The one hit of a line of any format, before the check.
#[track_caller]
fn raw_line(line: &str) -> Result<RawHit, String> {
    match raw_all(line.as_bytes(), Lines::Any).as_slice() {
        [raw] => raw.clone(),
        all => panic!("{line} gives {all:?}"),
    }
}

/// A hit of 192.0.2.1 at `NOW_MS` as it was read.
fn raw() -> RawHit {
    RawHit {
        ip: "192.0.2.1".into(),
        method: "GET".into(),
        path: "/a".into(),
        timestamp_ms: Some(NOW_MS),
        ..RawHit::default()
    }
}

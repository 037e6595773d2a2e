//! What must hold for the hits of a body.

use rollcall_formats::{Context, Format, Intake, IntakeError, write_json};
use rollcall_tally::hit::{
    FUTURE_MS_MAX, Hit, METHOD_BYTES_MAX, PATH_BYTES_MAX, RESPONSE_BYTES_MAX, RESPONSE_TIME_US_MAX,
    TIMESTAMP_MS_MIN, USER_AGENT_BYTES_MAX, is_token_byte,
};

use crate::memory::memory_of;

/// 2026-11-27.
pub(crate) const NOW: u64 = 1_795_000_000_000;
/// The most memory for each byte of a body. The columns of a line and the values of a JSON list may
/// have two bytes each.
const MEMORY_FOR_A_BYTE: usize = 80;
/// The most memory beside that.
const MEMORY_BYTES: usize = 64 * 1024;

/// Reads a body, and checks the result.
pub(crate) fn read(body: &[u8], format: Format, context: Context<'_>) {
    let intake = rollcall_formats::read(body, format, context);
    // The first reading of all also prepared the list of bots, so the second one is measured.
    let (again, memory) = memory_of(|| rollcall_formats::read(body, format, context));
    let memory_max = MEMORY_BYTES + MEMORY_FOR_A_BYTE * body.len();
    assert!(memory <= memory_max, "{memory} bytes of memory, {format:?}");
    assert_eq!(intake, again, "a body is read in one way");
    match intake {
        Ok(intake) => check(&intake, body, format),
        Err(IntakeError::NotJson { .. } | IntakeError::NotHits) if format == Format::Json => {}
        Err(IntakeError::Empty) => assert!(body.trim_ascii().is_empty()),
        Err(error) => panic!("{error}, {format:?}"),
    }
}

fn check(intake: &Intake, body: &[u8], format: Format) {
    let taken = intake.hits.len() as u64 + intake.rejected_count + intake.excluded;
    let parts_max = match format {
        // An element of an array.
        Format::Json => body.iter().filter(|byte| **byte == b',').count() + 1,
        _ => body.split(|byte| *byte == b'\n').count(),
    };
    assert!(taken <= parts_max as u64, "{taken} hits of {parts_max}");
    assert_eq!(intake.excluded, 0, "there is no rule");
    let repaired = intake.repaired.hits;
    assert!(repaired <= intake.hits.len() as u64, "{repaired} repaired");
    for hit in &intake.hits {
        check_hit(hit);
        stays_the_same(hit);
    }
}

/// A hit is within the limits of `rollcall_tally::hit`.
pub(crate) fn check_hit(hit: &Hit) {
    assert_eq!(hit.ip, hit.ip.to_canonical());
    assert!((TIMESTAMP_MS_MIN..=NOW + FUTURE_MS_MAX).contains(&hit.timestamp_ms));
    assert!(
        (1..=METHOD_BYTES_MAX).contains(&hit.method.len()),
        "{hit:?}"
    );
    let is_method = |byte: u8| is_token_byte(byte) && !byte.is_ascii_lowercase();
    assert!(hit.method.bytes().all(is_method), "{hit:?}");
    assert!((1..=PATH_BYTES_MAX).contains(&hit.path.len()), "{hit:?}");
    let is_never = |char: char| char.is_control() || "?#".contains(char);
    assert!(!hit.path.contains(is_never), "{hit:?}");
    assert!(
        hit.status
            .is_none_or(|status| (100..=599).contains(&status)),
        "{hit:?}"
    );
    assert!(
        hit.response_time_us
            .is_none_or(|time| time <= RESPONSE_TIME_US_MAX)
    );
    assert!(hit.bytes.is_none_or(|bytes| bytes <= RESPONSE_BYTES_MAX));
    if let Some(country) = &hit.country {
        let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        assert!(
            country.len() == 2 && country.bytes().all(is_code),
            "{hit:?}"
        );
    }
    if let Some(agent) = &hit.user_agent {
        assert!((1..=USER_AGENT_BYTES_MAX).contains(&agent.len()), "{hit:?}");
    }
}

/// A hit that is exported and imported is the same hit.
pub(crate) fn stays_the_same(hit: &Hit) {
    let mut line = Vec::new();
    write_json(hit, &mut line).expect("a vector takes every byte");
    let read = rollcall_formats::read(&line, Format::Ndjson, NOW).expect("a line is no error");
    assert_eq!(read.hits.as_slice(), std::slice::from_ref(hit));
}

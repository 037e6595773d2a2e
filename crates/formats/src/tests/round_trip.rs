//! If a hit is written and read, it stays the same. No input makes a reader panic.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use rollcall_tally::hit::{Dimension, RESPONSE_BYTES_MAX, RESPONSE_TIME_US_MAX, TIMESTAMP_MS_MIN};

/// A hit that every format can hold: its time is in whole seconds, and it has only the fields of a
/// log line.
fn any_logged_hit() -> impl Strategy<Value = Hit> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(std::net::IpAddr::from),
        any::<[u8; 16]>().prop_map(|octets| std::net::IpAddr::from(octets).to_canonical()),
    ];
    (
        ip,
        TIMESTAMP_MS_MIN / 1_000..=NOW_MS / 1_000,
        // `-` alone is no method.
        "[A-Z0-9!#$%&'*+.^_`|~][A-Z0-9!#$%&'*+.^_`|~-]{0,31}",
        r"/[^?#%\p{Cc}]{0,100}",
        proptest::option::of(100..=599_u16),
        proptest::option::of(0..=RESPONSE_BYTES_MAX),
        proptest::option::of("[^-].{0,40}"),
    )
        .prop_map(
            |(ip, seconds, method, path, status, bytes, user_agent)| Hit {
                ip,
                timestamp_ms: seconds * 1_000,
                method,
                path,
                status,
                response_time_us: None,
                bytes,
                country: None,
                user_agent,
                told: Default::default(),
            },
        )
}

fn any_hit() -> impl Strategy<Value = Hit> {
    (
        any_logged_hit(),
        0..1_000_u64,
        proptest::option::of(0..=RESPONSE_TIME_US_MAX),
        proptest::option::of("[A-Z][A-Z0-9]"),
    )
        .prop_map(|(hit, ms, response_time_us, country)| Hit {
            timestamp_ms: hit.timestamp_ms + ms,
            response_time_us,
            country,
            ..hit
        })
}

/// As nginx writes it.
fn combined_line(hit: &Hit) -> String {
    let or_dash = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    let time = jiff::Timestamp::from_millisecond(hit.timestamp_ms as i64).unwrap();
    format!(
        r#"{} - - [{}] "{} {} HTTP/1.1" {} {} "-" "{}""#,
        hit.ip,
        time.strftime("%d/%b/%Y:%H:%M:%S %z"),
        hit.method,
        escaped(&hit.path),
        or_dash(hit.status.map(u64::from)),
        or_dash(hit.bytes),
        escaped(hit.user_agent.as_deref().unwrap_or("-")),
    )
}

/// The family of a user agent is made of it, and not written.
fn without_family(mut hits: Vec<Hit>) -> Vec<Hit> {
    for hit in &mut hits {
        *hit.told.get_mut(Dimension::UserAgent) = None;
    }
    hits
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x7f.. => write!(escaped, "\\x{byte:02X}").unwrap(),
            byte => escaped.push(byte.into()),
        }
    }
    escaped
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(body: Vec<u8>, now_ms: u64) {
        for format in Format::names().filter_map(Format::from_name) {
            let _ = read(&body, format, now_ms);
        }
    }

    #[test]
    fn no_text_that_is_nearly_a_line_makes_a_reader_panic(body in r#"[-0-9a-f:. "\\x\[\]/GETHP{},\n\u{e9}+]{0,200}"#) {
        for format in Format::names().filter_map(Format::from_name) {
            let _ = read(body.as_bytes(), format, NOW_MS);
        }
    }

    #[test]
    fn a_damaged_line_does_not_make_a_reader_panic(hit in any_logged_hit(), at: prop::sample::Index, byte: u8) {
        for (format, line) in [
            (Format::AccessLog, combined_line(&hit).into_bytes()),
            (Format::Ndjson, json_line(&hit)),
        ] {
            let mut line = line;
            let at = at.index(line.len());
            line[at] = byte;
            let _ = read(&line, format, NOW_MS);
            let _ = read(&line[..at], format, NOW_MS);
            let _ = read(&line, Format::Auto, NOW_MS);
            let _ = read(&line[at..], Format::Auto, NOW_MS);
        }
    }

    #[test]
    fn a_hit_written_as_json_and_read_is_the_same(hits in prop::collection::vec(any_hit(), 1..5)) {
        let lines: Vec<_> = hits.iter().map(json_line).collect();
        let ndjson = read(&lines.join(&b'\n'), Format::Ndjson, NOW_MS).unwrap();
        prop_assert_eq!(&without_family(ndjson.hits.clone()), &hits);
        let array = [b"[", lines.join(&b',').as_slice(), b"]"].concat();
        prop_assert_eq!(read(&array, Format::Json, NOW_MS), Ok(ndjson));
    }

    #[test]
    fn a_hit_written_as_a_combined_line_and_read_is_the_same(hit in any_logged_hit()) {
        let line = combined_line(&hit);
        for format in [Format::Auto, Format::AccessLog] {
            let read = read_one(&line, format).map(|hit| without_family(vec![hit]));
            prop_assert_eq!(read, Ok(vec![hit.clone()]));
        }
    }
}

fn json_line(hit: &Hit) -> Vec<u8> {
    let mut line = Vec::new();
    write_json(hit, &mut line).unwrap();
    line
}

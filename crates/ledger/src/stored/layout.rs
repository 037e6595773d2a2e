//! The bytes of every kind of stored value, held against `tests/layouts/{layout}.values`.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;
use std::{env, fs};

use proptest::prelude::*;
use rollcall_store::LAYOUT;
use rollcall_store::value::{decode, encode};
use rollcall_tally::{Drops, Hit, IpState, KeptAnswer, Traffic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::root::Pace;
use super::*;
use crate::LedgerError;

const NOW_MS: u64 = 1_800_000_000_000;
const HOUR_MS: u64 = 3_600_000;

/// A value of a kind, as it is stored, and what reads it. The key names the kind.
struct Kind {
    key: &'static str,
    bytes: Vec<u8>,
    /// The value read, as text.
    read: fn(&str, &[u8]) -> Result<String, LedgerError>,
    expect: String,
}

fn kind<T: Serialize + DeserializeOwned + Debug>(key: &'static str, value: T) -> Kind {
    Kind {
        key,
        bytes: encode(key, &value).unwrap(),
        read: |key, bytes| Ok(format!("{:?}", decode::<T>(key, bytes)?)),
        expect: format!("{value:?}"),
    }
}

/// Every kind of value, each field with a number or a text of its own.
fn kinds() -> Vec<Kind> {
    let full = Hit {
        ip: "2001:db8::1".parse().unwrap(),
        timestamp_ms: NOW_MS,
        method: "GET".to_owned(),
        path: "/größe".to_owned(),
        status: Some(503),
        response_time_us: Some(12_500),
        bytes: Some(900),
        country: Some("DE".to_owned()),
        user_agent: Some("curl/8".to_owned()),
    };
    let bare = Hit {
        ip: [192, 0, 2, 1].into(),
        timestamp_ms: NOW_MS - 100 * HOUR_MS,
        status: None,
        response_time_us: None,
        bytes: None,
        country: None,
        user_agent: None,
        ..full.clone()
    };
    let (mut state, mut traffic) = (IpState::default(), Traffic::default());
    for (n, hit) in (0..).zip([&full, &bare]) {
        for hours in [0, 30, 24 * 200] {
            let timestamp_ms = hit.timestamp_ms - n - hours * HOUR_MS;
            let hit = Hit {
                timestamp_ms,
                ..hit.clone()
            };
            state.add(&hit, NOW_MS);
            traffic.add(&hit);
        }
    }
    let hits = vec![full, bare];
    let id = BatchId::of("batch");
    let change = |of, is_written, before| Change {
        of,
        is_written,
        before,
    };
    let entry = Entry {
        version: 3,
        last_seen_ms: NOW_MS,
        hits: 4,
        bytes: 5,
    };
    let root = Root {
        k: 1,
        folded_at_ms: NOW_MS,
        log: 2,
        open: [(3, 4)].into(),
        shards: vec![0, 5],
        ids: vec![IdChunk {
            number: 6,
            version: 7,
            count: 8,
            newest_ms: 9,
        }],
        ips: 10,
        hits: 11,
        drops: Drops {
            evicted_ips: 12,
            evicted_hits: 13,
            unreadable_ips: 14,
            unreadable_hits: 15,
            other_path_hits: 16,
            repeated_batches: 17,
            skipped_numbers: 18,
        },
        traffic,
        pace: Pace {
            halvings: 19,
            segments: 20,
            is_full: true,
            took_ms: 21,
        },
        replaced: vec![Replaced {
            k: 22,
            since_ms: 23,
        }],
        void: vec![Void {
            first: 24,
            last: 25,
            since_ms: 26,
        }],
    };
    let segment = encode("log:1", &Segment::new(Some(id), NOW_MS, &hits)).unwrap();
    vec![
        Kind {
            key: "log:1",
            bytes: segment,
            read: read_segment,
            expect: format!("{:?} {NOW_MS} {hits:?}", Some(id)),
        },
        Kind {
            key: "ip:192.0.2.1:1",
            bytes: encode_state("ip:192.0.2.1:1", &state).unwrap(),
            read: |key, bytes| Ok(format!("{:?}", decode_state(key, bytes)?)),
            expect: format!("{state:?}"),
        },
        kind("root:1", root),
        kind("shard:0:1", Shard([(hits[0].ip, entry)].into())),
        kind("ids:0:1", vec![id]),
        kind(
            "plan:1",
            Plan {
                base: 1,
                changes: vec![
                    change(Versioned::Ip(hits[0].ip), true, 2),
                    change(Versioned::Shard(3), true, 4),
                    change(Versioned::Ids(5), false, 6),
                ],
            },
        ),
        kind(
            "head",
            Head {
                k: 1,
                low: 2,
                log: 3,
            },
        ),
        kind(
            "lease",
            Lease {
                owner: 1,
                until_ms: NOW_MS,
            },
        ),
        kind(
            "cleaned",
            Cleaned {
                log: 1,
                replaced: (2, 3),
                void: (4, 5),
                settled: (6, 7),
            },
        ),
        kind(
            "meta",
            Meta {
                shards: 256,
                upgrading_from: Some(3),
            },
        ),
        kind(
            "answer:0",
            KeptAnswer {
                question: "top-paths".to_owned(),
                body: b"{}".to_vec(),
                computed_at_ms: NOW_MS,
                ttl_ms: 60_000,
            },
        ),
    ]
}

fn read_segment(key: &str, bytes: &[u8]) -> Result<String, LedgerError> {
    let mut segment = SegmentReader::new(key, bytes)?;
    let mut hits = Vec::new();
    while let Some(hit) = segment.next()? {
        hits.push(hit);
    }
    Ok(format!("{:?} {} {hits:?}", segment.id, segment.stamp_ms))
}

fn file() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/layouts");
    folder.join(format!("{LAYOUT}.values"))
}

const HELP: &str = "\
The bytes that this version stores are not those of its layout. A store that is in use could not be read any more, or, worse, be misread.
Was that not meant? Then undo the change. The types in crates/ledger/src/stored are those that lie on the disk.
Was it meant? Then follow CONTRIBUTING.md, \"Change the stored layout\".";

#[test]
fn stored_bytes_are_those_of_the_layout() {
    let mut written = String::new();
    for kind in kinds() {
        let hex: String = kind
            .bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        writeln!(written, "{} {hex}", kind.key).unwrap();
    }
    let file = file();
    if env::var_os("ROLLCALL_NEW_LAYOUT").is_some() && !file.exists() {
        fs::write(&file, &written).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    assert!(known == written, "{}: {HELP}\n{written}", file.display());
}

#[test]
fn every_stored_value_is_read_as_what_was_written() {
    let known = fs::read_to_string(file()).unwrap();
    let known: BTreeMap<&str, &str> = known
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    for kind in kinds() {
        let hex = known[kind.key].as_bytes().chunks(2);
        let bytes = hex.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
        let bytes: Vec<u8> = bytes.collect();
        let read = (kind.read)(kind.key, &bytes);
        assert_eq!(read.unwrap(), kind.expect, "{}: {HELP}", kind.key);
    }
}

#[test]
fn each_flipped_bit_and_each_missing_byte_is_an_error_that_names_the_key() {
    for kind in kinds() {
        let flipped = (0..kind.bytes.len() * 8).map(|at| {
            let mut bytes = kind.bytes.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            bytes
        });
        let cut = (0..kind.bytes.len()).map(|end| kind.bytes[..end].to_vec());
        let longer = [kind.bytes.as_slice(), &[0]].concat();
        for bytes in flipped.chain(cut).chain([longer]) {
            let error = (kind.read)(kind.key, &bytes).unwrap_err();
            let is_named = matches!(&error, LedgerError::Corrupt { key, .. } if key == kind.key);
            assert!(is_named, "{error}");
        }
    }
}

proptest! {
    #[test]
    fn no_content_makes_reading_a_value_panic(of in 0..11usize, content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let kind = kinds().swap_remove(of);
        // Whole, but not of this kind.
        let layout_3 = [&[1], content.as_slice()].concat();
        let bytes = rollcall_store::value::from_layout_3(kind.key, &layout_3).unwrap();
        let _ = (kind.read)(kind.key, &bytes);
    }
}

//! The bytes of every kind of stored value.

use proptest::prelude::*;
use rollcall_store::testing::{Kind, check_layout, told};
use rollcall_store::value::{encode, from_layout_3};
use rollcall_tally::{Drops, Hit, IpState, Traffic};

use super::root::Pace;
use super::*;
use crate::LedgerError;

const NOW_MS: u64 = 1_800_000_000_000;
const HOUR_MS: u64 = 3_600_000;

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
            read: |key, bytes| told(read_segment(key, bytes)),
            expect: format!("{:?}", (Some(id), NOW_MS, &hits)),
        },
        Kind {
            key: "ip:192.0.2.1:1",
            bytes: encode_state("ip:192.0.2.1:1", &state).unwrap(),
            read: |key, bytes| told(decode_state(key, bytes)),
            expect: format!("{state:?}"),
        },
        Kind::new("root:1", root),
        Kind::new("shard:0:1", Shard([(hits[0].ip, entry)].into())),
        Kind::new("ids:0:1", vec![id]),
        Kind::new(
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
        Kind::new(
            "head",
            Head {
                k: 1,
                low: 2,
                log: 3,
            },
        ),
        Kind::new(
            "lease",
            Lease {
                owner: 1,
                until_ms: NOW_MS,
            },
        ),
        Kind::new(
            "cleaned",
            Cleaned {
                log: 1,
                replaced: (2, 3),
                void: (4, 5),
                settled: (6, 7),
            },
        ),
        Kind::new(
            "meta",
            Meta {
                shards: 256,
                upgrading_from: Some(3),
            },
        ),
    ]
}

type Read = (Option<BatchId>, u64, Vec<Hit>);

fn read_segment(key: &str, bytes: &[u8]) -> Result<Read, LedgerError> {
    let mut segment = SegmentReader::new(key, bytes)?;
    let mut hits = Vec::new();
    while let Some(hit) = segment.next()? {
        hits.push(hit);
    }
    Ok((segment.id, segment.stamp_ms, hits))
}

#[test]
fn stored_bytes_are_those_of_the_layout() {
    check_layout(env!("CARGO_MANIFEST_DIR"), kinds());
}

proptest! {
    #[test]
    fn no_content_makes_reading_a_value_panic(of in 0..10usize, content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let kind = kinds().swap_remove(of);
        // Whole, but not of this kind.
        let layout_3 = [&[1], content.as_slice()].concat();
        let bytes = from_layout_3(kind.key, &layout_3).unwrap();
        let _ = (kind.read)(kind.key, &bytes);
    }
}

//! The bytes of every kind of stored value.

use std::net::IpAddr;

use futures::executor::block_on;
use proptest::prelude::*;
use rollcall_store::testing::{Kind, check_layout, told};
use rollcall_store::value::{encode, encode_with};
use rollcall_tally::hit::{ByDimension, HitRef};
use rollcall_tally::hour_of_week::HourOfWeek;
use rollcall_tally::rollup::{Deltas, PathSums, Totals};
use rollcall_tally::state::{Located, Placed};
use rollcall_tally::window::Ranges;
use rollcall_tally::{Drops, Hit, IpState, Repairs, Traffic};

use rollcall_tally::bucket::{BucketId, Tier};

use super::root::{Erased, Erasure, Had, NewestDrops, Pace};
use super::*;
use crate::{LedgerError, keys};

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
        told: ByDimension::from_fn(|dimension| {
            let is_told = dimension.is_told();
            is_told.then(|| dimension.name().to_owned())
        }),
    };
    let bare = Hit {
        ip: [192, 0, 2, 1].into(),
        timestamp_ms: NOW_MS - 100 * HOUR_MS,
        status: None,
        response_time_us: None,
        bytes: None,
        country: None,
        user_agent: None,
        told: ByDimension::default(),
        ..full.clone()
    };
    let ranges = Ranges::utc(NOW_MS);
    let (mut state, mut traffic) = (IpState::default(), Traffic::default());
    for (n, hit) in (0..).zip([&full, &bare]) {
        for hours in [0, 30, 24 * 200] {
            let timestamp_ms = hit.timestamp_ms - n - hours * HOUR_MS;
            let hit = Hit {
                timestamp_ms,
                ..hit.clone()
            };
            state.add(&hit, &ranges);
            traffic.add(&hit.method, hit.as_hit_ref().measures);
        }
    }
    state.caller.located = located();
    let fine = Bucket::from(BucketId::around(Tier::Fine, NOW_MS, &ranges));
    let (mut totals, mut sums) = sums_of(&full, &bare);
    let hash = keys::path_hash("GET /größe");
    let sums_bytes = encode_sums(&mut sums);
    let record = PathRecord {
        hash,
        key: "GET /größe",
        sums: &sums_bytes,
    };
    let known = Known {
        first_ms: NOW_MS - 1,
        last_ms: NOW_MS,
        hits: vec![
            (BucketId::around(Tier::Fine, NOW_MS, &ranges), 2),
            (
                BucketId::around(Tier::Day, NOW_MS - 50 * HOUR_MS, &ranges),
                3,
            ),
        ],
    };
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
        number: 6,
    };
    let repaired = Repairs {
        hits: 41,
        unknown_requests: 42,
        cut_paths: 43,
        replaced_text: 44,
        unknown_statuses: 45,
        unknown_response_times: 46,
        unknown_bytes: 47,
        unknown_countries: 48,
    };
    let root = Root {
        repaired,
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
            ..Drops::default()
        },
        traffic,
        aged_ms: 27,
        first_seen_ms: Some(28),
        next_ip: 29,
        rollups: vec![RollupRef {
            bucket: fine,
            version: 30,
            parts: 2,
            bytes: 31,
        }],
        known: vec![
            KnownRef::default(),
            KnownRef {
                version: 32,
                bytes: 33,
            },
        ],
        heaviest: vec![(fine, 34)],
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
        erased: Erased {
            ips: 49,
            hits: 50,
            newest_ms: 51,
            recent: [(
                hits[0].ip,
                Erasure {
                    until_ms: 52,
                    log: 54,
                    had: Some(Had {
                        number: 55,
                        first_seen_ms: 56,
                        country: "DE".to_owned(),
                        network: Some("AS64496 Example".to_owned()),
                    }),
                },
            )]
            .into(),
        },
        newest_drops: NewestDrops {
            evicted_ms: 57,
            unreadable_ms: 58,
            erased_ms: 59,
            other_path_ms: 60,
            unsummed_ms: 61,
        },
        uncounted: Uncounted {
            listed_from: 62,
            numbers: [(63, Why::Repeated), (64, Why::Dropped)].into(),
        },
        documents: 65,
    };
    let erased = [hits[1].ip];
    let documents = [
        ("labels/office".to_owned(), Some("{}".to_owned())),
        ("views/old".to_owned(), None),
    ];
    let mut segment = Segment::new(Some(id), NOW_MS, repaired, &hits);
    segment.erased = &erased;
    segment.documents = &documents;
    let segment = encode("log:1", &segment).unwrap();
    vec![
        Kind {
            key: "log:1",
            bytes: segment,
            read: |key, bytes| told(read_segment(key, bytes)),
            expect: {
                let hits = hits.iter().map(|hit| (hit.ip, hit.as_hit_ref()));
                format!("{:?}", (Some(id), NOW_MS, hits.collect::<Vec<_>>()))
            },
        },
        Kind {
            key: "ip:1:192.0.2.1",
            bytes: encode_state("ip:1:192.0.2.1", &state, &Undecoded::new()),
            read: |key, bytes| told(decode_state(key, bytes)),
            expect: format!("{state:?}"),
        },
        Kind::new("root:1", root),
        Kind::new("shard:0:1", Shard::from_iter([(hits[0].ip, entry)])),
        Kind {
            key: TOTALS,
            bytes: encode_totals(TOTALS, &mut totals),
            read: |key, bytes| told(decode_totals(key, bytes)),
            expect: format!("{totals:?}"),
        },
        Kind {
            key: PATHS,
            bytes: encode_paths(PATHS, &[record]),
            read: |key, bytes| told(read_paths(key, bytes)),
            expect: format!("{:?}", vec![("GET /größe".to_owned(), hash, sums)]),
        },
        Kind {
            key: "known:0:1",
            bytes: encode_paths(
                "known:0:1",
                &[PathRecord {
                    sums: &encode_known(&known),
                    ..record
                }],
            ),
            read: |key, bytes| told(read_known(key, bytes)),
            expect: format!("{:?}", vec![("GET /größe".to_owned(), known)]),
        },
        Kind::new(
            "heaviest:f6000000:1",
            Heaviest::from(rollcall_tally::rollup::Heaviest {
                ips: [(hits[0].ip, 5)].into(),
                others_at_most: 4,
            }),
        ),
        Kind::new("ids:0:1", IdList(vec![id])),
        Kind::new("documents:1", {
            let mut stored = Documents::default();
            for (change, log) in documents.clone().into_iter().zip([65, 66]) {
                stored.change(change, log, NOW_MS + log);
            }
            stored
        }),
        Kind::new(
            "plan:1",
            Plan {
                base: 1,
                changes: vec![
                    change(Versioned::Ip(hits[0].ip), true, 2),
                    change(Versioned::Shard(3), true, 4),
                    change(Versioned::Ids(5), false, 6),
                    change(Versioned::Totals(fine), true, 7),
                    change(Versioned::Paths(fine, 8), false, 9),
                    change(Versioned::Known(10), true, 11),
                    change(Versioned::Heaviest(fine), false, 12),
                    change(Versioned::Documents, true, 13),
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
            "restore",
            Restoring {
                id: "a digest".to_owned(),
                k: 1,
                base: 2,
                owner: 3,
                next: 4,
                values: 5,
                is_done: true,
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
                zone: "Europe/Berlin".to_owned(),
            },
        ),
    ]
}

fn located() -> Located {
    Located {
        version: 53,
        country: Some("AT".to_owned()),
        network: Some("AS64496 Example".to_owned()),
    }
}

const TOTALS: &str = "totals:f6000000:1";
const PATHS: &str = "paths:f6000000:0:1";

/// Totals and sums of two hits, by so many IPs that they are stored as a bitmap.
fn sums_of(full: &Hit, bare: &Hit) -> (Totals, PathSums) {
    let mut deltas = Deltas::default();
    let ranges = Ranges::utc(NOW_MS);
    let mut add = |hit: &Hit, number| {
        let timestamp_ms = NOW_MS;
        let hit = HitRef {
            timestamp_ms,
            ..hit.as_hit_ref()
        };
        let hits = [Placed::new(deltas.names.compact(&hit), &ranges)];
        let located = Located {
            country: None,
            ..located()
        };
        deltas.add(&IpState::default(), number, &hits, &located, &ranges);
    };
    (0..70).for_each(|number| add(full, 3 * number));
    (1..4).for_each(|number| add(bare, 1_000 * number));
    block_on(deltas.settle(async || ()));
    let delta = deltas
        .take(BucketId::around(Tier::Fine, NOW_MS, &ranges))
        .unwrap();
    let mut sums = PathSums::default();
    for (path, hits) in delta.paths() {
        assert_eq!(deltas.names.text(path), "GET /größe");
        hits.add_to(&mut sums, &deltas.names);
    }
    let mut totals = delta.totals;
    totals.are_in(HourOfWeek::of(NOW_MS, &ranges.calendar));
    (totals, sums)
}

type Paths = Vec<(String, u32, PathSums)>;

fn read_paths(key: &str, bytes: &[u8]) -> Result<Paths, LedgerError> {
    let mut paths = Vec::new();
    for record in path_records(key, bytes)? {
        let mut sums = PathSums::default();
        record.add_to(key, &mut sums)?;
        paths.push((record.key.to_owned(), record.hash, sums));
    }
    Ok(paths)
}

fn read_known(key: &str, bytes: &[u8]) -> Result<Vec<(String, Known)>, LedgerError> {
    let mut paths = Vec::new();
    decode_known(
        key,
        bytes,
        |_| true,
        |path_key, known| {
            paths.push((path_key.to_owned(), known));
        },
    )?;
    Ok(paths)
}

type Read<'b> = (Option<BatchId>, u64, Vec<(IpAddr, HitRef<'b>)>);

fn read_segment<'b>(key: &'b str, bytes: &'b [u8]) -> Result<Read<'b>, LedgerError> {
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
    fn no_content_makes_reading_a_value_panic(of in 0..15usize, content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let kind = kinds().swap_remove(of);
        // The value is whole, but not of this kind.
        let bytes = encode_with(kind.key, |to| to.extend(content));
        let _ = (kind.read)(kind.key, &bytes);
    }
}

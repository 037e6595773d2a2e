//! The files of `tests/layouts/`: the stores that older versions left, and the rows that they gave.

use std::fs;
use std::path::PathBuf;

use rollcall_store::LAYOUT;
use rollcall_store::testing::from_hex;
use rollcall_tally::hit::{ByDimension, Dimension};
use rollcall_tally::window::HOUR_MS;

use super::steps::{folder, writer};
use super::*;

pub fn file(name: &str) -> String {
    let file = path(name);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/layouts");
    folder.join(name)
}

/// Reads a store from its lines: `clock MS`, `counter KEY COUNT` and `value KEY HEX`.
pub fn store_of(text: &str) -> MemoryStore {
    let store = MemoryStore::new();
    for line in text.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["clock", ms] => store.clock.wall_ms.set(ms.parse().unwrap()),
            ["counter", key, count] => {
                let mut counters = store.counters.borrow_mut();
                counters.insert(key.to_owned(), count.parse().unwrap());
            }
            ["value", key, hex] => {
                let mut values = store.values.borrow_mut();
                values.insert(key.to_owned(), from_hex(hex));
            }
            _ => panic!("{line}"),
        }
    }
    store
}

/// Writes a store as lines that [`store_of`] reads.
pub fn text_of(store: &MemoryStore) -> String {
    let mut text = format!("clock {}\n", store.clock.wall_ms.get());
    for (key, count) in store.counters.borrow().iter() {
        text += &format!("counter {key} {count}\n");
    }
    for (key, value) in store.values.borrow().iter() {
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("value {key} {hex}\n");
    }
    text
}

/// Uses a store as this version does. Leaves folds, a fold that died, a fold that was not told of,
/// a hole in the log, and segments that wait.
pub fn use_store(store: &MemoryStore) {
    let limits = small();
    let send = |count: u64| {
        let hits = some_hits(count, store.clock.wall_ms.get());
        let id = format!("layout {LAYOUT}, {count} hits");
        append(store, &limits, Some(&id), hits).unwrap()
    };
    // The segments that waited are folded, and the values that nobody needs are deleted.
    send(10);
    fold(store, &limits).unwrap();
    let clock = &store.clock;
    clock.pass(limits.keep_replaced_ms + limits.clean_after_ms);
    clean(store, &limits);
    send(20);
    fold(store, &limits).unwrap();
    for (count, dies_before) in [(6, "set root:"), (8, "set head")] {
        send(count);
        folder(store, &limits).up_to(dies_before).crash();
        clock.pass(limits.lease_max_ms);
    }
    let hole = writer(store, &limits, None, some_hits(1, clock.wall_ms.get()));
    hole.up_to("set log:").crash();
    send(3);
    send(4);
}

/// Hits in buckets of each length, with and without each field that a hit may lack.
fn some_hits(count: u64, now_ms: u64) -> Vec<Hit> {
    let ages_ms = [0, 5, 30, 20 * 24, 120 * 24].map(|hours| hours * HOUR_MS);
    let numbered = (0..count).zip(ages_ms.into_iter().cycle());
    let some = |(n, age_ms)| Hit {
        status: [None, Some(200), Some(404), Some(503)][(n % 4) as usize],
        response_time_us: (n % 3 > 0).then_some(n * 1_000),
        bytes: (n % 2 > 0).then_some(n * 100),
        country: (n % 5 > 0).then(|| ["DE", "FR"][(count / 2 % 2) as usize].to_owned()),
        user_agent: (n % 5 > 1).then(|| format!("agent/{count}")),
        told: ByDimension::from_fn(|dimension| match dimension {
            Dimension::Host => (n % 3 > 0).then(|| format!("h{}.example", n % 2)),
            Dimension::Bot => (n % 4 > 2).then(|| "curl".to_owned()),
            _ => None,
        }),
        ..hit(
            &format!("198.51.100.{}", n % 7),
            &format!("/p{}", n % 6),
            now_ms - age_ms,
        )
    };
    numbered.map(some).collect()
}

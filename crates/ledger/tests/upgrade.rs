//! A store that an older version filled is brought up, whatever dies meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::{env, fs};

use crate::common::kept::{self, file};
use crate::common::ways::{all_details, of_ips, of_sums};
use crate::common::{Fault, MemoryStore, all, append, clean, current, fold, hit, ledger, small};
use futures::executor::block_on;
use rollcall_ledger::limits::Limits;
use rollcall_ledger::{LedgerError, Opened, Upgraded};
use rollcall_store::LAYOUT;
use rollcall_tally::hit::Dimension;
use rollcall_tally::report::{Left, WindowVerified};
use rollcall_tally::state::Caller;
use rollcall_tally::time_zone::Zone;
use rollcall_tally::window::{Span, Window};
use rollcall_tally::{BatchState, Details, Filter, GroupDetail, GroupList, Grouping};
use serde::Serialize;

/// A store as a version with this layout left it: see [`kept::use_store`].
fn left_by(layout: u8) -> MemoryStore {
    kept::store_of(&file(&format!("{layout}.store")))
}

/// A row as the files of `tests/layouts/` have it.
#[derive(Serialize)]
struct Row<'r> {
    ip: &'r str,
    path_key: &'r str,
    method: &'r str,
    path: &'r str,
    count: u64,
    first_seen_ms: u64,
    last_accessed_ms: u64,
    country: &'r Option<String>,
    user_agent: &'r Option<String>,
    client_errors: u64,
    server_errors: u64,
    bytes: Option<u64>,
    timed: u64,
    time_sum_us: u64,
}

/// The rows of an export of everything, a line each.
fn rows(store: &MemoryStore) -> String {
    let mut rows = String::new();
    for (ip, state) in all(store, &small()) {
        let of_ip = state.rows(&ip.to_string(), &Span::ALL, &Filter::default());
        for row in &of_ip.paths {
            let (method, path) = row.path_key.split_once(' ').unwrap_or(("", &row.path_key));
            let row = Row {
                ip: &of_ip.ip,
                path_key: &row.path_key,
                method,
                path,
                count: row.count,
                first_seen_ms: row.first_seen_ms,
                last_accessed_ms: row.last_accessed_ms,
                country: &of_ip.country,
                user_agent: &of_ip.user_agent,
                client_errors: row.client_errors,
                server_errors: row.server_errors,
                bytes: row.bytes,
                timed: row.timed,
                time_sum_us: row.time_sum_us,
            };
            rows += &serde_json::to_string(&row).unwrap();
            rows.push('\n');
        }
    }
    rows
}

/// A value as a version with another layout seals it.
fn with_layout(key: &str, value: &[u8], layout: u8) -> Vec<u8> {
    let mut value = value.to_vec();
    value[0] = layout;
    let sum = crc32c::crc32c_append(crc32c::crc32c(key.as_bytes()), &value[..1]);
    let sum = crc32c::crc32c_append(sum, &value[5..]);
    value[1..5].copy_from_slice(&sum.to_le_bytes());
    value
}

fn open(store: &MemoryStore) -> Result<Opened, LedgerError> {
    block_on(ledger(store, &small()).open())
}

/// Opens a store, and has it brought up if it must be.
fn bring_up(store: &MemoryStore) -> Result<(), LedgerError> {
    let limits = small();
    if open(store)? == Opened::Upgrading {
        let upgraded = block_on(ledger(store, &limits).upgrade())?;
        assert_eq!(upgraded, Upgraded::Done);
    }
    Ok(())
}

/// The sums over all IPs must tell the same as the IPs.
fn check_both_ways(store: &MemoryStore) {
    let (limits, filter) = (small(), Filter::default());
    for window in Window::EVERY {
        let sums = of_sums(store, &limits, window, &filter, all_details(), 1);
        let ips = of_ips(store, &limits, window, &filter, all_details());
        assert!(sums.tally.count > 0 || window == Window::Hour);
        let verified = WindowVerified::new(window, &sums, &ips, Left::default(), 0);
        assert!(verified.agrees, "{verified:?}");
    }
}

/// The number of all hits, and their groups.
fn by(store: &MemoryStore, dimension: Dimension) -> (u64, GroupList) {
    let details = Details {
        groups: Some(GroupDetail::new(Grouping::Of(dimension), 1_000)),
        ..Details::default()
    };
    let filter = Filter::default();
    let sums = of_sums(store, &small(), Window::All, &filter, details, 1);
    (sums.tally.count, sums.groups.unwrap())
}

/// With `ROLLCALL_KEEP_STORE` in the environment, the store and its rows become files of
/// `tests/layouts/`, for the tests of later layouts. A file is never overwritten.
#[test]
fn a_store_that_is_written_down_gives_the_same_rows() {
    let store = left_by(LAYOUT - 1);
    bring_up(&store).unwrap();
    kept::use_store(&store);
    let text = kept::text_of(&store);
    let told = rows(&kept::store_of(&text));
    assert_eq!(told, rows(&store));
    if env::var_os("ROLLCALL_KEEP_STORE").is_some() {
        for (kind, text) in [("store", text), ("rows", told)] {
            let path = kept::path(&format!("{LAYOUT}.{kind}"));
            assert!(!path.exists(), "{} is there already", path.display());
            fs::write(path, text).unwrap();
        }
    }
}

#[test]
fn a_store_of_layout_4_gives_the_same_answers_after_it_was_brought_up() {
    let store = left_by(4);
    assert_eq!(open(&store).unwrap(), Opened::Upgrading);
    bring_up(&store).unwrap();
    assert_eq!(open(&store).unwrap(), Opened::Ready);
    assert_eq!(rows(&store), file("4.rows"));
    check_both_ways(&store);
    // No root and no index of the older layout is left in the end. Other values are brought up when they change.
    let limits = small();
    for _ in 0..2 {
        store
            .clock
            .pass(limits.keep_replaced_ms + limits.clean_after_ms);
        append(
            &store,
            &limits,
            None,
            vec![hit("192.0.2.1", "/", 1_800_000_000_000)],
        )
        .unwrap();
        fold(&store, &limits).unwrap();
        clean(&store, &limits);
    }
    let values = store.values.borrow();
    for (key, value) in values.iter() {
        let kinds = ["root:", "shard:", "meta"];
        if kinds.iter().any(|kind| key.starts_with(kind)) {
            assert_eq!(value[0], LAYOUT, "{key}");
        }
    }
    assert_eq!(store.keys("root:").len(), 2, "{:?}", store.keys("root:"));
}

#[test]
fn an_upgrade_that_dies_at_any_call_is_taken_again() {
    let calls = {
        let store = left_by(4);
        bring_up(&store).unwrap();
        store.calls.get()
    };
    assert!(calls > 50, "{calls}");
    for fault in [Fault::Before, Fault::After] {
        for dies_at in 1..=calls {
            let store = left_by(4);
            store.strike.set(Some((dies_at, fault)));
            assert!(bring_up(&store).is_err(), "call {dies_at}");
            store.strike.set(None);
            // Whoever died may still hold the lease.
            store.clock.pass(small().lease_max_ms);
            bring_up(&store).unwrap();
            let rows = rows(&store);
            assert!(rows == file("4.rows"), "call {dies_at}, {fault:?}: {rows}");
        }
    }
}

#[test]
fn one_brings_a_store_up_while_the_others_wait() {
    let (store, limits) = (left_by(4), small());
    open(&store).unwrap();
    // Somebody has the lease, and dies.
    let lease = (1u64, store.clock.wall_ms.get() + limits.lease_max_ms);
    let lease = rollcall_store::value::encode("lease", &lease).unwrap();
    store.values.borrow_mut().insert("lease".to_owned(), lease);
    let other = block_on(ledger(&store, &limits).upgrade()).unwrap();
    assert_eq!(other, Upgraded::Busy);
    store.clock.pass(limits.lease_max_ms);
    let other = block_on(ledger(&store, &limits).upgrade()).unwrap();
    assert_eq!(other, Upgraded::Done);
}

#[test]
fn what_is_appended_during_an_upgrade_is_counted() {
    let (store, limits) = (left_by(4), small());
    open(&store).unwrap();
    append(
        &store,
        &limits,
        None,
        vec![hit("203.0.113.77", "/new", 1_800_000_000_000)],
    )
    .unwrap();
    bring_up(&store).unwrap();
    let rows = rows(&store);
    let (new, old): (Vec<&str>, Vec<&str>) = rows.lines().partition(|row| row.contains("/new"));
    assert_eq!(new.len(), 1);
    assert_eq!(old, file("4.rows").lines().collect::<Vec<_>>());
}

#[test]
fn a_root_that_an_older_version_writes_later_is_named_and_brought_up() {
    let (store, limits) = (left_by(4), small());
    let (old, late) = {
        let values = store.values.borrow();
        let newest = values.keys().filter(|key| key.starts_with("root:")).max();
        let newest = newest.unwrap().clone();
        (newest.clone(), values[&newest].clone())
    };
    bring_up(&store).unwrap();
    // It folded meanwhile what it knew.
    let k = {
        let mut counters = store.counters.borrow_mut();
        let k = counters.get_mut("fold").unwrap();
        *k += 1;
        *k
    };
    let key = format!("root:{k}");
    assert_ne!(old, key);
    let value = with_layout(&key, &late, 4);
    store.values.borrow_mut().insert(key.clone(), value);
    let hits = vec![hit("203.0.113.77", "/new", 1_800_000_000_000)];
    append(&store, &limits, None, hits).unwrap();
    let error = fold(&store, &limits).unwrap_err();
    assert!(
        matches!(&error, LedgerError::OtherLayout { key: named, layout: 4 } if *named == key),
        "{error}"
    );
    store.clock.pass(limits.lease_max_ms);
    block_on(ledger(&store, &limits).open_again()).unwrap();
    bring_up(&store).unwrap();
    let rows = rows(&store);
    let old = rows.lines().filter(|row| !row.contains("/new"));
    assert!(old.eq(file("4.rows").lines()), "{rows}");
}

#[test]
fn a_store_of_layout_5_is_read_as_it_is_and_its_days_stay_those_of_utc() {
    let (store, limits) = (left_by(5), small());
    let before = store.values.borrow().clone();
    let berlin = Limits {
        zone: Zone::named("Europe/Berlin").unwrap(),
        ..limits
    };
    let opened = block_on(ledger(&store, &berlin).open()).unwrap();
    assert_eq!(opened, Opened::Ready);
    let zone = block_on(ledger(&store, &berlin).zone()).unwrap().unwrap();
    assert_eq!(zone.name(), "UTC");
    let values = store.values.borrow().clone();
    let changed = values
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value));
    assert_eq!(
        changed.map(|(key, _)| key.as_str()).collect::<Vec<_>>(),
        ["meta"]
    );
    assert_eq!(rows(&store), file("5.rows"));
    check_both_ways(&store);
    is_aged_and_added_to(&store, 5);
}

#[test]
fn a_store_of_layout_6_is_read_as_it_is() {
    let store = left_by(6);
    assert_eq!(open(&store).unwrap(), Opened::Ready);
    assert_eq!(rows(&store), file("6.rows"));
    check_both_ways(&store);
    // The sums over all paths were not stored.
    for (ip, state) in all(&store, &small()) {
        let caller = state.caller.clone();
        let of_paths = Caller::of_paths(caller.country, caller.user_agents, &state.paths);
        assert_eq!(state.caller, of_paths, "{ip}");
    }
    is_aged_and_added_to(&store, 6);
}

#[test]
fn a_store_of_layout_7_is_read_as_it_is_and_its_long_values_are_cut_up_when_they_change() {
    let store = left_by(7);
    assert_eq!(open(&store).unwrap(), Opened::Ready);
    assert_eq!(rows(&store), file("7.rows"));
    check_both_ways(&store);
    let is_long = |(key, value): (&String, &Vec<u8>)| {
        key.starts_with("ip:") && value.len() > small().value_bytes
    };
    assert!(store.values.borrow().iter().any(is_long));
    is_aged_and_added_to(&store, 7);
    let key = store
        .keys("ip:")
        .into_iter()
        .find(|key| key.ends_with("192.0.2.1-1"));
    assert_eq!(
        store.values.borrow()[&key.unwrap()].len(),
        small().value_bytes
    );
}

#[test]
fn a_store_of_layout_8_is_read_as_it_is_and_tells_nothing_by_dimension() {
    let store = left_by(8);
    assert_eq!(open(&store).unwrap(), Opened::Ready);
    assert_eq!(rows(&store), file("8.rows"));
    check_both_ways(&store);
    let (count, groups) = by(&store, Dimension::Host);
    assert_eq!(groups.unknown_hits, count);
    // Hits of today tell it.
    let mut told = hit("192.0.2.1", "/told", 1_800_000_000_000);
    *told.told.get_mut(Dimension::Host) = Some("api.example".to_owned());
    append(&store, &small(), None, vec![told]).unwrap();
    fold(&store, &small()).unwrap();
    let (after, groups) = by(&store, Dimension::Host);
    assert_eq!((after, groups.unknown_hits), (count + 1, count));
    assert_eq!(groups.first[0].name, "api.example");
}

#[test]
fn states_of_layout_8_are_brought_up_when_they_change() {
    let store = left_by(8);
    open(&store).unwrap();
    is_aged_and_added_to(&store, 8);
}

#[test]
fn a_store_of_layout_9_is_read_as_it_is_and_its_drops_have_an_unknown_time() {
    let (store, limits) = (left_by(9), small());
    assert_eq!(open(&store).unwrap(), Opened::Ready);
    assert_eq!(rows(&store), file("9.rows"));
    check_both_ways(&store);
    // Nobody knows which of the older batches were repetitions.
    let root = current(&store, &limits);
    assert_eq!(root.batch(1), BatchState::TooOld);
    assert_eq!(root.batch(root.log), BatchState::Counted, "folded since");
    // The store began in layout 4, which had no sums.
    let unsummed_ms = root.dropped().unsummed_until_ms.unwrap();
    assert!(unsummed_ms > store.clock.wall_ms.get());
    assert_eq!(root.dropped().evicted_until_ms, None, "none was evicted");
    // A fold keeps it, also when time passes.
    is_aged_and_added_to(&store, 9);
    let root = current(&store, &limits);
    assert_eq!(root.dropped().unsummed_until_ms, Some(unsummed_ms));
    assert_eq!(root.batch(root.log), BatchState::Counted);
}

#[test]
fn a_store_of_layout_10_is_read_as_it_is_and_tells_less_of_older_hits() {
    let store = left_by(10);
    assert_eq!(open(&store).unwrap(), Opened::Ready);
    assert_eq!(rows(&store), file("10.rows"));
    check_both_ways(&store);
    let (count, hosts) = by(&store, Dimension::Host);
    assert!(hosts.unknown_hits < count, "some hits tell their host");
    let (_, families) = by(&store, Dimension::UserAgent);
    assert_eq!((families.count, families.unknown_hits), (0, count));
    // Hits of today tell it.
    let mut told = hit("192.0.2.1", "/told", 1_800_000_000_000);
    *told.told.get_mut(Dimension::UserAgent) = Some("curl".to_owned());
    append(&store, &small(), None, vec![told]).unwrap();
    fold(&store, &small()).unwrap();
    let (after, families) = by(&store, Dimension::UserAgent);
    assert_eq!((after, families.unknown_hits), (count + 1, count));
    assert_eq!(families.first[0].name, "curl");
    let (_, still) = by(&store, Dimension::Host);
    assert_eq!(still.first, hosts.first);
}

#[test]
fn the_hour_of_hits_is_known_if_they_were_not_in_a_bucket_of_a_day_before_the_upgrade() {
    let store = left_by(10);
    open(&store).unwrap();
    let ranges = ledger(&store, &small()).ranges(store.clock.wall_ms.get());
    let (count, hours) = by(&store, Dimension::HourOfWeek);
    let mut short = 0;
    for mut state in all(&store, &small()).into_values() {
        state.age(&ranges);
        for path in state.paths.values() {
            let starts = ranges.hours_from_ms..u64::MAX;
            short += path.series.count_within(&starts, None);
        }
    }
    assert!(0 < short && short < count);
    // A hit of 20 days ago waited in the log. It was counted since, by its time.
    assert_eq!(hours.unknown_hits, count - short - 1);
    // It stays known when the buckets become days, and the days become the past.
    for days in [3, 100] {
        store.clock.pass(days * 24 * 3_600_000);
        let last = hit("192.0.2.1", "/new", store.clock.wall_ms.get());
        append(&store, &small(), None, vec![last]).unwrap();
        fold(&store, &small()).unwrap();
        let (_, later) = by(&store, Dimension::HourOfWeek);
        assert_eq!(later.unknown_hits, hours.unknown_hits);
    }
}

#[test]
fn values_of_layout_10_are_brought_up_when_they_change() {
    let store = left_by(10);
    open(&store).unwrap();
    is_aged_and_added_to(&store, 10);
}

#[test]
fn a_store_that_is_upgraded_from_layout_4_says_that_its_sums_may_lack_hits() {
    let store = left_by(4);
    bring_up(&store).unwrap();
    let until_ms = current(&store, &small()).dropped().unsummed_until_ms;
    assert!(until_ms.unwrap() > 0);
}

/// What a store has is aged, and added to.
fn is_aged_and_added_to(store: &MemoryStore, layout: u8) {
    store.clock.pass(60 * 3_600_000);
    let hits = vec![hit("192.0.2.1", "/new", 1_800_000_000_000)];
    append(store, &small(), None, hits).unwrap();
    fold(store, &small()).unwrap();
    let rows = rows(store);
    let (new, old): (Vec<&str>, Vec<&str>) = rows.lines().partition(|row| row.contains("/new"));
    assert_eq!(new.len(), 1);
    let before = file(&format!("{layout}.rows"));
    assert_eq!(old, before.lines().collect::<Vec<_>>());
    // A state that is written anew gets today's key. Cleaning finds the keys of the older layout.
    let limits = small();
    for _ in 0..2 {
        store
            .clock
            .pass(limits.keep_replaced_ms + limits.clean_after_ms);
        let hits = vec![hit("192.0.2.1", "/new", 1_800_000_000_000)];
        append(store, &limits, None, hits).unwrap();
        fold(store, &limits).unwrap();
        clean(store, &limits);
    }
    let mut states = store.keys("ip:");
    states.retain(|key| !key.contains('-'));
    let is_there = |ip: &str| {
        states
            .iter()
            .any(|key| key.starts_with(&format!("ip:{ip}:")))
    };
    assert!(
        !is_there("192.0.2.1") && is_there("192.0.2.9"),
        "{states:?}"
    );
    // The version before the last one may still be read.
    let tracked = all(store, &limits).len();
    assert_eq!(states.len(), tracked + 1, "{states:?}");
}

#[test]
fn a_state_of_another_layout_is_never_begun_anew() {
    let (store, limits) = (left_by(4), small());
    bring_up(&store).unwrap();
    let key = "ip:192.0.2.1:5";
    let newer = with_layout(key, &store.values.borrow()[key], LAYOUT + 1);
    store.values.borrow_mut().insert(key.to_owned(), newer);
    append(
        &store,
        &limits,
        None,
        vec![hit("192.0.2.1", "/", 1_800_000_000_000)],
    )
    .unwrap();
    let error = fold(&store, &limits).unwrap_err();
    assert!(
        matches!(&error, LedgerError::OtherLayout { key: named, layout } if named == key && *layout == LAYOUT + 1),
        "{error}"
    );
}

#[test]
fn a_store_of_layout_3_or_of_a_newer_one_is_refused_and_left_as_it_is() {
    // Version byte 1, layout 3, 4 shards.
    let newer = rollcall_store::value::encode("meta", &(4u32, None::<u8>, "UTC")).unwrap();
    let newer = with_layout("meta", &newer, LAYOUT + 1);
    for (layout, meta) in [(3, vec![1, 3, 4]), (LAYOUT + 1, newer)] {
        let store = MemoryStore::new();
        store
            .values
            .borrow_mut()
            .insert("meta".to_owned(), meta.clone());
        let error = open(&store).unwrap_err();
        assert!(matches!(&error, LedgerError::OtherStore(_)), "{error}");
        let told = error.to_string();
        assert!(told.contains(&format!("layout {layout}")), "{told}");
        // Whoever asks for the time zone first is told the same.
        let zone = block_on(ledger(&store, &small()).zone()).unwrap_err();
        assert_eq!(zone.to_string(), told);
        assert_eq!(store.values.borrow()["meta"], meta);
    }
}

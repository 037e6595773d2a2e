//! `ip:{k}:{address}`: the state of an IP.
//!
//! Its content is not postcard, because a fold copies most paths unchanged, as those of a rollup.
//! Numbers are LEB128. Each list begins with its length.
//!
//! - **state**: version of the files that the IP was looked up in. If it is not 0: country,
//!   network, each empty if it is not known. Countries (at most one) with the time; user agents with
//!   their times; the IP's own first and last time, and its hits by bucket; paths, sorted by key.
//!   Each path has: key, length of the rest, first and last time, its tallies by bucket.
//! - **last time**: the step from the first time.
//! - **by bucket**: 5-minute buckets, hours and days, each with its start, as steps in units of 5
//!   minutes since 1970. Then the one bucket for all before.
//! - **tally**: statuses (code, count). If there are any: bytes; twice the number of timed hits, and
//!   1 more if only one is timed and its response time says all; sum; if it does not say all:
//!   longest, histogram (steps of the index, count).

mod older;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use rollcall_store::{Unreadable, value};
use rollcall_tally::bucket::{BucketId, Tier};
use rollcall_tally::histogram::bucket_index;
use rollcall_tally::series::{Buckets, Series};
use rollcall_tally::state::{Caller, Located, PathState};
use rollcall_tally::window::FINE_MS;
use rollcall_tally::{Bucket, IpState, StatusCount, Tally};

use super::bytes::{Reader, put, put_histogram, put_text, whole};
use crate::LedgerError;

pub(crate) use rows::{RowsOf, read_known, read_rows};

/// The oldest layout in which states have these bytes.
const SINCE: u8 = 9;
/// The oldest layout whose states have these bytes, but no location.
const WITHOUT_LOCATION: u8 = 7;

/// Paths that were not decoded: the key of each, and its bytes. Sorted by key.
pub(crate) type Undecoded<'b> = Vec<(&'b str, &'b [u8])>;

/// Encodes a state, and the paths of it that were not decoded.
pub(crate) fn encode_state(key: &str, state: &IpState, undecoded: &Undecoded<'_>) -> Vec<u8> {
    let caller = &state.caller;
    value::encode_with(key, |to| {
        put_located(to, &caller.located);
        put_texts(to, caller.country.iter());
        put_texts(to, caller.user_agents.iter());
        put_seen(to, caller.first_seen_ms, caller.last_seen_ms);
        put_hits(to, &caller.hits);
        put(to, (state.paths.len() + undecoded.len()) as u64);
        let mut undecoded = undecoded.iter().peekable();
        let mut path_bytes = Vec::new();
        for (path_key, path) in &state.paths {
            while let Some((path_key, bytes)) =
                undecoded.next_if(|(other, _)| *other < path_key.as_str())
            {
                put_path(to, path_key, bytes);
            }
            path_bytes.clear();
            put_seen(&mut path_bytes, path.first_seen_ms, path.last_seen_ms);
            put_series(&mut path_bytes, &path.series);
            put_path(to, path_key, &path_bytes);
        }
        for (path_key, bytes) in undecoded {
            put_path(to, path_key, bytes);
        }
    })
}

pub(crate) fn decode_state(key: &str, bytes: &[u8]) -> Result<IpState, LedgerError> {
    Ok(decode_paths(key, bytes, |_| None)?.0)
}

/// Decodes a state with the paths that are wanted. `None`: all of them. A state of an older layout
/// is always decoded with all.
pub(crate) fn decode_paths<'b, 'w>(
    key: &str,
    bytes: &'b [u8],
    wanted: impl FnOnce(&Caller) -> Option<BTreeSet<&'w str>>,
) -> Result<(IpState, Undecoded<'b>), LedgerError> {
    match content(key, bytes)? {
        Some((form, content)) => Ok(whole(key, content, |from| from.state(form, wanted))?),
        None => Ok((older::decode_state(key, bytes)?, Vec::new())),
    }
}

/// The form of a state.
#[derive(Clone, Copy)]
struct Form {
    is_located: bool,
}

/// The form of a state, and its content. `None`: the state is postcard. The checksum is computed
/// once.
fn content<'b>(key: &str, bytes: &'b [u8]) -> Result<Option<(Form, &'b [u8])>, Unreadable> {
    match value::content(key, bytes, WITHOUT_LOCATION) {
        Ok(content) => {
            let is_located = value::layout_of(key, bytes)? >= SINCE;
            Ok(Some((Form { is_located }, content)))
        }
        Err(Unreadable::OtherLayout { layout, .. }) if layout < WITHOUT_LOCATION => Ok(None),
        Err(error) => Err(error),
    }
}

fn put_located(to: &mut Vec<u8>, located: &Located) {
    put(to, located.version);
    if located.version > 0 {
        put_text(to, located.country.as_deref().unwrap_or_default());
        put_text(to, located.network.as_deref().unwrap_or_default());
    }
}

fn put_texts<'t>(to: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'t (u64, String)>) {
    put(to, texts.len() as u64);
    for (at_ms, text) in texts {
        put(to, *at_ms);
        put_text(to, text);
    }
}

fn put_path(to: &mut Vec<u8>, path_key: &str, bytes: &[u8]) {
    put_text(to, path_key);
    put(to, bytes.len() as u64);
    to.extend(bytes);
}

fn put_seen(to: &mut Vec<u8>, first_seen_ms: u64, last_seen_ms: u64) {
    put(to, first_seen_ms);
    put(to, last_seen_ms.saturating_sub(first_seen_ms));
}

fn put_hits(to: &mut Vec<u8>, hits: &BTreeMap<BucketId, u64>) {
    for tier in [Tier::Fine, Tier::Hour, Tier::Day] {
        let of_tier = hits.iter().filter(|(bucket, _)| bucket.tier == tier);
        put(to, of_tier.clone().count() as u64);
        let mut last = 0;
        for (bucket, hits) in of_tier {
            put_step(to, &mut last, bucket.start_ms);
            put(to, *hits);
        }
    }
    put(to, hits.get(&BEFORE).copied().unwrap_or(0));
}

fn put_series(to: &mut Vec<u8>, series: &Series) {
    for buckets in [&series.fine, &series.hours, &series.days] {
        put(to, buckets.len() as u64);
        let mut last = 0;
        for (start_ms, tally) in buckets {
            put_step(to, &mut last, *start_ms);
            put_tally(to, tally);
        }
    }
    put_tally(to, &series.before);
}

fn put_step(to: &mut Vec<u8>, last: &mut u64, start_ms: u64) {
    let start = start_ms / FINE_MS;
    put(to, start - *last);
    *last = start;
}

fn put_tally(to: &mut Vec<u8>, tally: &Tally) {
    put(to, tally.statuses.len() as u64);
    if tally.statuses.is_empty() {
        return;
    }
    for of in &tally.statuses {
        put(to, of.code.into());
        put(to, of.count);
    }
    put(to, tally.bytes);
    let says_all = tally.timed == 1
        && tally.time_max_us == tally.time_sum_us
        && tally.histogram == of_one(tally.time_sum_us);
    put(to, 2 * tally.timed + u64::from(says_all));
    if tally.timed == 0 {
        return;
    }
    put(to, tally.time_sum_us);
    if says_all {
        return;
    }
    put(to, tally.time_max_us);
    put_histogram(to, &tally.histogram);
}

/// The histogram of one response time.
fn of_one(time_us: u64) -> [Bucket; 1] {
    let index = bucket_index(time_us);
    [Bucket { index, count: 1 }]
}

const BEFORE: BucketId = BucketId {
    tier: Tier::Before,
    start_ms: 0,
};

impl<'b> Reader<'b> {
    fn state<'w>(
        &mut self,
        form: Form,
        wanted: impl FnOnce(&Caller) -> Option<BTreeSet<&'w str>>,
    ) -> Option<(IpState, Undecoded<'b>)> {
        let caller = self.caller(form)?;
        let wanted = wanted(&caller);
        let mut paths = Vec::new();
        let mut undecoded = Vec::new();
        for _ in 0..caller.path_keys {
            let path_key = self.text()?;
            let length = self.number()?;
            let bytes = self.take(length)?;
            if wanted
                .as_ref()
                .is_none_or(|wanted| wanted.contains(path_key))
            {
                paths.push((path_key.to_owned(), Reader(bytes).path()?));
            } else {
                undecoded.push((path_key, bytes));
            }
        }
        let paths = paths.into_iter().collect();
        Some((IpState { caller, paths }, undecoded))
    }

    fn caller(&mut self, form: Form) -> Option<Caller> {
        let located = match form.is_located {
            true => self.located()?,
            false => Located::default(),
        };
        let country = self.texts()?.pop_first();
        let user_agents = self.texts()?;
        let (first_seen_ms, last_seen_ms) = self.seen()?;
        Some(Caller {
            country,
            located,
            user_agents,
            first_seen_ms,
            last_seen_ms,
            hits: self.hits()?,
            path_keys: usize::try_from(self.number()?).ok()?,
        })
    }

    fn located(&mut self) -> Option<Located> {
        let version = self.number()?;
        if version == 0 {
            return Some(Located::default());
        }
        let mut text = || {
            let text = self.text()?;
            Some((!text.is_empty()).then(|| text.to_owned()))
        };
        Some(Located {
            version,
            country: text()?,
            network: text()?,
        })
    }

    fn texts(&mut self) -> Option<BTreeSet<(u64, String)>> {
        let count = self.number()?;
        (0..count)
            .map(|_| Some((self.number()?, self.text()?.to_owned())))
            .collect()
    }

    fn seen(&mut self) -> Option<(u64, u64)> {
        let first_seen_ms = self.number()?;
        Some((first_seen_ms, first_seen_ms.saturating_add(self.number()?)))
    }

    fn hits(&mut self) -> Option<BTreeMap<BucketId, u64>> {
        let mut hits = Vec::new();
        for tier in [Tier::Fine, Tier::Hour, Tier::Day] {
            let mut last = 0;
            for _ in 0..self.number()? {
                let start_ms = self.step(&mut last)?;
                hits.push((BucketId { tier, start_ms }, self.number()?));
            }
        }
        let before = self.number()?;
        hits.extend((before > 0).then_some((BEFORE, before)));
        Some(hits.into_iter().collect())
    }

    fn path(&mut self) -> Option<PathState> {
        let (first_seen_ms, last_seen_ms) = self.seen()?;
        let series = Series {
            fine: self.buckets()?,
            hours: self.buckets()?,
            days: self.buckets()?,
            before: self.own_tally()?,
        };
        self.0.is_empty().then_some(PathState {
            first_seen_ms,
            last_seen_ms,
            series,
        })
    }

    fn buckets(&mut self) -> Option<Buckets> {
        let mut last = 0;
        let count = self.number()?;
        (0..count)
            .map(|_| Some((self.step(&mut last)?, self.own_tally()?)))
            .collect()
    }

    fn step(&mut self, last: &mut u64) -> Option<u64> {
        *last = last.checked_add(self.number()?)?;
        last.checked_mul(FINE_MS)
    }

    /// A tally of a state. A tally of a rollup has other bytes.
    fn own_tally(&mut self) -> Option<Tally> {
        let mut tally = Tally::default();
        for _ in 0..self.number()? {
            let code = u16::try_from(self.number()?).ok()?;
            let count = self.number()?;
            tally.count = tally.count.checked_add(count)?;
            tally.statuses.push(StatusCount { code, count });
        }
        if tally.statuses.is_empty() {
            return Some(tally);
        }
        let sums = self.sums()?;
        tally.bytes = sums.bytes;
        tally.timed = sums.timed;
        tally.time_sum_us = sums.time_sum_us;
        tally.time_max_us = sums.time_max_us;
        if sums.says_all {
            tally.histogram = of_one(sums.time_sum_us).into();
        }
        let mut index = 0u64;
        for _ in 0..sums.histogram {
            index = index.checked_add(self.number()?)?;
            let count = self.number()?;
            let index = u16::try_from(index).ok()?;
            tally.histogram.push(Bucket { index, count });
        }
        Some(tally)
    }

    /// The rest of a tally with hits. Its histogram follows.
    fn sums(&mut self) -> Option<Sums> {
        let bytes = self.number()?;
        let timed = self.number()?;
        let mut sums = Sums {
            bytes,
            timed: timed / 2,
            says_all: timed % 2 == 1,
            ..Sums::default()
        };
        if sums.timed > 0 {
            sums.time_sum_us = self.number()?;
            sums.time_max_us = sums.time_sum_us;
            if !sums.says_all {
                sums.time_max_us = self.number()?;
                sums.histogram = self.number()?;
            }
        }
        Some(sums)
    }
}

/// The part of a tally between its statuses and its histogram.
#[derive(Default)]
struct Sums {
    bytes: u64,
    timed: u64,
    /// The one response time says all.
    says_all: bool,
    time_sum_us: u64,
    time_max_us: u64,
    /// The length of the histogram.
    histogram: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rollcall_tally::status::StatusValue;
    use rollcall_tally::window::{Ranges, Window};
    use rollcall_tally::{Filter, Hit};

    use super::*;

    const NOW_MS: u64 = 1_800_000_000_000;

    prop_compose! {
        fn state()(
            hits in prop::collection::vec(
                (0..150 * 24 * 60u64, 0..12u8, prop::option::of(1..100_000u64), any::<bool>()),
                1..60,
            ),
        ) -> IpState {
            let mut state = IpState::default();
            for (age_min, path, response_time_us, is_told) in hits {
                let hit = Hit {
                    ip: [192, 0, 2, 1].into(),
                    timestamp_ms: NOW_MS - age_min * 60_000,
                    method: "GET".to_owned(),
                    path: format!("/{path}"),
                    status: is_told.then_some(200 + u16::from(path)),
                    response_time_us,
                    bytes: is_told.then_some(age_min),
                    country: is_told.then(|| format!("C{path}")),
                    user_agent: is_told.then(|| format!("agent {path}")),
                    told: Default::default(),
                };
                state.add(&hit, &Ranges::utc(NOW_MS));
            }
            state
        }
    }

    fn any_filter() -> impl Strategy<Value = Filter> {
        let status =
            prop::option::of((200..205u16).prop_map(|code| StatusValue::Code(code).into()));
        let prefix = prop::option::of(Just("/1".to_owned()));
        let country = prop::option::of(Just("C1".to_owned()));
        (status, prefix, country).prop_map(|(status, path_prefix, country)| Filter {
            status,
            path_prefix,
            country,
            ..Filter::default()
        })
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_decoded_state(
            state in state(),
            filter in any_filter(),
            hours_later in 0..100 * 24u64,
            window in prop::sample::select(Window::EVERY.to_vec()),
        ) {
            let ranges = Ranges::utc(NOW_MS + hours_later * 60 * 60_000);
            let span = window.span(&ranges);
            let bytes = encode_state("ip:1:192.0.2.1", &state, &Undecoded::new());
            let of = RowsOf { filter: &filter, span: &span, ranges: &ranges };
            let rows = read_rows("ip:1:192.0.2.1", &bytes, "192.0.2.1", &of).unwrap();
            let mut state = state;
            state.age(&ranges);
            prop_assert_eq!(rows, state.rows("192.0.2.1", &span, &filter));
        }

        #[test]
        fn paths_that_are_not_decoded_are_written_as_they_were(
            state in state(),
            wanted in prop::collection::btree_set(0..12u8, 0..12),
        ) {
            let bytes = encode_state("ip:1:192.0.2.1", &state, &Undecoded::new());
            prop_assert_eq!(&decode_state("ip:1:192.0.2.1", &bytes).unwrap(), &state);
            let wanted: Vec<String> = wanted.iter().map(|path| format!("GET /{path}")).collect();
            let wanted = || wanted.iter().map(String::as_str).collect();
            let some = |_: &Caller| Some(wanted());
            let (some, undecoded) = decode_paths("ip:1:192.0.2.1", &bytes, some).unwrap();
            let is_wanted = |(key, _): &(&String, _)| wanted().contains(key.as_str());
            prop_assert!(some.paths.iter().eq(state.paths.iter().filter(is_wanted)));
            prop_assert_eq!(&some.caller, &state.caller);
            prop_assert_eq!(encode_state("ip:1:192.0.2.1", &some, &undecoded), bytes);
        }
    }
}

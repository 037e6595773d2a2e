//! `ip:{address}:{k}`: the state of an IP.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_store::value;
use rollcall_tally::IpState;
use rollcall_tally::series::{self, Series};
use rollcall_tally::state::PathState;
use rollcall_tally::window::{DAY_MS, FINE_MS, HOUR_MS};
use serde::{Deserialize, Serialize, Serializer};

use super::tally::{LiveTally, Tally, Tally4};
use crate::LedgerError;

/// `T` is the tally of a layout.
#[derive(Debug, Deserialize)]
struct State<'s, T> {
    #[serde(borrow)]
    country: Option<(u64, &'s str)>,
    /// Sorted by the time at which they were seen.
    #[serde(borrow)]
    user_agents: Vec<(u64, &'s str)>,
    /// Sorted by path key.
    #[serde(borrow)]
    paths: Vec<(&'s str, Path<T>)>,
}

#[derive(Debug, Deserialize)]
struct Path<T> {
    first_seen_ms: u64,
    last_seen_ms: u64,
    fine: Buckets<T>,
    hours: Buckets<T>,
    days: Buckets<T>,
    before: T,
}

/// The start of each bucket in units of 5 minutes since 1970. Up to layout 5, the unit was the
/// length of the bucket.
type Buckets<T> = Vec<(u64, T)>;

/// The units in which the starts of hours and days are stored, in 5 minutes.
struct Units {
    hour: u64,
    day: u64,
}

impl Units {
    const NOW: Self = Self { hour: 1, day: 1 };
    const UP_TO_LAYOUT_5: Self = Self {
        hour: HOUR_MS / FINE_MS,
        day: DAY_MS / FINE_MS,
    };
}

/// Writes a [`State`] from a live state, without a copy.
#[derive(Serialize)]
struct Live<'s> {
    country: Option<(u64, &'s str)>,
    user_agents: &'s BTreeSet<(u64, String)>,
    #[serde(serialize_with = "paths")]
    paths: &'s BTreeMap<String, PathState>,
}

/// Writes a [`Path`] from a live path, without a copy.
#[derive(Serialize)]
struct LivePath<'s> {
    first_seen_ms: u64,
    last_seen_ms: u64,
    #[serde(serialize_with = "buckets")]
    fine: &'s series::Buckets,
    #[serde(serialize_with = "buckets")]
    hours: &'s series::Buckets,
    #[serde(serialize_with = "buckets")]
    days: &'s series::Buckets,
    before: LiveTally<'s>,
}

fn paths<S: Serializer>(paths: &BTreeMap<String, PathState>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(paths.iter().map(|(key, path)| {
        let series = &path.series;
        let path = LivePath {
            first_seen_ms: path.first_seen_ms,
            last_seen_ms: path.last_seen_ms,
            fine: &series.fine,
            hours: &series.hours,
            days: &series.days,
            before: LiveTally::from(&series.before),
        };
        (key, path)
    }))
}

fn buckets<S: Serializer>(buckets: &series::Buckets, to: S) -> Result<S::Ok, S::Error> {
    let buckets = buckets.iter();
    to.collect_seq(buckets.map(|(start_ms, tally)| (start_ms / FINE_MS, LiveTally::from(tally))))
}

pub(crate) fn encode_state(key: &str, state: &IpState) -> Result<Vec<u8>, LedgerError> {
    let country = state.country.as_ref();
    let stored = Live {
        country: country.map(|(at_ms, country)| (*at_ms, country.as_str())),
        user_agents: &state.user_agents,
        paths: &state.paths,
    };
    Ok(value::encode(key, &stored)?)
}

pub(crate) fn decode_state(key: &str, bytes: &[u8]) -> Result<IpState, LedgerError> {
    match value::layout_of(key, bytes)? {
        4 => decode_as::<Tally4>(key, bytes, 4, Units::UP_TO_LAYOUT_5),
        5 => decode_as::<Tally>(key, bytes, 5, Units::UP_TO_LAYOUT_5),
        _ => decode_as::<Tally>(key, bytes, 6, Units::NOW),
    }
}

fn decode_as<'b, T: Deserialize<'b> + Into<rollcall_tally::Tally>>(
    key: &str,
    bytes: &'b [u8],
    since: u8,
    units: Units,
) -> Result<IpState, LedgerError> {
    let read = postcard::take_from_bytes::<State<'_, T>>;
    let stored = value::decode_as(key, bytes, since, read)?;
    Ok(IpState {
        country: stored
            .country
            .map(|(at_ms, country)| (at_ms, country.to_owned())),
        user_agents: stored
            .user_agents
            .into_iter()
            .map(|(at_ms, name)| (at_ms, name.to_owned()))
            .collect(),
        paths: stored
            .paths
            .into_iter()
            .map(|(key, path)| (key.to_owned(), path.read(&units)))
            .collect(),
    })
}

impl<T: Into<rollcall_tally::Tally>> Path<T> {
    fn read(self, units: &Units) -> PathState {
        let buckets = |buckets: Buckets<T>, unit: u64| -> series::Buckets {
            let start_ms = |start: u64| start.saturating_mul(unit).saturating_mul(FINE_MS);
            let buckets = buckets.into_iter();
            buckets
                .map(|(start, tally)| (start_ms(start), tally.into()))
                .collect()
        };
        PathState {
            first_seen_ms: self.first_seen_ms,
            last_seen_ms: self.last_seen_ms,
            series: Series {
                fine: buckets(self.fine, 1),
                hours: buckets(self.hours, units.hour),
                days: buckets(self.days, units.day),
                before: self.before.into(),
            },
        }
    }
}

//! States of the layouts 4 to 6, as postcard.

use std::collections::BTreeMap;

use rollcall_store::value;
use rollcall_tally::IpState;
use rollcall_tally::series::{self, Series};
use rollcall_tally::state::{Caller, PathState};
use rollcall_tally::window::{DAY_MS, FINE_MS, HOUR_MS};
use serde::Deserialize;

use super::super::tally::{Tally, Tally4};
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
    const LAYOUT_6: Self = Self { hour: 1, day: 1 };
    const UP_TO_LAYOUT_5: Self = Self {
        hour: HOUR_MS / FINE_MS,
        day: DAY_MS / FINE_MS,
    };
}

pub(super) fn decode_state(key: &str, bytes: &[u8]) -> Result<IpState, LedgerError> {
    match value::layout_of(key, bytes)? {
        4 => decode_as::<Tally4>(key, bytes, 4, Units::UP_TO_LAYOUT_5),
        5 => decode_as::<Tally>(key, bytes, 5, Units::UP_TO_LAYOUT_5),
        _ => decode_as::<Tally>(key, bytes, 6, Units::LAYOUT_6),
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
    let text = |(at_ms, text): (u64, &str)| (at_ms, text.to_owned());
    let country = stored.country.map(text);
    let user_agents = stored.user_agents.into_iter().map(text).collect();
    let paths = stored.paths.into_iter();
    let paths: BTreeMap<String, PathState> = paths
        .map(|(key, path)| (key.to_owned(), path.read(&units)))
        .collect();
    Ok(IpState {
        caller: Caller::of_paths(country, user_agents, &paths),
        paths,
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

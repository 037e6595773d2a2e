//! `ip:{address}:{k}`: the state of an IP.

use std::collections::BTreeMap;

use rollcall_store::{LAYOUT, value};
use rollcall_tally::IpState;
use rollcall_tally::series::Series;
use rollcall_tally::state::PathState;
use serde::{Deserialize, Serialize};

use super::tally::{Tally, Tally4};
use crate::LedgerError;

/// `T` is a tally, as the layout has it.
#[derive(Debug, Serialize, Deserialize)]
struct State<'s, T> {
    #[serde(borrow)]
    country: Option<(u64, &'s str)>,
    /// The last seen last.
    #[serde(borrow)]
    user_agents: Vec<(u64, &'s str)>,
    /// Sorted by path key.
    #[serde(borrow)]
    paths: Vec<(&'s str, Path<T>)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Path<T> {
    first_seen_ms: u64,
    last_seen_ms: u64,
    fine: Buckets<T>,
    hours: Buckets<T>,
    days: Buckets<T>,
    before: T,
}

/// By their start, in units of their length since 1970.
type Buckets<T> = Vec<(u64, T)>;

pub(crate) fn encode_state(key: &str, state: &IpState) -> Result<Vec<u8>, LedgerError> {
    let country = state.country.as_ref();
    let stored = State::<Tally> {
        country: country.map(|(at_ms, country)| (*at_ms, country.as_str())),
        user_agents: state
            .user_agents
            .iter()
            .map(|(at_ms, name)| (*at_ms, name.as_str()))
            .collect(),
        paths: state
            .paths
            .iter()
            .map(|(key, path)| (key.as_str(), Path::from(path)))
            .collect(),
    };
    Ok(value::encode(key, &stored)?)
}

pub(crate) fn decode_state(key: &str, bytes: &[u8]) -> Result<IpState, LedgerError> {
    match value::layout_of(key, bytes)? {
        4 => decode_as::<Tally4>(key, bytes, 4),
        _ => decode_as::<Tally>(key, bytes, LAYOUT),
    }
}

fn decode_as<'b, T: Deserialize<'b> + Into<rollcall_tally::Tally>>(
    key: &str,
    bytes: &'b [u8],
    since: u8,
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
            .map(|(key, path)| (key.to_owned(), path.into()))
            .collect(),
    })
}

impl From<&PathState> for Path<Tally> {
    fn from(path: &PathState) -> Self {
        let buckets = |buckets: &BTreeMap<u64, rollcall_tally::Tally>| -> Buckets<Tally> {
            let buckets = buckets.iter();
            buckets
                .map(|(start, tally)| (*start, tally.into()))
                .collect()
        };
        Self {
            first_seen_ms: path.first_seen_ms,
            last_seen_ms: path.last_seen_ms,
            fine: buckets(&path.series.fine),
            hours: buckets(&path.series.hours),
            days: buckets(&path.series.days),
            before: (&path.series.before).into(),
        }
    }
}

impl<T: Into<rollcall_tally::Tally>> From<Path<T>> for PathState {
    fn from(path: Path<T>) -> Self {
        let buckets = |buckets: Buckets<T>| -> BTreeMap<u64, rollcall_tally::Tally> {
            let buckets = buckets.into_iter();
            buckets
                .map(|(start, tally)| (start, tally.into()))
                .collect()
        };
        Self {
            first_seen_ms: path.first_seen_ms,
            last_seen_ms: path.last_seen_ms,
            series: Series {
                fine: buckets(path.fine),
                hours: buckets(path.hours),
                days: buckets(path.days),
                before: path.before.into(),
            },
        }
    }
}

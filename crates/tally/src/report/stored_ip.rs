//! All that is stored of one IP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{rfc3339, rfc3339_if_any};
use crate::bucket::BucketId;
use crate::histogram::bucket_end_us;
use crate::state::{IpState, PathState};
use crate::tally::Tally;
use crate::time::Tier;

/// All that is stored of one IP.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredIp {
    /// The address, as it is counted.
    pub ip: String,
    /// All hits. 0: the IP is not tracked.
    pub requests: u64,
    /// The first hit. `null` if the IP is not tracked.
    #[serde(rename = "firstSeen", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub first_seen_ms: Option<u64>,
    /// The last hit. `null` if the IP is not tracked.
    #[serde(rename = "lastSeen", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub last_seen_ms: Option<u64>,
    /// The country that a hit told last. `null` if none told one.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub told_country: Option<SeenText>,
    /// The country by the operator's files. `null` if they do not say.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub file_country: Option<String>,
    /// The network by the operator's files. `null` if they do not say.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub network: Option<String>,
    /// The user agents seen last, the newest first.
    pub user_agents: Vec<SeenText>,
    pub paths: Vec<StoredPath>,
    /// The stretches of time in which the IP is among those that called most.
    pub heaviest: Vec<ListedIn>,
    /// The IP was erased: hits up to this time are counted without it. `null` if no erasure is
    /// remembered.
    #[serde(rename = "erasedUntil", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub erased_until_ms: Option<u64>,
}

/// A text, and the time of the last hit that told it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenText {
    pub value: String,
    #[serde(rename = "lastSeen", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub last_seen_ms: u64,
}

/// The hits of the IP on one path.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPath {
    pub path_key: String,
    #[serde(rename = "firstSeen", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub first_seen_ms: u64,
    #[serde(rename = "lastSeen", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub last_seen_ms: u64,
    /// The finest first.
    pub buckets: Vec<StoredBucket>,
}

/// Hits in one bucket of time.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredBucket {
    pub length: Length,
    #[serde(rename = "start", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub start_ms: u64,
    pub requests: u64,
    /// Hits by status.
    pub statuses: BTreeMap<String, u64>,
    pub bytes: u64,
    /// Hits with a response time.
    pub timed: u64,
    pub response_time_sum: f64,
    pub response_time_max: f64,
    /// Hits by response time.
    pub response_times: Vec<UpTo>,
}

/// Hits with a response time up to this one, and above that of the entry before.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpTo {
    pub up_to: f64,
    pub requests: u64,
}

/// A stretch of time in which the IP is among those that called most.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedIn {
    pub length: Length,
    #[serde(rename = "start", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub start_ms: u64,
    pub requests: u64,
}

/// The length of a bucket.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Length {
    #[serde(rename = "5m")]
    Fine,
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "1d")]
    Day,
    /// All time before the days kept. In a list of those that called most: all time.
    #[serde(rename = "all")]
    Before,
}

impl StoredIp {
    pub fn new(
        ip: String,
        state: Option<&IpState>,
        lists: &[(BucketId, u64)],
        erased_until_ms: Option<u64>,
    ) -> Self {
        let caller = state.map(|state| &state.caller);
        let seen = |(at_ms, text): &(u64, String)| SeenText {
            value: text.clone(),
            last_seen_ms: *at_ms,
        };
        let located = caller.map(|caller| &caller.located);
        let user_agents = caller
            .into_iter()
            .flat_map(|of| of.user_agents.iter().rev());
        let paths = state.into_iter().flat_map(|state| &state.paths);
        let listed = |(list, hits): &(BucketId, u64)| ListedIn {
            length: list.tier.into(),
            start_ms: list.start_ms,
            requests: *hits,
        };
        Self {
            ip,
            requests: state.map_or(0, IpState::hits),
            first_seen_ms: caller.map(|caller| caller.first_seen_ms),
            last_seen_ms: caller.map(|caller| caller.last_seen_ms),
            told_country: caller.and_then(|of| of.country.as_ref()).map(seen),
            file_country: located.and_then(|located| located.country.clone()),
            network: located.and_then(|located| located.network.clone()),
            user_agents: user_agents.map(seen).collect(),
            paths: paths
                .map(|(key, path)| StoredPath::new(key, path))
                .collect(),
            heaviest: lists.iter().map(listed).collect(),
            erased_until_ms,
        }
    }
}

impl StoredIp {
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl StoredPath {
    fn new(path_key: &str, path: &PathState) -> Self {
        Self {
            path_key: path_key.to_owned(),
            first_seen_ms: path.first_seen_ms,
            last_seen_ms: path.last_seen_ms,
            buckets: path.series.buckets().map(StoredBucket::new).collect(),
        }
    }
}

impl StoredBucket {
    fn new((bucket, tally): (BucketId, &Tally)) -> Self {
        let ms = |us: u64| us as f64 / 1_000.0;
        let statuses = tally.statuses.iter();
        let times = tally.histogram.iter().map(|of| UpTo {
            up_to: ms(bucket_end_us(of.index)),
            requests: of.count,
        });
        Self {
            length: bucket.tier.into(),
            start_ms: bucket.start_ms,
            requests: tally.count,
            statuses: statuses.map(|of| (of.name(), of.count)).collect(),
            bytes: tally.bytes,
            timed: tally.timed,
            response_time_sum: ms(tally.time_sum_us),
            response_time_max: ms(tally.time_max_us),
            response_times: times.collect(),
        }
    }
}

impl From<Tier> for Length {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Fine => Self::Fine,
            Tier::Hour => Self::Hour,
            Tier::Day => Self::Day,
            Tier::Before => Self::Before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hit;
    use crate::window::Ranges;

    #[test]
    fn everything_of_a_state_is_told() {
        let now_ms = 1_800_000_000_000;
        let hit = Hit {
            ip: [192, 0, 2, 1].into(),
            timestamp_ms: now_ms,
            method: "GET".to_owned(),
            path: "/a".to_owned(),
            status: Some(404),
            response_time_us: Some(2_000),
            bytes: Some(30),
            country: Some("DE".to_owned()),
            user_agent: Some("curl/8".to_owned()),
            told: Default::default(),
        };
        let mut state = IpState::default();
        state.add(&hit, &Ranges::utc(now_ms));
        state.caller.located.network = Some("AS64496 Example".to_owned());
        let list = BucketId {
            tier: Tier::Before,
            start_ms: 0,
        };
        let all = StoredIp::new("192.0.2.1".to_owned(), Some(&state), &[(list, 1)], None);
        let time = "2027-01-15T08:00:00.000Z";
        let expect = serde_json::json!({
            "ip": "192.0.2.1",
            "requests": 1,
            "firstSeen": time,
            "lastSeen": time,
            "toldCountry": { "value": "DE", "lastSeen": time },
            "fileCountry": null,
            "network": "AS64496 Example",
            "userAgents": [{ "value": "curl/8", "lastSeen": time }],
            "paths": [{
                "pathKey": "GET /a",
                "firstSeen": time,
                "lastSeen": time,
                "buckets": [{
                    "length": "5m",
                    "start": time,
                    "requests": 1,
                    "statuses": { "404": 1 },
                    "bytes": 30,
                    "timed": 1,
                    "responseTimeSum": 2.0,
                    "responseTimeMax": 2.0,
                    "responseTimes": [{ "upTo": all.paths[0].buckets[0].response_times[0].up_to, "requests": 1 }],
                }],
            }],
            "heaviest": [{ "length": "all", "start": "1970-01-01T00:00:00.000Z", "requests": 1 }],
            "erasedUntil": null,
        });
        assert_eq!(serde_json::to_value(&all).unwrap(), expect);
        assert!((2.0..2.1).contains(&all.paths[0].buckets[0].response_times[0].up_to));
    }
}

//! All that a dashboard opens with, of one snapshot and for one fan-out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::{CountryCount, Summary};
use crate::report::{CountryShare, GlobalStats, IpStats, Provenance, Timeline, country_shares};
use crate::tally::ratio;

/// Countries named in the overview.
pub const OVERVIEW_COUNTRIES: usize = 10;
/// IPs named in the overview.
pub const OVERVIEW_IPS: u32 = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodShare {
    /// `(other)` of IPs with too many paths.
    pub method: String,
    pub requests: u64,
    /// Percent of all requests.
    pub percentage: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    #[serde(flatten)]
    pub stats: GlobalStats,
    /// Of the IPs in the window, those that were never seen before.
    #[serde(rename = "newIPs")]
    pub new_ips: u64,
    /// At most [`OVERVIEW_IPS`], by requests.
    #[serde(rename = "topIPs")]
    pub top_ips: Vec<IpStats>,
    /// At most [`OVERVIEW_COUNTRIES`].
    pub top_countries: Vec<CountryShare>,
    pub methods: Vec<MethodShare>,
    pub timeline: Timeline,
}

impl Overview {
    /// `active_ips` is counted over the index, not over the states.
    pub fn new(mut summary: Summary, active_ips: u64, provenance: Provenance) -> Self {
        let callers = std::mem::take(&mut summary.callers).into_iter();
        Self {
            new_ips: summary.new_ips,
            top_ips: callers
                .map(|caller| IpStats::new(caller, &provenance))
                .collect(),
            top_countries: top_countries(&summary),
            methods: methods(&summary),
            timeline: Timeline::new(&summary, &provenance),
            stats: GlobalStats::new(summary, active_ips, provenance),
        }
    }
}

fn top_countries(summary: &Summary) -> Vec<CountryShare> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for CountryCount { country, requests } in summary.paths.iter().flat_map(|path| &path.countries)
    {
        *sums.entry(country).or_default() += requests;
    }
    let counts = sums.into_iter().map(|(country, requests)| CountryCount {
        country: country.to_owned(),
        requests,
    });
    country_shares(counts.collect(), summary.tally.count, OVERVIEW_COUNTRIES)
}

fn methods(summary: &Summary) -> Vec<MethodShare> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for path in &summary.paths {
        let method = path.path_key.split(' ').next().unwrap_or_default();
        *sums.entry(method).or_default() += path.tally.count;
    }
    let share = |(method, requests): (&str, u64)| MethodShare {
        method: method.to_owned(),
        requests,
        percentage: 100.0 * ratio(requests, summary.tally.count),
    };
    let mut methods: Vec<MethodShare> = sums.into_iter().map(share).collect();
    // Stable: equals stay sorted by name.
    methods.sort_by_key(|method| std::cmp::Reverse(method.requests));
    methods
}

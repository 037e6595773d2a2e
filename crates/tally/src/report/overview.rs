//! The overview: everything that a dashboard shows first. It is from one snapshot, and costs one
//! fan-out.

use serde::{Deserialize, Serialize};

use crate::contract::{CountryCount, MethodCount, Summary};
use crate::report::{CountryShare, GlobalStats, IpStats, Provenance, Timeline, country_shares};
use crate::tally::ratio;

/// The number of countries in the overview.
pub const OVERVIEW_COUNTRIES: usize = 10;
/// The number of IPs in the overview.
pub const OVERVIEW_IPS: u32 = 10;

/// Hits by method.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodShare {
    /// `(other)`: the hits of IPs with too many paths.
    pub method: String,
    pub requests: u64,
    /// Percent of all requests.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub percentage: f64,
}

/// Everything that a dashboard shows first, from one moment.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    #[serde(flatten)]
    pub stats: GlobalStats,
    /// IPs in the window that have no older hit. Only hits that the filter's path and method let
    /// through count. An IP that left and came back is new again.
    #[serde(rename = "newIPs")]
    pub new_ips: u64,
    /// The IPs with the most hits.
    #[serde(rename = "topIPs")]
    pub top_ips: Vec<IpStats>,
    /// The countries with the most hits.
    pub top_countries: Vec<CountryShare>,
    /// All methods, sorted by requests.
    pub methods: Vec<MethodShare>,
    pub timeline: Timeline,
}

impl Overview {
    /// `active_ips` is counted in the index, not in the states.
    pub fn new(
        mut summary: Summary,
        timeline: Timeline,
        active_ips: u64,
        provenance: Provenance,
    ) -> Self {
        let callers = std::mem::take(&mut summary.callers).into_iter();
        Self {
            new_ips: summary.new_ips,
            top_ips: callers
                .map(|caller| IpStats::new(caller, &provenance))
                .collect(),
            top_countries: top_countries(&summary),
            methods: methods(&summary),
            timeline,
            stats: GlobalStats::new(summary, active_ips, provenance),
        }
    }
}

fn top_countries(summary: &Summary) -> Vec<CountryShare> {
    let counts = summary.countries.iter().map(|of| CountryCount {
        country: of.country.clone(),
        requests: of.tally.count,
    });
    country_shares(counts.collect(), summary.tally.count, OVERVIEW_COUNTRIES)
}

fn methods(summary: &Summary) -> Vec<MethodShare> {
    let share = |of: &MethodCount| MethodShare {
        method: of.method.clone(),
        requests: of.requests,
        percentage: 100.0 * ratio(of.requests, summary.tally.count),
    };
    let mut methods: Vec<MethodShare> = summary.methods.iter().map(share).collect();
    // The sort is stable: equal methods stay sorted by name.
    methods.sort_by_key(|method| std::cmp::Reverse(method.requests));
    methods
}

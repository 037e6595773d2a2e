//! Rollups: what all IPs together did, bucket by bucket. All of it adds up in any order.
//!
//! IPs stand in them by numbers, so that a union tells how many IPs a stretch of time had. A hit counts for the country that its IP told
//! last: when that changes, [`Delta`] moves what was counted before.

mod answer;
mod delta;
pub mod heaviest;
mod ip_set;

use std::collections::BTreeMap;

pub use answer::{Sums, Wanted};
pub use delta::{Delta, Deltas, Move, PathDelta};
pub use heaviest::Heaviest;
pub use ip_set::IpSet;

use crate::hit::Hit;
use crate::summary::CountryCount;
use crate::tally::Tally;

/// What was done on one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSums {
    pub tally: Tally,
    pub ips: IpSet,
    /// Sorted by country; the empty string is unknown.
    pub countries: Vec<CountryCount>,
}

/// What the IPs of one country did. The longest response time is not known: it could not be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountrySums {
    pub tally: Tally,
    pub ips: IpSet,
}

/// What was done on all paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// IPs of which no hit is older than this bucket.
    pub new_ips: u64,
    pub time_max_us: u64,
    /// Each IP is in one of them. The empty string is unknown.
    pub countries: BTreeMap<String, CountrySums>,
}

impl PathSums {
    fn add(&mut self, hit: &Hit, number: u32, country: &str) {
        self.tally.add(hit);
        self.ips.insert(number);
        self.add_country(country, 1);
    }

    pub fn add_country(&mut self, country: &str, requests: u64) {
        self.add_country_from(0, country, requests);
    }

    /// The same where all before `from` sort before it. Gives where it is: a sorted list is added in one pass.
    pub fn add_country_from(&mut self, from: usize, country: &str, requests: u64) -> usize {
        let rest = self.countries.iter().skip(from);
        let smaller = rest.take_while(|known| known.country.as_str() < country);
        let at = from + smaller.count();
        match self.countries.get_mut(at) {
            Some(known) if known.country == country => known.requests += requests,
            _ => self.countries.insert(
                at,
                CountryCount {
                    country: country.to_owned(),
                    requests,
                },
            ),
        }
        at
    }

    /// Takes back hits of a country: as many of them as there are. Gives how many that were.
    pub fn take_country(&mut self, country: &str, requests: u64) -> u64 {
        let Some(at) = self
            .countries
            .iter()
            .position(|known| known.country == country)
        else {
            return 0;
        };
        let Some(known) = self.countries.get_mut(at) else {
            return 0;
        };
        let taken = known.requests.min(requests);
        known.requests -= taken;
        if known.requests == 0 {
            self.countries.remove(at);
        }
        taken
    }

    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.ips.union(&other.ips);
        let mut at = 0;
        for theirs in &other.countries {
            at = self.add_country_from(at, &theirs.country, theirs.requests);
        }
    }
}

impl Totals {
    pub fn merge(&mut self, other: &Self) {
        self.new_ips += other.new_ips;
        self.time_max_us = self.time_max_us.max(other.time_max_us);
        for (country, theirs) in &other.countries {
            let ours = self.countries.entry(country.clone()).or_default();
            ours.tally.merge(&theirs.tally);
            ours.ips.union(&theirs.ips);
        }
    }

    /// All hits.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for country in self.countries.values() {
            sum.merge(&country.tally);
        }
        sum.time_max_us = self.time_max_us;
        sum
    }

    /// All IPs.
    pub fn ips(&self) -> IpSet {
        let mut all = IpSet::default();
        for country in self.countries.values() {
            all.union(&country.ips);
        }
        all
    }
}

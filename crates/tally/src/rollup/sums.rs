//! The sums that a rollup has for each bucket: of all paths together, and of each path.

use std::collections::BTreeMap;

use super::IpSet;
use crate::hit::{CompactHit, Names};
use crate::summary::CountryCount;
use crate::tally::Tally;

/// The sums of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSums {
    pub tally: Tally,
    pub ips: IpSet,
    /// Sorted by country. The empty string is an unknown country.
    pub countries: Vec<CountryCount>,
}

/// The sums of the IPs of one country. The longest response time is not kept, because it could not
/// be subtracted again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountrySums {
    pub tally: Tally,
    pub ips: IpSet,
}

/// The sums of all paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// IPs that have no hit before this bucket.
    pub new_ips: u64,
    pub time_max_us: u64,
    /// Each IP is in exactly one country. The empty string is an unknown country.
    pub countries: BTreeMap<String, CountrySums>,
}

/// A hit with the number of its IP, and with the country that it counts for.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub(super) hit: CompactHit,
    pub(super) number: u32,
    pub(super) country: u32,
}

impl PathSums {
    pub(super) fn add(&mut self, counted: &Counted, names: &Names) {
        self.tally.add(counted.hit.measures());
        self.ips.insert(counted.number);
        self.add_country(names.text(counted.country), 1);
    }

    pub fn add_country(&mut self, country: &str, requests: u64) {
        self.add_country_from(0, country, requests);
    }

    /// Like `add_country`, if all countries before `from` sort before this one. Returns the
    /// country's position. So a sorted list can be added in one pass.
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

    /// Subtracts up to `requests` hits of a country. Returns how many hits it had.
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
    pub(super) fn add(&mut self, counted: &Counted, names: &Names) {
        let hit = counted.hit.measures();
        self.time_max_us = self.time_max_us.max(hit.response_time_us.unwrap_or(0));
        let country = names.text(counted.country);
        let country = match self.countries.get_mut(country) {
            Some(known) => known,
            None => self.countries.entry(country.to_owned()).or_default(),
        };
        country.tally.add(hit);
        country.tally.forget_max();
        country.ips.insert(counted.number);
    }

    pub fn merge(&mut self, other: &Self) {
        self.new_ips += other.new_ips;
        self.time_max_us = self.time_max_us.max(other.time_max_us);
        for (country, theirs) in &other.countries {
            let ours = self.countries.entry(country.clone()).or_default();
            ours.tally.merge(&theirs.tally);
            ours.ips.union(&theirs.ips);
        }
    }

    /// The tally of all hits.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for country in self.countries.values() {
            sum.merge(&country.tally);
        }
        sum.time_max_us = self.time_max_us;
        sum
    }

    /// The set of all IPs.
    pub fn ips(&self) -> IpSet {
        let mut all = IpSet::default();
        for country in self.countries.values() {
            all.union(&country.ips);
        }
        all
    }
}

//! The sums that a rollup has for each bucket: of all paths together, and of each path.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::IpSet;
use crate::hit::{ByDimension, CompactHit, Dimension, Names};
use crate::hour_of_week::HourOfWeek;
use crate::summary::CountryCount;
use crate::tally::Tally;

/// The group of the hits whose groups are too many.
pub const OTHER_GROUPS: &str = "(other)";

/// The sums of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSums {
    pub tally: Tally,
    pub ips: IpSet,
    /// Sorted by country. The empty string is an unknown country.
    pub countries: Vec<CountryCount>,
}

/// The sums of one group of hits: of a country, or of a value of a dimension. The longest response
/// time is not kept, because it could not be subtracted again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSums {
    pub tally: Tally,
    pub ips: IpSet,
}

pub type Groups = BTreeMap<String, GroupSums>;

/// The sums of all paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// IPs that have no hit before this bucket.
    pub new_ips: u64,
    pub time_max_us: u64,
    /// Each IP is in exactly one country. The empty string is an unknown country.
    pub countries: Groups,
    /// Hits that tell nothing of a dimension are in none of its groups. Of a dimension that hits
    /// tell, [`OTHER_GROUPS`] has the hits of the groups that are too many. There are at most as
    /// many networks as the operator's file has. A bucket shorter than a day has no hours of the
    /// week: all of it is in one.
    pub groups: ByDimension<Groups>,
}

/// A hit with the number of its IP, and with the country that it counts for.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub(super) hit: CompactHit,
    pub(super) number: u32,
    pub(super) country: u32,
    pub(super) network: Option<u32>,
    /// The hour of the week, if the bucket is not shorter than a day.
    pub(super) hour: Option<HourOfWeek>,
}

/// What hits tell: the number of all that a hit tells, and its IP's network.
pub(super) type Told = (Option<u32>, Option<u32>);

impl Counted {
    pub(super) fn told(&self) -> Option<Told> {
        let told = (self.hit.told(), self.network);
        (told != (None, None)).then_some(told)
    }
}

impl GroupSums {
    pub(super) fn add(&mut self, counted: &Counted) {
        self.tally.add(counted.hit.measures());
        self.tally.forget_max();
        self.ips.insert(counted.number);
    }

    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.ips.union(&other.ips);
    }
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
        change_group(&mut self.countries, country, |of| of.add(counted));
    }

    /// Adds the hits of an hour of the week.
    pub(super) fn add_hour(&mut self, hour: HourOfWeek, sums: &GroupSums) {
        let hours = self.groups.get_mut(Dimension::HourOfWeek);
        change_group(hours, &hour.name(), |of| of.merge(sums));
    }

    /// Says that all hits are in one hour of the week. Call this before the bucket becomes a part
    /// of a day.
    pub fn are_in(&mut self, hour: HourOfWeek) {
        let (mut tally, ips) = (self.tally(), self.ips());
        tally.forget_max();
        self.add_hour(hour, &GroupSums { tally, ips });
    }

    /// Adds the hits that tell the same.
    pub(super) fn add_told(&mut self, (told, network): Told, sums: &GroupSums, names: &Names) {
        let mut told = told.map(|number| names.told(number)).unwrap_or_default();
        *told.get_mut(Dimension::Network) = network;
        for (dimension, groups) in self.groups.iter_mut() {
            if let Some(name) = told.get(dimension) {
                change_group(groups, names.text(*name), |of| of.merge(sums));
            }
        }
    }

    /// If a dimension that hits tell has more groups than it may have, the groups with the fewest
    /// hits become one. `give_way` is called at every step.
    pub async fn bound(&mut self, most: usize, give_way: impl AsyncFn()) {
        for (dimension, groups) in self.groups.iter_mut() {
            let named = groups.len() - usize::from(groups.contains_key(OTHER_GROUPS));
            let too_many = named.saturating_sub(most);
            if !dimension.is_told() || too_many == 0 {
                continue;
            }
            let named = groups.iter().filter(|(name, _)| *name != OTHER_GROUPS);
            let mut ranked: Vec<(u64, Reverse<String>)> = named
                .map(|(name, sums)| (sums.tally.count, Reverse(name.clone())))
                .collect();
            give_way().await;
            ranked.select_nth_unstable(too_many - 1);
            for (_, Reverse(name)) in ranked.into_iter().take(too_many) {
                give_way().await;
                if let Some(light) = groups.remove(&name) {
                    change_group(groups, OTHER_GROUPS, |of| of.merge(&light));
                }
            }
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.new_ips += other.new_ips;
        self.time_max_us = self.time_max_us.max(other.time_max_us);
        merge_groups(&mut self.countries, &other.countries);
        for (dimension, theirs) in other.groups.iter() {
            merge_groups(self.groups.get_mut(dimension), theirs);
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

/// Adds to a group. Its name is copied only if it is new.
pub(super) fn change_group(groups: &mut Groups, name: &str, change: impl FnOnce(&mut GroupSums)) {
    match groups.get_mut(name) {
        Some(known) => change(known),
        None => change(groups.entry(name.to_owned()).or_default()),
    }
}

fn merge_groups(ours: &mut Groups, theirs: &Groups) {
    for (name, sums) in theirs {
        change_group(ours, name, |of| of.merge(sums));
    }
}

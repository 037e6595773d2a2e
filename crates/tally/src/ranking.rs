//! Sorts lists. The orders are total: if two entries are equal, they are sorted by path key, by
//! name, or by address as text.

use std::cmp::Reverse;

use crate::order::{IpOrder, Metric, PathOrder};
use crate::summary::{CallerSummary, GroupDetail, GroupList, GroupSummary, PathSummary};
use crate::tally::Tally;

/// If there are this many more groups than the question wants, all but the first are dropped.
const SPARE: usize = 1_000;

/// A higher rank comes first. None comes last: a path without a response time.
type Rank = Option<u64>;

impl PathOrder {
    pub fn sort(self, paths: Vec<PathSummary>) -> Vec<PathSummary> {
        sort(paths, |path| self.rank(path), |path| &path.path_key)
    }

    fn rank(self, path: &PathSummary) -> Rank {
        match self {
            Self::Requests => Some(path.tally.count),
            Self::UniqueIps => Some(path.ips),
            Self::AvgResponseTime => path.tally.avg_response_time_ms().map(f64::to_bits),
            Self::ErrorRate => error_rate(&path.tally),
            Self::P95ResponseTime => path.tally.percentile_us(95),
        }
    }
}

impl IpOrder {
    pub fn sort(self, callers: Vec<CallerSummary>) -> Vec<CallerSummary> {
        sort(callers, |caller| self.rank(caller), |caller| &caller.ip)
    }

    fn rank(self, caller: &CallerSummary) -> Rank {
        match self {
            Self::Requests => Some(caller.tally.count),
            Self::UniquePaths => Some(caller.path_keys),
            Self::ErrorRate => error_rate(&caller.tally),
            Self::LastSeen => caller.last_seen_ms,
        }
    }
}

impl Metric {
    fn rank(self, group: &GroupSummary) -> Rank {
        let tally = &group.tally;
        match self {
            Self::Requests => Some(tally.count),
            Self::UniqueIps => Some(group.ips),
            Self::Errors => Some(tally.errors()),
            Self::ErrorRate => error_rate(tally),
            Self::Bytes => Some(tally.bytes),
            Self::AvgResponseTime => tally.avg_response_time_ms().map(f64::to_bits),
            Self::P50ResponseTime => tally.percentile_us(50),
            Self::P95ResponseTime => tally.percentile_us(95),
            Self::P99ResponseTime => tally.percentile_us(99),
            Self::NewIps => Some(group.new_ips),
        }
    }
}

impl GroupDetail {
    /// The first groups in the order asked for.
    pub fn first(&self, groups: Vec<GroupSummary>) -> Vec<GroupSummary> {
        let mut sorted = sort(groups, |group| self.rank(group), |group| &group.name);
        sorted.truncate(self.limit as usize);
        sorted
    }

    fn rank(&self, group: &GroupSummary) -> Rank {
        if let Some(comparison) = &self.comparison {
            // Scores are not negative.
            let score = comparison.score(&group.tally, &group.before);
            return score.map(f64::to_bits);
        }
        match (self.order.rank(group), self.ascending) {
            // Lower ranks come first, and groups without a rank last.
            (Some(rank), true) => Some(u64::MAX - rank),
            (rank, _) => rank,
        }
    }
}

impl GroupList {
    /// Adds a group that is in no other list, if it is asked for. Keeps no more groups than may be
    /// among the first.
    pub fn add(&mut self, group: GroupSummary, asked: &GroupDetail) {
        if !asked.lets(&group.name) {
            return;
        }
        if let Some(comparison) = &asked.comparison {
            let changes = comparison.changes(&group.tally, &group.before);
            self.changes.add(&changes);
            if !changes.iter().any(|scored| comparison.lists(scored.change)) {
                return;
            }
        }
        self.count += 1;
        self.first.push(group);
        self.drop_last(asked);
    }

    /// Adds a list of other groups.
    pub fn merge(&mut self, other: Self, asked: &GroupDetail) {
        self.count += other.count;
        self.changes.merge(&other.changes);
        self.before_hits += other.before_hits;
        self.before_other_hits += other.before_other_hits;
        self.other_hits += other.other_hits;
        self.unknown_hits += other.unknown_hits;
        self.first.extend(other.first);
        self.drop_last(asked);
    }

    /// The list, sorted.
    pub fn sorted(self, asked: &GroupDetail) -> Self {
        Self {
            first: asked.first(self.first),
            ..self
        }
    }

    fn drop_last(&mut self, asked: &GroupDetail) {
        if self.first.len() >= (asked.limit as usize).saturating_add(SPARE) {
            self.first = asked.first(std::mem::take(&mut self.first));
        }
    }
}

/// Numbers that are not negative are in the same order as their bits.
fn error_rate(tally: &Tally) -> Rank {
    Some(tally.error_rate().to_bits())
}

/// Each rank is computed once, because a percentile is expensive.
fn sort<T>(items: Vec<T>, rank: impl Fn(&T) -> Rank, name: impl Fn(&T) -> &str) -> Vec<T> {
    let ranked = items.into_iter().map(|item| (rank(&item), item));
    let mut ranked: Vec<(Rank, T)> = ranked.collect();
    ranked.sort_unstable_by(|(a_rank, a), (b_rank, b)| {
        (Reverse(a_rank), name(a)).cmp(&(Reverse(b_rank), name(b)))
    });
    ranked.into_iter().map(|(_, item)| item).collect()
}

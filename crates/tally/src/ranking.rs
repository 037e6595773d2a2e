//! Sorts lists, descending. The orders are total: if two entries are equal, they are sorted by path
//! key, or by address as text.

use crate::order::{IpOrder, PathOrder};
use crate::summary::{CallerSummary, PathSummary};
use crate::tally::Tally;

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

/// Numbers that are not negative are in the same order as their bits.
fn error_rate(tally: &Tally) -> Rank {
    Some(tally.error_rate().to_bits())
}

/// Each rank is computed once, because a percentile is expensive.
fn sort<T>(items: Vec<T>, rank: impl Fn(&T) -> Rank, name: impl Fn(&T) -> &str) -> Vec<T> {
    let ranked = items.into_iter().map(|item| (rank(&item), item));
    let mut ranked: Vec<(Rank, T)> = ranked.collect();
    ranked.sort_unstable_by(|(a_rank, a), (b_rank, b)| {
        b_rank.cmp(a_rank).then_with(|| name(a).cmp(name(b)))
    });
    ranked.into_iter().map(|(_, item)| item).collect()
}

//! Changes from one stretch of time to another: which groups of hits are new, gone, larger, smaller,
//! failing more or slower.
//!
//! A change has a score: the difference, divided by its noise. So a few hits more or less are no
//! change, and neither are a few percent.

use serde::{Deserialize, Serialize};

use crate::histogram::{Bucket, bucket_end_us};
use crate::tally::Tally;

/// The share of a number by which it differs from one stretch of time to the next without a reason.
const DRIFT: f64 = 0.1;

/// A way in which a group of hits changed.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    New,
    Gone,
    Grown,
    Shrunk,
    Failing,
    Slower,
}

/// Compares the window with another stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The buckets of the other stretch start from here on, and before `until_ms`.
    pub from_ms: u64,
    pub until_ms: u64,
    /// The length of the window.
    pub window_ms: u64,
    /// The length of the other stretch.
    pub other_ms: u64,
    /// The changes that are listed. Empty: all.
    pub changes: Vec<Change>,
    /// The lowest score of a change.
    pub min_score: u32,
}

/// Groups by the way in which they changed. A group may have changed in several ways.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCounts {
    pub new: u64,
    pub gone: u64,
    pub grown: u64,
    pub shrunk: u64,
    pub failing: u64,
    pub slower: u64,
}

/// A change, and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub change: Change,
    pub score: f64,
}

impl Change {
    pub const EVERY: &[Self] = &[
        Self::New,
        Self::Gone,
        Self::Grown,
        Self::Shrunk,
        Self::Failing,
        Self::Slower,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Grown => "grown",
            Self::Shrunk => "shrunk",
            Self::Failing => "failing",
            Self::Slower => "slower",
        }
    }
}

impl ChangeCounts {
    pub fn get(&self, change: Change) -> u64 {
        let Self {
            new,
            gone,
            grown,
            shrunk,
            failing,
            slower,
        } = *self;
        match change {
            Change::New => new,
            Change::Gone => gone,
            Change::Grown => grown,
            Change::Shrunk => shrunk,
            Change::Failing => failing,
            Change::Slower => slower,
        }
    }

    fn get_mut(&mut self, change: Change) -> &mut u64 {
        match change {
            Change::New => &mut self.new,
            Change::Gone => &mut self.gone,
            Change::Grown => &mut self.grown,
            Change::Shrunk => &mut self.shrunk,
            Change::Failing => &mut self.failing,
            Change::Slower => &mut self.slower,
        }
    }

    /// Counts a group that changed in these ways.
    pub fn add(&mut self, changes: &[Scored]) {
        for scored in changes {
            *self.get_mut(scored.change) += 1;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for change in Change::EVERY {
            *self.get_mut(*change) += other.get(*change);
        }
    }
}

impl Comparison {
    /// Whether a bucket that starts then is in the other stretch.
    pub fn has(&self, start_ms: u64) -> bool {
        (self.from_ms..self.until_ms).contains(&start_ms)
    }

    /// Whether changes of this kind are listed.
    pub fn lists(&self, change: Change) -> bool {
        self.changes.is_empty() || self.changes.contains(&change)
    }

    /// The changes of a group, with the highest score first. `now` are its hits in the window, and
    /// `before` its hits in the other stretch.
    pub fn changes(&self, now: &Tally, before: &Tally) -> Vec<Scored> {
        let of_time = self.lengths_ratio();
        let requests = score(now.count, before.count, of_time);
        let by_requests = match (requests > 0.0, now.count, before.count) {
            (true, _, 0) => Change::New,
            (true, _, _) => Change::Grown,
            (false, 0, _) => Change::Gone,
            (false, _, _) => Change::Shrunk,
        };
        let mut changes = vec![Scored {
            change: by_requests,
            score: requests.abs(),
        }];
        // The errors of a group that is new or gone have nothing to be compared with.
        if now.count > 0 && before.count > 0 {
            let of_hits = now.count as f64 / before.count as f64;
            changes.push(Scored {
                change: Change::Failing,
                score: score(now.errors(), before.errors(), of_hits),
            });
        }
        changes.extend(slower(now, before).map(|score| Scored {
            change: Change::Slower,
            score,
        }));
        let min_score = f64::from(self.min_score);
        changes.retain(|scored| scored.score > 0.0 && scored.score >= min_score);
        changes.sort_by(|a, b| b.score.total_cmp(&a.score));
        changes
    }

    /// Requests per time, divided by the requests per time before. None: there were none before.
    pub fn rate_ratio(&self, now: &Tally, before: &Tally) -> Option<f64> {
        let expected = self.lengths_ratio() * before.count as f64;
        (before.count > 0).then(|| now.count as f64 / expected)
    }

    fn lengths_ratio(&self) -> f64 {
        self.window_ms.max(1) as f64 / self.other_ms.max(1) as f64
    }

    /// The highest score of the changes that are listed. None: the group is not listed.
    pub fn score(&self, now: &Tally, before: &Tally) -> Option<f64> {
        let changes = self.changes(now, before).into_iter();
        let mut listed = changes.filter(|scored| self.lists(scored.change));
        listed.next().map(|scored| scored.score)
    }
}

/// The difference between a count and the expected one, divided by its noise. `before` was counted
/// in another stretch. `ratio` is the length of this stretch divided by the length of the other.
fn score(now: u64, before: u64, ratio: f64) -> f64 {
    let noise = square_noise(now) + ratio * ratio * square_noise(before);
    (now as f64 - ratio * before as f64) / noise.sqrt()
}

/// The square of the noise of a count: of a random count, and of the drift. The 1 stands for a hit
/// that might have come: a count of 0 is not certain.
fn square_noise(count: u64) -> f64 {
    let count = count as f64;
    count + 1.0 + (DRIFT * count).powi(2)
}

/// The same for response times, as logarithms: twice as long is the same change for a fast and for
/// a slow group. None: one of the two has no response times.
fn slower(now: &Tally, before: &Tally) -> Option<f64> {
    let (now, before) = (Logarithms::of(now)?, Logarithms::of(before)?);
    let noise = now.square_noise() + before.square_noise();
    Some((now.mean - before.mean) / noise.sqrt())
}

/// The natural logarithms of some response times.
struct Logarithms {
    mean: f64,
    variance: f64,
    count: f64,
}

impl Logarithms {
    fn of(tally: &Tally) -> Option<Self> {
        let logarithm = |bucket: &Bucket| {
            let time_us = bucket_end_us(bucket.index).max(1) as f64;
            (time_us.ln(), bucket.count as f64)
        };
        let times = || tally.histogram.iter().map(logarithm);
        let count: f64 = times().map(|(_, count)| count).sum();
        if count == 0.0 {
            return None;
        }
        let mean = times().map(|(of, count)| of * count).sum::<f64>() / count;
        let squares = times().map(|(of, count)| (of - mean).powi(2) * count);
        Some(Self {
            mean,
            variance: squares.sum::<f64>() / count,
            count,
        })
    }

    /// As in [`square_noise`], the 1 stands for what a few hits cannot tell.
    fn square_noise(&self) -> f64 {
        (self.variance + 1.0) / self.count + DRIFT.powi(2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hit::Measures;

    fn comparison(min_score: u32) -> Comparison {
        Comparison {
            from_ms: 0,
            until_ms: 1_000,
            window_ms: 1_000,
            other_ms: 1_000,
            changes: Vec::new(),
            min_score,
        }
    }

    /// Hits, some of which are errors, each with this response time.
    fn hits(count: u64, errors: u64, time_us: Option<u64>) -> Tally {
        let mut tally = Tally::default();
        for number in 0..count {
            tally.add(Measures {
                status: Some(if number < errors { 500 } else { 200 }),
                response_time_us: time_us,
                bytes: None,
            });
        }
        tally
    }

    fn changes(now: &Tally, before: &Tally) -> Vec<Change> {
        let changes = comparison(3).changes(now, before);
        changes.into_iter().map(|scored| scored.change).collect()
    }

    #[test]
    fn a_few_hits_more_or_less_are_no_change() {
        for (now, before) in [(3, 1), (1, 3), (11, 0), (0, 11), (30, 15), (140, 100)] {
            let found = changes(&hits(now, 0, None), &hits(before, 0, None));
            assert_eq!(found, [], "{before} → {now}");
        }
    }

    #[test]
    fn many_more_or_fewer_are() {
        for (now, before, expect) in [
            (12, 0, Change::New),
            (0, 12, Change::Gone),
            (40, 10, Change::Grown),
            (10, 40, Change::Shrunk),
            (1_600, 1_000, Change::Grown),
            (600, 1_000, Change::Shrunk),
        ] {
            let found = changes(&hits(now, 0, None), &hits(before, 0, None));
            assert_eq!(found, [expect], "{before} → {now}");
        }
    }

    #[test]
    fn the_score_is_the_documented_one() {
        // docs/api.md has these.
        for (now, before, expect) in [
            (3, 1, 0.81),
            (12, 0, 3.05),
            (40, 10, 3.61),
            (2_000, 1_000, 4.34),
            (1_100, 1_000, 0.64),
        ] {
            assert!((score(now, before, 1.0) - expect).abs() < 0.005, "{now}");
        }
    }

    #[test]
    fn rates_are_compared_and_not_counts() {
        // Half an hour beside a whole one.
        let comparison = Comparison {
            window_ms: 500,
            ..comparison(3)
        };
        let (half, whole) = (hits(500, 0, None), hits(1_000, 0, None));
        assert_eq!(comparison.changes(&half, &whole), []);
        assert_eq!(changes(&half, &whole), [Change::Shrunk]);
    }

    #[test]
    fn a_higher_share_of_errors_is_a_change_even_if_there_are_fewer_hits() {
        let (now, before) = (hits(100, 30, None), hits(400, 20, None));
        assert!(changes(&now, &before).contains(&Change::Failing));
        // As many errors more as hits more.
        let (now, before) = (hits(400, 20, None), hits(100, 5, None));
        assert_eq!(changes(&now, &before), [Change::Grown]);
        // Nothing is known of one hit before.
        let (now, before) = (hits(1_000, 200, None), hits(1, 0, None));
        assert!(!changes(&now, &before).contains(&Change::Failing));
    }

    #[test]
    fn a_group_is_slower_by_its_times_and_not_by_its_hits() {
        let (fast, slow) = (hits(100, 0, Some(10_000)), hits(100, 0, Some(20_000)));
        assert_eq!(changes(&slow, &fast), [Change::Slower]);
        assert_eq!(changes(&fast, &slow), []);
        let slightly = hits(100, 0, Some(12_000));
        assert_eq!(changes(&slightly, &fast), []);
        let one = hits(1, 0, Some(20_000));
        assert!(!changes(&one, &fast).contains(&Change::Slower));
        assert_eq!(changes(&slow, &hits(100, 0, None)), []);
    }

    #[test]
    fn only_the_changes_asked_for_are_listed() {
        let asked = Comparison {
            changes: vec![Change::Slower],
            ..comparison(3)
        };
        let (now, before) = (hits(900, 0, Some(90_000)), hits(100, 0, Some(10_000)));
        let all = asked.changes(&now, &before);
        assert_eq!(all.len(), 2);
        let of = |change| all.iter().find(|scored| scored.change == change);
        let slower = of(Change::Slower).unwrap().score;
        assert_eq!(asked.score(&now, &before), Some(slower));
        assert_eq!(asked.score(&now, &hits(100, 0, Some(90_000))), None);
        let mut counts = ChangeCounts::default();
        counts.add(&all);
        assert_eq!((counts.grown, counts.slower, counts.new), (1, 1, 0));
    }

    proptest! {
        #[test]
        fn a_score_is_a_number_and_larger_for_a_larger_change(
            now in 0..1_000_000_000_000u64,
            before in 0..1_000_000_000_000u64,
            more in 1..1_000_000_000_000u64,
            ratio in 0.000_001..1_000_000.0f64,
        ) {
            let (less, more) = (score(now, before, ratio), score(now + more, before, ratio));
            prop_assert!(less.is_finite() && more.is_finite());
            prop_assert!(more > less || (more - less).abs() < 1e-6, "{} {}", less, more);
        }
    }
}

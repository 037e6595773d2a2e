//! The backtest of a rate limit: which hits it would have refused.
//!
//! The limit counts in fixed buckets of the store's calendar. In each bucket it lets the first
//! `max` hits of a caller through, and refuses the others. A limit over less than 5 minutes cannot
//! be tested, because no finer buckets are kept.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bucket::{BucketId, Ranges};
use crate::hit::Grouping;
use crate::span::Span;
use crate::time::Tier;
use crate::time_text::{rfc3339, rfc3339_text};
use crate::window::Window;

/// If there are this many more refused callers than the question wants, all but the first are
/// dropped.
const SPARE: usize = 1_000;

/// The length of the buckets that a limit counts in. A finer one sorts before a coarser one.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Per {
    #[serde(rename = "5m")]
    FiveMinutes,
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "1d")]
    Day,
}

impl Per {
    pub const EVERY: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::Day];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    pub fn of(tier: Tier) -> Self {
        match tier {
            Tier::Fine => Self::FiveMinutes,
            Tier::Hour => Self::Hour,
            Tier::Day | Tier::Before => Self::Day,
        }
    }

    /// The finest one that is kept for all of a window. None: only the moment of the question
    /// tells it.
    pub fn finest_of(window: Window) -> Option<Self> {
        match window {
            Window::Recent | Window::Hour => Some(Self::FiveMinutes),
            Window::Day => Some(Self::Hour),
            Window::Week | Window::Month | Window::Quarter => Some(Self::Day),
            Window::All | Window::Between(_) => None,
        }
    }

    fn tier(self) -> Tier {
        match self {
            Self::FiveMinutes => Tier::Fine,
            Self::Hour => Tier::Hour,
            Self::Day => Tier::Day,
        }
    }

    fn kept_from_ms(self, ranges: &Ranges) -> u64 {
        match self {
            Self::FiveMinutes => ranges.fine_from_ms,
            Self::Hour => ranges.hours_from_ms,
            Self::Day => ranges.days_from_ms,
        }
    }
}

/// The limit that is tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestDetail {
    /// The callers: IPs, or a property that the sums over all IPs know.
    pub by: Grouping,
    /// None: the finest that is kept for all of the window.
    pub per: Option<Per>,
    /// The hits that a caller may make in a bucket.
    pub max: u32,
    /// The number of refused callers: those with the most refused hits.
    pub limit: u32,
}

impl BacktestDetail {
    /// The buckets of the window, widened to whole buckets of the limit. The span's `cut` is the
    /// length of these.
    pub fn span(&self, window: Window, ranges: &Ranges) -> Span {
        let span = window.span(ranges);
        let begin_ms = span.begin_ms(ranges).unwrap_or(0);
        let finest = Per::of(BucketId::of(begin_ms, ranges).tier);
        let tier = self.per.unwrap_or(finest).tier();
        let start_ms = ranges.calendar.start_ms(tier, begin_ms);
        let until_ms = match span.until_ms {
            u64::MAX => u64::MAX,
            until_ms => {
                let end_ms = ranges.calendar.next_ms(tier, until_ms.saturating_sub(1));
                // The current bucket has no end yet.
                if end_ms > ranges.now_ms {
                    u64::MAX
                } else {
                    end_ms
                }
            }
        };
        Span {
            from_ms: start_ms,
            until_ms,
            previous_from_ms: None,
            cut: tier,
        }
    }

    /// Why the limit cannot be tested over this window. None: it can.
    pub fn refusal(&self, window: Window, ranges: &Ranges) -> Option<String> {
        let span = self.span(window, ranges);
        let per = Per::of(span.cut);
        let kept_from_ms = per.kept_from_ms(ranges);
        if span.from_ms >= kept_from_ms {
            return None;
        }
        let finest = Per::of(BucketId::of(span.from_ms, ranges).tier);
        let or = match finest > per {
            true => format!(", or choose per={}", finest.name()),
            false => String::new(),
        };
        Some(format!(
            "per: buckets of {} are kept since {}. Choose a window that begins then or later{or}.",
            per.name(),
            rfc3339_text(kept_from_ms)
        ))
    }
}

/// A caller that the limit refuses.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedCaller {
    /// An address, or the name of a consumer.
    pub name: String,
    /// Hits in the window.
    pub total_requests: u64,
    /// Those of them that the limit refuses.
    pub refused_requests: u64,
    /// The number of buckets with a refused hit.
    pub refused_buckets: u64,
    /// The start of the first such bucket.
    #[serde(rename = "firstBucket", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub first_bucket_ms: u64,
    /// The start of the last such bucket.
    #[serde(rename = "lastBucket", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub last_bucket_ms: u64,
    /// The start of the bucket with the most hits. If there are several, the first.
    #[serde(rename = "worstBucket", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub worst_bucket_ms: u64,
    /// The hits in this bucket.
    pub worst_requests: u64,
}

/// A bucket of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitSlot {
    pub start_ms: u64,
    pub requests: u64,
    pub refused: u64,
}

/// The callers whose highest bucket has this many hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    pub requests: u64,
    pub callers: u64,
}

/// What a limit does to some callers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestSummary {
    /// The first of the refused callers.
    pub refused: Vec<RefusedCaller>,
    /// Sorted by start, without empty buckets.
    pub slots: Vec<LimitSlot>,
    /// Sorted by requests. Each caller is in one. So there are no more than callers, and `n` of
    /// them need `n * (n + 1) / 2` hits: a billion hits make at most 44,720.
    pub peaks: Vec<Peak>,
    /// Hits of callers that are counted as one, because there were too many.
    pub other_hits: u64,
    /// Hits that do not tell their caller.
    pub unknown_hits: u64,
}

/// Adds up callers, and summaries of other callers, in any order.
#[derive(Clone, Debug)]
pub struct Backtest {
    max: u64,
    limit: usize,
    refused: Vec<RefusedCaller>,
    /// By start: all hits, and refused ones.
    slots: BTreeMap<u64, (u64, u64)>,
    /// By hits in the highest bucket: callers.
    peaks: BTreeMap<u64, u64>,
    other_hits: u64,
    unknown_hits: u64,
}

impl Backtest {
    pub fn new(asked: &BacktestDetail) -> Self {
        Self {
            max: u64::from(asked.max),
            limit: asked.limit as usize,
            refused: Vec::new(),
            slots: BTreeMap::new(),
            peaks: BTreeMap::new(),
            other_hits: 0,
            unknown_hits: 0,
        }
    }

    /// Counts hits, of any caller, in the bucket that starts then.
    pub fn count(&mut self, start_ms: u64, hits: u64) {
        self.slots.entry(start_ms).or_default().0 += hits;
    }

    /// Judges a caller by all of its hits, by start of their bucket. None of the buckets is empty.
    pub fn judge(&mut self, name: &str, hits: &BTreeMap<u64, u64>) {
        let worst = hits
            .iter()
            .max_by_key(|(start, hits)| (**hits, Reverse(**start)));
        let Some((&worst_bucket_ms, &worst_requests)) = worst else {
            return;
        };
        *self.peaks.entry(worst_requests).or_default() += 1;
        let over = || {
            let over = hits.iter().filter(|(_, hits)| **hits > self.max);
            over.map(|(start_ms, hits)| (*start_ms, hits - self.max))
        };
        let (Some((first_bucket_ms, _)), Some((last_bucket_ms, _))) =
            (over().next(), over().next_back())
        else {
            return;
        };
        self.refused.push(RefusedCaller {
            name: name.to_owned(),
            total_requests: hits.values().sum(),
            refused_requests: over().map(|(_, refused)| refused).sum(),
            refused_buckets: over().count() as u64,
            first_bucket_ms,
            last_bucket_ms,
            worst_bucket_ms,
            worst_requests,
        });
        for (start_ms, hits) in hits {
            let slot = self.slots.entry(*start_ms).or_default();
            slot.1 += hits.saturating_sub(self.max);
        }
        self.drop_spare();
    }

    /// Counts hits that no caller is judged by.
    pub fn add_unjudged(&mut self, other_hits: u64, unknown_hits: u64) {
        self.other_hits += other_hits;
        self.unknown_hits += unknown_hits;
    }

    /// Adds a summary of other callers.
    pub fn add(&mut self, summary: BacktestSummary) {
        self.refused.extend(summary.refused);
        for LimitSlot {
            start_ms,
            requests,
            refused,
        } in summary.slots
        {
            let slot = self.slots.entry(start_ms).or_default();
            slot.0 += requests;
            slot.1 += refused;
        }
        for Peak { requests, callers } in summary.peaks {
            *self.peaks.entry(requests).or_default() += callers;
        }
        self.add_unjudged(summary.other_hits, summary.unknown_hits);
        self.drop_spare();
    }

    /// The sum of everything that was added. It can be added to another backtest.
    pub fn finish(mut self) -> BacktestSummary {
        self.keep_first();
        let slot = |(start_ms, (requests, refused))| LimitSlot {
            start_ms,
            requests,
            refused,
        };
        let peak = |(requests, callers)| Peak { requests, callers };
        BacktestSummary {
            refused: self.refused,
            slots: self.slots.into_iter().map(slot).collect(),
            peaks: self.peaks.into_iter().map(peak).collect(),
            other_hits: self.other_hits,
            unknown_hits: self.unknown_hits,
        }
    }

    fn drop_spare(&mut self) {
        if self.refused.len() >= self.limit.saturating_add(SPARE) {
            self.keep_first();
        }
    }

    fn keep_first(&mut self) {
        self.refused.sort_unstable_by(|a, b| {
            (Reverse(a.refused_requests), &a.name).cmp(&(Reverse(b.refused_requests), &b.name))
        });
        self.refused.truncate(self.limit);
    }
}

impl BacktestSummary {
    /// The callers with a hit in the window.
    pub fn callers(&self) -> u64 {
        self.refused_by(0)
    }

    /// The callers that a limit of `max` hits refuses.
    pub fn refused_by(&self, max: u64) -> u64 {
        let over = self.peaks.iter().filter(|peak| peak.requests > max);
        over.map(|peak| peak.callers).sum()
    }

    /// The lowest limit that refuses no more than this share of the callers, in thousandths. None:
    /// there is no caller.
    pub fn sparing(&self, per_mille: u64) -> Option<u64> {
        let allowed = self.callers().saturating_mul(per_mille) / 1_000;
        let mut refused = 0;
        let mut from_highest = self.peaks.iter().rev();
        let highest = from_highest.find(|peak| {
            refused += peak.callers;
            refused > allowed
        });
        highest.map(|peak| peak.requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::{Interval, Moment};
    use crate::time::{DAY_MS, FINE_MS, HOUR_MS, MINUTE_MS};
    use crate::time_zone::Zone;

    fn of(per: Option<Per>) -> BacktestDetail {
        BacktestDetail {
            by: Grouping::Ip,
            per,
            max: 10,
            limit: 3,
        }
    }

    fn moment_ms(text: &str) -> u64 {
        match Moment::read(text) {
            Ok(Moment::At(ms)) => ms,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn between(from: &str, to: &str) -> Window {
        let moment = |text: &str| (!text.is_empty()).then(|| Moment::read(text).unwrap());
        Window::Between(Interval {
            from: moment(from),
            to: moment(to),
        })
    }

    fn ranges() -> Ranges {
        let now_ms = moment_ms("2026-11-26T13:07:00Z");
        let zone = Zone::named("Europe/Berlin").unwrap();
        Ranges::at(now_ms, zone.calendar(now_ms))
    }

    #[test]
    fn a_window_is_widened_to_whole_buckets_of_the_limit() {
        let ranges = ranges();
        let now = "2026-11-26T13:07:00Z";
        let past = between("2026-11-26T11:31:00Z", "2026-11-26T12:44:00Z");
        for (window, per, expect, begin, end) in [
            (
                Window::Hour,
                None,
                Per::FiveMinutes,
                "2026-11-26T12:10:00Z",
                now,
            ),
            (
                Window::Hour,
                Some(Per::Hour),
                Per::Hour,
                "2026-11-26T12:00:00Z",
                now,
            ),
            (
                Window::Hour,
                Some(Per::Day),
                Per::Day,
                "2026-11-25T23:00:00Z",
                now,
            ),
            (Window::Day, None, Per::Hour, "2026-11-25T14:00:00Z", now),
            (
                Window::Day,
                Some(Per::Day),
                Per::Day,
                "2026-11-24T23:00:00Z",
                now,
            ),
            (Window::Week, None, Per::Day, "2026-11-19T23:00:00Z", now),
            (Window::Quarter, None, Per::Day, "2026-08-28T22:00:00Z", now),
            (
                past,
                None,
                Per::FiveMinutes,
                "2026-11-26T11:30:00Z",
                "2026-11-26T12:45:00Z",
            ),
            (
                past,
                Some(Per::Hour),
                Per::Hour,
                "2026-11-26T11:00:00Z",
                "2026-11-26T13:00:00Z",
            ),
            // The day is not over.
            (past, Some(Per::Day), Per::Day, "2026-11-25T23:00:00Z", now),
            // A day with 25 hours, because the clocks go back.
            (
                between("2026-10-25T10:00:00Z", "2026-10-25T11:00:00Z"),
                None,
                Per::Day,
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
        ] {
            let span = of(per).span(window, &ranges);
            let told = (
                Per::of(span.cut),
                span.begin_ms(&ranges),
                span.end_ms(ranges.now_ms),
            );
            let expect = (expect, Some(moment_ms(begin)), moment_ms(end));
            assert_eq!(told, expect, "{window:?}, {per:?}");
            assert_eq!(
                of(per).refusal(window, &ranges),
                None,
                "{window:?}, {per:?}"
            );
        }
    }

    #[test]
    fn a_limit_over_buckets_that_are_not_kept_is_refused_and_the_reason_says_how_far_they_go_back()
    {
        let ranges = ranges();
        for (window, per, begins, ends) in [
            (
                Window::Day,
                Some(Per::FiveMinutes),
                "per: buckets of 5m are kept since 2026-11-26T11:00:00.000Z",
                "or choose per=1h.",
            ),
            (
                between("2026-11-26T10:59:00Z", ""),
                Some(Per::FiveMinutes),
                "per: buckets of 5m are kept since 2026-11-26T11:00:00.000Z",
                "or choose per=1h.",
            ),
            (
                Window::Week,
                Some(Per::Hour),
                "per: buckets of 1h are kept since 2026-11-23T23:00:00.000Z",
                "or choose per=1d.",
            ),
            (
                Window::All,
                None,
                "per: buckets of 1d are kept since 2026-08-27T22:00:00.000Z",
                "begins then or later.",
            ),
            (
                between("2026-08-27", "2026-09-03"),
                None,
                "per: buckets of 1d are kept since 2026-08-27T22:00:00.000Z",
                "begins then or later.",
            ),
        ] {
            let refusal = of(per).refusal(window, &ranges).unwrap_or_default();
            let is_told = refusal.starts_with(begins) && refusal.ends_with(ends);
            assert!(is_told, "{window:?}, {per:?}: {refusal}");
        }
        // The edges are kept.
        for (from, per) in [
            ("2026-11-26T11:00:00Z", Per::FiveMinutes),
            ("2026-11-24", Per::Hour),
            ("2026-08-28", Per::Day),
        ] {
            assert_eq!(
                of(Some(per)).refusal(between(from, ""), &ranges),
                None,
                "{from}"
            );
        }
    }

    #[test]
    fn every_window_is_made_of_buckets_no_coarser_than_those_of_its_finest_limit() {
        for minute in 0..3 * 24 * 60 {
            let ranges = Ranges::utc(400 * DAY_MS + minute * MINUTE_MS);
            for window in Window::EVERY {
                let finest = Per::finest_of(window);
                let told = Per::of(of(None).span(window, &ranges).cut);
                assert_eq!(told, finest.unwrap_or(Per::Day), "{window:?}");
                let is_refused = of(None).refusal(window, &ranges).is_some();
                assert_eq!(is_refused, finest.is_none(), "{window:?}");
            }
        }
    }

    fn judged(callers: &[(&str, &[(u64, u64)])]) -> BacktestSummary {
        let mut backtest = Backtest::new(&of(None));
        for (name, hits) in callers {
            for (start_ms, hits) in *hits {
                backtest.count(*start_ms, *hits);
            }
            backtest.judge(name, &hits.iter().copied().collect());
        }
        backtest.finish()
    }

    #[test]
    fn a_caller_is_refused_the_hits_beyond_the_limit_of_each_bucket() {
        let (a, b, c) = (0, FINE_MS, HOUR_MS);
        let told = judged(&[
            ("at the limit", &[(a, 10), (b, 10), (c, 1)]),
            ("over it", &[(a, 11), (b, 25), (c, 10)]),
            ("over it twice as far", &[(b, 25), (c, 25)]),
            ("nobody", &[]),
        ]);
        let caller = |name: &str, of: [u64; 7]| {
            let [total, refused, buckets, first, last, worst, worst_requests] = of;
            RefusedCaller {
                name: name.to_owned(),
                total_requests: total,
                refused_requests: refused,
                refused_buckets: buckets,
                first_bucket_ms: first,
                last_bucket_ms: last,
                worst_bucket_ms: worst,
                worst_requests,
            }
        };
        assert_eq!(
            told.refused,
            [
                caller("over it twice as far", [50, 30, 2, b, c, b, 25]),
                caller("over it", [46, 16, 2, a, b, b, 25]),
            ]
        );
        let slots = told.slots.iter();
        let slots: Vec<_> = slots
            .map(|slot| (slot.start_ms, slot.requests, slot.refused))
            .collect();
        assert_eq!(slots, [(a, 21, 1), (b, 60, 30), (c, 36, 15)]);
        assert_eq!((told.callers(), told.refused_by(10)), (3, 2));
    }

    #[test]
    fn a_sparing_limit_refuses_the_loudest_callers_alone_and_one_hit_less_refuses_more() {
        assert_eq!(judged(&[]).sparing(50), None);
        // 1,000 callers. Ten of them have the same highest bucket.
        let mut backtest = Backtest::new(&of(None));
        for caller in 0..1_000u64 {
            let peak = if (980..990).contains(&caller) {
                985
            } else {
                caller + 1
            };
            backtest.judge(&caller.to_string(), &BTreeMap::from([(0, peak)]));
        }
        let told = backtest.finish();
        for (per_mille, max) in [
            (0, 1_000),
            (1, 999),
            (9, 991),
            (10, 985),
            (15, 985),
            (50, 950),
        ] {
            assert_eq!(told.sparing(per_mille), Some(max), "{per_mille}");
            assert!(told.refused_by(max) <= per_mille);
            assert!(told.refused_by(max - 1) > per_mille);
        }
    }

    #[test]
    fn of_many_refused_callers_the_first_are_kept() {
        let asked = of(None);
        let count = (SPARE + asked.limit as usize) as u64 * 3;
        let mut backtest = Backtest::new(&asked);
        for caller in 0..count {
            let hits = 11 + caller * 37 % count;
            backtest.judge(&format!("{caller:05}"), &BTreeMap::from([(0, hits)]));
            assert!(backtest.refused.len() < SPARE + asked.limit as usize);
        }
        let told = backtest.finish();
        let refused: Vec<u64> = told.refused.iter().map(|of| of.refused_requests).collect();
        assert_eq!(refused, [count, count - 1, count - 2]);
        assert_eq!(told.refused_by(10), count);
    }
}

//! The backtest of a rate limit: whom it would have refused, when, and how often.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::{
    About, Ask, BadParameter, LIMIT_DEFAULT, Parameter, Place, Query, Responses, Scope, Survey, Via,
};
use crate::backtest::{BacktestDetail, Per, RefusedCaller};
use crate::filter::Filter;
use crate::hit::{Dimension, Grouping};
use crate::report::{Provenance, is_zero, starts, utc_offset_minutes};
use crate::tally::ratio;
use crate::time::MINUTE_MS;
use crate::time_text::rfc3339;
use crate::window::Window;
use crate::{Details, Failure, warning};

/// The highest limit that can be tested.
pub const MAX_MAX: u32 = 1_000_000_000;
const MAX_DEFAULT: u32 = 1_000;

/// The callers that a limit may count.
const CALLERS: [Grouping; 2] = [Grouping::Ip, Grouping::Of(Dimension::Consumer)];

/// The loudest callers that a sparing limit may refuse, in thousandths of all callers.
const SPARING_PER_MILLE: [u64; 3] = [1, 10, 50];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backtest {
    pub scope: Scope,
    pub by: Grouping,
    /// None: the finest that is kept for all of the window.
    pub per: Option<Per>,
    /// The limit: the hits that a caller may make in a bucket.
    pub max: u32,
    /// The most refused callers in the answer.
    pub limit: u32,
}

impl Default for Backtest {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            by: Grouping::Ip,
            per: None,
            max: MAX_DEFAULT,
            limit: LIMIT_DEFAULT,
        }
    }
}

impl Ask for Backtest {
    fn about(&self) -> &'static About {
        &About {
            name: "backtest",
            path: "/admin/backtest",
            id: "backtest",
            summary: "Whom a rate limit would have refused",
            description: "Tests a rate limit on the hits of the window: in each bucket of `per`, \
                          it lets the first `max` hits of a caller through and refuses the others. \
                          Buckets begin at fixed times, and nothing is carried over from one to \
                          the next. If the window begins or ends within a bucket, all of the \
                          bucket counts. The bucket that is not over counts as it is. A limit per \
                          second or minute cannot be tested, because no bucket is shorter than 5 \
                          minutes. With a filter, only the hits that it lets through count, so \
                          that a limit on some paths can be tested.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let takes_filters = self.by.is_known_of_ips();
        let mut all = self.scope.parameters([
            Parameter::integer(
                "max",
                "The limit: the hits that a caller may make in a bucket.",
                &mut self.max,
                1..=MAX_MAX,
            ),
            Parameter::one_of_if_any(
                "per",
                "The length of a bucket. It must be kept for all of the window: `5m` for the last \
                 2 hours, `1h` for the last 48 hours, `1d` for the last 90 days. Not given: the \
                 shortest that is kept for all of the window.",
                &mut self.per,
                &Per::EVERY,
                Per::name,
            ),
            Parameter::one_of(
                "by",
                "The callers: `ip`, or the `consumer` that the gateway tells. Hits are counted by \
                 consumer over all IPs and paths alone. So a filter beside `consumer` is refused.",
                &mut self.by,
                &CALLERS,
                Grouping::name,
            ),
            Parameter::limit(&mut self.limit),
        ]);
        // There is one way to each answer.
        all.retain(|given| given.name != "via" && (takes_filters || given.place != Place::Filter));
        all
    }

    fn conflict(&self) -> Option<BadParameter> {
        if self.by.is_known_of_ips() {
            return None;
        }
        let by = self.by.name();
        let (name, _) = self.scope.filter.parameters().into_iter().next()?;
        Some(BadParameter {
            name: name.to_owned(),
            reason: format!(
                "not together with by={by}: hits are counted by {by} over all IPs and paths alone"
            ),
        })
    }
}

impl Survey for Backtest {
    type Report = BacktestReport;

    fn query(&self) -> Query {
        let scope = Scope {
            via: (self.by == Grouping::Ip).then_some(Via::Ips),
            ..self.scope.clone()
        };
        scope.query(Details {
            backtest: Some(BacktestDetail {
                by: self.by,
                per: self.per,
                max: self.max,
                limit: self.limit,
            }),
            ..Details::default()
        })
    }

    /// Takes back the filter, the window or the length of a bucket if it does not go together with
    /// the others.
    fn rewind(&mut self) {
        self.scope.via = None;
        if self.conflict().is_some() {
            self.scope.filter = Filter::default();
        }
        if self.scope.window == Window::All {
            self.scope.window = Window::Quarter;
        }
        let finest = Per::finest_of(self.scope.window);
        self.per = self.per.filter(|per| Some(*per) >= finest);
    }

    /// A limit that refuses some of the few hits of the example.
    fn example() -> Self {
        Self {
            max: 1,
            ..Self::default()
        }
    }

    fn report(&self, responses: Responses) -> Result<BacktestReport, Failure> {
        let (span, ranges) = (&responses.span, &responses.ranges);
        let mut provenance = responses.provenance;
        let found = responses.summary.backtest.unwrap_or_default();
        if found.other_hits > 0 {
            let values: [&dyn Display; 2] = [&found.other_hits, &self.by.name()];
            let warning = warning::say(warning::OTHER_IN_BACKTEST, &values);
            provenance.warnings.push(warning);
        }
        let bucket = |start_ms| {
            let slot = found
                .slots
                .binary_search_by_key(&start_ms, |slot| slot.start_ms);
            let slot = slot.ok().and_then(|at| found.slots.get(at));
            LimitBucket {
                start_ms,
                utc_offset_minutes: utc_offset_minutes(start_ms, ranges),
                requests: slot.map_or(0, |slot| slot.requests),
                refused: slot.map_or(0, |slot| slot.refused),
            }
        };
        let within = span.from_ms..span.until_ms.min(ranges.now_ms + 1);
        let buckets: Vec<LimitBucket> = starts(span.cut, within, ranges).map(bucket).collect();
        let sparing = |per_mille| {
            let max = found.sparing(per_mille)?;
            Some(SparingLimit {
                share: per_mille as f64 / 1_000.0,
                max,
                refused_callers: found.refused_by(max),
            })
        };
        let total = responses.summary.tally.count;
        let refused = buckets.iter().map(|bucket| bucket.refused).sum();
        Ok(BacktestReport {
            by: self.by.name().to_owned(),
            per: Per::of(span.cut),
            max: self.max,
            total_requests: total,
            refused_requests: refused,
            refused_share: ratio(refused, total),
            total_callers: found.callers(),
            refused_callers: found.refused_by(self.max.into()),
            refused_buckets: buckets.iter().filter(|bucket| bucket.refused > 0).count() as u64,
            unknown_requests: found.unknown_hits,
            other_requests: found.other_hits,
            sparing: SPARING_PER_MILLE.into_iter().filter_map(sparing).collect(),
            callers: found.refused,
            buckets,
            provenance,
        })
    }
}

/// The lowest limit that refuses nobody but the loudest callers.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SparingLimit {
    /// The share of the callers that it may refuse.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub share: f64,
    /// The limit. It is exact: one hit less, and it refuses more callers than it may.
    pub max: u64,
    /// The callers that it refuses. If several callers are equally loud, these may be fewer than it
    /// may refuse.
    pub refused_callers: u64,
}

/// A bucket of the limit.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitBucket {
    #[serde(rename = "start", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub start_ms: u64,
    /// How far the clocks of the time zone were ahead of UTC in this bucket. Absent if they were
    /// not ahead.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub utc_offset_minutes: i32,
    pub requests: u64,
    /// Those of them that the limit refuses.
    pub refused: u64,
}

/// The hits of a window under a rate limit.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BacktestReport {
    /// The kind of caller, as asked for.
    pub by: String,
    /// The length of a bucket.
    pub per: Per,
    /// The limit: the hits that a caller may make in a bucket.
    pub max: u32,
    /// Hits in the window.
    pub total_requests: u64,
    /// Hits that the limit refuses.
    pub refused_requests: u64,
    /// The share of these hits.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub refused_share: f64,
    /// Callers with a hit in the window.
    pub total_callers: u64,
    /// Callers with a refused hit.
    pub refused_callers: u64,
    /// Buckets with a refused hit.
    pub refused_buckets: u64,
    /// Hits that do not tell their consumer. The limit refuses none of them.
    pub unknown_requests: u64,
    /// Hits that are counted without their consumer, because there were too many. No refused hit is
    /// among them.
    pub other_requests: u64,
    /// The lowest limits that refuse at most 0.1 %, 1 % and 5 % of the callers. Empty if there is
    /// no caller.
    pub sparing: Vec<SparingLimit>,
    /// Callers with a refused hit, the one with the most refused hits first. At most `limit`.
    pub callers: Vec<RefusedCaller>,
    /// The oldest first. Buckets without a hit are there, too.
    pub buckets: Vec<LimitBucket>,
    #[serde(flatten)]
    pub provenance: Provenance,
}

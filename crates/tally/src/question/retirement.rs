//! Whether a path may be retired: whether it is proven that nobody called it.
//!
//! There are two proofs. Each is enough.
//!
//! - The sums over all IPs have no hit of the path. They keep the hits of IPs that left. But some of
//!   their hits may be counted under `(other)`.
//! - All IPs were asked, and none called the path. None of the IPs that left called in the window.
//!
//! The list of callers has every caller if the sums have no more hits of the path than the IPs
//! have, or if no IP left that called in the window.

use serde::{Deserialize, Serialize};

use super::{About, Ask, Parameter, Place, Query, Responses, Scope, Survey, Value};
use crate::contract::Drops;
use crate::order::IpOrder;
use crate::report::{Provenance, rfc3339_text};
use crate::summary::CallerSummary;
use crate::time::MINUTE_MS;
use crate::time_text::rfc3339_if_any;
use crate::window::Window;
use crate::{Details, Failure};

/// The most callers of the list.
pub const CALLERS_MAX: u32 = 1_000;
/// The callers of the list, if the question has no `limit`.
const CALLERS_DEFAULT: u32 = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    pub key: String,
    /// Its filter is not looked at.
    pub scope: Scope,
    pub limit: u32,
}

impl Default for Retirement {
    fn default() -> Self {
        Self {
            key: String::new(),
            scope: Scope {
                window: Window::Month,
                ..Scope::default()
            },
            limit: CALLERS_DEFAULT,
        }
    }
}

impl Ask for Retirement {
    fn about(&self) -> &'static About {
        &About {
            name: "retirement",
            path: "/admin/retirement",
            id: "retirement",
            summary: "Whether a path may be retired",
            description: "Says whether nobody called the path in the window, and who still calls \
                          it. `verdict` is `unused` only if that is proven. The status is 200 for \
                          every verdict.",
            ttl_ms: 5 * MINUTE_MS,
            is_prewarmed: false,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let about = "The path key: `METHOD /path`.";
        let key = Parameter::new("key", about, Value::PathKey(&mut self.key));
        let about = "The most callers of the list.";
        let limit = Parameter::integer("limit", about, &mut self.limit, 1..=CALLERS_MAX);
        let mut all = self.scope.parameters([limit]);
        // The proof is about all hits, and asks the sums and the IPs.
        all.retain(|parameter| parameter.place != Place::Filter && parameter.name != "via");
        all.insert(0, key.required("METHOD /path"));
        all
    }
}

impl Survey for Retirement {
    type Report = RetirementReport;

    fn query(&self) -> Query {
        let scope = Scope {
            window: self.scope.window,
            ..Scope::default()
        };
        let mut query = scope.query(Details {
            paths: 1,
            callers: self.limit,
            order: IpOrder::LastSeen,
            ..Details::default()
        });
        query.filter.path_key = Some(self.key.clone());
        query
    }

    /// A filter goes, because the proof is about every hit.
    fn rewind(&mut self) {
        self.scope = Scope {
            window: self.scope.window,
            ..Scope::default()
        };
    }

    fn report(&self, mut responses: Responses) -> Result<RetirementReport, Failure> {
        // The path key is the subject of the question, not a condition.
        responses.provenance.filter = None;
        Ok(RetirementReport::new(self.key.clone(), responses))
    }

    fn example() -> Self {
        Self {
            key: "GET /users".to_owned(),
            ..Self::default()
        }
    }
}

/// Whether a path may be retired.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is proven that nobody called the path in the window.
    Unused,
    /// Somebody called the path in the window.
    Used,
    /// No hit on the path was found, but it is not proven that there is none.
    Unknown,
}

/// An IP that called the path.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathCaller {
    pub ip: String,
    /// The country that the IP told last, or that of the operator's files. `null` if neither is
    /// known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub country: Option<String>,
    /// The network that the IP belongs to. `null` if the operator's files do not tell it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub network: Option<String>,
    /// The names that admins gave it: see `/admin/labels`. Absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub labels: Vec<String>,
    /// Hits on the path in the window.
    pub total_requests: u64,
    /// The last hit on the path.
    #[serde(rename = "lastSeen", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub last_seen_ms: Option<u64>,
}

/// Whether a path may be retired, and who still calls it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetirementReport {
    pub path_key: String,
    pub verdict: Verdict,
    /// Why the verdict is `unknown`, or why `callers` may lack some, in words. Else empty.
    pub reasons: Vec<String>,
    /// The number of the fold that the answer is of.
    pub root: u64,
    /// Hits on the path in the window, also those of IPs that left.
    pub total_requests: u64,
    /// The last hit on the path ever. `null`: none is known.
    #[serde(rename = "lastSeen", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub last_seen_ms: Option<u64>,
    /// The IPs that called the path in the window, those that called last first. At most `limit`.
    pub callers: Vec<PathCaller>,
    /// How many such IPs are tracked, also beyond `limit`.
    pub total_callers: u64,
    /// Whether `totalCallers` counts every IP that called. If not, `reasons` says why.
    pub has_every_caller: bool,
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl RetirementReport {
    fn new(path_key: String, responses: Responses) -> Self {
        let Responses {
            summary,
            provenance,
            drops,
            tracked,
            root,
            ..
        } = responses;
        let summed = summary.tally.count;
        let from_ms = provenance.from_ms.unwrap_or(0);
        let is_since = |until_ms: Option<u64>| until_ms.is_some_and(|ms| ms >= from_ms);
        let is_whole = provenance.behind.is_none();
        let are_sums_whole =
            is_whole && summary.other_path_hits == 0 && !is_since(drops.unsummed_until_ms);
        let gone = gone(&drops).filter(|(until_ms, _)| is_since(*until_ms));
        let gone: Vec<(Option<u64>, &str)> = gone.collect();
        let are_ips_whole =
            is_whole && tracked.is_some() && provenance.coverage >= 1.0 && gone.is_empty();
        let of_ips = tracked.map_or(0, |tracked| tracked.requests);
        let has_every_caller = are_ips_whole || are_sums_whole && summed == of_ips;
        let verdict = match summed.max(of_ips) {
            0 if has_every_caller => Verdict::Unused,
            0 => Verdict::Unknown,
            _ => Verdict::Used,
        };
        let mut reasons = Vec::new();
        if !has_every_caller {
            if !is_whole {
                reasons.push("Some recorded batches are not counted yet.".to_owned());
            }
            if summary.other_path_hits > 0 {
                reasons.push(format!(
                    "{} hits are counted under (other), without their paths.",
                    summary.other_path_hits
                ));
            }
            if let Some(until_ms) = drops.unsummed_until_ms.filter(|ms| *ms >= from_ms) {
                reasons.push(format!(
                    "An older version filled the store. Hits up to {} may be missing.",
                    rfc3339_text(until_ms)
                ));
            }
            if let Some(missing) = summed.checked_sub(of_ips).filter(|missing| *missing > 0) {
                reasons.push(format!(
                    "{missing} hits are of IPs that are not in the list."
                ));
            }
            if provenance.coverage < 1.0 {
                reasons.push("Some IPs did not answer.".to_owned());
            }
            let kinds = gone.into_iter();
            reasons.extend(kinds.map(|(until_ms, kind)| {
                let until = rfc3339_text(until_ms.unwrap_or_default());
                format!("{kind} The last of these hits was at {until}.")
            }));
        }
        Self {
            path_key,
            verdict,
            reasons,
            root,
            total_requests: summed.max(of_ips),
            last_seen_ms: summary.last_seen_ms,
            callers: summary.callers.into_iter().map(PathCaller::from).collect(),
            total_callers: tracked.map_or(0, |tracked| tracked.ips),
            has_every_caller,
            provenance,
        }
    }
}

/// The kinds of hits that the IPs do not tell, each with the newest of these hits.
fn gone(drops: &Drops) -> impl Iterator<Item = (Option<u64>, &'static str)> {
    [
        (drops.evicted_until_ms, "IPs were evicted."),
        (drops.erased_until_ms, "IPs were erased."),
        (
            drops.unreadable_until_ms,
            "States of IPs could not be read.",
        ),
        (
            drops.other_paths_until_ms,
            "IPs called so many paths that some of their hits are counted under (other).",
        ),
    ]
    .into_iter()
}

impl From<CallerSummary> for PathCaller {
    fn from(caller: CallerSummary) -> Self {
        Self {
            ip: caller.ip,
            country: caller.country,
            network: caller.network,
            labels: caller.labels,
            total_requests: caller.tally.count,
            last_seen_ms: caller.last_seen_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::Verdict::{Unknown, Unused, Used};
    use super::*;
    use crate::contract::Behind;
    use crate::question::Tracked;
    use crate::report::Prices;
    use crate::summary::{RecentActivity, Summary};
    use crate::tally::Tally;
    use crate::window::{DAY_MS, Ranges};

    const NOW_MS: u64 = 1_738_324_800_000;
    const FROM_MS: u64 = NOW_MS - 30 * DAY_MS;

    /// The numbers of the sums, and of the IPs that were asked.
    fn responses(summed: u64, of_ips: Option<u64>) -> Responses {
        let tally = |count| Tally {
            count,
            ..Tally::default()
        };
        let caller = |requests| CallerSummary {
            ip: "192.0.2.1".to_owned(),
            tally: tally(requests),
            path_keys: 1,
            country: Some("DE".to_owned()),
            network: None,
            first_seen_ms: Some(FROM_MS),
            last_seen_ms: Some(NOW_MS - 1),
            recent: RecentActivity::default(),
            user_agents: Vec::new(),
            labels: Vec::new(),
            buckets: Vec::new(),
        };
        let ranges = Ranges::utc(NOW_MS);
        Responses {
            summary: Summary {
                tally: tally(summed),
                last_seen_ms: Some(NOW_MS - 1),
                callers: of_ips
                    .filter(|hits| *hits > 0)
                    .map(caller)
                    .into_iter()
                    .collect(),
                ..Summary::default()
            },
            provenance: Provenance {
                time_range: Some(Window::Month),
                from_ms: Some(FROM_MS),
                to_ms: NOW_MS,
                time_zone: "UTC".to_owned(),
                filter: None,
                as_of_ms: NOW_MS,
                generated_at_ms: NOW_MS,
                coverage: 1.0,
                warnings: Vec::new(),
                behind: None,
            },
            span: Window::Month.span(&ranges),
            ranges,
            comparison: None,
            active: 0,
            ips: 0,
            prices: Prices::default(),
            api: Arc::default(),
            root: 7,
            drops: Drops::default(),
            tracked: of_ips.map(|requests| Tracked {
                ips: u64::from(requests > 0),
                requests,
            }),
            labels: Arc::default(),
        }
    }

    /// Checks the verdict, and whether every caller is known. If not, there must be a reason with
    /// this text.
    #[track_caller]
    fn check(responses: Responses, verdict: Verdict, has_every_caller: bool, reason: &str) {
        let report = RetirementReport::new("GET /a".to_owned(), responses);
        let told = (report.verdict, report.has_every_caller);
        assert_eq!(told, (verdict, has_every_caller), "{report:?}");
        let reasons = report.reasons.join(" ");
        assert_eq!(reasons.is_empty(), has_every_caller, "{reasons}");
        assert!(reasons.contains(reason), "{reasons}");
    }

    /// The kinds of hits that the IPs may lack.
    const KINDS: [fn(&mut Drops) -> &mut Option<u64>; 4] = [
        |drops| &mut drops.evicted_until_ms,
        |drops| &mut drops.erased_until_ms,
        |drops| &mut drops.unreadable_until_ms,
        |drops| &mut drops.other_paths_until_ms,
    ];

    #[test]
    fn a_path_is_unused_if_the_sums_have_no_hit_also_if_ips_left() {
        check(responses(0, None), Unused, true, "");
        for set in KINDS {
            let mut asked = responses(0, None);
            *set(&mut asked.drops) = Some(NOW_MS);
            check(asked, Unused, true, "");
        }
    }

    #[test]
    fn hits_that_the_sums_may_lack_make_it_unknown() {
        let mut behind = responses(0, None);
        behind.provenance.behind = Some(Behind {
            batches: 1,
            lag_ms: 1,
            left_ms: None,
        });
        check(behind, Unknown, false, "not counted yet");
        for (until_ms, verdict) in [(FROM_MS - 1, Unused), (FROM_MS, Unknown)] {
            let mut older = responses(0, None);
            older.drops.unsummed_until_ms = Some(until_ms);
            let is_proven = verdict == Unused;
            let reason = if is_proven { "" } else { "An older version" };
            check(older, verdict, is_proven, reason);
        }
        // An interval without a beginning has every hit.
        let mut all = responses(0, None);
        all.drops.unsummed_until_ms = Some(1);
        all.provenance.from_ms = None;
        check(all, Unknown, false, "An older version");
    }

    #[test]
    fn if_hits_have_no_path_the_ips_can_prove_it() {
        let others = || {
            let mut asked = responses(0, Some(0));
            asked.summary.other_path_hits = 9;
            asked
        };
        check(others(), Unused, true, "");
        let mut partial = others();
        partial.provenance.coverage = 0.9;
        check(partial, Unknown, false, "did not answer");
        for set in KINDS {
            let mut gone = others();
            *set(&mut gone.drops) = Some(FROM_MS);
            check(gone, Unknown, false, "9 hits are counted under (other)");
            let mut gone = others();
            *set(&mut gone.drops) = Some(FROM_MS - 1);
            check(gone, Unused, true, "");
        }
        let mut found = responses(0, Some(2));
        found.summary.other_path_hits = 9;
        check(found, Used, true, "");
    }

    #[test]
    fn the_list_is_whole_if_the_ips_have_all_hits_of_the_sums() {
        check(responses(5, Some(5)), Used, true, "");
        let gone = |of_ips| {
            let mut asked = responses(5, Some(of_ips));
            asked.drops.evicted_until_ms = Some(NOW_MS - 1);
            asked
        };
        check(gone(5), Used, true, "");
        check(
            gone(3),
            Used,
            false,
            "2 hits are of IPs that are not in the list",
        );
        check(
            gone(0),
            Used,
            false,
            "IPs were evicted. The last of these hits was at",
        );
        let mut partial = gone(3);
        partial.provenance.coverage = 0.5;
        check(partial, Used, false, "did not answer");
    }

    #[test]
    fn a_caller_is_told_with_its_last_call() {
        let report = RetirementReport::new("GET /a".to_owned(), responses(5, Some(5)));
        let json = serde_json::to_value(&report).unwrap();
        let caller = serde_json::json!([{
            "ip": "192.0.2.1",
            "country": "DE",
            "network": null,
            "totalRequests": 5,
            "lastSeen": "2025-01-31T11:59:59.999Z",
        }]);
        assert_eq!(json["callers"], caller);
        assert_eq!(json["verdict"], "used");
        assert_eq!(json["root"], 7);
        let read: RetirementReport = serde_json::from_value(json).unwrap();
        assert_eq!(read, report);
    }
}

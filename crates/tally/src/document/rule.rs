//! Rules of alerts: a number of some hits, and the threshold from which on it is an alert.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use serde::{Deserialize, Serialize};

use super::content::{Content, bad};
use crate::alert::{AboutRule, AlertState, Finding, FoundGroup, Rule};
use crate::hit::Grouping;
use crate::order::Metric;
use crate::question::reports::GroupStats;
use crate::question::{
    AnySurvey, BadParameter, Breakdown, Direction, NotUnderstood, Query, Question, Scope,
};
use crate::report::{Metrics, Provenance};
use crate::summary::{Details, Summary};
use crate::time::MINUTE_MS;
use crate::window::Window;

/// The most groups that are looked at: those with the highest values.
pub const FOUND_MAX: u32 = 1_000;
/// The most groups that a finding has.
const GROUPS_TOLD_MAX: usize = 10;
/// The usual value is that of this window.
const USUAL: Window = Window::Week;
/// A threshold is at most this.
const THRESHOLD_MAX: f64 = 1e15;
/// The cool-down is at most a week.
const COOL_DOWN_MINUTES_MAX: u64 = 10_080;

/// How a value is compared with the threshold.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Compare {
    /// The rule fires if the value reaches the threshold.
    #[default]
    Above,
    /// The rule fires if the value is below the threshold.
    Below,
    /// The rule fires if the value reaches so many times the usual one: the value of the last 7
    /// days, for counts by the minute.
    TimesUsual,
}

/// The windows that a rule may watch, as the API spells them. The first are the last two 5-minute
/// buckets: 5 to 10 minutes.
const WINDOWS: [Window; 4] = [Window::Recent, Window::Hour, Window::Day, Window::Week];

/// A rule of alerts.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertRule {
    /// The number that is watched, as `metrics` of `/admin/breakdown` spells it.
    pub metric: String,
    /// Watches this number of each group, as each `ip`. Absent: of all hits together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub by: Option<String>,
    /// The filters of `/admin/breakdown`, by name.
    #[serde(default)]
    pub filter: BTreeMap<String, String>,
    /// `10m` (the last two 5-minute buckets: 5 to 10 minutes), `1h`, `24h` or `7d`.
    #[serde(default = "default_window")]
    pub time_range: String,
    #[serde(default)]
    pub compare: Compare,
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1e15))]
    pub threshold: f64,
    /// With fewer hits than this, the rule does not fire.
    #[serde(default = "one")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub min_requests: u64,
    /// After a notification, the next one of the same rule waits this long.
    #[serde(default = "half_an_hour")]
    #[cfg_attr(feature = "openapi", schema(maximum = 10080))]
    pub cool_down_minutes: u64,
    /// The rule is kept, and not checked.
    #[serde(default)]
    pub off: bool,
}

fn default_window() -> String {
    Window::Recent.name().to_owned()
}

fn one() -> u64 {
    1
}

fn half_an_hour() -> u64 {
    30
}

impl Content for AlertRule {
    fn check(&mut self) -> Result<(), Vec<BadParameter>> {
        let mut refused = Vec::new();
        let metric = self.metric();
        if metric.is_none() {
            let names = Metric::EVERY.iter().map(|metric| metric.name());
            let names = names.collect::<Vec<_>>().join(", ");
            refused.push(bad("metric", format!("expected one of {names}")));
        }
        if self.by.is_some() && self.grouping().is_none() {
            let names = Grouping::EVERY.map(Grouping::name).join(", ");
            refused.push(bad("by", format!("expected one of {names}")));
        }
        if !WINDOWS
            .iter()
            .any(|window| window.name() == self.time_range)
        {
            let names = WINDOWS.map(Window::name).join(", ");
            refused.push(bad("timeRange", format!("expected one of {names}")));
        }
        let is_number =
            self.threshold.is_finite() && (0.0..=THRESHOLD_MAX).contains(&self.threshold);
        if !is_number {
            refused.push(bad("threshold", "expected a number from 0 to 1e15"));
        }
        if self.cool_down_minutes > COOL_DOWN_MINUTES_MAX {
            let reason = format!("expected at most {COOL_DOWN_MINUTES_MAX}");
            refused.push(bad("coolDownMinutes", reason));
        }
        let of_groups = self.by.is_some();
        match self.compare {
            Compare::Above => {}
            _ if of_groups => {
                let reason = "with by, only above is possible: look at one group with a filter";
                refused.push(bad("compare", reason));
            }
            Compare::TimesUsual if self.time_range == Window::Week.name() => {
                refused.push(bad(
                    "timeRange",
                    "expected a shorter one than that of the usual value",
                ));
            }
            Compare::TimesUsual if matches!(metric, Some(Metric::UniqueIps | Metric::NewIps)) => {
                let reason = "IPs of a week and of an hour cannot be compared";
                refused.push(bad("metric", reason));
            }
            Compare::Below | Compare::TimesUsual => {}
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        // The question reads the filter, and refuses one that does not go together with the groups.
        match self.as_written() {
            Err(more) => Err(more),
            Ok(question) => {
                let given = question.scope.filter.parameters().into_iter();
                self.filter = given
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect();
                Ok(())
            }
        }
    }
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub state: AlertState,
    /// The measured value. For a rule by groups, the highest one.
    pub value: Option<f64>,
    /// The value that it was compared with. For `timesUsual` it is computed.
    pub limit: Option<f64>,
    /// The groups that reach the threshold, the highest first: at most [`FOUND_MAX`].
    pub groups: Vec<FoundGroup>,
    /// There may be more groups than these.
    pub are_more: bool,
}

impl AlertRule {
    pub fn metric(&self) -> Option<Metric> {
        let mut every = Metric::EVERY.iter().copied();
        every.find(|metric| metric.name() == self.metric)
    }

    pub fn grouping(&self) -> Option<Grouping> {
        let by = self.by.as_deref()?;
        Grouping::EVERY
            .into_iter()
            .find(|grouping| grouping.name() == by)
    }

    pub fn window(&self) -> Window {
        let mut windows = WINDOWS.into_iter();
        windows
            .find(|window| window.name() == self.time_range)
            .unwrap_or(Window::Recent)
    }

    /// After this time, no hit that counts now is in the window any more.
    pub fn length_ms(&self) -> u64 {
        let window = self.window();
        window.length_ms().unwrap_or(crate::window::RECENT_MS)
    }

    /// The filter, the metric and the groups as `/admin/breakdown` reads them.
    fn as_written(&self) -> Result<Breakdown, Vec<BadParameter>> {
        let mut query = Serializer::new(String::new());
        if let Some(by) = &self.by {
            query.append_pair("by", by);
        }
        query.extend_pairs(&self.filter);
        let own = [
            "by",
            "metrics",
            "sortBy",
            "order",
            "limit",
            "offset",
            "search",
            "timeRange",
        ];
        if let Some(name) = self.filter.keys().find(|name| own.contains(&name.as_str())) {
            return Err(vec![bad("filter", format!("{name} is no filter"))]);
        }
        let in_filter = |of: BadParameter| match of.name.as_str() {
            "by" => of,
            name => bad("filter", format!("{name}: {}", of.reason)),
        };
        match Question::at("/admin/breakdown", &query.finish()) {
            Ok(Question::Survey(AnySurvey::Breakdown(breakdown))) => Ok(breakdown),
            Err(NotUnderstood::Parameters(refused)) => {
                Err(refused.into_iter().map(in_filter).collect())
            }
            _ => Err(Vec::new()),
        }
    }

    /// The filter, for hits in this window.
    fn scope(&self, window: Window) -> Scope {
        let filter = self.as_written().map(|written| written.scope.filter);
        Scope {
            window,
            filter: filter.unwrap_or_default(),
            via: None,
        }
    }

    /// The question about each group. None: the rule is about all hits together.
    pub fn groups(&self) -> Option<Breakdown> {
        let metric = self.metric()?;
        Some(Breakdown {
            scope: self.scope(self.window()),
            by: self.grouping()?,
            metrics: vec![Metric::Requests, metric],
            order: metric,
            direction: Direction::Descending,
            limit: FOUND_MAX,
            ..Breakdown::default()
        })
    }

    /// The query about all hits together.
    pub fn total(&self) -> Query {
        self.scope(self.window()).query(Details::default())
    }

    /// The query about the usual value, if the rule needs it.
    pub fn usual(&self) -> Option<Query> {
        let is_needed = self.compare == Compare::TimesUsual;
        is_needed.then(|| self.scope(USUAL).query(Details::default()))
    }

    /// As `requests by ip of path=/login`.
    pub fn watches(&self) -> String {
        let mut words = match self.metric() {
            Some(Metric::ErrorRate) => "the error rate".to_owned(),
            _ => self.metric.clone(),
        };
        if let Some(by) = &self.by {
            words += &format!(" by {by}");
        }
        let filter: Vec<String> = self
            .filter
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        match filter.is_empty() {
            true => words,
            false => format!("{words} of {}", filter.join(", ")),
        }
    }

    /// A page of the dashboard that shows the hits of the rule.
    fn page(&self) -> String {
        let mut query = Serializer::new(String::new());
        let page = match &self.by {
            Some(by) => {
                query
                    .append_pair("by", by)
                    .append_pair("sortBy", &self.metric);
                "/admin/breakdown"
            }
            None => "/admin/",
        };
        // No page has the window of 10 minutes.
        let window = self.window().named().unwrap_or(Window::Hour);
        query.append_pair("timeRange", window.name());
        query.extend_pairs(&self.filter);
        format!("{page}?{}", query.finish())
    }

    /// The finding of a check. `judged`: none if the hits could not be read. `since_ms`: the begin
    /// of the window.
    pub fn finding(&self, name: &str, judged: Option<&Judged>, since_ms: Option<u64>) -> Finding {
        let unknown = if self.off {
            AlertState::Off
        } else {
            AlertState::Unknown
        };
        let groups = judged.iter().flat_map(|judged| &judged.groups);
        Finding {
            rule: Rule::own(name),
            state: judged.map_or(unknown, |judged| judged.state),
            value: judged.and_then(|judged| judged.value),
            threshold: judged.and_then(|judged| judged.limit),
            ip: None,
            since_ms,
            groups: groups.take(GROUPS_TOLD_MAX).cloned().collect(),
            about: Some(AboutRule {
                watches: self.watches(),
                page: self.page(),
            }),
        }
    }

    /// Judges the groups. `is_whole`: no hit is missing.
    pub fn judge_groups(&self, groups: &[GroupStats], is_whole: bool) -> Judged {
        let found = groups.iter().filter_map(|group| {
            let value = value_of(self.metric()?, group)?;
            Some((group, value))
        });
        let all: Vec<_> = found.collect();
        let is_found = |(group, value): &&(&GroupStats, f64)| {
            *value >= self.threshold && group.total_requests >= self.min_requests
        };
        let of = |(group, value): &(&GroupStats, f64)| FoundGroup {
            name: group.name.clone(),
            value: *value,
        };
        let groups: Vec<FoundGroup> = all.iter().filter(is_found).map(of).collect();
        Judged {
            state: state(!groups.is_empty(), is_whole),
            value: Some(all.first().map_or(0.0, |(_, value)| *value)),
            limit: Some(self.threshold),
            are_more: groups.len() >= FOUND_MAX as usize,
            groups,
        }
    }

    /// Judges all hits together. `usual`: the same over [`USUAL`].
    pub fn judge_total(&self, now: &Measured, usual: Option<&Measured>) -> Judged {
        let metric = self.metric().unwrap_or_default();
        let value = now.value(metric);
        let limit = match (self.compare, usual) {
            (Compare::TimesUsual, Some(usual)) => {
                let scale = match metric {
                    Metric::Requests | Metric::Errors | Metric::Bytes => {
                        now.minutes / usual.minutes
                    }
                    _ => 1.0,
                };
                // A value that is usually zero has no multiple.
                let usual = usual.value(metric).filter(|usual| *usual > 0.0);
                usual.map(|usual| usual * scale * self.threshold)
            }
            (Compare::TimesUsual, None) => None,
            _ => Some(self.threshold),
        };
        let is_enough = now.requests >= self.min_requests;
        let fires = match (value, limit, self.compare) {
            (Some(value), Some(limit), Compare::Below) => value < limit,
            (Some(value), Some(limit), _) => value >= limit && is_enough,
            _ => false,
        };
        // Missing hits may have made the value too low, not too high.
        let may_fire = fires && (self.compare != Compare::Below || now.is_whole);
        Judged {
            state: state(may_fire, now.is_whole),
            value,
            limit,
            groups: Vec::new(),
            are_more: false,
        }
    }
}

fn state(fires: bool, is_whole: bool) -> AlertState {
    match (fires, is_whole) {
        (true, _) => AlertState::Firing,
        (false, true) => AlertState::Ok,
        (false, false) => AlertState::Unknown,
    }
}

/// The numbers of some hits together.
#[derive(Clone, Debug)]
pub struct Measured {
    pub requests: u64,
    errors: u64,
    ips: u64,
    new_ips: u64,
    metrics: Metrics,
    /// From the begin of the window, or the first of these hits ever, to its end.
    minutes: f64,
    /// No hit is missing.
    is_whole: bool,
}

impl Measured {
    pub fn new(summary: &Summary, provenance: &Provenance) -> Self {
        let begin_ms = provenance
            .from_ms
            .max(summary.first_seen_ms)
            .unwrap_or_default();
        let length_ms = provenance.to_ms.saturating_sub(begin_ms).max(MINUTE_MS);
        Self {
            requests: summary.tally.count,
            errors: summary.tally.errors(),
            ips: summary.ips,
            new_ips: summary.new_ips,
            metrics: Metrics::new(&summary.tally, provenance),
            minutes: length_ms as f64 / MINUTE_MS as f64,
            is_whole: provenance.is_whole(),
        }
    }

    fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Requests => Some(self.requests as f64),
            Metric::Errors => Some(self.errors as f64),
            Metric::UniqueIps => Some(self.ips as f64),
            Metric::NewIps => Some(self.new_ips as f64),
            metric => of_metrics(metric, &self.metrics),
        }
    }
}

fn value_of(metric: Metric, group: &GroupStats) -> Option<f64> {
    match metric {
        Metric::Requests => Some(group.total_requests as f64),
        Metric::Errors => Some(group.errors as f64),
        Metric::UniqueIps => group.unique_ips.map(|ips| ips as f64),
        Metric::NewIps => group.new_ips.map(|ips| ips as f64),
        metric => of_metrics(metric, &group.metrics),
    }
}

fn of_metrics(metric: Metric, metrics: &Metrics) -> Option<f64> {
    match metric {
        Metric::ErrorRate => Some(metrics.error_rate),
        Metric::Bytes => metrics.total_bytes.map(|bytes| bytes as f64),
        Metric::AvgResponseTime => metrics.response_times.avg_response_time,
        Metric::P50ResponseTime => metrics.response_times.p50_response_time,
        Metric::P95ResponseTime => metrics.response_times.p95_response_time,
        Metric::P99ResponseTime => metrics.response_times.p99_response_time,
        Metric::Requests | Metric::Errors | Metric::UniqueIps | Metric::NewIps => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::provenance;

    fn rule(json: &str) -> AlertRule {
        let mut rule: AlertRule = serde_json::from_str(json).unwrap();
        rule.check().unwrap();
        rule
    }

    fn measured(requests: u64, errors: u64, minutes: f64) -> Measured {
        let tally = crate::tally::Tally {
            count: requests,
            statuses: vec![crate::status::StatusCount {
                code: 500,
                count: errors,
            }],
            ..Default::default()
        };
        let provenance = Provenance {
            from_ms: Some(0),
            to_ms: (minutes * MINUTE_MS as f64) as u64,
            ..provenance(Window::Hour, None)
        };
        let summary = Summary {
            tally,
            ..Summary::default()
        };
        Measured::new(&summary, &provenance)
    }

    fn state_of(rule: &AlertRule, now: &Measured, usual: Option<&Measured>) -> AlertState {
        rule.judge_total(now, usual).state
    }

    use AlertState::{Firing, Ok, Unknown};

    #[test]
    fn a_rule_is_kept_in_its_one_spelling_with_all_defaults() {
        let text = crate::contract::DocumentKind::Rule
            .read(br#"{"metric": "requests", "by": "ip", "threshold": 20, "filter": {"status": "404", "method": "get"}}"#)
            .unwrap();
        assert_eq!(
            text,
            r#"{"metric":"requests","by":"ip","filter":{"method":"GET","status":"404"},"timeRange":"10m","compare":"above","threshold":20.0,"minRequests":1,"coolDownMinutes":30,"off":false}"#
        );
    }

    #[test]
    fn a_bad_rule_is_refused_by_field() {
        let check = |json: &str, fields: &[&str]| {
            let refused = crate::contract::DocumentKind::Rule
                .read(json.as_bytes())
                .unwrap_err();
            let found: Vec<&str> = refused.iter().map(|bad| bad.name.as_str()).collect();
            assert_eq!(found, fields, "{json}: {refused:?}");
        };
        check(
            r#"{"metric": "hits", "threshold": -1}"#,
            &["metric", "threshold"],
        );
        check(
            r#"{"metric": "requests", "threshold": 1, "by": "phone"}"#,
            &["by"],
        );
        check(
            r#"{"metric": "requests", "threshold": 1, "timeRange": "30d"}"#,
            &["timeRange"],
        );
        check(
            r#"{"metric": "requests", "threshold": 1, "filter": {"status": "x"}}"#,
            &["filter"],
        );
        check(
            r#"{"metric": "requests", "threshold": 1, "filter": {"limit": "1"}}"#,
            &["filter"],
        );
        check(
            r#"{"metric": "requests", "threshold": 1, "filter": {"nothing": "1"}}"#,
            &["filter"],
        );
        check(
            r#"{"metric": "requests", "threshold": 1, "by": "host", "filter": {"ip": "::1"}}"#,
            &["filter"],
        );
        check(
            r#"{"metric": "requests", "threshold": 1, "by": "ip", "compare": "below"}"#,
            &["compare"],
        );
        check(
            r#"{"metric": "newIPs", "threshold": 2, "compare": "timesUsual"}"#,
            &["metric"],
        );
        check(
            r#"{"metric": "requests", "threshold": 2, "compare": "timesUsual", "timeRange": "7d"}"#,
            &["timeRange"],
        );
        check(
            r#"{"metric": "requests", "threshold": 1, "coolDownMinutes": 10081}"#,
            &["coolDownMinutes"],
        );
        check(r#"{"threshold": 1}"#, &["body"]);
    }

    #[test]
    fn a_rule_fires_from_its_threshold_on_or_below_it() {
        let above = rule(r#"{"metric": "requests", "threshold": 100}"#);
        assert_eq!(state_of(&above, &measured(100, 0, 10.0), None), Firing);
        assert_eq!(state_of(&above, &measured(99, 0, 10.0), None), Ok);
        let below =
            rule(r#"{"metric": "requests", "threshold": 1, "compare": "below", "minRequests": 0}"#);
        assert_eq!(state_of(&below, &measured(0, 0, 10.0), None), Firing);
        assert_eq!(state_of(&below, &measured(1, 0, 10.0), None), Ok);
        let rate = rule(r#"{"metric": "errorRate", "threshold": 0.5, "minRequests": 10}"#);
        assert_eq!(state_of(&rate, &measured(10, 5, 10.0), None), Firing);
        assert_eq!(state_of(&rate, &measured(9, 9, 10.0), None), Ok);
    }

    #[test]
    fn missing_hits_never_make_a_rule_ok_and_never_make_too_few() {
        let partly = Measured {
            is_whole: false,
            ..measured(50, 0, 10.0)
        };
        let above = rule(r#"{"metric": "requests", "threshold": 50}"#);
        assert_eq!(state_of(&above, &partly, None), Firing);
        let above = rule(r#"{"metric": "requests", "threshold": 51}"#);
        assert_eq!(state_of(&above, &partly, None), Unknown);
        let below = rule(r#"{"metric": "requests", "threshold": 51, "compare": "below"}"#);
        assert_eq!(state_of(&below, &partly, None), Unknown);
    }

    #[test]
    fn the_usual_value_of_a_count_is_by_the_minute() {
        let rule_of = |metric: &str| {
            rule(&format!(
                r#"{{"metric": "{metric}", "threshold": 3, "compare": "timesUsual"}}"#
            ))
        };
        let usual = measured(10_000, 100, 1_000.0);
        let judged = rule_of("requests").judge_total(&measured(300, 0, 10.0), Some(&usual));
        assert_eq!((judged.state, judged.limit), (Firing, Some(300.0)));
        let judged = rule_of("requests").judge_total(&measured(299, 0, 10.0), Some(&usual));
        assert_eq!(judged.state, Ok);
        let judged = rule_of("errorRate").judge_total(&measured(100, 3, 10.0), Some(&usual));
        assert_eq!((judged.state, judged.limit), (Firing, Some(0.03)));
        let never = measured(0, 0, 1_000.0);
        let judged = rule_of("requests").judge_total(&measured(300, 0, 10.0), Some(&never));
        assert_eq!((judged.state, judged.limit), (Ok, None));
    }

    #[test]
    fn the_groups_that_reach_the_threshold_are_named() {
        let rule = rule(r#"{"metric": "requests", "by": "ip", "threshold": 20}"#);
        let provenance = provenance(Window::Hour, None);
        let group = |name: &str, requests: u64| GroupStats {
            name: name.to_owned(),
            total_requests: requests,
            percentage: 0.0,
            unique_ips: Some(1),
            new_ips: None,
            errors: 0,
            labels: Vec::new(),
            buckets: Vec::new(),
            metrics: Metrics::new(&crate::tally::Tally::default(), &provenance),
        };
        let groups = [
            group("192.0.2.1", 25),
            group("192.0.2.2", 20),
            group("192.0.2.3", 19),
        ];
        let judged = rule.judge_groups(&groups, true);
        assert_eq!((judged.state, judged.value), (Firing, Some(25.0)));
        let names: Vec<&str> = judged
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        assert_eq!(names, ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(rule.judge_groups(&[], true).state, Ok);
        assert_eq!(rule.judge_groups(&[], false).state, Unknown);
        assert_eq!(rule.groups().unwrap().limit, FOUND_MAX);
    }
}

//! Alerts: what is watched, when it fires, and what was told of it.
//!
//! What was measured comes in, and what was told before; what is to be told now comes out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::{Summary, Window};
use crate::tally::ratio;
use crate::window::{FINE_MS, MINUTE_MS};

/// Under this name [`Book`] is kept in the store.
pub const BOOK: &str = "alerts";

/// What is watched.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// Share of recent hits with a status of 400 and more.
    #[serde(rename = "errorRate")]
    ErrorRate,
    /// Recent hits a minute of the IP that made most of them.
    #[serde(rename = "requestsPerMinute")]
    RequestsPerMinute,
    /// IPs of which all hits are recent.
    #[serde(rename = "newIPs")]
    NewIps,
    /// How long the oldest batch has waited that could not be folded.
    #[serde(rename = "lagSeconds")]
    LagSeconds,
}

impl Rule {
    pub const EVERY: [Self; 4] = [
        Self::ErrorRate,
        Self::RequestsPerMinute,
        Self::NewIps,
        Self::LagSeconds,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "errorRate",
            Self::RequestsPerMinute => "requestsPerMinute",
            Self::NewIps => "newIPs",
            Self::LagSeconds => "lagSeconds",
        }
    }
}

/// From what value on each rule fires. None: it is off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thresholds {
    pub error_rate: Option<f64>,
    /// Of fewer hits the error rate does not fire: one of two is no alarm.
    pub error_rate_min_hits: u64,
    pub requests_per_minute: Option<f64>,
    pub new_ips: Option<f64>,
    pub lag_seconds: Option<f64>,
}

impl Thresholds {
    pub fn of(&self, rule: Rule) -> Option<f64> {
        match rule {
            Rule::ErrorRate => self.error_rate,
            Rule::RequestsPerMinute => self.requests_per_minute,
            Rule::NewIps => self.new_ips,
            Rule::LagSeconds => self.lag_seconds,
        }
    }

    /// Whether anything is watched.
    pub fn any(&self) -> bool {
        self.ask_ips() || self.lag_seconds.is_some()
    }

    /// Whether a rule needs to know what the IPs did.
    pub fn ask_ips(&self) -> bool {
        let hits = [self.error_rate, self.requests_per_minute, self.new_ips];
        hits.iter().any(Option::is_some)
    }

    /// How each rule stands.
    pub fn judge(&self, measured: &Measured) -> Vec<Finding> {
        let findings = Rule::EVERY.map(|rule| self.judge_one(rule, measured));
        findings.into()
    }

    fn judge_one(&self, rule: Rule, measured: &Measured) -> Finding {
        let mut finding = Finding {
            rule,
            state: AlertState::Off,
            value: None,
            threshold: self.of(rule),
            ip: None,
            since_ms: None,
        };
        let Some(threshold) = finding.threshold else {
            return finding;
        };
        // Whether it may fire, and whether it may be said not to.
        let (mut counts, mut is_whole) = (true, true);
        finding.value = match (rule, &measured.recent) {
            (Rule::LagSeconds, _) => measured.lag_ms.map(|ms| ms as f64 / 1_000.0),
            (_, None) => None,
            (rule, Some(recent)) => {
                is_whole = recent.is_whole;
                finding.since_ms = Some(recent.since_ms);
                match rule {
                    Rule::ErrorRate => {
                        counts = recent.hits >= self.error_rate_min_hits;
                        Some(ratio(recent.errors, recent.hits))
                    }
                    Rule::RequestsPerMinute => {
                        finding.ip = recent.busiest.as_ref().map(|(ip, _)| ip.clone());
                        let hits = recent.busiest.as_ref().map_or(0, |(_, hits)| *hits);
                        Some(hits as f64 / recent.minutes())
                    }
                    Rule::NewIps | Rule::LagSeconds => Some(recent.new_ips as f64),
                }
            }
        };
        finding.state = match finding.value {
            Some(value) if counts && value >= threshold => AlertState::Firing,
            Some(_) if is_whole => AlertState::Ok,
            _ => AlertState::Unknown,
        };
        finding
    }
}

/// What the rules are judged by.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// None: too few IPs answered, or nobody needs to know.
    pub recent: Option<Recent>,
    /// Likewise.
    pub lag_ms: Option<u64>,
}

/// What the IPs did in [`Window::Recent`].
#[derive(Clone, Debug)]
pub struct Recent {
    /// Exactly the hits since then count.
    pub since_ms: u64,
    pub as_of_ms: u64,
    pub hits: u64,
    pub errors: u64,
    /// Who made most hits, and how many.
    pub busiest: Option<(String, u64)>,
    pub new_ips: u64,
    /// Every IP answered, of a snapshot that lacks nothing.
    pub is_whole: bool,
}

impl Recent {
    /// Of a summary of that window that was asked for a caller, by requests.
    pub fn new(summary: Summary, as_of_ms: u64, is_whole: bool) -> Self {
        let busiest = summary.callers.into_iter().next();
        Self {
            since_ms: Window::Recent.start_ms(as_of_ms),
            as_of_ms,
            hits: summary.tally.count,
            errors: summary.tally.errors(),
            busiest: busiest.map(|caller| (caller.ip, caller.tally.count)),
            new_ips: summary.new_ips,
            is_whole,
        }
    }

    /// How long the hits took that count.
    fn minutes(&self) -> f64 {
        let length_ms = self.as_of_ms.saturating_sub(self.since_ms).max(FINE_MS);
        length_ms as f64 / MINUTE_MS as f64
    }
}

/// Whether a rule fires.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    Off,
    /// Everything answered, and the threshold is not reached.
    Ok,
    Firing,
    /// Too little answered to say. What fires with what did answer, fires.
    Unknown,
}

/// How a rule stands.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub rule: Rule,
    pub state: AlertState,
    /// `null`: off, or unknown.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub value: Option<f64>,
    /// From this value on it fires; `null`: off.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub threshold: Option<f64>,
    /// Of `requestsPerMinute`, whose they are.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ip: Option<String>,
    /// Exactly the hits since then count. `null` where no hits are counted.
    #[serde(rename = "since", with = "crate::report::rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub since_ms: Option<u64>,
}

/// What a notification says.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    Firing,
    Resolved,
}

/// What is to be told of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// It fires, and was told not long ago.
    Suppressed,
    Tell(Event),
}

/// What was told of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Since when it fires.
    pub since_ms: Option<u64>,
    /// It was told that it fires, and not that it does no more.
    pub is_open: bool,
    /// When it was told last that it fires: the cool-down begins here, and holds if it fires anew meanwhile.
    pub told_at_ms: Option<u64>,
    /// What was told of it since [`Self::since_ms`].
    pub times: u64,
}

impl Told {
    /// Notes how the rule stands, by what was measured at `as_of_ms`. To be kept before anything is told of it.
    pub fn note(&mut self, state: AlertState, as_of_ms: u64) {
        match state {
            AlertState::Off => *self = Self::default(),
            AlertState::Firing if self.since_ms.is_none() => {
                self.since_ms = Some(as_of_ms);
                self.times = 0;
            }
            AlertState::Ok if !self.is_open => self.since_ms = None,
            AlertState::Firing | AlertState::Ok | AlertState::Unknown => {}
        }
    }

    /// What is to be told now. That it fires no more is not believed of a measurement that is older than its firing.
    pub fn next(&self, state: AlertState, as_of_ms: u64, now_ms: u64, cooldown_ms: u64) -> Next {
        let is_cooling = |told_ms: u64| now_ms.saturating_sub(told_ms) < cooldown_ms;
        match state {
            AlertState::Firing if self.told_at_ms.is_some_and(is_cooling) => Next::Suppressed,
            AlertState::Firing => Next::Tell(Event::Firing),
            AlertState::Ok if self.is_open && self.since_ms < Some(as_of_ms) => {
                Next::Tell(Event::Resolved)
            }
            AlertState::Off | AlertState::Ok | AlertState::Unknown => Next::Nothing,
        }
    }

    /// Notes that it was told.
    pub fn told(&mut self, event: Event, now_ms: u64) {
        self.times += 1;
        self.is_open = event == Event::Firing;
        match event {
            Event::Firing => self.told_at_ms = Some(now_ms),
            Event::Resolved => self.since_ms = None,
        }
    }

    /// Names what is told next, the same until it was told.
    pub fn next_id(&self, rule: Rule) -> String {
        let since_ms = self.since_ms.unwrap_or_default();
        format!("{}-{since_ms}-{}", rule.name(), self.times + 1)
    }
}

/// What was told of all rules; all instances share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book(BTreeMap<Rule, Told>);

impl Book {
    pub fn of(&self, rule: Rule) -> Told {
        self.0.get(&rule).cloned().unwrap_or_default()
    }

    /// See [`Told::note`].
    pub fn note(&mut self, findings: &[Finding], as_of_ms: u64) {
        for finding in findings {
            let told = self.0.entry(finding.rule).or_default();
            told.note(finding.state, as_of_ms);
        }
        self.0.retain(|_, told| *told != Told::default());
    }

    /// See [`Told::told`].
    pub fn told(&mut self, rule: Rule, event: Event, now_ms: u64) {
        self.0.entry(rule).or_default().told(event, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_800_000_000_000;
    const COOLDOWN_MS: u64 = 30 * MINUTE_MS;

    fn recent() -> Recent {
        Recent {
            since_ms: NOW_MS - 8 * MINUTE_MS,
            as_of_ms: NOW_MS,
            hits: 100,
            errors: 5,
            busiest: Some(("192.0.2.1".to_owned(), 80)),
            new_ips: 3,
            is_whole: true,
        }
    }

    fn all() -> Thresholds {
        Thresholds {
            error_rate: Some(0.05),
            error_rate_min_hits: 100,
            requests_per_minute: Some(10.0),
            new_ips: Some(3.0),
            lag_seconds: Some(60.0),
        }
    }

    fn judge(
        thresholds: Thresholds,
        recent: Option<Recent>,
        lag_ms: Option<u64>,
    ) -> [(AlertState, Option<f64>); 4] {
        let findings = thresholds.judge(&Measured { recent, lag_ms });
        assert!(
            findings
                .iter()
                .zip(Rule::EVERY)
                .all(|(finding, rule)| finding.rule == rule)
        );
        let told = findings
            .iter()
            .map(|finding| (finding.state, finding.value));
        told.collect::<Vec<_>>().try_into().unwrap()
    }

    use AlertState::{Firing, Off, Ok, Unknown};

    #[test]
    fn a_rule_fires_from_its_threshold_on() {
        assert_eq!(
            judge(all(), Some(recent()), Some(60_000)),
            [
                (Firing, Some(0.05)),
                (Firing, Some(10.0)),
                (Firing, Some(3.0)),
                (Firing, Some(60.0))
            ]
        );
        let below = Recent {
            hits: 101,
            busiest: Some(("192.0.2.1".to_owned(), 79)),
            new_ips: 2,
            ..recent()
        };
        assert_eq!(
            judge(all(), Some(below), Some(59_999)).map(|(state, _)| state),
            [Ok; 4]
        );
    }

    #[test]
    fn few_hits_are_no_error_rate() {
        let one_of_two = Recent {
            hits: 2,
            errors: 1,
            ..recent()
        };
        let [rate, ..] = judge(all(), Some(one_of_two), None);
        assert_eq!(rate, (Ok, Some(0.5)));
        let short = Recent {
            hits: 99,
            errors: 99,
            ..recent()
        };
        assert_eq!(judge(all(), Some(short), None)[0].0, Ok);
    }

    #[test]
    fn nobody_called_is_known() {
        let silent = Recent {
            hits: 0,
            errors: 0,
            busiest: None,
            new_ips: 0,
            ..recent()
        };
        let expect = [
            (Ok, Some(0.0)),
            (Ok, Some(0.0)),
            (Ok, Some(0.0)),
            (Ok, Some(0.0)),
        ];
        assert_eq!(judge(all(), Some(silent), Some(0)), expect);
    }

    #[test]
    fn a_rule_without_a_threshold_is_off_whatever_happens() {
        let off = Thresholds::default();
        assert!(!off.any() && !off.ask_ips());
        assert_eq!(judge(off, Some(recent()), Some(1 << 40)), [(Off, None); 4]);
        let lag = Thresholds {
            lag_seconds: Some(1.0),
            ..off
        };
        assert!(lag.any() && !lag.ask_ips());
        assert!(all().ask_ips());
    }

    #[test]
    fn what_is_missing_may_fire_and_is_not_said_to_be_well() {
        assert_eq!(judge(all(), None, None), [(Unknown, None); 4]);
        let partly = Recent {
            errors: 4,
            is_whole: false,
            ..recent()
        };
        let states = judge(all(), Some(partly), Some(0)).map(|(state, _)| state);
        assert_eq!(states, [Unknown, Firing, Firing, Ok]);
    }

    #[test]
    fn requests_are_of_the_minutes_that_they_took() {
        let summary = Summary {
            callers: vec![crate::CallerSummary {
                ip: "192.0.2.1".to_owned(),
                tally: crate::Tally {
                    count: 70,
                    ..Default::default()
                },
                path_keys: 1,
                country: None,
                first_seen_ms: None,
                last_seen_ms: None,
                recent: Default::default(),
                user_agents: Vec::new(),
            }],
            ..Summary::default()
        };
        // 10:07, so that the hits since 10:00 count.
        let as_of_ms = 500 * crate::window::DAY_MS + (10 * 60 + 7) * MINUTE_MS;
        let measured = Measured {
            recent: Some(Recent::new(summary, as_of_ms, true)),
            lag_ms: None,
        };
        let found = all().judge(&measured).remove(1);
        assert_eq!(found.value, Some(10.0));
        assert_eq!(found.since_ms, Some(as_of_ms - 7 * MINUTE_MS));
        assert_eq!(found.ip.as_deref(), Some("192.0.2.1"));
    }

    /// A rule over minutes: how it stands, and what is then told, where telling works.
    fn check(told: &mut Told, minute: u64, state: AlertState, works: bool, expect: Next) {
        let now_ms = NOW_MS + minute * MINUTE_MS;
        told.note(state, now_ms);
        let next = told.next(state, now_ms, now_ms, COOLDOWN_MS);
        assert_eq!(next, expect, "{state:?} at {minute}");
        if let (Next::Tell(event), true) = (next, works) {
            told.told(event, now_ms);
        }
    }

    const FIRES: Next = Next::Tell(Event::Firing);
    const RESOLVED: Next = Next::Tell(Event::Resolved);

    #[test]
    fn it_is_told_once_again_after_the_cool_down_and_when_it_is_over() {
        let mut told = Told::default();
        check(&mut told, 0, Ok, true, Next::Nothing);
        check(&mut told, 1, Firing, true, FIRES);
        check(&mut told, 2, Firing, true, Next::Suppressed);
        check(&mut told, 20, Unknown, true, Next::Nothing);
        check(&mut told, 30, Firing, true, Next::Suppressed);
        check(&mut told, 31, Firing, true, FIRES);
        assert_eq!(told.since_ms, Some(NOW_MS + MINUTE_MS));
        check(&mut told, 32, Ok, true, RESOLVED);
        check(&mut told, 33, Ok, true, Next::Nothing);
        // Anew, within the cool-down: neither that it fires nor that it is over is told.
        check(&mut told, 34, Firing, true, Next::Suppressed);
        check(&mut told, 35, Ok, true, Next::Nothing);
        check(&mut told, 60, Firing, true, Next::Suppressed);
        check(&mut told, 61, Firing, true, FIRES);
        check(&mut told, 62, Off, true, Next::Nothing);
        assert_eq!(told, Told::default());
    }

    #[test]
    fn what_could_not_be_told_is_told_later_under_the_same_name() {
        let mut told = Told::default();
        let id = |told: &Told| told.next_id(Rule::NewIps);
        check(&mut told, 0, Firing, false, FIRES);
        let first = id(&told);
        assert_eq!(first, format!("newIPs-{NOW_MS}-1"));
        check(&mut told, 1, Firing, false, FIRES);
        assert_eq!(id(&told), first);
        check(&mut told, 2, Firing, true, FIRES);
        let second = id(&told);
        assert_ne!(first, second);
        check(&mut told, 3, Ok, false, RESOLVED);
        check(&mut told, 4, Unknown, false, Next::Nothing);
        assert_eq!(id(&told), second);
        check(&mut told, 5, Ok, true, RESOLVED);
        check(&mut told, 40, Firing, false, FIRES);
        assert_ne!(id(&told), first, "another time that it fires");
        // Nobody was told that it fires.
        check(&mut told, 41, Ok, true, Next::Nothing);
    }

    #[test]
    fn an_older_measurement_does_not_resolve() {
        let mut told = Told::default();
        check(&mut told, 5, Firing, true, FIRES);
        let as_of_ms = NOW_MS + 5 * MINUTE_MS;
        told.note(Ok, as_of_ms - 1);
        let next = |as_of_ms| told.next(Ok, as_of_ms, as_of_ms, COOLDOWN_MS);
        assert_eq!(next(as_of_ms - 1), Next::Nothing);
        assert_eq!(next(as_of_ms), Next::Nothing);
        assert_eq!(next(as_of_ms + 1), RESOLVED);
    }

    #[test]
    fn no_cool_down_tells_every_time() {
        let mut told = Told::default();
        for minute in 0..3 {
            let now_ms = NOW_MS + minute;
            told.note(Firing, now_ms);
            assert_eq!(told.next(Firing, now_ms, now_ms, 0), FIRES);
            told.told(Event::Firing, now_ms);
        }
    }

    #[test]
    fn the_book_is_read_as_it_was_written() {
        let mut book = Book::default();
        let findings = |measured| all().judge(&measured);
        book.note(&findings(Measured::default()), NOW_MS);
        assert_eq!(book, Book::default(), "nothing fires: nothing to keep");
        let measured = Measured {
            recent: Some(recent()),
            lag_ms: None,
        };
        book.note(&findings(measured), NOW_MS);
        book.told(Rule::ErrorRate, Event::Firing, NOW_MS);
        assert_eq!(book.of(Rule::ErrorRate).times, 1);
        assert_eq!(book.of(Rule::NewIps).since_ms, Some(NOW_MS));
        assert_eq!(book.of(Rule::LagSeconds), Told::default());
        let text = serde_json::to_string(&book).unwrap();
        assert_eq!(serde_json::from_str::<Book>(&text).unwrap(), book);
    }
}

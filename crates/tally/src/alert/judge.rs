//! The state of each rule: its measured value, compared with its threshold.

use serde::{Deserialize, Serialize};

use super::Rule;
use crate::contract::Summary;
use crate::tally::ratio;
use crate::time::{FINE_MS, MINUTE_MS};
use crate::window::recent_from_ms;

/// The thresholds of the rules. A rule fires if its value reaches its threshold. None: the rule is
/// off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thresholds {
    pub error_rate: Option<f64>,
    /// With fewer hits than this, the error rate does not fire: one error in two hits is no alarm.
    pub error_rate_min_hits: u64,
    pub requests_per_minute: Option<f64>,
    pub new_ips: Option<f64>,
    pub lag_seconds: Option<f64>,
}

impl Thresholds {
    pub fn of(&self, rule: &Rule) -> Option<f64> {
        match rule {
            Rule::ErrorRate => self.error_rate,
            Rule::RequestsPerMinute => self.requests_per_minute,
            Rule::NewIps => self.new_ips,
            Rule::LagSeconds => self.lag_seconds,
            Rule::Own(_) => None,
        }
    }

    /// Whether any rule has a threshold.
    pub fn any(&self) -> bool {
        self.ask_ips() || self.lag_seconds.is_some()
    }

    /// Whether a rule needs values from the IPs.
    pub fn ask_ips(&self) -> bool {
        let hits = [self.error_rate, self.requests_per_minute, self.new_ips];
        hits.iter().any(Option::is_some)
    }

    /// The state of each rule that has a variable.
    pub fn judge(&self, measured: &Measured) -> Vec<Finding> {
        let findings = Rule::OF_VARIABLES.map(|rule| self.judge_one(rule, measured));
        findings.into()
    }

    fn judge_one(&self, rule: Rule, measured: &Measured) -> Finding {
        let mut finding = Finding {
            threshold: self.of(&rule),
            rule,
            state: AlertState::Off,
            value: None,
            ip: None,
            since_ms: None,
            groups: Vec::new(),
            about: None,
        };
        let Some(threshold) = finding.threshold else {
            return finding;
        };
        // Whether the rule may fire, and whether it may be called ok.
        let (mut counts, mut is_whole) = (true, true);
        finding.value = match (&finding.rule, &measured.recent) {
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
                    Rule::NewIps | Rule::LagSeconds | Rule::Own(_) => Some(recent.new_ips as f64),
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

/// The measured values of the rules.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// None: too few IPs answered, or no rule needs it.
    pub recent: Option<Recent>,
    /// None: the lag is not known, or no rule needs it.
    pub lag_ms: Option<u64>,
}

/// The hits of the IPs in [`Window::Recent`](crate::window::Window::Recent).
#[derive(Clone, Debug)]
pub struct Recent {
    /// Exactly the hits since this time count.
    pub since_ms: u64,
    pub as_of_ms: u64,
    pub hits: u64,
    pub errors: u64,
    /// The IP with the most hits, and their number.
    pub busiest: Option<(String, u64)>,
    pub new_ips: u64,
    /// Every IP answered, and the snapshot lacks no recorded batch.
    pub is_whole: bool,
}

impl Recent {
    /// Makes the values from a summary of that window. The summary was asked for one caller, by
    /// requests.
    pub fn new(summary: Summary, as_of_ms: u64, is_whole: bool) -> Self {
        let busiest = summary.callers.into_iter().next();
        Self {
            since_ms: recent_from_ms(as_of_ms),
            as_of_ms,
            hits: summary.tally.count,
            errors: summary.tally.errors(),
            busiest: busiest.map(|caller| (caller.ip, caller.tally.count)),
            new_ips: summary.new_ips,
            is_whole,
        }
    }

    /// The length of the window in minutes.
    fn minutes(&self) -> f64 {
        let length_ms = self.as_of_ms.saturating_sub(self.since_ms).max(FINE_MS);
        length_ms as f64 / MINUTE_MS as f64
    }
}

/// The state of a rule.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    Off,
    /// All data was there, and the value does not reach the threshold.
    Ok,
    Firing,
    /// Some data was missing. So the rule cannot be called ok. If the data that was there reaches
    /// the threshold, the rule fires.
    Unknown,
}

/// The state of a rule, with its value and threshold.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub rule: Rule,
    pub state: AlertState,
    /// `null`: the rule is off, or its value is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub value: Option<f64>,
    /// The rule fires if its value reaches this threshold. `null`: the rule is off.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub threshold: Option<f64>,
    /// Only for `requestsPerMinute`: the IP that made these requests.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ip: Option<String>,
    /// Exactly the hits since this time count. `null` if the rule counts no hits.
    #[serde(rename = "since", with = "crate::time_text::rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub since_ms: Option<u64>,
    /// Only for a rule by groups: those that reach the threshold, the highest first. At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub groups: Vec<FoundGroup>,
    /// Only for a rule that an admin wrote.
    #[serde(skip)]
    pub about: Option<AboutRule>,
}

/// What a notification says of a rule that an admin wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutRule {
    /// As `requests of path=/login`.
    pub watches: String,
    /// A page of the dashboard that shows more.
    pub page: String,
}

/// A group that reaches the threshold.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundGroup {
    /// As in a breakdown: an address, a path key, and so on.
    pub name: String,
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_800_000_000_000;

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
                .zip(Rule::OF_VARIABLES)
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
                network: None,
                first_seen_ms: None,
                last_seen_ms: None,
                recent: Default::default(),
                user_agents: Vec::new(),
                labels: Vec::new(),
                buckets: Vec::new(),
            }],
            ..Summary::default()
        };
        // 10:07, so that the hits since 10:00 count.
        let as_of_ms = 500 * crate::time::DAY_MS + (10 * 60 + 7) * MINUTE_MS;
        let measured = Measured {
            recent: Some(Recent::new(summary, as_of_ms, true)),
            lag_ms: None,
        };
        let found = all().judge(&measured).remove(1);
        assert_eq!(found.value, Some(10.0));
        assert_eq!(found.since_ms, Some(as_of_ms - 7 * MINUTE_MS));
        assert_eq!(found.ip.as_deref(), Some("192.0.2.1"));
    }
}

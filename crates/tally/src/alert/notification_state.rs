//! The notifications that were sent for each rule, and the one to send next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AlertState, Finding, Rule};

/// The news in a notification.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    Firing,
    Resolved,
}

/// The next step for a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// The rule fires, and a notification was sent less than the cool-down ago.
    Suppressed,
    Notify(Event),
}

/// The notifications that were sent for a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleState {
    /// The time since which the rule fires.
    pub since_ms: Option<u64>,
    /// A notification of the firing was sent, and none of its end.
    pub is_open: bool,
    /// The time of the last notification that the rule fires. The cool-down begins here. It also
    /// holds if the rule stops firing and fires again.
    #[serde(rename = "told_at_ms")]
    pub notified_at_ms: Option<u64>,
    /// The number of notifications sent since [`Self::since_ms`].
    pub times: u64,
}

impl RuleState {
    /// Records the state of the rule, as measured at `as_of_ms`. This must be stored before a
    /// notification is sent.
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

    /// The next step. If a measurement is older than the firing, it does not end the alert.
    pub fn next(&self, state: AlertState, as_of_ms: u64, now_ms: u64, cooldown_ms: u64) -> Next {
        let is_cooling = |notified_ms: u64| now_ms.saturating_sub(notified_ms) < cooldown_ms;
        match state {
            AlertState::Firing if self.notified_at_ms.is_some_and(is_cooling) => Next::Suppressed,
            AlertState::Firing => Next::Notify(Event::Firing),
            AlertState::Ok if self.is_open && self.since_ms < Some(as_of_ms) => {
                Next::Notify(Event::Resolved)
            }
            AlertState::Off | AlertState::Ok | AlertState::Unknown => Next::Nothing,
        }
    }

    /// Records that the notification was sent.
    pub fn notified(&mut self, event: Event, now_ms: u64) {
        self.times += 1;
        self.is_open = event == Event::Firing;
        match event {
            Event::Firing => self.notified_at_ms = Some(now_ms),
            Event::Resolved => self.since_ms = None,
        }
    }

    /// The id of the next notification. It stays the same until that notification was sent.
    pub fn next_id(&self, rule: &Rule) -> String {
        let since_ms = self.since_ms.unwrap_or_default();
        format!("{}-{since_ms}-{}", rule.name(), self.times + 1)
    }
}

/// The notifications sent for all rules. All instances share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationState(BTreeMap<Rule, RuleState>);

impl NotificationState {
    pub fn of(&self, rule: &Rule) -> RuleState {
        self.0.get(rule).cloned().unwrap_or_default()
    }

    /// See [`RuleState::note`].
    pub fn note(&mut self, findings: &[Finding], as_of_ms: u64) {
        for finding in findings {
            let sent = self.0.entry(finding.rule.clone()).or_default();
            sent.note(finding.state, as_of_ms);
        }
        // A rule that an admin deleted has no finding.
        let is_there = |rule: &Rule| {
            !matches!(rule, Rule::Own(_)) || findings.iter().any(|of| of.rule == *rule)
        };
        let is_kept =
            |rule: &Rule, sent: &RuleState| is_there(rule) && *sent != RuleState::default();
        self.0.retain(|rule, sent| is_kept(rule, sent));
    }

    /// See [`RuleState::notified`].
    pub fn notified(&mut self, rule: Rule, event: Event, now_ms: u64) {
        self.0.entry(rule).or_default().notified(event, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MINUTE_MS;
    use AlertState::{Firing, Off, Ok, Unknown};

    const NOW_MS: u64 = 1_800_000_000_000;
    const COOLDOWN_MS: u64 = 30 * MINUTE_MS;

    /// Checks a rule at a minute: its state, and the next step. `works` says whether sending works.
    fn check(sent: &mut RuleState, minute: u64, state: AlertState, works: bool, expect: Next) {
        let now_ms = NOW_MS + minute * MINUTE_MS;
        sent.note(state, now_ms);
        let next = sent.next(state, now_ms, now_ms, COOLDOWN_MS);
        assert_eq!(next, expect, "{state:?} at {minute}");
        if let (Next::Notify(event), true) = (next, works) {
            sent.notified(event, now_ms);
        }
    }

    const FIRES: Next = Next::Notify(Event::Firing);
    const RESOLVED: Next = Next::Notify(Event::Resolved);

    #[test]
    fn it_is_told_once_again_after_the_cool_down_and_when_it_is_over() {
        let mut sent = RuleState::default();
        check(&mut sent, 0, Ok, true, Next::Nothing);
        check(&mut sent, 1, Firing, true, FIRES);
        check(&mut sent, 2, Firing, true, Next::Suppressed);
        check(&mut sent, 20, Unknown, true, Next::Nothing);
        check(&mut sent, 30, Firing, true, Next::Suppressed);
        check(&mut sent, 31, Firing, true, FIRES);
        assert_eq!(sent.since_ms, Some(NOW_MS + MINUTE_MS));
        check(&mut sent, 32, Ok, true, RESOLVED);
        check(&mut sent, 33, Ok, true, Next::Nothing);
        // The rule fires again within the cool-down: neither the firing nor its end is sent.
        check(&mut sent, 34, Firing, true, Next::Suppressed);
        check(&mut sent, 35, Ok, true, Next::Nothing);
        check(&mut sent, 60, Firing, true, Next::Suppressed);
        check(&mut sent, 61, Firing, true, FIRES);
        check(&mut sent, 62, Off, true, Next::Nothing);
        assert_eq!(sent, RuleState::default());
    }

    #[test]
    fn what_could_not_be_told_is_told_later_under_the_same_name() {
        let mut sent = RuleState::default();
        let id = |sent: &RuleState| sent.next_id(&Rule::NewIps);
        check(&mut sent, 0, Firing, false, FIRES);
        let first = id(&sent);
        assert_eq!(first, format!("newIPs-{NOW_MS}-1"));
        check(&mut sent, 1, Firing, false, FIRES);
        assert_eq!(id(&sent), first);
        check(&mut sent, 2, Firing, true, FIRES);
        let second = id(&sent);
        assert_ne!(first, second);
        check(&mut sent, 3, Ok, false, RESOLVED);
        check(&mut sent, 4, Unknown, false, Next::Nothing);
        assert_eq!(id(&sent), second);
        check(&mut sent, 5, Ok, true, RESOLVED);
        check(&mut sent, 40, Firing, false, FIRES);
        assert_ne!(id(&sent), first, "another time that it fires");
        // No notification of the firing was sent.
        check(&mut sent, 41, Ok, true, Next::Nothing);
    }

    #[test]
    fn an_older_measurement_does_not_resolve() {
        let mut sent = RuleState::default();
        check(&mut sent, 5, Firing, true, FIRES);
        let as_of_ms = NOW_MS + 5 * MINUTE_MS;
        sent.note(Ok, as_of_ms - 1);
        let next = |as_of_ms| sent.next(Ok, as_of_ms, as_of_ms, COOLDOWN_MS);
        assert_eq!(next(as_of_ms - 1), Next::Nothing);
        assert_eq!(next(as_of_ms), Next::Nothing);
        assert_eq!(next(as_of_ms + 1), RESOLVED);
    }

    #[test]
    fn no_cool_down_tells_every_time() {
        let mut sent = RuleState::default();
        for minute in 0..3 {
            let now_ms = NOW_MS + minute;
            sent.note(Firing, now_ms);
            assert_eq!(sent.next(Firing, now_ms, now_ms, 0), FIRES);
            sent.notified(Event::Firing, now_ms);
        }
    }

    #[test]
    fn the_book_is_read_as_it_was_written() {
        let mut state = NotificationState::default();
        let findings = |state| {
            Rule::OF_VARIABLES.map(|rule| Finding {
                state: if rule == Rule::LagSeconds {
                    Unknown
                } else {
                    state
                },
                rule,
                value: None,
                threshold: None,
                ip: None,
                since_ms: None,
                groups: Vec::new(),
                about: None,
            })
        };
        state.note(&findings(Unknown), NOW_MS);
        assert_eq!(
            state,
            NotificationState::default(),
            "nothing fires: nothing to keep"
        );
        state.note(&findings(Firing), NOW_MS);
        state.notified(Rule::ErrorRate, Event::Firing, NOW_MS);
        assert_eq!(state.of(&Rule::ErrorRate).times, 1);
        assert_eq!(state.of(&Rule::NewIps).since_ms, Some(NOW_MS));
        assert_eq!(state.of(&Rule::LagSeconds), RuleState::default());
        let text = serde_json::to_string(&state).unwrap();
        let stored_name = format!("\"told_at_ms\":{NOW_MS}");
        assert!(text.contains(&stored_name), "{text}");
        assert_eq!(
            serde_json::from_str::<NotificationState>(&text).unwrap(),
            state
        );
    }
}

//! What was told of each rule, and what is to be told next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AlertState, Finding, Rule};

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
pub struct RuleState {
    /// Since when it fires.
    pub since_ms: Option<u64>,
    /// It was told that it fires, and not that it does no more.
    pub is_open: bool,
    /// When it was told last that it fires: the cool-down begins here, and holds if it fires anew meanwhile.
    pub told_at_ms: Option<u64>,
    /// What was told of it since [`Self::since_ms`].
    pub times: u64,
}

impl RuleState {
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
pub struct NotificationState(BTreeMap<Rule, RuleState>);

impl NotificationState {
    pub fn of(&self, rule: Rule) -> RuleState {
        self.0.get(&rule).cloned().unwrap_or_default()
    }

    /// See [`RuleState::note`].
    pub fn note(&mut self, findings: &[Finding], as_of_ms: u64) {
        for finding in findings {
            let told = self.0.entry(finding.rule).or_default();
            told.note(finding.state, as_of_ms);
        }
        self.0.retain(|_, told| *told != RuleState::default());
    }

    /// See [`RuleState::told`].
    pub fn told(&mut self, rule: Rule, event: Event, now_ms: u64) {
        self.0.entry(rule).or_default().told(event, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::MINUTE_MS;
    use AlertState::{Firing, Off, Ok, Unknown};

    const NOW_MS: u64 = 1_800_000_000_000;
    const COOLDOWN_MS: u64 = 30 * MINUTE_MS;

    /// A rule over minutes: how it stands, and what is then told, where telling works.
    fn check(told: &mut RuleState, minute: u64, state: AlertState, works: bool, expect: Next) {
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
        let mut told = RuleState::default();
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
        assert_eq!(told, RuleState::default());
    }

    #[test]
    fn what_could_not_be_told_is_told_later_under_the_same_name() {
        let mut told = RuleState::default();
        let id = |told: &RuleState| told.next_id(Rule::NewIps);
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
        let mut told = RuleState::default();
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
        let mut told = RuleState::default();
        for minute in 0..3 {
            let now_ms = NOW_MS + minute;
            told.note(Firing, now_ms);
            assert_eq!(told.next(Firing, now_ms, now_ms, 0), FIRES);
            told.told(Event::Firing, now_ms);
        }
    }

    #[test]
    fn the_book_is_read_as_it_was_written() {
        let mut state = NotificationState::default();
        let findings = |state| {
            Rule::EVERY.map(|rule| Finding {
                rule,
                state: if rule == Rule::LagSeconds {
                    Unknown
                } else {
                    state
                },
                value: None,
                threshold: None,
                ip: None,
                since_ms: None,
            })
        };
        state.note(&findings(Unknown), NOW_MS);
        assert_eq!(
            state,
            NotificationState::default(),
            "nothing fires: nothing to keep"
        );
        state.note(&findings(Firing), NOW_MS);
        state.told(Rule::ErrorRate, Event::Firing, NOW_MS);
        assert_eq!(state.of(Rule::ErrorRate).times, 1);
        assert_eq!(state.of(Rule::NewIps).since_ms, Some(NOW_MS));
        assert_eq!(state.of(Rule::LagSeconds), RuleState::default());
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(
            serde_json::from_str::<NotificationState>(&text).unwrap(),
            state
        );
    }
}

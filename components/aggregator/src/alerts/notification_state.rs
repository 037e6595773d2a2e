//! The notifications that were sent, kept in the store, so that all instances together send each
//! one once.
//!
//! Before an instance records or sends something, it claims the notification state, as answers are
//! claimed. It records that a rule fires before it sends the notification. So if the delivery fails
//! or the sender dies, the notification is sent again under the same id.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rollcall_tally::alert::{AlertState, Event, Finding, Next, NotificationState, Rule};
use rollcall_tally::report::{AlertNotification, Notification};
use rollcall_tally::{Failure, Found, Kept, Place};
use rollcall_web::{call, log};
use spin_sdk::time::sleep;

use super::outcome::Outcome;
use super::webhook::Webhook;
use crate::clock::now_ms;
use crate::{claim, collector};

/// How long recording and sending may take together. This includes waiting for another instance
/// that sends. It is somewhat longer than a delivery.
const DEADLINE: Duration = Duration::from_secs(9);

const PLACE: Place = Place::Notifications;

type Outcomes = BTreeMap<Rule, Outcome>;

/// How long after a notification the next one of the same rule waits.
pub struct CoolDowns {
    pub default_ms: u64,
    pub own_ms: BTreeMap<Rule, u64>,
}

impl CoolDowns {
    fn of(&self, rule: &Rule) -> u64 {
        self.own_ms.get(rule).copied().unwrap_or(self.default_ms)
    }
}

/// Sends the notifications for the findings at `as_of_ms`. A rule without news is left out.
pub async fn notify(
    webhook: &Webhook,
    cool_downs: &CoolDowns,
    findings: &[Finding],
    as_of_ms: u64,
) -> Outcomes {
    let notifier = Notifier {
        webhook,
        cool_downs,
        findings,
        as_of_ms,
    };
    let failed = |reason: &str| {
        let firing = findings.iter().filter(|f| f.state == AlertState::Firing);
        let outcome = |f: &Finding| (f.rule.clone(), Outcome::failed(reason));
        firing.map(outcome).collect()
    };
    match call::within(DEADLINE, notifier.notify()).await {
        Some(Ok(outcomes)) => outcomes,
        Some(Err(failure)) => {
            log!(Warn, "alerts-not-told", failure = failure);
            failed("the notification state could not be read or kept")
        }
        None => {
            log!(Warn, "alerts-not-told", failure = "timed out");
            failed("it took too long, or another check is telling")
        }
    }
}

struct Notifier<'a> {
    webhook: &'a Webhook,
    cool_downs: &'a CoolDowns,
    findings: &'a [Finding],
    as_of_ms: u64,
}

/// A notification to send.
struct Due<'a> {
    finding: &'a Finding,
    event: Event,
    notification: AlertNotification,
}

impl<'a> Notifier<'a> {
    async fn notify(&self) -> Result<Outcomes, Failure> {
        // The generation that another instance has claimed, and since when this instance knows.
        let mut refused: Option<(u64, Instant)> = None;
        loop {
            let found = collector::SHARED.get(&PLACE, &0).await?;
            let generation = found.generation;
            let known = read(&found)?;
            let mut state = known.clone();
            state.note(self.findings, self.as_of_ms);
            let (mut outcomes, due) = self.due(&state);
            if state == known && due.is_empty() {
                return Ok(outcomes);
            }
            if !collector::SHARED.claim(&PLACE, &generation).await? {
                let since = refused.filter(|(known, _)| *known == generation);
                let (_, since) = *refused.insert(since.unwrap_or((generation, Instant::now())));
                if found.is_claimed || since.elapsed() <= claim::PATIENCE {
                    sleep(claim::LOOK_AGAIN).await;
                    continue;
                }
                // The instance that claimed it is dead.
            }
            if state != known {
                put(&state, generation).await?;
                continue;
            }
            let notified = claim::holding(&PLACE, self.send(due, &mut state)).await;
            if state == known || !is_stored(&state, generation).await {
                claim::give_up(&PLACE, generation).await;
            }
            outcomes.extend(notified);
            return Ok(outcomes);
        }
    }

    /// The notifications to send, and the outcomes of the other rules.
    fn due(&self, state: &NotificationState) -> (Outcomes, Vec<Due<'a>>) {
        let (mut outcomes, mut due) = (Outcomes::new(), Vec::new());
        for finding in self.findings {
            let sent = state.of(&finding.rule);
            let cool_down_ms = self.cool_downs.of(&finding.rule);
            let outcome = Outcome {
                firing_since_ms: sent.since_ms,
                ..Outcome::of(Notification::None)
            };
            match sent.next(finding.state, self.as_of_ms, now_ms(), cool_down_ms) {
                Next::Nothing => {
                    outcomes.insert(finding.rule.clone(), outcome);
                }
                Next::Suppressed => {
                    let notification = Notification::Suppressed;
                    let suppressed = Outcome {
                        notification,
                        ..outcome
                    };
                    outcomes.insert(finding.rule.clone(), suppressed);
                }
                Next::Notify(event) => due.push(Due {
                    finding,
                    event,
                    notification: AlertNotification::new(
                        sent.next_id(&finding.rule),
                        event,
                        finding,
                        sent.since_ms,
                        self.as_of_ms,
                    ),
                }),
            }
        }
        (outcomes, due)
    }

    /// Sends all notifications at once, and records the delivered ones.
    async fn send(&self, due: Vec<Due<'a>>, state: &mut NotificationState) -> Outcomes {
        let sending = due
            .iter()
            .map(|due| self.webhook.deliver(&due.notification));
        let delivered = join_all(sending).await;
        let mut outcomes = Outcomes::new();
        for (due, delivered) in due.iter().zip(delivered) {
            let mut outcome = Outcome {
                firing_since_ms: due.notification.firing_since_ms,
                ..Outcome::of(Notification::Sent)
            };
            let rule = due.finding.rule.clone();
            match delivered {
                Ok(()) => state.notified(rule.clone(), due.event, now_ms()),
                Err(reason) => {
                    let (name, host) = (rule.name(), self.webhook.host());
                    log!(
                        Warn,
                        "alert-not-told",
                        rule = name,
                        host = host,
                        reason = reason
                    );
                    outcome.notification = Notification::Failed;
                    outcome.failure = Some(reason);
                }
            }
            outcomes.insert(rule, outcome);
        }
        outcomes
    }
}

/// Reads the notifications that were sent. If they cannot be read, none is sent. Else each check
/// would send them anew.
fn read(found: &Found) -> Result<NotificationState, Failure> {
    let Some(kept) = &found.kept else {
        return Ok(NotificationState::default());
    };
    let state = serde_json::from_slice(&kept.body);
    state.map_err(|error| Failure::Corrupt(format!("the notification state: {error}")))
}

/// Stores that a notification was sent. If this fails, the next check sends it again.
async fn is_stored(state: &NotificationState, generation: u64) -> bool {
    let stored = put(state, generation).await;
    if let Err(failure) = &stored {
        log!(Warn, "alert-notification-not-stored", failure = failure);
    }
    stored.is_ok()
}

async fn put(state: &NotificationState, generation: u64) -> Result<(), Failure> {
    let body = serde_json::to_vec(state);
    let body = body.map_err(|error| Failure::Unavailable(format!("alerts as JSON: {error}")))?;
    let kept = Kept {
        place: PLACE,
        body,
        // The generation must be another one, even if clocks differ.
        computed_at_ms: now_ms().max(generation + 1),
        ttl_ms: 0,
    };
    collector::SHARED.put(&kept, &generation).await
}

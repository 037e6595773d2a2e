//! Alerts: measures the values of the rules, judges them, and notifies a webhook of each alert and
//! of its end.
//!
//! | a check | is started by |
//! |---|---|
//! | at once | an admin, such as a CronJob |
//! | if it is due: a minute after the last check | the router, after hits came |
//!
//! If there is no rule, or no webhook, a check that is due does nothing. A check
//! folds first, as every question does. The notifications that were sent are kept in the store for
//! all instances. [`notification_state`] has one of the instances send each notification.
//!
//! Variables have four rules. Admins write others: see [`own`].

mod formats;
mod notification_state;
mod outcome;
mod own;
mod variables;
mod webhook;

pub use own::{list, test};

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join;
use rollcall_tally::alert::{AlertState, Finding, Measured, Recent, Rule};
use rollcall_tally::question::Query;
use rollcall_tally::report::{Alert, AlertCheck, Notification};
use rollcall_tally::weekly::WeeklyReport;
use rollcall_tally::{Details, Failure, Filter, IpOrder, Kept, Place, Window};
use rollcall_web::{call, log};

use crate::clock::now_ms;
use crate::settings::Settings;
use crate::{answer, collector, documents};

use notification_state::CoolDowns;
use outcome::Outcome;
use variables::Variables;
use webhook::Webhook;

/// How long asking the IPs may take. The deadline of answers does not apply. Together with the lag
/// and the sending, it is less than the router waits.
const HITS_DEADLINE: Duration = Duration::from_secs(50);
/// Scope: app. Checks that run if they are due run no more often than this.
const CHECK_EVERY_MS: u64 = 60_000;

thread_local! {
    /// Scope: instance. Before this time no check is due. So asking costs nothing.
    static DUE_AT_MS: Cell<u64> = const { Cell::new(0) };
}

/// Sends the weekly report to the receiver of the alerts. `id`: the same for the same week.
pub async fn send_report(id: &str, report: &WeeklyReport, html: &str) -> Outcome {
    let delivered = match Webhook::configured().await {
        Some(webhook) => {
            let delivered = webhook.deliver_report(id, report, html).await;
            if let Err(reason) = &delivered {
                let host = webhook.host();
                log!(Warn, "report-not-sent", host = host, reason = reason);
            }
            Some(delivered)
        }
        None => None,
    };
    Outcome::of_delivery(delivered)
}

/// Checks every rule now, and sends the notifications that are due.
pub async fn check() -> AlertCheck {
    check_with(Variables::read().await).await
}

/// If a check is due, runs it after the work that is under way.
pub fn check_later_if_due() {
    if now_ms() >= DUE_AT_MS.get() {
        spin_sdk::wasip3::spawn(check_if_due());
    }
}

async fn check_if_due() {
    let now_ms = now_ms();
    if now_ms < DUE_AT_MS.get() {
        return;
    }
    DUE_AT_MS.set(now_ms + CHECK_EVERY_MS);
    let variables = Variables::read().await;
    if variables.webhook.is_none() {
        return;
    }
    let any_own = match documents::current().await {
        Ok(known) => known.documents.rules.iter().any(|rule| !rule.content.off),
        Err(_) => false,
    };
    if !variables.thresholds.any() && !any_own {
        return;
    }
    match begin(now_ms).await {
        Ok(None) => drop(check_with(variables).await),
        Ok(Some(due_at_ms)) => DUE_AT_MS.set(due_at_ms),
        Err(failure) => log!(Warn, "alerts-not-checked", failure = failure),
    }
}

/// Begins a check for all instances. If it is not due yet, returns when it will be. If two
/// instances begin at the same moment, both may check. Their findings are still sent only once.
async fn begin(now_ms: u64) -> Result<Option<u64>, Failure> {
    let last = collector::SHARED.get(&Place::LastCheck, &0).await?;
    let last_ms = last.generation;
    // If clocks differ, the last check may be in the future.
    if now_ms.abs_diff(last_ms) < CHECK_EVERY_MS {
        return Ok(Some(last_ms + CHECK_EVERY_MS));
    }
    let begun = Kept {
        place: Place::LastCheck,
        body: Vec::new(),
        computed_at_ms: now_ms,
        ttl_ms: CHECK_EVERY_MS,
    };
    collector::SHARED.put(&begun, &0).await?;
    Ok(None)
}

async fn check_with(variables: Variables) -> AlertCheck {
    let checked_at_ms = now_ms();
    let settings = Settings::read().await;
    let (mut warnings, mut of_own) = (variables.warnings.clone(), Vec::new());
    let mut cool_downs = CoolDowns {
        default_ms: variables.cooldown_ms,
        own_ms: BTreeMap::new(),
    };
    // At the same time, so that both together are done while the router waits.
    let ((measured, coverage), own) = join(
        measure(&settings, &variables, &mut warnings),
        own::check(&settings, &mut cool_downs, &mut of_own),
    )
    .await;
    warnings.extend(of_own);
    let mut findings = variables.thresholds.judge(&measured);
    let are_own_known = own.is_some();
    findings.extend(own.into_iter().flatten());
    let as_of_ms = measured.recent.map_or(checked_at_ms, |r| r.as_of_ms);
    let mut outcomes = match &variables.webhook {
        // A rule without a finding would count as deleted.
        Some(_) if !are_own_known => of_firing(&findings, &Outcome::failed(own::NOT_READ)),
        Some(webhook)
            if findings
                .iter()
                .any(|finding| finding.state != AlertState::Off) =>
        {
            notification_state::notify(webhook, &cool_downs, &findings, as_of_ms).await
        }
        _ => of_firing(&findings, &Outcome::of(Notification::NotConfigured)),
    };
    let alert = |finding: Finding| {
        let outcome = outcomes.remove(&finding.rule);
        let outcome = outcome.unwrap_or(Outcome::of(Notification::None));
        Alert {
            finding,
            firing_since_ms: outcome.firing_since_ms,
            notification: outcome.notification,
            failure: outcome.failure,
        }
    };
    AlertCheck {
        checked_at_ms,
        coverage,
        warnings,
        alerts: findings.into_iter().map(alert).collect(),
    }
}

/// The same outcome for each rule that fires.
fn of_firing(findings: &[Finding], outcome: &Outcome) -> BTreeMap<Rule, Outcome> {
    let firing = findings.iter().filter(|f| f.state == AlertState::Firing);
    firing.map(|f| (f.rule.clone(), outcome.clone())).collect()
}

/// Measures only the values that the rules need. If IPs were asked, returns the coverage.
async fn measure(
    settings: &Settings,
    variables: &Variables,
    warnings: &mut Vec<String>,
) -> (Measured, Option<f64>) {
    let (mut measured, mut coverage) = (Measured::default(), None);
    if variables.thresholds.ask_ips() {
        let deadline = settings.answer_deadline.min(HITS_DEADLINE);
        match call::within(deadline, recent(settings)).await {
            Some(Ok((recent, share, missing))) => {
                measured.recent = Some(recent);
                coverage = Some(share);
                warnings.extend(missing);
            }
            Some(Err(failure)) => log!(Warn, "alerts-without-hits", failure = failure),
            None => log!(Warn, "alerts-without-hits", failure = "timed out"),
        }
        if measured.recent.is_none() {
            warnings.push("the hits of the IPs could not be read in time".to_owned());
        }
    } else if variables.thresholds.lag_seconds.is_some() {
        // This folds first. If batches still wait afterwards, they could not be folded.
        if let Err(failure) = collector::SNAPSHOT.take_snapshot().await {
            log!(Warn, "alerts-without-fold", failure = failure);
        }
    }
    if variables.thresholds.lag_seconds.is_some() {
        match collector::MANY.status().await {
            Ok(status) => measured.lag_ms = Some(status.lag_ms),
            Err(failure) => {
                log!(Warn, "alerts-without-lag", failure = failure);
                warnings.push("the lag could not be read in time".to_owned());
            }
        }
    }
    (measured, coverage)
}

async fn recent(settings: &Settings) -> Result<(Recent, f64, Vec<String>), Failure> {
    let query = Query {
        window: Window::Recent,
        filter: Filter::default(),
        details: Details {
            callers: 1,
            order: IpOrder::Requests,
            ..Details::default()
        },
        via: None,
        against: None,
        is_of_api: false,
    };
    let responses = answer::ask(settings, query).await?;
    let told = responses.provenance;
    let recent = Recent::new(responses.summary, told.as_of_ms, told.is_whole());
    Ok((recent, told.coverage, told.warnings))
}

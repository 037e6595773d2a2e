//! The rules that admins write. Each is a question about some hits, and a threshold.

use std::time::{Duration, Instant};

use http::header::EXPIRES;
use http::{HeaderValue, StatusCode};
use rollcall_tally::alert::{AlertState, Finding, Rule};
use rollcall_tally::document::{AlertRule, Judged, Measured, Named};
use rollcall_tally::question::{Query, Survey};
use rollcall_tally::report::{Alert, AlertNotification, List, ListFormat, http_date};
use rollcall_tally::{Failure, alert};
use rollcall_web::{Problem, Reply, call, log, reply};

use super::notification_state::CoolDowns;
use super::outcome::Outcome;
use super::webhook::Webhook;
use crate::answer;
use crate::clock::now_ms;
use crate::documents::{self, Current};
use crate::settings::Settings;

/// Scope: check. All rules together may take this long. A rule that is not reached is `unknown`.
const DEADLINE: Duration = Duration::from_secs(40);

/// Why no rule of an admin was checked.
pub const NOT_READ: &str = "the rules of admins could not be read in time";

/// Checks every rule, one after the other. None: the rules could not be read.
pub async fn check(
    settings: &Settings,
    cool_downs: &mut CoolDowns,
    warnings: &mut Vec<String>,
) -> Option<Vec<Finding>> {
    let known = match documents::current().await {
        Ok(known) => known,
        Err(failure) => {
            log!(Warn, "alerts-without-rules", failure = failure);
            warnings.push(NOT_READ.to_owned());
            return None;
        }
    };
    let began = Instant::now();
    let mut findings = Vec::new();
    for rule in &known.documents.rules {
        let minutes = rule.content.cool_down_minutes;
        cool_downs
            .own_ms
            .insert(Rule::own(&rule.name), minutes * 60_000);
        let left = DEADLINE.saturating_sub(began.elapsed());
        let finding = match rule.content.off {
            true => rule.content.finding(&rule.name, None, None),
            false => found(settings, &known, rule, left).await,
        };
        if finding.state == AlertState::Unknown && finding.value.is_none() {
            warnings.push(format!(
                "the hits of {} could not be read in time",
                finding.rule.name()
            ));
        }
        findings.push(finding);
    }
    Some(findings)
}

async fn found(
    settings: &Settings,
    known: &Current,
    rule: &Named<AlertRule>,
    deadline: Duration,
) -> Finding {
    let judging = judge(settings, known, &rule.content);
    match call::within(deadline.min(settings.answer_deadline), judging).await {
        Some(Ok((judged, since_ms))) => rule.content.finding(&rule.name, Some(&judged), since_ms),
        failed => {
            let failure = failed.and_then(Result::err);
            let failure = failure.map_or("timed out".to_owned(), |failure| failure.to_string());
            log!(
                Warn,
                "rule-not-checked",
                rule = rule.name,
                failure = failure
            );
            rule.content.finding(&rule.name, None, None)
        }
    }
}

/// Judges a rule. Returns the begin of its window, too.
async fn judge(
    settings: &Settings,
    known: &Current,
    rule: &AlertRule,
) -> Result<(Judged, Option<u64>), Failure> {
    if let Some(mut groups) = rule.groups() {
        let query = groups.query();
        let responses = answer::ask_survey(settings, &mut groups, query, known).await?;
        let (since_ms, is_whole) = (
            responses.provenance.from_ms,
            responses.provenance.is_whole(),
        );
        let report = groups.report(responses)?;
        return Ok((rule.judge_groups(&report.groups, is_whole), since_ms));
    }
    let now = measure(settings, known, rule.total()).await?;
    let usual = match rule.usual() {
        Some(query) => Some(measure(settings, known, query).await?.0),
        None => None,
    };
    Ok((rule.judge_total(&now.0, usual.as_ref()), now.1))
}

async fn measure(
    settings: &Settings,
    known: &Current,
    mut query: Query,
) -> Result<(Measured, Option<u64>), Failure> {
    known.resolve(&mut query.filter)?;
    let responses = answer::ask(settings, query).await?;
    let measured = Measured::new(&responses.summary, &responses.provenance);
    Ok((measured, responses.provenance.from_ms))
}

/// The rule with this name, as it is now.
async fn rule(name: &str) -> Result<(std::rc::Rc<Current>, Named<AlertRule>), Problem> {
    let known = documents::newest().await?;
    let rule = known.documents.rules.iter().find(|rule| rule.name == name);
    match rule.cloned() {
        Some(rule) => Ok((known, rule)),
        None => Err(Failure::NotFound(format!("There is no rules/{name}.")).into()),
    }
}

/// Judges one rule now, and sends a test to the receiver.
pub async fn test(name: &str) -> Result<Reply, Problem> {
    let (known, rule) = rule(name).await?;
    let settings = Settings::read().await;
    let finding = found(&settings, &known, &rule, DEADLINE).await;
    let at_ms = now_ms();
    let id = format!("test-{at_ms}");
    let mut sent = AlertNotification::new(id, alert::Event::Firing, &finding, None, at_ms);
    sent.is_test = true;
    sent.text = format!("This is a test. {}", sent.text);
    let delivered = match Webhook::configured().await {
        Some(webhook) => Some(webhook.deliver(&sent).await),
        None => None,
    };
    let outcome = Outcome::of_delivery(delivered);
    let tested = Alert {
        finding,
        firing_since_ms: None,
        notification: outcome.notification,
        failure: outcome.failure,
    };
    Ok(reply::json(StatusCode::OK, &tested))
}

/// The IPs that reach the threshold of a rule now.
pub async fn list(name: &str, format: ListFormat) -> Result<Reply, Problem> {
    let (known, rule) = rule(name).await?;
    let settings = Settings::read().await;
    if rule.content.by.as_deref() != Some("ip") {
        let reason = format!("rules/{name} has no list: it is not by ip");
        return Err(Failure::Invalid(reason).into());
    }
    let judged = judge(&settings, &known, &rule.content);
    let judged = call::within(settings.answer_deadline, judged).await;
    let (judged, _) = judged.ok_or_else(Problem::out_of_reach)??;
    if judged.state == AlertState::Unknown {
        return Err(Problem::out_of_reach());
    }
    let list = List {
        rule: rule.name,
        ips: judged.groups.into_iter().map(|group| group.name).collect(),
        are_more: judged.are_more,
        at_ms: now_ms(),
        expires_ms: now_ms() + rule.content.length_ms(),
    };
    let mut reply = reply::full(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        list.write(format),
    );
    let expires = HeaderValue::try_from(http_date(list.expires_ms));
    reply
        .headers_mut()
        .extend(expires.ok().map(|date| (EXPIRES, date)));
    Ok(reply)
}

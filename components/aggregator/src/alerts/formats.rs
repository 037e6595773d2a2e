//! Notifications as each receiver reads them.
//!
//! The shapes are those of the receivers' own documentation: Slack's incoming webhooks, an adaptive
//! card for a workflow of Teams, version 2 of PagerDuty's events, version 2 of Alertmanager's API.

use std::collections::BTreeMap;

use rollcall_tally::alert::Event;
use rollcall_tally::report::{AlertNotification, rfc3339_text};
use rollcall_tally::weekly::WeeklyReport;
use serde_json::{Value, json};

/// The kind of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The notification as the API describes it.
    Json,
    Slack,
    Teams,
    PagerDuty,
    Alertmanager,
}

impl Format {
    const EVERY: [(&'static str, Self); 5] = [
        ("json", Self::Json),
        ("slack", Self::Slack),
        ("teams", Self::Teams),
        ("pagerduty", Self::PagerDuty),
        ("alertmanager", Self::Alertmanager),
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::EVERY.iter().find(|(known, _)| *known == name);
        known.map(|(_, format)| *format)
    }

    /// The body for an alert. `secret`: the key of the service, for PagerDuty.
    pub fn alert(self, sent: &AlertNotification, secret: &str) -> Value {
        let rule = sent.rule.name();
        let fires = sent.state == Event::Firing;
        match self {
            Self::Json => serde_json::to_value(sent).unwrap_or_default(),
            Self::Slack => slack(&sent.text),
            Self::Teams => teams(&sent.text),
            Self::PagerDuty => json!({
                "routing_key": secret,
                "event_action": if fires { "trigger" } else { "resolve" },
                "dedup_key": format!("rollcall-{rule}"),
                "payload": {
                    "summary": cut(&sent.text, SUMMARY_CHARACTERS_MAX),
                    "source": "rollcall",
                    "severity": if sent.is_test { "info" } else { "warning" },
                    "timestamp": rfc3339_text(sent.at_ms),
                    "custom_details": sent,
                },
            }),
            Self::Alertmanager => {
                let begin_ms = sent.firing_since_ms.unwrap_or(sent.at_ms);
                let mut labels = BTreeMap::from([("alertname", "Rollcall"), ("rule", rule)]);
                labels.extend(sent.is_test.then_some(("test", "true")));
                let mut alert = BTreeMap::from([
                    ("labels", json!(labels)),
                    (
                        "annotations",
                        json!({"summary": sent.text, "dashboard": sent.dashboard}),
                    ),
                    ("startsAt", json!(rfc3339_text(begin_ms))),
                ]);
                // Without an end, Alertmanager itself ends an alert that is not sent again.
                alert.extend((!fires).then(|| ("endsAt", json!(rfc3339_text(sent.at_ms)))));
                json!([alert])
            }
        }
    }

    /// The body for a report. None: the receiver takes alerts alone.
    pub fn report(self, id: &str, report: &WeeklyReport, html: &str) -> Option<Value> {
        let text = &report.text;
        match self {
            Self::Json => Some(json!({"id": id, "text": text, "html": html, "report": report})),
            Self::Slack => Some(slack(text)),
            Self::Teams => Some(teams(text)),
            Self::PagerDuty | Self::Alertmanager => None,
        }
    }
}

/// PagerDuty cuts a longer summary itself.
const SUMMARY_CHARACTERS_MAX: usize = 1_024;

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The names in a text are a caller's choice. Slack takes `&`, `<` and `>` for markup.
fn slack(text: &str) -> Value {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json!({"text": escaped, "mrkdwn": false})
}

fn teams(text: &str) -> Value {
    // A plain run is not read as Markdown.
    let run = json!({"type": "TextRun", "text": text});
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [{"type": "RichTextBlock", "inlines": [run]}],
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_tally::alert::{AlertState, Finding, Rule};

    fn sent(event: Event) -> AlertNotification {
        let finding = Finding {
            rule: Rule::own("scan"),
            state: AlertState::Firing,
            value: Some(2.0),
            threshold: Some(1.0),
            ip: None,
            since_ms: Some(1_800_000_000_000),
            groups: Vec::new(),
            about: None,
        };
        let mut sent = AlertNotification::new(
            "an-id".to_owned(),
            event,
            &finding,
            Some(1_800_000_000_000),
            1_800_000_060_000,
        );
        sent.text = "a <b> & *c*".to_owned();
        sent
    }

    #[test]
    fn a_name_has_a_format_and_no_other_name_has_one() {
        assert_eq!(Format::from_name("slack"), Some(Format::Slack));
        assert_eq!(Format::from_name("Slack"), None);
        assert_eq!(Format::from_name(""), None);
    }

    #[test]
    fn text_of_a_caller_is_no_markup() {
        let slack = Format::Slack.alert(&sent(Event::Firing), "");
        assert_eq!(
            slack,
            json!({"text": "a &lt;b&gt; &amp; *c*", "mrkdwn": false})
        );
        let teams = Format::Teams.alert(&sent(Event::Firing), "");
        let run = &teams["attachments"][0]["content"]["body"][0]["inlines"][0];
        assert_eq!(run, &json!({"type": "TextRun", "text": "a <b> & *c*"}));
    }

    #[test]
    fn an_alert_and_its_end_have_the_same_key() {
        let of = |event| Format::PagerDuty.alert(&sent(event), "key");
        let (fires, over) = (of(Event::Firing), of(Event::Resolved));
        assert_eq!(fires["event_action"], "trigger");
        assert_eq!(over["event_action"], "resolve");
        assert_eq!(fires["dedup_key"], "rollcall-rules/scan");
        assert_eq!(fires["dedup_key"], over["dedup_key"]);
        assert_eq!(fires["routing_key"], "key");
        assert_eq!(fires["payload"]["timestamp"], "2027-01-15T08:01:00.000Z");
        let of = |event| Format::Alertmanager.alert(&sent(event), "");
        let (fires, over) = (of(Event::Firing), of(Event::Resolved));
        assert_eq!(fires[0]["labels"], over[0]["labels"]);
        assert_eq!(fires[0]["startsAt"], "2027-01-15T08:00:00.000Z");
        assert_eq!(fires[0].get("endsAt"), None);
        assert_eq!(over[0]["endsAt"], "2027-01-15T08:01:00.000Z");
    }
}

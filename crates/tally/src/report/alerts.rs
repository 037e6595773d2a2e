//! The state of the alerts, and the notification that the webhook receives.

use serde::{Deserialize, Serialize};

use crate::alert::{Event, Finding, FoundGroup, Rule};
use crate::report::{rfc3339, rfc3339_if_any, rfc3339_text};

/// The result of a check of the alerts.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertCheck {
    #[serde(rename = "checkedAt", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub checked_at_ms: u64,
    /// Share of the IPs asked that answered. `null`: too few answered, or no IP had to be asked.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub coverage: Option<f64>,
    /// Missing data and invalid settings, in words.
    pub warnings: Vec<String>,
    /// Every rule.
    pub alerts: Vec<Alert>,
}

/// The state of a rule, and its notification.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    #[serde(flatten)]
    pub finding: Finding,
    /// The time of the first check that found the rule firing. It is kept until the end of the
    /// alert was sent. `null`: the rule does not fire, or there is no webhook.
    #[serde(rename = "firingSince", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub firing_since_ms: Option<u64>,
    pub notification: Notification,
    /// Why a notification failed. Absent if none failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub failure: Option<String>,
}

/// The result of notifying the webhook of a rule.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Notification {
    /// There is no news.
    None,
    /// The notification was sent. It says that the rule fires or, if the rule is `ok`, that the
    /// alert is over.
    Sent,
    /// The rule fires, and the last notification is younger than the cool-down.
    Suppressed,
    /// The notification failed. The next check tries again.
    Failed,
    /// The rule fires, and there is no webhook.
    NotConfigured,
}

/// The notification that the webhook receives.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertNotification {
    /// The id of the notification. It stays the same if the notification is sent again.
    pub id: String,
    pub rule: Rule,
    pub state: Event,
    /// The measured value.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub value: Option<f64>,
    /// The rule fires if its value reaches this threshold.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub threshold: Option<f64>,
    /// Only for `requestsPerMinute`: the IP that made these requests.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ip: Option<String>,
    /// Only for a rule by groups: those that reach the threshold, the highest first. At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub groups: Vec<FoundGroup>,
    /// The time of the hits that count. `null` for `lagSeconds`.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub window: Option<AlertWindow>,
    /// The time of the first check that found the rule firing.
    #[serde(rename = "firingSince", with = "rfc3339_if_any")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub firing_since_ms: Option<u64>,
    /// The time of the measurement.
    #[serde(rename = "at", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at_ms: u64,
    /// The notification as a sentence for people.
    pub text: String,
    /// A path on Rollcall's own server.
    pub dashboard: String,
    /// An admin asked for it, to see that it arrives. Absent if not.
    #[serde(rename = "test", default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub is_test: bool,
}

/// The most groups that a text names.
const GROUPS_NAMED_MAX: usize = 5;

/// The time of the hits that count.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertWindow {
    #[serde(rename = "since", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since_ms: u64,
    #[serde(rename = "until", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub until_ms: u64,
}

impl AlertNotification {
    pub fn new(
        id: String,
        event: Event,
        finding: &Finding,
        firing_since_ms: Option<u64>,
        at_ms: u64,
    ) -> Self {
        let window = |since_ms| AlertWindow {
            since_ms,
            until_ms: at_ms,
        };
        Self {
            id,
            rule: finding.rule.clone(),
            state: event,
            value: finding.value,
            threshold: finding.threshold,
            ip: finding.ip.clone(),
            groups: finding.groups.clone(),
            window: finding.since_ms.map(window),
            firing_since_ms,
            at_ms,
            text: text(event, finding),
            dashboard: dashboard(event, finding),
            is_test: false,
        }
    }
}

fn text(event: Event, finding: &Finding) -> String {
    let value = finding.value.unwrap_or_default();
    let limit = finding.threshold.unwrap_or_default();
    let since = finding.since_ms.map(rfc3339_text).unwrap_or_default();
    let since = since.get(11..16).unwrap_or_default();
    let what = match &finding.rule {
        Rule::ErrorRate => {
            let (value, limit) = (100.0 * value, 100.0 * limit);
            format!(
                "{value:.1} % of the requests since {since} UTC are errors; the limit is {limit:.1} %"
            )
        }
        Rule::RequestsPerMinute => {
            let ip = finding.ip.as_deref().unwrap_or("nobody");
            format!(
                "{value:.1} requests a minute by {ip} since {since} UTC; the limit is {limit:.1}"
            )
        }
        Rule::NewIps => format!("{value} new IPs since {since} UTC; the limit is {limit}"),
        Rule::LagSeconds => {
            format!("hits have waited for {value:.1} s to be folded; the limit is {limit:.1} s")
        }
        Rule::Own(name) => {
            let watches = finding.about.as_ref().map_or("", |about| &about.watches);
            let (value, limit) = (number(value), number(limit));
            let is = if finding.groups.is_empty() {
                "is"
            } else {
                "is up to"
            };
            let groups = finding.groups.iter().take(GROUPS_NAMED_MAX);
            let groups = groups.map(|of| format!("{} ({})", of.name, number(of.value)));
            let groups = match groups.collect::<Vec<_>>().join(", ") {
                names if names.is_empty() => names,
                names => format!(": {names}"),
            };
            format!(
                "{name}: {watches} {is} {value} since {since} UTC; the limit is {limit}{groups}"
            )
        }
    };
    match event {
        Event::Firing => format!("Rollcall: {what}."),
        Event::Resolved => format!("Rollcall, resolved: {what}."),
    }
}

/// A value as people read it.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// The page that shows more. Once the alert is over, another IP is the busiest, so the page shows
/// all IPs.
fn dashboard(event: Event, finding: &Finding) -> String {
    if let Some(about) = &finding.about {
        return about.page.clone();
    }
    match (event, finding.ip.as_deref()) {
        (Event::Firing, Some(ip)) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("timeRange", "1h").append_pair("ip", ip);
            format!("/admin/?{}", query.finish())
        }
        _ => "/admin/?timeRange=1h".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alert::{AboutRule, AlertState};

    fn finding(rule: Rule) -> Finding {
        Finding {
            state: AlertState::Firing,
            value: Some(0.25),
            threshold: Some(0.05),
            ip: (rule == Rule::RequestsPerMinute).then(|| "2001:db8::1".to_owned()),
            since_ms: (rule != Rule::LagSeconds).then_some(1_800_000_000_000),
            groups: Vec::new(),
            about: None,
            rule,
        }
    }

    fn notify(event: Event, rule: Rule) -> AlertNotification {
        let id = "an-id".to_owned();
        AlertNotification::new(
            id,
            event,
            &finding(rule),
            Some(1_800_000_060_000),
            1_800_000_123_456,
        )
    }

    #[test]
    fn a_notification_has_this_shape() {
        let sent = notify(Event::Firing, Rule::ErrorRate);
        let expect = json!({
            "id": "an-id",
            "rule": "errorRate",
            "state": "firing",
            "value": 0.25,
            "threshold": 0.05,
            "ip": null,
            "window": {"since": "2027-01-15T08:00:00.000Z", "until": "2027-01-15T08:02:03.456Z"},
            "firingSince": "2027-01-15T08:01:00.000Z",
            "at": "2027-01-15T08:02:03.456Z",
            "text": "Rollcall: 25.0 % of the requests since 08:00 UTC are errors; the limit is 5.0 %.",
            "dashboard": "/admin/?timeRange=1h"
        });
        assert_eq!(serde_json::to_value(&sent).unwrap(), expect);
        assert_eq!(
            serde_json::from_value::<AlertNotification>(expect).unwrap(),
            sent
        );
    }

    #[test]
    fn people_read_what_happened() {
        let check = |event, rule, text: &str, dashboard: &str| {
            let sent = notify(event, rule);
            assert_eq!(
                (sent.text.as_str(), sent.dashboard.as_str()),
                (text, dashboard)
            );
        };
        check(
            Event::Firing,
            Rule::RequestsPerMinute,
            "Rollcall: 0.2 requests a minute by 2001:db8::1 since 08:00 UTC; the limit is 0.1.",
            "/admin/?timeRange=1h&ip=2001%3Adb8%3A%3A1",
        );
        check(
            Event::Resolved,
            Rule::NewIps,
            "Rollcall, resolved: 0.25 new IPs since 08:00 UTC; the limit is 0.05.",
            "/admin/?timeRange=1h",
        );
        check(
            Event::Firing,
            Rule::LagSeconds,
            "Rollcall: hits have waited for 0.2 s to be folded; the limit is 0.1 s.",
            "/admin/?timeRange=1h",
        );
        assert_eq!(notify(Event::Firing, Rule::LagSeconds).window, None);
        let own = Finding {
            value: Some(25.0),
            threshold: Some(20.0),
            groups: vec![FoundGroup {
                name: "192.0.2.1".to_owned(),
                value: 25.0,
            }],
            about: Some(AboutRule {
                watches: "requests by ip of status=404".to_owned(),
                page: "/admin/breakdown?by=ip".to_owned(),
            }),
            ..finding(Rule::own("scan"))
        };
        let sent = AlertNotification::new("an-id".to_owned(), Event::Firing, &own, None, 0);
        assert_eq!(
            (sent.text.as_str(), sent.dashboard.as_str()),
            (
                "Rollcall: rules/scan: requests by ip of status=404 is up to 25 since 08:00 UTC; \
                 the limit is 20: 192.0.2.1 (25).",
                "/admin/breakdown?by=ip"
            )
        );
    }

    #[test]
    fn a_check_has_this_shape() {
        let alert = |rule, notification, failure: Option<&str>| Alert {
            finding: finding(rule),
            firing_since_ms: None,
            notification,
            failure: failure.map(str::to_owned),
        };
        let check = AlertCheck {
            checked_at_ms: 1_800_000_000_000,
            coverage: Some(1.0),
            warnings: Vec::new(),
            alerts: vec![
                alert(
                    Rule::RequestsPerMinute,
                    Notification::Failed,
                    Some("answered 500"),
                ),
                alert(Rule::LagSeconds, Notification::NotConfigured, None),
            ],
        };
        let expect = json!({
            "checkedAt": "2027-01-15T08:00:00.000Z",
            "coverage": 1.0,
            "warnings": [],
            "alerts": [
                {
                    "rule": "requestsPerMinute", "state": "firing", "value": 0.25, "threshold": 0.05, "ip": "2001:db8::1",
                    "since": "2027-01-15T08:00:00.000Z", "firingSince": null, "notification": "failed", "failure": "answered 500"
                },
                {
                    "rule": "lagSeconds", "state": "firing", "value": 0.25, "threshold": 0.05, "ip": null,
                    "since": null, "firingSince": null, "notification": "notConfigured"
                }
            ]
        });
        assert_eq!(serde_json::to_value(&check).unwrap(), expect);
        assert_eq!(serde_json::from_value::<AlertCheck>(expect).unwrap(), check);
    }
}

//! The form of the page of names and rules: what it saves, deletes and tests.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use rollcall_tally::DocumentKind;
use rollcall_tally::report::Alert;
use rollcall_web::{Problem, body, call};
use serde_json::{Map, Value, json};
use spin_sdk::http::Request;

use crate::texts::Text;
use crate::{aggregator, documents};

/// What was done, or why it was not.
pub struct Said {
    pub title: Text,
    pub details: Vec<String>,
    pub status: StatusCode,
}

/// Does what a form asks for.
pub async fn carry_out(request: Request) -> Result<Said, Problem> {
    let form = body::read(request, rollcall_tally::document::BODY_BYTES_MAX).await?;
    let form = Form::read(&form);
    let (name, plural) = (form.text("name"), form.text("kind"));
    let mut kinds = DocumentKind::EVERY.into_iter();
    let kind = kinds.find(|kind| kind.plural() == plural);
    let kind = kind.ok_or_else(Problem::not_found)?;
    let (done, title) = match form.text("do") {
        "save" => {
            let json = form.json(kind).to_string();
            let saved = documents::save(kind, name, json.as_bytes()).await;
            (saved.map(|_| Vec::new()), t!("{} is saved.", name))
        }
        "delete" => {
            let deleted = documents::delete(kind, name).await;
            (deleted.map(|_| Vec::new()), t!("{} is deleted.", name))
        }
        "test" => (test(name).await, t!("{} is tested.", name)),
        _ => return Err(Problem::not_found()),
    };
    Ok(match done {
        Ok(details) => Said {
            title,
            details,
            status: StatusCode::OK,
        },
        Err(problem) => {
            let bad = problem.invalid_params().iter();
            let mut details: Vec<String> = bad
                .map(|bad| format!("{}: {}", bad.name, bad.reason))
                .collect();
            if details.is_empty() {
                details.extend(problem.detail().map(str::to_owned));
            }
            Said {
                title: t!("{} is as before.", name),
                details,
                status: problem.status(),
            }
        }
    })
}

/// Tests a rule. Says what it found.
async fn test(name: &str) -> Result<Vec<String>, Problem> {
    let argument = call::encode(&name.to_owned())?;
    let answer = aggregator::exchange("/test-rule", HeaderMap::new(), argument).await?;
    let status = answer.status();
    let body: Bytes = aggregator::whole(answer.into_body()).await?;
    let tested: Result<Alert, _> = serde_json::from_slice(&body);
    let Ok(tested) = tested else {
        return Err(Problem::new(status, "The rule could not be tested."));
    };
    let finding = tested.finding;
    let number = |value: Option<f64>| value.map_or("unknown".to_owned(), |value| value.to_string());
    let mut details = vec![format!(
        "Its value is {}, its limit is {}.",
        number(finding.value),
        number(finding.threshold)
    )];
    details.extend(
        finding
            .groups
            .iter()
            .map(|of| format!("{}: {}", of.name, of.value)),
    );
    let notification = serde_json::to_value(tested.notification).unwrap_or_default();
    let notification = notification.as_str().unwrap_or_default().to_owned();
    details.push(match tested.failure {
        Some(failure) => format!("The notification failed: {failure}."),
        None => format!("The notification: {notification}."),
    });
    Ok(details)
}

/// The fields of a form.
struct Form(BTreeMap<String, String>);

impl Form {
    fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    /// The lines that have a text.
    fn lines(&self, name: &str) -> Vec<&str> {
        let lines = self.text(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).collect()
    }

    fn number(&self, name: &str) -> Value {
        let text = self.text(name);
        text.parse::<f64>().map_or_else(
            |_| json!(text),
            |number| match number.fract() == 0.0 && (0.0..1e15).contains(&number) {
                true => json!(number as u64),
                false => json!(number),
            },
        )
    }

    /// The document of a form. A field that is not given has its default.
    fn json(&self, kind: DocumentKind) -> Value {
        let is_checked = |name: &str| !self.text(name).is_empty();
        match kind {
            DocumentKind::Label => {
                let ips = self.text("ips").split([' ', ',', '\n', '\r', '\t']);
                let ips: Vec<&str> = ips.filter(|ip| !ip.is_empty()).collect();
                json!({
                    "ips": ips,
                    "networks": self.lines("networks"),
                    "consumers": self.lines("consumers"),
                    "leftOut": is_checked("leftOut"),
                    "about": self.text("about"),
                })
            }
            // A field for a time of the day has no seconds and no zone.
            DocumentKind::Note => {
                let at = self.text("at");
                let at = if at.len() == 16 {
                    format!("{at}:00Z")
                } else {
                    at.to_owned()
                };
                json!({"at": at, "text": self.text("text")})
            }
            DocumentKind::View => json!({"path": self.text("path")}),
            DocumentKind::Rule => {
                let filter = form_urlencoded::parse(self.text("filter").as_bytes());
                let filter: BTreeMap<_, _> = filter.into_owned().collect();
                let mut rule = Map::new();
                rule.insert("metric".to_owned(), json!(self.text("metric")));
                rule.insert("filter".to_owned(), json!(filter));
                for name in ["by", "timeRange", "compare"] {
                    if is_checked(name) {
                        rule.insert(name.to_owned(), json!(self.text(name)));
                    }
                }
                rule.insert("threshold".to_owned(), self.number("threshold"));
                for name in ["minRequests", "coolDownMinutes"] {
                    if is_checked(name) {
                        rule.insert(name.to_owned(), self.number(name));
                    }
                }
                rule.insert("off".to_owned(), json!(is_checked("off")));
                Value::Object(rule)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_a_document() {
        let check = |kind: DocumentKind, form: &str, expect: &str| {
            let json = Form::read(form.as_bytes()).json(kind).to_string();
            assert_eq!(kind.read(json.as_bytes()).as_deref(), Ok(expect), "{form}");
        };
        check(
            DocumentKind::Label,
            "ips=192.0.2.1%2C+192.0.2.2%0D%0A%3A%3A1&networks=AS1+A%2C+Inc.%0D%0A&leftOut=on&consumers=",
            r#"{"ips":["192.0.2.1","192.0.2.2","::1"],"networks":["AS1 A, Inc."],"consumers":[],"leftOut":true,"about":""}"#,
        );
        check(
            DocumentKind::Note,
            "at=2026-11-28T10:00&text=Deployed",
            r#"{"at":"2026-11-28T10:00:00.000Z","text":"Deployed"}"#,
        );
        check(
            DocumentKind::Rule,
            "metric=requests&by=ip&filter=status%3D404%26path%3D%252Flogin&threshold=20&minRequests=&compare=above&timeRange=10m",
            r#"{"metric":"requests","by":"ip","filter":{"path":"/login","status":"404"},"timeRange":"10m","compare":"above","threshold":20.0,"minRequests":1,"coolDownMinutes":30,"off":false}"#,
        );
        check(
            DocumentKind::Rule,
            "metric=errorRate&by=&filter=&threshold=0.5&coolDownMinutes=5&off=on",
            r#"{"metric":"errorRate","filter":{},"timeRange":"10m","compare":"above","threshold":0.5,"minRequests":1,"coolDownMinutes":5,"off":true}"#,
        );
    }

    #[test]
    fn a_threshold_that_is_no_number_is_refused_by_the_rule() {
        let json = Form::read(b"metric=requests&threshold=many").json(DocumentKind::Rule);
        let refused = DocumentKind::Rule
            .read(json.to_string().as_bytes())
            .unwrap_err();
        assert!(refused[0].reason.contains("f64"), "{refused:?}");
    }
}

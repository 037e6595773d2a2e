//! Whether a path can go: the verdict, the IPs that still call it, and a check for CI.

use askama::Template;
use rollcall_tally::question::{AnySurvey, Question};
use rollcall_tally::reports::{PathCaller, RetirementReport, Verdict};

use crate::dashboard::format::{self, Moment};
use crate::dashboard::parts::{self, Country, Frame};
use crate::texts::Text;

#[derive(Template)]
#[template(path = "retirement.html")]
pub struct RetirementPage {
    frame: Frame,
    /// The page of the path.
    path_page: String,
    /// `well` or `unwell`.
    tone: &'static str,
    verdict: Text,
    since: Option<Moment>,
    last_seen: Option<Moment>,
    root: u64,
    reasons: Vec<String>,
    total: String,
    has_every_caller: bool,
    has_more: bool,
    callers: Vec<CallerRow>,
    check: String,
}

struct CallerRow {
    ip: String,
    labels: Vec<String>,
    page: Option<String>,
    requests: String,
    country: Option<Country>,
    network: String,
    last_seen: Option<Moment>,
}

impl RetirementPage {
    pub fn new(frame: Frame, survey: &AnySurvey, report: &RetirementReport) -> Self {
        let (tone, verdict) = match report.verdict {
            Verdict::Unused => ("well", t!("Yes: nobody called it")),
            Verdict::Used => ("unwell", t!("No: it was called")),
            Verdict::Unknown => (
                "unwell",
                t!("Not known: no call was found, but one may be missing"),
            ),
        };
        let country = |code: &str| Country::new(survey.scope(), code);
        let row = |caller: &PathCaller| CallerRow {
            page: parts::ip_page(survey.scope(), &caller.ip),
            ip: caller.ip.clone(),
            labels: caller.labels.clone(),
            requests: format::count(caller.total_requests),
            country: caller.country.as_deref().map(country),
            network: caller.network.clone().unwrap_or_else(|| "–".to_owned()),
            last_seen: caller.last_seen_ms.map(Moment::short),
        };
        Self {
            path_page: parts::path_page(survey.scope(), &report.path_key),
            tone,
            verdict,
            since: report.provenance.from_ms.map(Moment::new),
            last_seen: report.last_seen_ms.map(Moment::new),
            root: report.root,
            reasons: report.reasons.clone(),
            total: format::count(report.total_callers),
            has_every_caller: report.has_every_caller,
            has_more: report.total_callers > report.callers.len() as u64,
            callers: report.callers.iter().map(row).collect(),
            check: check(survey),
            frame,
        }
    }
}

/// A command that fails unless the path is unused.
fn check(survey: &AnySurvey) -> String {
    let text = survey.write();
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let question = Question::Survey(survey.clone());
    let path = question.about().path;
    format!(
        "curl -fsS -H \"Authorization: Bearer $TOKEN\" -H 'Cache-Control: no-cache' \\\n  \
         \"$ROLLCALL{path}?{query}\" |\n  grep -q '\"verdict\":\"unused\"'"
    )
}

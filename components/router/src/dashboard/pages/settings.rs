//! The page of names and rules: labels, notes, saved views, and rules of alerts.

use askama::Template;
use rollcall_tally::Filter;
use rollcall_tally::condition::literal;
use rollcall_tally::document::{Compare, Documents, Named};
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::Scope;
use rollcall_tally::reports::Metric;

use super::breakdown;
use crate::access::Visitor;
use crate::dashboard::format::Moment;
use crate::dashboard::link::{self, SETTINGS};
use crate::dashboard::places;
use crate::dashboard::settings::Said;
use crate::keys::Role;
use crate::texts::Text;

/// A link to another page.
struct Link {
    text: Text,
    href: String,
}

/// A field of a form.
struct Field {
    name: &'static str,
    label: Text,
    /// The type of an input, or `lines`.
    kind: &'static str,
    example: &'static str,
    is_required: bool,
    /// Values and their texts.
    choices: Vec<(&'static str, Text)>,
}

struct Row {
    name: String,
    href: Option<String>,
    cells: Vec<Text>,
    changed: Moment,
    is_rule: bool,
}

/// The documents of one kind.
struct Section {
    kind: &'static str,
    title: Text,
    about: Text,
    columns: Vec<Text>,
    rows: Vec<Row>,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "settings.html")]
pub struct SettingsPage {
    places: Vec<Link>,
    here: &'static str,
    by_cookie: bool,
    may_write: bool,
    said: Option<Said>,
    sections: Vec<Section>,
}

impl SettingsPage {
    pub fn new(documents: &Documents, visitor: Visitor, said: Option<Said>) -> Self {
        let places = places::always(&Scope::default()).into_iter();
        let places = places.map(|(text, survey)| Link {
            text,
            href: link::page(&survey),
        });
        let live = Link {
            text: t!("Live"),
            href: link::live(&Filter::default()),
        };
        Self {
            places: places.chain([live]).collect(),
            here: SETTINGS,
            by_cookie: visitor.by_cookie,
            may_write: visitor.role == Role::Admin,
            said,
            sections: vec![
                labels(documents),
                rules(documents),
                notes(documents),
                views(documents),
            ],
        }
    }
}

fn field(name: &'static str, label: Text, kind: &'static str, example: &'static str) -> Field {
    Field {
        name,
        label,
        kind,
        example,
        is_required: matches!(name, "name" | "threshold" | "text" | "at" | "path"),
        choices: Vec::new(),
    }
}

fn choice(
    name: &'static str,
    label: Text,
    choices: impl IntoIterator<Item = (&'static str, Text)>,
) -> Field {
    Field {
        choices: choices.into_iter().collect(),
        ..field(name, label, "text", "")
    }
}

fn row<T>(of: &Named<T>, href: Option<String>, cells: Vec<Text>) -> Row {
    Row {
        name: of.name.clone(),
        href,
        cells,
        changed: Moment::new(of.changed_at_ms),
        is_rule: false,
    }
}

fn labels(documents: &Documents) -> Section {
    let rows = documents.labels.iter().map(|of| {
        let label = &of.content;
        let only = Scope {
            filter: Filter {
                label: Some(literal(&of.name)),
                ..Filter::default()
            },
            ..Scope::default()
        };
        let has_ips = !label.ips.is_empty() || !label.networks.is_empty();
        let href = has_ips.then(|| link::page(&places::overview(only)));
        let members = [&label.ips, &label.networks, &label.consumers];
        let members: Vec<&str> = members.into_iter().flatten().map(String::as_str).collect();
        let left_out = match label.left_out {
            true => t!("yes"),
            false => t!("no"),
        };
        let cells = vec![
            members.join(", ").into(),
            left_out,
            label.about.clone().into(),
        ];
        row(of, href, cells)
    });
    Section {
        kind: "labels",
        title: t!("Labels"),
        about: t!(
            "A label gives callers a name. Lists show it, and pages can be filtered by it. If its hits are left out, they count only where somebody asks for them."
        ),
        columns: vec![t!("Callers"), t!("Left out"), t!("About")],
        rows: rows.collect(),
        fields: vec![
            field("name", t!("Name"), "text", ""),
            field(
                "ips",
                t!("Addresses and their networks"),
                "lines",
                "192.0.2.0/24",
            ),
            field("networks", t!("Networks, one a line"), "lines", "AS64500"),
            field("consumers", t!("Consumers, one a line"), "lines", ""),
            field("about", t!("About"), "text", ""),
            field("leftOut", t!("Leave its hits out"), "checkbox", ""),
        ],
    }
}

fn rules(documents: &Documents) -> Section {
    let rows = documents.rules.iter().map(|of| {
        let rule = &of.content;
        let href = (rule.by.as_deref() == Some("ip")).then(|| link::list(&of.name));
        let threshold = rule.threshold.to_string();
        let fires = match rule.compare {
            Compare::Above => t!("from {} on", threshold),
            Compare::Below => t!("below {}", threshold),
            Compare::TimesUsual => t!("from {} times the usual on", threshold),
        };
        let state = match rule.off {
            true => t!("off"),
            false => t!("on"),
        };
        let cells = vec![
            rule.watches().into(),
            fires,
            rule.time_range.clone().into(),
            state,
        ];
        Row {
            is_rule: true,
            ..row(of, href, cells)
        }
    });
    let metrics = Metric::EVERY
        .iter()
        .map(|metric| (metric.name(), title(*metric)));
    let by = Grouping::EVERY.map(|by| (by.name(), breakdown::title(by)));
    let by = [("", t!("all hits together"))].into_iter().chain(by);
    Section {
        kind: "rules",
        title: t!("Rules"),
        about: t!(
            "A rule watches a number. While the number reaches its threshold, the receiver of the alerts is notified. The name of a rule by IP leads to its list for firewalls."
        ),
        columns: vec![t!("Watches"), t!("Fires"), t!("Window"), t!("State")],
        rows: rows.collect(),
        fields: vec![
            field("name", t!("Name"), "text", ""),
            choice("metric", t!("Number"), metrics),
            choice("by", t!("Of each"), by),
            field("filter", t!("Filter"), "text", "status=404&path=/login"),
            choice(
                "timeRange",
                t!("Window"),
                [
                    ("10m", t!("5 to 10 minutes")),
                    ("1h", t!("1 hour")),
                    ("24h", t!("24 hours")),
                    ("7d", t!("7 days")),
                ],
            ),
            choice(
                "compare",
                t!("Fires"),
                [
                    ("above", t!("from the threshold on")),
                    ("below", t!("below the threshold")),
                    ("timesUsual", t!("from so many times the usual on")),
                ],
            ),
            field("threshold", t!("Threshold"), "number", "20"),
            field(
                "minRequests",
                t!("With at least so many requests"),
                "number",
                "1",
            ),
            field(
                "coolDownMinutes",
                t!("Minutes between notifications"),
                "number",
                "30",
            ),
            field("off", t!("Off"), "checkbox", ""),
        ],
    }
}

fn notes(documents: &Documents) -> Section {
    let rows = documents.notes.iter().map(|of| {
        let note = &of.content;
        row(
            of,
            None,
            vec![note.at.clone().into(), note.text.clone().into()],
        )
    });
    Section {
        kind: "notes",
        title: t!("Notes"),
        about: t!("A note says what happened at a moment, as a deployment. Charts show it."),
        columns: vec![t!("At"), t!("Text")],
        rows: rows.collect(),
        fields: vec![
            field("name", t!("Name"), "text", ""),
            field("at", t!("At (UTC)"), "datetime-local", ""),
            field("text", t!("Text"), "text", ""),
        ],
    }
}

fn views(documents: &Documents) -> Section {
    let rows = documents.views.iter().map(|of| {
        let path = of.content.path.clone();
        row(of, Some(path.clone()), vec![path.into()])
    });
    Section {
        kind: "views",
        title: t!("Saved views"),
        about: t!("A saved view is a page with its filters. All who may sign in see it."),
        columns: vec![t!("Page")],
        rows: rows.collect(),
        fields: vec![
            field("name", t!("Name"), "text", ""),
            field(
                "path",
                t!("Path, as the browser shows it"),
                "text",
                "/admin/?timeRange=7d&status=5xx",
            ),
        ],
    }
}

/// The name of a number for people.
fn title(metric: Metric) -> Text {
    match metric {
        Metric::Requests => t!("Requests"),
        Metric::UniqueIps => t!("Unique IPs"),
        Metric::Errors => t!("Errors"),
        Metric::ErrorRate => t!("Error rate"),
        Metric::Bytes => t!("Bytes"),
        Metric::AvgResponseTime => t!("Average response time"),
        Metric::P50ResponseTime => t!("p50 response time"),
        Metric::P95ResponseTime => t!("p95 response time"),
        Metric::P99ResponseTime => t!("p99 response time"),
        Metric::NewIps => t!("New IPs"),
    }
}

//! The page of names and rules: labels, notes, saved views, and rules of alerts.

use askama::Template;
use rollcall_tally::document::{Documents, Named};
use rollcall_tally::hit::Grouping;
use rollcall_tally::question::Scope;
use rollcall_tally::reports::Metric;

use crate::access::Visitor;
use crate::dashboard::format::Moment;
use crate::dashboard::link::{self, SETTINGS};
use crate::dashboard::places;
use crate::dashboard::settings::Said;
use crate::keys::Role;

/// A link to another page.
struct Link {
    text: &'static str,
    href: String,
}

/// A field of a form.
struct Field {
    name: &'static str,
    label: &'static str,
    /// The type of an input, or `lines`.
    kind: &'static str,
    example: &'static str,
    is_required: bool,
    /// Values and their texts.
    choices: Vec<(String, String)>,
}

struct Row {
    name: String,
    href: Option<String>,
    cells: Vec<String>,
    changed: Moment,
    is_rule: bool,
}

/// The documents of one kind.
struct Section {
    kind: &'static str,
    title: &'static str,
    about: &'static str,
    columns: Vec<&'static str>,
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
        Self {
            places: places.collect(),
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

fn field(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    example: &'static str,
) -> Field {
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
    label: &'static str,
    choices: impl IntoIterator<Item = (&'static str, &'static str)>,
) -> Field {
    let choices = choices.into_iter();
    Field {
        choices: choices
            .map(|(value, text)| (value.to_owned(), text.to_owned()))
            .collect(),
        ..field(name, label, "text", "")
    }
}

fn row<T>(of: &Named<T>, href: Option<String>, cells: Vec<String>) -> Row {
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
            filter: rollcall_tally::Filter {
                label: Some(rollcall_tally::condition::literal(&of.name)),
                ..Default::default()
            },
            ..Scope::default()
        };
        let has_ips = !label.ips.is_empty() || !label.networks.is_empty();
        let href = has_ips.then(|| link::page(&places::overview(only)));
        let members = [&label.ips, &label.networks, &label.consumers];
        let members: Vec<&str> = members.into_iter().flatten().map(String::as_str).collect();
        let left_out = if label.left_out { "yes" } else { "no" };
        row(
            of,
            href,
            vec![members.join(", "), left_out.to_owned(), label.about.clone()],
        )
    });
    Section {
        kind: "labels",
        title: "Labels",
        about: "A label gives callers a name. It is shown beside them, and can be filtered by. The \
                hits of a label that is left out count only where somebody asks for them.",
        columns: vec!["Callers", "Left out", "About"],
        rows: rows.collect(),
        fields: vec![
            field("name", "Name", "text", "office"),
            field(
                "ips",
                "Addresses and their networks",
                "lines",
                "192.0.2.0/24",
            ),
            field("networks", "Networks, one a line", "lines", "AS64500"),
            field("consumers", "Consumers, one a line", "lines", "partner key"),
            field("about", "About", "text", "Our own office"),
            field("leftOut", "Leave its hits out", "checkbox", ""),
        ],
    }
}

fn rules(documents: &Documents) -> Section {
    let rows = documents.rules.iter().map(|of| {
        let rule = &of.content;
        let href = (rule.by.as_deref() == Some("ip")).then(|| link::list(&of.name));
        let compare = serde_json::to_value(rule.compare).unwrap_or_default();
        let compare = match compare.as_str().unwrap_or_default() {
            "below" => "below",
            "timesUsual" => "times the usual, from",
            _ => "from",
        };
        let state = if rule.off { "off" } else { "on" };
        let cells = vec![
            rule.watches(),
            format!("{compare} {}", rule.threshold),
            rule.time_range.clone(),
            state.to_owned(),
        ];
        Row {
            is_rule: true,
            ..row(of, href, cells)
        }
    });
    let metrics = Metric::EVERY
        .iter()
        .map(|metric| (metric.name(), metric.name()));
    let by = Grouping::EVERY.map(|by| (by.name(), by.name()));
    let by = [("", "all hits together")].into_iter().chain(by);
    Section {
        kind: "rules",
        title: "Rules",
        about: "A rule watches a number. While it reaches its threshold, the receiver of the alerts \
                is notified. The name of a rule by IP leads to its list for firewalls.",
        columns: vec!["Watches", "Fires", "Window", "State"],
        rows: rows.collect(),
        fields: vec![
            field("name", "Name", "text", "scan"),
            choice("metric", "Number", metrics),
            choice("by", "Of each", by),
            field("filter", "Filter", "text", "status=404&path=/login"),
            choice(
                "timeRange",
                "Window",
                [
                    ("10m", "5 to 10 minutes"),
                    ("1h", "1 hour"),
                    ("24h", "24 hours"),
                    ("7d", "7 days"),
                ],
            ),
            choice(
                "compare",
                "Fires",
                [
                    ("above", "from the threshold on"),
                    ("below", "below the threshold"),
                    ("timesUsual", "from so many times the usual on"),
                ],
            ),
            field("threshold", "Threshold", "number", "20"),
            field("minRequests", "With at least so many hits", "number", "1"),
            field(
                "coolDownMinutes",
                "Minutes between notifications",
                "number",
                "30",
            ),
            field("off", "Off", "checkbox", ""),
        ],
    }
}

fn notes(documents: &Documents) -> Section {
    let rows = documents.notes.iter().map(|of| {
        let note = &of.content;
        row(of, None, vec![note.at.clone(), note.text.clone()])
    });
    Section {
        kind: "notes",
        title: "Notes",
        about: "A note says what happened at a moment, as a deployment. Charts show it.",
        columns: vec!["At", "Text"],
        rows: rows.collect(),
        fields: vec![
            field("name", "Name", "text", "deployment 1.2"),
            field("at", "At (UTC)", "datetime-local", ""),
            field("text", "Text", "text", "Deployed 1.2"),
        ],
    }
}

fn views(documents: &Documents) -> Section {
    let rows = documents.views.iter().map(|of| {
        let path = of.content.path.clone();
        row(of, Some(path.clone()), vec![path])
    });
    Section {
        kind: "views",
        title: "Saved views",
        about: "A saved view is a page with its filters. All who may sign in see it.",
        columns: vec!["Page"],
        rows: rows.collect(),
        fields: vec![
            field("name", "Name", "text", "errors of the week"),
            field(
                "path",
                "Path, as the browser shows it",
                "text",
                "/admin/?timeRange=7d&status=5xx",
            ),
        ],
    }
}

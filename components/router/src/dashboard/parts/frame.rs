//! The frame of every page: links to other pages, windows, filters and exports.

use rollcall_tally::interval::{self, Interval};
use rollcall_tally::question::{
    AnySurvey, DateRange, ExportFormat, Ip, Path, Place, Retirement, Scope,
};
use rollcall_tally::report::Provenance;
use rollcall_tally::{Filter, StatusClass, Window, condition};

use super::health::Health;
use super::scope::{of_path, rescoped};
use crate::dashboard::format::Moment;
use crate::dashboard::link::{self, Condition};
use crate::dashboard::places;

/// A link. It may lead to the page that is shown.
pub struct Link {
    pub text: &'static str,
    pub href: String,
    pub is_current: bool,
}

/// A condition of the filter, and a link to the page without it.
pub struct Chip {
    pub label: &'static str,
    pub value: String,
    pub without: String,
}

/// A field of the form that sets the filter.
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    /// Values that are suggested. Other texts can be given, too.
    pub suggestions: Vec<&'static str>,
    pub example: &'static str,
}

/// The form that sets the first and the last day.
pub struct Days {
    pub form: link::Form,
    pub from: String,
    pub to: String,
    /// What is shown, in words. None: one of the windows.
    pub shown: Option<String>,
}

/// The frame of a page that shows an answer.
pub struct Frame {
    pub title: String,
    pub places: Vec<Link>,
    pub ranges: Vec<Link>,
    pub chips: Vec<Chip>,
    pub fields: Vec<Field>,
    pub filter_form: link::Form,
    pub days: Days,
    /// The page with no filter.
    pub unfiltered: String,
    /// The page that is shown.
    pub here: String,
    pub exports: Vec<Link>,
    /// In words.
    pub export_range: String,
    pub as_of: Moment,
    pub is_stale: bool,
    pub warnings: Vec<String>,
    pub health: Vec<Health>,
    /// A person who can sign out.
    pub by_cookie: bool,
}

impl Frame {
    pub fn new(title: String, survey: &AnySurvey, provenance: &Provenance) -> Self {
        let Scope { window, filter, .. } = survey.scope().clone();
        let exported = match survey {
            AnySurvey::Ip(Ip { ip, .. }) => Condition::Ip.set(&filter, Some(&ip.to_string())),
            AnySurvey::Path(Path { key, .. }) | AnySurvey::Retirement(Retirement { key, .. }) => {
                of_path(&filter, key).unwrap_or(filter)
            }
            _ => filter,
        };
        let exports = ExportFormat::EVERY.map(|format| Link {
            text: match format {
                ExportFormat::Json => "JSON",
                ExportFormat::Csv => "CSV",
                ExportFormat::Ndjson => "NDJSON",
            },
            href: link::export(window, exported.clone(), format),
            is_current: false,
        });
        Self {
            title,
            places: places(survey),
            ranges: ranges(survey),
            chips: chips(survey),
            fields: fields(survey),
            filter_form: link::filter_form(survey),
            days: days(survey),
            unfiltered: rescoped(survey, window, Filter::default()),
            here: link::page(survey),
            exports: exports.into(),
            export_range: exported_range(window),
            as_of: Moment::new(provenance.as_of_ms),
            is_stale: false,
            warnings: provenance.warnings.clone(),
            health: Vec::new(),
            by_cookie: false,
        }
    }
}

fn places(survey: &AnySurvey) -> Vec<Link> {
    let place = |(text, there): (&'static str, AnySurvey)| Link {
        text,
        href: link::page(&there),
        is_current: std::mem::discriminant(&there) == std::mem::discriminant(survey),
    };
    places::always(survey.scope())
        .into_iter()
        .map(place)
        .collect()
}

fn ranges(survey: &AnySurvey) -> Vec<Link> {
    let Scope { window, filter, .. } = survey.scope();
    let range = |to: Window| Link {
        text: to.name(),
        href: rescoped(survey, to, filter.clone()),
        is_current: to == *window,
    };
    Window::EVERY.map(range).into()
}

fn days(survey: &AnySurvey) -> Days {
    let interval = survey.scope().window.interval();
    let day = |moment: Option<interval::Moment>| match moment {
        Some(day @ interval::Moment::Day(_)) => day.text(),
        _ => String::new(),
    };
    Days {
        form: link::days_form(survey),
        from: day(interval.from),
        to: day(interval.to),
        shown: interval.is_given().then(|| in_words(interval)),
    }
}

fn in_words(interval: Interval) -> String {
    match (interval.from, interval.to) {
        (Some(from), Some(to)) => format!("{} to {}", from.text(), to.text()),
        (Some(from), None) => format!("since {}", from.text()),
        (None, Some(to)) => format!("until {}", to.text()),
        (None, None) => String::new(),
    }
}

fn exported_range(window: Window) -> String {
    match link::export_range(window) {
        DateRange::Between(interval) => in_words(interval),
        range => format!("of the last {}", range.name()),
    }
}

/// A condition for people: `not GET or PUT`.
fn in_words_of(condition: &str) -> String {
    let (is_not, values) = condition::split(condition);
    let values: Vec<_> = values.collect();
    let not = if is_not { "not " } else { "" };
    format!("{not}{}", values.join(" or "))
}

fn chips(survey: &AnySurvey) -> Vec<Chip> {
    let Scope { window, filter, .. } = survey.scope();
    let chip = |condition: Condition| {
        Some(Chip {
            label: condition.label(),
            value: in_words_of(&condition.of(filter)?),
            without: rescoped(survey, *window, condition.set(filter, None)),
        })
    };
    Condition::EVERY.into_iter().filter_map(chip).collect()
}

/// A field for each condition that the page takes.
fn fields(survey: &AnySurvey) -> Vec<Field> {
    let filter = &survey.scope().filter;
    let mut asked = survey.clone();
    let taken: Vec<&str> = asked
        .ask()
        .parameters()
        .into_iter()
        .filter(|parameter| parameter.place == Place::Filter)
        .map(|parameter| parameter.name)
        .collect();
    let wanted = |condition: &Condition| taken.contains(&condition.parameter());
    let field = |condition: Condition| Field {
        name: condition.parameter(),
        label: condition.label(),
        value: condition.of(filter).unwrap_or_default(),
        suggestions: match condition {
            Condition::Status => StatusClass::EVERY.map(StatusClass::name).into(),
            _ => Vec::new(),
        },
        example: match condition {
            Condition::Ip => "192.0.2.0/24, !10.0.0.0/8",
            Condition::PathPrefix => "/users",
            Condition::Path => "!/healthz",
            Condition::Method => "GET|PUT",
            Condition::Status => "404, 4xx|5xx",
            Condition::Country => "DE",
            Condition::Network => "AS13335",
        },
    };
    Condition::EVERY
        .into_iter()
        .filter(wanted)
        .map(field)
        .collect()
}

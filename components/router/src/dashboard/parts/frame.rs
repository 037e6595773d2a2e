//! The frame of every page: links to other pages, windows, filters and exports.

use rollcall_tally::interval::{self, Interval};
use rollcall_tally::question::{AnySurvey, DateRange, ExportFormat, Place, Scope};
use rollcall_tally::report::Provenance;
use rollcall_tally::{Filter, Grouping, StatusClass, Window, condition};

use super::health::Health;
use super::notes::{Notes, View};
use super::period;
use super::scope::{of_hits, rescoped};
use super::tone;
use crate::dashboard::format::Moment;
use crate::dashboard::link::{self, Condition};
use crate::dashboard::places;
use crate::local::HOME;
use crate::texts::{Say as _, Text, warned};

/// A link. It may lead to the page that is shown.
pub struct Link {
    pub text: Text,
    pub href: String,
    pub is_current: bool,
}

/// A condition of the filter, and a link to the page without it.
pub struct Chip {
    pub label: Text,
    pub value: Text,
    /// See [`tone`].
    pub tone: &'static str,
    pub without: String,
}

/// A field of the form that sets the filter.
pub struct Field {
    pub name: &'static str,
    pub label: Text,
    pub value: String,
    /// Values that are suggested. Other texts can be given, too.
    pub suggestions: Vec<&'static str>,
    pub example: &'static str,
    /// The breakdown that the script takes more suggestions from.
    pub by: &'static str,
}

/// The form that sets the first and the last day.
pub struct Days {
    pub form: link::Form,
    pub from: String,
    pub to: String,
    /// The days that are shown, in words. None: one of the windows.
    pub shown: Option<Text>,
    /// The moments between which hits count, if the interval has moments.
    pub counted: Option<(Moment, Moment)>,
}

/// The frame of a page that shows an answer.
pub struct Frame {
    pub title: Text,
    pub places: Vec<Link>,
    pub ranges: Vec<Link>,
    /// The live page with this filter.
    pub live: Link,
    /// The page of labels, notes, saved views and rules.
    pub settings: &'static str,
    /// The page of the period before. See [`period`].
    pub earlier: Option<String>,
    /// The page of the period after.
    pub later: Option<String>,
    pub chips: Vec<Chip>,
    pub fields: Vec<Field>,
    pub filter_form: link::Form,
    pub days: Days,
    /// The page with no filter.
    pub unfiltered: String,
    /// The page that is shown.
    pub here: String,
    /// The answer that is shown, as the API gives it.
    pub json: String,
    pub exports: Vec<Link>,
    /// In words.
    pub export_range: Text,
    pub as_of: Moment,
    pub is_stale: bool,
    pub warnings: Vec<Text>,
    pub health: Vec<Health>,
    /// A person who can sign out.
    pub by_cookie: bool,
    /// An admin, who can save a view.
    pub may_write: bool,
    pub notes: Notes,
    pub views: Vec<View>,
}

impl Frame {
    pub fn new(title: impl Into<Text>, survey: &AnySurvey, provenance: &Provenance) -> Self {
        let Scope { window, filter, .. } = survey.scope().clone();
        let (earlier, later) = match survey {
            // Of an interval further back, the period before is not kept as finely.
            AnySurvey::Movers(_) => (None, None),
            _ => period::around(window, provenance),
        };
        let of_window = |to: Window| rescoped(survey, to, filter.clone());
        let (earlier, later) = (earlier.map(of_window), later.map(of_window));
        let exported = of_hits(survey).filter;
        let exports = ExportFormat::EVERY.map(|format| Link {
            text: match format {
                ExportFormat::Json => "JSON".text(),
                ExportFormat::Csv => "CSV".text(),
                ExportFormat::Ndjson => "NDJSON".text(),
            },
            href: link::export(window, exported.clone(), format),
            is_current: false,
        });
        Self {
            title: title.into(),
            places: places(survey),
            ranges: ranges(survey),
            live: Link {
                text: t!("Live"),
                href: link::live(&filter),
                is_current: false,
            },
            settings: link::SETTINGS,
            earlier,
            later,
            chips: chips(survey),
            fields: fields(survey),
            filter_form: link::filter_form(survey),
            days: days(survey, provenance),
            unfiltered: rescoped(survey, window, Filter::default()),
            here: link::page(survey),
            json: link::api(survey),
            exports: exports.into(),
            export_range: exported_range(window),
            as_of: Moment::new(provenance.as_of_ms),
            is_stale: false,
            warnings: provenance.warnings.iter().map(|of| warned(of)).collect(),
            health: Vec::new(),
            by_cookie: false,
            may_write: false,
            notes: Notes::default(),
            views: Vec::new(),
        }
    }
}

impl Frame {
    /// The frame of the live page. A change of the filter stays on it.
    pub fn on_live(mut self) -> Self {
        let stay = |link: &mut String| {
            *link = link.replacen(HOME, link::LIVE, 1);
        };
        self.live.is_current = true;
        for place in self.places.iter_mut().chain(&mut self.ranges) {
            place.is_current = false;
        }
        self.chips
            .iter_mut()
            .for_each(|chip| stay(&mut chip.without));
        stay(&mut self.filter_form.action);
        stay(&mut self.unfiltered);
        stay(&mut self.here);
        self
    }
}

fn places(survey: &AnySurvey) -> Vec<Link> {
    let place = |(text, there): (Text, AnySurvey)| Link {
        text,
        href: link::page(&there),
        is_current: std::mem::discriminant(&there) == std::mem::discriminant(survey),
    };
    places::always(survey.scope())
        .into_iter()
        .map(place)
        .collect()
}

/// A link for each window that the page takes.
fn ranges(survey: &AnySurvey) -> Vec<Link> {
    let Scope { window, filter, .. } = survey.scope();
    let takes = |to: &Window| {
        let scope = Scope {
            window: *to,
            ..survey.scope().clone()
        };
        survey.clone().with_scope(scope).scope().window == *to
    };
    let range = |to: Window| Link {
        text: to.name().text(),
        href: rescoped(survey, to, filter.clone()),
        is_current: to == *window,
    };
    Window::EVERY.into_iter().filter(takes).map(range).collect()
}

fn days(survey: &AnySurvey, provenance: &Provenance) -> Days {
    let interval = survey.scope().window.interval();
    let day = |moment: Option<interval::Moment>| match moment {
        Some(day @ interval::Moment::Day(_)) => day.text(),
        _ => String::new(),
    };
    let mut moments = [interval.from, interval.to].into_iter().flatten();
    let has_moments = moments.any(|moment| matches!(moment, interval::Moment::At(_)));
    Days {
        form: link::days_form(survey),
        from: day(interval.from),
        to: day(interval.to),
        shown: interval.is_given().then(|| in_words(interval)),
        counted: provenance
            .from_ms
            .filter(|_| has_moments)
            .map(|from_ms| (Moment::short(from_ms), Moment::short(provenance.to_ms))),
    }
}

fn in_words(interval: Interval) -> Text {
    match (interval.from, interval.to) {
        (Some(from), Some(to)) => t!("{} to {}", from.text(), to.text()),
        (Some(from), None) => t!("since {}", from.text()),
        (None, Some(to)) => t!("until {}", to.text()),
        (None, None) => Text::EMPTY,
    }
}

fn exported_range(window: Window) -> Text {
    match link::export_range(window) {
        DateRange::Between(interval) => in_words(interval),
        range => t!("of the last {}", range.name()),
    }
}

/// A condition for people: `not GET or PUT`.
fn in_words_of(condition: &str) -> Text {
    let (is_not, values) = condition::split(condition);
    let values = values.map(|value| value.text());
    let any = values.reduce(|first, value| t!("{} or {}", first, value));
    let any = any.unwrap_or(Text::EMPTY);
    match is_not {
        true => t!("not {}", any),
        false => any,
    }
}

fn chips(survey: &AnySurvey) -> Vec<Chip> {
    let Scope { window, filter, .. } = survey.scope();
    let chip = |condition: Condition| {
        let value = condition.of(filter)?;
        Some(Chip {
            label: condition.label(),
            tone: match condition {
                Condition::Status => tone(&value),
                _ => "",
            },
            value: in_words_of(&value),
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
        by: condition.grouping().map_or("", Grouping::name),
        example: match condition {
            Condition::Ip => "192.0.2.0/24, !10.0.0.0/8",
            Condition::PathPrefix => "/users",
            Condition::Path => "!/healthz",
            Condition::Method => "GET|PUT",
            Condition::Status => "404, 4xx|5xx",
            Condition::Country => "DE",
            Condition::Network => "AS13335",
            Condition::Label => "office, !monitoring",
        },
    };
    Condition::EVERY
        .into_iter()
        .filter(wanted)
        .map(field)
        .collect()
}

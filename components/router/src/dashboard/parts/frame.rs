//! What stands around every page: where one can go, what it is narrowed to, and how to take it along.

use rollcall_tally::question::{ExportFormat, Question};
use rollcall_tally::report::Provenance;
use rollcall_tally::{Filter, StatusClass, Window};

use super::health::Health;
use super::scope::{always, of_path, scope};
use crate::dashboard::format::Moment;
use crate::dashboard::link::{self, Condition};

/// A link that may be the one that is shown.
pub struct Link {
    pub text: &'static str,
    pub href: String,
    pub is_current: bool,
}

/// A condition of the filter, and where it is not.
pub struct Chip {
    pub label: &'static str,
    pub value: String,
    pub without: String,
}

/// A field of the form that filters.
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    /// What it may be, if that is a list.
    pub options: Vec<&'static str>,
    pub example: &'static str,
}

/// What surrounds every page that shows an answer.
pub struct Frame {
    pub title: String,
    pub places: Vec<Link>,
    pub ranges: Vec<Link>,
    pub chips: Vec<Chip>,
    pub fields: Vec<Field>,
    /// Where the form goes, and what it keeps.
    pub form: (String, Vec<(String, String)>),
    /// The page with no filter.
    pub unfiltered: String,
    /// The same page.
    pub here: String,
    pub exports: Vec<Link>,
    pub export_range: &'static str,
    pub as_of: Moment,
    pub is_stale: bool,
    pub warnings: Vec<String>,
    pub health: Vec<Health>,
    /// A person who can sign out.
    pub by_cookie: bool,
}

impl Frame {
    pub fn new(title: String, question: &Question, provenance: &Provenance) -> Self {
        let (window, filter) = scope(question);
        let of_ip = match question {
            Question::Ip { ip, .. } => Condition::Ip.set(&filter, Some(&ip.to_string())),
            _ => filter.clone(),
        };
        let exported = match question {
            Question::Path { key, .. } => of_path(&of_ip, key).unwrap_or(of_ip),
            _ => of_ip,
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
            places: places(question),
            ranges: ranges(question),
            chips: chips(question),
            fields: fields(question),
            form: link::form_of(question),
            unfiltered: link::page(&question.clone().with_scope(window, Filter::default())),
            here: link::page(question),
            exports: exports.into(),
            export_range: link::export_range(window).name(),
            as_of: Moment::new(provenance.as_of_ms),
            is_stale: false,
            warnings: provenance.warnings.clone(),
            health: Vec::new(),
            by_cookie: false,
        }
    }
}

fn places(question: &Question) -> Vec<Link> {
    let texts = ["Overview", "Paths", "IPs"].into_iter();
    let place = |(text, there): (&'static str, Question)| Link {
        text,
        href: link::page(&there),
        is_current: std::mem::discriminant(&there) == std::mem::discriminant(question),
    };
    texts.zip(always(question)).map(place).collect()
}

fn ranges(question: &Question) -> Vec<Link> {
    let (current, filter) = scope(question);
    let range = |window: Window| Link {
        text: window.name(),
        href: link::page(&question.clone().with_scope(window, filter.clone())),
        is_current: window == current,
    };
    Window::EVERY.map(range).into()
}

fn chips(question: &Question) -> Vec<Chip> {
    let (window, filter) = scope(question);
    let chip = |condition: Condition| {
        let without = condition.set(&filter, None);
        Some(Chip {
            label: condition.label(),
            value: condition.of(&filter)?.to_owned(),
            without: link::page(&question.clone().with_scope(window, without)),
        })
    };
    Condition::EVERY.into_iter().filter_map(chip).collect()
}

fn fields(question: &Question) -> Vec<Field> {
    let (_, filter) = scope(question);
    let is_of_ip = matches!(question, Question::Ip { .. });
    let wanted = |condition: &Condition| !(is_of_ip && *condition == Condition::Ip);
    let field = |condition: Condition| Field {
        name: condition.parameter(),
        label: condition.label(),
        value: condition.of(&filter).unwrap_or_default().to_owned(),
        options: match condition {
            Condition::Status => StatusClass::EVERY.map(StatusClass::name).into(),
            _ => Vec::new(),
        },
        example: match condition {
            Condition::Ip => "192.0.2.1 or 192.0.2.0/24",
            Condition::PathPrefix => "/users",
            Condition::Method => "GET",
            Condition::Status => "",
            Condition::Country => "DE",
        },
    };
    Condition::EVERY
        .into_iter()
        .filter(wanted)
        .map(field)
        .collect()
}

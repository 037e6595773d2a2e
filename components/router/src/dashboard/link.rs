//! Links. The URL of a page is all of its state, so that a view can be shared. Each link is another
//! question.

use rollcall_tally::hit::{Dimension, Grouping};
use rollcall_tally::question::{
    AnySurvey, DateRange, Export, ExportFormat, Overview, Question, Scope,
};
use rollcall_tally::{Filter, StatusFilter, Window, condition};

use crate::local::HOME;
use crate::texts::Text;

/// All pages but the first are below this path.
pub const PAGES: &str = "/admin/dashboard/";

/// The live page.
pub const LIVE: &str = "/admin/live";

/// The page of labels, notes, saved views and rules.
pub const SETTINGS: &str = "/admin/dashboard/settings";

/// A condition that a filter can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Ip,
    PathPrefix,
    Path,
    Method,
    Status,
    Country,
    Network,
    Label,
}

impl Condition {
    pub const EVERY: [Self; 8] = [
        Self::Ip,
        Self::PathPrefix,
        Self::Path,
        Self::Method,
        Self::Status,
        Self::Country,
        Self::Network,
        Self::Label,
    ];

    /// The name of the condition in the API.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::PathPrefix => "pathPrefix",
            Self::Path => "path",
            Self::Method => "method",
            Self::Status => "status",
            Self::Country => "country",
            Self::Network => "network",
            Self::Label => "label",
        }
    }

    /// The name of the condition for people.
    pub fn label(self) -> Text {
        match self {
            Self::Ip => t!("IP"),
            Self::PathPrefix => t!("Path begins with"),
            Self::Path => t!("Path"),
            Self::Method => t!("Method"),
            Self::Status => t!("Status"),
            Self::Country => t!("Country"),
            Self::Network => t!("Network"),
            Self::Label => t!("Label"),
        }
    }

    /// The breakdown that lists values of the condition, if there is one.
    pub fn grouping(self) -> Option<Grouping> {
        Some(match self {
            Self::Ip => Grouping::Ip,
            Self::PathPrefix | Self::Path => Grouping::Path,
            Self::Method => Grouping::Method,
            Self::Status => Grouping::StatusCode,
            Self::Country => Grouping::Country,
            Self::Network => Grouping::Of(Dimension::Network),
            Self::Label => return None,
        })
    }

    /// The value of the condition in a filter.
    pub fn of(self, filter: &Filter) -> Option<String> {
        let mut given = filter.parameters().into_iter();
        let found = given.find(|(name, _)| *name == self.parameter());
        found.map(|(_, value)| value)
    }

    /// The filter with this one value, or without the condition.
    pub fn only(self, filter: &Filter, value: Option<&str>) -> Filter {
        self.set(filter, value.map(condition::literal).as_deref())
    }

    /// The filter without the hits of this value.
    pub fn exclude(self, filter: &Filter, value: &str) -> Filter {
        let text = condition::exclude(self.of(filter).as_deref(), value);
        self.set(filter, Some(&text))
    }

    /// The filter with another text of the condition, or without the condition.
    pub fn set(self, filter: &Filter, value: Option<&str>) -> Filter {
        let mut filter = filter.clone();
        let text = value.map(str::to_owned);
        match self {
            Self::Ip => filter.ip = text,
            Self::PathPrefix => filter.path_prefix = text,
            Self::Path => filter.path = text,
            Self::Method => filter.method = text,
            Self::Status => filter.status = value.and_then(|text| StatusFilter::read(text).ok()),
            Self::Country => filter.country = text,
            Self::Network => filter.network = text,
            Self::Label => filter.label = text,
        }
        filter
    }
}

/// The page that shows the answer to a survey.
pub fn page(survey: &AnySurvey) -> String {
    let text = survey.write();
    let (name, query) = text.split_once('?').unwrap_or((&text, ""));
    match name {
        "overview" => format!("{HOME}?{query}"),
        _ => format!("{PAGES}{name}?{query}"),
    }
}

/// The answer to a survey, as the API gives it.
pub fn api(survey: &AnySurvey) -> String {
    format!("{HOME}{}", survey.write())
}

/// The live page with a filter.
pub fn live(filter: &Filter) -> String {
    let overview = Overview {
        scope: Scope {
            window: Window::Hour,
            filter: filter.clone(),
            ..Scope::default()
        },
    };
    let text = AnySurvey::from(overview).write();
    let query = text.split_once('?').map_or("", |(_, query)| query);
    format!("{LIVE}?{query}")
}

/// The list for a firewall of a rule.
pub fn list(rule: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(rule, percent_encoding::NON_ALPHANUMERIC);
    format!("{HOME}lists/{name}")
}

/// A form that leads to a survey's page: its action, and its hidden fields.
pub struct Form {
    pub action: String,
    pub hidden: Vec<(String, String)>,
}

/// The form that filters. The filter is left out: the form has fields for it.
pub fn filter_form(survey: &AnySurvey) -> Form {
    form(survey, |name| {
        Condition::EVERY.iter().any(|c| c.parameter() == name)
    })
}

/// The form that searches in a list. Its result begins at the first entry.
pub fn search_form(survey: &AnySurvey) -> Form {
    form(survey, |name| ["search", "offset"].contains(&name))
}

/// The form that tests another rate limit.
pub fn limit_form(survey: &AnySurvey) -> Form {
    form(survey, |name| ["max", "per"].contains(&name))
}

/// The form that sets the days. Buckets of a rate limit may not be kept for other days, so that
/// their length is chosen anew.
pub fn days_form(survey: &AnySurvey) -> Form {
    let dropped = ["timeRange", "from", "to", "per"];
    form(survey, |name| dropped.contains(&name))
}

fn form(survey: &AnySurvey, is_asked_for: impl Fn(&str) -> bool) -> Form {
    let link = page(survey);
    let (path, query) = link.split_once('?').unwrap_or((&link, ""));
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    let hidden = pairs.filter(|(name, _)| !is_asked_for(name)).collect();
    Form {
        action: path.to_owned(),
        hidden,
    }
}

/// The link to an export of the rows behind a page, of the shortest range that holds its window.
pub fn export(window: Window, filter: Filter, format: ExportFormat) -> String {
    let export = Question::Export(Export {
        format,
        range: export_range(window),
        filter,
        ..Export::default()
    });
    let text = export.write();
    let query = text.split_once('?').map_or("", |(_, query)| query);
    format!("{}?{query}", export.about().path)
}

pub fn export_range(window: Window) -> DateRange {
    match window {
        Window::Recent | Window::Hour | Window::Day => DateRange::Day,
        Window::Week => DateRange::Week,
        Window::Month => DateRange::Month,
        Window::Quarter | Window::All => DateRange::Quarter,
        Window::Between(interval) => DateRange::Between(interval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, query: &str) -> AnySurvey {
        match Question::read(name, query) {
            Ok(Question::Survey(survey)) => survey,
            other => panic!("{name}?{query}: {other:?}"),
        }
    }

    #[test]
    fn a_link_holds_the_whole_state_of_its_page() {
        for (name, query, expect) in [
            ("overview", "", "/admin/?timeRange=24h"),
            (
                "overview",
                "timeRange=7d&ip=192.0.2.0/24",
                "/admin/?ip=192.0.2.0%2F24&timeRange=7d",
            ),
            (
                "ips/::1",
                "offset=20",
                "/admin/dashboard/ips/::1?timeRange=24h&limit=10&offset=20",
            ),
            (
                "paths",
                "key=GET%20/a%26b",
                "/admin/dashboard/paths?key=GET+%2Fa%26b&timeRange=24h&limit=10",
            ),
        ] {
            assert_eq!(page(&read(name, query)), expect);
        }
    }

    #[test]
    fn the_api_gives_the_answer_behind_a_page() {
        for (name, query) in [
            ("overview", "ip=192.0.2.1"),
            ("ips/::1", "limit=5"),
            ("paths", "key=GET%20/a%26b"),
            ("breakdown", "by=host&timeRange=7d"),
        ] {
            let survey = read(name, query);
            let link = api(&survey);
            let (path, query) = link.split_once('?').unwrap();
            let asked = Question::at(path, query);
            assert!(
                matches!(asked, Ok(Question::Survey(same)) if same == survey),
                "{link}"
            );
        }
    }

    #[test]
    fn a_condition_is_set_and_taken_away() {
        for (condition, value) in [
            (Condition::Ip, "192.0.2.1"),
            (Condition::PathPrefix, "/a"),
            (Condition::Method, "GET"),
            (Condition::Status, "4xx"),
            (Condition::Status, "404"),
            (Condition::Country, "DE"),
        ] {
            let filter = condition.set(&Filter::default(), Some(value));
            assert_eq!(condition.of(&filter).as_deref(), Some(value));
            assert_eq!(filter.parameters().len(), 1);
            assert_eq!(condition.set(&filter, None), Filter::default());
        }
    }

    #[test]
    fn a_form_keeps_what_it_does_not_ask_for() {
        let question = read("paths", "key=GET%20/a&ip=192.0.2.1&timeRange=1h&limit=5");
        let Form { action, hidden } = filter_form(&question);
        assert_eq!(action, "/admin/dashboard/paths");
        let hidden: Vec<(&str, &str)> = hidden
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            hidden,
            [("key", "GET /a"), ("timeRange", "1h"), ("limit", "5")]
        );
    }

    #[test]
    fn an_export_has_the_filter_of_its_page_and_at_least_its_window() {
        let filter = Condition::Status.set(&Filter::default(), Some("5xx"));
        assert_eq!(
            export(Window::Hour, filter, ExportFormat::Csv),
            "/admin/export?status=5xx&format=csv&dateRange=1d&includeMetadata=true&compression=false"
        );
    }
}

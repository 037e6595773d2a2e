//! Countries: their names, their pages, and the map of them.

use rollcall_tally::Filter;
use rollcall_tally::condition;
use rollcall_tally::filter::UNKNOWN;
use rollcall_tally::question::Scope;

use crate::dashboard::link::{self, Condition};
use crate::dashboard::{places, world};
use crate::texts::Text;

/// A country with its page.
pub struct Country {
    pub code: String,
    /// Empty: the code is not known.
    pub name: Text,
    pub page: String,
}

impl Country {
    pub fn new(scope: &Scope, code: &str) -> Self {
        Self {
            name: name(code),
            page: country_page(scope, code),
            code: code.to_owned(),
        }
    }
}

/// The name of a country. Empty: the code is not known.
pub fn name(code: &str) -> Text {
    world::country(code).map_or(Text::EMPTY, world::Country::name)
}

/// The address of the page of a country: the overview of its hits.
pub fn country_page(scope: &Scope, code: &str) -> String {
    link::page(&places::overview(Scope {
        filter: Condition::Country.only(&scope.filter, Some(code)),
        ..scope.clone()
    }))
}

/// The code of the country that a filter lets through, if it is one alone.
pub fn only_country(filter: &Filter) -> Option<String> {
    let text = Condition::Country.of(filter)?;
    let (is_not, mut values) = condition::split(&text);
    let code = values.next()?;
    (!is_not && values.next().is_none()).then(|| code.into_owned())
}

/// The title of the page of a country.
pub fn title(code: &str) -> Text {
    match name(code) {
        _ if code == UNKNOWN => t!("Unknown country"),
        name if name.is_empty() => t!("Country {}", code),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_by_one_country_is_its_page() {
        for (country, expect) in [
            (Some("DE"), Some("Germany")),
            (Some("unknown"), Some("Unknown country")),
            (Some("XY"), Some("Country XY")),
            (Some("!DE"), None),
            (Some("DE|FR"), None),
            (None, None),
        ] {
            let filter = Condition::Country.set(&Filter::default(), country);
            let title = only_country(&filter).map(|code| title(&code).to_string());
            assert_eq!(title.as_deref(), expect, "{country:?}");
        }
    }
}

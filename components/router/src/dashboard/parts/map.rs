//! The map of the countries of a table, shaded by their share of all requests.

use crate::dashboard::format;
use crate::dashboard::world::{self, MAP};
use crate::texts::Text;

/// The steps of the shading: the least share of each, in percent, and its class. They are always
/// the same, so that two maps can be compared.
const STEPS: [(f64, &str); 5] = [
    (0.0, "share-1"),
    (0.1, "share-2"),
    (1.0, "share-3"),
    (5.0, "share-4"),
    (20.0, "share-5"),
];

/// A row of the table.
pub struct Of<'a> {
    pub code: &'a str,
    pub page: &'a str,
    pub requests: &'a str,
    pub percentage: f64,
}

pub struct Map {
    pub width: u32,
    pub height: u32,
    /// The outlines of all countries that are not in the table.
    pub others: String,
    pub countries: Vec<Shape>,
    pub legend: Vec<Step>,
    /// The table has all countries with a request.
    pub is_whole: bool,
}

pub struct Shape {
    pub outline: &'static str,
    /// The class of its step.
    pub class: &'static str,
    pub page: String,
    /// Name, requests and share.
    pub said: Text,
}

pub struct Step {
    pub class: &'static str,
    pub text: Text,
}

impl Map {
    /// None: no country of the table has an outline.
    pub fn new<'a>(rows: impl Iterator<Item = Of<'a>>, is_whole: bool) -> Option<Self> {
        let mut outlines: Vec<(&str, &str)> = world::every()
            .iter()
            .map(|country| (country.code, country.outline))
            .collect();
        let shape = |row: Of| {
            let country = world::country(row.code)?;
            let share = format::percent(row.percentage / 100.0);
            Some(Shape {
                outline: Some(country.outline).filter(|outline| !outline.is_empty())?,
                class: class(row.percentage),
                page: row.page.to_owned(),
                said: t!("{}: {} requests, {}", country.name(), row.requests, share),
            })
        };
        let countries: Vec<Shape> = rows
            .filter_map(|row| {
                outlines.retain(|(code, _)| *code != row.code);
                shape(row)
            })
            .collect();
        let others = outlines.iter().map(|(_, outline)| *outline).collect();
        (!countries.is_empty()).then(|| Self {
            width: MAP.0,
            height: MAP.1,
            others,
            countries,
            legend: legend(),
            is_whole,
        })
    }
}

fn class(percentage: f64) -> &'static str {
    let reached = STEPS.iter().rev().find(|(least, _)| percentage >= *least);
    reached.map_or("", |(_, class)| class)
}

fn legend() -> Vec<Step> {
    let steps = STEPS.iter().enumerate();
    let step = |(at, (least, class)): (usize, &(f64, &'static str))| Step {
        class,
        text: match STEPS.get(at + 1) {
            _ if at + 1 == STEPS.len() => t!("{} % or more", least.to_string()),
            Some((end, _)) if at == 0 => t!("less than {} %", end.to_string()),
            Some((end, _)) => t!("{} to {} %", least.to_string(), end.to_string()),
            None => Text::EMPTY,
        },
    };
    steps.map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[(&'static str, f64)]) -> Option<Map> {
        let row = |(code, percentage): &(&'static str, f64)| Of {
            code,
            page: "/admin/",
            requests: "1,000",
            percentage: *percentage,
        };
        Map::new(rows.iter().map(row), true)
    }

    #[test]
    fn a_country_is_shaded_by_its_share_and_the_others_are_one_outline() {
        let map = map(&[("DE", 20.0), ("FR", 19.9), ("SG", 0.05), ("unknown", 60.0)]).unwrap();
        let told: Vec<_> = map
            .countries
            .iter()
            .map(|of| (of.class, of.said.to_string()))
            .collect();
        assert_eq!(
            told,
            [
                ("share-5", "Germany: 1,000 requests, 20 %".to_owned()),
                ("share-4", "France: 1,000 requests, 19.9 %".to_owned()),
                ("share-1", "Singapore: 1,000 requests, < 0.1 %".to_owned()),
            ]
        );
        for shape in &map.countries {
            assert!(!map.others.contains(shape.outline), "{}", shape.said);
        }
        assert!(map.others.contains(world::country("US").unwrap().outline));
    }

    #[test]
    fn each_step_begins_where_the_one_before_it_ends() {
        for (percentage, expect) in [
            (0.0, "share-1"),
            (0.099, "share-1"),
            (0.1, "share-2"),
            (1.0, "share-3"),
            (5.0, "share-4"),
            (100.0, "share-5"),
        ] {
            assert_eq!(class(percentage), expect, "{percentage}");
        }
        let legend: Vec<String> = legend()
            .into_iter()
            .map(|step| step.text.to_string())
            .collect();
        assert_eq!(
            legend,
            [
                "less than 0.1 %",
                "0.1 to 1 %",
                "1 to 5 %",
                "5 to 20 %",
                "20 % or more"
            ]
        );
    }

    #[test]
    fn without_a_known_country_there_is_no_map() {
        for rows in [
            &[][..],
            &[("unknown", 100.0)],
            &[("XX", 1.0)],
            &[("AQ", 1.0)],
        ] {
            assert!(map(rows).is_none(), "{rows:?}");
        }
    }
}

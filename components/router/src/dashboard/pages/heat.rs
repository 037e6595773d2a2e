//! The heat map of a week: a row for each day, with a cell for each hour. A cell has its number, so
//! that nobody needs to tell its colours apart.

use std::collections::BTreeMap;

use rollcall_tally::hour_of_week::{HOURS, HourOfWeek};

use crate::dashboard::format;
use crate::texts::Text;

/// The shades of a cell that has hits.
const SHADES: u64 = 5;

pub struct Heat {
    pub hours: Vec<String>,
    pub days: Vec<Day>,
}

pub struct Day {
    pub name: Text,
    pub cells: Vec<Cell>,
}

pub struct Cell {
    /// Short, as `1.2k`. Empty: no hit.
    pub text: String,
    /// As `Mon 09: 1,234`.
    pub title: String,
    /// The page of the hour.
    pub page: Option<String>,
    /// 0: no hit. The most hits have the darkest shade.
    pub shade: u64,
}

impl Heat {
    /// Of the requests in each hour, by its name. `page` gives the page of an hour.
    pub fn new(week: &BTreeMap<&str, u64>, page: impl Fn(&str) -> Option<String>) -> Self {
        let most = week.values().max().copied().unwrap_or_default();
        let cell = |hour: &HourOfWeek| {
            let name = hour.name();
            let requests = week.get(name.as_str()).copied().unwrap_or_default();
            Cell {
                text: match requests {
                    0 => String::new(),
                    _ => format::compact(requests as f64),
                },
                title: format!("{name}: {}", format::count(requests)),
                page: if requests > 0 { page(&name) } else { None },
                shade: SHADES.saturating_mul(requests).div_ceil(most.max(1)),
            }
        };
        let hours: Vec<HourOfWeek> = HourOfWeek::every().collect();
        let day = |hours: &[HourOfWeek]| Day {
            name: hours
                .first()
                .map_or(Text::EMPTY, |hour| day_name(hour.day())),
            cells: hours.iter().map(cell).collect(),
        };
        Self {
            hours: (0..HOURS).map(|hour| format!("{hour:02}")).collect(),
            days: hours.chunks(usize::from(HOURS)).map(day).collect(),
        }
    }
}

fn day_name(day: &str) -> Text {
    match day {
        "Mon" => t!("Mon"),
        "Tue" => t!("Tue"),
        "Wed" => t!("Wed"),
        "Thu" => t!("Thu"),
        "Fri" => t!("Fri"),
        "Sat" => t!("Sat"),
        _ => t!("Sun"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_its_number_its_page_and_a_shade_by_its_share_of_the_most() {
        let week = [("Mon 00", 1), ("Mon 09", 2_001), ("Tue 23", 10_000)];
        let heat = Heat::new(&BTreeMap::from(week), |name| Some(format!("/{name}")));
        assert_eq!(heat.hours.len(), 24);
        let days: Vec<String> = heat.days.iter().map(|day| day.name.to_string()).collect();
        assert_eq!(days, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
        assert!(heat.days.iter().all(|day| day.cells.len() == 24));
        let cells = heat.days.iter().flat_map(|day| &day.cells);
        let called: Vec<_> = cells
            .filter(|cell| cell.shade > 0)
            .map(|cell| (cell.text.as_str(), cell.title.as_str(), cell.shade))
            .collect();
        let expect = [
            ("1", "Mon 00: 1", 1),
            ("2k", "Mon 09: 2,001", 2),
            ("10k", "Tue 23: 10,000", 5),
        ];
        assert_eq!(called, expect);
        let pages = heat.days.iter().flat_map(|day| &day.cells);
        let pages: Vec<&str> = pages.filter_map(|cell| cell.page.as_deref()).collect();
        assert_eq!(pages, ["/Mon 00", "/Mon 09", "/Tue 23"]);
    }
}

//! The weekly report: the last whole week, against the week before.

use serde::{Deserialize, Serialize};

use crate::bucket::Ranges;
use crate::contract::Change;
use crate::interval::{Interval, Moment};
use crate::number::grouped;
use crate::question::reports::{MoverStats, MoversReport};
use crate::report::Overview;
use crate::time::Tier;
use crate::window::Window;

/// The most names in a sentence.
const NAMED_MAX: usize = 3;
/// The days of a week.
const DAYS: u32 = 7;
/// 1970-01-01 was a Thursday, three days after a Monday.
const DAYS_SINCE_MONDAY: u32 = 3;

/// A week of the store's calendar, from Monday to Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// The number of its Monday.
    monday: u32,
}

impl Week {
    /// The last week that is over.
    pub fn last(ranges: &Ranges) -> Self {
        let today_ms = ranges.calendar.start_ms(Tier::Day, ranges.now_ms);
        // The day that begins at this moment, whatever its offset from UTC is.
        let near = u32::try_from(today_ms / crate::time::DAY_MS).unwrap_or_default();
        let mut days = near.saturating_sub(1)..=near + 1;
        let is_today = |day: &u32| ranges.calendar.day_of_number_ms(*day) == today_ms;
        let today = days.find(is_today).unwrap_or(near);
        let since_monday = (today + DAYS_SINCE_MONDAY) % DAYS;
        Self {
            monday: today.saturating_sub(since_monday + DAYS),
        }
    }

    pub fn window(self) -> Window {
        Window::Between(Interval {
            from: Some(Moment::Day(self.monday)),
            to: Some(Moment::Day(self.monday + DAYS - 1)),
        })
    }

    /// The date of its Monday.
    pub fn monday(self) -> String {
        Moment::Day(self.monday).text()
    }
}

/// The last whole week, from Monday to Sunday, against the week before.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WeeklyReport {
    /// The date of its Monday, in the store's time zone.
    #[cfg_attr(feature = "openapi", schema(format = Date))]
    pub week: String,
    /// The report in a few sentences.
    pub text: String,
    pub overview: Overview,
    /// Paths that changed, against the week before.
    pub paths: MoversReport,
    /// IPs that changed, against the week before.
    pub ips: MoversReport,
}

impl WeeklyReport {
    pub fn new(week: Week, overview: Overview, paths: MoversReport, ips: MoversReport) -> Self {
        Self {
            week: week.monday(),
            text: text(week, &overview, &paths),
            overview,
            paths,
            ips,
        }
    }
}

fn text(week: Week, overview: &Overview, paths: &MoversReport) -> String {
    let stats = &overview.stats;
    let mut sentences = vec![format!(
        "Rollcall, the week of {}: {} by {}, {} of them new.",
        week.monday(),
        counted(stats.total_requests, "request"),
        counted(stats.unique_ips, "IP"),
        grouped(overview.new_ips)
    )];
    let before = paths.against.total_requests;
    if before > 0 {
        let change = 100.0 * (stats.total_requests as f64 / before as f64 - 1.0);
        let than = if change < 0.0 { "fewer" } else { "more" };
        sentences.push(format!(
            "That is {:.0} % {than} than the week before.",
            change.abs()
        ));
    }
    if let Some(metrics) = &stats.metrics {
        sentences.push(format!("{:.1} % were errors.", 100.0 * metrics.error_rate));
        if let Some(p95) = metrics.response_times.p95_response_time {
            sentences.push(format!("95 % of the responses took at most {p95:.0} ms."));
        }
    }
    let called = stats.top_paths.iter().take(NAMED_MAX);
    let called: Vec<String> = called
        .map(|path| format!("{} ({})", path.path_key, grouped(path.total_requests)))
        .collect();
    if !called.is_empty() {
        sentences.push(format!("Most called: {}.", called.join(", ")));
    }
    let changed = paths.movers.iter().take(NAMED_MAX);
    let changed: Vec<String> = changed.map(changed_path).collect();
    if !changed.is_empty() {
        sentences.push(format!("Changed most: {}.", changed.join(", ")));
    }
    sentences.join(" ")
}

fn counted(count: u64, of: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {of}{ending}", grouped(count))
}

fn changed_path(of: &MoverStats) -> String {
    format!("{} {}", of.name, change_of(of))
}

/// The largest change, as the end of a sentence.
pub fn change_of(of: &MoverStats) -> &'static str {
    let change = of.changes.first().map(|change| match change.change {
        Change::New => "is new",
        Change::Gone => "is gone",
        Change::Grown => "has more requests",
        Change::Shrunk => "has fewer requests",
        Change::Failing => "fails more often",
        Change::Slower => "is slower",
    });
    change.unwrap_or("changed")
}

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportFormat {
    #[default]
    Json,
    /// A page for mail programs: it loads nothing.
    Html,
}

impl ReportFormat {
    pub const EVERY: [Self; 2] = [Self::Json, Self::Html];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_week_is_over_and_begins_on_a_monday() {
        let check = |now: &str, expect: &str| {
            let Ok(Moment::At(now_ms)) = Moment::read(now) else {
                panic!("{now}")
            };
            assert_eq!(Week::last(&Ranges::utc(now_ms)).monday(), expect, "{now}");
        };
        // 2026-11-23 is a Monday.
        check("2026-11-23T00:00:00Z", "2026-11-16");
        check("2026-11-22T23:59:59Z", "2026-11-09");
        check("2026-11-29T23:59:59Z", "2026-11-16");
        check("2026-11-30T00:00:00Z", "2026-11-23");
    }
}

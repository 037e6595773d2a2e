//! The periods of the same length before and after the one that a page shows.

use rollcall_tally::Window;
use rollcall_tally::bucket::Tier;
use rollcall_tally::calendar::Calendar;
use rollcall_tally::interval::{Interval, Moment};
use rollcall_tally::report::Provenance;
use rollcall_tally::time_zone::Zone;
use rollcall_tally::window::{DAY_MS, DAYS_KEPT_MS};

/// A stretch of time in whole days of the store's time zone, or between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    /// The first day and the day after the last, in days since 1970-01-01.
    Days(u32, u32),
    Moments(u64, u64),
}

/// The windows before and after the one that an answer is about. The one before is absent if it is
/// not kept, the one after if it has not begun. A period without a beginning has neither.
pub fn around(window: Window, provenance: &Provenance) -> (Option<Window>, Option<Window>) {
    let now_ms = provenance.as_of_ms;
    let zone = Zone::named(&provenance.time_zone).unwrap_or_default();
    let calendar = zone.calendar(now_ms);
    let Some(shown) = Period::shown(window, provenance, &calendar) else {
        return (None, None);
    };
    let kept_from_ms = calendar.start_ms(Tier::Day, now_ms.saturating_sub(DAYS_KEPT_MS));
    let before = shown.before();
    let before = before.filter(|before| before.start_ms(&calendar) >= kept_from_ms);
    let after = shown.after();
    (
        before.map(Period::window),
        (after.start_ms(&calendar) < now_ms).then(|| after.window_up_to(now_ms, &calendar)),
    )
}

impl Period {
    fn shown(window: Window, of: &Provenance, calendar: &Calendar) -> Option<Self> {
        let from_ms = of.from_ms?;
        let day = |at_ms: u64| day_at(at_ms, calendar);
        Some(match (window, window.length_ms()) {
            (Window::Week | Window::Month | Window::Quarter, Some(length_ms)) => {
                let days = u32::try_from(length_ms / DAY_MS).ok()?;
                Self::Days(day(from_ms), day(from_ms).saturating_add(days))
            }
            (_, Some(length_ms)) => Self::Moments(from_ms, from_ms.saturating_add(length_ms)),
            (Window::Between(interval), None) => match (interval.from?, interval.to) {
                (Moment::Day(from), Some(Moment::Day(to))) => {
                    Self::Days(from, to.saturating_add(1))
                }
                (Moment::Day(from), None) => Self::Days(from, day(of.as_of_ms).saturating_add(1)),
                // Of an interval between moments, all buckets count that some of it lies in.
                _ => Self::Moments(from_ms, of.to_ms),
            },
            _ => return None,
        })
    }

    fn before(self) -> Option<Self> {
        Some(match self {
            Self::Days(from, end) => Self::Days(from.checked_sub(end.checked_sub(from)?)?, from),
            Self::Moments(from, end) => {
                Self::Moments(from.checked_sub(end.checked_sub(from)?)?, from)
            }
        })
    }

    fn after(self) -> Self {
        match self {
            Self::Days(from, end) => Self::Days(end, end.saturating_add(end.saturating_sub(from))),
            Self::Moments(from, end) => {
                Self::Moments(end, end.saturating_add(end.saturating_sub(from)))
            }
        }
    }

    fn start_ms(self, calendar: &Calendar) -> u64 {
        match self {
            Self::Days(from, _) => calendar.day_of_number_ms(from),
            Self::Moments(from, _) => from,
        }
    }

    fn window(self) -> Window {
        let (from, to) = match self {
            Self::Days(from, end) => (Moment::Day(from), Moment::Day(end.saturating_sub(1))),
            Self::Moments(from, end) => (Moment::At(from), Moment::At(end)),
        };
        Window::Between(Interval {
            from: Some(from),
            to: Some(to),
        })
    }

    /// If the period is not past and has the buckets of a window up to now, it is that window.
    fn window_up_to(self, now_ms: u64, calendar: &Calendar) -> Window {
        let (end_ms, windows, length_ms) = match self {
            Self::Days(from, end) => (
                calendar.day_of_number_ms(end),
                &[Window::Week, Window::Month, Window::Quarter][..],
                u64::from(end.saturating_sub(from)) * DAY_MS,
            ),
            Self::Moments(from, end) => (
                end,
                &[Window::Hour, Window::Day][..],
                end.saturating_sub(from),
            ),
        };
        let is_same = |window: &&Window| window.length_ms() == Some(length_ms);
        let window = windows.iter().find(is_same).filter(|_| end_ms >= now_ms);
        window.copied().unwrap_or_else(|| self.window())
    }
}

/// The day of the store's time zone that a moment lies in.
fn day_at(at_ms: u64, calendar: &Calendar) -> u32 {
    let shown_ms = at_ms.saturating_add_signed(calendar.offset_ms(at_ms));
    u32::try_from(shown_ms / DAY_MS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_tally::bucket::Ranges;

    const NOW: &str = "2026-11-28T12:20:00Z";

    fn ms(text: &str) -> u64 {
        match Moment::read(text).unwrap() {
            Moment::At(ms) => ms,
            Moment::Day(_) => panic!("{text}"),
        }
    }

    fn read(from: &str, to: &str) -> Window {
        let moment = |text: &str| (!text.is_empty()).then(|| Moment::read(text).unwrap());
        Window::Between(Interval {
            from: moment(from),
            to: moment(to),
        })
    }

    /// The answer that the aggregator gives about a window, as far as it matters here.
    fn provenance(window: Window, zone: &str) -> Provenance {
        let now_ms = ms(NOW);
        let ranges = Ranges::at(now_ms, Zone::named(zone).unwrap().calendar(now_ms));
        let span = window.span(&ranges);
        Provenance {
            time_range: window.named(),
            from_ms: span.begin_ms(&ranges),
            to_ms: span.end_ms(now_ms),
            time_zone: zone.to_owned(),
            filter: None,
            as_of_ms: now_ms,
            generated_at_ms: now_ms,
            coverage: 1.0,
            warnings: Vec::new(),
            behind: None,
        }
    }

    fn said(window: Option<Window>) -> String {
        match window {
            None => String::new(),
            Some(Window::Between(Interval {
                from: Some(from),
                to: Some(to),
            })) => format!("{} {}", from.text(), to.text()).replace(":00.000Z", "Z"),
            Some(window) => window.name().to_owned(),
        }
    }

    #[track_caller]
    fn check(window: Window, zone: &str, before: &str, after: &str) {
        let (earlier, later) = around(window, &provenance(window, zone));
        assert_eq!(
            (said(earlier).as_str(), said(later).as_str()),
            (before, after)
        );
    }

    #[test]
    fn a_window_up_to_now_has_one_before_and_none_after() {
        check(
            Window::Hour,
            "UTC",
            "2026-11-28T10:20Z 2026-11-28T11:20Z",
            "",
        );
        check(
            Window::Day,
            "UTC",
            "2026-11-26T13:00Z 2026-11-27T13:00Z",
            "",
        );
        check(Window::Week, "UTC", "2026-11-15 2026-11-21", "");
        // In Auckland, the 29th has begun.
        check(
            Window::Week,
            "Pacific/Auckland",
            "2026-11-16 2026-11-22",
            "",
        );
        check(Window::Month, "UTC", "2026-09-30 2026-10-29", "");
    }

    #[test]
    fn a_period_that_is_not_kept_has_no_arrow() {
        check(Window::Quarter, "UTC", "", "");
        check(Window::All, "UTC", "", "");
        check(read("", "2026-11-20"), "UTC", "", "");
        // The day that begins 90 days ago, and the day before it.
        check(
            read("2026-08-31", "2026-08-31"),
            "UTC",
            "2026-08-30 2026-08-30",
            "2026-09-01 2026-09-01",
        );
        check(
            read("2026-08-30", "2026-08-30"),
            "UTC",
            "",
            "2026-08-31 2026-08-31",
        );
    }

    #[test]
    fn days_move_by_their_number_and_come_back_to_the_window() {
        check(
            read("2026-11-15", "2026-11-21"),
            "UTC",
            "2026-11-08 2026-11-14",
            "7d",
        );
        check(
            read("2026-11-08", "2026-11-14"),
            "UTC",
            "2026-11-01 2026-11-07",
            "2026-11-15 2026-11-21",
        );
        check(read("2026-11-26", ""), "UTC", "2026-11-23 2026-11-25", "");
        check(
            read("2026-11-27", "2026-11-27"),
            "UTC",
            "2026-11-26 2026-11-26",
            "2026-11-28 2026-11-28",
        );
        // The clocks are changed on November 1. A day is a day.
        check(
            read("2026-11-01", "2026-11-01"),
            "America/New_York",
            "2026-10-31 2026-10-31",
            "2026-11-02 2026-11-02",
        );
    }

    #[test]
    fn moments_move_by_what_is_counted() {
        check(
            read("2026-11-28T10:20:00Z", "2026-11-28T11:20:00Z"),
            "UTC",
            "2026-11-28T09:20Z 2026-11-28T10:20Z",
            "1h",
        );
        // Only hours are kept of the day before: two of them count.
        check(
            read("2026-11-27T09:20:00Z", "2026-11-27T10:20:00Z"),
            "UTC",
            "2026-11-27T07:00Z 2026-11-27T09:00Z",
            "2026-11-27T11:00Z 2026-11-27T13:00Z",
        );
    }
}

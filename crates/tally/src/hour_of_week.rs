//! The hours of a week, as the clocks of a time zone show them.

use crate::calendar::Calendar;
use crate::time::{DAY_MS, HOUR_MS};

/// The days of a week, in their order.
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// The hours of a day. A day on which the clocks are changed has them, too: one of them has no
/// time, or twice the time.
pub const HOURS: u8 = 24;

/// An hour of the week, as Monday from 9 to 10 o'clock. It sorts by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HourOfWeek {
    /// From 0 for Monday.
    day: u8,
    hour: u8,
}

impl HourOfWeek {
    /// The hours of a week.
    pub const COUNT: u32 = WEEKDAYS.len() as u32 * HOURS as u32;

    /// The hour that a moment is in.
    pub fn of(at_ms: u64, calendar: &Calendar) -> Self {
        let shown_ms = at_ms.saturating_add_signed(calendar.offset_ms(at_ms));
        // 1970-01-01 was a Thursday.
        let day = (shown_ms / DAY_MS + 3) % WEEKDAYS.len() as u64;
        let hour = shown_ms / HOUR_MS % u64::from(HOURS);
        Self {
            day: day as u8,
            hour: hour as u8,
        }
    }

    /// All hours of a week, from Monday on.
    pub fn every() -> impl Iterator<Item = Self> {
        let days = 0..WEEKDAYS.len() as u8;
        days.flat_map(|day| (0..HOURS).map(move |hour| Self { day, hour }))
    }

    /// As `Mon`.
    pub fn day(self) -> &'static str {
        let day = WEEKDAYS.get(usize::from(self.day));
        day.copied().unwrap_or_default()
    }

    /// As `Mon 09`.
    pub fn name(self) -> String {
        format!("{} {:02}", self.day(), self.hour)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::bucket::{BucketId, Ranges, Tier};
    use crate::time_zone::Zone;

    /// Among these are zones with offsets and changes of 30 minutes.
    const ZONES: [&str; 6] = [
        "UTC",
        "Europe/Berlin",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "America/Havana",
    ];

    proptest! {
        #[test]
        fn an_hour_is_the_one_that_the_clocks_show(
            zone in proptest::sample::select(ZONES.to_vec()),
            minutes in 0..3 * 365 * 24 * 60u64,
            age in prop_oneof![0..92 * 24 * 60u64, 0..50 * 365 * 24 * 60u64],
        ) {
            let now_ms = 1_760_000_000_000 + minutes * 60_000;
            let calendar = Zone::named(zone).unwrap().calendar(now_ms);
            let at_ms = now_ms - age * 60_000;
            let local = Timestamp::from_millisecond(at_ms as i64).unwrap();
            let local = local.to_zoned(TimeZone::get(zone).unwrap());
            let hour = HourOfWeek::of(at_ms, &calendar);
            prop_assert_eq!(hour.name(), local.strftime("%a %H").to_string());
            // All of a bucket shorter than a day is in one hour.
            let ranges = Ranges::at(now_ms, calendar);
            for tier in [Tier::Fine, Tier::Hour] {
                let bucket = BucketId::around(tier, at_ms, &ranges);
                prop_assert_eq!(HourOfWeek::of(bucket.start_ms, &ranges.calendar), hour);
            }
        }
    }

    #[test]
    fn hours_sort_by_time() {
        let monday_ms = 4 * DAY_MS;
        let hour = |number: u64| HourOfWeek::of(monday_ms + number * HOUR_MS, &Calendar::default());
        assert_eq!(hour(0).name(), "Mon 00");
        assert_eq!(hour(167).name(), "Sun 23");
        assert_eq!(hour(168), hour(0));
        let week: Vec<HourOfWeek> = (0..u64::from(HourOfWeek::COUNT)).map(hour).collect();
        assert!(week.is_sorted_by(|one, next| one < next));
        assert!(HourOfWeek::every().eq(week));
    }
}

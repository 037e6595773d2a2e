//! The beginnings of hours and days in one time zone.

use serde::{Deserialize, Serialize};

use crate::time::{DAY_MS, FINE_MS, HOUR_MS, Tier};

/// How far the clocks are ahead of UTC, from one moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UtcOffset {
    pub from_ms: u64,
    pub offset_ms: i64,
}

/// The clocks of one time zone, as far back as there may be hits. The default is UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Sorted by time. The first also holds for all time before it. Each is a multiple of 5
    /// minutes.
    offsets: Vec<UtcOffset>,
}

impl Calendar {
    pub fn new(offsets: &[UtcOffset]) -> Self {
        let fine = FINE_MS as i64;
        let rounded = |of: &UtcOffset| UtcOffset {
            from_ms: of.from_ms / FINE_MS * FINE_MS,
            offset_ms: of.offset_ms.div_euclid(fine) * fine,
        };
        let mut offsets: Vec<UtcOffset> = offsets.iter().map(rounded).collect();
        if offsets.iter().all(|of| of.offset_ms == 0) {
            offsets.clear();
        }
        Self { offsets }
    }

    pub fn offsets(&self) -> &[UtcOffset] {
        &self.offsets
    }

    /// How far the clocks are ahead of UTC at a moment.
    pub fn offset_ms(&self, at_ms: u64) -> i64 {
        self.at(at_ms).offset_ms
    }

    /// The start of the bucket of this length that the moment is in.
    pub fn start_ms(&self, tier: Tier, at_ms: u64) -> u64 {
        match tier {
            Tier::Fine => at_ms / FINE_MS * FINE_MS,
            Tier::Hour => self.hour_ms(at_ms),
            Tier::Day => self.day_ms(at_ms),
            Tier::Before => 0,
        }
    }

    /// The start of the next bucket.
    pub fn next_ms(&self, tier: Tier, at_ms: u64) -> u64 {
        let start_ms = self.start_ms(tier, at_ms);
        match tier {
            Tier::Fine => start_ms + FINE_MS,
            // If the clocks are changed within an hour, the hour is shorter.
            Tier::Hour => {
                let full_ms = self.full_hour_ms(at_ms) + HOUR_MS;
                let mut changes = self.offsets.iter().map(|of| of.from_ms);
                let within = changes.find(|at| (start_ms + 1..full_ms).contains(at));
                within.unwrap_or(full_ms)
            }
            // No day is shorter than 22 hours or longer than 26.
            Tier::Day => self.day_ms(start_ms + 26 * HOUR_MS),
            Tier::Before => u64::MAX,
        }
    }

    /// The start of a day, given as a number of days since 1970-01-01.
    pub fn day_of_number_ms(&self, number: u32) -> u64 {
        let noon_ms = u64::from(number) * DAY_MS + DAY_MS / 2;
        self.day_ms(noon_ms.saturating_add_signed(-self.offset_ms(noon_ms)))
    }

    fn at(&self, at_ms: u64) -> UtcOffset {
        let known = self.offsets.iter().rev().find(|of| of.from_ms <= at_ms);
        let first = || UtcOffset {
            from_ms: 0,
            offset_ms: self.offsets.first().map_or(0, |of| of.offset_ms),
        };
        known.copied().unwrap_or_else(first)
    }

    fn hour_ms(&self, at_ms: u64) -> u64 {
        self.full_hour_ms(at_ms).max(self.at(at_ms).from_ms)
    }

    /// The last full hour on clocks that were not changed within the hour.
    fn full_hour_ms(&self, at_ms: u64) -> u64 {
        let offset_ms = self.offset_ms(at_ms);
        let shown_ms = at_ms.saturating_add_signed(offset_ms);
        (shown_ms / HOUR_MS * HOUR_MS).saturating_add_signed(-offset_ms)
    }

    /// The first moment of a day. It is not always midnight.
    fn day_ms(&self, at_ms: u64) -> u64 {
        let day = |of: UtcOffset, at_ms: u64| at_ms.saturating_add_signed(of.offset_ms) / DAY_MS;
        let mut of = self.at(at_ms);
        let today = day(of, at_ms);
        loop {
            let midnight_ms = (today * DAY_MS).saturating_add_signed(-of.offset_ms);
            let Some(before_ms) = of.from_ms.checked_sub(1) else {
                return midnight_ms;
            };
            let before = self.at(before_ms);
            if midnight_ms > of.from_ms || day(before, before_ms) != today {
                return midnight_ms.max(of.from_ms);
            }
            of = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use jiff::{Timestamp, ToSpan};
    use proptest::prelude::*;

    use super::*;
    use crate::time_zone::Zone;

    /// Zones with a change of 30 minutes, a change at midnight, offsets of 30 and 45 minutes,
    /// changes in Ramadan, and of both hemispheres.
    const ZONES: [&str; 12] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Beirut",
        "America/Havana",
        "Pacific/Chatham",
        "America/Santiago",
    ];

    proptest! {
        #[test]
        fn days_begin_when_the_calendar_says(
            zone in proptest::sample::select(ZONES.to_vec()),
            minutes in 0..3 * 365 * 24 * 60u64,
            age in 0..92 * 24 * 60u64,
        ) {
            let now_ms = 1_760_000_000_000 + minutes * 60_000;
            let calendar = Zone::named(zone).unwrap().calendar(now_ms);
            let at_ms = now_ms - age * 60_000;
            let tz = TimeZone::get(zone).unwrap();
            let local = Timestamp::from_millisecond(at_ms as i64).unwrap().to_zoned(tz);
            let day = local.start_of_day().unwrap();
            let start_ms = day.timestamp().as_millisecond() as u64;
            prop_assert_eq!(calendar.start_ms(Tier::Day, at_ms), start_ms);
            let next = day.checked_add(1.day()).unwrap().start_of_day().unwrap();
            let next_ms = next.timestamp().as_millisecond() as u64;
            prop_assert_eq!(calendar.next_ms(Tier::Day, at_ms), next_ms);
            let number = local.date().since(jiff::civil::date(1970, 1, 1)).unwrap().get_days();
            prop_assert_eq!(calendar.day_of_number_ms(number as u32), start_ms);
        }

        #[test]
        fn each_hour_is_in_one_day_and_begins_with_a_bucket_of_five_minutes(
            zone in proptest::sample::select(ZONES.to_vec()),
            minutes in 0..3 * 365 * 24 * 60u64,
        ) {
            let now_ms = 1_760_000_000_000 + minutes * 60_000;
            let calendar = Zone::named(zone).unwrap().calendar(now_ms);
            let at_ms = now_ms - 40 * DAY_MS;
            let (start_ms, next_ms) = (calendar.start_ms(Tier::Hour, at_ms), calendar.next_ms(Tier::Hour, at_ms));
            prop_assert!((start_ms..next_ms).contains(&at_ms));
            prop_assert!(next_ms - start_ms <= HOUR_MS);
            prop_assert_eq!(start_ms % FINE_MS, 0);
            prop_assert_eq!(calendar.start_ms(Tier::Day, start_ms), calendar.start_ms(Tier::Day, next_ms - 1));
            for inside_ms in (start_ms..next_ms).step_by(FINE_MS as usize) {
                prop_assert_eq!(calendar.start_ms(Tier::Hour, inside_ms), start_ms);
            }
            prop_assert_eq!(calendar.start_ms(Tier::Hour, next_ms), next_ms);
        }
    }
}

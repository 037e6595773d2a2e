//! A stretch of time between two moments, as a client asks for it.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::time_text::rfc3339_text;

const FIRST_DAY: Date = date(1970, 1, 1);

/// A moment, or a day of the store's calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Moment {
    /// In milliseconds since 1970.
    At(u64),
    /// In days since 1970-01-01.
    Day(u32),
}

/// A stretch of time from one moment to another. Without `from` it has no beginning. Without `to`
/// it ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    pub from: Option<Moment>,
    /// A moment is not part of the interval. A day is part of it.
    pub to: Option<Moment>,
}

impl Moment {
    pub fn read(text: &str) -> Result<Self, String> {
        let expected =
            || "expected a date as 2026-01-31, or a time as 2026-01-31T23:59:00Z".to_owned();
        if let Ok(at) = text.parse::<Timestamp>() {
            let at_ms = u64::try_from(at.as_millisecond()).map_err(|_| expected())?;
            return Ok(Self::At(at_ms));
        }
        // Only a date may lack the offset. A text with a time needs an offset.
        let day: Date = match text.len() {
            10 => text.parse().map_err(|_| expected())?,
            _ => return Err(expected()),
        };
        let days = (day - FIRST_DAY).get_days();
        Ok(Self::Day(u32::try_from(days).map_err(|_| expected())?))
    }

    /// The moment in its one spelling.
    pub fn text(self) -> String {
        match self {
            Self::At(ms) => rfc3339_text(ms),
            Self::Day(number) => {
                let days = jiff::Span::new().try_days(number);
                let day = days.and_then(|days| FIRST_DAY.checked_add(days));
                day.unwrap_or(FIRST_DAY).to_string()
            }
        }
    }
}

impl Interval {
    pub fn is_given(&self) -> bool {
        *self != Self::default()
    }

    /// Why the interval can have no hit. None if only a calendar could tell that, or if there is no
    /// reason.
    pub fn refusal(&self) -> Option<&'static str> {
        match (self.from?, self.to?) {
            (Moment::At(from), Moment::At(to)) if from >= to => Some("expected a time after from"),
            (Moment::Day(from), Moment::Day(to)) if from > to => {
                Some("expected the day that from has, or a later one")
            }
            _ => None,
        }
    }

    /// The first moment that counts, and the first one after it that does not count.
    pub fn moments(&self, calendar: &Calendar) -> (u64, Option<u64>) {
        let from_ms = self.from.map_or(0, |from| match from {
            Moment::At(ms) => ms,
            Moment::Day(number) => calendar.day_of_number_ms(number),
        });
        let to_ms = self.to.map(|to| match to {
            Moment::At(ms) => ms,
            Moment::Day(number) => calendar.day_of_number_ms(number.saturating_add(1)),
        });
        (from_ms, to_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_one_spelling() {
        for (given, expect) in [
            ("2026-01-31", "2026-01-31"),
            ("1970-01-01", "1970-01-01"),
            ("2026-01-31T23:59:00Z", "2026-01-31T23:59:00.000Z"),
            ("2026-01-31T23:59:00+01:00", "2026-01-31T22:59:00.000Z"),
            ("2026-01-31t23:59:00.1234z", "2026-01-31T23:59:00.123Z"),
        ] {
            let read = Moment::read(given).map(Moment::text);
            assert_eq!(read.as_deref(), Ok(expect), "{given}");
            assert_eq!(Moment::read(expect), Moment::read(given));
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for given in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-1-31",
            "2026-01-31T23:59:00",
            "1969-12-31",
            "1969-12-31T23:59:59Z",
            "1767225600",
            "+002026-01-31",
            "2026-01-31[Europe/Berlin]",
        ] {
            assert!(Moment::read(given).is_err(), "{given}");
        }
    }

    #[test]
    fn an_interval_that_ends_before_it_begins_is_refused() {
        let interval = |from: &str, to: &str| Interval {
            from: Moment::read(from).ok(),
            to: Moment::read(to).ok(),
        };
        assert_eq!(interval("2026-01-31", "2026-01-31").refusal(), None);
        assert!(interval("2026-01-31", "2026-01-30").refusal().is_some());
        let (one, two) = ("2026-01-31T00:00:00Z", "2026-01-31T00:00:01Z");
        assert_eq!(interval(one, two).refusal(), None);
        assert!(interval(one, one).refusal().is_some());
        assert!(interval(two, one).refusal().is_some());
    }
}

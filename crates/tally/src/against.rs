//! The stretch of time that a window is compared with, as a client asks for it.

use serde::{Deserialize, Serialize};

use crate::bucket::Ranges;
use crate::interval::{Interval, Moment};
use crate::span::Span;
use crate::time::DAY_MS;

const PREVIOUS: &str = "previous";
const WEEK: &str = "week";

/// The stretch of time to compare a window with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Against {
    /// The period of the same length before the window.
    #[default]
    Previous,
    /// The same time a week before.
    Week,
    Between(Interval),
}

impl Against {
    pub fn read(text: &str) -> Result<Self, String> {
        let expected =
            || format!("expected {PREVIOUS}, {WEEK} or FROM/TO, as 2026-01-01/2026-01-31");
        let (from, to) = match text {
            PREVIOUS => return Ok(Self::Previous),
            WEEK => return Ok(Self::Week),
            _ => text.split_once('/').ok_or_else(expected)?,
        };
        let read = |text| Moment::read(text).map_err(|_| expected());
        let interval = Interval {
            from: Some(read(from)?),
            to: Some(read(to)?),
        };
        match interval.refusal() {
            None => Ok(Self::Between(interval)),
            Some(_) => Err("expected an end after the beginning".to_owned()),
        }
    }

    /// In its one spelling.
    pub fn text(self) -> String {
        let text = |moment: Option<Moment>| moment.map(Moment::text).unwrap_or_default();
        match self {
            Self::Previous => PREVIOUS.to_owned(),
            Self::Week => WEEK.to_owned(),
            Self::Between(Interval { from, to }) => format!("{}/{}", text(from), text(to)),
        }
    }

    /// The buckets to compare those of this span with. The error says why there are none.
    pub fn span(self, span: &Span, ranges: &Ranges) -> Result<Span, String> {
        let begin_ms = span.begin_ms(ranges);
        let begin_ms =
            begin_ms.ok_or("expected a window that begins within the days kept, as 7d")?;
        let other = match self {
            Self::Previous => Span {
                from_ms: span.previous_from_ms.ok_or(
                    "no buckets are kept that begin and end with the period before: give a \
                     range, as 2026-01-01/2026-01-31",
                )?,
                until_ms: begin_ms,
                ..*span
            },
            Self::Week => {
                let before = |ms: u64| Some(Moment::At(ms.saturating_sub(7 * DAY_MS)));
                let interval = Interval {
                    from: before(begin_ms),
                    to: before(span.end_ms(ranges.now_ms)),
                };
                Span::between(interval, ranges)
            }
            Self::Between(interval) => {
                if interval.moments(&ranges.calendar).0 > ranges.now_ms {
                    return Err("expected a range that has begun".to_owned());
                }
                Span::between(interval, ranges)
            }
        };
        match other.begin_ms(ranges) {
            Some(from_ms) => Ok(Span { from_ms, ..other }),
            None => Err("expected a range that begins within the days kept".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time_text::rfc3339_text;
    use crate::window::Window;

    const NOW: &str = "2026-11-26T13:07:00Z";

    fn at(text: &str) -> u64 {
        match Moment::read(text) {
            Ok(Moment::At(ms)) => ms,
            _ => panic!("{text}"),
        }
    }

    fn check(window: Window, against: &str, expect: Result<(&str, &str), &str>) {
        let ranges = Ranges::utc(at(NOW));
        let against = Against::read(against).unwrap();
        let found = against.span(&window.span(&ranges), &ranges);
        let text = |ms| rfc3339_text(ms).replace(":00.000Z", "Z");
        let found = found.map(|span| (text(span.from_ms), text(span.end_ms(ranges.now_ms))));
        match expect {
            Ok((from, to)) => assert_eq!(found, Ok((from.to_owned(), to.to_owned()))),
            Err(reason) => assert!(
                found.clone().is_err_and(|of| of.contains(reason)),
                "{found:?}"
            ),
        }
    }

    #[test]
    fn the_period_before_ends_where_the_window_begins() {
        // 1h has the buckets from 12:10 on.
        check(
            Window::Hour,
            "previous",
            Ok(("2026-11-26T11:10Z", "2026-11-26T12:10Z")),
        );
        check(
            Window::Day,
            "previous",
            Ok(("2026-11-24T14:00Z", "2026-11-25T14:00Z")),
        );
        check(
            Window::Week,
            "previous",
            Ok(("2026-11-13T00:00Z", "2026-11-20T00:00Z")),
        );
        check(Window::Quarter, "previous", Err("no buckets are kept"));
        check(Window::All, "previous", Err("begins within the days kept"));
    }

    #[test]
    fn a_week_before_is_as_long_and_has_whole_buckets() {
        // Days are kept of that time.
        check(
            Window::Day,
            "week",
            Ok(("2026-11-18T00:00Z", "2026-11-20T00:00Z")),
        );
        check(
            Window::Week,
            "week",
            Ok(("2026-11-13T00:00Z", "2026-11-20T00:00Z")),
        );
        check(Window::Quarter, "week", Err("begins within the days kept"));
    }

    #[test]
    fn any_range_has_whole_buckets() {
        let day = Ok(("2026-11-01T00:00Z", "2026-11-02T00:00Z"));
        check(Window::Day, "2026-11-01/2026-11-01", day);
        check(
            Window::Day,
            "2026-11-01T10:00:00Z/2026-11-01T11:00:00Z",
            day,
        );
        check(Window::Day, "2027-01-01/2027-01-02", Err("has begun"));
        check(
            Window::Day,
            "2020-01-01/2020-01-02",
            Err("within the days kept"),
        );
        let now = Ok(("2026-11-26T00:00Z", "2026-11-26T13:07Z"));
        check(Window::Day, "2026-11-26/2026-11-26", now);
    }

    #[test]
    fn each_has_one_spelling() {
        for text in ["previous", "week", "2026-01-01/2026-01-31"] {
            assert_eq!(Against::read(text).map(Against::text), Ok(text.to_owned()));
        }
        for text in [
            "",
            "/",
            "yesterday",
            "2026-01-01",
            "2026-01-02/2026-01-01",
            "2026-01-01/",
        ] {
            assert!(Against::read(text).is_err(), "{text}");
        }
    }
}

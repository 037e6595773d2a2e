//! Windows: stretches of time that a question is about.

use serde::{Deserialize, Serialize};

pub use crate::bucket::{DAYS_KEPT_MS, FINE_KEPT_MS, HOURS_KEPT_MS, Ranges};
use crate::interval::Interval;
pub use crate::span::Span;
use crate::time::Tier;
pub use crate::time::{DAY_MS, FINE_MS, HOUR_MS, MINUTE_MS};

/// The window of the alerts: the current bucket and the one before it.
pub const RECENT_MS: u64 = 2 * FINE_MS;

/// A stretch of time. It ends now, or it is between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Window {
    /// The last two 5-minute buckets: 5 to 10 minutes. It is for alerts. The API does not offer it.
    #[serde(rename = "10m")]
    Recent,
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
    #[serde(rename = "30d")]
    Month,
    #[serde(rename = "90d")]
    Quarter,
    #[serde(rename = "all")]
    All,
    #[serde(rename = "between")]
    Between(Interval),
}

impl Window {
    /// The windows with a name.
    pub const EVERY: [Self; 6] = [
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::All,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recent => "10m",
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
            Self::All => "all",
            Self::Between(_) => "between",
        }
    }

    /// The interval, if the window is one. Else an interval without bounds.
    pub fn interval(self) -> Interval {
        match self {
            Self::Between(interval) => interval,
            _ => Interval::default(),
        }
    }

    /// The window, if it has a name.
    pub fn named(self) -> Option<Self> {
        Self::EVERY.contains(&self).then_some(self)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|window| window.name() == name)
    }

    /// The length of the window, if its name says it.
    pub fn length_ms(self) -> Option<u64> {
        match self {
            Self::Recent => Some(RECENT_MS),
            Self::Hour => Some(HOUR_MS),
            Self::Day => Some(DAY_MS),
            Self::Week => Some(7 * DAY_MS),
            Self::Month => Some(30 * DAY_MS),
            Self::Quarter => Some(90 * DAY_MS),
            Self::All | Self::Between(_) => None,
        }
    }

    /// The buckets of the window, as seen at one moment.
    pub fn span(self, ranges: &Ranges) -> Span {
        let Some(length_ms) = self.length_ms() else {
            return match self {
                Self::Between(interval) => Span::between(interval, ranges),
                _ => Span::ALL,
            };
        };
        let now_ms = ranges.now_ms;
        let start_ms = now_ms.saturating_sub(length_ms);
        Span {
            from_ms: match self {
                Self::Recent => recent_from_ms(now_ms),
                _ => start_ms,
            },
            previous_from_ms: match self {
                Self::Hour | Self::Day | Self::Week | Self::Month => {
                    Some(start_ms.saturating_sub(length_ms))
                }
                _ => None,
            },
            cut: match self {
                Self::Recent | Self::Hour => Tier::Fine,
                Self::Day => Tier::Hour,
                _ => Tier::Day,
            },
            ..Span::ALL
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Window {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let names = Self::EVERY.map(Self::name);
        utoipa::openapi::Object::builder()
            .schema_type(utoipa::openapi::Type::String)
            .enum_values(Some(names))
            .description(Some("A stretch of time that ends now."))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Window {}

/// The start of [`Window::Recent`]. It is the start of a bucket, so that rates are divided by an
/// exact time.
pub fn recent_from_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(RECENT_MS).next_multiple_of(FINE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_has_a_name_that_finds_it() {
        for window in Window::EVERY {
            assert_eq!(Window::from_name(window.name()), Some(window));
            assert_eq!(
                serde_json::to_value(window).unwrap(),
                serde_json::json!(window.name())
            );
        }
        assert_eq!(Window::from_name("2h"), None);
        assert_eq!(Window::from_name(Window::Recent.name()), None);
    }

    #[test]
    fn what_is_recent_begins_with_a_bucket_and_takes_5_to_10_minutes() {
        let at = 400 * DAY_MS;
        for (now_ms, start_ms) in [
            (at, at - 10 * MINUTE_MS),
            (at + 1, at - 5 * MINUTE_MS),
            (at + 5 * MINUTE_MS - 1, at - 5 * MINUTE_MS),
            (at + 5 * MINUTE_MS, at - 5 * MINUTE_MS),
            (at + 5 * MINUTE_MS + 1, at),
        ] {
            let ranges = Ranges::utc(now_ms);
            assert_eq!(Window::Recent.span(&ranges).from_ms, start_ms);
            assert!(start_ms >= ranges.fine_from_ms);
        }
        assert_eq!(Window::Recent.span(&Ranges::utc(0)).from_ms, 0);
    }

    #[test]
    fn each_window_is_made_of_buckets_finer_than_itself() {
        for minutes in 0..(3 * 24 * 60) {
            let now = 400 * DAY_MS + minutes * MINUTE_MS;
            let ranges = Ranges::utc(now);
            let span = |window: Window| window.span(&ranges);
            assert!(span(Window::Hour).from_ms >= ranges.fine_from_ms);
            assert!(span(Window::Day).from_ms >= ranges.hours_from_ms);
            assert!(span(Window::Quarter).from_ms >= ranges.days_from_ms);
        }
    }

    #[test]
    fn the_period_before_a_window_is_made_of_buckets_no_coarser_than_its_buckets() {
        for minutes in 0..(3 * 24 * 60) {
            let now = 400 * DAY_MS + minutes * MINUTE_MS;
            let ranges = Ranges::utc(now);
            let span = |window: Window| window.span(&ranges);
            for window in Window::EVERY {
                let kept_from = match span(window).cut {
                    Tier::Fine => ranges.fine_from_ms,
                    Tier::Hour => ranges.hours_from_ms,
                    _ => ranges.days_from_ms,
                };
                let previous = span(window).previous_from_ms;
                assert!(previous.is_none_or(|start| start >= kept_from));
            }
        }
    }
}

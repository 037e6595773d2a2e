//! Windows and buckets: how time is cut.
//!
//! A hit lies in exactly one bucket. Buckets are 5 minutes for the last 2 hours, hours for the last 48 hours, days (UTC) for the
//! last 90 days, then one for all before. A finer bucket is poured into the coarser one only when the whole of that is out of
//! the finer range, so that no stretch of time is ever cut two ways.

use serde::{Deserialize, Serialize};

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// The finest bucket.
pub const FINE_MS: u64 = 5 * MINUTE_MS;
/// How long 5-minute buckets are kept, at least.
pub const FINE_KEPT_MS: u64 = 2 * HOUR_MS;
/// How long hours are kept, at least.
pub const HOURS_KEPT_MS: u64 = 48 * HOUR_MS;
/// How long days are kept, at least; what is older is counted in one bucket.
pub const DAYS_KEPT_MS: u64 = 90 * DAY_MS;
/// What alerts look at: the bucket that is under way, and the one before.
pub const RECENT_MS: u64 = 2 * FINE_MS;

/// A stretch of time that ends now: the buckets that start within it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Window {
    /// The last two 5-minute buckets: 5 to 10 minutes. For alerts; nobody can ask the API for it.
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
}

impl Window {
    /// Those that the API can be asked for.
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
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|window| window.name() == name)
    }

    /// How long it is; `None` is without end.
    pub fn length_ms(self) -> Option<u64> {
        match self {
            Self::Recent => Some(RECENT_MS),
            Self::Hour => Some(HOUR_MS),
            Self::Day => Some(DAY_MS),
            Self::Week => Some(7 * DAY_MS),
            Self::Month => Some(30 * DAY_MS),
            Self::Quarter => Some(90 * DAY_MS),
            Self::All => None,
        }
    }

    /// The earliest start of a bucket that counts. Of [`Self::Recent`] there is such a bucket, so that rates can be told of the time since then.
    pub fn start_ms(self, now_ms: u64) -> u64 {
        let start_ms = self
            .length_ms()
            .map_or(0, |length| now_ms.saturating_sub(length));
        match self {
            Self::Recent => start_ms.next_multiple_of(FINE_MS),
            _ => start_ms,
        }
    }

    /// The earliest start of a bucket of the period of the same length before. None where its buckets are not kept, it has no end, or nobody asks.
    pub fn previous_start_ms(self, now_ms: u64) -> Option<u64> {
        match self {
            Self::Hour | Self::Day | Self::Week | Self::Month => {
                let length_ms = self.length_ms()?;
                Some(self.start_ms(now_ms).saturating_sub(length_ms))
            }
            Self::Recent | Self::Quarter | Self::All => None,
        }
    }

    /// The earliest start of a bucket that a timeline shows.
    pub fn timeline_start_ms(self, now_ms: u64) -> u64 {
        let previous = self.previous_start_ms(now_ms);
        previous.unwrap_or_else(|| self.start_ms(now_ms))
    }

    /// What a timeline is cut into: nothing is finer than the buckets that the window and the one before it are made of.
    pub fn bucket_ms(self) -> u64 {
        match self {
            Self::Recent | Self::Hour => FINE_MS,
            Self::Day => HOUR_MS,
            Self::Week | Self::Month | Self::Quarter | Self::All => DAY_MS,
        }
    }
}

/// From when on time is cut into 5 minutes, hours and days, as seen at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Ranges {
    pub fine_from_ms: u64,
    pub hours_from_ms: u64,
    pub days_from_ms: u64,
}

impl Ranges {
    pub fn at(now_ms: u64) -> Self {
        let floor = |kept: u64, unit: u64| now_ms.saturating_sub(kept) / unit * unit;
        Self {
            fine_from_ms: floor(FINE_KEPT_MS, HOUR_MS),
            hours_from_ms: floor(HOURS_KEPT_MS, DAY_MS),
            days_from_ms: floor(DAYS_KEPT_MS, DAY_MS),
        }
    }
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
            assert_eq!(Window::Recent.start_ms(now_ms), start_ms);
            assert!(start_ms >= Ranges::at(now_ms).fine_from_ms);
        }
        assert_eq!(Window::Recent.start_ms(0), 0);
    }

    #[test]
    fn each_window_is_made_of_buckets_finer_than_itself() {
        for minutes in 0..(3 * 24 * 60) {
            let now = 400 * DAY_MS + minutes * MINUTE_MS;
            let ranges = Ranges::at(now);
            assert!(Window::Hour.start_ms(now) >= ranges.fine_from_ms);
            assert!(Window::Day.start_ms(now) >= ranges.hours_from_ms);
            assert!(Window::Quarter.start_ms(now) >= ranges.days_from_ms);
        }
    }

    #[test]
    fn the_period_before_a_window_is_made_of_buckets_no_coarser_than_its_buckets() {
        for minutes in 0..(3 * 24 * 60) {
            let now = 400 * DAY_MS + minutes * MINUTE_MS;
            let ranges = Ranges::at(now);
            for window in Window::EVERY {
                let kept_from = match window.bucket_ms() {
                    FINE_MS => ranges.fine_from_ms,
                    HOUR_MS => ranges.hours_from_ms,
                    _ => ranges.days_from_ms,
                };
                let previous = window.previous_start_ms(now);
                assert!(previous.is_none_or(|start| start >= kept_from));
            }
        }
    }
}

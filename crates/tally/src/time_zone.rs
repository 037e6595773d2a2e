//! Time zones by their IANA names.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::calendar::{Calendar, UtcOffset};
use crate::hit::TIMESTAMP_MS_MIN;
use crate::time::DAY_MS;

/// The name of UTC.
pub const UTC: &str = "UTC";

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            name: UTC.to_owned(),
            rules: TimeZone::UTC,
        }
    }
}

impl Zone {
    /// The zone with a name such as `Europe/Berlin`. None: there is no zone with this name.
    pub fn named(name: &str) -> Option<Self> {
        if name == UTC {
            return Some(Self::default());
        }
        let rules = TimeZone::get(name).ok()?;
        let name = rules.iana_name()?.to_owned();
        Some(Self { name, rules })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The clocks from the earliest hit that there may be up to the next day.
    pub fn calendar(&self, now_ms: u64) -> Calendar {
        let Some(first) = timestamp(TIMESTAMP_MS_MIN) else {
            return Calendar::default();
        };
        let offset = |from_ms: u64, at: Timestamp| UtcOffset {
            from_ms,
            offset_ms: i64::from(self.rules.to_offset(at).seconds()) * 1_000,
        };
        let mut offsets = vec![offset(0, first)];
        for change in self.rules.following(first) {
            let at = change.timestamp();
            let Ok(at_ms) = u64::try_from(at.as_millisecond()) else {
                continue;
            };
            if at_ms > now_ms.saturating_add(3 * DAY_MS) {
                break;
            }
            offsets.push(offset(at_ms, at));
        }
        Calendar::new(&offsets)
    }
}

fn timestamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

//! Numbers, times and comparisons as people read them. An unknown value is a dash.

use jiff::Timestamp;
use jiff::tz::TimeZone;
pub use rollcall_tally::number::grouped as count;

use crate::texts::Text;

const UNKNOWN: &str = "–";
/// Forms of a moment, in English and in Chinese.
const IN_FULL: [&str; 2] = ["%Y-%m-%d %H:%M UTC"; 2];
const SHORT: [&str; 2] = ["%b %-d, %H:%M", "%-m月%-d日 %H:%M"];
const TIME: [&str; 2] = ["%H:%M"; 2];
const DAY: [&str; 2] = ["%b %-d", "%-m月%-d日"];

/// `950`, `1.2k`, `34M`: for the axis of a plot.
pub fn compact(number: f64) -> String {
    let (scaled, unit) = match number {
        n if n >= 1e9 => (n / 1e9, "G"),
        n if n >= 1e6 => (n / 1e6, "M"),
        n if n >= 1e3 => (n / 1e3, "k"),
        n => (n, ""),
    };
    format!("{}{unit}", short(scaled))
}

/// A share of 0 to 1 as `12.3 %`.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        p if p < 0.1 => "< 0.1 %".to_owned(),
        p => format!("{} %", short(p)),
    }
}

/// As [`percent`], or a dash.
pub fn share(share: Option<f64>) -> String {
    share.map_or_else(|| UNKNOWN.to_owned(), percent)
}

/// Milliseconds as `12.5 ms`, `1.2 s` or `3 min`.
pub fn duration(ms: Option<f64>) -> String {
    match ms {
        None => UNKNOWN.to_owned(),
        Some(0.0) => "0 ms".to_owned(),
        Some(ms) if ms < 1.0 => format!("{ms:.2} ms"),
        Some(ms) if ms < 1e3 => format!("{} ms", short(ms)),
        Some(ms) if ms < 120e3 => format!("{} s", short(ms / 1e3)),
        Some(ms) if ms < 7_200e3 => format!("{} min", short(ms / 60e3)),
        Some(ms) => format!("{} h", short(ms / 3_600e3)),
    }
}

/// `1.5 MB`, by the thousand.
pub fn bytes(bytes: Option<u64>) -> String {
    match bytes {
        None => UNKNOWN.to_owned(),
        Some(bytes) if bytes < 1_000 => format!("{bytes} B"),
        Some(bytes) => {
            let text = compact(bytes as f64);
            let (number, unit) = text.split_at(text.len() - 1);
            let unit = if unit == "k" {
                "kB".to_owned()
            } else {
                format!("{unit}B")
            };
            format!("{number} {unit}")
        }
    }
}

/// At most three digits that matter, no zeros at the end of a fraction.
fn short(number: f64) -> String {
    let text = match number {
        n if n >= 99.95 => format!("{n:.0}"),
        n if n >= 9.995 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A moment, for a page. The page has it in UTC, and the script shows it in the browser's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339.
    pub machine: String,
    pub text: Text,
    /// In full, and in UTC.
    pub utc: String,
}

impl Moment {
    pub fn new(ms: u64) -> Self {
        Self::written(ms, IN_FULL)
    }

    /// The moment in little room: without the year.
    pub fn short(ms: u64) -> Self {
        Self {
            text: Self::written(ms, SHORT).text,
            ..Self::new(ms)
        }
    }

    /// The time of day.
    pub fn time(ms: u64) -> Self {
        Self::written(ms, TIME)
    }

    /// The day. `ms` is what clocks at its place show.
    pub fn day(ms: u64) -> Self {
        Self::written(ms, DAY)
    }

    fn written(ms: u64, forms: [&str; 2]) -> Self {
        let time = i64::try_from(ms).ok();
        let time = time.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let time = time.unwrap_or_default().to_zoned(TimeZone::UTC);
        let [english, chinese] = forms.map(|form| time.strftime(form).to_string());
        Self {
            machine: time.timestamp().to_string(),
            text: Text::Both { english, chinese },
            utc: time.strftime(IN_FULL[0]).to_string(),
        }
    }
}

/// Whether a higher number is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    IsNeutral,
    IsBad,
}

/// How a number differs from the number of the period before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub text: Text,
    /// `good`, `bad` or `neutral`.
    pub tone: &'static str,
    /// What it is compared with.
    pub than: Text,
}

impl Change {
    /// The number of the period before, which is too small to compare with.
    pub fn only(before: u64) -> Self {
        Self {
            text: count(before).into(),
            tone: "neutral",
            than: t!("in the period before"),
        }
    }

    /// None if either number is not known.
    pub fn new(now: Option<f64>, before: Option<f64>, more: More) -> Option<Self> {
        let (now, before) = (now?, before?);
        let change = (now - before) / before;
        let is_same = now == before || change.abs() < 0.001;
        let text = match change {
            _ if is_same => t!("no change"),
            _ if before == 0.0 => t!("from nothing"),
            c if c >= 10.0 => t!("{} times as much", compact(now / before)),
            c => format!("{}{}", if c > 0.0 { "+" } else { "−" }, percent(c.abs())).into(),
        };
        let tone = match more {
            More::IsNeutral => "neutral",
            More::IsBad if is_same => "neutral",
            More::IsBad if now > before => "bad",
            More::IsBad => "good",
        };
        Some(Self {
            text,
            tone,
            than: t!("vs previous"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_separator_each_thousand() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn quantities_are_short_and_have_their_unit() {
        assert_eq!(compact(0.0), "0");
        assert_eq!(compact(950.0), "950");
        assert_eq!(compact(1_250.0), "1.25k");
        assert_eq!(compact(34e6), "34M");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.0001), "< 0.1 %");
        assert_eq!(percent(0.123_4), "12.3 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(duration(None), "–");
        assert_eq!(duration(Some(0.25)), "0.25 ms");
        assert_eq!(duration(Some(12.5)), "12.5 ms");
        assert_eq!(duration(Some(1_234.0)), "1.23 s");
        assert_eq!(duration(Some(600e3)), "10 min");
        assert_eq!(bytes(Some(17)), "17 B");
        assert_eq!(bytes(Some(1_500)), "1.5 kB");
        assert_eq!(bytes(Some(838_782_701)), "839 MB");
    }

    #[test]
    fn moments_are_for_machines_and_for_people() {
        let moment = Moment::new(1_800_000_123_456);
        assert_eq!(moment.machine, "2027-01-15T08:02:03.456Z");
        assert_eq!(moment.text.to_string(), "2027-01-15 08:02 UTC");
        let said = |moment: Moment| moment.text.to_string();
        assert_eq!(said(Moment::time(1_800_000_123_456)), "08:02");
        assert_eq!(said(Moment::short(1_800_000_123_456)), "Jan 15, 08:02");
        assert_eq!(Moment::short(1_800_000_123_456).utc, said(moment));
        assert_eq!(said(Moment::day(1_800_000_123_456)), "Jan 15");
    }

    #[test]
    fn a_change_says_how_much_and_whether_that_is_good() {
        let check = |now: f64, before: f64, more: More, text: &str, tone: &str| {
            let change = Change::new(Some(now), Some(before), more).unwrap();
            assert_eq!(
                (change.text.to_string(), change.tone),
                (text.to_owned(), tone)
            );
        };
        check(112.0, 100.0, More::IsNeutral, "+12 %", "neutral");
        check(112.0, 100.0, More::IsBad, "+12 %", "bad");
        check(50.0, 100.0, More::IsBad, "−50 %", "good");
        check(0.0, 100.0, More::IsBad, "−100 %", "good");
        check(5.0, 0.0, More::IsBad, "from nothing", "bad");
        check(0.0, 0.0, More::IsBad, "no change", "neutral");
        check(
            1_300.0,
            100.0,
            More::IsNeutral,
            "13 times as much",
            "neutral",
        );
        assert_eq!(Change::new(None, Some(1.0), More::IsBad), None);
        assert_eq!(Change::new(Some(1.0), None, More::IsBad), None);
    }
}

//! Whether the numbers of a page can be trusted.

use rollcall_tally::report::Status;
use rollcall_tally::window::MINUTE_MS;

use crate::dashboard::format;
use crate::texts::Text;

/// One line about whether the numbers can be trusted.
pub struct Health {
    pub label: Text,
    pub value: Text,
    pub is_well: bool,
    pub hint: Text,
}

/// If segments wait longer than this, the line is marked. Answers are kept for up to 10 minutes,
/// and the next one that is computed folds the waiting segments. So a shorter wait is no fault.
const LAG_WELL_MS: u64 = 15 * MINUTE_MS;

/// The lines about whether the numbers can be trusted. Without a status, there are only the lines
/// that the answer itself gives.
pub fn health(coverage: f64, age_s: u64, status: Option<&Status>) -> Vec<Health> {
    let health = |label, value, is_well, hint| Health {
        label,
        value,
        is_well,
        hint,
    };
    let mut strip = vec![
        health(
            t!("Coverage"),
            // Less than all is never rounded up to 100 %.
            format!("{} %", (coverage * 1_000.0).floor() / 10.0).into(),
            coverage >= 1.0,
            t!("Share of the IPs asked that answered"),
        ),
        health(
            t!("Answer"),
            match age_s {
                0..=1 => t!("computed just now"),
                2..=119 => t!("{} s old", age_s),
                _ => t!("{} min old", age_s / 60),
            },
            true,
            t!("Answers are kept for a few minutes; reload past the cache for a new one"),
        ),
    ];
    let Some(status) = status else {
        strip.push(health(
            t!("Status"),
            t!("not known"),
            false,
            t!("The status could not be read"),
        ));
        return strip;
    };
    let dropped = status.dropped;
    let lag = format::duration(Some(status.lag_ms as f64));
    let lost = dropped.evicted_hits + dropped.unreadable_hits;
    strip.extend([
        health(
            t!("Waiting"),
            match status.pending_segments {
                0 => t!("nothing"),
                1 => t!("1 batch, {}", lag),
                more => t!("{} batches, {}", format::count(more), lag),
            },
            status.lag_ms < LAG_WELL_MS,
            t!("Recorded, and in the answers with the next fold, which any new answer begins with"),
        ),
        health(
            t!("Dropped"),
            t!("{} hits", format::count(lost)),
            lost == 0,
            t!("Hits of IPs that left because too many others were seen later, or whose state could not be read"),
        ),
        health(
            t!("Under (other)"),
            t!("{} hits", format::count(dropped.other_path_hits)),
            dropped.other_path_hits == 0,
            t!("Hits of IPs with too many paths; counted, but not by path"),
        ),
        health(
            t!("Tracked"),
            t!("{} IPs", format::count(status.tracked_ips)),
            true,
            t!("IPs with a state of their own, seen lately or not"),
        ),
    ]);
    strip
}

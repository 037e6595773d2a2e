//! Every measurement with its target, in the order of the table.

use super::check::Window;

/// If a run has fewer hits, the targets do not hold for it.
pub const JUDGED_HITS: u64 = 1_000_000;
/// A run with at least this many IPs is a wide run. It has targets of its own.
pub const WIDE_IPS: u32 = 1_000_000;

pub struct Goal {
    pub what: &'static str,
    pub unit: Unit,
    pub target: Target,
    /// The target with 1,000,000 IPs or more.
    pub wide: Target,
}

#[derive(Clone, Copy)]
pub enum Unit {
    Milliseconds,
    Seconds,
    HitsPerSecond,
    RowsPerSecond,
    Bytes,
    Mebibytes,
}

pub enum Target {
    None,
    AtLeast(f64),
    AtMost(f64),
    /// At most this many times the reference.
    Times(f64, &'static str),
    /// At least this many times the reference.
    AtLeastTimes(f64, &'static str),
}

/// A question that is asked cold.
pub struct Cold {
    pub name: &'static str,
    pub goal: Goal,
    /// The same question in a run with many IPs. Its reference is the time with fewer IPs.
    pub growth: Goal,
    pub path: &'static str,
    pub window: Window,
}

use Target::{AtLeast, AtLeastTimes, AtMost, Times};
use Unit::{Bytes, HitsPerSecond, Mebibytes, Milliseconds, RowsPerSecond, Seconds};

const fn goal(what: &'static str, unit: Unit, target: Target, wide: Target) -> Goal {
    Goal {
        what,
        unit,
        target,
        wide,
    }
}

/// A cold question. Its query in `peer.py` has the same name.
macro_rules! cold {
    ($name:literal, $path:literal, $window:expr) => {
        Cold {
            name: $name,
            goal: goal(
                concat!("cold ", $name),
                Milliseconds,
                Times(1.0, "DuckDB"),
                Times(0.3, "DuckDB"),
            ),
            growth: goal(
                concat!("cold ", $name, ", growth"),
                Milliseconds,
                Target::None,
                Times(2.0, "fewer IPs"),
            ),
            path: concat!("/admin/", $path),
            window: $window,
        }
    };
}

pub static IMPORT_ACKNOWLEDGED: Goal = goal(
    "import on SQLite, acknowledged",
    HitsPerSecond,
    Target::None,
    Target::None,
);
pub static IMPORT: Goal = goal(
    "import on SQLite, folded",
    HitsPerSecond,
    AtLeast(100_000.0),
    AtLeast(60_000.0),
);
pub static IMPORT_LOG_ACKNOWLEDGED: Goal = goal(
    "`rollcall import` of a Combined log, acknowledged",
    HitsPerSecond,
    Target::None,
    Target::None,
);
pub static IMPORT_LOG: Goal = goal(
    "`rollcall import` of a Combined log, folded",
    HitsPerSecond,
    AtLeast(100_000.0),
    AtLeast(60_000.0),
);
pub static IMPORT_REDIS_ACKNOWLEDGED: Goal = goal(
    "import on Redis, acknowledged",
    HitsPerSecond,
    Target::None,
    Target::None,
);
pub static IMPORT_REDIS: Goal = goal(
    "import on Redis, folded",
    HitsPerSecond,
    AtLeast(100_000.0),
    AtLeast(60_000.0),
);

const WEEK: Window = Window::Days(7);
const MONTH: Window = Window::Days(30);

pub static COLD: [Cold; 8] = [
    cold!("top-paths 7d", "top-paths?timeRange=7d", WEEK),
    cold!("top-paths 30d", "top-paths?timeRange=30d", MONTH),
    cold!("top-ips 7d", "top-ips?timeRange=7d", WEEK),
    cold!("overview 7d", "overview?timeRange=7d", WEEK),
    cold!("global-stats 7d", "global-stats?timeRange=7d", WEEK),
    cold!(
        "global-stats all",
        "global-stats?timeRange=all",
        Window::All
    ),
    cold!("timeseries 7d", "timeseries?timeRange=7d", WEEK),
    cold!("countries 7d", "countries?timeRange=7d&limit=100", WEEK),
];

pub static CACHED: Goal = goal(
    "a kept answer, on a kept connection",
    Milliseconds,
    Times(2.0, "/healthz"),
    Times(2.0, "/healthz"),
);
pub static EXPORT: Goal = goal(
    "full export",
    RowsPerSecond,
    AtLeast(500_000.0),
    AtLeast(500_000.0),
);
pub static EXPORT_MEMORY: Goal = goal(
    "memory at its peak, in an export",
    Mebibytes,
    Times(1.1, "before"),
    Times(1.1, "before"),
);
pub static LIVE_BYTES: Goal = goal(
    "live values on disk, a hit",
    Bytes,
    AtMost(100.0),
    AtMost(100.0),
);
pub static FILE_SIZE: Goal = goal(
    "SQLite's file after the import",
    Mebibytes,
    Times(3.0, "live values"),
    Times(3.0, "live values"),
);
pub const STORE_CALLS: &str = "the two store calls alone";
pub static ONE_HIT: Goal = goal(
    "one hit a request, 16 connections",
    HitsPerSecond,
    AtLeastTimes(0.8, STORE_CALLS),
    AtLeastTimes(0.8, STORE_CALLS),
);
pub static FRESH: Goal = goal(
    "a fresh answer while hits come in, p99",
    Milliseconds,
    Times(3.0, "idle"),
    Times(3.0, "idle"),
);
pub static RECORDED: Goal = goal(
    "recording while questions come in, p99",
    Milliseconds,
    Times(2.0, "idle"),
    Times(2.0, "idle"),
);
pub static BURST: Goal = goal(
    "first question after 16 large requests at once",
    Seconds,
    AtMost(2.0),
    AtMost(2.0),
);
pub static MEMORY: Goal = goal(
    "memory of the host at its peak",
    Mebibytes,
    Target::None,
    Target::None,
);

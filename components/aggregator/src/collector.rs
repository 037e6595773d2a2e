//! The collector, by how long its functions may take. A batch brings the deadline that is configured.

use std::time::Duration;

pub use rollcall_web::collector::Collector;

/// A snapshot folds first, and may have to wait for somebody else who folds.
pub const SNAPSHOT: Collector = Collector::within(Duration::from_secs(25));
/// Goes through many values: lists, the status, and sweeping.
pub const MANY: Collector = Collector::within(Duration::from_secs(10));
/// What is shared saves time, or is not worth it.
pub const SHARED: Collector = Collector::within(Duration::from_secs(2));

//! The collector's functions, grouped by their deadlines. A batch has its own deadline, which is
//! configured.

use std::time::Duration;

pub use rollcall_web::collector::Collector;

/// A snapshot folds first. It may have to wait for a fold of another instance.
pub const SNAPSHOT: Collector = Collector::within(Duration::from_secs(25));
/// Functions that go through many values: lists, the status, and sweeping.
pub const MANY: Collector = Collector::within(Duration::from_secs(10));
/// Shared values save time. They are not worth a longer wait.
pub const SHARED: Collector = Collector::within(Duration::from_secs(2));

//! The answers, in the shapes that the admin API gives them out in. The same types as `wit/rollcall.wit`'s interface `reports`.
//!
//! A report that one question alone gives stands beside that question, in `question`.
//!
//! Response times are milliseconds, times RFC 3339 in UTC, shares 0 to 1 unless they are called a percentage.

mod alerts;
mod costs;
mod export;
mod global;
mod ips;
mod metrics;
mod overview;
mod paths;
mod prewarm;
mod provenance;
mod response_times;
mod status;
mod time;
mod timeline;
mod verify;

pub use alerts::{Alert, AlertCheck, AlertNotification, AlertWindow, Notification};
pub use costs::{CostBreakdown, CostMetrics, Prices, days};
pub use export::ExportRecord;
pub use global::{GLOBAL_TOP_PATHS, GlobalStats};
pub use ips::{IpStats, TopIps};
pub use metrics::Metrics;
pub use overview::{MethodShare, OVERVIEW_COUNTRIES, OVERVIEW_IPS, Overview};
pub use paths::{CountryShare, PathStats, TOP_COUNTRIES, TopPaths, top_paths};
pub use prewarm::{Computed, Prewarmed};
pub use provenance::Provenance;
pub use response_times::ResponseTimes;
pub use status::{CacheStatus, FanOut, FanOutStatus, FoldStatus, Status};
pub use time::rfc3339_text;
pub use timeline::{Period, Timeline, TimelineBucket, Timeseries};
pub use verify::{DIFFERENCES_MAX, Difference, Left, Verified, WindowVerified};

pub use crate::order::PathOrder;
use paths::country_shares;
use time::rfc3339;
pub(crate) use time::rfc3339_if_any;

#[cfg(test)]
mod tests;

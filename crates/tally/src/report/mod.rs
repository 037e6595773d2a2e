//! The answers, in the shapes of the admin API. They are the types of the interface `reports` in
//! `wit/rollcall.wit`.
//!
//! If only one question gives a report, the report is in the file of that question, in `question`.
//!
//! Response times are in milliseconds. Times are RFC 3339 in UTC. Shares are 0 to 1, unless they
//! are called a percentage.

mod alerts;
mod costs;
mod estimate;
mod export;
mod global;
mod ips;
mod list;
mod metrics;
mod overview;
mod paths;
mod prewarm;
mod provenance;
mod response_times;
mod status;
mod stored_ip;
mod timeline;
mod verify;

pub use alerts::{Alert, AlertCheck, AlertNotification, AlertWindow, Notification};
pub use costs::{CostBreakdown, CostMetrics, Prices, days};
pub use estimate::{Estimate, EstimateSource};
pub use export::ExportRecord;
pub use global::{GLOBAL_TOP_PATHS, GlobalStats};
pub use ips::{IpStats, TopIps};
pub use list::{List, ListFormat};
pub use metrics::Metrics;
pub use overview::{MethodShare, OVERVIEW_COUNTRIES, OVERVIEW_IPS, Overview};
pub use paths::{CountryShare, PathStats, TOP_COUNTRIES, TopPaths, top_paths};
pub use prewarm::{Computed, Prewarmed};
pub use provenance::Provenance;
pub use response_times::ResponseTimes;
pub use status::{CacheStatus, FanOut, FanOutStatus, FoldStatus, RefusedRequests, Status};
pub use stored_ip::{Length, ListedIn, SeenText, StoredBucket, StoredIp, StoredPath, UpTo};
pub use timeline::{Period, Timeline, TimelineBucket, Timeseries};
pub use verify::{DIFFERENCES_MAX, Difference, Left, Verified, WindowVerified};

pub use crate::order::{Metric, PathOrder};
pub use crate::time_text::{http_date, rfc3339_text};
use crate::time_text::{rfc3339, rfc3339_if_any};
use paths::country_shares;
pub(crate) use timeline::{bucket_starts, is_zero, starts, utc_offset_minutes};

#[cfg(test)]
pub(crate) mod tests;

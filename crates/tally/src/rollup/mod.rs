//! Rollups: the hits of all IPs together, bucket by bucket. They add up in any order.
//!
//! An IP is in a rollup as a number. So a union of sets gives the number of IPs in a stretch of
//! time. A hit counts for the country that its IP told last. If that country changes, [`Delta`]
//! moves the hits that were counted before.

mod answer;
mod delta;
pub mod heaviest;
mod ip_set;
mod sums;

pub use answer::{Compared, Needed, Sums, Wanted};
pub use delta::{Delta, Deltas, Move, PathChange};
pub use heaviest::Heaviest;
pub use ip_set::IpSet;
pub use sums::{Counted, GroupSums, Groups, OTHER_GROUPS, PathSums, Totals};

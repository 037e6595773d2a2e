//! The parts of the pages: frame, cards, plots and tables.

mod cards;
mod frame;
mod health;
mod plots;
mod rows;
pub mod scope;
mod shares;

use rollcall_tally::GroupOrder;

pub use cards::{Card, cards, ips_card, plain_card};
pub use frame::{Frame, Link};
pub use health::health;
pub use plots::Plots;
pub use rows::{GroupRow, IpRow, PathRow, group_rows, ip_rows, path_page, path_rows};
pub use shares::{Shares, countries, methods, statuses};

/// The name of an order of groups.
pub fn group_order(order: GroupOrder) -> &'static str {
    match order {
        GroupOrder::Requests => "requests",
        GroupOrder::UniqueIps => "unique IPs",
        GroupOrder::ErrorRate => "error rate",
    }
}

/// The length of a row's bar, if the longest bar has 100. A row with any request has at least 1.
pub fn bar(part: u64, most: Option<u64>) -> u64 {
    match most {
        None | Some(0) => 0,
        Some(most) => (part * 100 / most).max(u64::from(part > 0)),
    }
}

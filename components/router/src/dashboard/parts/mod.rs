//! What the pages are made of: cards, plots, tables, and what stands around them.

mod cards;
mod frame;
mod health;
mod plots;
mod rows;
pub mod scope;
mod shares;

pub use cards::{Card, cards, ips_card, plain_card};
pub use frame::{Frame, Link};
pub use health::health;
pub use plots::Plots;
pub use rows::{IpRow, PathRow, ip_rows, path_rows};
pub use shares::{Shares, countries, methods, statuses};

/// How long the bar of a row is beside the longest one's 100. Whatever is there is seen.
pub fn bar(part: u64, most: Option<u64>) -> u64 {
    match most {
        None | Some(0) => 0,
        Some(most) => (part * 100 / most).max(u64::from(part > 0)),
    }
}

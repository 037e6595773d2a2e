//! Hits, the state of each IP, and how both add up.
//!
//! The crate is pure: it has no I/O, no clock and no SDK. Time is an argument, in milliseconds
//! since 1970.

pub mod accumulator;
pub mod against;
pub mod alert;
pub mod backtest;
pub mod backup;
pub mod bucket;
pub mod calendar;
pub mod callers;
pub mod change;
pub mod condition;
pub mod contract;
pub mod document;
pub mod filter;
pub mod freshness;
pub mod histogram;
pub mod hit;
pub mod hour_of_week;
pub mod interval;
pub mod label;
pub mod number;
pub mod order;
pub mod question;
mod ranking;
pub mod report;
pub mod reports;
pub mod rollup;
pub mod series;
pub mod shown;
mod span;
pub mod state;
pub mod status;
pub mod summary;
pub mod tally;
mod time;
mod time_text;
pub mod time_zone;
pub mod traffic;
pub mod warning;
pub mod weekly;
pub mod window;

pub use contract::*;
pub use hit::Hit;
pub use state::IpState;

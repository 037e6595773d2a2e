//! A key-value store, and values in it.
//!
//! [`Store`] and [`Clock`] say what Rollcall needs. [`value`] is the form of every stored value. No I/O and no SDK of its own.

mod store;
pub mod value;

pub use store::{Clock, Store, StoreError, get_each};
pub use value::{LAYOUT, Unreadable};

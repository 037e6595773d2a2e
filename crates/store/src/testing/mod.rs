//! For tests of the crates that store something.

mod layout;
mod memory;

pub use layout::{Kind, check_layout, from_hex, told};
pub use memory::{Fault, MemoryClock, MemoryStore, NOW_MS};

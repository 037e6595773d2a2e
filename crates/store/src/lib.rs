//! A key-value store, and values in it.
//!
//! [`Store`] and [`Clock`] say what Rollcall needs. [`value`] has the form of every stored value.
//! The crate has no I/O and no SDK.

mod store;
#[cfg(feature = "testing")]
#[allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]
pub mod testing;
pub mod value;

use sha2::{Digest, Sha256};

pub use store::{Clock, Store, StoreError, get_each};
pub use value::{LAYOUT, Stored, Unreadable};

/// The first 64 bits of the SHA-256. The hash is the same for ever, on every machine.
pub fn stable_hash(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    let first = digest.iter().take(8);
    first.fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}

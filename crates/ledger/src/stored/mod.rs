//! Everything that the ledger stores, as it lies in the store. A change here moves the disk.
//!
//! The types are the ledger's own: a change of the WIT's records, or of the public JSON, does not reach them. The form of a value (layout,
//! checksum, content) is [`rollcall_store::value`]. `layout.rs` holds the bytes of each kind against those of `layouts/`.

mod counts;
#[cfg(test)]
mod layout;
mod plan;
mod root;
mod segment;
mod shard;
mod small;
mod state;
mod tally;

pub(crate) use plan::{Change, Plan, Versioned};
pub use root::Root;
pub(crate) use root::{IdChunk, Pace, Replaced, Void};
pub use segment::BatchId;
pub(crate) use segment::{Segment, SegmentReader};
pub(crate) use shard::{Entry, Shard};
pub(crate) use small::{Cleaned, Head, Lease, Meta, OldMeta};
pub(crate) use state::{decode_state, encode_state};

//! Everything that the ledger stores, as it lies in the store. A change here moves the disk.
//!
//! The types are the ledger's own: a change of the WIT's records, or of the public JSON, does not reach them. The form of a value (layout,
//! checksum, content) is [`rollcall_store::value`]. `layout.rs` holds the bytes of each kind against those of `layouts/`.

mod bytes;
mod counts;
mod heaviest;
#[cfg(test)]
mod layout;
mod plan;
mod rollup;
mod root;
mod segment;
mod shard;
mod small;
mod state;
mod tally;

pub(crate) use heaviest::Heaviest;
pub(crate) use plan::{Change, Plan, Versioned};
pub(crate) use rollup::{
    Bucket, Known, KnownRef, PathRecord, RollupRef, decode_known, decode_totals, encode_known,
    encode_paths, encode_sums, encode_totals, path_records,
};
pub use root::Root;
pub(crate) use root::{IdChunk, Pace, Replaced, Root4, Void};
pub use segment::BatchId;
pub(crate) use segment::{IdList, Segment, SegmentReader};
pub(crate) use shard::{Entry, Shard, Shard4};
pub(crate) use small::{Cleaned, Head, Lease, Meta, Meta5};
pub(crate) use state::{decode_state, encode_state};

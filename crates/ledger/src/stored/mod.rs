//! Every type that the ledger stores, in its stored form. If a type here changes, the stored bytes
//! change.
//!
//! The types belong to the ledger alone: a change of the WIT's records, or of the public JSON, does
//! not reach them. [`rollcall_store::value`] has the form of a value: layout, checksum, content.
//! `layout.rs` compares the bytes of each kind with those in `layouts/`.

mod backup;
mod bytes;
mod counts;
mod documents;
mod heaviest;
#[cfg(test)]
mod layout;
mod numbers;
mod plan;
mod rollup;
mod root;
mod segment;
mod shard;
mod small;
mod state;
mod tally;

pub(crate) use backup::{Framed, Restoring, framed_key, restored};
pub(crate) use documents::{DocumentChange, Documents};
pub(crate) use heaviest::Heaviest;
pub(crate) use numbers::{Uncounted, Why};
pub(crate) use plan::{Change, Plan, Versioned};
pub(crate) use rollup::{
    Bucket, Known, KnownRef, PathRecord, RollupRef, decode_known, decode_totals, encode_known,
    encode_paths, encode_sums, encode_totals, path_records, read_totals,
};
pub use root::Root;
pub(crate) use root::{Erased, Erasure, Had, IdChunk, Pace, Replaced, Root4, Void};
pub use segment::BatchId;
pub(crate) use segment::{IdList, Segment, SegmentReader};
pub(crate) use shard::{Entry, Shard, Shard4};
pub(crate) use small::{Cleaned, Head, Lease, Meta, Meta5};
#[cfg(test)]
pub(crate) use state::Undecoded;
pub(crate) use state::{RowsOf, decode_paths, decode_state, encode_state, read_known, read_rows};

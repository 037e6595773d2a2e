//! What the router, the collector and the operator's tool agree on of a backup.

/// The most bytes of one part. A part is about 1 MiB long, or a single longer value.
pub const PART_BYTES_MAX: usize = 32 * 1024 * 1024;

//! The form of a backup, for those that write and read it. `docs/internals/storage.md` has all of it.

/// The first bytes of a backup.
pub const MAGIC: &[u8; 16] = b"rollcall backup\n";
/// The most bytes of one part. A part is about 1 MiB long, or a single longer value.
pub const PART_BYTES_MAX: usize = 32 * 1024 * 1024;

//! Every limit of the ledger. All are of the whole app; none may differ between nodes that share a store.

use rollcall_tally::rollup::heaviest::LISTED_MAX;
use rollcall_tally::time_zone::Zone;

/// [`Limits::fold_wait_ms`], unless the operator says otherwise.
pub const FOLD_WAIT_MS: u64 = 2_000;

/// What a ledger may do, and for how long. [`Limits::default`] is what runs; tests make them tighter.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Shares of the IPs. More of them make a fold rewrite less, and an answer read more values. Fixed once a store is filled.
    pub shards: usize,
    /// When days begin. Fixed once a store is claimed.
    pub zone: Zone,
    /// An append that took longer is not acknowledged, though it may count.
    pub ack_within_ms: u64,
    /// A number of the log that is still not written so long after a later one was is dropped. More than `ack_within_ms` and the
    /// difference of any two clocks together, so that nothing acknowledged is dropped.
    pub skip_after_ms: u64,
    /// How long a folder keeps others from folding, where the store is quick. Only saves work.
    pub lease_ms: u64,
    /// ... and at most, where the store is slow. A folder that died keeps others waiting for so long.
    pub lease_max_ms: u64,
    /// Versions that were replaced are kept so long, for queries that read them. Longer than any query may run.
    pub keep_replaced_ms: u64,
    /// What a fold that was never confirmed left behind is deleted after this. Longer than a write may be in flight, by whichever clock.
    pub clean_after_ms: u64,
    /// A query waits so long for a snapshot that holds everything acknowledged before it. Then it takes the newest snapshot, and is
    /// told how far behind that is.
    pub fold_wait_ms: u64,
    /// A query waits so long for a snapshot at all.
    pub query_wait_ms: u64,
    /// Segments that one fold takes, halved with every fold that was lost. What is left waits for the next.
    pub fold_segments: usize,
    /// Hits after which one fold takes no further segment, halved likewise.
    pub fold_hits: usize,
    /// Once a fold has read the log for so long it takes no further segment. The first it takes in any case.
    pub fold_read_ms: u64,
    /// Values read or written by one call.
    pub chunk: usize,
    /// Bytes read or written by one call, where their number is known or can be guessed. A single value may have more. Few, as whoever else
    /// wants the store waits for it.
    pub chunk_bytes: usize,
    /// Keys deleted by one call. Few, as whoever else wants the store waits for it.
    pub delete_chunk: usize,
    /// Keys deleted by one round of cleaning.
    pub clean_keys: usize,
    /// Batch ids in one stored value.
    pub ids_per_chunk: usize,
    /// A batch id is remembered for so long, by the stamps of the batches ...
    pub ids_kept_ms: u64,
    /// ... and while fewer than so many newer ones are known.
    pub ids_kept: usize,
    /// Bytes of a part of a bucket's paths, about. A single path may have more.
    pub part_bytes: u64,
    /// Parts of a bucket's paths at most: a power of two.
    pub parts_max: u16,
    /// Parts read by one call.
    pub parts_at_once: usize,
    /// Paths that a bucket has by name: those of most hits. All others are counted as one, `(other)`.
    pub bucket_paths: usize,
    /// Paths whose first and last hits, and recent past, are known: those called last.
    pub known_paths: usize,
    /// IPs of a list of the heaviest.
    pub listed: usize,
    /// Paths of all buckets that a fold has in memory. More are written in between.
    pub fold_paths: usize,
    /// IPs tracked. If there are more, the least recently seen leave, but never one that the fold at hand counted hits of. Their hits stay in
    /// the sums over all IPs.
    pub ips: usize,
    /// With those that are too many, such a share of `ips` leaves, so that not each fold has to look for some.
    pub evicted_share: u64,
    /// An IP seen within this is active.
    pub active_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            zone: Zone::default(),
            shards: 256,
            ack_within_ms: 5_000,
            skip_after_ms: 60_000,
            lease_ms: 3_000,
            lease_max_ms: 60_000,
            keep_replaced_ms: 120_000,
            clean_after_ms: 120_000,
            fold_wait_ms: FOLD_WAIT_MS,
            query_wait_ms: 10_000,
            fold_segments: 4_000,
            fold_hits: 250_000,
            fold_read_ms: 5_000,
            chunk: 200,
            chunk_bytes: 64 * 1024,
            delete_chunk: 25,
            clean_keys: 2_000,
            ids_per_chunk: 1_000,
            ids_kept_ms: 10 * 60_000,
            ids_kept: 10_000,
            part_bytes: 48 * 1024,
            parts_max: 256,
            parts_at_once: 8,
            bucket_paths: 10_000,
            known_paths: 100_000,
            listed: LISTED_MAX,
            fold_paths: 250_000,
            ips: 1_000_000,
            evicted_share: 50,
            active_ms: 7 * 24 * 60 * 60_000,
        }
    }
}

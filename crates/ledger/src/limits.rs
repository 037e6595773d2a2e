//! Every limit of the ledger. Each is for the whole app. Nodes that share a store must have the
//! same limits.

use rollcall_tally::rollup::heaviest::LISTED_MAX;
use rollcall_tally::time_zone::Zone;

/// The default of [`Limits::fold_wait_ms`].
pub const FOLD_WAIT_MS: u64 = 1_500;

/// The limits of a ledger. The app runs with [`Limits::default`]. Tests use tighter ones.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The number of shares of the IPs. If there are more, a fold rewrites less, and an answer
    /// reads more values. Fixed once a store is filled.
    pub shards: usize,
    /// The time zone in which days begin. Fixed once a store is claimed.
    pub zone: Zone,
    /// If an append took longer, it is not acknowledged. Its hits may still count.
    pub ack_within_ms: u64,
    /// If a number of the log is still not written this long after a later number was, the number
    /// is dropped. This is more than `ack_within_ms` and the difference of any two clocks together,
    /// so that no acknowledged hit is dropped.
    pub skip_after_ms: u64,
    /// How long a folder keeps others from folding, if the store is fast. This only saves work.
    pub lease_ms: u64,
    /// The longest time that a folder keeps others from folding, if the store is slow. If a folder
    /// dies, others wait for this long.
    pub lease_max_ms: u64,
    /// How long replaced versions are kept for queries that read them. Longer than any query may
    /// run.
    pub keep_replaced_ms: u64,
    /// The values of a void fold are deleted after this time. Longer than a write may be in flight,
    /// by any clock.
    pub clean_after_ms: u64,
    /// How long a backup that stopped asking still keeps the versions that it reads.
    pub backup_kept_ms: u64,
    /// Bytes of one part of a backup. A part has at least one value, which may be longer.
    pub backup_part_bytes: usize,
    /// How long a query waits for a snapshot that holds every hit acknowledged before it. After
    /// that it takes the newest snapshot, and learns how far that one is behind.
    pub fold_wait_ms: u64,
    /// How long a query waits for any snapshot. After that it fails.
    pub query_wait_ms: u64,
    /// Segments that one fold takes. Halved for each fold that was lost. The other segments wait
    /// for the next fold.
    pub fold_segments: usize,
    /// After this many hits, a fold takes no further segment. Halved for each fold that was lost.
    pub fold_hits: usize,
    /// After this many distinct IPs, a fold takes no further segment. Halved for each fold that was
    /// lost.
    pub fold_ips: usize,
    /// After this many bytes of distinct paths, countries and user agents, a fold takes no further
    /// segment. Halved for each fold that was lost.
    pub fold_text_bytes: usize,
    /// If a fold has read the log for this long, it takes no further segment. It always takes the
    /// first one.
    pub fold_read_ms: u64,
    /// Values read or written by one call.
    pub chunk: usize,
    /// Bytes read or written by one call, if their number is known or can be estimated. A single
    /// value may have more. Few, because all other users of the store wait for the call.
    pub chunk_bytes: usize,
    /// The longest value, apart from plans and roots. A longer value is stored in pieces of this
    /// many bytes.
    pub value_bytes: usize,
    /// Changes in one part of a plan. Fixed once a store is filled.
    pub plan_changes: usize,
    /// Keys deleted by one call. Few, because all other users of the store wait for the call.
    pub delete_chunk: usize,
    /// Keys deleted by one round of cleaning.
    pub clean_keys: usize,
    /// Batch ids in one stored value.
    pub ids_per_chunk: usize,
    /// A batch id is remembered at least this long, by the stamps of the batches.
    pub ids_kept_ms: u64,
    /// A batch id is also remembered while fewer newer ids than this are known.
    pub ids_kept: usize,
    /// The approximate size of one part of a bucket's paths. A single path may be larger.
    pub part_bytes: u64,
    /// The most parts of a bucket's paths. A power of two.
    pub parts_max: u16,
    /// Parts read by one call.
    pub parts_at_once: usize,
    /// Paths that a bucket lists by name: those with the most hits. All others count as one path,
    /// `(other)`.
    pub bucket_paths: usize,
    /// Values of one dimension, as hosts, that a bucket has by name. The hits of the lightest of more
    /// are counted under `(other)`. Networks have no such limit: the operator's file names them.
    pub bucket_groups: usize,
    /// Paths whose first hit, last hit and recent past are known: the paths that were called last.
    pub known_paths: usize,
    /// IPs in one list of the heaviest.
    pub listed: usize,
    /// Paths of all buckets that a fold has in memory. If there are more, they are written in
    /// between.
    pub fold_paths: usize,
    /// IPs tracked. If there are more, those that were seen least recently are evicted, but never
    /// one whose hits the same fold counted. The hits of evicted IPs stay in the sums over all IPs.
    pub ips: usize,
    /// Besides the IPs that are too many, `ips` divided by this number are evicted, so that not
    /// each fold has to look for some.
    pub evicted_share: u64,
    /// IPs that one request may erase. If there are more, it fails.
    pub erased_at_once: usize,
    /// Erased IPs that the root remembers. If there would be more, a request to erase fails. Folds
    /// and questions read all of them. Requests that are under way at the same time do not see each
    /// other, so there may be a few more.
    pub erasures: usize,
    /// An erasure is remembered this long, by the stamps of later segments. It is longer than a
    /// batch may be sent again. A hit from before the erasure that comes later makes a state.
    pub erased_kept_ms: u64,
    /// Bytes of all documents. If there would be more, a change of one fails. Changes that are under
    /// way at the same time do not see each other, so there may be a few more.
    pub document_bytes: usize,
    /// Numbers of the log that the root lists because their hits are not counted: the newest. Of a
    /// smaller number than these, nobody knows any more whether its hits are counted.
    pub uncounted: usize,
    /// An IP is active if it was seen within this time.
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
            backup_kept_ms: 120_000,
            backup_part_bytes: 1024 * 1024,
            fold_wait_ms: FOLD_WAIT_MS,
            query_wait_ms: 10_000,
            fold_segments: 4_000,
            fold_hits: 1_000_000,
            fold_ips: 250_000,
            fold_text_bytes: 64 * 1024 * 1024,
            fold_read_ms: 5_000,
            chunk: 200,
            chunk_bytes: 64 * 1024,
            value_bytes: 768 * 1024,
            plan_changes: 4_096,
            delete_chunk: 25,
            clean_keys: 2_000,
            ids_per_chunk: 1_000,
            ids_kept_ms: 10 * 60_000,
            ids_kept: 10_000,
            part_bytes: 48 * 1024,
            parts_max: 256,
            parts_at_once: 8,
            bucket_paths: 10_000,
            bucket_groups: 1_000,
            known_paths: 100_000,
            listed: LISTED_MAX,
            fold_paths: 250_000,
            ips: 1_000_000,
            evicted_share: 50,
            erased_at_once: 1_000,
            erasures: 2_000,
            erased_kept_ms: 60 * 60_000,
            document_bytes: 512 * 1024,
            uncounted: 1_000,
            active_ms: 7 * 24 * 60 * 60_000,
        }
    }
}

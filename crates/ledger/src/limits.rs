//! Every limit of the ledger. All are of the whole app; none may differ between nodes that share a store.

/// Version of all stored values and keys. Another one in the store is refused.
pub const LAYOUT_VERSION: u32 = 2;

/// What a ledger may do, and for how long. [`Limits::default`] is what runs; tests make them tighter.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Shares of the IPs. More of them make a fold rewrite less, and an answer read more values. Fixed once a store is filled.
    pub pages: usize,
    /// An append that took longer is not acknowledged, though it may count.
    pub ack_within_ms: u64,
    /// A number of the log that is still not written so long after a later one was is dropped. More than `ack_within_ms` and the
    /// difference of any two clocks together, so that nothing acknowledged is dropped.
    pub skip_after_ms: u64,
    /// How long a folder keeps others from folding. Only saves work.
    pub lease_ms: u64,
    /// How long before the end of its lease a folder stops. Covers clocks that differ.
    pub lease_margin_ms: u64,
    /// Versions that were replaced are kept so long, for queries that read them. Longer than any query may run.
    pub keep_replaced_ms: u64,
    /// What a fold that was never confirmed left behind is deleted after this. Longer than a write may be in flight, by whichever clock.
    pub clean_after_ms: u64,
    /// A query waits so long for a snapshot that holds everything acknowledged before it.
    pub query_wait_ms: u64,
    /// Segments that one fold takes. What is left waits for the next.
    pub fold_segments: usize,
    /// Hits after which one fold takes no further segment.
    pub fold_hits: usize,
    /// Segments read by one call. Few, since each may be as large as a request, and all are in memory at once.
    pub log_chunk: usize,
    /// Other values read, written or deleted by one call.
    pub chunk: usize,
    /// Batch ids in one stored value.
    pub ids_per_chunk: usize,
    /// A batch id is remembered for so long, by the stamps of the batches ...
    pub ids_kept_ms: u64,
    /// ... and while fewer than so many newer ones are known.
    pub ids_kept: usize,
    /// IPs tracked. The least recently seen leave first, and their hits with them; both are counted as dropped.
    pub ips: usize,
    /// An IP seen within this is active.
    pub active_ms: u64,
    /// Places for kept answers. Two questions with the same place push each other out.
    pub answer_slots: u64,
    /// Slots looked through for expired answers whenever one is kept.
    pub answer_slots_swept: u64,
    /// A kept answer leaves the store after this: nobody is given an older one.
    pub answers_kept_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pages: 256,
            ack_within_ms: 5_000,
            skip_after_ms: 60_000,
            lease_ms: 3_000,
            lease_margin_ms: 1_000,
            keep_replaced_ms: 120_000,
            clean_after_ms: 120_000,
            query_wait_ms: 20_000,
            fold_segments: 1_000,
            fold_hits: 100_000,
            log_chunk: 8,
            chunk: 200,
            ids_per_chunk: 1_000,
            ids_kept_ms: 10 * 60_000,
            ids_kept: 10_000,
            ips: 50_000,
            active_ms: 7 * 24 * 60 * 60_000,
            answer_slots: 256,
            answer_slots_swept: 4,
            answers_kept_ms: 30 * 60_000,
        }
    }
}

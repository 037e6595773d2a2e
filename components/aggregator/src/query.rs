//! What the IPs are asked for a question.

use rollcall_tally::{Details, Filter, Window};

/// What every IP is asked.
#[derive(Clone, Debug)]
pub struct Query {
    pub window: Window,
    pub filter: Filter,
    pub details: Details,
}

impl Query {
    /// IPs that were not seen since then need not be asked.
    pub fn since_ms(&self, as_of_ms: u64) -> u64 {
        self.details.since_ms(self.window, as_of_ms)
    }
}

//! What the tests of the reports share.

use crate::report::Provenance;
use crate::{Filter, Window};

pub fn provenance(time_range: Window, filter: Option<Filter>) -> Provenance {
    Provenance {
        time_range,
        filter,
        as_of_ms: 1_800_000_123_456,
        generated_at_ms: 1_800_000_123_456,
        coverage: 1.0,
        warnings: Vec::new(),
    }
}

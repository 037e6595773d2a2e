//! The functions of `rollcall:stats/shared`: values that the instances of the aggregator share.

use rollcall_tally::{Count, Failure, Found, Kept, Place};

use crate::service::Service;

/// The most bytes of a kept value. Some stores take no value above 1 MB.
pub const BODY_BYTES_MAX: usize = 900_000;
/// The longest name of a counter.
const COUNTER_NAME_BYTES_MAX: usize = 40;

impl Service {
    pub async fn get(&self, place: Place, newer_than_ms: u64) -> Result<Found, Failure> {
        Ok(self.shared().get(&place, newer_than_ms).await?)
    }

    pub async fn claim(&self, place: Place, generation: u64) -> Result<bool, Failure> {
        Ok(self.shared().claim(&place, generation).await?)
    }

    pub async fn renew_claim(&self, place: Place) -> Result<(), Failure> {
        Ok(self.shared().renew_claim(&place).await?)
    }

    pub async fn end_claim(&self, place: Place, generation: u64) -> Result<(), Failure> {
        Ok(self.shared().end_claim(&place, generation).await?)
    }

    pub async fn put(&self, kept: Kept, generation: u64) -> Result<(), Failure> {
        if kept.body.len() > BODY_BYTES_MAX {
            return Err(Failure::Invalid(format!(
                "a value that is kept has at most {BODY_BYTES_MAX} bytes"
            )));
        }
        Ok(self.shared().put(&kept, generation).await?)
    }

    pub async fn sweep(&self) -> Result<(), Failure> {
        Ok(self.shared().sweep().await?)
    }

    pub async fn count_up(&self, counts: Vec<Count>) -> Result<Vec<Count>, Failure> {
        let is_name = |name: &str| {
            (1..=COUNTER_NAME_BYTES_MAX).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        if let Some(bad) = counts.iter().find(|count| !is_name(&count.name)) {
            return Err(Failure::Invalid(format!("{:?} is no counter", bad.name)));
        }
        Ok(self.shared().count(&counts).await?)
    }
}

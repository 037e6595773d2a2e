//! The functions of `rollcall:stats/shared`: what the instances of the aggregator share.

use rollcall_tally::{Count, Failure, KeptAnswer, Recalled};

use crate::service::Service;

/// The largest body of an answer that is kept: some stores take no value above 1 MB.
pub const BODY_BYTES_MAX: usize = 900_000;
/// The longest name of a counter.
const COUNTER_NAME_BYTES_MAX: usize = 40;

impl Service {
    pub async fn recall(&self, question: String, newer_than_ms: u64) -> Result<Recalled, Failure> {
        let recalled = self.ledger().recall(&question, newer_than_ms).await;
        recalled.map_err(Failure::from)
    }

    pub async fn claim(&self, question: String, generation: u64) -> Result<bool, Failure> {
        let claimed = self.ledger().claim(&question, generation).await;
        claimed.map_err(Failure::from)
    }

    pub async fn renew_claim(&self, question: String) -> Result<(), Failure> {
        self.ledger()
            .renew_claim(&question)
            .await
            .map_err(Failure::from)
    }

    pub async fn end_claim(&self, question: String, generation: u64) -> Result<(), Failure> {
        let ended = self.ledger().end_claim(&question, generation).await;
        ended.map_err(Failure::from)
    }

    pub async fn keep(&self, answer: KeptAnswer, generation: u64) -> Result<(), Failure> {
        if answer.body.len() > BODY_BYTES_MAX {
            return Err(Failure::Invalid(format!(
                "an answer that is kept has at most {BODY_BYTES_MAX} bytes"
            )));
        }
        self.ledger()
            .keep(&answer, generation)
            .await
            .map_err(Failure::from)
    }

    pub async fn sweep(&self) -> Result<(), Failure> {
        self.ledger().sweep_all().await.map_err(Failure::from)
    }

    pub async fn count_up(&self, counts: Vec<Count>) -> Result<Vec<Count>, Failure> {
        let is_name = |name: &str| {
            (1..=COUNTER_NAME_BYTES_MAX).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        if let Some(bad) = counts.iter().find(|count| !is_name(&count.name)) {
            return Err(Failure::Invalid(format!("{:?} is no counter", bad.name)));
        }
        self.ledger().count(&counts).await.map_err(Failure::from)
    }
}

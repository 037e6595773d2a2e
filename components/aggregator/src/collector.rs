//! The collector's functions, called over HTTP in the process.

use std::time::Duration;

use rollcall_tally::{
    Batch, Count, ExportRow, Failure, IpList, KeptAnswer, LedgerStatus, PageRange, Recalled,
    Snapshot, Summary,
};
use rollcall_web::call::function;
use serde::Serialize;
use serde::de::DeserializeOwned;

const COLLECTOR: &str = "collector";
/// A snapshot folds first, and may have to wait for somebody else who folds.
const SNAPSHOT_DEADLINE: Duration = Duration::from_secs(25);
const LIST_DEADLINE: Duration = Duration::from_secs(10);
/// What is shared saves time, or is not worth it.
const SHARED_DEADLINE: Duration = Duration::from_secs(2);

pub async fn take_snapshot() -> Result<Snapshot, Failure> {
    function(COLLECTOR, "take-snapshot", &(), SNAPSHOT_DEADLINE).await
}

pub async fn list_ips(pages: PageRange) -> Result<IpList, Failure> {
    function(COLLECTOR, "list-ips", &pages, LIST_DEADLINE).await
}

pub async fn summarize(batch: &Batch, deadline: Duration) -> Result<Summary, Failure> {
    function(COLLECTOR, "summarize", batch, deadline).await
}

pub async fn rows(batch: &Batch, deadline: Duration) -> Result<Vec<ExportRow>, Failure> {
    function(COLLECTOR, "rows", batch, deadline).await
}

pub async fn status() -> Result<LedgerStatus, Failure> {
    function(COLLECTOR, "status", &(), LIST_DEADLINE).await
}

pub async fn recall(question: &str, newer_than_ms: u64) -> Result<Recalled, Failure> {
    shared("recall", &(question, newer_than_ms)).await
}

pub async fn claim(question: &str, generation: u64) -> Result<bool, Failure> {
    shared("claim", &(question, generation)).await
}

pub async fn renew_claim(question: &str) -> Result<(), Failure> {
    shared("renew-claim", &question).await
}

pub async fn end_claim(question: &str, generation: u64) -> Result<(), Failure> {
    shared("end-claim", &(question, generation)).await
}

pub async fn keep(answer: &KeptAnswer, generation: u64) -> Result<(), Failure> {
    shared("keep", &(answer, generation)).await
}

/// Goes through many values, so that it takes its time.
pub async fn sweep() -> Result<(), Failure> {
    function(COLLECTOR, "sweep", &(), LIST_DEADLINE).await
}

pub async fn count_up(counts: &[Count]) -> Result<Vec<Count>, Failure> {
    shared("count-up", &counts).await
}

async fn shared<A: Serialize, T: DeserializeOwned>(name: &str, argument: &A) -> Result<T, Failure> {
    function(COLLECTOR, name, argument, SHARED_DEADLINE).await
}

//! The collector's functions, called over HTTP in the process.

use std::time::Duration;

use rollcall_tally::{
    Batch, ExportRow, Failure, IpList, LedgerStatus, PageRange, Snapshot, Summary,
};
use rollcall_web::call::function;

const COLLECTOR: &str = "collector";
/// A snapshot folds first, and may have to wait for somebody else who folds.
const SNAPSHOT_DEADLINE: Duration = Duration::from_secs(25);
const LIST_DEADLINE: Duration = Duration::from_secs(10);

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

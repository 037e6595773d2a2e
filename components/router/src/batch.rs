//! What became of a batch that a gateway sent.

use std::time::Duration;

use http::StatusCode;
use rollcall_web::collector::Collector;
use rollcall_web::{Problem, Reply, reply};

/// The collector waits for a fold at most 10 s.
const COLLECTOR: Collector = Collector::within(Duration::from_secs(20));

pub async fn receipt(number: u64) -> Result<Reply, Problem> {
    let receipt = COLLECTOR.find_batch(&number).await?;
    Ok(reply::json(StatusCode::OK, &receipt))
}

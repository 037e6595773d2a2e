//! What a person may ask of an operator: all that is stored of an IP, and that it is erased.

use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;
use rollcall_web::collector::Collector;
use rollcall_web::{Problem, Reply, reply};

/// The collector waits for a fold at most 10 s, and an append takes at most 5 s.
const COLLECTOR: Collector = Collector::within(Duration::from_secs(30));

/// When the answer comes, the erasure is durable.
pub async fn erase(ip: IpAddr) -> Result<Reply, Problem> {
    COLLECTOR.erase(&ip.to_string()).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

pub async fn stored(ip: IpAddr) -> Result<Reply, Problem> {
    let json = COLLECTOR.stored_ip(&ip.to_string()).await?;
    Ok(reply::full(StatusCode::OK, "application/json", json))
}

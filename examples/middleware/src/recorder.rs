//! Sends the hits of an instance to the component `collector`, many at once.
//!
//! One task of the instance does it. It begins with the first hit, and ends when no hit waits.
//!
//! The collector is asked over service chaining, so it runs in an instance of its own. While its
//! store does not answer, its instance stands still, and this one goes on.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rollcall_web::{call, log};
use serde::Deserialize;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::random::random::get_random_u64;

use crate::buffer::Buffer;
use crate::hit::Hit;

/// How long the task waits for more hits before each request. If the process dies, hits of this time
/// are lost.
const GATHER: Duration = Duration::from_millis(100);
/// The time that the collector may take. It acknowledges within 5 s, or not at all.
const DEADLINE: Duration = Duration::from_secs(8);
/// How often a batch is sent. If it is never acknowledged, its hits count as lost.
const TRIES: u32 = 4;
/// The pause before the next try.
const PAUSE: Duration = Duration::from_secs(1);

thread_local! {
    /// Scope: instance. The hits that wait.
    static BUFFER: RefCell<Buffer<Hit>> = RefCell::default();
    /// Scope: instance. Whether the task is running.
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Records a hit behind the response. Never waits.
pub fn record(hit: Hit) {
    BUFFER.with_borrow_mut(|buffer| buffer.push(hit));
    if !IS_RUNNING.replace(true) {
        spin_sdk::wasip3::spawn(work());
    }
}

async fn work() {
    loop {
        sleep(GATHER).await;
        let (hits, lost) = BUFFER.with_borrow_mut(Buffer::take);
        if lost > 0 {
            log_lost(lost, "the buffer was full");
        }
        if hits.is_empty() {
            IS_RUNNING.set(false);
            return;
        }
        match send(&hits).await {
            Ok(0) => {}
            Ok(rejected) => log_lost(rejected, "the collector rejected them"),
            Err(why) => log_lost(hits.len() as u64, &why),
        }
    }
}

fn log_lost(hits: u64, why: &str) {
    log!(Error, "hits-lost", hits = hits, why = why);
}

/// The collector's answer if it could not record all hits as they came.
#[derive(Deserialize)]
struct Receipt {
    rejected: u64,
}

/// Sends hits until they are acknowledged. Returns the number of rejected hits. The key of each try
/// is the same, so the hits count once even if an earlier try had an effect.
async fn send(hits: &[Hit]) -> Result<u64, String> {
    let body = serde_json::to_vec(hits).map_err(|error| error.to_string())?;
    let body = bytes::Bytes::from(body);
    let key = format!("{:016x}{:016x}", get_random_u64(), get_random_u64());
    let key = HeaderValue::try_from(key).map_err(|error| error.to_string())?;
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("idempotency-key"), key),
    ]);
    let mut failed = String::new();
    for try_number in 1..=TRIES {
        if try_number > 1 {
            sleep(PAUSE).await;
        }
        let sent = call::post(
            "collector",
            "/collect",
            headers.clone(),
            body.clone(),
            DEADLINE,
        );
        failed = match sent.await {
            Ok(answer) => match answer.status() {
                StatusCode::ACCEPTED => return Ok(0),
                StatusCode::OK => return rejected_of(answer.body()),
                status if is_final(status) => {
                    return Err(format!("the collector answered {status}"));
                }
                status => format!("the collector answered {status}"),
            },
            Err(failure) => failure.to_string(),
        };
    }
    Err(failed)
}

/// Whether the same hits would get the same answer again. After a 429 they may be taken.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS
}

fn rejected_of(body: &[u8]) -> Result<u64, String> {
    let receipt: Receipt = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(receipt.rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_sent_again_unless_they_are_refused() {
        for status in [400, 413, 415] {
            assert!(is_final(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [429, 500, 503] {
            assert!(!is_final(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }
}

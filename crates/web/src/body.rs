//! Reads bodies of requests, up to a bound.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::{Either, select};
use http::StatusCode;
use http_body::Frame;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use spin_sdk::http::Request;
use spin_sdk::time::sleep;

use crate::log;
use crate::problem::{BYTES_A_SECOND_MIN, PATIENCE, Problem};

/// The largest body of `/collect`. A larger body is refused with 413, and the client must cut its
/// batches smaller.
pub const COLLECT_BYTES_MAX: usize = 10 * 1024 * 1024;

/// The whole body. Refused if it has more than `bytes_max` bytes, or if it comes too slowly.
pub async fn read(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    let began = Instant::now();
    let mut body = pin!(Limited::new(request.into_body(), bytes_max));
    let (mut parts, mut bytes): (Vec<Bytes>, usize) = (Vec::new(), 0);
    let mut alarm = Box::pin(sleep(PATIENCE));
    loop {
        let frame = match select(body.frame(), &mut alarm).await {
            Either::Left((None, _)) => return Ok(joined(parts)),
            Either::Left((Some(frame), _)) => frame,
            Either::Right(_) => {
                let more = Duration::from_secs((bytes / BYTES_A_SECOND_MIN) as u64);
                let left = (PATIENCE + more).saturating_sub(began.elapsed());
                if left.is_zero() {
                    return Err(Problem::too_slow());
                }
                alarm = Box::pin(sleep(left));
                continue;
            }
        };
        match frame.map(Frame::into_data) {
            Ok(Ok(part)) => {
                bytes += part.len();
                parts.push(part);
            }
            // Trailers.
            Ok(Err(_)) => {}
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(Problem::too_large(bytes_max));
            }
            Err(error) => {
                log!(Info, "body-broke-off", error = error);
                let detail = "The body ended too early.";
                return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
            }
        }
    }
}

fn joined(mut parts: Vec<Bytes>) -> Bytes {
    match parts.len() {
        0 | 1 => parts.pop().unwrap_or_default(),
        _ => parts.concat().into(),
    }
}

/// Reads the postcard of another component.
pub async fn postcard<T: DeserializeOwned>(
    request: Request,
    bytes_max: usize,
) -> Result<T, Problem> {
    let body = read(request, bytes_max).await?;
    postcard::from_bytes(&body).map_err(|error| {
        log!(Warn, "body-not-read", error = error);
        Problem::new(StatusCode::BAD_REQUEST, "The body cannot be read.")
    })
}

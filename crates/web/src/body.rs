//! Reads bodies of requests, up to a bound.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use spin_sdk::http::Request;

use crate::Problem;
use crate::log;

/// The largest body of `/collect`. A larger body is refused with 413, and the client must cut its
/// batches smaller.
pub const COLLECT_BYTES_MAX: usize = 10 * 1024 * 1024;

/// The whole body. Refused if it has more than `bytes_max` bytes.
pub async fn read(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    match Limited::new(request.into_body(), bytes_max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(bytes_max)),
        Err(error) => {
            log!(Info, "body-broke-off", error = error);
            Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "The body ended too early.",
            ))
        }
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

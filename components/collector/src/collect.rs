//! `POST /collect`: hits from gateways that the router let in.
//!
//! - If all hits are good, the answer is 202 without a body.
//! - If some were rejected or repaired, or do not count by the rules, it is 200. The body says how
//!   many were accepted, for each of the first ten rejected hits why, and what was unknown or cut in
//!   the others.
//! - If none is good, it is 400.
//! - If more comes than can be taken, it is 429, and nothing is recorded: see [`backlog`] and
//!   [`rate`].
//!
//! Every acknowledged hit is durable. The header `Rollcall-Batch` tells the number of the batch.

use bytes::Bytes;
use http::StatusCode;
use rollcall_formats::{self as formats, Context, Encoding, IntakeError, UnpackError};
use rollcall_web::hits_head::{BATCH, HitsHead};
use rollcall_web::{Problem, Reply, auth, body, reply, sender};
use spin_sdk::http::Request;

use crate::reading::reading;
use crate::service::Service;
use crate::{backlog, rate};

pub async fn collect(request: Request) -> Result<Reply, Problem> {
    let sent_by = sender::lists(request.headers());
    let token = auth::token_number(request.headers());
    let head = HitsHead::read(request.uri(), request.headers())?;
    let body = body::read(request, body::COLLECT_BYTES_MAX).await?;
    let body = unpacked(body, head.encoding)?;
    let service = Service::open_to_record().await?;
    backlog::let_in(service.ledger()).await?;
    let reading = reading().await?;
    let context = Context {
        sender: reading.rules.addresses.sender(&sent_by),
        ..service.context(&reading)
    };
    let intake = formats::read(&body, head.format, context).map_err(not_read)?;
    // It would take its memory until the hits are appended, beside that of the hits.
    drop(body);
    rate::let_in(&service, token, intake.hits.len() as u64).await?;
    let receipt = service.record(intake, head.batch_id.as_ref()).await?;
    let mut acknowledgement = match (receipt.accepted + receipt.excluded, receipt.rejected) {
        (0, 0) => {
            let reason = "There is no hit in the body.";
            return Err(Problem::new(StatusCode::BAD_REQUEST, reason));
        }
        (0, _) => return Err(Problem::all_rejected(receipt.rejected, receipt.rejections)),
        // No body: on Spin, a small body would cost a client with keep-alive 40 ms.
        (_, 0) if receipt.repaired.hits + receipt.excluded == 0 => {
            reply::empty(StatusCode::ACCEPTED)
        }
        (_, _) => reply::json(StatusCode::OK, &receipt),
    };
    if let Some(batch) = receipt.batch {
        acknowledgement.headers_mut().insert(BATCH, batch.into());
    }
    Ok(acknowledgement)
}

fn unpacked(body: Bytes, encoding: Option<Encoding>) -> Result<Bytes, Problem> {
    let Some(encoding) = encoding else {
        return Ok(body);
    };
    match encoding.unpack(&body, body::COLLECT_BYTES_MAX) {
        Ok(unpacked) => Ok(unpacked.into()),
        Err(UnpackError::TooLarge(bytes_max)) => Err(Problem::too_large(bytes_max)),
        Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, error.to_string())),
    }
}

fn not_read(error: IntakeError) -> Problem {
    let status = match error {
        IntakeError::TooManyHits => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.to_string())
}

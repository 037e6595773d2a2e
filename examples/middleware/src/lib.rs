//! Records the requests of a component in Rollcall, and passes them on.
//!
//! The host composes it in front of the component: see README.md. A hit is made when the body of the
//! response has passed. It goes into the [`buffer`] of the instance, and the [`recorder`] sends many
//! hits at once to the app's component `collector`, over service chaining. A request never waits for
//! that.
//!
//! It refuses nothing and changes nothing. A hit that cannot be recorded is counted as lost, in the
//! log.

// Only `log!` writes to the log.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod buffer;
mod hit;
mod metered;
mod recorder;

use spin_sdk::http::{Request, Response, next};
use spin_sdk::http_service;
use spin_sdk::wasip3::http::types::ErrorCode;
use spin_sdk::wasip3::http_compat::IncomingResponseBody;

use hit::Seen;
use metered::Metered;

/// The status that a client gets if the component fails.
const FAILED: u16 = 500;

#[http_service]
async fn handle(request: Request) -> Result<Response<Metered<IncomingResponseBody>>, ErrorCode> {
    let seen = Seen::of(&request);
    // The request as the host gave it. Its body passes untouched.
    let request = request.into_body().take_unstarted();
    match next(request.ok_or(ErrorCode::InternalError(None))?).await {
        Ok(response) => {
            let status = response.status().as_u16();
            Ok(response.map(|body| {
                Metered::new(body, move |bytes| recorder::record(seen.hit(status, bytes)))
            }))
        }
        Err(error) => {
            recorder::record(seen.hit(FAILED, 0));
            Err(error)
        }
    }
}

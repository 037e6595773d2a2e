//! Sends one batch until it is acknowledged.
//!
//! If the connection fails, or the server answers 429 or 5xx, the batch is sent again under the
//! same key. The pauses grow. If the token is wrong, if the batch is too large, or if another
//! server answers at the address, the import ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rollcall_tally::Receipt;
use ureq::http::Response;
use ureq::http::header::RETRY_AFTER;
use ureq::{Agent, Body};

use super::batch::Shipment;
use super::error::SendError;
use crate::http;

/// The longest time for a request and its answer. After that, the batch is sent again. The server
/// does not count it twice.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest wait that a server can ask for with `Retry-After`. If it asks for more, the wait is
/// this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// How often a pause looks whether the import shall end.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// How often a batch is sent again, and how long the pauses are.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    pub retries: u32,
    /// The pause before the first retry. It doubles each time.
    pub delay_min: Duration,
    pub delay_max: Duration,
}

impl Retry {
    /// With 12 retries, these pauses add up to two minutes before jitter.
    pub fn times(retries: u32) -> Self {
        Self {
            retries,
            delay_min: Duration::from_millis(500),
            delay_max: Duration::from_secs(15),
        }
    }

    /// The pause before a retry. Retries are counted from 0. The pause is drawn between half and
    /// all of its length, so that many clients do not come back at once.
    fn delay(&self, retry: u32) -> Duration {
        let factor = 2_u32.saturating_pow(retry);
        let delay = self.delay_min.saturating_mul(factor).min(self.delay_max);
        delay.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// The result of one try.
enum Try {
    /// The batch was acknowledged, with this receipt.
    Answered(Receipt),
    Failed(SendError),
    Again {
        why: String,
        after: Option<Duration>,
    },
}

pub struct Client {
    agent: Agent,
    url: String,
    authorization: String,
    retry: Retry,
    /// Whether the import shall end. Then no batch is sent again.
    stop: Arc<AtomicBool>,
}

impl Client {
    pub fn new(url: &str, token: &str, retry: Retry, stop: Arc<AtomicBool>) -> Self {
        Self {
            agent: http::agent(url, Some(REQUEST_TIMEOUT)),
            url: format!("{url}/collect"),
            authorization: format!("Bearer {token}"),
            retry,
            stop,
        }
    }

    /// Sends until the batch is acknowledged. Calls `note` after each failure except the last.
    pub fn send(&self, shipment: &Shipment, note: impl Fn(&str)) -> Result<Receipt, SendError> {
        let mut retry = 0;
        loop {
            let (why, after) = match self.try_once(shipment) {
                Try::Answered(receipt) => return Ok(receipt),
                Try::Failed(error) => return Err(error),
                Try::Again { why, after } => (why, after),
            };
            if retry == self.retry.retries || self.stop.load(Ordering::Relaxed) {
                let tries = retry.saturating_add(1);
                return Err(SendError::GaveUp { tries, last: why });
            }
            let delay = self.retry.delay(retry);
            let delay = after.map_or(delay, |after| delay.max(after.min(RETRY_AFTER_MAX)));
            note(&format!(
                "{why}; trying again in {:.1} s",
                delay.as_secs_f64()
            ));
            self.pause(delay);
            retry += 1;
        }
    }

    fn pause(&self, delay: Duration) {
        let end = Instant::now() + delay;
        while !self.stop.load(Ordering::Relaxed) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(STOP_CHECK));
        }
    }

    fn try_once(&self, shipment: &Shipment) -> Try {
        let answer = self
            .agent
            .post(format!("{}?format={}", self.url, shipment.format))
            .header("authorization", &self.authorization)
            .header("content-type", shipment.content_type)
            .header("idempotency-key", &shipment.key)
            .send(shipment.body.as_slice());
        match answer {
            Ok(answer) => read_answer(answer, shipment),
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
                Try::Failed(SendError::Request(self.describe(&error)))
            }
            Err(error) => Try::Again {
                why: self.describe(&error),
                after: None,
            },
        }
    }

    fn describe(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::Io(error) => format!("{}: {error}", self.url),
            error => format!("{}: {error}", self.url),
        }
    }
}

fn read_answer(mut answer: Response<Body>, shipment: &Shipment) -> Try {
    let status = answer.status().as_u16();
    match status {
        202 | 204 => Try::Answered(Receipt {
            accepted: shipment.hits,
            ..Receipt::default()
        }),
        200 | 400 => match read_body(&mut answer) {
            Ok(body) => read_json(status, &body),
            Err(error) => Try::Again {
                why: error.to_string(),
                after: None,
            },
        },
        401 | 403 => Try::Failed(SendError::Token { status }),
        413 => Try::Failed(SendError::TooLarge),
        429 | 500..=599 => Try::Again {
            why: format!("the server answered {status}"),
            after: retry_after(&answer),
        },
        _ => {
            let body = read_body(&mut answer).unwrap_or_default();
            let detail = http::detail(&body);
            Try::Failed(SendError::Refused { status, detail })
        }
    }
}

fn read_body(answer: &mut Response<Body>) -> Result<Vec<u8>, ureq::Error> {
    let body = answer.body_mut().with_config();
    body.limit(ANSWER_BYTES_MAX).read_to_vec()
}

/// Reads the counts. If no line of the batch was good, they are in a problem.
fn read_json(status: u16, body: &[u8]) -> Try {
    match serde_json::from_slice(body) {
        Ok(receipt) => Try::Answered(receipt),
        Err(_) if status == 200 => Try::Failed(SendError::Stranger { status }),
        Err(_) => {
            let detail = http::detail(body);
            Try::Failed(SendError::Refused { status, detail })
        }
    }
}

/// The pause that the server asks for. None if it does not ask in seconds.
fn retry_after(answer: &Response<Body>) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

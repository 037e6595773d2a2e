//! Notifies a receiver: a `POST` of JSON, signed, and tried again while that may help.
//!
//! `allowed_outbound_hosts` in the manifest limits the host, and names it by a variable of its own.
//! So a person who can only set the URL cannot send anything to another host. Redirects are not
//! followed. The secret and the URL, which may have a token in it, are never logged or answered.
//! The host is.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use rollcall_tally::report::AlertNotification;
use rollcall_tally::weekly::WeeklyReport;
use rollcall_web::{call, log, signature, variable};
use spin_sdk::http::FullBody;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::http::types::ErrorCode;
use spin_sdk::wasip3::random::random;

use super::formats::Format;
use crate::clock::now_ms;

/// How long a delivery may take, including all its tries.
const DEADLINE: Duration = Duration::from_secs(6);
/// How long a receiver may take to answer a try.
const TRY_DEADLINE: Duration = Duration::from_secs(2);
const TRIES_MAX: u32 = 4;
/// The wait before the second try. It doubles before each further try. A random time of up to the
/// same length is added.
const BACK_OFF_MS: u64 = 200;

const DELIVERY: HeaderName = HeaderName::from_static("rollcall-delivery");
const SIGNATURE: HeaderName = HeaderName::from_static("rollcall-signature");

/// Only components of the app can be reached under this suffix.
const OUR_OWN: &str = ".spin.internal";

const NO_URL: &str = "alert_webhook_url is no URL of HTTP or HTTPS";
const NOT_ALLOWED: &str = "the host of alert_webhook_url is not allowed: alert_webhook_host must name it, with scheme and port";

/// The receiver. It deliberately cannot be printed.
pub struct Webhook {
    url: String,
    /// If empty, nothing is signed.
    secret: String,
    format: Format,
}

/// Why a try failed.
struct Failed {
    reason: String,
    /// Whether another try may help.
    is_passing: bool,
}

impl Webhook {
    /// None: there is no URL.
    pub async fn configured() -> Option<Self> {
        let url = variable::text("alert_webhook_url").await;
        if url.is_empty() {
            return None;
        }
        let secret = variable::text("alert_webhook_secret").await;
        let format = variable::text("alert_webhook_format").await;
        let format = Format::from_name(&format).unwrap_or_else(|| {
            log!(
                Error,
                "variable-not-used",
                variable = "alert_webhook_format"
            );
            Format::Json
        });
        Some(Self {
            url,
            secret,
            format,
        })
    }

    /// The part of the URL that may be shown.
    pub fn host(&self) -> String {
        let uri = self.url.parse::<Uri>().ok();
        let host = uri.as_ref().and_then(Uri::host);
        host.unwrap_or("no host").to_owned()
    }

    /// Delivers a notification. The error says why it failed, in words for the operator.
    pub async fn deliver(&self, notification: &AlertNotification) -> Result<(), String> {
        let body = self.format.alert(notification, &self.secret);
        self.send(&notification.id, &body).await
    }

    /// Delivers the weekly report. `id`: the same for the same week.
    pub async fn deliver_report(
        &self,
        id: &str,
        report: &WeeklyReport,
        html: &str,
    ) -> Result<(), String> {
        let body = self.format.report(id, report, html);
        self.send(id, &body.ok_or("this receiver takes alerts alone")?)
            .await
    }

    async fn send(&self, id: &str, body: &serde_json::Value) -> Result<(), String> {
        let uri = self.url.parse().map_err(|_| NO_URL)?;
        let uri = checked(uri)?;
        let body = Bytes::from(body.to_string());
        let began = Instant::now();
        let mut tries = 1;
        loop {
            let left = DEADLINE.saturating_sub(began.elapsed());
            let tried = self.try_once(&uri, id, body.clone());
            let Err(failed) = within(left.min(TRY_DEADLINE), tried).await else {
                return Ok(());
            };
            let pause = back_off(tries);
            let is_over = began.elapsed() + pause >= DEADLINE;
            if !failed.is_passing || tries >= TRIES_MAX || is_over {
                return Err(failed.reason);
            }
            sleep(pause).await;
            tries += 1;
        }
    }

    async fn try_once(&self, uri: &Uri, id: &str, body: Bytes) -> Result<(), Failed> {
        let mut request = Request::post(uri.clone())
            .header(CONTENT_TYPE, "application/json")
            // Without this header the body would be sent in chunks. Not every receiver reads
            // chunks.
            .header(CONTENT_LENGTH, body.len())
            .header(DELIVERY, id)
            .body(FullBody::new(body.clone()))
            .map_err(|_| Failed::for_good(NO_URL))?;
        let secret = match self.format {
            // The secret is in the body, as the key of the service.
            Format::PagerDuty => "",
            _ => &self.secret,
        };
        if let Some(signature) = signature(secret, now_ms() / 1_000, &body) {
            request.headers_mut().insert(SIGNATURE, signature);
        }
        let answer = call::send(request).await;
        let status = answer.map_err(|error| Failed::of(&error))?.status();
        if status.is_success() {
            return Ok(());
        }
        let reason = match status.is_redirection() {
            true => format!("answered {status}; redirects are not followed"),
            false => format!("answered {status}"),
        };
        let is_passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        Err(Failed { reason, is_passing })
    }
}

impl Failed {
    fn for_good(reason: &str) -> Self {
        let reason = reason.to_owned();
        let is_passing = false;
        Self { reason, is_passing }
    }

    fn for_now(reason: &str) -> Self {
        let reason = reason.to_owned();
        let is_passing = true;
        Self { reason, is_passing }
    }

    fn of(error: &ErrorCode) -> Self {
        match error {
            ErrorCode::HttpRequestDenied => Self::for_good(NOT_ALLOWED),
            ErrorCode::HttpRequestUriInvalid => Self::for_good(NO_URL),
            ErrorCode::DnsError(_) | ErrorCode::DnsTimeout => {
                Self::for_now("its name was not found")
            }
            ErrorCode::ConnectionRefused => Self::for_now("the connection was refused"),
            ErrorCode::TlsProtocolError
            | ErrorCode::TlsCertificateError
            | ErrorCode::TlsAlertReceived(_) => Self::for_now("TLS failed"),
            // The rest of the error may have parts of the URL.
            _ => Self::for_now("the connection failed"),
        }
    }
}

async fn within(
    deadline: Duration,
    tried: impl Future<Output = Result<(), Failed>>,
) -> Result<(), Failed> {
    call::within(deadline, tried).await.unwrap_or_else(|| {
        let waited_ms = deadline.as_millis();
        Err(Failed::for_now(&format!("no answer within {waited_ms} ms")))
    })
}

/// Checks that a URL leads out of the app. A component of the app must not be notified. A component
/// that does not exist would end this instance.
fn checked(uri: Uri) -> Result<Uri, String> {
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    match is_http && !host.is_empty() {
        true if host.ends_with(OUR_OWN) => Err(NOT_ALLOWED.to_owned()),
        true => Ok(uri),
        false => Err(NO_URL.to_owned()),
    }
}

fn back_off(tries: u32) -> Duration {
    let ms = BACK_OFF_MS << (tries - 1);
    Duration::from_millis(ms + random::get_random_u64() % ms)
}

/// `t=UNIX,v1=HEX`: the HMAC-SHA256 of `UNIX.body`. None: there is no secret.
fn signature(secret: &str, at_s: u64, body: &[u8]) -> Option<HeaderValue> {
    if secret.is_empty() {
        return None;
    }
    let hex = signature::sign(secret, [format!("{at_s}.").as_bytes(), body])?;
    HeaderValue::try_from(format!("t={at_s},v1={hex}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_of_the_time_and_the_body() {
        // printf '1800000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let signed = signature("secret", 1_800_000_000, b"{\"a\":1}").unwrap();
        assert_eq!(
            signed,
            "t=1800000000,v1=440dfbb83aabca24d9e5027629cfd81cb45254690f8d410bb28f1cc17c990dbc"
        );
        assert_eq!(signature("", 1_800_000_000, b"{}"), None);
    }

    #[test]
    fn only_a_url_that_leads_out_is_told() {
        let check = |url: &str, expect: Result<(), &str>| {
            let found = url.parse().map_err(|_| NO_URL.to_owned()).and_then(checked);
            assert_eq!(found.map(drop), expect.map_err(str::to_owned), "{url}");
        };
        for url in ["https://hooks.example.com/a?b=c", "HTTP://127.0.0.1:9000"] {
            check(url, Ok(()));
        }
        for url in [
            "http://collector.spin.internal/collect",
            "http://Ghost.Spin.Internal/",
        ] {
            check(url, Err(NOT_ALLOWED));
        }
        for url in [
            "hooks.example.com",
            "/path",
            "ftp://example.com/",
            "http://",
            "not a url",
            "http:///x",
        ] {
            check(url, Err(NO_URL));
        }
    }
}

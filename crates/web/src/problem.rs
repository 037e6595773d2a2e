//! Errors for clients: `application/problem+json` (RFC 9457). The details that only the operator
//! may know go to the log.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use rollcall_tally::question::{BadParameter, NotUnderstood};
use rollcall_tally::{Behind, Failure, Rejection};
use serde::Serialize;

use crate::log;
use crate::reply::{self, Reply};

/// The `Retry-After` of a 429 or 503 if no better one is known, in seconds.
pub const RETRY_AFTER_SECONDS: &str = "2";
/// The store's counters of requests that were refused, because more came than could be taken.
pub const BACKLOG_COUNTER: &str = "refused-backlog";
pub const RATE_COUNTER: &str = "refused-rate";
/// How long a body may take, and how many of its bytes give it another second. A client that sends
/// nothing would hold an instance for ever.
pub const PATIENCE: Duration = Duration::from_secs(10);
pub const BYTES_A_SECOND_MIN: usize = 32 * 1024;
/// The longest `Retry-After`, in seconds.
const RETRY_AFTER_SECONDS_MAX: u64 = 600;

/// An error as a client sees it (RFC 9457).
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The status code of the answer.
    #[serde(serialize_with = "status_code")]
    #[cfg_attr(feature = "openapi", schema(value_type = u16))]
    status: StatusCode,
    /// The name of the status.
    title: &'static str,
    /// The error, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    detail: Option<String>,
    /// Every bad parameter. Left out if there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invalid_params: Vec<BadParameter>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    rejected: Option<Box<Rejected>>,
    #[serde(skip)]
    header: Option<(&'static str, Cow<'static, str>)>,
}

/// The rejected hits of a request that has no good hit.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, Serialize)]
pub struct Rejected {
    /// 0: no hit was accepted.
    accepted: u64,
    /// The number of rejected hits.
    rejected: u64,
    /// The first rejected hits, each with the reason.
    rejections: Vec<Rejection>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::bare(status)
        }
    }

    fn bare(status: StatusCode) -> Self {
        Self {
            status,
            title: status.canonical_reason().unwrap_or("Error"),
            detail: None,
            invalid_params: Vec::new(),
            rejected: None,
            header: None,
        }
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is nothing at this path.")
    }

    /// 405, with the methods that are allowed.
    /// Where a GET is allowed, a HEAD is, too.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let allow = match allow.strip_prefix("GET") {
            Some(others) => format!("GET, HEAD{others}"),
            None => allow.to_owned(),
        };
        Self {
            header: Some(("allow", allow.clone().into())),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("This path allows only {allow}."),
            )
        }
    }

    /// 401. It does not say if a token was missing, wrong, or never configured.
    pub fn unauthorized() -> Self {
        Self {
            header: Some(("www-authenticate", "Bearer realm=\"rollcall\"".into())),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "Send the token as `Authorization: Bearer TOKEN`.",
            )
        }
    }

    /// 413.
    pub fn too_large(bytes_max: usize) -> Self {
        let detail = format!("A body may have at most {bytes_max} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 408.
    pub fn too_slow() -> Self {
        let detail = format!(
            "The body came too slowly: it has {} s, and a second more for each {BYTES_A_SECOND_MIN} \
             bytes that came.",
            PATIENCE.as_secs()
        );
        Self::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// 429: the token is wrong, and many other wrong tokens came at the same time.
    pub fn too_many_wrong_tokens() -> Self {
        let detail = "This token is wrong, and so are too many others at the moment.";
        Self::too_many(detail, RETRY_AFTER_SECONDS)
    }

    /// 429.
    fn too_many(detail: impl Into<String>, retry_after_s: impl Into<Cow<'static, str>>) -> Self {
        Self {
            header: Some(("retry-after", retry_after_s.into())),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }

    /// 429: too many recorded batches wait for a fold.
    pub fn too_far_behind(retry_after: Duration) -> Self {
        Self::nothing_recorded("Too many recorded hits wait to be counted.", retry_after)
    }

    /// 429: the token has recorded as many hits as it may for now.
    pub fn rate_reached(retry_after: Duration) -> Self {
        Self::nothing_recorded("This token has reached its rate.", retry_after)
    }

    fn nothing_recorded(why: &str, retry_after: Duration) -> Self {
        let seconds = retry_after.as_millis().div_ceil(1_000);
        let seconds = seconds.clamp(1, RETRY_AFTER_SECONDS_MAX.into());
        let detail = format!("{why} Nothing of this request was recorded. Send it again later.");
        Self::too_many(detail, seconds.to_string())
    }

    /// 503: it is not known whether the request took effect. The client may send it again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self {
            header: Some(("retry-after", RETRY_AFTER_SECONDS.into())),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    /// 503: too few of the IPs answered.
    pub fn out_of_reach() -> Self {
        Self::unavailable("The data could not be reached in time. Ask again.")
    }

    /// 503: some recorded hits are not counted yet, so an answer would lack them. The detail says
    /// how many batches wait, and for how long.
    pub fn behind(behind: Behind) -> Self {
        let seconds = behind.left_ms.map(|ms| ms.div_ceil(1_000));
        let seconds = seconds.map(|seconds| seconds.clamp(2, RETRY_AFTER_SECONDS_MAX));
        let mut problem = Self::unavailable(format!("{behind} Ask again later."));
        if let Some(seconds) = seconds {
            problem.header = Some(("retry-after", seconds.to_string().into()));
        }
        problem
    }

    /// 500: a stored value is damaged.
    pub fn unreadable() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "A stored value cannot be read. The log says which.",
        )
    }

    /// 400, naming every bad parameter.
    pub fn bad_parameters(invalid_params: Vec<BadParameter>) -> Self {
        let names: Vec<&str> = invalid_params.iter().map(|bad| bad.name.as_str()).collect();
        let detail = format!("Not acceptable: {}.", names.join(", "));
        Self {
            detail: Some(detail),
            invalid_params,
            ..Self::bare(StatusCode::BAD_REQUEST)
        }
    }

    /// 400: no hit was accepted.
    pub fn all_rejected(rejected: u64, rejections: Vec<Rejection>) -> Self {
        Self {
            rejected: Some(Box::new(Rejected {
                accepted: 0,
                rejected,
                rejections,
            })),
            ..Self::new(StatusCode::BAD_REQUEST, "No hit was accepted.")
        }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Adds the problem's header to an answer that has the problem in another form.
    pub fn head(&self, mut reply: Reply) -> Reply {
        if let Some((name, value)) = &self.header
            && let Ok(value) = HeaderValue::from_str(value)
        {
            reply.headers_mut().insert(*name, value);
        }
        reply
    }

    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    pub fn invalid_params(&self) -> &[BadParameter] {
        &self.invalid_params
    }
}

impl From<NotUnderstood> for Problem {
    fn from(error: NotUnderstood) -> Self {
        match error {
            NotUnderstood::Unknown => Self::not_found(),
            NotUnderstood::Parameters(bad) => Self::bad_parameters(bad),
        }
    }
}

impl From<Failure> for Problem {
    /// Logs the internal text. The client does not get it.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(reason) => Self::new(StatusCode::BAD_REQUEST, reason),
            Failure::NotFound(reason) => Self::new(StatusCode::NOT_FOUND, reason),
            Failure::TooMany(reason) => Self::too_many(reason, RETRY_AFTER_SECONDS),
            Failure::Unavailable(_) | Failure::Gone => {
                log!(Warn, "request-failed", failure = failure);
                Self::out_of_reach()
            }
            Failure::Behind(behind) => Self::behind(behind),
            Failure::Corrupt(_) => {
                log!(Error, "request-failed", failure = failure);
                Self::unreadable()
            }
        }
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        let reply = reply::json_as(problem.status, "application/problem+json", &problem);
        problem.head(reply)
    }
}

fn status_code<S: serde::Serializer>(
    status: &StatusCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_text_is_not_sent() {
        let problem = Problem::from(Failure::Unavailable("redis://secret@host".into()));
        let text = serde_json::to_string(&problem).unwrap();
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn a_refused_client_is_told_when_to_come_back_in_whole_seconds() {
        for (ms, expect) in [(0, "1"), (1_000, "1"), (1_001, "2"), (86_400_000, "600")] {
            let problem = Problem::rate_reached(Duration::from_millis(ms));
            assert_eq!(problem.header, Some(("retry-after", expect.into())), "{ms}");
            assert_eq!(problem.status(), StatusCode::TOO_MANY_REQUESTS);
        }
    }

    #[test]
    fn every_bad_parameter_is_named() {
        let bad = |name: &str| BadParameter {
            name: name.into(),
            reason: "expected 1 to 100".into(),
        };
        let problem = Problem::bad_parameters(vec![bad("limit"), bad("sortBy")]);
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({
                "status": 400,
                "title": "Bad Request",
                "detail": "Not acceptable: limit, sortBy.",
                "invalidParams": [
                    {"name": "limit", "reason": "expected 1 to 100"},
                    {"name": "sortBy", "reason": "expected 1 to 100"}
                ]
            })
        );
    }
}

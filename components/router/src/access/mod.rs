//! Who is asking, and what they may do.
//!
//! | who | proof | may |
//! |---|---|---|
//! | admin | one of `admin_token`, or a session that began with it | all |
//! | viewer | one of `viewer_token`, or a session that began with it | read: `GET` and `HEAD` |
//! | metrics | one of `metrics_token` | read `/admin/metrics`, and nothing else |
//!
//! A proxy that the operator names may sign people in, too. It makes them viewers.
//!
//! A browser sends the cookie along with every request, also if another site's page makes it. So if
//! a request changes something and carries a session, it must come from a page of our own.

mod browser;
mod identity;

use http::{Method, Request, StatusCode};
use rollcall_web::auth::bearer;
use rollcall_web::{Problem, Reply};

use crate::clock::now_s;
use crate::keys::{Keys, Role};
use crate::{local, session, throttle};

pub use browser::same_origin;
use browser::{CROSS_SITE, is_navigation, is_same_origin};
use identity::Identity;

/// A client that was let in, and may do this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub role: Role,
    /// True: a person in a browser, with a session. False: a program with a token.
    pub by_cookie: bool,
}

/// Why a client was not let in. Becomes the answer: a redirect or a problem.
#[derive(Debug)]
pub enum Denied {
    /// A browser without a session. It is sent to sign in, and comes back to this path.
    SignIn {
        next: String,
    },
    Problem(Problem),
}

/// Finds out who is asking. The answer to a wrong token takes time.
pub async fn visitor<B>(request: &Request<B>) -> Result<Visitor, Denied> {
    let keys = Keys::configured().await;
    let identity = Identity::configured().await;
    match admit(request, &keys, identity.as_ref(), now_s()) {
        Err(Refusal::WrongToken) => Err(throttle::wrong_token().await.into()),
        Err(Refusal::Anonymous) if is_navigation(request) => Err(Denied::SignIn {
            next: local::path_of(request),
        }),
        Err(Refusal::Anonymous) => Err(Problem::unauthorized().into()),
        Err(Refusal::Forbidden(why)) => Err(Problem::new(StatusCode::FORBIDDEN, why).into()),
        Ok(visitor) => Ok(visitor),
    }
}

const READS_ONLY: &str = "This token reads only.";
const METRICS_ONLY: &str = "This token reads the metrics only.";

#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// There is a token, but no role has it.
    WrongToken,
    /// There is no token, and no session that holds.
    Anonymous,
    Forbidden(&'static str),
}

fn admit<B>(
    request: &Request<B>,
    keys: &Keys,
    identity: Option<&Identity>,
    now_s: u64,
) -> Result<Visitor, Refusal> {
    let visitor = match bearer(request.headers()) {
        Some(token) => Visitor {
            role: keys.role(token).ok_or(Refusal::WrongToken)?,
            by_cookie: false,
        },
        None => match session::of(request, keys, now_s) {
            Some(role) => Visitor {
                role,
                by_cookie: true,
            },
            None if identity.is_some_and(|of| of.is_known(request.headers())) => Visitor {
                role: Role::Viewer,
                by_cookie: false,
            },
            None => return Err(Refusal::Anonymous),
        },
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && visitor.by_cookie && !is_same_origin(request) {
        return Err(Refusal::Forbidden(CROSS_SITE));
    }
    let is_metrics = reads && request.uri().path() == local::METRICS;
    match visitor.role {
        Role::Metrics if !is_metrics => Err(Refusal::Forbidden(METRICS_ONLY)),
        Role::Viewer if !reads => Err(Refusal::Forbidden(READS_ONLY)),
        Role::Metrics | Role::Viewer | Role::Admin => Ok(visitor),
    }
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Denied> for Reply {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::SignIn { next } => local::see_other(&local::sign_in(&next)),
            Denied::Problem(problem) => problem.into(),
        }
    }
}

#[cfg(test)]
mod tests;

//! A receiver of webhooks on 127.0.0.1. A test decides how it answers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use serde_json::Value;

use crate::server::Server;

/// A token in the path of every URL. It must not be shown.
pub const PATH_TOKEN: &str = "path-token-of-the-webhook";

/// How long a test waits for a request that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The receiver's reaction to a request.
#[derive(Clone, Copy, Debug)]
pub enum Reaction {
    /// Answers with this status, after this many milliseconds.
    Answer(u16, u64),
    /// Redirects to another path of this receiver.
    Redirect,
    /// Never answers.
    Hang,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    headers: hyper::HeaderMap,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        value.to_str().ok()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

type Rule = Box<dyn Fn(usize) -> Reaction + Send>;

#[derive(Default)]
struct Shared {
    received: Vec<Received>,
    rule: Option<Rule>,
    /// The requests since the rule was set.
    reacted: usize,
}

/// A running receiver. It ends when it is dropped.
pub struct Receiver {
    server: Server,
    shared: Arc<Mutex<Shared>>,
}

impl Receiver {
    /// Starts a receiver that answers everything with 200.
    pub fn start() -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let all = shared.clone();
        Self {
            server: Server::start(move |request| answer(all.clone(), request)),
            shared,
        }
    }

    pub fn host(&self) -> String {
        self.server.url()
    }

    pub fn url(&self) -> String {
        format!("{}/hooks/{PATH_TOKEN}?a=b", self.host())
    }

    /// Sets the rule. It gets the number of requests since it was set, and returns the reaction.
    pub fn react(&self, rule: impl Fn(usize) -> Reaction + Send + 'static) {
        let mut shared = self.shared.lock().expect("the state");
        shared.rule = Some(Box::new(rule));
        shared.reacted = 0;
    }

    /// Takes the requests that came since the last call.
    pub fn take(&self) -> Vec<Received> {
        let mut shared = self.shared.lock().expect("the state");
        std::mem::take(&mut shared.received)
    }

    /// Waits for a request that must come, and takes it.
    pub fn wait(&self) -> Received {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut shared = self.shared.lock().expect("the state");
            if !shared.received.is_empty() {
                return shared.received.remove(0);
            }
            drop(shared);
            assert!(Instant::now() < deadline, "nothing came");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn answer(
    shared: Arc<Mutex<Shared>>,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let reaction = {
        let mut shared = shared.lock().expect("the state");
        shared.received.push(Received {
            path: head.uri.to_string(),
            headers: head.headers,
            body: body.to_vec(),
        });
        let number = shared.reacted;
        shared.reacted += 1;
        let rule = shared.rule.as_ref();
        rule.map_or(Reaction::Answer(200, 0), |rule| rule(number))
    };
    let mut response = Response::new(Empty::new());
    match reaction {
        Reaction::Answer(status, after_ms) => {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            *response.status_mut() = status.try_into().expect("a status");
        }
        Reaction::Redirect => {
            *response.status_mut() = hyper::StatusCode::FOUND;
            let there = hyper::header::HeaderValue::from_static("/elsewhere");
            response.headers_mut().insert("location", there);
        }
        Reaction::Hang => std::future::pending().await,
    }
    Ok(response)
}

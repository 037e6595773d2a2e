//! A small API on 127.0.0.1, for a gateway in front of it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::{HeaderMap, Method, Request, Response};

use crate::server::Server;

/// The bytes of each piece of a streamed body.
pub const PIECE_BYTES: usize = 16 * 1024;

/// A running API. It ends when it is dropped.
///
/// | request | response |
/// |---|---|
/// | `POST` | 201, with the body of the request |
/// | `/pieces/N` | 200, and N pieces without a length |
/// | `/endless` | 200, and pieces until the client closes |
/// | `/missing`, `/broken`, `/empty` | 404 with 2 bytes, 500 with 5 bytes, 204 |
/// | any other | 200 with 5 bytes |
pub struct Upstream {
    server: Server,
    heads: Arc<Mutex<VecDeque<HeaderMap>>>,
}

impl Upstream {
    pub fn start() -> Self {
        let heads = Arc::<Mutex<VecDeque<HeaderMap>>>::default();
        let all = heads.clone();
        let server = Server::start(move |request| {
            let headers = request.headers().clone();
            all.lock().expect("the heads").push_back(headers);
            async { Ok(answer(request)) }
        });
        Self { server, heads }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The headers of the oldest request that was not taken yet.
    pub fn take_head(&self) -> Option<HeaderMap> {
        self.heads.lock().expect("the heads").pop_front()
    }
}

fn answer(request: Request<Incoming>) -> Response<BoxBody<Bytes, hyper::Error>> {
    let full = |text: &'static str| Full::from(text).map_err(|never| match never {}).boxed();
    let path = request.uri().path().to_owned();
    let (status, body) = match path.strip_prefix("/pieces/") {
        Some(count) => (200, pieces(count.parse().expect("a number"))),
        None if request.method() == Method::POST => (201, request.into_body().boxed()),
        None => match path.as_str() {
            "/endless" => (200, pieces(usize::MAX)),
            "/missing" => (404, full("no")),
            "/broken" => (500, full("sorry")),
            "/empty" => (204, full("")),
            _ => (200, full("hello")),
        },
    };
    let mut response = Response::new(body);
    *response.status_mut() = status.try_into().expect("a status");
    response
}

fn pieces(count: usize) -> BoxBody<Bytes, hyper::Error> {
    let piece = Bytes::from(vec![b'x'; PIECE_BYTES]);
    Pieces { piece, left: count }.boxed()
}

struct Pieces {
    piece: Bytes,
    left: usize,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

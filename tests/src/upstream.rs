//! A small API on 127.0.0.1, for a gateway in front of it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

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
    addr: SocketAddr,
    heads: Arc<Mutex<VecDeque<HeaderMap>>>,
    _runtime: Runtime,
}

impl Upstream {
    pub fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let heads = Arc::<Mutex<VecDeque<HeaderMap>>>::default();
        let all = heads.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let heads = all.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let headers = request.headers().clone();
                    heads.lock().expect("the heads").push_back(headers);
                    async { Ok::<_, Infallible>(answer(request)) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            addr,
            heads,
            _runtime: runtime,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
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

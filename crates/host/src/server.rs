//! The HTTP/1 server: takes connections, gives requests to the application, sends responses.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::app::App;
use crate::lifecycle::{Lifecycle, Phase};

/// How long to wait after an error before accepting again. The most common error is a lack of file
/// descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves until the host drains, and then until the last connection ends.
pub async fn serve(listener: TcpListener, app: Arc<App>, lifecycle: Lifecycle) {
    let mut connections = JoinSet::new();
    let mut draining = pin!(lifecycle.reached(Phase::Draining));
    loop {
        tokio::select! {
            () = &mut draining => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    connections.spawn(connection(stream, client, app.clone(), lifecycle.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, client: SocketAddr, app: Arc<App>, lifecycle: Lifecycle) {
    // With this, a small body leaves together with its head. It does not wait for the client's
    // acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer(&app, request, client).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service)
    );
    let served = tokio::select! {
        served = &mut connection => served,
        () = lifecycle.reached(Phase::Draining) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%client, %error, "connection ended");
    }
}

async fn answer(app: &App, request: Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
    let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
    app.handle(request, client).await
}

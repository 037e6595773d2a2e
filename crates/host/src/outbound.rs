//! Outgoing requests of components: who may call whom, and service chaining.
//!
//! A request to `http://ID.spin.internal` runs component ID in this process, private or not, and never touches the network.
//! Everything else goes out over plain HTTP/1 if `allowed_outbound_hosts` permits it. HTTPS and requests to oneself
//! (`self`) are not supported: they are denied, whatever is allowed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::TokioExecutor;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::Chained;
use crate::allowed_hosts::{AllowedHosts, chain_target};
use crate::app::{AppLink, empty};
use crate::routes::Match;

/// The address that a chained request seems to come from.
const CHAINED_CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// How long an outgoing request may wait for its response's head, unless the component says otherwise. Spin's number.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(600);

/// Why a request failed whose caller is to trap.
pub const TRAP: &str = "the caller traps";

/// Sends what components of one application send to the network. Connections are kept and shared.
pub type NetworkClient = Client<HttpConnector, WasiBody>;

/// A new, empty client.
pub fn network_client() -> NetworkClient {
    Client::builder(TokioExecutor::new()).build_http()
}

/// One instance's way out.
pub struct Outbound {
    /// Which hosts the component may call.
    pub allowed: Arc<AllowedHosts>,
    /// The application, for chaining; gone when the host is.
    pub app: AppLink,
    /// For everything that is not chained.
    pub network: NetworkClient,
}

type Sent = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        // What the caller could tell about reading the response; there is nobody here to tell it to.
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        if !self.allowed.allow(request.uri()) {
            tracing::warn!(uri = %request.uri(), "outgoing request denied: not in allowed_outbound_hosts");
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        request.headers_mut().remove(header::HOST);
        let (app, network) = (self.app.clone(), self.network.clone());
        Box::new(async move {
            let target = request
                .uri()
                .host()
                .and_then(chain_target)
                .map(str::to_owned);
            let response = match target {
                Some(target) => chain(&app, &target, request).await?,
                None => send(&network, request, options).await?,
            };
            Ok((response, Box::new(std::future::ready(Ok(()))) as _))
        })
    }
}

/// Runs the request on a component of this application. A callee that fails is a 500 with an empty body.
async fn chain(
    app: &AppLink,
    target: &str,
    request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let app = app.upgrade().ok_or(Error::ConnectionTerminated)?;
    let path = request.uri().path().to_owned();
    let stood_before = match &app.chain_layer {
        Some(layer) => Some(layer(target, &path).await),
        None => None,
    };
    match &stood_before {
        Some(Chained::CalleeTraps) => return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR)),
        Some(Chained::CallerTraps) => return Err(Error::InternalError(Some(TRAP.to_owned()))),
        Some(Chained::Call(_)) | None => {}
    }
    Ok(app
        .call(&Match::chained(target, &path), request, CHAINED_CLIENT)
        .await)
}

/// Sends the request to the network.
async fn send(
    network: &NetworkClient,
    request: Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Response<WasiBody>, Error> {
    if request.uri().scheme() != Some(&Scheme::HTTP) {
        tracing::warn!(uri = %request.uri(), "outgoing request denied: only plain HTTP is supported");
        return Err(Error::HttpRequestDenied);
    }
    let limit = options
        .and_then(|options| options.first_byte_timeout)
        .unwrap_or(FIRST_BYTE_TIMEOUT);
    let response = tokio::time::timeout(limit, network.request(request))
        .await
        .map_err(|_| Error::ConnectionReadTimeout)?
        .map_err(network_error)?;
    Ok(response.map(|body| body.map_err(Error::from).boxed_unsync()))
}

fn network_error(error: ClientError) -> Error {
    tracing::warn!(?error, "outgoing request failed");
    match error.is_connect() {
        true => Error::ConnectionRefused,
        false => Error::HttpProtocolError,
    }
}

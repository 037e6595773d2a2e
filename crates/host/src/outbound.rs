//! Outgoing requests of components, and service chaining.
//!
//! A request to `http://ID.spin.internal` runs component ID in this process. The component may be
//! private, and the network is not used. If `allowed_outbound_hosts` permits it, any other request
//! goes out over HTTP/1, or over HTTPS with the certificate authorities of browsers. Requests to
//! `self` are not supported: they are always denied. Only the host of a URL is logged, because the
//! rest may hold a token.

use std::sync::Arc;

use http::{Request, Response, header};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

use crate::allowed_hosts::{AllowedHosts, chain_target};
use crate::app_link::AppLink;

/// The outgoing requests of one instance.
pub struct Outbound {
    /// The hosts that the component may call.
    pub allowed: Arc<AllowedHosts>,
    /// The application, for chaining. It is gone when the host is gone.
    pub app: AppLink,
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
        // The caller could report here how it read the response. Nobody needs that.
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        if !self.allowed.allow(request.uri()) {
            tracing::warn!(
                host = request.uri().host(),
                "outgoing request denied: not in allowed_outbound_hosts"
            );
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        let target = request.uri().host().and_then(chain_target);
        let Some(target) = target.map(str::to_owned) else {
            return Box::new(send(request, options));
        };
        request.headers_mut().remove(header::HOST);
        let app = self.app.clone();
        Box::new(async move {
            let app = app.upgrade().ok_or(Error::ConnectionTerminated)?;
            let response = app.chain(&target, request).await?;
            Ok((response, Box::new(std::future::ready(Ok(()))) as _))
        })
    }
}

/// Sends the request to the network.
async fn send(request: Request<WasiBody>, options: Option<RequestOptions>) -> Result<Sent, Error> {
    let host = request.uri().host().map(str::to_owned);
    let sent = default_send_request(request, options).await;
    let (response, io) = sent.inspect_err(|error| {
        tracing::warn!(host, "outgoing request failed: {error}");
    })?;
    Ok((response.map(|body| body.boxed_unsync()), Box::new(io)))
}

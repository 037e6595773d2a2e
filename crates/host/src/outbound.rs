//! Outgoing requests of components: who may call whom, and service chaining.
//!
//! A request to `http://ID.spin.internal` runs component ID in this process, private or not, and never touches the network.
//! Everything else goes out over HTTP/1, or HTTPS by the certificate authorities of browsers, if `allowed_outbound_hosts` permits it.
//! Requests to oneself (`self`) are not supported: they are denied, whatever is allowed. Of a URL only the host is logged: there may
//! be a token in it.

use std::sync::Arc;

use http::{Request, Response, header};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

use crate::allowed_hosts::{AllowedHosts, chain_target};
use crate::app_link::AppLink;

/// One instance's way out.
pub struct Outbound {
    /// Which hosts the component may call.
    pub allowed: Arc<AllowedHosts>,
    /// The application, for chaining; gone when the host is.
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
        // What the caller could tell about reading the response; there is nobody here to tell it to.
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

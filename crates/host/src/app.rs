//! The application: its components, and the way of a request to a component.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Full};
use wasmtime::Store;
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::allowed_hosts::chain_target;
use crate::app_link::{AppLink, Callee, TRAP};
use crate::config::{ChainLayer, Chained};
use crate::engine::wasm_error;
use crate::instance::{HostState, Ready};
use crate::pool::Pool;
use crate::routes::{Match, Routes};

/// The address that a chained request seems to come from.
const CHAINED_CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Paths that the host answers itself.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// A loaded application.
pub struct App {
    routes: Routes,
    components: BTreeMap<String, Arc<Ready>>,
    /// A pool for each component that has a trigger.
    services: BTreeMap<String, ProxyHandler<Pool>>,
    /// Called before every chained request.
    pub chain_layer: Option<ChainLayer>,
}

impl App {
    /// Makes an application from its parts, and completes the link that the parts hold.
    pub fn new(
        routes: Routes,
        components: BTreeMap<String, Arc<Ready>>,
        services: BTreeMap<String, ProxyHandler<Pool>>,
        chain_layer: Option<ChainLayer>,
        link: &AppLink,
    ) -> Arc<Self> {
        let app = Arc::new(Self {
            routes,
            components,
            services,
            chain_layer,
        });
        let callee: Arc<dyn Callee> = app.clone();
        link.complete(&callee);
        app
    }

    /// The store of a new instance, and the component to instantiate in it.
    pub async fn instantiate(
        &self,
        id: &str,
    ) -> Result<(Store<HostState>, wasmtime::component::Instance)> {
        let component = self
            .components
            .get(id)
            .with_context(|| format!("no component {id:?}"))?;
        let mut store = component.store().map_err(wasm_error)?;
        let instance = component
            .pre
            .instantiate_async(&mut store)
            .await
            .map_err(wasm_error)?;
        Ok((store, instance))
    }

    /// The largest linear memory that an instance of a component had, in bytes.
    pub fn memory_peak(&self, id: &str) -> Option<usize> {
        let component = self.components.get(id)?;
        Some(component.memory_peak.bytes())
    }

    /// Answers a request from outside.
    pub async fn handle(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return match name {
                "health" => Response::new(full("OK")),
                _ => empty(StatusCode::NOT_FOUND),
            };
        }
        let Some(found) = self.routes.find(&path) else {
            return empty(StatusCode::NOT_FOUND);
        };
        if let Err(error) = complete_uri(&mut request) {
            tracing::warn!("request refused: {error:#}");
            return empty(StatusCode::BAD_REQUEST);
        }
        strip_forbidden(request.headers_mut());
        self.call(&found, request, client).await
    }

    /// Runs a request on a component. If the component fails, the answer is a 500 with an empty
    /// body.
    pub async fn call(
        &self,
        found: &Match<'_>,
        request: Request<WasiBody>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        self.try_call(found, request, client)
            .await
            .unwrap_or_else(|error| {
                tracing::error!(component = found.component, "request failed: {error:#}");
                empty(StatusCode::INTERNAL_SERVER_ERROR)
            })
    }

    async fn try_call(
        &self,
        found: &Match<'_>,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> Result<Response<WasiBody>> {
        let service = self
            .services
            .get(found.component)
            .context("no such component")?;
        let uri = request.uri().clone();
        found.append_headers(request.headers_mut(), &uri, client)?;
        service.handle((), request).await.map_err(wasm_error)
    }
}

#[async_trait]
impl Callee for App {
    fn serves(&self, id: &str) -> bool {
        self.services.contains_key(id)
    }

    async fn chain(
        &self,
        target: &str,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error> {
        let path = request.uri().path().to_owned();
        let stood_before = match &self.chain_layer {
            Some(layer) => Some(layer(target, &path).await),
            None => None,
        };
        match &stood_before {
            Some(Chained::CalleeTraps) => return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR)),
            Some(Chained::CallerTraps) => return Err(Error::InternalError(Some(TRAP.to_owned()))),
            Some(Chained::Call(_)) | None => {}
        }
        let found = Match::chained(target, &path);
        Ok(self.call(&found, request, CHAINED_CLIENT).await)
    }
}

/// Adds the scheme and the authority to the URI. HTTP/1 sends them apart from it.
fn complete_uri(request: &mut Request<WasiBody>) -> Result<()> {
    let mut parts = request.uri().clone().into_parts();
    if let Some(host) = request.headers().get(header::HOST) {
        let authority = host.to_str()?.parse()?;
        let same = parts
            .authority
            .as_ref()
            .is_none_or(|given| *given == authority);
        ensure!(same, "the Host header is not the authority of the URI");
        parts.authority = Some(authority);
    }
    ensure!(parts.authority.is_some(), "no Host header");
    parts.scheme = Some(http::uri::Scheme::HTTP);
    *request.uri_mut() = http::Uri::from_parts(parts)?;
    Ok(())
}

/// Removes the headers that concern only the connection. Removes a Host that would read as a
/// chained request.
fn strip_forbidden(headers: &mut HeaderMap) {
    let chained = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .is_some_and(|host| chain_target(host.split(':').next().unwrap_or(host)).is_some());
    if chained {
        headers.remove(header::HOST);
    }
    headers.remove(header::CONNECTION);
}

pub fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(Empty::new().map_err(Into::into).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn full(text: &'static str) -> WasiBody {
    Full::from(text).map_err(Into::into).boxed_unsync()
}

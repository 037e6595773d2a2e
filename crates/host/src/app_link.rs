//! How the parts of an application reach the whole, which is made after them and does not outlive its host.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use http::{Request, Response};
use wasmtime_wasi_http::{Error, WasiBody};

/// Why a request failed whose caller is to trap.
pub const TRAP: &str = "the caller traps";

/// An application, as its components call it.
#[async_trait]
pub trait Callee: Send + Sync {
    /// Whether a component of this id answers requests.
    fn serves(&self, id: &str) -> bool;

    /// Runs the request on a component of this application. A callee that fails is a 500 with an empty body.
    async fn chain(
        &self,
        target: &str,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error>;
}

#[derive(Clone, Default)]
pub struct AppLink(Arc<OnceLock<Weak<dyn Callee>>>);

impl AppLink {
    /// From now on it leads to this application.
    pub fn complete(&self, app: &Arc<dyn Callee>) {
        self.0.get_or_init(|| Arc::downgrade(app));
    }

    /// The application, while there is one.
    pub fn upgrade(&self) -> Option<Arc<dyn Callee>> {
        self.0.get()?.upgrade()
    }
}

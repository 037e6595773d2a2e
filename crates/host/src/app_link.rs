//! A link from the parts of an application to the application, which is made after its parts. The
//! link does not keep the application alive.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use http::{Request, Response};
use wasmtime_wasi_http::{Error, WasiBody};

/// The error of a request that makes its caller trap.
pub const TRAP: &str = "the caller traps";

/// An application, as its components call it.
#[async_trait]
pub trait Callee: Send + Sync {
    /// Whether a component of this id answers requests.
    fn serves(&self, id: &str) -> bool;

    /// Runs the request on a component of this application. If the component fails, the answer is a
    /// 500 with an empty body.
    async fn chain(
        &self,
        target: &str,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error>;
}

#[derive(Clone, Default)]
pub struct AppLink(Arc<OnceLock<Weak<dyn Callee>>>);

impl AppLink {
    /// Completes the link: from now on it leads to this application.
    pub fn complete(&self, app: &Arc<dyn Callee>) {
        self.0.get_or_init(|| Arc::downgrade(app));
    }

    /// The application. None if it is gone.
    pub fn upgrade(&self) -> Option<Arc<dyn Callee>> {
        self.0.get()?.upgrade()
    }
}

//! The operator's API, from the OpenAPI file in the folder of the operator's files.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use rollcall_api_file::{Unusable, load};
use rollcall_tally::hit::{Api, Spelling};

use crate::log;

/// Where `spin.toml` puts the operator's files.
const FOLDER: &str = "/files";

type Loaded = Result<Option<Arc<Api>>, Unusable>;

thread_local! {
    /// Scope: instance. What was loaded last, and for which spelling.
    static LOADED: RefCell<Option<(Spelling, Loaded)>> = const { RefCell::new(None) };
}

/// The API. None: there is no file. An instance reads the file once.
///
/// # Errors
/// The file cannot be used. The log says so, too.
pub fn api(spelling: Spelling) -> Loaded {
    let known = LOADED.with_borrow(|loaded| {
        let loaded = loaded.as_ref().filter(|(of, _)| *of == spelling);
        loaded.map(|(_, loaded)| loaded.clone())
    });
    known.unwrap_or_else(|| {
        let loaded = load(Path::new(FOLDER), spelling);
        if let Err(Unusable { file, reason }) = &loaded {
            log!(Error, "file-not-used", file = file, reason = reason);
        }
        let loaded: Loaded = loaded.map(|api| api.map(Arc::new));
        LOADED.set(Some((spelling, loaded.clone())));
        loaded
    })
}

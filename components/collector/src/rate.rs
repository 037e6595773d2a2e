//! Refuses hits of a token that has reached its rate, `ingest_rate`.
//!
//! The rate is over all instances: they count in the store. So a request costs one store call more,
//! but only if a rate is set.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use rollcall_shared::{Rate, Window};
use rollcall_tally::Failure;
use rollcall_web::{Problem, log, variable};

use crate::refused::{Refused, Why};
use crate::service::Service;

thread_local! {
    /// Scope: instance. The window that each token had last, by its number. There are as many as
    /// the operator has tokens.
    static KNOWN: RefCell<BTreeMap<usize, Window>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether a token may record this many hits now. `token`: its number. If there is none, no rate
/// holds.
pub async fn let_in(service: &Service, token: Option<usize>, hits: u64) -> Result<(), Problem> {
    let (Some(rate), Some(token), 1..) = (configured().await, token, hits) else {
        return Ok(());
    };
    let before = KNOWN.with_borrow(|known| known.get(&token).copied());
    let mut window = before;
    let shared = service.shared();
    let wait_ms = shared.let_in(rate, token, hits, &mut window).await;
    let wait_ms = wait_ms.map_err(Failure::from)?;
    if let Some(window) = window {
        KNOWN.with_borrow_mut(|known| known.insert(token, window));
    }
    let Some(wait_ms) = wait_ms else {
        return Ok(());
    };
    if window != before {
        log!(
            Warn,
            "ingest-rate-reached",
            token = token,
            wait_ms = wait_ms
        );
    }
    let retry_after = Duration::from_millis(wait_ms);
    Err(Refused::new(Why::Rate, retry_after).into())
}

/// `None`: no rate is set.
async fn configured() -> Option<Rate> {
    let text = variable::text("ingest_rate").await;
    if text.is_empty() {
        return None;
    }
    let rate = text.parse::<Rate>();
    rate.map_err(|bad| {
        let got = format!("{text}: {bad}");
        log!(
            Error,
            "variable-not-used",
            variable = "ingest_rate",
            got = got,
            using = "no rate"
        );
    })
    .ok()
}

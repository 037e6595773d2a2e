//! Work that is done once for many calls.

use std::cell::Cell;
use std::thread::LocalKey;
use std::time::Duration;

use spin_sdk::time::sleep;

/// Whether the work is scheduled. Scope: instance.
#[derive(Default)]
pub struct Later(Cell<bool>);

impl Later {
    pub const fn new() -> Self {
        Self(Cell::new(false))
    }

    /// Does the work after this time. If the work is scheduled already, does nothing. A call that
    /// comes while the work is being done schedules it again.
    pub fn schedule<W>(
        later: &'static LocalKey<Self>,
        after: Duration,
        work: impl FnOnce() -> W + 'static,
    ) where
        W: Future<Output = ()> + 'static,
    {
        if !later.with(|later| later.0.replace(true)) {
            spin_sdk::wasip3::spawn(async move {
                sleep(after).await;
                later.with(|later| later.0.set(false));
                work().await;
            });
        }
    }
}

//! This app's store, opened.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rollcall_ledger::limits::Limits;
use rollcall_ledger::{Ledger, LedgerError, Opened};
use rollcall_shared::Shared;
use rollcall_store::Clock;
use rollcall_tally::Failure;
use rollcall_web::variable;

use crate::clock::SpinClock;
use crate::store::SpinStore;

/// Scope: instance. The store was found to have our layout, all of it.
static IS_READY: AtomicBool = AtomicBool::new(false);
/// IPs tracked, unless `max_ips` says otherwise; and the most that it may say.
const IPS_MAX: usize = 1_000_000;
/// Fewer make no sense.
const IPS_MIN: usize = 1_000;

pub struct AppStore {
    store: SpinStore,
    clock: SpinClock,
    limits: Limits,
}

impl AppStore {
    /// `gives_way`: for work behind the responses. Tells whether the store must be brought up before anything but recording.
    pub async fn open(gives_way: bool) -> Result<(Self, Opened), Failure> {
        let store = SpinStore::open(gives_way).await;
        let app = Self {
            store: store.map_err(LedgerError::from)?,
            clock: SpinClock::new(),
            limits: Limits {
                ips: variable::number("max_ips", IPS_MAX, IPS_MIN..=IPS_MAX).await,
                ..Limits::default()
            },
        };
        if !IS_READY.load(Relaxed) {
            if app.ledger().open().await.map_err(Failure::from)? == Opened::Upgrading {
                return Ok((app, Opened::Upgrading));
            }
            IS_READY.store(true, Relaxed);
        }
        Ok((app, Opened::Ready))
    }

    /// Has the store brought up once more.
    pub async fn open_again(&self) -> Result<(), Failure> {
        IS_READY.store(false, Relaxed);
        self.ledger().open_again().await.map_err(Failure::from)
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.wall_ms()
    }

    pub fn ledger(&self) -> Ledger<'_, SpinStore, SpinClock> {
        Ledger::new(&self.store, &self.clock, self.limits.clone())
    }

    pub fn shared(&self) -> Shared<'_, SpinStore, SpinClock> {
        Shared::new(&self.store, &self.clock, rollcall_shared::Limits::default())
    }
}

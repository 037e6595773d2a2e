//! The store of this app, opened.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rollcall_ledger::limits::{FOLD_WAIT_MS, Limits};
use rollcall_ledger::{Ledger, LedgerError, Opened};
use rollcall_shared::Shared;
use rollcall_store::Clock;
use rollcall_tally::Failure;
use rollcall_tally::time_zone::Zone;
use rollcall_web::{log, variable};

use crate::clock::SpinClock;
use crate::store::SpinStore;

/// Scope: instance. The whole store was found to have our layout.
static IS_READY: AtomicBool = AtomicBool::new(false);
/// Scope: instance. The store's time zone.
static ZONE: OnceLock<Zone> = OnceLock::new();
/// The number of IPs tracked, unless `max_ips` sets a smaller one.
const IPS_MAX: usize = 1_000_000;
/// The largest `fold_wait_ms`. The aggregator gives a collector no more time for a snapshot.
const FOLD_WAIT_MS_MAX: u64 = 15_000;
/// The smallest `max_ips`. Fewer IPs make no sense.
const IPS_MIN: usize = 1_000;

pub struct AppStore {
    store: SpinStore,
    clock: SpinClock,
    limits: Limits,
}

impl AppStore {
    /// `gives_way`: true for work behind the responses. The result says whether the store must be
    /// upgraded before anything but recording.
    pub async fn open(gives_way: bool) -> Result<(Self, Opened), Failure> {
        let store = SpinStore::open(gives_way).await;
        let mut app = Self {
            store: store.map_err(LedgerError::from)?,
            clock: SpinClock::new(gives_way),
            limits: Limits {
                ips: variable::number("max_ips", IPS_MAX, IPS_MIN..=IPS_MAX).await,
                fold_wait_ms: variable::number("fold_wait_ms", FOLD_WAIT_MS, 0..=FOLD_WAIT_MS_MAX)
                    .await,
                ..Limits::default()
            },
        };
        match ZONE.get() {
            Some(zone) => app.limits.zone = zone.clone(),
            None => app.find_zone().await?,
        }
        if !IS_READY.load(Relaxed) {
            if app.ledger().open().await.map_err(Failure::from)? == Opened::Upgrading {
                return Ok((app, Opened::Upgrading));
            }
            IS_READY.store(true, Relaxed);
        }
        Ok((app, Opened::Ready))
    }

    /// Takes the time zone of the store. An empty store gets the one that is configured.
    async fn find_zone(&mut self) -> Result<(), Failure> {
        let name = variable::text("time_zone").await;
        let configured = Zone::named(&name);
        let zone = match (self.stored_zone().await?, configured) {
            (Some(zone), _) => zone,
            (None, Some(zone)) => {
                self.limits.zone = zone.clone();
                self.ledger().open().await.map_err(Failure::from)?;
                // Another instance may have been first.
                self.stored_zone().await?.unwrap_or(zone)
            }
            // A wrong name would be the store's time zone for ever.
            (None, None) => {
                log!(Error, "time-zone-unknown", got = name);
                let reason = "the variable time_zone is not the name of a time zone";
                return Err(Failure::Unavailable(reason.to_owned()));
            }
        };
        if zone.name() != name {
            log!(Error, "time-zone-not-used", got = name, using = zone.name());
        }
        self.limits.zone = ZONE.get_or_init(|| zone).clone();
        Ok(())
    }

    async fn stored_zone(&self) -> Result<Option<Zone>, Failure> {
        self.ledger().zone().await.map_err(Failure::from)
    }

    pub fn zone(&self) -> &Zone {
        &self.limits.zone
    }

    /// Marks the store for another upgrade.
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

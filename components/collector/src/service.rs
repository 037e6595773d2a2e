//! The functions of `rollcall:stats/collector`, whoever calls them.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use rollcall_ledger::limits::{LAYOUT_VERSION, Limits};
use rollcall_ledger::{BatchId, Clock, Ledger, LedgerError, Listed, Root};
use rollcall_tally::adder::Adder;
use rollcall_tally::filter::read_network;
use rollcall_tally::intake::{self, Intake};
use rollcall_tally::{
    Batch, ExportRow, Failure, IpList, IpRef, IpState, LedgerStatus, PageRange, RawHit, Receipt,
    Snapshot, Summary,
};
use rollcall_web::variable;

use crate::clock::SpinClock;
use crate::store::SpinStore;

/// The most IPs that one batch may ask for. More is refused: a batch is read at once into the memory of an instance.
pub const BATCH_IPS_MAX: usize = 1_000;
/// The longest batch id, in bytes.
pub const BATCH_ID_BYTES_MAX: usize = 255;
/// A fold is started after a response when so many segments were appended since the last one that this instance knows of.
const FOLD_EVERY: u64 = 64;
/// Days within which an IP counts as active, unless `active_days` says otherwise.
const ACTIVE_DAYS: u64 = 7;

/// Scope: instance. The store was found to have our layout.
static IS_OPEN: AtomicBool = AtomicBool::new(false);
/// Scope: instance. The newest number of the log when a fold was last started from here.
static FOLD_STARTED: AtomicU64 = AtomicU64::new(0);

/// The ledger in this app's store.
pub struct Service {
    store: SpinStore,
    clock: SpinClock,
}

impl Service {
    pub async fn open() -> Result<Self, Failure> {
        let store = SpinStore::open()
            .await
            .map_err(|error| failure(error.into()))?;
        let clock = SpinClock::new();
        let service = Self { store, clock };
        if !IS_OPEN.load(Relaxed) {
            service.ledger().open().await.map_err(failure)?;
            IS_OPEN.store(true, Relaxed);
        }
        Ok(service)
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.wall_ms()
    }

    pub async fn record_raw(
        &self,
        hits: Vec<RawHit>,
        batch_id: Option<String>,
    ) -> Result<Receipt, Failure> {
        let intake = intake::check(hits, self.now_ms());
        let intake = intake.map_err(|error| Failure::Invalid(error.to_string()))?;
        self.record(intake, batch_id.as_deref()).await
    }

    pub async fn record(&self, intake: Intake, batch_id: Option<&str>) -> Result<Receipt, Failure> {
        let receipt = Receipt {
            accepted: intake.hits.len() as u64,
            rejected: intake.rejected_count,
            rejections: intake.rejections,
        };
        if batch_id.is_some_and(|id| id.is_empty() || id.len() > BATCH_ID_BYTES_MAX) {
            return Err(Failure::Invalid(format!(
                "a batch id has 1 to {BATCH_ID_BYTES_MAX} bytes"
            )));
        }
        if !intake.hits.is_empty() {
            let id = batch_id.map(BatchId::of);
            let ledger = self.ledger();
            let n = ledger.append(id, intake.hits).await.map_err(failure)?;
            fold_after_response(n);
        }
        Ok(receipt)
    }

    pub async fn take_snapshot(&self) -> Result<Snapshot, Failure> {
        let root = self.ledger().snapshot().await.map_err(failure)?;
        Ok(self.snapshot_of(&root))
    }

    pub async fn list_ips(&self, pages: PageRange) -> Result<IpList, Failure> {
        let network = pages.ip.as_deref().map(read_network).transpose();
        let network = network.map_err(Failure::Invalid)?;
        let first = pages.first_page as usize;
        let range = first..first.saturating_add(pages.page_count as usize);
        let range = match network.filter(|network| network.prefix_len() == network.max_prefix_len())
        {
            Some(single) => self.ledger().page_of(&single.addr(), range),
            None => range,
        };
        let listed = self
            .ledger()
            .list(pages.root, range)
            .await
            .map_err(failure)?;
        let wanted = |ip: &Listed| network.is_none_or(|network| network.contains(&ip.ip));
        let listed: Vec<Listed> = listed.into_iter().filter(wanted).collect();
        let active_days = variable::number("active_days", ACTIVE_DAYS, 1..=90).await;
        let active_from_ms = pages
            .as_of_ms
            .saturating_sub(active_days * 24 * 60 * 60 * 1_000);
        let active = listed
            .iter()
            .filter(|ip| ip.last_seen_ms >= active_from_ms)
            .count();
        let seen = listed
            .into_iter()
            .filter(|ip| ip.last_seen_ms >= pages.since_ms);
        Ok(IpList {
            active: active as u64,
            ips: seen
                .map(|listed| IpRef {
                    ip: listed.ip.to_string(),
                    version: listed.version,
                })
                .collect(),
        })
    }

    pub async fn summarize(&self, batch: Batch) -> Result<Summary, Failure> {
        let mut adder = Adder::new(batch.details);
        for (ip, state) in self.states(&batch).await? {
            match state {
                Some(state) => adder.add_state(&ip, state, &batch),
                None => adder.add_unreadable(),
            }
        }
        Ok(adder.finish())
    }

    /// An IP whose state cannot be read has no rows: an export with holes is refused instead.
    pub async fn rows(&self, batch: Batch) -> Result<Vec<ExportRow>, Failure> {
        let mut rows = Vec::new();
        for (ip, state) in self.states(&batch).await? {
            let unreadable = || Failure::Corrupt(format!("the state of {ip}"));
            let mut state = state.ok_or_else(unreadable)?;
            state.age(batch.as_of_ms);
            rows.extend(state.rows(&ip, batch.window, batch.as_of_ms, &batch.filter));
        }
        Ok(rows)
    }

    pub async fn status(&self) -> Result<LedgerStatus, Failure> {
        let (root, log_next) = self.ledger().current().await.map_err(failure)?;
        let lag_ms = self.ledger().lag_ms(&root, log_next).await;
        Ok(LedgerStatus {
            layout_version: LAYOUT_VERSION,
            snapshot: self.snapshot_of(&root),
            folded_at_ms: root.folded_at_ms,
            log_next,
            log_folded: root.log,
            log_open: root.open.len() as u64,
            lag_ms: lag_ms.map_err(failure)?,
            traffic: root.traffic,
        })
    }

    /// The states of a batch. One that cannot be read is `None`, and the log names its key.
    async fn states(&self, batch: &Batch) -> Result<Vec<(String, Option<IpState>)>, Failure> {
        if batch.ips.len() > BATCH_IPS_MAX {
            return Err(Failure::Invalid(format!(
                "a batch has at most {BATCH_IPS_MAX} IPs"
            )));
        }
        let address = |ip: &IpRef| match ip.ip.parse::<IpAddr>() {
            Ok(address) => Ok((address, ip.version)),
            Err(error) => Err(Failure::Invalid(format!("{:?}: {error}", ip.ip))),
        };
        let wanted: Vec<(IpAddr, u64)> = batch.ips.iter().map(address).collect::<Result<_, _>>()?;
        let states = self.ledger().states(&wanted).await.map_err(failure)?;
        let read = |state: Result<IpState, LedgerError>| match state {
            Ok(state) => Some(state),
            Err(error) => {
                eprintln!("unreadable: {error}");
                None
            }
        };
        let addresses = wanted.into_iter().map(|(ip, _)| ip.to_string());
        Ok(addresses.zip(states.into_iter().map(read)).collect())
    }

    fn snapshot_of(&self, root: &Root) -> Snapshot {
        Snapshot {
            root: root.k,
            as_of_ms: self.now_ms(),
            pages: root.pages.len() as u32,
            ips: root.ips,
            hits: root.hits,
            drops: root.drops,
        }
    }

    pub fn ledger(&self) -> Ledger<'_, SpinStore, SpinClock> {
        Ledger::new(&self.store, &self.clock, Limits::default())
    }
}

/// Folds in the background once enough is pending. Whatever becomes of it, the hits are durable.
fn fold_after_response(n: u64) {
    let started = FOLD_STARTED.load(Relaxed);
    if n < started.saturating_add(FOLD_EVERY) {
        return;
    }
    FOLD_STARTED.store(n, Relaxed);
    spin_sdk::wasip3::spawn(async {
        let folded = match Service::open().await {
            Ok(service) => service.ledger().fold().await.map_err(failure),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = folded {
            eprintln!("a fold stopped: {failure}");
        }
    });
}

pub fn failure(error: LedgerError) -> Failure {
    match error {
        LedgerError::Store(_) | LedgerError::TooSlow { .. } | LedgerError::Behind { .. } => {
            Failure::Unavailable(error.to_string())
        }
        LedgerError::Gone { .. } => Failure::Gone,
        LedgerError::Corrupt { .. }
        | LedgerError::CounterWentBack { .. }
        | LedgerError::OtherLayout(_) => Failure::Corrupt(error.to_string()),
    }
}

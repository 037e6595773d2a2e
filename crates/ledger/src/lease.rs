//! The lease of a folder. It only saves work: no count depends on it, and two folders at once count
//! as correctly as one. But if the store is slow, a fold gets to its end only because of the lease:
//! as long as the lease is ours, nobody else begins a fold.

use std::cell::Cell;

use rollcall_store::value::encode;

use crate::pieces::InPieces;
use crate::stop::Stop;
use crate::stored::Lease;
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// A lease covers this many store calls, each as slow as the slowest so far. Half of them may pass
/// before the lease is renewed. The renewal takes three calls.
const CALLS_COVERED: u64 = 8;

/// A lease that was taken. Every store call of a fold goes through it, so that an overtaken folder
/// stops. A slow folder does not stop.
pub(crate) struct Held<'l, S, C> {
    ledger: &'l Ledger<'l, S, C>,
    owner: u64,
    /// The fold number that was taken under the lease. 0: none yet.
    number: Cell<u64>,
    /// After this time, others treat the lease as given up.
    until_ms: Cell<u64>,
    /// The time of the last call, by the monotonic clock, and the longest time between two calls.
    called_ms: Cell<u64>,
    slowest_ms: Cell<u64>,
}

impl<'l, S: Store, C: Clock> Held<'l, S, C> {
    /// Takes the lease. `None`: another instance was faster. `slowest_ms`: the time of a store
    /// call, as far as known.
    pub async fn take(
        ledger: &'l Ledger<'l, S, C>,
        slowest_ms: u64,
    ) -> Result<Option<Self>, LedgerError> {
        let held = Self {
            ledger,
            owner: ledger.clock.unique(),
            number: Cell::new(0),
            until_ms: Cell::new(0),
            called_ms: Cell::new(ledger.clock.monotonic_ms()),
            slowest_ms: Cell::new(slowest_ms),
        };
        held.write().await?;
        Ok(held.is_mine().await?.then_some(held))
    }

    /// From now on the fold stops as soon as a later number was taken. The fold is then void, and
    /// its later writes might never be deleted.
    pub fn fold_as(&self, number: u64) {
        self.number.set(number);
    }

    /// The store, for one call. Renews the lease if necessary.
    pub async fn store(&self) -> Result<&'l InPieces<'l, S>, Stop> {
        let now_ms = self.ledger.clock.monotonic_ms();
        let since_ms = now_ms.saturating_sub(self.called_ms.replace(now_ms));
        self.slowest_ms.set(self.slowest_ms.get().max(since_ms));
        let left_ms = self
            .until_ms
            .get()
            .saturating_sub(self.ledger.clock.wall_ms());
        if left_ms <= self.length_ms() / 2 {
            self.renew().await?;
        }
        Ok(&self.ledger.store)
    }

    /// Gives the lease up, so that the next folder can begin at once.
    pub async fn release(self) -> Result<(), LedgerError> {
        if self.is_mine().await? {
            self.ledger.store.delete(keys::LEASE).await?;
        }
        Ok(())
    }

    /// Keeps the lease for as long as any may last, for a fold that goes on with a later request.
    /// Returns the owner.
    pub async fn keep(self) -> Result<u64, LedgerError> {
        self.slowest_ms.set(self.ledger.limits.lease_max_ms);
        self.write().await?;
        Ok(self.owner)
    }

    /// Renews the lease, however late, as long as nobody else took it.
    async fn renew(&self) -> Result<(), Stop> {
        let number = self.number.get();
        if !self.is_mine().await?
            || number > 0 && self.ledger.store.increment(keys::FOLD, 0).await? != number
        {
            return Err(Stop::Lost);
        }
        self.write().await?;
        self.called_ms.set(self.ledger.clock.monotonic_ms());
        Ok(())
    }

    fn length_ms(&self) -> u64 {
        let limits = &self.ledger.limits;
        let length_ms = limits.lease_ms + CALLS_COVERED * self.slowest_ms.get();
        length_ms.min(limits.lease_max_ms)
    }

    async fn write(&self) -> Result<(), LedgerError> {
        let until_ms = self.ledger.clock.wall_ms() + self.length_ms();
        let lease = Lease {
            owner: self.owner,
            until_ms,
        };
        let value = encode(keys::LEASE, &lease)?;
        self.ledger.store.set(keys::LEASE, value).await?;
        self.until_ms.set(until_ms);
        Ok(())
    }

    async fn is_mine(&self) -> Result<bool, LedgerError> {
        let lease = self.ledger.hint::<Lease>(keys::LEASE).await?;
        Ok(lease.is_some_and(|lease| lease.owner == self.owner))
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Whether somebody holds the lease.
    pub(crate) fn is_live(&self, lease: Option<Lease>) -> bool {
        self.ends_within(lease, self.limits.lease_max_ms)
    }

    /// Whether a lease still runs. If it ends later than any lease may, even by clocks that differ
    /// as much as they can, it is a mistake and does not count.
    pub(crate) fn ends_within(&self, lease: Option<Lease>, longest_ms: u64) -> bool {
        let now_ms = self.clock.wall_ms();
        let latest_ms = now_ms + longest_ms + self.limits.skip_after_ms;
        lease.is_some_and(|lease| (now_ms + 1..=latest_ms).contains(&lease.until_ms))
    }
}

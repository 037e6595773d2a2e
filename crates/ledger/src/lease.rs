//! The lease of a folder. It only saves work: two folders at once are as right as one, and nothing depends on it.

use std::cell::Cell;

use crate::fold::Stop;
use crate::values::{Lease, encode};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// A lease taken. Every store call of a fold goes through it, so that a folder which was overtaken stops.
pub(crate) struct Held<'l, S, C> {
    ledger: &'l Ledger<'l, S, C>,
    owner: u64,
    /// When to stop unless it is renewed.
    until_ms: Cell<u64>,
}

impl<'l, S: Store, C: Clock> Held<'l, S, C> {
    /// Takes the lease. `None` if somebody else was quicker.
    pub async fn take(ledger: &'l Ledger<'l, S, C>) -> Result<Option<Self>, Stop> {
        let held = Self {
            ledger,
            owner: ledger.clock.unique(),
            until_ms: Cell::new(0),
        };
        held.write().await?;
        Ok(held.is_mine().await?.then_some(held))
    }

    /// The store, for one call.
    pub async fn store(&self) -> Result<&'l S, Stop> {
        let limits = &self.ledger.limits;
        if self.left_ms() <= limits.lease_margin_ms {
            if self.left_ms() == 0 || !self.is_mine().await? {
                return Err(Stop::Lost);
            }
            self.write().await?;
        }
        Ok(self.ledger.store)
    }

    /// Lets the next folder in at once.
    pub async fn release(self) -> Result<(), Stop> {
        if self.is_mine().await? {
            self.ledger.store.delete(keys::LEASE).await?;
        }
        Ok(())
    }

    fn left_ms(&self) -> u64 {
        let until_ms = self.until_ms.get();
        until_ms.saturating_sub(self.ledger.clock.wall_ms())
    }

    async fn write(&self) -> Result<(), LedgerError> {
        let limits = &self.ledger.limits;
        let until_ms = self.ledger.clock.wall_ms() + limits.lease_ms;
        let lease = Lease {
            owner: self.owner,
            until_ms,
        };
        let value = encode(keys::LEASE, &lease)?;
        self.ledger.store.set(keys::LEASE, value).await?;
        self.until_ms
            .set(until_ms.saturating_sub(limits.lease_margin_ms));
        Ok(())
    }

    async fn is_mine(&self) -> Result<bool, LedgerError> {
        let lease = self.ledger.get::<Lease>(keys::LEASE).await?;
        Ok(lease.is_some_and(|lease| lease.owner == self.owner))
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Whether somebody folds right now. A lease that ends later than any clock can differ is a mistake and does not count.
    pub(crate) fn is_live(&self, lease: Option<Lease>) -> bool {
        let now_ms = self.clock.wall_ms();
        let latest_ms = now_ms + self.limits.lease_ms + self.limits.skip_after_ms;
        lease.is_some_and(|lease| (now_ms + 1..=latest_ms).contains(&lease.until_ms))
    }
}

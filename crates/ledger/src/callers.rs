//! What is known of one IP, for a component of the app that serves a request of it.

use std::iter;
use std::net::IpAddr;

use rollcall_tally::window::Window;
use rollcall_tally::{CallerAnswer, KnownCaller};

use crate::query::Listed;
use crate::read::went_back;
use crate::stored::read_known;
use crate::{Clock, Ledger, LedgerError, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// One IP as of the last fold, with the paths that it called most. Reads at most five values,
    /// whatever the size of the store. Folds nothing, and waits for no fold.
    ///
    /// # Errors
    /// [`LedgerError::Gone`]: the head is an old one. The next fold corrects it.
    pub async fn caller(
        &self,
        ip: &IpAddr,
        window: Window,
        paths: usize,
    ) -> Result<CallerAnswer, LedgerError> {
        let head = self.head().await?;
        let key = keys::root(head.k);
        let root = self.root_at(head.k).await?;
        let root = root.ok_or(LedgerError::Gone { key })?;
        let top = self.count_of(keys::LOG_NEXT).await?;
        went_back(keys::LOG_NEXT, top, root.log)?;
        let listed = self
            .look_up(&root.shards, iter::once(*ip))
            .await?
            .remove(ip);
        let known = match listed {
            Some(listed) => Some(self.known(&listed, window, root.aged_ms, paths).await?),
            None => None,
        };
        Ok(CallerAnswer {
            ip: ip.to_string(),
            root: root.k,
            folded_at_ms: root.folded_at_ms,
            behind: top - root.log + root.open.len() as u64,
            known,
        })
    }

    async fn known(
        &self,
        listed: &Listed,
        window: Window,
        aged_ms: u64,
        paths: usize,
    ) -> Result<KnownCaller, LedgerError> {
        // Clocks differ. Buckets are never cut by an older time than the fold's.
        let ranges = self.ranges(self.clock.wall_ms().max(aged_ms));
        let key = keys::ip(&listed.ip, listed.version);
        let bytes = self.store.get(&key).await?;
        let bytes = bytes.ok_or_else(|| LedgerError::Gone { key: key.clone() })?;
        let mut known = read_known(&key, &bytes, &window.span(&ranges), &ranges)?;
        known.keep_first(paths);
        Ok(known)
    }
}

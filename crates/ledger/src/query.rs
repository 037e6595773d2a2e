//! Query: one confirmed root that holds everything acknowledged before the question, and the versions that it names.

use std::net::IpAddr;
use std::ops::Range;

use rollcall_tally::IpState;

use crate::fold::{Folded, went_back};
use crate::values::{Entry, Mark, Meta, Page, Record, Root, decode, decode_stamp, encode};
use crate::{Clock, Ledger, LedgerError, Store, keys, limits};

/// How long to leave the store to another folder before looking again.
const LOOK_AGAIN_MS: u64 = 50;

/// An IP as its page lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub ip: IpAddr,
    /// The fold that wrote its state last.
    pub version: u64,
    pub last_seen_ms: u64,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Refuses a store that was filled with another layout, and claims an empty one. To be called once before anything else.
    pub async fn open(&self) -> Result<(), LedgerError> {
        let ours = Meta {
            layout: limits::LAYOUT_VERSION,
            pages: self.limits.pages as u32,
        };
        match self.get::<Meta>(keys::META).await? {
            None => Ok(self
                .store
                .set(keys::META, encode(keys::META, &ours)?)
                .await?),
            Some(theirs) if theirs == ours => Ok(()),
            Some(theirs) => Err(LedgerError::OtherLayout(format!(
                "the store has layout {} with {} pages, this Rollcall writes layout {} with {} pages: run the version that \
                 filled the store, or give this one an empty store",
                theirs.layout, theirs.pages, ours.layout, ours.pages
            ))),
        }
    }

    /// The newest confirmed root, after folding whatever was acknowledged before this call.
    pub async fn snapshot(&self) -> Result<Root, LedgerError> {
        let started_ms = self.clock.monotonic_ms();
        let top = self.store.increment(keys::LOG_NEXT, 0).await?;
        loop {
            let mark = self.mark().await?;
            if mark.log > top {
                let now = self.store.increment(keys::LOG_NEXT, 0).await?;
                went_back(keys::LOG_NEXT, now, mark.log)?;
            }
            // No root at the mark: the mark is an old one, written late, and a fold puts it right.
            if let Some(root) = self.root_at(mark.k).await? {
                let missing = root.open.keys().copied().take_while(|n| *n <= top);
                let missing: Vec<u64> = missing.chain(root.log + 1..=top).collect();
                if missing.is_empty() {
                    return Ok(root);
                }
                // A number that is neither folded nor written after the question was not acknowledged before it, unless a later
                // fold deleted it. That one's root is there, even where the mark does not tell of it.
                if !self.any_written(&missing).await? && !self.is_replaced(mark.k).await? {
                    return Ok(root);
                }
            }
            self.fold_or_wait(started_ms).await?;
        }
    }

    /// The newest confirmed root as it is, and the newest number of the log. Never an older root than was told before: where the mark may
    /// be one that was written late, it folds, and looks again.
    pub async fn current(&self) -> Result<(Root, u64), LedgerError> {
        let started_ms = self.clock.monotonic_ms();
        loop {
            let top = self.store.increment(keys::LOG_NEXT, 0).await?;
            let mark = self.mark().await?;
            if let Some(root) = self.root_at(mark.k).await?
                && !self.is_replaced(root.k).await?
            {
                return Ok((root, top));
            }
            self.fold_or_wait(started_ms).await?;
        }
    }

    /// How long ago the oldest batch came that a root does not hold, of the numbers up to `top`; 0: it holds all that were written.
    ///
    /// By the first number that is written: a later one may have been stamped before it, by less than the time of an append.
    pub async fn lag_ms(&self, root: &Root, top: u64) -> Result<u64, LedgerError> {
        let now_ms = self.clock.wall_ms();
        for n in root.open.keys().copied().chain(root.log + 1..=top) {
            let key = keys::log(n);
            if let Some(bytes) = self.store.get(&key).await? {
                return Ok(now_ms.saturating_sub(decode_stamp(&key, &bytes)?));
            }
        }
        Ok(0)
    }

    /// Of some pages, the one that an IP is in; no page if it is in another.
    pub fn page_of(&self, ip: &IpAddr, pages: Range<usize>) -> Range<usize> {
        let page = keys::page_of(ip, self.limits.pages);
        if pages.contains(&page) {
            page..page + 1
        } else {
            0..0
        }
    }

    /// The IPs of some pages of a root.
    pub async fn list(&self, k: u64, pages: Range<usize>) -> Result<Vec<Listed>, LedgerError> {
        let key = keys::root(k);
        let root = self.root_at(k).await?.ok_or(LedgerError::Gone { key })?;
        let named = root
            .pages
            .iter()
            .enumerate()
            .take(pages.end)
            .skip(pages.start);
        let wanted: Vec<String> = named
            .filter(|(_, version)| **version > 0)
            .map(|(page, version)| keys::page(page, *version))
            .collect();
        let mut listed = Vec::new();
        for (key, bytes) in wanted.iter().zip(self.get_all(&wanted).await?) {
            let page: Page = decode(key, &bytes)?;
            listed.extend(
                page.0
                    .into_iter()
                    .map(|(ip, entry): (IpAddr, Entry)| Listed {
                        ip,
                        version: entry.version,
                        last_seen_ms: entry.last_seen_ms,
                    }),
            );
        }
        Ok(listed)
    }

    /// The states of some IPs, in their order, at the versions that [`Self::list`] told. One that cannot be read is an error of its
    /// own, which names its key; the others are served.
    pub async fn states(
        &self,
        ips: &[(IpAddr, u64)],
    ) -> Result<Vec<Result<IpState, LedgerError>>, LedgerError> {
        let wanted: Vec<String> = ips
            .iter()
            .map(|(ip, version)| keys::ip(ip, *version))
            .collect();
        let bytes = self.get_all(&wanted).await?;
        Ok(wanted
            .iter()
            .zip(bytes)
            .map(|(key, bytes)| decode(key, &bytes))
            .collect())
    }

    pub(crate) async fn get<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, LedgerError> {
        let bytes = self.store.get(key).await?;
        bytes.map(|bytes| decode(key, &bytes)).transpose()
    }

    pub(crate) async fn mark(&self) -> Result<Mark, LedgerError> {
        Ok(self.get(keys::MARK).await?.unwrap_or_default())
    }

    /// The root of a fold. `None` if it is not there, or only planned.
    pub(crate) async fn root_at(&self, k: u64) -> Result<Option<Root>, LedgerError> {
        if k == 0 {
            return Ok(Some(self.empty_root()));
        }
        Ok(match self.get(&keys::root(k)).await? {
            Some(Record::Root(root)) => Some(*root),
            Some(Record::Plan(_)) | None => None,
        })
    }

    pub(crate) fn empty_root(&self) -> Root {
        Root {
            pages: vec![0; self.limits.pages],
            ..Root::default()
        }
    }

    /// Values that must all be there, in the order of their keys.
    pub(crate) async fn get_all(&self, wanted: &[String]) -> Result<Vec<Vec<u8>>, LedgerError> {
        let mut values = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(self.limits.chunk) {
            let mut found = self.store.get_many(chunk).await?;
            for key in chunk {
                let bytes = found.remove(key);
                values.push(bytes.ok_or_else(|| LedgerError::Gone { key: key.clone() })?);
            }
        }
        Ok(values)
    }

    /// Folds, or leaves it to whoever does, before somebody looks again who began at `started_ms`.
    async fn fold_or_wait(&self, started_ms: u64) -> Result<(), LedgerError> {
        let waited_ms = self.clock.monotonic_ms().saturating_sub(started_ms);
        if waited_ms > self.limits.query_wait_ms {
            return Err(LedgerError::Behind { waited_ms });
        }
        if self.fold_even_if_idle().await? != Folded::Done {
            self.clock.sleep_ms(LOOK_AGAIN_MS).await;
        }
        Ok(())
    }

    /// Whether there is a root above this one. The newest root is always there.
    async fn is_replaced(&self, k: u64) -> Result<bool, LedgerError> {
        let newest = self.store.increment(keys::FOLD, 0).await?;
        for later in k + 1..=newest {
            if self.root_at(later).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn any_written(&self, numbers: &[u64]) -> Result<bool, LedgerError> {
        for n in numbers {
            if self.store.exists(&keys::log(*n)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

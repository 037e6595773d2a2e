//! Query: one confirmed root that holds everything acknowledged before the question, and the versions that it names.

use std::net::IpAddr;
use std::ops::Range;

use rollcall_tally::IpState;

use rollcall_store::value::decode;

use crate::fold::{Folded, went_back};
use crate::portion::Portion;
use crate::stored::{Entry, Mark, Page, Root, SegmentReader, decode_state};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// How long to leave the store to another folder before looking again.
const LOOK_AGAIN_MS: u64 = 50;
/// Fold numbers looked at by one call. Few of them have a root, and a root is a few kilobytes.
const ROOTS_AT_ONCE: u64 = 100;
/// States read by the first call, when nothing is known of their size.
const FIRST_STATES: usize = 50;

/// What a question reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub root: Root,
    /// None: the root holds whatever was acknowledged before the question.
    pub behind: Option<Behind>,
}

/// What a snapshot lacks of what was acknowledged before the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Numbers of the log that it lacks: batches, or places that were taken and never written.
    pub segments: u64,
    /// How long ago the oldest of those batches came.
    pub lag_ms: u64,
    /// How long folding them takes, at the pace of the last fold. None: that one took all there was, and tells nothing of how long more takes.
    pub left_ms: Option<u64>,
}

/// How the ledger stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    pub root: Root,
    /// The newest number of the log.
    pub top: u64,
    /// The newest number of a fold: above the root's, it was lost, or is under way.
    pub newest: u64,
}

/// What a look at the newest confirmed root found.
enum Look {
    /// It holds all that was acknowledged.
    Whole(Root),
    /// It lacks so many numbers, or may do.
    Behind(Root, u64),
    /// The root that the mark names is gone.
    OldMark,
}

/// How long folding so many segments takes after this root, if all are like the last ones, and if those were as many as a fold takes.
fn time_for(root: &Root, segments: u64) -> Option<u64> {
    let pace = root.pace;
    let took_ms = (pace.is_full && pace.segments > 0).then_some(u128::from(pace.took_ms));
    let left_ms = took_ms? * u128::from(segments) / u128::from(pace.segments);
    u64::try_from(left_ms).ok()
}

/// An IP as its page lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub ip: IpAddr,
    /// The fold that wrote its state last.
    pub version: u64,
    pub last_seen_ms: u64,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// The newest confirmed root, which holds whatever was acknowledged before this call; or, where that takes too long, one that does not
    /// yet, and how far behind it is.
    ///
    /// `have_folded` is called while something is missing. It has a fold done, or sees to it that somebody does, and comes back when it is
    /// worth looking again. It is told whether to fold even if nothing seems to be pending, as the mark may be an old one.
    pub async fn snapshot<E: From<LedgerError>>(
        &self,
        have_folded: impl AsyncFn(bool) -> Result<(), E>,
    ) -> Result<Snapshot, E> {
        let started_ms = self.clock.monotonic_ms();
        let top = self.increment_nothing(keys::LOG_NEXT).await?;
        loop {
            let (root, missing) = match self.look(top).await? {
                Look::Whole(root) => return Ok(Snapshot { root, behind: None }),
                Look::Behind(root, missing) => (Some(root), missing),
                Look::OldMark => (None, 0),
            };
            let waited_ms = self.clock.monotonic_ms().saturating_sub(started_ms);
            let left_ms = root.as_ref().and_then(|root| time_for(root, missing));
            let is_hopeless = left_ms.is_some_and(|ms| ms > self.limits.query_wait_ms);
            match root {
                Some(root) if is_hopeless || waited_ms > self.limits.query_wait_ms => {
                    let lag_ms = self.lag_ms(&root, top).await?;
                    let behind = Behind {
                        segments: missing,
                        lag_ms,
                        left_ms,
                    };
                    return Ok(Snapshot {
                        root,
                        behind: Some(behind),
                    });
                }
                None if waited_ms > self.limits.query_wait_ms => {
                    return Err(LedgerError::Behind { waited_ms }.into());
                }
                Some(_) => have_folded(false).await?,
                None => have_folded(true).await?,
            }
        }
    }

    /// The newest confirmed root, and whether it holds all that was acknowledged before `top` was read.
    async fn look(&self, top: u64) -> Result<Look, LedgerError> {
        let mark = self.mark().await?;
        if mark.log > top {
            let now = self.store.increment(keys::LOG_NEXT, 0).await?;
            went_back(keys::LOG_NEXT, now, mark.log)?;
        }
        // No root at the mark: the mark is an old one, written late, and a fold puts it right.
        let Some(root) = self.root_at(mark.k).await? else {
            return Ok(Look::OldMark);
        };
        let missing = root.open.keys().copied().take_while(|n| *n <= top);
        let missing: Vec<u64> = missing.chain(root.log + 1..=top).collect();
        if missing.is_empty() {
            return Ok(Look::Whole(root));
        }
        // A number that is neither folded nor written after the question was not acknowledged before it, unless a later
        // fold deleted it. That one's root is there, even where the mark does not tell of it.
        if !self.any_written(&missing).await? && !self.is_replaced(mark.k).await? {
            return Ok(Look::Whole(root));
        }
        Ok(Look::Behind(root, missing.len() as u64))
    }

    /// The newest confirmed root as it is, and the newest numbers of the log and of a fold. Never an older root than was told before: where
    /// the mark may be one that was written late, it has it put right, as [`Self::snapshot`] does, and looks again.
    pub async fn current<E: From<LedgerError>>(
        &self,
        have_folded: impl AsyncFn(bool) -> Result<(), E>,
    ) -> Result<Current, E> {
        let started_ms = self.clock.monotonic_ms();
        loop {
            let top = self.increment_nothing(keys::LOG_NEXT).await?;
            let mark = self.mark().await?;
            let newest = self.increment_nothing(keys::FOLD).await?;
            if let Some(root) = self.root_at(mark.k).await?
                && self.newest_root(root.k + 1..newest + 1).await?.is_none()
            {
                return Ok(Current { root, top, newest });
            }
            let waited_ms = self.clock.monotonic_ms().saturating_sub(started_ms);
            if waited_ms > self.limits.query_wait_ms {
                return Err(LedgerError::Behind { waited_ms }.into());
            }
            have_folded(true).await?;
        }
    }

    /// Folds in this very task, or leaves it for a moment to whoever does: the simplest that [`Self::snapshot`] can have done.
    pub async fn fold_here(&self, even_if_idle: bool) -> Result<(), LedgerError> {
        let folded = match even_if_idle {
            true => self.fold_even_if_idle().await?,
            false => self.fold().await?,
        };
        if folded != Folded::Done {
            self.clock.sleep_ms(LOOK_AGAIN_MS).await;
        }
        Ok(())
    }

    /// How long ago the oldest batch came that a root does not hold, of the numbers up to `top`; 0: it holds all that were written.
    ///
    /// By the first number that is written: a later one may have been stamped before it, by less than the time of an append.
    pub async fn lag_ms(&self, root: &Root, top: u64) -> Result<u64, LedgerError> {
        let now_ms = self.clock.wall_ms();
        for n in root.open.keys().copied().chain(root.log + 1..=top) {
            let key = keys::log(n);
            if let Some(bytes) = self.store.get(&key).await? {
                return Ok(now_ms.saturating_sub(SegmentReader::new(&key, &bytes)?.stamp_ms));
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

    /// Hands on the states of some IPs, one by one and in their order, at the versions that [`Self::list`] told. One that cannot be read is an
    /// error of its own, which names its key; the others are served.
    pub async fn states(
        &self,
        ips: &[(IpAddr, u64)],
        mut take: impl FnMut(IpAddr, Result<IpState, LedgerError>),
    ) -> Result<(), LedgerError> {
        let mut portion = Portion::of(FIRST_STATES.min(self.limits.chunk));
        let mut left = ips;
        while let Some((chunk, rest)) = left.split_at_checked(portion.count().min(left.len()))
            && !chunk.is_empty()
        {
            left = rest;
            let wanted: Vec<String> = chunk.iter().map(|(ip, k)| keys::ip(ip, *k)).collect();
            let values = self.get_all(&wanted).await?;
            let bytes = values.iter().map(Vec::len).sum();
            portion.learn(chunk.len(), bytes, &self.limits);
            for ((key, (ip, _)), bytes) in wanted.iter().zip(chunk).zip(values) {
                take(*ip, decode_state(key, &bytes));
            }
        }
        Ok(())
    }

    pub(crate) async fn get<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, LedgerError> {
        let bytes = self.store.get(key).await?;
        Ok(bytes.map(|bytes| decode(key, &bytes)).transpose()?)
    }

    /// A value that only saves work: one that cannot be read is as good as none, and is written anew.
    pub(crate) async fn hint<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, LedgerError> {
        match self.get(key).await {
            Err(LedgerError::Corrupt { .. } | LedgerError::OtherLayout { .. }) => Ok(None),
            got => got,
        }
    }

    pub(crate) async fn mark(&self) -> Result<Mark, LedgerError> {
        Ok(self.get(keys::MARK).await?.unwrap_or_default())
    }

    /// The root of a fold. `None` if it is not there.
    pub(crate) async fn root_at(&self, k: u64) -> Result<Option<Root>, LedgerError> {
        if k == 0 {
            return Ok(Some(self.empty_root()));
        }
        self.get(&keys::root(k)).await
    }

    /// The newest root with a number of these.
    pub(crate) async fn newest_root(
        &self,
        numbers: Range<u64>,
    ) -> Result<Option<Root>, LedgerError> {
        let mut end = numbers.end;
        while end > numbers.start {
            let start = end.saturating_sub(ROOTS_AT_ONCE).max(numbers.start);
            let wanted: Vec<String> = (start..end).rev().map(keys::root).collect();
            let mut found = self.store.get_many(&wanted).await?;
            let newest = wanted.iter().find_map(|key| found.remove_entry(key));
            if let Some((key, bytes)) = newest {
                return Ok(Some(decode(&key, &bytes)?));
            }
            end = start;
        }
        Ok(None)
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

    /// Whether there is a root above this one. The newest root is always there.
    async fn is_replaced(&self, k: u64) -> Result<bool, LedgerError> {
        let newest = self.store.increment(keys::FOLD, 0).await?;
        Ok(self.newest_root(k + 1..newest + 1).await?.is_some())
    }

    async fn increment_nothing(&self, counter: &str) -> Result<u64, LedgerError> {
        Ok(self.store.increment(counter, 0).await?)
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

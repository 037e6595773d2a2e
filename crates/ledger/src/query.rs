//! Query: one confirmed root that holds everything acknowledged before the question, and the versions that it names.

use std::net::IpAddr;
use std::ops::Range;

use rollcall_tally::IpState;

use rollcall_store::value::decode;

use crate::portion::Portion;
use crate::read::went_back;
use crate::stored::{Entry, Root, SegmentReader, Shard, decode_state};
use crate::{Clock, Ledger, LedgerError, Store, keys};

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
    /// The root that the head names is gone.
    OldHead,
}

/// How long folding so many segments takes after this root, if all are like the last ones, and if those were as many as a fold takes.
fn time_for(root: &Root, segments: u64) -> Option<u64> {
    let pace = root.pace;
    let took_ms = (pace.is_full && pace.segments > 0).then_some(u128::from(pace.took_ms));
    let left_ms = took_ms? * u128::from(segments) / u128::from(pace.segments);
    u64::try_from(left_ms).ok()
}

/// An IP as its shard lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub ip: IpAddr,
    /// The fold that wrote its state last.
    pub version: u64,
    pub last_seen_ms: u64,
}

impl Listed {
    pub(crate) fn of(ip: IpAddr, entry: &Entry) -> Self {
        Self {
            ip,
            version: entry.version,
            last_seen_ms: entry.last_seen_ms,
        }
    }
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// The newest confirmed root, which holds whatever was acknowledged before this call; or, where that takes too long, one that does not
    /// yet, and how far behind it is.
    ///
    /// `have_folded` is called while something is missing. It has a fold done, or sees to it that somebody does, and comes back when it is
    /// worth looking again. It is told whether to fold even if nothing seems to be pending, as the head may be an old one.
    pub async fn snapshot<E: From<LedgerError>>(
        &self,
        have_folded: impl AsyncFn(bool) -> Result<(), E>,
    ) -> Result<Snapshot, E> {
        let started_ms = self.clock.monotonic_ms();
        let top = self.count_of(keys::LOG_NEXT).await?;
        loop {
            let (root, missing) = match self.look(top).await? {
                Look::Whole(root) => return Ok(Snapshot { root, behind: None }),
                Look::Behind(root, missing) => (Some(root), missing),
                Look::OldHead => (None, 0),
            };
            let waited_ms = self.clock.monotonic_ms().saturating_sub(started_ms);
            let left_ms = root.as_ref().and_then(|root| time_for(root, missing));
            let is_hopeless = left_ms.is_some_and(|ms| ms > self.limits.fold_wait_ms);
            match root {
                Some(root) if is_hopeless || waited_ms > self.limits.fold_wait_ms => {
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
        let head = self.head().await?;
        if head.log > top {
            let now = self.store.increment(keys::LOG_NEXT, 0).await?;
            went_back(keys::LOG_NEXT, now, head.log)?;
        }
        // No root at the head: the head is an old one, written late, and a fold puts it right.
        let Some(root) = self.root_at(head.k).await? else {
            return Ok(Look::OldHead);
        };
        let missing = root.open.keys().copied().take_while(|n| *n <= top);
        let missing: Vec<u64> = missing.chain(root.log + 1..=top).collect();
        if missing.is_empty() {
            return Ok(Look::Whole(root));
        }
        // A number that is neither folded nor written after the question was not acknowledged before it, unless a later
        // fold deleted it. That one's root is there, even where the head does not tell of it.
        if !self.any_written(&missing).await? && !self.is_replaced(head.k).await? {
            return Ok(Look::Whole(root));
        }
        Ok(Look::Behind(root, missing.len() as u64))
    }

    /// The newest confirmed root as it is, and the newest numbers of the log and of a fold. Never an older root than was told before: where
    /// the head may be one that was written late, it has it put right, as [`Self::snapshot`] does, and looks again.
    pub async fn current<E: From<LedgerError>>(
        &self,
        have_folded: impl AsyncFn(bool) -> Result<(), E>,
    ) -> Result<Current, E> {
        let started_ms = self.clock.monotonic_ms();
        loop {
            let top = self.count_of(keys::LOG_NEXT).await?;
            let head = self.head().await?;
            let newest = self.count_of(keys::FOLD).await?;
            if let Some(root) = self.root_at(head.k).await?
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

    /// Of some shards, the one that an IP is in; no shard if it is in another.
    pub fn shard_of(&self, ip: &IpAddr, shards: Range<usize>) -> Range<usize> {
        let shard = keys::shard_of(ip, self.limits.shards);
        if shards.contains(&shard) {
            shard..shard + 1
        } else {
            0..0
        }
    }

    /// The IPs of some shards of a root.
    pub async fn list(&self, k: u64, shards: Range<usize>) -> Result<Vec<Listed>, LedgerError> {
        let key = keys::root(k);
        let root = self.root_at(k).await?.ok_or(LedgerError::Gone { key })?;
        let named = root
            .shards
            .iter()
            .enumerate()
            .take(shards.end)
            .skip(shards.start);
        let wanted: Vec<String> = named
            .filter(|(_, version)| **version > 0)
            .map(|(shard, version)| keys::shard(shard, *version))
            .collect();
        let mut listed = Vec::new();
        for (key, bytes) in wanted.iter().zip(self.get_all(&wanted).await?) {
            let shard: Shard = decode(key, &bytes)?;
            listed.extend(shard.0.iter().map(|(ip, entry)| Listed::of(*ip, entry)));
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

    /// Whether there is a root above this one. The newest root is always there.
    async fn is_replaced(&self, k: u64) -> Result<bool, LedgerError> {
        let newest = self.store.increment(keys::FOLD, 0).await?;
        Ok(self.newest_root(k + 1..newest + 1).await?.is_some())
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

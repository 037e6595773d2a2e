//! Query: finds one confirmed root that holds every hit acknowledged before the question, and reads
//! the versions that it names.

use std::net::IpAddr;
use std::ops::Range;

use rollcall_tally::window::{Ranges, Span};
use rollcall_tally::{Filter, IpRows, IpState};

use crate::portion::Portion;
use crate::read::went_back;
use crate::stored::{Entry, Root, RowsOf, SegmentReader, Shard, decode_state, read_rows};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// States read by the first call, while nothing is known of their size.
const FIRST_STATES: usize = 50;

/// The root that a question reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub root: Root,
    /// None: the root holds every hit that was acknowledged before the question.
    pub behind: Option<Behind>,
}

/// How far a snapshot is behind the hits that were acknowledged before the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Numbers of the log that the snapshot lacks. Each is a batch, or a number that was taken and
    /// never written.
    pub segments: u64,
    /// How long ago the oldest of these batches came.
    pub lag_ms: u64,
    /// How long it takes to fold them, at the pace of the last fold. None: the last fold took all
    /// that was pending, so its pace says nothing about more segments.
    pub left_ms: Option<u64>,
}

/// The newest confirmed root, and the counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    pub root: Root,
    /// The newest number of the log.
    pub top: u64,
    /// The newest number of a fold. If it is above the root's, that fold was lost or is under way.
    pub newest: u64,
}

/// Result of a look at the newest confirmed root.
enum Look {
    /// The root holds every acknowledged hit.
    Whole(Root),
    /// The root lacks this many numbers, or may lack them.
    Behind(Root, u64),
    /// The root that the head names is gone.
    OldHead,
}

/// How long it takes to fold this many segments after this root. Assumes that the segments are like
/// those of the last fold. None if the last fold was not full.
fn time_for(root: &Root, segments: u64) -> Option<u64> {
    let pace = root.pace;
    let took_ms = (pace.is_full && pace.segments > 0).then_some(u128::from(pace.took_ms));
    let left_ms = took_ms? * u128::from(segments) / u128::from(pace.segments);
    u64::try_from(left_ms).ok()
}

/// An IP, as its shard lists it.
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
    /// The newest confirmed root, with every hit that was acknowledged before this call. If this
    /// takes too long, the newest confirmed root as it is, and how far it is behind.
    ///
    /// `have_folded` is called while something is missing. It folds, or makes sure that somebody
    /// folds, and returns when it is worth looking again. Its argument is true if it must fold even
    /// if nothing seems to be pending, because the head may be an old one.
    ///
    /// `gave_up`: the root at which an earlier question gave up waiting. While that root is the
    /// newest, this call does not wait, because the fold under way is a long one. Nor does it wait
    /// if it finds a fold under way and the last fold took longer than a question waits.
    pub async fn snapshot<E: From<LedgerError>>(
        &self,
        gave_up: Option<u64>,
        have_folded: impl AsyncFn(bool) -> Result<(), E>,
    ) -> Result<Snapshot, E> {
        let started_ms = self.clock.monotonic_ms();
        let top = self.count_of(keys::LOG_NEXT).await?;
        let mut is_first_look = true;
        loop {
            let (root, missing) = match self.look(top).await? {
                Look::Whole(root) => return Ok(Snapshot { root, behind: None }),
                Look::Behind(root, missing) => (Some(root), missing),
                Look::OldHead => (None, 0),
            };
            let is_long = match &root {
                // Later, the fold under way may be one that this question began.
                Some(root) if is_first_look => self.is_long(root).await?,
                _ => false,
            };
            is_first_look = false;
            let waited_ms = self.clock.monotonic_ms().saturating_sub(started_ms);
            let left_ms = root.as_ref().and_then(|root| time_for(root, missing));
            let is_hopeless = |root: &Root| {
                let takes_long = left_ms.is_some_and(|ms| ms > self.limits.fold_wait_ms);
                is_long || takes_long || gave_up == Some(root.k)
            };
            match root {
                Some(root) if is_hopeless(&root) || waited_ms > self.limits.fold_wait_ms => {
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

    /// Whether a fold is under way that takes longer than a question waits, if it is like the last
    /// one.
    async fn is_long(&self, root: &Root) -> Result<bool, LedgerError> {
        let took_long = root.pace.took_ms > self.limits.fold_wait_ms;
        Ok(took_long && self.count_of(keys::FOLD).await? > root.k)
    }

    /// The newest confirmed root, and whether it holds every hit that was acknowledged before `top`
    /// was read.
    async fn look(&self, top: u64) -> Result<Look, LedgerError> {
        let head = self.head().await?;
        if head.log > top {
            let now = self.store.increment(keys::LOG_NEXT, 0).await?;
            went_back(keys::LOG_NEXT, now, head.log)?;
        }
        // There is no root at the head. So the head is an old one that was written late. A fold
        // corrects it.
        let Some(root) = self.root_at(head.k).await? else {
            return Ok(Look::OldHead);
        };
        let missing = root.open.keys().copied().take_while(|n| *n <= top);
        let missing: Vec<u64> = missing.chain(root.log + 1..=top).collect();
        if missing.is_empty() {
            return Ok(Look::Whole(root));
        }
        // The log is looked at after the question was asked. If a number is then neither folded nor
        // written, it was not acknowledged before the question, unless a later fold took and
        // deleted it. The root of that fold is there, even if the head does not name it.
        if !self.any_written(&missing).await? && !self.is_replaced(head.k).await? {
            return Ok(Look::Whole(root));
        }
        Ok(Look::Behind(root, missing.len() as u64))
    }

    /// The newest number of the log, and the newest one that is folded, by the head. The head may be
    /// an old one, so fewer numbers may be pending. Makes two store calls.
    pub async fn log_and_folded(&self) -> Result<(u64, u64), LedgerError> {
        let top = self.count_of(keys::LOG_NEXT).await?;
        Ok((top, self.head().await?.log))
    }

    /// The newest confirmed root as it is, and the newest numbers of the log and of a fold.
    ///
    /// The root is never older than one that an earlier call gave. If the head may be one that was
    /// written late, a fold corrects it, as in [`Self::snapshot`], and this looks again.
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

    /// How long ago the oldest batch came that a root lacks, among the numbers up to `top`. 0: the
    /// root holds every written batch.
    ///
    /// The first number that is written counts. A later number may have an older stamp, by less
    /// than the time of an append.
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

    /// If one of these shards has the IP, that shard alone. Else an empty range.
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
            let shard = Shard::decode(key, &bytes)?;
            listed.extend(shard.iter().map(|(ip, entry)| Listed::of(*ip, entry)));
        }
        Ok(listed)
    }

    /// Passes the states of some IPs to `take`, one by one and in their order, at the versions that
    /// [`Self::list`] gave. If a state cannot be read, `take` gets an error that names its key. The
    /// other states are served.
    pub async fn states(
        &self,
        ips: &[(IpAddr, u64)],
        mut take: impl FnMut(IpAddr, Result<IpState, LedgerError>),
    ) -> Result<(), LedgerError> {
        let decode = |ip, key: &str, bytes: &[u8]| take(ip, decode_state(key, bytes));
        self.state_bytes(ips, decode).await
    }

    /// The rows of some IPs in an export, as [`IpState::rows`] gives them. Fails if one of the
    /// states cannot be read.
    pub async fn rows(
        &self,
        ips: &[(IpAddr, u64)],
        span: &Span,
        ranges: &Ranges,
        filter: &Filter,
    ) -> Result<Vec<IpRows>, LedgerError> {
        let of = RowsOf {
            filter,
            span,
            ranges,
        };
        let mut all = Vec::new();
        let read = |ip: IpAddr, key: &str, bytes: &[u8]| {
            all.push(read_rows(key, bytes, &ip.to_string(), &of));
        };
        self.state_bytes(ips, read).await?;
        let with_rows =
            |rows: &Result<IpRows, _>| rows.as_ref().map_or(true, |rows| !rows.paths.is_empty());
        all.into_iter().filter(with_rows).collect()
    }

    async fn state_bytes(
        &self,
        ips: &[(IpAddr, u64)],
        mut take: impl FnMut(IpAddr, &str, &[u8]),
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
                take(*ip, key, &bytes);
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

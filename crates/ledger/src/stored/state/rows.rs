//! The hits on each path of one IP, read from the bytes of a state: the rows of an export, and the
//! answer about a caller.

use rollcall_tally::bucket::{BucketId, Tier};
use rollcall_tally::state::Caller;
use rollcall_tally::status::{StatusClass, StatusCounts};
use rollcall_tally::window::{Ranges, Span};
use rollcall_tally::{Filter, IpRows, KnownCaller, PathRow};

use super::super::bytes::{Reader, whole};
use super::{BEFORE, Form, content, older};
use crate::LedgerError;

/// The buckets and paths that count.
pub(crate) struct RowsOf<'q> {
    pub filter: &'q Filter,
    pub span: &'q Span,
    pub ranges: &'q Ranges,
}

/// The hits on one path that count.
struct PathHits {
    first_seen_ms: u64,
    last_seen_ms: u64,
    statuses: StatusCounts,
    /// 0 under a filter by status, as the two below.
    bytes: u64,
    timed: u64,
    time_sum_us: u64,
}

/// The same as `IpState::rows` gives for the decoded and aged state, in less time.
pub(crate) fn read_rows(
    key: &str,
    bytes: &[u8],
    ip: &str,
    of: &RowsOf<'_>,
) -> Result<IpRows, LedgerError> {
    let Some((form, content)) = content(key, bytes)? else {
        let mut state = older::decode_state(key, bytes)?;
        state.age(of.ranges);
        return Ok(state.rows(ip, of.span, of.filter));
    };
    let mut paths = Vec::new();
    let mut take = |path_key: &str, hits: PathHits| {
        let count = hits.statuses.total();
        if count > 0 {
            paths.push(PathRow {
                path_key: path_key.to_owned(),
                count,
                first_seen_ms: hits.first_seen_ms,
                last_accessed_ms: hits.last_seen_ms,
                client_errors: hits.statuses.client_error,
                server_errors: hits.statuses.server_error,
                bytes: of.filter.status.is_none().then_some(hits.bytes),
                timed: hits.timed,
                time_sum_us: hits.time_sum_us,
            });
        }
    };
    let caller = whole(key, content, |from| from.hits_by_path(form, of, &mut take))?;
    Ok(IpRows {
        ip: ip.to_owned(),
        country: caller.country().map(str::to_owned),
        user_agent: caller.user_agent().map(str::to_owned),
        paths,
    })
}

/// The hits of one IP, with all of its paths.
pub(crate) fn read_known(
    key: &str,
    bytes: &[u8],
    span: &Span,
    ranges: &Ranges,
) -> Result<KnownCaller, LedgerError> {
    let mut known = KnownCaller::default();
    let caller = match content(key, bytes)? {
        Some((form, content)) => {
            let of = RowsOf {
                filter: &Filter::default(),
                span,
                ranges,
            };
            let mut take = |path_key: &str, hits: PathHits| known.add(path_key, &hits.statuses);
            whole(key, content, |from| from.hits_by_path(form, &of, &mut take))?
        }
        None => {
            let mut state = older::decode_state(key, bytes)?;
            state.age(ranges);
            for (path_key, path) in &state.paths {
                known.add(path_key, &path.within(&span.starts(), None).classes());
            }
            state.caller
        }
    };
    known.first_seen_ms = caller.first_seen_ms;
    known.last_seen_ms = caller.last_seen_ms;
    Ok(known)
}

impl<'b> Reader<'b> {
    /// Passes each path that the filter lets through to `take`.
    fn hits_by_path(
        &mut self,
        form: Form,
        of: &RowsOf<'_>,
        take: &mut impl FnMut(&'b str, PathHits),
    ) -> Option<Caller> {
        let caller = self.caller(form)?;
        let is_wanted = of.filter.lets_place(caller.country(), caller.network());
        for _ in 0..caller.path_keys {
            let path_key = self.text()?;
            let length = self.number()?;
            let mut path = Reader(self.take(length)?);
            if is_wanted && of.filter.lets_path(path_key) {
                take(path_key, path.path_hits(of)?);
            }
        }
        Some(caller)
    }

    fn path_hits(&mut self, of: &RowsOf<'_>) -> Option<PathHits> {
        let (first_seen_ms, last_seen_ms) = self.seen()?;
        let mut hits = PathHits {
            first_seen_ms,
            last_seen_ms,
            statuses: StatusCounts::default(),
            bytes: 0,
            timed: 0,
            time_sum_us: 0,
        };
        // No bucket of this path can count.
        if last_seen_ms < of.span.from_ms {
            return Some(hits);
        }
        for tier in [Tier::Fine, Tier::Hour, Tier::Day] {
            let mut last = 0;
            for _ in 0..self.number()? {
                let start_ms = self.step(&mut last)?;
                self.count(&mut hits, BucketId { tier, start_ms }, of)?;
            }
        }
        self.count(&mut hits, BEFORE, of)?;
        Some(hits)
    }

    /// Adds the tally of a bucket, if the bucket counts.
    fn count(&mut self, hits: &mut PathHits, bucket: BucketId, of: &RowsOf<'_>) -> Option<()> {
        let is_due = bucket.is_due(of.ranges);
        let bucket = if is_due {
            bucket.aged(of.ranges)
        } else {
            bucket
        };
        let counts = of.span.has(bucket);
        let status = of.filter.status.as_ref();
        let mut is_empty = true;
        for _ in 0..self.number()? {
            is_empty = false;
            let code = u16::try_from(self.number()?).ok()?;
            let count = self.number()?;
            if counts && status.is_none_or(|status| status.lets(code)) {
                hits.statuses.add(StatusClass::of_code(code), count);
            }
        }
        if is_empty {
            return Some(());
        }
        let sums = self.sums()?;
        if counts && status.is_none() {
            hits.bytes = hits.bytes.saturating_add(sums.bytes);
            hits.timed += sums.timed;
            hits.time_sum_us = hits.time_sum_us.saturating_add(sums.time_sum_us);
        }
        // The histogram is skipped.
        for _ in 0..sums.histogram {
            self.number()?;
            self.number()?;
        }
        Some(())
    }
}

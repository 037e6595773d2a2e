//! The rows of an export, read from the bytes of a state.

use rollcall_tally::bucket::{BucketId, Tier};
use rollcall_tally::status::StatusCounts;
use rollcall_tally::window::{Ranges, Span};
use rollcall_tally::{Filter, IpRows, PathRow, StatusCount};

use super::super::bytes::{Reader, whole};
use super::{BEFORE, Form, content, older};
use crate::LedgerError;

/// The buckets and paths that count in rows.
pub(crate) struct RowsOf<'q> {
    pub filter: &'q Filter,
    pub span: &'q Span,
    pub ranges: &'q Ranges,
}

/// The same as `IpState::rows` gives for the decoded and aged state, in less time.
pub(crate) fn read_rows(
    key: &str,
    bytes: &[u8],
    ip: &str,
    of: &RowsOf<'_>,
) -> Result<IpRows, LedgerError> {
    match content(key, bytes)? {
        Some((form, content)) => Ok(whole(key, content, |from| from.rows(form, ip, of))?),
        None => {
            let mut state = older::decode_state(key, bytes)?;
            state.age(of.ranges);
            Ok(state.rows(ip, of.span, of.filter))
        }
    }
}

impl Reader<'_> {
    fn rows(&mut self, form: Form, ip: &str, of: &RowsOf<'_>) -> Option<IpRows> {
        let caller = self.caller(form)?;
        let is_wanted = of.filter.lets_place(caller.country(), caller.network());
        let mut paths = Vec::new();
        for _ in 0..caller.path_keys {
            let path_key = self.text()?;
            let length = self.number()?;
            let mut path = Reader(self.take(length)?);
            if is_wanted && of.filter.lets_path(path_key) {
                let row = path.row(path_key, of)?;
                paths.extend((row.count > 0).then_some(row));
            }
        }
        Some(IpRows {
            ip: ip.to_owned(),
            country: caller.country().map(str::to_owned),
            user_agent: caller.user_agent().map(str::to_owned),
            paths,
        })
    }

    fn row(&mut self, path_key: &str, of: &RowsOf<'_>) -> Option<PathRow> {
        let (first_seen_ms, last_accessed_ms) = self.seen()?;
        let mut row = PathRow {
            first_seen_ms,
            last_accessed_ms,
            bytes: of.filter.status.is_none().then_some(0),
            ..PathRow::default()
        };
        for tier in [Tier::Fine, Tier::Hour, Tier::Day] {
            let mut last = 0;
            for _ in 0..self.number()? {
                let start_ms = self.step(&mut last)?;
                self.count(&mut row, BucketId { tier, start_ms }, of)?;
            }
        }
        self.count(&mut row, BEFORE, of)?;
        if row.count > 0 {
            row.path_key = path_key.to_owned();
        }
        Some(row)
    }

    /// Adds the tally of a bucket, if the bucket counts.
    fn count(&mut self, row: &mut PathRow, bucket: BucketId, of: &RowsOf<'_>) -> Option<()> {
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
                let classes = StatusCounts::of_statuses(&[StatusCount { code, count }]);
                row.count += count;
                row.client_errors += classes.client_error;
                row.server_errors += classes.server_error;
            }
        }
        if is_empty {
            return Some(());
        }
        let sums = self.sums()?;
        if counts && let Some(bytes) = &mut row.bytes {
            *bytes = bytes.saturating_add(sums.bytes);
            row.timed += sums.timed;
            row.time_sum_us = row.time_sum_us.saturating_add(sums.time_sum_us);
        }
        // The histogram is skipped.
        for _ in 0..sums.histogram {
            self.number()?;
            self.number()?;
        }
        Some(())
    }
}

//! Reading values, for folds, queries and cleaning.

use std::ops::Range;

use rollcall_store::Stored;
use rollcall_store::value::decode;

use crate::stored::{self, Head, Root};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// Fold numbers looked at by one call. Few of them have a root, and a root has a few kilobytes.
const ROOTS_AT_ONCE: u64 = 100;

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    pub(crate) async fn get<T: Stored>(&self, key: &str) -> Result<Option<T>, LedgerError> {
        let bytes = self.store.get(key).await?;
        Ok(bytes.map(|bytes| decode(key, &bytes)).transpose()?)
    }

    /// A value that only saves work. If it cannot be read, it counts as missing and is written
    /// again.
    pub(crate) async fn hint<T: Stored>(&self, key: &str) -> Result<Option<T>, LedgerError> {
        match self.get(key).await {
            Err(LedgerError::Corrupt { .. } | LedgerError::OtherLayout { .. }) => Ok(None),
            got => got,
        }
    }

    pub(crate) async fn head(&self) -> Result<Head, LedgerError> {
        Ok(self.get(keys::HEAD).await?.unwrap_or_default())
    }

    /// The root of a fold. `None` if it is not there.
    pub(crate) async fn root_at(&self, k: u64) -> Result<Option<Root>, LedgerError> {
        if k == 0 {
            return Ok(Some(self.empty_root()));
        }
        let key = keys::root(k);
        let bytes = self.store.get(&key).await?;
        Ok(bytes.map(|bytes| Root::decode(&key, &bytes)).transpose()?)
    }

    /// The newest root with a number in this range.
    pub(crate) async fn newest_root(
        &self,
        numbers: Range<u64>,
    ) -> Result<Option<Root>, LedgerError> {
        let newest = self.newest_root_as_stored(numbers).await?;
        Ok(newest
            .map(|(key, bytes)| Root::decode(&key, &bytes))
            .transpose()?)
    }

    /// The newest root with a number in this range: its key and its bytes, not decoded yet.
    pub(crate) async fn newest_root_as_stored(
        &self,
        numbers: Range<u64>,
    ) -> Result<Option<(String, Vec<u8>)>, LedgerError> {
        let mut end = numbers.end;
        while end > numbers.start {
            let start = end.saturating_sub(ROOTS_AT_ONCE).max(numbers.start);
            let wanted: Vec<String> = (start..end).rev().map(keys::root).collect();
            let mut found = self.store.get_many(&wanted).await?;
            let newest = wanted.iter().find_map(|key| found.remove_entry(key));
            if newest.is_some() {
                return Ok(newest);
            }
            end = start;
        }
        Ok(None)
    }

    pub(crate) fn empty_root(&self) -> Root {
        Root {
            shards: vec![0; self.limits.shards],
            ..Root::default()
        }
    }

    /// Reads values that must all be there. Returns them in the order of their keys.
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

    /// How far cleaning got, as far as known.
    pub(crate) async fn cleaned(&self) -> Result<stored::Cleaned, LedgerError> {
        Ok(self.hint(keys::CLEANED).await?.unwrap_or_default())
    }

    /// The present value of a counter.
    pub(crate) async fn count_of(&self, counter: &str) -> Result<u64, LedgerError> {
        Ok(self.store.increment(counter, 0).await?)
    }
}

/// A counter is never behind a number that was written under it, unless the store lost its newest
/// writes.
pub(crate) fn went_back(key: &str, value: u64, seen: u64) -> Result<(), LedgerError> {
    if value < seen {
        return Err(LedgerError::CounterWentBack {
            key: key.to_owned(),
            value,
            seen,
        });
    }
    Ok(())
}

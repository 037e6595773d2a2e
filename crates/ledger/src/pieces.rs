//! Long values in pieces, because some stores take no long value, and because others wait while a
//! store reads or writes one.
//!
//! If a value has more than [`Limits::value_bytes`](crate::Limits::value_bytes), these keys have it:
//!
//! | key | value | written | deleted |
//! |---|---|---|---|
//! | `{key}-0` | a note: the number of pieces | first | last |
//! | `{key}-1`, `{key}-2` … | the pieces: bytes of the value, as they are | | |
//! | `{key}` | a head: the number of pieces | last | first |
//!
//! So a value is there if its head is, and cleaning finds the pieces of a value whose writer or
//! whose cleaner died. The checksum of the value covers all pieces.

use std::collections::HashMap;

use rollcall_store::value::{encode_head, pieces_of};

use crate::{Store, StoreError};

/// A value as it is written.
pub(crate) struct Cut {
    /// Written before all others. `None`: the value is short.
    pub note: Option<(String, Vec<u8>)>,
    /// Written in this order: the pieces, then the head. Or the value itself.
    pub values: Vec<(String, Vec<u8>)>,
}

/// Cuts a value, if it is longer than `longest`.
pub(crate) fn cut(key: String, value: Vec<u8>, longest: usize) -> Cut {
    if value.len() <= longest {
        return Cut {
            note: None,
            values: vec![(key, value)],
        };
    }
    let pieces = value.chunks(longest.max(1));
    let count = pieces.len() as u32;
    let numbered = (1..).zip(pieces);
    let mut values: Vec<_> = numbered
        .map(|(number, bytes)| (piece(&key, number), bytes.to_vec()))
        .collect();
    let note = piece(&key, 0);
    let note = (note.clone(), encode_head(&note, count));
    let head = encode_head(&key, count);
    values.push((key, head));
    Cut {
        note: Some(note),
        values,
    }
}

/// The key of a piece. 0 is the note. No other key ends in a minus sign and a number.
fn piece(key: &str, number: u32) -> String {
    format!("{key}-{number}")
}

/// A store whose values are read whole and deleted whole. They are written as [`cut`] says.
pub(crate) struct InPieces<'a, S>(pub &'a S);

impl<S: Store> InPieces<'_, S> {
    /// The whole value. `None`: a piece is missing, because the value is being deleted.
    async fn whole(&self, key: &str, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(count) = pieces_of(key, &bytes) else {
            return Ok(Some(bytes));
        };
        let mut whole = Vec::new();
        for number in 1..=count {
            match self.0.get(&piece(key, number)).await? {
                Some(bytes) => whole.extend(bytes),
                None => return Ok(None),
            }
        }
        Ok(Some(whole))
    }
}

impl<S: Store> Store for InPieces<'_, S> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.0.get(key).await? {
            Some(bytes) => self.whole(key, bytes).await,
            None => Ok(None),
        }
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.0.exists(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.0.set(key, value).await
    }

    /// For values that are short by their kind.
    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key).await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<u64, StoreError> {
        self.0.increment(key, delta).await
    }

    async fn get_many(&self, keys: &[String]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        let mut values = HashMap::new();
        for (key, bytes) in self.0.get_many(keys).await? {
            if let Some(whole) = self.whole(&key, bytes).await? {
                values.insert(key, whole);
            }
        }
        Ok(values)
    }

    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        self.0.set_many(values).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        let notes: Vec<String> = keys.iter().map(|key| piece(key, 0)).collect();
        let found = self.0.get_many(&notes).await?;
        self.0.delete_many(keys).await?;
        for (key, note) in keys.iter().zip(notes) {
            if let Some(bytes) = found.get(&note) {
                for number in 1..=pieces_of(&note, bytes).unwrap_or(0) {
                    self.0.delete(&piece(key, number)).await?;
                }
                self.0.delete(&note).await?;
            }
        }
        Ok(())
    }
}

//! Rollcall's needs of a key-value store and of time.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use thiserror::Error;

/// The store failed. The call may have taken effect, or may take effect later, or never. Which of
/// these is unknown.
#[derive(Clone, Debug, Error)]
#[error("{call} {key}: {reason}")]
pub struct StoreError {
    pub call: &'static str,
    pub key: String,
    pub reason: String,
}

/// How many calls for single keys are in flight at once, if a store has no call for many keys.
const AT_ONCE: usize = 64;

/// A linearizable store that keeps its writes. No call may turn an error into "no such key".
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Store {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    async fn exists(&self, key: &str) -> Result<bool, StoreError>;
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError>;
    /// Deleting a missing key is no error.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;
    /// Adds to a counter and returns its new value. A missing counter is 0.
    async fn increment(&self, key: &str, delta: i64) -> Result<u64, StoreError>;

    /// Returns the values that are there, in no order.
    async fn get_many(&self, keys: &[String]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        get_each(keys, async |key| self.get(key).await).await
    }

    /// Not atomic: if it fails, some values may be written.
    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        let calls = stream::iter(values).map(Ok);
        let set = async |(key, value): (String, Vec<u8>)| self.set(&key, value).await;
        calls.try_for_each_concurrent(AT_ONCE, set).await
    }

    /// Not atomic: if it fails, some values may be deleted.
    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        let calls = stream::iter(keys).map(Ok);
        calls
            .try_for_each_concurrent(AT_ONCE, async |key| self.delete(key).await)
            .await
    }
}

/// Gets the values that are there by single calls, many calls at once.
pub async fn get_each(
    keys: &[String],
    get: impl AsyncFn(&str) -> Result<Option<Vec<u8>>, StoreError>,
) -> Result<HashMap<String, Vec<u8>>, StoreError> {
    let values = stream::iter(keys).map(async |key| Ok((key.clone(), get(key).await?)));
    let found = values.buffer_unordered(AT_ONCE);
    found
        .try_filter_map(async |(key, value)| Ok(value.map(|value| (key, value))))
        .try_collect()
        .await
}

/// Time. The wall clocks of two nodes may differ by seconds, and may jump.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Clock {
    /// Milliseconds since 1970.
    fn wall_ms(&self) -> u64;
    /// Milliseconds since some moment. Never goes back.
    fn monotonic_ms(&self) -> u64;
    async fn sleep_ms(&self, ms: u64);
    /// If it is time to do so, lets other work of this thread go on first. Long work calls this at
    /// every step.
    async fn give_way(&self) {}
    /// A number that no other call gets.
    fn unique(&self) -> u64;
}

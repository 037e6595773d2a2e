//! What Rollcall asks of a key-value store and of time.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use thiserror::Error;

/// The store failed. Whether the call took effect, takes effect later or never, is unknown.
#[derive(Clone, Debug, Error)]
#[error("{call} {key}: {reason}")]
pub struct StoreError {
    pub call: &'static str,
    pub key: String,
    pub reason: String,
}

/// How many calls for single keys are in flight at once where a store has no call for many.
const AT_ONCE: usize = 64;

/// A linearizable store that keeps its writes. No call may answer an error with "no such key".
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Store {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    async fn exists(&self, key: &str) -> Result<bool, StoreError>;
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError>;
    /// Deleting what is not there is no error.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;
    /// Adds to a counter and tells its new value. A counter that is not there is 0.
    async fn increment(&self, key: &str, delta: i64) -> Result<u64, StoreError>;

    /// The values that are there, in no order.
    async fn get_many(&self, keys: &[String]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        get_each(keys, async |key| self.get(key).await).await
    }

    /// Not atomic: some may be written where it fails.
    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        let calls = stream::iter(values).map(Ok);
        let set = async |(key, value): (String, Vec<u8>)| self.set(&key, value).await;
        calls.try_for_each_concurrent(AT_ONCE, set).await
    }

    /// Not atomic: some may be deleted where it fails.
    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        let calls = stream::iter(keys).map(Ok);
        calls
            .try_for_each_concurrent(AT_ONCE, async |key| self.delete(key).await)
            .await
    }
}

/// The values that are there, asked for one by one and many at once.
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

/// Time. Wall clocks of two nodes may differ by seconds, and jump.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Clock {
    /// Milliseconds since 1970.
    fn wall_ms(&self) -> u64;
    /// Milliseconds since some moment; never goes back.
    fn monotonic_ms(&self) -> u64;
    async fn sleep_ms(&self, ms: u64);
    /// Comes back once others that wait for this thread went on, if it is time for that. Long work calls it at every step.
    async fn give_way(&self) {}
    /// A number that no other caller has.
    fn unique(&self) -> u64;
}

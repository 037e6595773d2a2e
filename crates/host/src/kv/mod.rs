//! Key-value stores: the trait that a kind of store implements, and the labels under which components reach them.
//!
//! One file a kind of store (`sqlite`, `redis`), and one an interface through which components see them (`spin`, `wasi`).
//! What is promised is what Spin promises and no more: single operations are atomic, `increment` is a transaction, and a
//! write that returned is durable.

pub mod handles;
mod redis;
mod spin;
mod sqlite;
mod wasi;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

pub use redis::Redis;
pub use sqlite::Database;

/// A store could not do what it was asked to; nothing is known of whether a write took effect.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// What an operation of a store gives.
pub type StoreResult<T> = Result<T, StoreError>;

/// One labelled key-value store.
#[async_trait]
pub trait KeyValue: Send + Sync {
    /// The value of a key; `None` if there is no such key, which is no error.
    async fn get(&self, key: &str) -> StoreResult<Option<Vec<u8>>>;

    /// Writes a value, over any older one. The write is durable when this returns.
    async fn set(&self, key: &str, value: &[u8]) -> StoreResult<()>;

    /// Removes a key; a missing one is no error.
    async fn delete(&self, key: &str) -> StoreResult<()>;

    /// Whether there is such a key.
    async fn exists(&self, key: &str) -> StoreResult<bool> {
        Ok(self.get(key).await?.is_some())
    }

    /// All keys, in no order.
    async fn keys(&self) -> StoreResult<Vec<String>>;

    /// The values of some keys, in no order; missing keys are left out.
    async fn get_many(&self, keys: Vec<String>) -> StoreResult<Vec<(String, Option<Vec<u8>>)>>;

    /// Writes many values, in one transaction where the store has them.
    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> StoreResult<()>;

    /// Removes many keys.
    async fn delete_many(&self, keys: Vec<String>) -> StoreResult<()>;

    /// Adds to a counter, which starts at 0, and gives the sum. What other operations wrote under the key is no counter.
    async fn increment(&self, key: &str, delta: i64) -> StoreResult<i64>;

    /// Writes `value` if the key's value still is `seen`, and says whether it did. As in Spin, **`seen` of `None` always
    /// writes**: two creators of one key both win.
    async fn swap(&self, key: &str, seen: Option<Vec<u8>>, value: Vec<u8>) -> StoreResult<bool>;
}

/// Stores by label.
pub type StoreMap = BTreeMap<String, Arc<dyn KeyValue>>;

/// The stores of an application.
#[derive(Clone, Default)]
pub struct Stores(Arc<StoreMap>);

impl Stores {
    /// Stores that do not change any more.
    pub fn new(stores: StoreMap) -> Self {
        Self(Arc::new(stores))
    }

    /// The store with this label.
    pub fn get(&self, label: &str) -> Option<&Arc<dyn KeyValue>> {
        self.0.get(label)
    }
}

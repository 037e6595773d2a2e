//! Key-value stores: the trait that a kind of store implements, and the labels under which
//! components reach them.
//!
//! Each kind of store is a file (`sqlite`, `redis`). Each interface through which components see a
//! store is a file, too (`spin`, `wasi`). The stores promise as much as Spin does: single
//! operations are atomic, `increment` is a transaction, and a write that returned is durable.

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

/// A store could not do an operation. If it was a write, it may have taken effect or not.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// The result of a store's operation.
pub type StoreResult<T> = Result<T, StoreError>;

/// One labelled key-value store.
#[async_trait]
pub trait KeyValue: Send + Sync {
    /// The value of a key. `None`: there is no such key. This is no error.
    async fn get(&self, key: &str) -> StoreResult<Option<Vec<u8>>>;

    /// Writes a value. An older value is replaced. The write is durable when this returns.
    async fn set(&self, key: &str, value: &[u8]) -> StoreResult<()>;

    /// Removes a key. If there is no such key, this is no error.
    async fn delete(&self, key: &str) -> StoreResult<()>;

    /// Whether there is such a key.
    async fn exists(&self, key: &str) -> StoreResult<bool> {
        Ok(self.get(key).await?.is_some())
    }

    /// All keys, in no order.
    async fn keys(&self) -> StoreResult<Vec<String>>;

    /// The values of some keys, in no order. Keys without a value are left out.
    async fn get_many(&self, keys: Vec<String>) -> StoreResult<Vec<(String, Option<Vec<u8>>)>>;

    /// Writes many values, in one transaction if the store has transactions.
    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> StoreResult<()>;

    /// Removes many keys.
    async fn delete_many(&self, keys: Vec<String>) -> StoreResult<()>;

    /// Adds to a counter, which starts at 0, and returns the sum. A value that another operation
    /// wrote under the key is not a counter.
    async fn increment(&self, key: &str, delta: i64) -> StoreResult<i64>;

    /// Writes `value` if the key's value is still `seen`. Says whether it wrote. As in Spin, **it
    /// always writes if `seen` is `None`**: if two callers create one key, both win.
    async fn swap(&self, key: &str, seen: Option<Vec<u8>>, value: Vec<u8>) -> StoreResult<bool>;
}

/// Stores by label.
pub type StoreMap = BTreeMap<String, Arc<dyn KeyValue>>;

/// The stores of an application.
#[derive(Clone, Default)]
pub struct Stores(Arc<StoreMap>);

impl Stores {
    /// Stores that no longer change.
    pub fn new(stores: StoreMap) -> Self {
        Self(Arc::new(stores))
    }

    /// The store with this label.
    pub fn get(&self, label: &str) -> Option<&Arc<dyn KeyValue>> {
        self.0.get(label)
    }
}

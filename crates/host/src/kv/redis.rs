//! The Redis store, with Spin's behaviour and Spin's faults: labels do not separate keys,
//! `get_many` fails, and a swap reports failure although it wrote. So a test against this store
//! `get_many` fails, and a swap reports failure although it wrote. So a test on this store shows
//! how the app behaves on Spin.
//!
//! The first call makes the connection. If the connection is lost, it is made again, and calls wait
//! for it.

use async_trait::async_trait;
use redis::aio::ConnectionManager;
use redis::{AsyncCommands as _, Client, RedisError};
use tokio::sync::OnceCell;

use super::{KeyValue, StoreError, StoreResult};

/// One Redis database.
pub struct Redis {
    client: Client,
    connection: OnceCell<ConnectionManager>,
}

impl Redis {
    /// The database at `url` (`redis://host:6379/0`). Nothing is sent to it yet.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::open(url)?,
            connection: OnceCell::new(),
        })
    }

    async fn connection(&self) -> StoreResult<ConnectionManager> {
        let connect = || self.client.get_connection_manager();
        Ok(self.connection.get_or_try_init(connect).await?.clone())
    }
}

#[async_trait]
impl KeyValue for Redis {
    async fn get(&self, key: &str) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.connection().await?.get(key).await?)
    }

    async fn set(&self, key: &str, value: &[u8]) -> StoreResult<()> {
        Ok(self.connection().await?.set(key, value).await?)
    }

    async fn delete(&self, key: &str) -> StoreResult<()> {
        Ok(self.connection().await?.del(key).await?)
    }

    async fn exists(&self, key: &str) -> StoreResult<bool> {
        Ok(self.connection().await?.exists(key).await?)
    }

    async fn keys(&self) -> StoreResult<Vec<String>> {
        let mut connection = self.connection().await?;
        let mut scan = connection.scan::<String>().await?;
        let mut keys = Vec::new();
        while let Some(key) = scan.next_item().await {
            keys.push(key);
        }
        Ok(keys)
    }

    /// Sends KEYS with all keys, as Spin does. KEYS takes one pattern, so two keys and more fail.
    /// If there is one key and it exists, the client panics at the answer, which ends the instance.
    async fn get_many(&self, keys: Vec<String>) -> StoreResult<Vec<(String, Option<Vec<u8>>)>> {
        Ok(self.connection().await?.keys(keys).await?)
    }

    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> StoreResult<()> {
        Ok(self.connection().await?.mset(&values).await?)
    }

    async fn delete_many(&self, keys: Vec<String>) -> StoreResult<()> {
        Ok(self.connection().await?.del(keys).await?)
    }

    async fn increment(&self, key: &str, delta: i64) -> StoreResult<i64> {
        Ok(self.connection().await?.incr(key, delta).await?)
    }

    async fn swap(&self, key: &str, _: Option<Vec<u8>>, value: Vec<u8>) -> StoreResult<bool> {
        self.set(key, &value).await?;
        Ok(false)
    }
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        tracing::warn!(%error, "key-value error");
        Self(error.to_string())
    }
}

//! Spin's key-value store as the ledger wants it.
//!
//! Single values go through `spin:key-value`, which does not block the instance; counters and many values at once through
//! `wasi:keyvalue`, which does, and is the only way to either.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use futures::stream::{self, StreamExt, TryStreamExt};
use rollcall_ledger::{Store, StoreError};
use spin_sdk::key_value;

use crate::bindings::wasi::keyvalue::store::{Bucket, open};
use crate::bindings::wasi::keyvalue::{atomics, batch};

/// The only label that Spin has without being configured.
const LABEL: &str = "default";
/// Gets in flight at once where the store cannot get many.
const GETS_AT_ONCE: usize = 64;

/// Scope: instance. Set once `get-many` failed: on Redis it always does. Single gets are right on every store, only slower.
static GET_MANY_FAILS: AtomicBool = AtomicBool::new(false);

pub struct SpinStore {
    values: key_value::Store,
    bucket: Bucket,
}

impl SpinStore {
    pub async fn open() -> Result<Self, StoreError> {
        let values = key_value::Store::open(LABEL).await;
        Ok(Self {
            values: values.map_err(failed("open", LABEL))?,
            bucket: open(LABEL).map_err(failed("open", LABEL))?,
        })
    }

    async fn get_each(&self, keys: &[String]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        let gets = stream::iter(keys).map(async |key| Ok((key.clone(), self.get(key).await?)));
        gets.buffer_unordered(GETS_AT_ONCE)
            .try_filter_map(async |(key, value)| Ok(value.map(|value| (key, value))))
            .try_collect()
            .await
    }
}

impl Store for SpinStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.values.get(key).await.map_err(failed("get", key))
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.values.exists(key).await.map_err(failed("exists", key))
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.values
            .set(key, value)
            .await
            .map_err(failed("set", key))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.values.delete(key).await.map_err(failed("delete", key))
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<u64, StoreError> {
        let value =
            atomics::increment(&self.bucket, key, delta).map_err(failed("increment", key))?;
        u64::try_from(value).map_err(failed("increment", key))
    }

    async fn get_many(&self, keys: &[String]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        if !GET_MANY_FAILS.load(Relaxed) {
            match batch::get_many(&self.bucket, keys) {
                Ok(found) => {
                    let found = found.into_iter();
                    return Ok(found
                        .filter_map(|(key, value)| Some((key, value?)))
                        .collect());
                }
                Err(error) => {
                    eprintln!("get-many fails here, getting one by one from now on: {error:?}");
                    GET_MANY_FAILS.store(true, Relaxed);
                }
            }
        }
        self.get_each(keys).await
    }

    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        batch::set_many(&self.bucket, &values)
            .map_err(failed("set-many", first(values.first().map(|v| &v.0))))
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        batch::delete_many(&self.bucket, keys).map_err(failed("delete-many", first(keys.first())))
    }
}

fn first(key: Option<&String>) -> &str {
    key.map_or("", String::as_str)
}

fn failed<E: Debug>(call: &'static str, key: &str) -> impl FnOnce(E) -> StoreError {
    move |error| StoreError {
        call,
        key: key.to_owned(),
        reason: format!("{error:?}"),
    }
}

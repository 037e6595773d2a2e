//! Spin's key-value store, as the ledger needs it.
//!
//! Calls go through `wasi:keyvalue`. Only this interface has counters and calls for many values,
//! and its calls block the instance. If it cannot get many values, as on Redis, single gets go
//! through `spin:key-value`, many at once. The [`gate`] keeps both kinds of calls apart.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rollcall_ledger::{Store, StoreError, get_each};
use rollcall_web::log;
use spin_sdk::key_value;

use crate::bindings::wasi::keyvalue::store::{Bucket, open};
use crate::bindings::wasi::keyvalue::{atomics, batch};
use crate::gate;

/// The only label that Spin has without configuration.
const LABEL: &str = "default";
/// The gets of one round, all in flight at once. A synchronous call waits for at most one round of
/// each request of its instance.
const GETS_PER_ROUND: usize = 64;

/// Scope: instance. Set once `get-many` failed. On Redis it always fails. Single gets are right on
/// every store, but slower.
static GET_MANY_FAILS: AtomicBool = AtomicBool::new(false);

pub struct SpinStore {
    bucket: Bucket,
    /// Lets others go first: see [`gate::give_way`].
    gives_way: bool,
    /// Opened by the first round. On Redis, opening is a store call, too.
    values: OnceCell<key_value::Store>,
}

impl SpinStore {
    pub async fn open(gives_way: bool) -> Result<Self, StoreError> {
        gate::pass().await;
        Ok(Self {
            bucket: open(LABEL).map_err(failed("open", LABEL))?,
            gives_way,
            values: OnceCell::new(),
        })
    }

    /// The bucket, for one call before the next `await`.
    async fn bucket(&self) -> &Bucket {
        if self.gives_way {
            gate::give_way().await;
        }
        gate::pass().await;
        &self.bucket
    }

    async fn get_in_rounds(&self, keys: &[String]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        let mut found = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(GETS_PER_ROUND) {
            let _round = gate::round().await;
            let values = self.values().await?;
            let get = async |key: &str| values.get(key).await.map_err(failed("get", key));
            found.extend(get_each(keys, get).await?);
        }
        Ok(found)
    }

    async fn values(&self) -> Result<&key_value::Store, StoreError> {
        if let Some(values) = self.values.get() {
            return Ok(values);
        }
        let values = key_value::Store::open(LABEL).await;
        let values = values.map_err(failed("open", LABEL))?;
        Ok(self.values.get_or_init(|| values))
    }
}

impl Store for SpinStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.bucket().await.get(key).map_err(failed("get", key))
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.bucket()
            .await
            .exists(key)
            .map_err(failed("exists", key))
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.bucket()
            .await
            .set(key, &value)
            .map_err(failed("set", key))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.bucket()
            .await
            .delete(key)
            .map_err(failed("delete", key))
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<u64, StoreError> {
        let bucket = self.bucket().await;
        let value = atomics::increment(bucket, key, delta).map_err(failed("increment", key))?;
        u64::try_from(value).map_err(failed("increment", key))
    }

    async fn get_many(&self, keys: &[String]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        // For a single key, `get-many` on Redis does not return an error: it panics in Spin, and
        // ends the instance.
        match keys {
            [] => return Ok(HashMap::new()),
            [key] => {
                let found = self.get(key).await?;
                return Ok(found
                    .map(|value| (key.clone(), value))
                    .into_iter()
                    .collect());
            }
            _ => {}
        }
        if !GET_MANY_FAILS.load(Relaxed) {
            match batch::get_many(self.bucket().await, keys) {
                Ok(found) => {
                    let found = found.into_iter();
                    return Ok(found
                        .filter_map(|(key, value)| Some((key, value?)))
                        .collect());
                }
                Err(error) => {
                    log!(Info, "get-many-unsupported", error = format!("{error:?}"));
                    GET_MANY_FAILS.store(true, Relaxed);
                }
            }
        }
        self.get_in_rounds(keys).await
    }

    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        batch::set_many(self.bucket().await, &values)
            .map_err(failed("set-many", first(values.first().map(|v| &v.0))))
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        batch::delete_many(self.bucket().await, keys)
            .map_err(failed("delete-many", first(keys.first())))
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

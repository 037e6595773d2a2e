//! `wasi:keyvalue`: the synchronous interface. A call holds up every request of its instance, as in
//! Spin.

use wasmtime::component::Resource;

use super::StoreError;
use super::handles::{OpenError, OpenStore, OpenSwap, View};
use crate::bindings::wasi::keyvalue::{atomics, batch, store as wasi};

impl wasi::Host for View<'_> {
    async fn open(&mut self, label: String) -> Result<Resource<OpenStore>, wasi::Error> {
        Ok(View::open(self, &label)?)
    }
}

impl wasi::HostBucket for View<'_> {
    async fn get(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> Result<Option<Vec<u8>>, wasi::Error> {
        Ok(self.store(&bucket)?.get(&key).await?)
    }

    async fn set(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), wasi::Error> {
        Ok(self.store(&bucket)?.set(&key, &value).await?)
    }

    async fn delete(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> Result<(), wasi::Error> {
        Ok(self.store(&bucket)?.delete(&key).await?)
    }

    async fn exists(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> Result<bool, wasi::Error> {
        Ok(self.store(&bucket)?.exists(&key).await?)
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<OpenStore>,
        cursor: Option<String>,
    ) -> Result<wasi::KeyResponse, wasi::Error> {
        if cursor.is_some() {
            return Err(wasi::Error::Other(
                "list_keys: cursor not supported".to_owned(),
            ));
        }
        let keys = self.store(&bucket)?.keys().await?;
        Ok(wasi::KeyResponse { keys, cursor: None })
    }

    async fn drop(&mut self, bucket: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.close(bucket)
    }
}

impl batch::Host for View<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<OpenStore>,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, wasi::Error> {
        let store = self.store(&bucket)?;
        match keys.is_empty() {
            true => Ok(Vec::new()),
            false => Ok(store.get_many(keys).await?),
        }
    }

    async fn set_many(
        &mut self,
        bucket: Resource<OpenStore>,
        values: Vec<(String, Vec<u8>)>,
    ) -> Result<(), wasi::Error> {
        let store = self.store(&bucket)?;
        match values.is_empty() {
            true => Ok(()),
            false => Ok(store.set_many(values).await?),
        }
    }

    async fn delete_many(
        &mut self,
        bucket: Resource<OpenStore>,
        keys: Vec<String>,
    ) -> Result<(), wasi::Error> {
        let store = self.store(&bucket)?;
        match keys.is_empty() {
            true => Ok(()),
            false => Ok(store.delete_many(keys).await?),
        }
    }
}

impl atomics::HostCas for View<'_> {
    async fn new(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> Result<Resource<OpenSwap>, wasi::Error> {
        let store = self.store(&bucket)?;
        Ok(self.push(OpenSwap::new(store, key))?)
    }

    async fn current(&mut self, cas: Resource<OpenSwap>) -> Result<Option<Vec<u8>>, wasi::Error> {
        Ok(self.swap(&cas)?.current().await?)
    }

    async fn drop(&mut self, cas: Resource<OpenSwap>) -> wasmtime::Result<()> {
        self.close(cas)
    }
}

impl atomics::Host for View<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
        delta: i64,
    ) -> Result<i64, wasi::Error> {
        Ok(self.store(&bucket)?.increment(&key, delta).await?)
    }

    /// Closes the handle. If the swap fails, the handle is given back, with the value that is there
    /// now.
    async fn swap(
        &mut self,
        cas: Resource<OpenSwap>,
        value: Vec<u8>,
    ) -> Result<(), atomics::CasError> {
        let failed = |error| atomics::CasError::StoreError(wasi::Error::from(error));
        let swap = View::swap(self, &cas).map_err(failed)?;
        let swapped = swap.swap(value).await;
        if let Ok(false) = swapped {
            swap.current().await.map_err(failed)?;
            return Err(atomics::CasError::CasFailed(cas));
        }
        self.close(cas)
            .map_err(|error| failed(StoreError(error.to_string())))?;
        swapped.map(|_| ()).map_err(failed)
    }
}

impl From<OpenError> for wasi::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::TableFull => Self::Other("too many stores are open".to_owned()),
            OpenError::NoSuchStore => Self::NoSuchStore,
            OpenError::AccessDenied => Self::AccessDenied,
        }
    }
}

impl From<StoreError> for wasi::Error {
    fn from(StoreError(text): StoreError) -> Self {
        Self::Other(text)
    }
}

//! `spin:key-value`: the asynchronous interface.

use std::sync::Arc;

use futures::future;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::handles::{HasStores, OpenError, OpenStore, View};
use super::{KeyValue, StoreError};
use crate::bindings::spin::key_value::key_value as spin;

impl spin::Host for View<'_> {}

impl spin::HostStore for View<'_> {
    async fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.close(store)
    }
}

fn store<T>(
    accessor: &Accessor<T, HasStores>,
    handle: &Resource<OpenStore>,
) -> Result<Arc<dyn KeyValue>, StoreError> {
    accessor.with(|mut access| access.get().store(handle))
}

impl<T: Send + 'static> spin::HostStoreWithStore<T> for HasStores {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> Result<Resource<OpenStore>, spin::Error> {
        Ok(accessor.with(|mut access| access.get().open(&label))?)
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        handle: Resource<OpenStore>,
        key: String,
    ) -> Result<Option<Vec<u8>>, spin::Error> {
        Ok(store(accessor, &handle)?.get(&key).await?)
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        handle: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), spin::Error> {
        Ok(store(accessor, &handle)?.set(&key, &value).await?)
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        handle: Resource<OpenStore>,
        key: String,
    ) -> Result<(), spin::Error> {
        Ok(store(accessor, &handle)?.delete(&key).await?)
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        handle: Resource<OpenStore>,
        key: String,
    ) -> Result<bool, spin::Error> {
        Ok(store(accessor, &handle)?.exists(&key).await?)
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        handle: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), spin::Error>>)> {
        let keys = match store(accessor, &handle) {
            Ok(store) => store.keys().await,
            Err(error) => Err(error),
        };
        let (keys, end) = match keys {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(error.into())),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let end = FutureReader::new(&mut access, future::ready(wasmtime::error::Ok(end)))?;
            Ok((keys, end))
        })
    }
}

impl From<OpenError> for spin::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::TableFull => Self::StoreTableFull,
            OpenError::NoSuchStore => Self::NoSuchStore,
            OpenError::AccessDenied => Self::AccessDenied,
        }
    }
}

impl From<StoreError> for spin::Error {
    fn from(StoreError(text): StoreError) -> Self {
        Self::Other(text)
    }
}

//! The stores of an instance: the stores that it may open, and the stores that it has open. Both
//! interfaces use this.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::{HasData, Resource, ResourceTable};

use super::{KeyValue, StoreError, Stores};

/// The most stores and swaps that an instance may hold open at a time. Beyond it, `open` fails. It
/// is Spin's number.
const OPEN_MAX: usize = 256;

/// An open store, for both interfaces.
pub struct OpenStore(Arc<dyn KeyValue>);

/// A compare-and-swap under way, with the value that its `current` saw last.
pub struct OpenSwap {
    store: Arc<dyn KeyValue>,
    key: String,
    seen: Mutex<Option<Vec<u8>>>,
}

/// The stores that a component may open, and the handles that its instance holds.
pub struct Grants {
    stores: Stores,
    labels: Arc<BTreeSet<String>>,
    open: usize,
}

/// An instance's stores together with its handles.
pub struct View<'a> {
    pub grants: &'a mut Grants,
    pub table: &'a mut ResourceTable,
}

/// Selects a [`View`] in the bindings.
pub struct HasStores;

impl HasData for HasStores {
    type Data<'a> = View<'a>;
}

/// Why a store was not opened.
pub enum OpenError {
    TableFull,
    NoSuchStore,
    AccessDenied,
}

impl Grants {
    /// The stores that a component may open.
    pub fn new(stores: Stores, labels: Arc<BTreeSet<String>>) -> Self {
        Self {
            stores,
            labels,
            open: 0,
        }
    }

    fn find(&self, label: &str) -> Result<Arc<dyn KeyValue>, OpenError> {
        if !self.labels.contains(label) {
            return Err(OpenError::AccessDenied);
        }
        self.stores
            .get(label)
            .cloned()
            .ok_or(OpenError::NoSuchStore)
    }
}

impl View<'_> {
    /// Opens the store with this label, if the component may open it.
    pub fn open(&mut self, label: &str) -> Result<Resource<OpenStore>, OpenError> {
        let store = self.grants.find(label)?;
        self.push(OpenStore(store))
    }

    /// Takes a new handle into the instance's table.
    pub fn push<T: Send + 'static>(&mut self, handle: T) -> Result<Resource<T>, OpenError> {
        if self.grants.open >= OPEN_MAX {
            return Err(OpenError::TableFull);
        }
        let handle = self.table.push(handle).map_err(|_| OpenError::TableFull)?;
        self.grants.open += 1;
        Ok(handle)
    }

    /// Closes a handle.
    pub fn close<T: 'static>(&mut self, handle: Resource<T>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.grants.open = self.grants.open.saturating_sub(1);
        Ok(())
    }

    /// The store behind a handle.
    pub fn store(&self, handle: &Resource<OpenStore>) -> Result<Arc<dyn KeyValue>, StoreError> {
        match self.table.get(handle) {
            Ok(OpenStore(store)) => Ok(store.clone()),
            Err(error) => Err(StoreError(error.to_string())),
        }
    }

    /// The swap behind a handle.
    pub fn swap(&self, handle: &Resource<OpenSwap>) -> Result<&OpenSwap, StoreError> {
        self.table
            .get(handle)
            .map_err(|error| StoreError(error.to_string()))
    }
}

impl OpenSwap {
    /// A swap that saw no value yet.
    pub fn new(store: Arc<dyn KeyValue>, key: String) -> Self {
        let seen = Mutex::new(None);
        Self { store, key, seen }
    }

    /// The value now. The swap writes only if it finds this value again.
    pub async fn current(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.store.get(&self.key).await?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = value.clone();
        Ok(value)
    }

    /// Writes `value` if the store still has the value that was seen. Says whether it wrote.
    pub async fn swap(&self, value: Vec<u8>) -> Result<bool, StoreError> {
        let seen = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        self.store.swap(&self.key, seen, value).await
    }
}

//! Measures how much linear memory instances take. It refuses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use wasmtime::ResourceLimiter;

/// The largest linear memory that an instance of one component had, in bytes.
#[derive(Clone, Default)]
pub struct MemoryPeak(Arc<AtomicUsize>);

impl MemoryPeak {
    pub fn bytes(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl ResourceLimiter for MemoryPeak {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.0.fetch_max(desired, Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

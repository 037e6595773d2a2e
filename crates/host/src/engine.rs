//! Wasmtime, set up for components that live in a pool: asynchronous, cheap to instantiate,
//! compiled once.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
};

/// If a component computes without a break, other tasks of its thread run this often.
const TICK: Duration = Duration::from_millis(10);

/// The most instances alive at a time. Scope: host. If there are more, requests fail with 500. It
/// is Spin's number.
const INSTANCES_MAX: u32 = 1000;

/// An engine that keeps compiled components in `cache_dir`.
pub fn new(cache_dir: Option<&Path>) -> Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true);
    if let Some(folder) = cache_dir {
        let mut cache = CacheConfig::new();
        cache.with_directory(std::path::absolute(folder)?);
        config.cache(Some(Cache::new(cache).map_err(wasm_error)?));
    }
    let engine = match Engine::new(config.allocation_strategy(pooling())) {
        Ok(engine) => engine,
        // The pool reserves terabytes of addresses. Some machines do not allow this.
        Err(error) => {
            tracing::debug!(%error, "no room for an instance pool: allocating on demand");
            let on_demand = config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(on_demand).map_err(wasm_error)?
        }
    };
    tick(&engine);
    Ok(engine)
}

fn pooling() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(INSTANCES_MAX)
        .total_core_instances(4 * INSTANCES_MAX)
        .total_memories(INSTANCES_MAX)
        .total_tables(2 * INSTANCES_MAX)
        .total_stacks(INSTANCES_MAX)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_memories_per_component(32)
        .max_tables_per_component(64)
        .table_elements(100_000);
    pool
}

/// Advances the engine's epoch until the engine is gone.
fn tick(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
}

/// Converts an error of Wasmtime, which does not implement `std::error::Error`. The chain of its
/// causes is kept as text.
pub fn wasm_error(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

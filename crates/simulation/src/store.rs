//! The store and the clocks that actors see.

use rollcall_ledger::{Clock, Store, StoreError};

use crate::call::{Op, Reply, Waiting};
use crate::limits::Tight;
use crate::world::{ActorId, Event, Shared};

/// The store, as one actor calls it.
pub struct SimStore {
    pub world: Shared,
    pub actor: ActorId,
    /// True: the actor sees no other actor's lease.
    pub own_lease: bool,
}

/// The clocks of an actor's node.
pub struct SimClock {
    pub world: Shared,
    pub actor: ActorId,
    pub node: usize,
    /// The limits of this history. See [`Tight::limits`].
    pub tight: Tight,
}

impl SimStore {
    fn key(&self, key: &str) -> String {
        match key {
            "lease" if self.own_lease => format!("lease:{}", self.actor),
            _ => key.to_owned(),
        }
    }

    async fn call(&self, call: &'static str, key: &str, op: Op) -> Result<Reply, StoreError> {
        let slot = Waiting(Default::default());
        self.world.borrow_mut().call(self.actor, op, &slot);
        match slot.await {
            Reply::Failed => Err(StoreError {
                call,
                key: key.to_owned(),
                reason: "simulated".to_owned(),
            }),
            reply => Ok(reply),
        }
    }
}

impl Store for SimStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.call("get", key, Op::Get(self.key(key))).await? {
            Reply::Value(value) => Ok(value),
            other => unreachable!("{other:?}"),
        }
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        match self.call("exists", key, Op::Exists(self.key(key))).await? {
            Reply::Exists(there) => Ok(there),
            other => unreachable!("{other:?}"),
        }
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.call("set", key, Op::Set(self.key(key), value))
            .await
            .map(|_| ())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.call("delete", key, Op::Delete(self.key(key)))
            .await
            .map(|_| ())
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<u64, StoreError> {
        match self
            .call("increment", key, Op::Increment(self.key(key), delta))
            .await?
        {
            Reply::Counter(value) => Ok(value as u64),
            other => unreachable!("{other:?}"),
        }
    }
}

impl Clock for SimClock {
    fn wall_ms(&self) -> u64 {
        self.world.borrow().wall_ms(self.node)
    }

    fn monotonic_ms(&self) -> u64 {
        self.world.borrow().now_us / 1_000
    }

    async fn sleep_ms(&self, ms: u64) {
        let slot = Waiting(Default::default());
        {
            let mut world = self.world.borrow_mut();
            let wake_us = world.now_us + ms * 1_000;
            world.at(
                wake_us,
                Event::Resume(self.actor, slot.clone(), Reply::Elapsed),
            );
        }
        slot.await;
    }

    fn unique(&self) -> u64 {
        let mut world = self.world.borrow_mut();
        world.unique += 1;
        world.unique
    }
}

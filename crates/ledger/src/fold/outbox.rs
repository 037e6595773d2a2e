//! Values on their way to the store, in calls of bounded bytes. The plan that names them is written
//! before them.

use rollcall_store::value::encode;

use crate::lease::Held;
use crate::limits::Limits;
use crate::stop::Stop;
use crate::stored::Plan;
use crate::{Clock, Store, keys};

pub(super) struct Outbox<'h, 'l, S, C> {
    held: &'h Held<'l, S, C>,
    k: u64,
    plan: Plan,
    /// The store has the plan in its present form.
    is_plan_written: bool,
    values: Vec<(String, Vec<u8>)>,
    bytes: usize,
    count_max: usize,
    bytes_max: usize,
}

impl<'h, 'l, S: Store, C: Clock> Outbox<'h, 'l, S, C> {
    pub fn new(held: &'h Held<'l, S, C>, k: u64, plan: Plan, limits: &Limits) -> Self {
        Self {
            held,
            k,
            plan,
            is_plan_written: false,
            values: Vec::new(),
            bytes: 0,
            count_max: limits.chunk,
            bytes_max: limits.chunk_bytes,
        }
    }

    pub fn held(&self) -> &'h Held<'l, S, C> {
        self.held
    }

    /// The plan, to be changed. It is written again before the next value.
    pub fn plan(&mut self) -> &mut Plan {
        self.is_plan_written = false;
        &mut self.plan
    }

    pub async fn put(&mut self, key: String, value: Vec<u8>) -> Result<(), Stop> {
        self.bytes += value.len();
        self.values.push((key, value));
        if self.values.len() >= self.count_max || self.bytes >= self.bytes_max {
            self.send().await?;
        }
        Ok(())
    }

    /// Sends the values that wait. The plan is written first, if it changed.
    pub async fn send(&mut self) -> Result<(), Stop> {
        if !self.is_plan_written {
            let key = keys::plan(self.k);
            let value = encode(&key, &self.plan)?;
            self.held.store().await?.set(&key, value).await?;
            self.is_plan_written = true;
        }
        self.bytes = 0;
        let values = std::mem::take(&mut self.values);
        if !values.is_empty() {
            self.held.store().await?.set_many(values).await?;
        }
        Ok(())
    }
}

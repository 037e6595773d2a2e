//! Values on their way to the store, in calls of bounded bytes. The plan that names them is written
//! before them.

use std::collections::BTreeSet;

use rollcall_store::value::encode;

use crate::lease::Held;
use crate::limits::Limits;
use crate::pieces::cut;
use crate::stop::Stop;
use crate::stored::{Change, Plan};
use crate::{Clock, Store, keys};

pub(super) struct Outbox<'h, 'l, S, C> {
    held: &'h Held<'l, S, C>,
    k: u64,
    base: u64,
    /// Changes in the parts before. They are written, and do not change.
    skipped: usize,
    changes: Vec<Change>,
    /// The parts of the plan that the store does not have in their present form.
    parts_to_write: BTreeSet<usize>,
    changes_in_part: usize,
    values: Vec<(String, Vec<u8>)>,
    bytes: usize,
    count_max: usize,
    bytes_max: usize,
    value_bytes: usize,
}

impl<'h, 'l, S: Store, C: Clock> Outbox<'h, 'l, S, C> {
    /// `base`: the fold that this fold builds on.
    pub fn new(held: &'h Held<'l, S, C>, k: u64, base: u64, limits: &Limits) -> Self {
        Self {
            held,
            k,
            base,
            skipped: 0,
            changes: Vec::new(),
            // A plan without changes has one part, too.
            parts_to_write: BTreeSet::from([0]),
            changes_in_part: limits.plan_changes.max(1),
            values: Vec::new(),
            bytes: 0,
            count_max: limits.chunk,
            bytes_max: limits.chunk_bytes,
            value_bytes: limits.value_bytes,
        }
    }

    /// Goes on with a plan that has this many changes. `last`: those of its last part, which is not
    /// full.
    pub fn going_on(mut self, planned: usize, last: Vec<Change>) -> Self {
        self.skipped = planned - planned % self.changes_in_part;
        self.changes = last;
        if planned > 0 {
            self.parts_to_write.clear();
        }
        self
    }

    pub fn held(&self) -> &'h Held<'l, S, C> {
        self.held
    }

    /// Adds to the plan. It is written before the next value.
    pub fn plan(&mut self, changes: impl IntoIterator<Item = Change>) {
        let first = self.skipped + self.changes.len();
        self.changes.extend(changes);
        let end = self.skipped + self.changes.len();
        let parts = first / self.changes_in_part..end.div_ceil(self.changes_in_part);
        self.parts_to_write.extend(parts);
    }

    /// Keeps the old version of the value that a change names: cleaning does not delete it.
    pub fn spare(&mut self, change: usize) {
        if let Some(spared) = self.changes.get_mut(change) {
            spared.before = 0;
            self.parts_to_write.insert(change / self.changes_in_part);
        }
    }

    pub async fn put(&mut self, key: String, value: Vec<u8>) -> Result<(), Stop> {
        let cut = cut(key, value, self.value_bytes);
        if let Some(note) = cut.note {
            self.values.push(note);
            self.send().await?;
        }
        for (key, value) in cut.values {
            self.bytes += value.len();
            self.values.push((key, value));
            if self.values.len() >= self.count_max || self.bytes >= self.bytes_max {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Sends the values that wait. The plan is written first, if it changed: one part after the
    /// other, so that no part is there without the parts before it.
    pub async fn send(&mut self) -> Result<(), Stop> {
        while let Some(part) = self.parts_to_write.pop_first() {
            let key = keys::plan(self.k, part as u64);
            let first = (part * self.changes_in_part).saturating_sub(self.skipped);
            let changes = self.changes.iter().skip(first).take(self.changes_in_part);
            let plan = Plan {
                base: self.base,
                changes: changes.copied().collect(),
            };
            let value = encode(&key, &plan)?;
            self.held.store().await?.set(&key, value).await?;
        }
        self.bytes = 0;
        let values = std::mem::take(&mut self.values);
        if !values.is_empty() {
            self.held.store().await?.set_many(values).await?;
        }
        Ok(())
    }
}

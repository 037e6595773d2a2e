//! Values kept in the store, so that all instances share them.

use std::ops::Range;

use rollcall_store::value::{decode, encode, layout_of};
use rollcall_store::{Clock, Store};
use rollcall_tally::{Found, Kept, Place};

use crate::keys::Slot;
use crate::stored::{ANSWERS_SINCE, Value};
use crate::{Shared, SharedError};

/// Keys deleted by one call. Few, because all other users of the store wait for the call.
const FORGOTTEN_AT_ONCE: usize = 25;

impl<S: Store, C: Clock> Shared<'_, S, C> {
    /// The value kept in a place, if it was computed after `newer_than_ms`, and whether somebody
    /// makes its successor.
    pub async fn get(&self, place: &Place, newer_than_ms: u64) -> Result<Found, SharedError> {
        let slot = self.slot_of(place);
        let value = self.value(slot).await?;
        let generation = value.as_ref().map_or(0, |value| value.computed_at_ms);
        let is_claimed = self.is_claimed(slot).await?;
        let is_wanted = |value: &Value| value.is_of(place) && value.computed_at_ms > newer_than_ms;
        let value = value.filter(is_wanted);
        Ok(Found {
            kept: value.map(|value| value.into_kept(place.clone())),
            generation,
            is_claimed,
        })
    }

    /// Keeps a value in its place, and ends the claim on the `generation` before it. Also deletes
    /// expired answers in a few slots.
    pub async fn put(&self, kept: &Kept, generation: u64) -> Result<(), SharedError> {
        let slot = self.slot_of(&kept.place);
        let key = slot.value();
        self.store
            .set(&key, encode(&key, &Value::of(kept))?)
            .await?;
        self.end_claims(slot, generation).await?;
        let first = self.clock.unique() % self.limits.slots;
        let some = first..first.saturating_add(self.limits.slots_swept);
        self.sweep_slots(some).await
    }

    /// Deletes every answer that has expired.
    pub async fn sweep(&self) -> Result<(), SharedError> {
        self.sweep_slots(0..self.limits.slots).await
    }

    /// Deletes every answer, and the last check of the alerts: they may name an IP that is erased.
    pub async fn forget(&self) -> Result<(), SharedError> {
        let slots = (0..self.limits.slots).map(Slot::Answer);
        let keys = slots.chain([Slot::LAST_CHECK]).map(Slot::value);
        let keys: Vec<String> = keys.collect();
        for keys in keys.chunks(FORGOTTEN_AT_ONCE) {
            self.store.delete_many(keys).await?;
        }
        Ok(())
    }

    async fn sweep_slots(&self, slots: Range<u64>) -> Result<(), SharedError> {
        for slot in slots {
            let slot = Slot::Answer(slot % self.limits.slots);
            // If the answer has expired, reading it deletes it.
            match self.value(slot).await {
                Err(SharedError::Unreadable(_)) => self.store.delete(&slot.value()).await?,
                read => drop(read?),
            }
        }
        Ok(())
    }

    /// The time at which the value in a slot was computed. 0: the slot is empty.
    pub(crate) async fn generation_of(&self, slot: Slot) -> Result<u64, SharedError> {
        let value = self.value(slot).await?;
        Ok(value.map_or(0, |value| value.computed_at_ms))
    }

    /// The value in a slot. If an answer is too old to be given, or has an older layout, it is
    /// deleted.
    async fn value(&self, slot: Slot) -> Result<Option<Value>, SharedError> {
        let key = slot.value();
        let Some(bytes) = self.store.get(&key).await? else {
            return Ok(None);
        };
        let is_answer = matches!(slot, Slot::Answer(_));
        if is_answer && layout_of(&key, &bytes)? < ANSWERS_SINCE {
            self.store.delete(&key).await?;
            return Ok(None);
        }
        let value: Value = decode(&key, &bytes)?;
        let age_ms = self.clock.wall_ms().saturating_sub(value.computed_at_ms);
        if age_ms <= self.limits.kept_ms || matches!(slot, Slot::Note(_)) {
            return Ok(Some(value));
        }
        self.store.delete(&key).await?;
        self.end_claims(slot, value.computed_at_ms).await?;
        Ok(None)
    }

    pub(crate) fn slot_of(&self, place: &Place) -> Slot {
        Slot::of(place, self.limits.slots)
    }
}

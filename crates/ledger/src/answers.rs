//! Answers kept in the store, so that all instances share them, and who computes one.
//!
//! The ledger needs nothing of this: what is lost or done twice here costs a computation and is never wrong. There is a fixed number of
//! slots, and a question always has the same one. So the keys are known without a list, and what has expired can be found and deleted.
//!
//! One value beside them is kept and claimed in the same way, but for ever and by itself: what was told of the alerts.

use std::ops::Range;

use rollcall_tally::alert::BOOK;
use rollcall_tally::{KeptAnswer, Recalled};

use rollcall_store::value::{decode, encode};

use crate::stored::Lease;
use crate::{Clock, Ledger, LedgerError, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// The answer kept for a question, if it was computed after `newer_than_ms`, and whether somebody computes another one.
    pub async fn recall(
        &self,
        question: &str,
        newer_than_ms: u64,
    ) -> Result<Recalled, LedgerError> {
        let slot = self.slot_of(question);
        let kept = self.kept(slot).await?;
        let generation = generation(&kept);
        let claim = self.get::<Lease>(&keys::claim(slot)).await?;
        let is_live = self.is_live(claim);
        Ok(Recalled {
            answer: kept
                .filter(|kept| kept.question == question && kept.computed_at_ms > newer_than_ms),
            generation,
            is_claimed: is_live,
        })
    }

    /// Says that the caller is about to compute an answer. False: somebody else is, or has just done so. A claim holds for
    /// [`lease_ms`](crate::limits::Limits::lease_ms), and longer if it is renewed.
    ///
    /// `generation` is what [`Self::recall`] told. The first to count it is who computes; a counter needs no lock.
    pub async fn claim(&self, question: &str, generation: u64) -> Result<bool, LedgerError> {
        let slot = self.slot_of(question);
        let counter = keys::claims(slot, generation);
        if self.store.increment(&counter, 1).await? != 1 {
            return Ok(false);
        }
        // Whoever computed this generation's successor deleted the counter, so that it may have begun anew.
        if self::generation(&self.kept(slot).await?) != generation {
            self.store.delete(&counter).await?;
            return Ok(false);
        }
        self.renew_claim(question).await?;
        Ok(true)
    }

    /// Says that the caller is still computing.
    pub async fn renew_claim(&self, question: &str) -> Result<(), LedgerError> {
        let key = keys::claim(self.slot_of(question));
        let lease = Lease {
            owner: 0,
            until_ms: self.clock.wall_ms() + self.limits.lease_ms,
        };
        Ok(self.store.set(&key, encode(&key, &lease)?).await?)
    }

    /// Gives a claim up, for somebody else to try.
    pub async fn end_claim(&self, question: &str, generation: u64) -> Result<(), LedgerError> {
        self.end_claims(self.slot_of(question), generation).await
    }

    /// Keeps an answer in the place of whatever its slot holds, and ends the claim of its `generation`. Expired ones in a few
    /// other slots are deleted on the way.
    pub async fn keep(&self, answer: &KeptAnswer, generation: u64) -> Result<(), LedgerError> {
        let slot = self.slot_of(&answer.question);
        let key = keys::answer(slot);
        self.store.set(&key, encode(&key, answer)?).await?;
        self.end_claims(slot, generation).await?;
        let first = self.clock.unique() % self.limits.answer_slots;
        let some = first..first.saturating_add(self.limits.answer_slots_swept);
        self.sweep(some).await
    }

    /// Deletes every answer that has expired.
    pub async fn sweep_all(&self) -> Result<(), LedgerError> {
        self.sweep(0..self.limits.answer_slots).await
    }

    async fn sweep(&self, slots: Range<u64>) -> Result<(), LedgerError> {
        for slot in slots {
            // Reading one deletes it where it has expired.
            match self.kept(slot % self.limits.answer_slots).await {
                Err(LedgerError::Corrupt { key, .. } | LedgerError::OtherLayout { key, .. }) => {
                    self.store.delete(&key).await?;
                }
                read => drop(read?),
            }
        }
        Ok(())
    }

    /// What a slot holds. Too old to be of use to anybody: it is deleted.
    async fn kept(&self, slot: u64) -> Result<Option<KeptAnswer>, LedgerError> {
        let key = keys::answer(slot);
        let Some(bytes) = self.store.get(&key).await? else {
            return Ok(None);
        };
        let kept: KeptAnswer = decode(&key, &bytes)?;
        let age_ms = self.clock.wall_ms().saturating_sub(kept.computed_at_ms);
        if age_ms <= self.limits.answers_kept_ms || kept.question == BOOK {
            return Ok(Some(kept));
        }
        self.store.delete(&key).await?;
        self.end_claims(slot, kept.computed_at_ms).await?;
        Ok(None)
    }

    async fn end_claims(&self, slot: u64, generation: u64) -> Result<(), LedgerError> {
        let ended = [keys::claims(slot, generation), keys::claim(slot)];
        Ok(self.store.delete_many(&ended).await?)
    }

    /// The alerts' is behind those of the answers, which push each other out.
    fn slot_of(&self, question: &str) -> u64 {
        match question {
            BOOK => self.limits.answer_slots,
            _ => keys::hash(question.as_bytes()) % self.limits.answer_slots,
        }
    }
}

/// When what a slot holds was computed. 0: it is empty.
fn generation(kept: &Option<KeptAnswer>) -> u64 {
    kept.as_ref().map_or(0, |kept| kept.computed_at_ms)
}

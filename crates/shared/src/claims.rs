//! Claims: one instance makes the successor of a kept value, and the others wait.

use rollcall_store::value::{decode, encode};
use rollcall_store::{Clock, Store};
use rollcall_tally::Place;

use crate::keys::Slot;
use crate::stored::Claim;
use crate::{Shared, SharedError};

impl<S: Store, C: Clock> Shared<'_, S, C> {
    /// Says that the caller is going to make the successor of a generation. False: another instance
    /// does so, or has just done so. A claim holds for [`claim_ms`](crate::Limits::claim_ms), and
    /// longer if it is renewed.
    ///
    /// [`Self::get`] gives the `generation`. The first caller to increment the generation's counter
    /// has the claim. A counter needs no lock.
    pub async fn claim(&self, place: &Place, generation: u64) -> Result<bool, SharedError> {
        let slot = self.slot_of(place);
        let counter = slot.claims(generation);
        if self.store.increment(&counter, 1).await? != 1 {
            return Ok(false);
        }
        // The maker of this generation's successor deleted the counter. So the counter may have
        // started again at 0.
        if self.generation_of(slot).await? != generation {
            self.store.delete(&counter).await?;
            return Ok(false);
        }
        self.renew_claim(place).await?;
        Ok(true)
    }

    /// Says that the caller still makes the successor.
    pub async fn renew_claim(&self, place: &Place) -> Result<(), SharedError> {
        let key = self.slot_of(place).claim();
        let until_ms = self.clock.wall_ms() + self.limits.claim_ms;
        Ok(self
            .store
            .set(&key, encode(&key, &Claim { until_ms })?)
            .await?)
    }

    /// Gives up a claim, so that another instance can try.
    pub async fn end_claim(&self, place: &Place, generation: u64) -> Result<(), SharedError> {
        self.end_claims(self.slot_of(place), generation).await
    }

    pub(crate) async fn end_claims(&self, slot: Slot, generation: u64) -> Result<(), SharedError> {
        let ended = [slot.claims(generation), slot.claim()];
        Ok(self.store.delete_many(&ended).await?)
    }

    /// Whether somebody makes the successor. A claim that cannot be read does not count.
    pub(crate) async fn is_claimed(&self, slot: Slot) -> Result<bool, SharedError> {
        let key = slot.claim();
        let Some(bytes) = self.store.get(&key).await? else {
            return Ok(false);
        };
        let now_ms = self.clock.wall_ms();
        let latest_ms = now_ms + self.limits.claim_ms + self.limits.clocks_ms;
        let claim = decode::<Claim>(&key, &bytes);
        Ok(claim.is_ok_and(|claim| (now_ms + 1..=latest_ms).contains(&claim.until_ms)))
    }
}

//! What an older layout kept.

use rollcall_store::value::{decode, from_layout_3};
use rollcall_store::{Clock, Store};
use rollcall_tally::Place;

use crate::keys::Slot;
use crate::stored::Value;
use crate::{Shared, SharedError};

/// The slot of the state of the notifications, up to layout 3: the one behind those of the answers.
const OLD_NOTIFICATIONS: Slot = Slot::Answer(256);

impl<S: Store, C: Clock> Shared<'_, S, C> {
    /// Moves the state of the notifications to its place. May die, and be taken again. Answers are deleted when they are next looked for.
    pub async fn upgrade(&self) -> Result<(), SharedError> {
        let old = OLD_NOTIFICATIONS.value();
        let Some(bytes) = self.store.get(&old).await? else {
            return Ok(());
        };
        if let Some(bytes) = from_layout_3(&old, &bytes) {
            let value: Value = decode(&old, &bytes)?;
            self.put(&value.into_kept(Place::Notifications), 0).await?;
        }
        Ok(self.store.delete(&old).await?)
    }
}

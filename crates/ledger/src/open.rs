//! Opening a store: claiming an empty one, refusing one that is not ours, and bringing up one of an older layout.
//!
//! `meta` is written first: from then on no older version opens the store. Then all rollups are built, as a fold would. `meta` is written
//! again last; until then, nobody else folds and no question is answered. Batches are appended meanwhile. Each step may die and be taken
//! again.

use rollcall_store::value::{LAYOUT, decode, encode, layout_of};

use crate::lease::Held;
use crate::stop::Stop;
use crate::stored::Meta;
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// The oldest layout that is brought up.
const OLDEST_LAYOUT: u8 = 4;

/// How a store was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    Ready,
    /// It has an older layout. [`Ledger::append`] may be called, and [`Ledger::upgrade`] must be, before anything else.
    Upgrading,
}

/// What became of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgraded {
    Done,
    /// Somebody else is at it.
    Busy,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// To be called before anything else. Claims an empty store, and refuses one of a layout that this version does not know.
    pub async fn open(&self) -> Result<Opened, LedgerError> {
        let Some(bytes) = self.store.get(keys::META).await? else {
            self.write_meta(None).await?;
            return Ok(Opened::Ready);
        };
        let (layout, shards, upgrading_from) = read_meta(&bytes)?;
        let ours = self.limits.shards as u32;
        if !(OLDEST_LAYOUT..=LAYOUT).contains(&layout) || shards != ours {
            return Err(LedgerError::OtherStore(format!(
                "the store has layout {layout} with {shards} shards, this Rollcall reads layouts {OLDEST_LAYOUT} to {LAYOUT} with {ours}: \
                 run the version that filled the store, or give this one an empty store"
            )));
        }
        if layout < LAYOUT {
            self.write_meta(Some(layout)).await?;
        }
        match layout < LAYOUT || upgrading_from.is_some() {
            true => Ok(Opened::Upgrading),
            false => Ok(Opened::Ready),
        }
    }

    /// Has the store brought up once more: an older version wrote to it after it was.
    pub async fn open_again(&self) -> Result<(), LedgerError> {
        self.write_meta(Some(OLDEST_LAYOUT)).await
    }

    /// Brings an older store up to this layout.
    pub async fn upgrade(&self) -> Result<Upgraded, LedgerError> {
        let lease = self.hint(keys::LEASE).await?;
        if self.is_live(lease) {
            return Ok(Upgraded::Busy);
        }
        let Some(held) = Held::take(self, 0).await? else {
            return Ok(Upgraded::Busy);
        };
        let upgraded = self.upgrade_held(&held).await;
        let released = held.release().await;
        match upgraded {
            Ok(()) => released.map(|()| Upgraded::Done),
            Err(Stop::Lost) => released.map(|()| Upgraded::Busy),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    async fn upgrade_held(&self, held: &Held<'_, S, C>) -> Result<(), Stop> {
        self.rebuild(held).await?;
        held.store().await?;
        Ok(self.write_meta(None).await?)
    }

    async fn write_meta(&self, upgrading_from: Option<u8>) -> Result<(), LedgerError> {
        let meta = Meta {
            shards: self.limits.shards as u32,
            upgrading_from,
        };
        let value = encode(keys::META, &meta)?;
        Ok(self.store.set(keys::META, value).await?)
    }
}

/// The layout, the number of shards, and which layout it is being brought up from.
fn read_meta(bytes: &[u8]) -> Result<(u8, u32, Option<u8>), LedgerError> {
    // Up to layout 3, values had no checksum, and began with this byte.
    if let [1, _, ..] = bytes
        && layout_of(keys::META, bytes).is_err()
    {
        return Ok((3, 0, None));
    }
    match (
        layout_of(keys::META, bytes)?,
        decode::<Meta>(keys::META, bytes),
    ) {
        (layout, Ok(meta)) => Ok((layout, meta.shards, meta.upgrading_from)),
        // Which number of shards it has is for the version to know that wrote it.
        (layout, Err(rollcall_store::Unreadable::OtherLayout { .. })) => Ok((layout, 0, None)),
        (_, Err(error)) => Err(error.into()),
    }
}

//! Opens a store: claims an empty store, refuses a store that this version cannot use, and upgrades
//! a store of an older layout.
//!
//! An upgrade writes `meta` first: from then on no older version opens the store. Then it builds
//! all rollups, as a fold would. It writes `meta` again last. Until then, nobody else folds, and no
//! question is answered. Batches are appended meanwhile. Each step may die and be done again.

use rollcall_store::value::{LAYOUT, decode, encode, layout_of};
use rollcall_tally::time_zone::Zone;
use rollcall_tally::window::Ranges;

use crate::lease::Held;
use crate::stop::Stop;
use crate::stored::{Meta, Meta5};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// The oldest layout that can be upgraded.
const OLDEST_LAYOUT: u8 = 4;

/// The state in which a store was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    Ready,
    /// The store has an older layout. [`Ledger::append`] may be called. [`Ledger::upgrade`] must be
    /// called before anything else.
    Upgrading,
}

/// How an upgrade ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgraded {
    Done,
    /// Another instance is at work.
    Busy,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Claims an empty store, and refuses a store of a layout that this version does not know. Must
    /// be called before anything else.
    pub async fn open(&self) -> Result<Opened, LedgerError> {
        let Some(bytes) = self.store.get(keys::META).await? else {
            self.write_meta(None, self.limits.zone.name()).await?;
            return Ok(Opened::Ready);
        };
        let (layout, meta) = self.known_meta(&bytes)?;
        let upgrading_from = match layout {
            4 => Some(layout),
            // Values of layout 5 are read as they are.
            _ => meta.upgrading_from,
        };
        if layout < LAYOUT {
            self.write_meta(upgrading_from, &meta.zone).await?;
        }
        match upgrading_from {
            Some(_) => Ok(Opened::Upgrading),
            None => Ok(Opened::Ready),
        }
    }

    /// Finds the time zone of the store, whatever the limits say. None: the store is empty. A ledger
    /// for anything but [`Self::open`] must have this time zone.
    pub async fn zone(&self) -> Result<Option<Zone>, LedgerError> {
        let Some(bytes) = self.store.get(keys::META).await? else {
            return Ok(None);
        };
        let name = self.known_meta(&bytes)?.1.zone;
        let zone = Zone::named(&name).ok_or_else(|| {
            LedgerError::OtherStore(format!(
                "the store has the time zone {name:?}, which this Rollcall does not know"
            ))
        });
        zone.map(Some)
    }

    /// The ranges of the buckets at a moment.
    pub fn ranges(&self, at_ms: u64) -> Ranges {
        Ranges::at(at_ms, self.limits.zone.calendar(at_ms))
    }

    /// Marks the store for another upgrade: an older version wrote to it after the upgrade.
    pub async fn open_again(&self) -> Result<(), LedgerError> {
        let zone = self.limits.zone.name();
        self.write_meta(Some(OLDEST_LAYOUT), zone).await
    }

    /// Upgrades an older store to this layout.
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
        Ok(self.write_meta(None, self.limits.zone.name()).await?)
    }

    /// Reads `meta`, and refuses a store that this version does not know.
    fn known_meta(&self, bytes: &[u8]) -> Result<(u8, Meta), LedgerError> {
        let (layout, meta) = read_meta(bytes)?;
        let (shards, ours) = (meta.shards, self.limits.shards as u32);
        if !(OLDEST_LAYOUT..=LAYOUT).contains(&layout) || shards != ours {
            return Err(LedgerError::OtherStore(format!(
                "the store has layout {layout} with {shards} shards, this Rollcall reads layouts {OLDEST_LAYOUT} to {LAYOUT} with {ours}: \
                 run the version that filled the store, or give this one an empty store"
            )));
        }
        Ok((layout, meta))
    }

    async fn write_meta(&self, upgrading_from: Option<u8>, zone: &str) -> Result<(), LedgerError> {
        let meta = Meta {
            shards: self.limits.shards as u32,
            upgrading_from,
            zone: zone.to_owned(),
        };
        let value = encode(keys::META, &meta)?;
        Ok(self.store.set(keys::META, value).await?)
    }
}

/// The layout, and as much of `meta` as this version can read.
fn read_meta(bytes: &[u8]) -> Result<(u8, Meta), LedgerError> {
    let unknown = Meta {
        shards: 0,
        upgrading_from: None,
        zone: String::new(),
    };
    // Up to layout 3, values had no checksum and began with this byte.
    if let [1, _, ..] = bytes
        && layout_of(keys::META, bytes).is_err()
    {
        return Ok((3, unknown));
    }
    let layout = layout_of(keys::META, bytes)?;
    let meta = match layout {
        ..=5 => decode::<Meta5>(keys::META, bytes).map(Meta::from),
        _ => decode::<Meta>(keys::META, bytes),
    };
    match meta {
        Ok(meta) => Ok((layout, meta)),
        // Only the version that wrote the value knows its content.
        Err(rollcall_store::Unreadable::OtherLayout { .. }) => Ok((layout, unknown)),
        Err(error) => Err(error.into()),
    }
}

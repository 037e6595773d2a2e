//! Opening a store: claiming an empty one, refusing one that is not ours, and bringing up one of an older layout.
//!
//! Bringing up rewrites values in place, or under new keys: a value has the same meaning before and after, and says itself which layout it
//! has. So it may die at any call and be taken again, and two at once write the same bytes. `meta` is written first: from then on no older version opens
//! the store. It is written again last; until then, nobody folds and no question is answered. Batches are appended meanwhile.

use std::collections::BTreeSet;

use rollcall_store::value::{self, LAYOUT, encode};

use crate::lease::Held;
use crate::limits::Limits;
use crate::portion::Portion;
use crate::read::went_back;
use crate::stop::Stop;
use crate::stored::{Meta, OldMeta, Plan, Root, Shard, Versioned};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// The oldest layout that is brought up.
const OLDEST_LAYOUT: u8 = 3;

/// Bytes read or written by one call of an upgrade. Many: nobody but who appends waits for it.
const UPGRADE_BYTES: usize = 1 << 20;

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

/// An upgrade under way.
struct Upgrade<'h, 'l, S, C> {
    held: &'h Held<'l, S, C>,
    limits: Limits,
    portion: Portion,
}

impl<'l, S: Store, C: Clock> Upgrade<'_, 'l, S, C> {
    async fn store(&self) -> Result<&'l S, Stop> {
        self.held.store().await
    }

    /// Rewrites those of some values that are there and are of an older layout.
    async fn bring_up(&mut self, wanted: Vec<String>) -> Result<(), Stop> {
        let same = wanted.into_iter().map(|key| (key.clone(), key));
        self.rename(same.collect()).await
    }

    /// The same under new keys. An old value goes after the new one is there.
    async fn rename(&mut self, wanted: Vec<(String, String)>) -> Result<(), Stop> {
        let mut left = wanted.as_slice();
        while !left.is_empty() {
            let (chunk, rest) = left.split_at(self.portion.count().min(left.len()));
            left = rest;
            let old: Vec<String> = chunk.iter().map(|(old, _)| old.clone()).collect();
            let mut found = self.store().await?.get_many(&old).await?;
            let bytes = found.values().map(Vec::len).sum();
            self.portion.learn(chunk.len(), bytes, &self.limits);
            let (mut newer, mut gone) = (Vec::new(), Vec::new());
            for (old, new) in chunk {
                let old_bytes = found.remove(old);
                if let Some(value) = old_bytes.and_then(|bytes| value::from_layout_3(new, &bytes)) {
                    newer.push((new.clone(), value));
                    gone.extend((old != new).then(|| old.clone()));
                }
            }
            if !newer.is_empty() {
                self.store().await?.set_many(newer).await?;
            }
            for chunk in gone.chunks(self.limits.delete_chunk) {
                self.store().await?.delete_many(chunk).await?;
            }
        }
        Ok(())
    }
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

    /// Brings an older store up to this layout. All that a root reaches, and all that waits in the log.
    pub async fn upgrade(&self) -> Result<Upgraded, LedgerError> {
        let lease = self.hint(keys::LEASE).await?;
        if self.is_live(lease) {
            return Ok(Upgraded::Busy);
        }
        let Some(held) = Held::take(self, 0).await? else {
            return Ok(Upgraded::Busy);
        };
        let upgrade = Upgrade {
            held: &held,
            limits: Limits {
                chunk_bytes: UPGRADE_BYTES,
                ..self.limits.clone()
            },
            portion: Portion::of(1),
        };
        let upgraded = self.upgrade_held(upgrade).await;
        let released = held.release().await;
        match upgraded {
            Ok(()) => released.map(|()| Upgraded::Done),
            Err(Stop::Lost) => released.map(|()| Upgraded::Busy),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    async fn upgrade_held(&self, mut upgrade: Upgrade<'_, '_, S, C>) -> Result<(), Stop> {
        upgrade
            .rename(vec![(OLD_HEAD.to_owned(), keys::HEAD.to_owned())])
            .await?;
        let hints = [keys::CLEANED, keys::CLEANER];
        upgrade.bring_up(hints.map(str::to_owned).into()).await?;
        let head = self.head().await?;
        let top = upgrade.store().await?.increment(keys::LOG_NEXT, 0).await?;
        went_back(keys::LOG_NEXT, top, head.log)?;
        let log = (head.low + 1..=top).map(keys::log);
        upgrade.bring_up(log.collect()).await?;
        let newest = upgrade.store().await?.increment(keys::FOLD, 0).await?;
        // A fold above the head's may be confirmed, too; and a head may be an old one, so that its own root is gone.
        let folds = head.k.max(1)..=newest;
        let roots = folds.clone().map(keys::root);
        upgrade.bring_up(roots.collect()).await?;
        // Some have no root that lists their plan. Cleaning deletes by it all the same.
        let mut plans: BTreeSet<u64> = folds.clone().collect();
        for k in folds {
            if let Some(root) = self.get::<Root>(&keys::root(k)).await? {
                self.upgrade_named(&mut upgrade, &root).await?;
                plans.extend(root.replaced.iter().map(|fold| fold.k));
                plans.extend(root.void.iter().flat_map(|void| void.first..=void.last));
            }
        }
        self.upgrade_plans(&mut upgrade, plans).await?;
        upgrade.store().await?;
        Ok(self.write_meta(None).await?)
    }

    /// All that a root names. Some of it may be gone, where the root is of a lost fold.
    async fn upgrade_named(
        &self,
        upgrade: &mut Upgrade<'_, '_, S, C>,
        root: &Root,
    ) -> Result<(), Stop> {
        let ids = root
            .ids
            .iter()
            .map(|ids| keys::ids(ids.number, ids.version));
        upgrade.bring_up(ids.collect()).await?;
        let shards = root.shards.iter().copied().enumerate();
        let shards: Vec<(usize, u64)> = shards.filter(|(_, version)| *version > 0).collect();
        let renamed = shards
            .iter()
            .map(|(s, k)| (old_shard(*s, *k), keys::shard(*s, *k)));
        upgrade.rename(renamed.collect()).await?;
        let mut states = Vec::new();
        for (shard, k) in shards {
            let index = self.get::<Shard>(&keys::shard(shard, k)).await?;
            let index = index.unwrap_or_default().0;
            states.extend(index.iter().map(|(ip, entry)| keys::ip(ip, entry.version)));
        }
        upgrade.bring_up(states).await
    }

    /// Plans; and the shards that they name under their old keys, which nobody reads any more, and cleaning does not know.
    async fn upgrade_plans(
        &self,
        upgrade: &mut Upgrade<'_, '_, S, C>,
        folds: BTreeSet<u64>,
    ) -> Result<(), Stop> {
        upgrade
            .bring_up(folds.iter().copied().map(keys::plan).collect())
            .await?;
        for k in folds {
            let plan = self.get::<Plan>(&keys::plan(k)).await?.unwrap_or_default();
            let shards = plan.changes.iter().filter_map(|change| match change.of {
                Versioned::Shard(shard) => Some([(shard, change.before), (shard, k)]),
                _ => None,
            });
            let old: Vec<String> = shards.flatten().map(|(s, k)| old_shard(s, k)).collect();
            for chunk in old.chunks(self.limits.delete_chunk) {
                upgrade.store().await?.delete_many(chunk).await?;
            }
        }
        Ok(())
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

/// The head, up to layout 3.
const OLD_HEAD: &str = "mark";

/// A shard, up to layout 3.
fn old_shard(shard: usize, k: u64) -> String {
    format!("page:{shard}:{k}")
}

/// The layout, the number of shards, and which layout it is being brought up from.
fn read_meta(bytes: &[u8]) -> Result<(u8, u32, Option<u8>), LedgerError> {
    match value::decode::<Meta>(keys::META, bytes) {
        Ok(meta) => Ok((LAYOUT, meta.shards, meta.upgrading_from)),
        Err(value::Unreadable::OtherLayout { layout: 3, .. }) => {
            // Layouts 1 to 3 look alike; this value says which it is.
            let newer = value::from_layout_3(keys::META, bytes).unwrap_or_default();
            let old: OldMeta = value::decode(keys::META, &newer)?;
            Ok((
                u8::try_from(old.layout).unwrap_or(u8::MAX),
                old.shards,
                None,
            ))
        }
        // Which number of shards it has is for the version to know that wrote it.
        Err(value::Unreadable::OtherLayout { layout, .. }) => Ok((layout, 0, None)),
        Err(error) => Err(error.into()),
    }
}

//! Opening a store: claiming an empty one, refusing one that is not ours, and bringing up one of an older layout.
//!
//! Bringing up rewrites values in place: a value has the same meaning before and after, and says itself which layout it has. So it may
//! die at any call and be taken again, and two at once write the same bytes. `meta` is written first: from then on no older version opens
//! the store. It is written again last; until then, nobody folds and no question is answered. Batches are appended meanwhile.

use rollcall_store::value::{self, LAYOUT, encode};

use crate::fold::{Stop, went_back};
use crate::lease::Held;
use crate::limits::Limits;
use crate::portion::Portion;
use crate::stored::{Mark, Meta, OldMeta, Page, Root};
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
        let mut left = wanted.as_slice();
        while !left.is_empty() {
            let (chunk, rest) = left.split_at(self.portion.count().min(left.len()));
            left = rest;
            let found = self.store().await?.get_many(chunk).await?;
            let bytes = found.values().map(Vec::len).sum();
            self.portion.learn(chunk.len(), bytes, &self.limits);
            let newer = found.into_iter().filter_map(|(key, bytes)| {
                let value = value::from_layout_3(&key, &bytes)?;
                Some((key, value))
            });
            let newer: Vec<(String, Vec<u8>)> = newer.collect();
            if !newer.is_empty() {
                self.store().await?.set_many(newer).await?;
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
        let (layout, pages, upgrading_from) = read_meta(&bytes)?;
        let ours = self.limits.pages as u32;
        if !(OLDEST_LAYOUT..=LAYOUT).contains(&layout) || pages != ours {
            return Err(LedgerError::OtherStore(format!(
                "the store has layout {layout} with {pages} pages, this Rollcall reads layouts {OLDEST_LAYOUT} to {LAYOUT} with {ours}: \
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
        let overwritten = [keys::MARK, keys::CLEANED, keys::CLEANER];
        upgrade
            .bring_up(overwritten.map(str::to_owned).into())
            .await?;
        let mark: Mark = self.get(keys::MARK).await?.unwrap_or_default();
        let top = upgrade.store().await?.increment(keys::LOG_NEXT, 0).await?;
        went_back(keys::LOG_NEXT, top, mark.log)?;
        let log = (mark.low + 1..=top).map(keys::log);
        upgrade.bring_up(log.collect()).await?;
        let newest = upgrade.store().await?.increment(keys::FOLD, 0).await?;
        // A fold above the mark's may be confirmed, too; and a mark may be an old one, so that its own root is gone.
        let folds = mark.k.max(1)..=newest;
        // Those may have no root that lists their plan. Cleaning deletes by it.
        let plans = folds.clone().map(keys::plan);
        upgrade.bring_up(plans.collect()).await?;
        let roots = folds.clone().map(keys::root);
        upgrade.bring_up(roots.collect()).await?;
        for k in folds {
            if let Some(root) = self.get::<Root>(&keys::root(k)).await? {
                self.upgrade_named(&mut upgrade, &root).await?;
            }
        }
        let answers = (0..=self.limits.answer_slots).map(keys::answer);
        upgrade.bring_up(answers.collect()).await?;
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
        let replaced = root.replaced.iter().map(|fold| fold.k);
        let void = root.void.iter().flat_map(|void| void.first..=void.last);
        let plans = replaced.chain(void).map(keys::plan);
        upgrade.bring_up(ids.chain(plans).collect()).await?;
        let pages = root.pages.iter().enumerate();
        let pages = pages.filter(|(_, version)| **version > 0);
        let pages: Vec<String> = pages.map(|(page, k)| keys::page(page, *k)).collect();
        upgrade.bring_up(pages.clone()).await?;
        let mut states = Vec::new();
        for page in pages {
            let index = self.get::<Page>(&page).await?.unwrap_or_default();
            states.extend(
                index
                    .0
                    .iter()
                    .map(|(ip, entry)| keys::ip(ip, entry.version)),
            );
        }
        upgrade.bring_up(states).await
    }

    async fn write_meta(&self, upgrading_from: Option<u8>) -> Result<(), LedgerError> {
        let meta = Meta {
            pages: self.limits.pages as u32,
            upgrading_from,
        };
        let value = encode(keys::META, &meta)?;
        Ok(self.store.set(keys::META, value).await?)
    }
}

/// The layout, the number of pages, and which layout it is being brought up from.
fn read_meta(bytes: &[u8]) -> Result<(u8, u32, Option<u8>), LedgerError> {
    match value::decode::<Meta>(keys::META, bytes) {
        Ok(meta) => Ok((LAYOUT, meta.pages, meta.upgrading_from)),
        Err(value::Unreadable::OtherLayout { layout: 3, .. }) => {
            // Layouts 1 to 3 look alike; this value says which it is.
            let newer = value::from_layout_3(keys::META, bytes).unwrap_or_default();
            let old: OldMeta = value::decode(keys::META, &newer)?;
            Ok((u8::try_from(old.layout).unwrap_or(u8::MAX), old.pages, None))
        }
        // Which number of pages it has is for the version to know that wrote it.
        Err(value::Unreadable::OtherLayout { layout, .. }) => Ok((layout, 0, None)),
        Err(error) => Err(error.into()),
    }
}

//! Restores a backup. This is a long fold: it takes nothing from the log, writes all values of the
//! backup, and replaces all values of its base. It is done part by part, as the parts come, and
//! keeps the lease in between.
//!
//! Until its root is confirmed, nobody sees anything of it. If it dies, it is a void fold, and
//! cleaning deletes its values. Batches are appended meanwhile, and the next fold takes them.

use rollcall_store::value::{LAYOUT, encode};
use rollcall_tally::BackupHead;

use super::Folded;
use super::outbox::Outbox;
use crate::lease::Held;
use crate::read::went_back;
use crate::stop::Stop;
use crate::stored::{
    Change, Framed, Lease, Pace, Plan, Replaced, Restoring, Root, Shard, Uncounted, Versioned,
    framed_key, restored,
};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// The oldest layout of a store whose backup can be restored: the first one that had backups.
const OLDEST_RESTORED: u8 = 11;

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// Begins to restore a backup, or goes on. `id` names the backup. A store with hits, IPs or
    /// documents is refused, unless the backup is to replace them. Returns the part that comes next.
    pub async fn begin_restore(
        &self,
        id: &str,
        backup: &BackupHead,
        replace: bool,
    ) -> Result<u64, LedgerError> {
        self.fits(backup)?;
        let known = self.hint::<Restoring>(keys::RESTORE).await?;
        if let Some(known) = known
            && known.id == id
            && !known.is_done
            && self.count_of(keys::FOLD).await? == known.k
        {
            return Ok(known.next);
        }
        let head = self.head().await?;
        let lease = self.hint::<Lease>(keys::LEASE).await?;
        if self.is_live(lease) {
            return Err(LedgerError::Folding);
        }
        if let Some(root) = self.root_at(head.k).await? {
            may_be_replaced(&root, replace)?;
        }
        let Some(held) = Held::take(self, 0).await? else {
            return Err(LedgerError::Folding);
        };
        let k = self.store.increment(keys::FOLD, 1).await?;
        went_back(keys::FOLD, k, head.k + 1)?;
        held.fold_as(k);
        let base = self.base_below(&held, k, head.k).await.map_err(overtaken)?;
        if let Err(refused) = may_be_replaced(&base, replace) {
            held.release().await?;
            return Err(refused);
        }
        let restoring = Restoring {
            id: id.to_owned(),
            k,
            base: base.k,
            owner: 0,
            next: 0,
            values: 0,
            is_done: false,
        };
        self.note(restoring, held).await?;
        Ok(0)
    }

    /// Writes the values of a part. A part that was written before is left alone.
    pub async fn restore_part(
        &self,
        id: &str,
        number: u64,
        part: &[u8],
    ) -> Result<(), LedgerError> {
        let mut restoring = self.restoring(id).await?;
        if number < restoring.next || restoring.is_done {
            return Ok(());
        }
        if number > restoring.next {
            return Err(wrong_part(restoring.next));
        }
        let (mut changes, mut values) = (Vec::new(), Vec::new());
        for framed in frames(part)? {
            let of = framed.of.ok_or_else(root_too_early)?;
            values.push(restored(framed, of, restoring.k)?);
            changes.push(written(of));
        }
        let held = self.held_for(&restoring).await?;
        let put = async || {
            let mut outbox = self.outbox(&held, &restoring).await?;
            outbox.plan(changes.iter().copied());
            for (key, value) in values {
                outbox.put(key, value).await?;
            }
            outbox.send().await
        };
        put().await.map_err(overtaken)?;
        restoring.next += 1;
        restoring.values += changes.len() as u64;
        self.note(restoring, held).await
    }

    /// Confirms the restored root, if all of its values were written.
    pub async fn end_restore(&self, id: &str, number: u64, part: &[u8]) -> Result<(), LedgerError> {
        let mut restoring = self.restoring(id).await?;
        if restoring.is_done {
            return Ok(());
        }
        if number != restoring.next {
            return Err(wrong_part(restoring.next));
        }
        let framed = frames(part)?;
        let [Framed { of: None, value }] = framed.as_slice() else {
            return Err(LedgerError::NotRestored(
                "the last part is not the root of a backup".to_owned(),
            ));
        };
        let backup = Root::decode(&framed_key(None), value)?;
        let wanted = backup.named().len() as u64 + backup.ips;
        if restoring.values != wanted {
            return Err(LedgerError::NotRestored(format!(
                "the backup has {wanted} values, and {} came",
                restoring.values
            )));
        }
        let held = self.held_for(&restoring).await?;
        let folded = self.confirm(&held, &restoring, backup).await;
        if folded.map_err(overtaken)? != Folded::Done {
            return Err(overtaken(Stop::Lost));
        }
        restoring.is_done = true;
        let value = encode(keys::RESTORE, &restoring)?;
        self.store.set(keys::RESTORE, value).await?;
        held.release().await
    }

    async fn confirm(
        &self,
        held: &Held<'_, S, C>,
        restoring: &Restoring,
        backup: Root,
    ) -> Result<Folded, Stop> {
        let k = restoring.k;
        held.store().await?;
        let base = self.root_at(restoring.base).await?.ok_or(Stop::Lost)?;
        self.replace_all(held, restoring, &base).await?;
        let now_ms = self.clock.wall_ms();
        let next = self.successor(&base, k, now_ms).await?;
        let mut root = Root {
            k,
            folded_at_ms: now_ms,
            log: next.log,
            open: next.open,
            replaced: next.replaced,
            void: next.void,
            pace: Pace::default(),
            // Numbers of the other store's log say nothing about this one.
            uncounted: Uncounted {
                listed_from: next.log + 1,
                ..Uncounted::default()
            },
            ..backup
        };
        let erasures = root.erased.recent.values_mut();
        erasures.for_each(|erasure| erasure.log = 0);
        root.have_version(k);
        root.replaced.push(Replaced {
            k,
            since_ms: now_ms,
        });
        self.commit(held, &root).await
    }

    /// Plans that all values of the base are deleted.
    async fn replace_all(
        &self,
        held: &Held<'_, S, C>,
        restoring: &Restoring,
        base: &Root,
    ) -> Result<(), Stop> {
        let mut outbox = self.outbox(held, restoring).await?;
        let named = base.named();
        outbox.plan(named.iter().map(|(of, version)| replaced(*of, *version)));
        for (shard, version) in (0..).zip(&base.shards).filter(|(_, version)| **version > 0) {
            let key = keys::shard(shard, *version);
            let bytes = held.store().await?.get(&key).await?.ok_or(Stop::Lost)?;
            let index = Shard::decode(&key, &bytes)?;
            let states = index.iter();
            outbox.plan(states.map(|(ip, entry)| replaced(Versioned::Ip(*ip), entry.version)));
            outbox.send().await?;
            self.clock.give_way().await;
        }
        outbox.send().await
    }

    /// The plan so far, to go on with.
    async fn outbox<'h, 'l>(
        &'l self,
        held: &'h Held<'l, S, C>,
        restoring: &Restoring,
    ) -> Result<Outbox<'h, 'l, S, C>, Stop> {
        let planned = restoring.values as usize;
        let size = self.limits.plan_changes.max(1);
        let mut last = Vec::new();
        if !planned.is_multiple_of(size) {
            let key = keys::plan(restoring.k, (planned / size) as u64);
            let bytes = held.store().await?.get(&key).await?.ok_or(Stop::Lost)?;
            last = Plan::decode(&key, &bytes)?.changes;
            last.truncate(planned % size);
        }
        let outbox = Outbox::new(held, restoring.k, restoring.base, &self.limits);
        Ok(outbox.going_on(planned, last))
    }

    /// Whether this store can have the values of another one.
    fn fits(&self, backup: &BackupHead) -> Result<(), LedgerError> {
        let refuse = |reason: String| Err(LedgerError::NotRestored(reason));
        let (layout, shards, ours) = (backup.layout, backup.shards, self.limits.shards as u32);
        if !(OLDEST_RESTORED..=LAYOUT).contains(&layout) || shards != ours {
            return refuse(format!(
                "the backup has layout {layout} with {shards} shards, this Rollcall reads layouts \
                 {OLDEST_RESTORED} to {LAYOUT} with {ours}"
            ));
        }
        let (zone, ours) = (&backup.time_zone, self.limits.zone.name());
        if zone != ours {
            return refuse(format!(
                "the backup has the time zone {zone}, and this store has {ours}: restore into a \
                 store with the time zone of the backup"
            ));
        }
        Ok(())
    }

    /// How far the restore of this backup got.
    async fn restoring(&self, id: &str) -> Result<Restoring, LedgerError> {
        let known = self.hint::<Restoring>(keys::RESTORE).await?;
        known.filter(|known| known.id == id).ok_or_else(|| {
            LedgerError::NotRestored("no restore of this backup is under way".to_owned())
        })
    }

    /// Takes the lease again, unless the restore was overtaken.
    async fn held_for<'l>(&'l self, restoring: &Restoring) -> Result<Held<'l, S, C>, LedgerError> {
        let lease = self.hint::<Lease>(keys::LEASE).await?;
        let is_ours = lease.is_some_and(|lease| lease.owner == restoring.owner);
        if self.is_live(lease) && !is_ours {
            return Err(LedgerError::Folding);
        }
        let held = Held::take(self, 0).await?.ok_or(LedgerError::Folding)?;
        if self.count_of(keys::FOLD).await? != restoring.k {
            held.release().await?;
            return Err(overtaken(Stop::Lost));
        }
        held.fold_as(restoring.k);
        Ok(held)
    }

    /// Notes how far a restore got, and keeps the lease for the next request.
    async fn note(
        &self,
        mut restoring: Restoring,
        held: Held<'_, S, C>,
    ) -> Result<(), LedgerError> {
        restoring.owner = held.keep().await?;
        let value = encode(keys::RESTORE, &restoring)?;
        Ok(self.store.set(keys::RESTORE, value).await?)
    }
}

impl Root {
    /// The fold `k` wrote all values.
    fn have_version(&mut self, k: u64) {
        let shards = self.shards.iter_mut();
        let ids = self.ids.iter_mut().map(|chunk| &mut chunk.version);
        let rollups = self.rollups.iter_mut().map(|rollup| &mut rollup.version);
        let known = self.known.iter_mut().map(|part| &mut part.version);
        let lists = self.heaviest.iter_mut().map(|(_, version)| version);
        let all = shards.chain(ids).chain(rollups).chain(known).chain(lists);
        let all = all.chain(std::iter::once(&mut self.documents));
        all.filter(|version| **version > 0)
            .for_each(|version| *version = k);
    }
}

fn may_be_replaced(root: &Root, replace: bool) -> Result<(), LedgerError> {
    let is_empty = root.hits == 0 && root.ips == 0 && root.documents == 0;
    match is_empty || replace {
        true => Ok(()),
        false => Err(LedgerError::NotRestored(format!(
            "the store is not empty: it has {} hits of {} IPs",
            root.hits, root.ips
        ))),
    }
}

fn frames(mut part: &[u8]) -> Result<Vec<Framed<'_>>, LedgerError> {
    let mut framed = Vec::new();
    while !part.is_empty() {
        let read = postcard::take_from_bytes(part);
        let (next, left) = read.map_err(|_| {
            LedgerError::NotRestored("a part is not one of a backup of Rollcall".to_owned())
        })?;
        framed.push(next);
        part = left;
    }
    Ok(framed)
}

fn written(of: Versioned) -> Change {
    Change {
        of,
        is_written: true,
        before: 0,
    }
}

fn replaced(of: Versioned, before: u64) -> Change {
    Change {
        of,
        is_written: false,
        before,
    }
}

fn wrong_part(next: u64) -> LedgerError {
    LedgerError::NotRestored(format!("part {next} of the backup comes next"))
}

fn root_too_early() -> LedgerError {
    LedgerError::NotRestored("the root of a backup comes last".to_owned())
}

fn overtaken(stop: Stop) -> LedgerError {
    match stop {
        Stop::Lost => LedgerError::NotRestored(
            "a fold began meanwhile, and the restore has to begin anew".to_owned(),
        ),
        Stop::Failed(error) => error,
    }
}

//! Backup: all values of one root, in parts, while hits come in.
//!
//! No value of a root is ever overwritten. So a backup needs only that cleaning leaves them alone
//! for as long as it reads.

use rollcall_store::value::{LAYOUT, encode, layout_of, resealed};
use rollcall_tally::{BackupHead, BackupPart, BackupPlace};

use crate::stored::{Framed, Lease, Root, Shard, Versioned, framed_key};
use crate::{Clock, Ledger, LedgerError, Store, keys};

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// What a backup of a root tells of it, and of the store.
    pub fn backup_head(&self, root: &Root, batches_behind: u64) -> BackupHead {
        BackupHead {
            layout: LAYOUT,
            shards: self.limits.shards as u32,
            time_zone: self.limits.zone.name().to_owned(),
            root: root.k,
            as_of_ms: root.folded_at_ms,
            ips: root.ips,
            hits: root.hits,
            batches_behind,
        }
    }

    /// Reads a part of the backup of the root `k`.
    pub async fn backup_part(&self, k: u64, place: BackupPlace) -> Result<BackupPart, LedgerError> {
        self.keep_for_backup(k).await?;
        let gone = || LedgerError::Gone { key: keys::root(k) };
        let root = self.root_at(k).await?.ok_or_else(gone)?;
        let Some(stage) = (place.stage as usize).checked_sub(1) else {
            let named = root.named();
            return self.framed(&named, place, &[]).await;
        };
        match root.shards.get(stage) {
            Some(0) => Ok(BackupPart {
                bytes: Vec::new(),
                next: Some(next_stage(place)),
            }),
            Some(version) => {
                let key = keys::shard(stage, *version);
                let bytes = self.get_all(std::slice::from_ref(&key)).await?;
                let shard = Shard::decode(&key, bytes.first().map_or(&[], Vec::as_slice))?;
                let entries = shard.iter();
                let (states, lengths): (Vec<_>, Vec<_>) = entries
                    .map(|(ip, entry)| ((Versioned::Ip(*ip), entry.version), entry.bytes as usize))
                    .unzip();
                self.framed(&states, place, &lengths).await
            }
            None => {
                let root = Root { k: 0, ..root };
                let value = encode(&framed_key(None), &root)?;
                let mut bytes = Vec::new();
                frame(&mut bytes, None, &value)?;
                Ok(BackupPart { bytes, next: None })
            }
        }
    }

    /// Reads values until a part is full. `lengths` tells their lengths, as far as known.
    async fn framed(
        &self,
        values: &[(Versioned, u64)],
        place: BackupPlace,
        lengths: &[usize],
    ) -> Result<BackupPart, LedgerError> {
        let mut part = Vec::new();
        let mut at = place.at as usize;
        while part.len() < self.limits.backup_part_bytes
            && let Some(left) = values.get(at..)
            && !left.is_empty()
        {
            let mut bytes = 0;
            let fit = lengths.iter().skip(at).take_while(|length| {
                bytes += **length;
                bytes <= self.limits.chunk_bytes
            });
            let count = match lengths {
                [] => self.limits.parts_at_once,
                _ => fit.count().min(self.limits.chunk),
            };
            let chunk = left.get(..count.max(1)).unwrap_or(left);
            let of_key = |(of, version): &(Versioned, u64)| of.key(*version);
            let stored: Vec<String> = chunk.iter().map(of_key).collect();
            let found = self.get_all(&stored).await?;
            for (((of, _), key), bytes) in chunk.iter().zip(&stored).zip(found) {
                let is_state = matches!(of, Versioned::Ip(_));
                let value = match layout_of(key, &bytes) {
                    // A damaged state stays damaged.
                    Err(_) if is_state => bytes,
                    _ => resealed(key, &framed_key(Some(*of)), &bytes)?,
                };
                frame(&mut part, Some(*of), &value)?;
            }
            at += chunk.len();
            self.clock.give_way().await;
        }
        let next = match at < values.len() {
            true => BackupPlace {
                at: at as u32,
                ..place
            },
            false => next_stage(place),
        };
        Ok(BackupPart {
            bytes: part,
            next: Some(next),
        })
    }

    /// The oldest root that a backup reads, and until when.
    pub(crate) async fn backup_under_way(&self) -> Result<Option<Lease>, LedgerError> {
        let known = self.hint::<Lease>(keys::BACKUP).await?;
        let longest_ms = self.limits.backup_kept_ms;
        Ok(known.filter(|known| self.ends_within(Some(*known), longest_ms)))
    }

    /// Keeps cleaning from the values of a root and of later ones, for some time.
    async fn keep_for_backup(&self, k: u64) -> Result<(), LedgerError> {
        let kept_ms = self.limits.backup_kept_ms;
        let now_ms = self.clock.wall_ms();
        let known = self.backup_under_way().await?;
        if known.is_some_and(|known| known.owner <= k && known.until_ms > now_ms + kept_ms / 2) {
            return Ok(());
        }
        let backup = Lease {
            owner: known.map_or(k, |known| known.owner.min(k)),
            until_ms: now_ms + kept_ms,
        };
        let value = encode(keys::BACKUP, &backup)?;
        Ok(self.store.set(keys::BACKUP, value).await?)
    }
}

impl Root {
    /// All values that the root names itself, with their versions: all but states.
    pub(crate) fn named(&self) -> Vec<(Versioned, u64)> {
        let shards = (0..).map(Versioned::Shard);
        let shards = shards.zip(self.shards.iter().copied());
        let ids = self.ids.iter();
        let ids = ids.map(|chunk| (Versioned::Ids(chunk.number), chunk.version));
        let rollups = self.rollups.iter().flat_map(|rollup| {
            let paths = (0..rollup.parts).map(|part| Versioned::Paths(rollup.bucket, part));
            let all = std::iter::once(Versioned::Totals(rollup.bucket)).chain(paths);
            all.map(|of| (of, rollup.version))
        });
        let known = (0..).map(Versioned::Known);
        let known = known.zip(self.known.iter().map(|part| part.version));
        let lists = self.heaviest.iter();
        let lists = lists.map(|(bucket, version)| (Versioned::Heaviest(*bucket), *version));
        let documents = std::iter::once((Versioned::Documents, self.documents));
        let named = shards.chain(ids).chain(rollups).chain(known).chain(lists);
        let named = named.chain(documents);
        named.filter(|(_, version)| *version > 0).collect()
    }
}

fn next_stage(place: BackupPlace) -> BackupPlace {
    BackupPlace {
        stage: place.stage + 1,
        at: 0,
    }
}

fn frame(part: &mut Vec<u8>, of: Option<Versioned>, value: &[u8]) -> Result<(), LedgerError> {
    let framed = postcard::to_extend(&Framed { of, value }, std::mem::take(part));
    *part =
        framed.map_err(|error| rollcall_store::value::damaged("a backup", error.to_string()))?;
    Ok(())
}

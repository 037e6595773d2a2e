//! The functions of `rollcall:stats/collector` and `callers`, for calls over HTTP and over WIT.

use std::net::IpAddr;

use rollcall_formats::{self as formats, Context, Intake};
use rollcall_ledger::{BatchId, Current, Ledger, LedgerError, Listed, NewBatch, Opened, Root};
use rollcall_shared::Shared;
use rollcall_store::LAYOUT;
use rollcall_tally::accumulator::{Accumulator, StateQuery};
use rollcall_tally::bucket::BucketId;
use rollcall_tally::callers::CALLER_PATHS_MAX;
use rollcall_tally::document;
use rollcall_tally::filter::Addresses;
use rollcall_tally::question::BadParameter;
use rollcall_tally::report::StoredIp;
use rollcall_tally::{
    BackupHead, BackupPart, BackupPlace, Batch, BatchReceipt, Behind, CallerAnswer, Candidates,
    Document, DocumentKind, Failure, HeaviestQuery, IpList, IpRef, IpRows, IpState, LedgerStatus,
    RawHit, Receipt, ShardRange, Slice, Snapshot, Summary, Window,
};
use rollcall_web::{log, variable};

use crate::app_store::AppStore;
use crate::append::append;
use crate::background;
use crate::backlog;
use crate::clock::SpinClock;
use crate::gate;
use crate::reading::{Reading, reading};
use crate::store::SpinStore;

/// The most IPs of one batch. A larger batch is refused, because an instance reads a batch into
/// memory at once.
pub const BATCH_IPS_MAX: usize = 1_000;
/// If an IP was seen within this many days, it counts as active, unless `active_days` says
/// otherwise.
const ACTIVE_DAYS: u64 = 7;

/// The functions over this app's store, for one request.
pub struct Service {
    app: AppStore,
    /// While it lives, work behind the responses gives way to this request. None: the request
    /// itself waits for such work.
    answering: Option<gate::Counted>,
}

impl Service {
    pub async fn open() -> Result<Self, Failure> {
        let (service, opened) = Self::open_any().await?;
        match opened {
            Opened::Ready => Ok(service),
            Opened::Upgrading => Err(LedgerError::Upgrading.into()),
        }
    }

    /// For a request that records. It does not wait for an upgrade of the store.
    pub async fn open_to_record() -> Result<Self, Failure> {
        Ok(Self::open_any().await?.0)
    }

    async fn open_any() -> Result<(Self, Opened), Failure> {
        let answering = Some(gate::answering());
        let (app, opened) = AppStore::open(false).await?;
        if opened == Opened::Upgrading {
            background::upgrade();
        }
        Ok((Self { app, answering }, opened))
    }

    pub fn now_ms(&self) -> u64 {
        self.app.now_ms()
    }

    /// How hits are read now.
    pub fn context<'r>(&self, reading: &'r Reading) -> Context<'r> {
        Context {
            now_ms: self.now_ms(),
            rules: &reading.rules,
            map: reading.map.as_ref(),
            sender: None,
        }
    }

    pub fn ledger(&self) -> Ledger<'_, SpinStore, SpinClock> {
        self.app.ledger()
    }

    pub fn shared(&self) -> Shared<'_, SpinStore, SpinClock> {
        self.app.shared()
    }

    pub async fn record_raw(
        &self,
        hits: Vec<RawHit>,
        batch_id: Option<String>,
    ) -> Result<Receipt, Failure> {
        backlog::let_in(self.ledger()).await?;
        let reading = reading().await?;
        let intake = formats::check(hits, self.context(&reading));
        let intake = intake.map_err(|error| Failure::Invalid(error.to_string()))?;
        let id = batch_id.map(|id| formats::BatchId::new(id.as_bytes()));
        let id = id.transpose();
        let id = id.map_err(|bad| Failure::Invalid(format!("a batch id has {bad}")))?;
        self.record(intake, id.as_ref()).await
    }

    pub async fn record(
        &self,
        intake: Intake,
        batch_id: Option<&formats::BatchId>,
    ) -> Result<Receipt, Failure> {
        let mut receipt = Receipt {
            accepted: intake.hits.len() as u64,
            rejected: intake.rejected_count,
            rejections: intake.rejections,
            repaired: intake.repaired,
            excluded: intake.excluded,
            batch: None,
        };
        if !intake.hits.is_empty() {
            let batch = NewBatch {
                id: batch_id.map(|id| BatchId::of(id.as_str())),
                hits: intake.hits,
                repaired: intake.repaired,
            };
            let n = append(self.ledger(), batch).await?;
            backlog::after_append(n);
            background::after_append(n, receipt.accepted);
            receipt.batch = Some(n);
        }
        Ok(receipt)
    }

    pub async fn take_snapshot(mut self) -> Result<Snapshot, Failure> {
        let (root, behind) = self.folded().await?;
        Ok(Snapshot {
            behind,
            ..self.snapshot_of(&root)
        })
    }

    /// The newest root. Waits for a fold if necessary. While it waits, the fold does not give way to
    /// this request.
    async fn folded(&mut self) -> Result<(Root, Option<Behind>), Failure> {
        self.answering = None;
        let gave_up = background::gave_up();
        let ledger = self.ledger();
        let taken = ledger.snapshot(gave_up, background::have_folded).await?;
        let behind_at = taken.behind.map(|_| taken.root.k);
        background::after_question(behind_at);
        let behind = taken.behind.map(|behind| Behind {
            batches: behind.segments,
            lag_ms: behind.lag_ms,
            left_ms: behind.left_ms,
        });
        Ok((taken.root, behind))
    }

    /// Erases an IP. The erasure is durable before anything else is done: if a later step fails,
    /// the request may be sent again.
    pub async fn erase(mut self, ip: String) -> Result<(), Failure> {
        let ip = counted(&ip).await?;
        self.ledger().erase(&[ip]).await.map_err(Failure::from)?;
        // Answers that are kept may name the IP. So may those that are under way, until they are.
        background::forget_answers();
        self.folded().await?;
        Ok(self.shared().forget().await?)
    }

    pub async fn stored_ip(mut self, ip: String) -> Result<String, Failure> {
        let ip = counted(&ip).await?;
        let (root, behind) = self.folded().await?;
        if let Some(behind) = behind {
            return Err(Failure::Behind(behind));
        }
        let of = self.ledger().of_ip(root.k, &ip).await;
        let unknown = || Failure::NotFound(format!("Nothing is stored of the IP {ip}."));
        let of = of.map_err(Failure::from)?.ok_or_else(unknown)?;
        let stored = StoredIp::new(
            ip.to_string(),
            of.state.as_ref(),
            &of.lists,
            of.erased_until_ms,
        );
        let unwritable = |error| Failure::Unavailable(format!("an IP as JSON: {error}"));
        stored.json().map_err(unwritable)
    }

    pub async fn caller(
        &self,
        ip: String,
        window: Window,
        paths: u32,
    ) -> Result<CallerAnswer, Failure> {
        if paths > CALLER_PATHS_MAX {
            let reason = format!("an answer lists at most {CALLER_PATHS_MAX} paths");
            return Err(Failure::Invalid(reason));
        }
        let address = reading().await?.rules.addresses.counted_of_hit(&ip);
        let no_address = || Failure::Invalid(format!("{ip:?} is not an IP address"));
        let address = address.ok_or_else(no_address)?;
        let ledger = self.ledger();
        let answer = ledger.caller(&address, window, paths as usize).await;
        answer.map_err(Failure::from)
    }

    pub async fn find_batch(mut self, number: u64) -> Result<BatchReceipt, Failure> {
        let (root, _) = self.folded().await?;
        let (newest, _) = self
            .ledger()
            .log_and_folded()
            .await
            .map_err(Failure::from)?;
        if !(1..=newest).contains(&number) {
            let reason = format!("No batch has the number {number}.");
            return Err(Failure::NotFound(reason));
        }
        Ok(BatchReceipt {
            batch: number,
            state: root.batch(number),
            root: root.k,
            as_of_ms: root.folded_at_ms,
        })
    }

    pub async fn begin_backup(mut self) -> Result<BackupHead, Failure> {
        let (root, behind) = self.folded().await?;
        let batches_behind = behind.map_or(0, |behind| behind.batches);
        Ok(self.ledger().backup_head(&root, batches_behind))
    }

    pub async fn read_backup(&self, root: u64, place: BackupPlace) -> Result<BackupPart, Failure> {
        let part = self.ledger().backup_part(root, place).await;
        part.map_err(Failure::from)
    }

    pub async fn begin_restore(
        &self,
        backup: String,
        head: BackupHead,
        replace: bool,
    ) -> Result<u64, Failure> {
        let begun = self.ledger().begin_restore(&backup, &head, replace).await;
        begun.map_err(Failure::from)
    }

    pub async fn restore_part(
        &self,
        backup: String,
        number: u64,
        part: Vec<u8>,
        is_last: bool,
    ) -> Result<(), Failure> {
        let ledger = self.ledger();
        if !is_last {
            let restored = ledger.restore_part(&backup, number, &part).await;
            return restored.map_err(Failure::from);
        }
        let ended = ledger.end_restore(&backup, number, &part).await;
        ended.map_err(Failure::from)?;
        // Answers that are kept are of the store as it was.
        background::forget_answers();
        Ok(self.shared().forget().await?)
    }

    pub async fn documents(mut self) -> Result<Vec<Document>, Failure> {
        self.answering = None;
        let current = self.ledger().current(background::have_folded).await?;
        self.documents_of(&current.root).await
    }

    /// Changes a document. The change is durable before the fold: if a later step fails, the
    /// request may be sent again.
    pub async fn change_document(
        mut self,
        kind: DocumentKind,
        name: String,
        text: Option<String>,
    ) -> Result<(), Failure> {
        let refuse = |bad| Failure::Invalid(BadParameter::line(&[bad]));
        let name = document::read_name(&name).map_err(refuse)?;
        let (root, _) = self.folded().await?;
        let known = self.documents_of(&root).await?;
        let text = match text {
            Some(text) => {
                let read = kind.read(text.as_bytes());
                let text = read.map_err(|bad| Failure::Invalid(BadParameter::line(&bad)))?;
                document::fits(&known, kind, &name, &text).map_err(refuse)?;
                Some(text)
            }
            None => {
                let is_one = |of: &Document| (of.kind, &of.name) == (kind, &name);
                if !known.iter().any(is_one) {
                    let plural = kind.plural();
                    return Err(Failure::NotFound(format!("There is no {plural}/{name}.")));
                }
                None
            }
        };
        let key = format!("{}/{name}", kind.plural());
        let changed = self.ledger().change_document(&key, text).await;
        changed.map_err(Failure::from)?;
        self.folded().await?;
        Ok(())
    }

    async fn documents_of(&self, root: &Root) -> Result<Vec<Document>, Failure> {
        let stored = self.ledger().documents(root).await.map_err(Failure::from)?;
        let read = stored.into_iter().filter_map(|of| {
            let (plural, name) = of.name.split_once('/')?;
            let mut kinds = DocumentKind::EVERY.into_iter();
            Some(Document {
                kind: kinds.find(|kind| kind.plural() == plural)?,
                name: name.to_owned(),
                text: of.text,
                changed_at_ms: of.changed_at_ms,
            })
        });
        Ok(read.collect())
    }

    pub async fn list_ips(&self, shards: ShardRange) -> Result<IpList, Failure> {
        let addresses = shards.ip.as_deref().map(Addresses::read).transpose();
        let addresses = addresses.map_err(Failure::Invalid)?;
        let first = shards.first_shard as usize;
        let range = first..first.saturating_add(shards.shard_count as usize);
        let range = match addresses.as_ref().and_then(Addresses::single) {
            Some(single) => self.ledger().shard_of(&single, range),
            None => range,
        };
        let listed = self
            .ledger()
            .list(shards.root, range)
            .await
            .map_err(Failure::from)?;
        let wanted = |ip: &Listed| {
            let addresses = addresses.as_ref();
            addresses.is_none_or(|addresses| addresses.lets(ip.ip))
        };
        let listed: Vec<Listed> = listed.into_iter().filter(wanted).collect();
        let active_from_ms = active_from_ms(shards.as_of_ms).await;
        let ranges = self.ledger().ranges(shards.as_of_ms);
        let is_active = |ip: &&Listed| {
            let last = BucketId::of(ip.last_seen_ms, &ranges);
            last.starts_within(active_from_ms)
        };
        let active = listed.iter().filter(is_active).count();
        let seen = listed
            .into_iter()
            .filter(|ip| ip.last_seen_ms >= shards.since_ms);
        Ok(IpList {
            active: active as u64,
            ips: seen.map(|listed| ip_ref(&listed)).collect(),
        })
    }

    pub async fn summarize(&self, batch: Batch) -> Result<Summary, Failure> {
        let mut accumulator = Accumulator::new(batch.details.clone());
        let ranges = self.ledger().ranges(batch.as_of_ms);
        let asked = StateQuery::new(&batch, &ranges);
        self.states(&batch, |ip, state| match state {
            Some(state) => accumulator.add_state(&ip.to_string(), state, &asked),
            None => accumulator.add_unreadable(),
        })
        .await?;
        Ok(accumulator.finish())
    }

    /// Answers a slice of a question about all IPs together.
    pub async fn sums(&self, slice: Slice) -> Result<Summary, Failure> {
        let active_from_ms = active_from_ms(slice.as_of_ms).await;
        let sums = self.ledger().sums(&slice, active_from_ms).await;
        sums.map_err(Failure::from)
    }

    pub async fn heaviest(&self, query: HeaviestQuery) -> Result<Candidates, Failure> {
        let (window, count) = (query.window, query.count as usize);
        let ledger = self.ledger();
        let found = ledger.heaviest(query.root, window, query.as_of_ms, count);
        let found = found.await.map_err(Failure::from)?;
        Ok(Candidates {
            ips: found.ips.iter().map(ip_ref).collect(),
            others_at_most: found.others_at_most,
            others_from: found.others_from,
        })
    }

    /// If the state of an IP cannot be read, the call fails: an export must have no holes.
    pub async fn rows(&self, batch: Batch) -> Result<Vec<IpRows>, Failure> {
        let ledger = self.ledger();
        let ranges = ledger.ranges(batch.as_of_ms);
        let span = batch.window.span(&ranges);
        let ips = addresses(&batch)?;
        let rows = ledger.rows(&ips, &span, &ranges, &batch.filter);
        rows.await.map_err(Failure::from)
    }

    pub async fn status(mut self) -> Result<LedgerStatus, Failure> {
        self.answering = None;
        let current = self.ledger().current(background::have_folded).await?;
        let Current { root, top, newest } = current;
        let lag_ms = self.ledger().lag_ms(&root, top).await;
        let folds_uncleaned = self.ledger().uncleaned(&root).await;
        Ok(LedgerStatus {
            layout_version: LAYOUT.into(),
            snapshot: self.snapshot_of(&root),
            folded_at_ms: root.folded_at_ms,
            log_next: top,
            log_folded: root.log,
            log_open: root.open.len() as u64,
            lag_ms: lag_ms.map_err(Failure::from)?,
            folds_lost: newest.saturating_sub(root.k),
            last_fold_ms: root.pace.took_ms,
            last_fold_batches: root.pace.segments,
            folds_uncleaned: folds_uncleaned.map_err(Failure::from)?,
            traffic: root.traffic,
        })
    }

    /// Passes the states of a batch to `take`. If a state cannot be read, `take` gets `None`, and
    /// the log names the key.
    async fn states(
        &self,
        batch: &Batch,
        mut take: impl FnMut(IpAddr, Option<IpState>),
    ) -> Result<(), Failure> {
        let read = |ip, state: Result<IpState, LedgerError>| match state {
            Ok(state) => take(ip, Some(state)),
            Err(error) => {
                log!(Error, "state-unreadable", error = error);
                take(ip, None);
            }
        };
        self.ledger()
            .states(&addresses(batch)?, read)
            .await
            .map_err(Failure::from)
    }

    fn snapshot_of(&self, root: &Root) -> Snapshot {
        // Clocks differ. Buckets are never cut by an older time than the fold's.
        let as_of_ms = self.now_ms().max(root.aged_ms);
        Snapshot {
            root: root.k,
            as_of_ms,
            time_zone: self.app.zone().name().to_owned(),
            offsets: self.app.zone().calendar(as_of_ms).offsets().to_vec(),
            slices: root.slices(),
            shards: root.shards.len() as u32,
            ips: root.ips,
            hits: root.hits,
            drops: root.dropped(),
            repaired: root.repaired,
            behind: None,
        }
    }
}

/// The address under which an IP is counted, in any spelling.
async fn counted(ip: &str) -> Result<IpAddr, Failure> {
    let invalid = |_| Failure::Invalid(format!("{ip:?} is not an IP address"));
    let ip: IpAddr = ip.parse().map_err(invalid)?;
    Ok(reading().await?.rules.addresses.counted_of(ip))
}

/// The IPs of a batch, and the versions of their states.
fn addresses(batch: &Batch) -> Result<Vec<(IpAddr, u64)>, Failure> {
    if batch.ips.len() > BATCH_IPS_MAX {
        return Err(Failure::Invalid(format!(
            "a batch has at most {BATCH_IPS_MAX} IPs"
        )));
    }
    let address = |ip: &IpRef| match ip.ip.parse::<IpAddr>() {
        Ok(address) => Ok((address, ip.version)),
        Err(error) => Err(Failure::Invalid(format!("{:?}: {error}", ip.ip))),
    };
    batch.ips.iter().map(address).collect()
}

fn ip_ref(listed: &Listed) -> IpRef {
    IpRef {
        ip: listed.ip.to_string(),
        version: listed.version,
    }
}

/// If an IP was seen in a bucket from this time on, it is active.
async fn active_from_ms(as_of_ms: u64) -> u64 {
    let active_days = variable::number("active_days", ACTIVE_DAYS, 1..=90).await;
    as_of_ms.saturating_sub(active_days * 24 * 60 * 60 * 1_000)
}

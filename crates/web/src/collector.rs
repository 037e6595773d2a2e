//! The functions of the collector, in one table, and the client of other components.
//!
//! The collector makes its routes, its dispatch and its WIT exports from the same table.

use std::time::Duration;

use rollcall_tally::contract::*;

use crate::call;

/// Hands the table to a macro: the functions of `rollcall:stats/collector`, then those of `callers`
/// and `shared`. Each function has its name over HTTP, its name in Rust, its arguments and its
/// result. Each may fail with a [`Failure`]. The caller lends the arguments. The collector owns
/// them.
#[macro_export]
macro_rules! collector_functions {
    ($make:ident) => {
        $make! {
            collector {
                "take-snapshot" take_snapshot() -> Snapshot;
                "list-ips" list_ips(shards: ShardRange) -> IpList;
                "summarize" summarize(batch: Batch) -> Summary;
                "sums" sums(slice: Slice) -> Summary;
                "heaviest" heaviest(query: HeaviestQuery) -> Candidates;
                "rows" rows(batch: Batch) -> Vec<IpRows>;
                "status" status() -> LedgerStatus;
                "erase" erase(ip: str) -> ();
                "stored-ip" stored_ip(ip: str) -> String;
                "find-batch" find_batch(number: u64) -> BatchReceipt;
                "documents" documents() -> Vec<Document>;
                "change-document" change_document(kind: DocumentKind, name: str, text: Option<String>) -> ();
                "begin-backup" begin_backup() -> BackupHead;
                "read-backup" read_backup(root: u64, place: BackupPlace) -> BackupPart;
                "begin-restore" begin_restore(backup: str, head: BackupHead, replace: bool) -> u64;
                "restore-part" restore_part(backup: str, number: u64, part: [u8], is_last: bool) -> ();
            }
            callers {
                "caller" caller(ip: str, window: Window, paths: u32) -> CallerAnswer;
            }
            shared {
                "get" get(place: Place, newer_than_ms: u64) -> Found;
                "claim" claim(place: Place, generation: u64) -> bool;
                "renew-claim" renew_claim(place: Place) -> ();
                "end-claim" end_claim(place: Place, generation: u64) -> ();
                "put" put(kept: Kept, generation: u64) -> ();
                "sweep" sweep() -> ();
                "count-up" count_up(counts: [Count]) -> Vec<Count>;
            }
        }
    };
}

/// The collector, for other components. It is called over HTTP in the process.
#[derive(Clone, Copy, Debug)]
pub struct Collector {
    deadline: Duration,
}

impl Collector {
    /// If a call takes longer than this, it fails.
    pub const fn within(deadline: Duration) -> Self {
        Self { deadline }
    }
}

macro_rules! client {
    ($($interface:ident {
        $($path:literal $name:ident($($argument:ident: $Type:ty),*) -> $Result:ty;)*
    })*) => {
        impl Collector {
            $($(
                pub async fn $name(self, $($argument: &$Type),*) -> Result<$Result, Failure> {
                    call::function("collector", $path, &($($argument,)*), self.deadline).await
                }
            )*)*
        }
    };
}

collector_functions!(client);

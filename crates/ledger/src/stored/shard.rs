//! `shard:{s}:{k}`: the index of a share of the IPs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_store::Stored;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard(pub BTreeMap<IpAddr, Entry>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The fold that wrote its state last.
    pub version: u64,
    pub last_seen_ms: u64,
    pub hits: u64,
    /// The length of its stored state.
    pub bytes: u64,
    /// The number of the IP in the rollups. It is never given to another IP.
    pub number: u32,
}

impl Stored for Shard {
    const SINCE: u8 = 5;
}

/// The shard of layout 4. It has no numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard4(BTreeMap<IpAddr, Entry4>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry4 {
    version: u64,
    last_seen_ms: u64,
    hits: u64,
    bytes: u64,
}

impl Stored for Shard4 {
    const SINCE: u8 = 4;
}

impl Shard4 {
    /// Gives each IP the next number.
    pub fn numbered(self, next: &mut u32) -> Shard {
        let numbered = self.0.into_iter().map(|(ip, entry)| {
            let number = *next;
            *next += 1;
            let entry = Entry {
                version: entry.version,
                last_seen_ms: entry.last_seen_ms,
                hits: entry.hits,
                bytes: entry.bytes,
                number,
            };
            (ip, entry)
        });
        Shard(numbered.collect())
    }
}

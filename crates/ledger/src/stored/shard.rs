//! `shard:{s}:{k}`: the index of a share of the IPs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard(pub BTreeMap<IpAddr, Entry>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The fold that wrote its state last.
    pub version: u64,
    pub last_seen_ms: u64,
    pub hits: u64,
    /// The length of its state as it is stored.
    pub bytes: u64,
}

//! `heaviest:{b}:{k}`: the IPs that called most in a stretch of time.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_store::Stored;
use rollcall_tally::rollup::heaviest;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heaviest {
    ips: BTreeMap<IpAddr, u64>,
    others_at_most: u64,
}

impl Stored for Heaviest {
    const SINCE: u8 = 5;
}

impl From<heaviest::Heaviest> for Heaviest {
    fn from(list: heaviest::Heaviest) -> Self {
        Self {
            ips: list.ips,
            others_at_most: list.others_at_most,
        }
    }
}

impl From<Heaviest> for heaviest::Heaviest {
    fn from(list: Heaviest) -> Self {
        Self {
            ips: list.ips,
            others_at_most: list.others_at_most,
        }
    }
}

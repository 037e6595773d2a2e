//! All that is stored of one IP, for a person who asks.

use std::iter;
use std::net::IpAddr;

use rollcall_tally::IpState;
use rollcall_tally::bucket::BucketId;

use crate::heaviest::AT_ONCE;
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// All that one root has of an IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfIp {
    /// None: the IP is not tracked.
    pub state: Option<IpState>,
    /// The lists of the heaviest that have the IP, each with the IP's hits.
    pub lists: Vec<(BucketId, u64)>,
    /// The IP was erased, and this is remembered: hits up to this time make no state.
    pub erased_until_ms: Option<u64>,
}

impl<S: Store, C: Clock> Ledger<'_, S, C> {
    /// All that a root has of an IP. None: it has nothing.
    pub async fn of_ip(&self, k: u64, ip: &IpAddr) -> Result<Option<OfIp>, LedgerError> {
        let key = keys::root(k);
        let root = self.root_at(k).await?.ok_or(LedgerError::Gone { key })?;
        let listed = self.look_up(&root.shards, iter::once(*ip)).await?;
        let mut state = None;
        if let Some(listed) = listed.get(ip) {
            let take = |_, read| state = Some(read);
            self.states(&[(*ip, listed.version)], take).await?;
        }
        let mut lists = Vec::new();
        for chunk in root.heaviest.chunks(AT_ONCE) {
            for (list, known) in self.lists(chunk).await? {
                lists.extend(known.ips.get(ip).map(|hits| (list.into(), *hits)));
            }
        }
        let erasure = root.erased.recent.get(ip);
        let of_ip = OfIp {
            state: state.transpose()?,
            lists,
            erased_until_ms: erasure.map(|of| of.until_ms),
        };
        let is_known =
            of_ip.state.is_some() || !of_ip.lists.is_empty() || of_ip.erased_until_ms.is_some();
        Ok(is_known.then_some(of_ip))
    }
}

//! All that is stored of one IP, for a person who asks.

use std::net::IpAddr;

use rollcall_store::value::decode;
use rollcall_tally::IpState;
use rollcall_tally::bucket::BucketId;

use crate::stored::{self, Shard, decode_state};
use crate::{Clock, Ledger, LedgerError, Store, keys};

/// Lists read by one call.
const LISTS_AT_ONCE: usize = 8;

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
        let shard = keys::shard_of(ip, self.limits.shards);
        let state = match root.shards.get(shard).copied().unwrap_or(0) {
            0 => None,
            version => self.state_in(&keys::shard(shard, version), ip).await?,
        };
        let mut lists = Vec::new();
        for chunk in root.heaviest.chunks(LISTS_AT_ONCE) {
            let names = chunk
                .iter()
                .map(|(list, version)| keys::heaviest(*list, *version));
            let names: Vec<String> = names.collect();
            let values = self.get_all(&names).await?;
            for (((list, _), name), bytes) in chunk.iter().zip(&names).zip(values) {
                let known = decode::<stored::Heaviest>(name, &bytes)?;
                lists.extend(known.hits_of(ip).map(|hits| ((*list).into(), hits)));
            }
        }
        let erasure = root.erased.recent.get(ip);
        let of_ip = OfIp {
            state,
            lists,
            erased_until_ms: erasure.map(|of| of.until_ms),
        };
        let is_known =
            of_ip.state.is_some() || !of_ip.lists.is_empty() || of_ip.erased_until_ms.is_some();
        Ok(is_known.then_some(of_ip))
    }

    /// The state of an IP, if this shard has the IP.
    async fn state_in(&self, shard: &str, ip: &IpAddr) -> Result<Option<IpState>, LedgerError> {
        let bytes = self.store.get(shard).await?;
        let gone = |key: &str| LedgerError::Gone {
            key: key.to_owned(),
        };
        let index = Shard::decode(shard, &bytes.ok_or_else(|| gone(shard))?)?;
        let Some(entry) = index.get(ip) else {
            return Ok(None);
        };
        let key = keys::ip(ip, entry.version);
        let bytes = self.store.get(&key).await?;
        decode_state(&key, &bytes.ok_or_else(|| gone(&key))?).map(Some)
    }
}

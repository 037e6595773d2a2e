//! Where IPs are: their country and their network, by files that the ledger does not know.

use std::net::IpAddr;
use std::pin::Pin;

use rollcall_tally::state::Located;

use crate::{Clock, Ledger, Store};

/// Says where IPs are.
pub trait Atlas {
    /// Called before anything else, in each fold that counts hits.
    fn load(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;

    /// If it changes, IPs are looked up again. 0: nothing is known of any IP.
    fn version(&self) -> u64;

    /// The country and the network of an IP.
    fn find(&self, ip: IpAddr) -> (Option<String>, Option<String>);
}

impl<'a, S: Store, C: Clock> Ledger<'a, S, C> {
    /// Looks up where IPs are, when they call.
    pub fn with_atlas(self, atlas: &'a dyn Atlas) -> Self {
        Self {
            atlas: Some(atlas),
            ..self
        }
    }

    /// Where an IP is. It is looked up only if it was not yet, or in other files.
    pub(crate) fn locate(&self, ip: IpAddr, known: &Located) -> Located {
        match self.atlas {
            Some(atlas) if ![0, known.version].contains(&atlas.version()) => {
                let (country, network) = atlas.find(ip);
                Located {
                    version: atlas.version(),
                    country,
                    network,
                }
            }
            _ => known.clone(),
        }
    }
}

//! Where IPs are: their country and their network, by files that the ledger does not know.

use std::net::IpAddr;
use std::pin::Pin;

/// Says where IPs are.
pub trait Atlas {
    /// Called before anything else, in each fold that counts hits.
    fn load(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;

    /// If it changes, IPs are looked up again. 0: nothing is known of any IP.
    fn version(&self) -> u64;

    /// The country and the network of an IP.
    fn find(&self, ip: IpAddr) -> (Option<String>, Option<String>);
}

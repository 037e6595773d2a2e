//! The files together.

use std::net::IpAddr;

use crate::file::{BadFile, File, FileKind};
use crate::record;

/// What the files say about an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Two characters, upper case. ISO 3166-1 alpha-2, or another code that the file uses.
    pub country: Option<String>,
    /// Number and name, as in `AS13335 Cloudflare, Inc.`.
    pub network: Option<String>,
}

/// The files. They are held in memory, and nothing else is.
#[derive(Debug)]
pub struct Places {
    countries: Option<File>,
    networks: Option<File>,
}

impl Places {
    /// Without a file, the country or the network of every address is unknown. One file that has
    /// both may be given twice.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn new(countries: Option<Vec<u8>>, networks: Option<Vec<u8>>) -> Result<Self, BadFile> {
        let open = |content: Option<Vec<u8>>, kind| {
            content.map(|content| File::open(content, kind)).transpose()
        };
        Ok(Self {
            countries: open(countries, FileKind::Countries)?,
            networks: open(networks, FileKind::Networks)?,
        })
    }

    /// A checksum of each file. While the content of both stays the same, so does the version. If
    /// the content of a file changes, so does the version, but for one case in four billion. 0:
    /// there is no file.
    pub fn version(&self) -> u64 {
        let of = |file: &Option<File>| u64::from(file.as_ref().map_or(0, File::checksum));
        of(&self.countries) << 32 | of(&self.networks)
    }

    /// Where the address is. An IPv4 address mapped into IPv6 is IPv4. What a file does not say is
    /// unknown. If the record of an address is damaged, its place is unknown, too. Nobody counts
    /// this.
    pub fn of(&self, ip: IpAddr) -> Place {
        let ip = ip.to_canonical();
        let country = self.countries.as_ref().and_then(|file| file.find(ip));
        let network = self.networks.as_ref().and_then(|file| file.find(ip));
        Place {
            country: country.and_then(|found| record::country(&found)),
            network: network.and_then(|found| record::network(&found)),
        }
    }
}

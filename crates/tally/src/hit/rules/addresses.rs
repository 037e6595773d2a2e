//! Which address of a hit is the caller's.

use std::net::IpAddr;

use hmac::{Hmac, Mac};
use ipnet::IpNet;
use sha2::Sha256;

use super::words::words;

/// Whose address counts, and which callers do not count.
#[derive(Clone, Debug)]
pub struct AddressRules {
    trusted: Networks,
    excluded: Networks,
    /// The bits of an IPv6 address that are kept.
    ipv6_prefix: u8,
    privacy: Privacy,
}

/// Some addresses and networks.
#[derive(Clone, Debug)]
pub struct Networks(Vec<IpNet>);

/// How much of an address is kept.
#[derive(Clone, Debug)]
pub enum Privacy {
    Full,
    /// 24 bits of IPv4, and 48 of IPv6.
    Truncated,
    /// An address of `fd00::/8`, made of the address and this key. Without the key, nobody can tell
    /// the address. It is the same for the same address.
    Hashed(Box<[u8]>),
}

impl Networks {
    /// Reads a list with spaces or commas.
    ///
    /// # Errors
    /// A word of the list is no address and no network. The error is this word.
    pub fn read(list: &str) -> Result<Self, String> {
        let read = |word: &str| {
            let network = word.parse::<IpNet>();
            let network = network.or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| word.to_owned())
        };
        words(list).map(read).collect::<Result<_, _>>().map(Self)
    }

    pub fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl Default for AddressRules {
    fn default() -> Self {
        Self::NONE
    }
}

impl AddressRules {
    pub(super) const NONE: Self = Self {
        trusted: Networks(Vec::new()),
        excluded: Networks(Vec::new()),
        ipv6_prefix: 128,
        privacy: Privacy::Full,
    };

    /// `trusted` and `excluded` are lists of addresses and networks.
    ///
    /// # Errors
    /// A word of a list is no address and no network. The error is this word.
    pub fn new(trusted: &str, excluded: &str, ipv6_prefix: u8) -> Result<Self, String> {
        Ok(Self {
            trusted: Networks::read(trusted)?,
            excluded: Networks::read(excluded)?,
            ipv6_prefix: ipv6_prefix.min(128),
            privacy: Privacy::Full,
        })
    }

    pub fn with_privacy(self, privacy: Privacy) -> Self {
        Self { privacy, ..self }
    }

    /// The caller, given the address that a gateway wrote, or a list as in `X-Forwarded-For`. Each
    /// proxy adds the address that called it at the end. So the last address that is not one of a
    /// trusted proxy is the caller's: those before it may be made up. If all are trusted, the first
    /// is.
    ///
    /// An address may have brackets, a port and a zone. None: there is no address.
    pub(crate) fn caller(&self, text: &str) -> Option<IpAddr> {
        let mut caller = None;
        for word in text.rsplit(',') {
            let Some(address) = read_address(word.trim()) else {
                break;
            };
            caller = Some(address);
            if !self.trusted.has(address) {
                break;
            }
        }
        caller
    }

    /// The client that sent a request itself. Each list is of the addresses that one kind of header
    /// gives, and ends with the address that opened the connection. If the lists name different
    /// callers, the client wrote one of them, and nobody knows which one. Then the caller is the
    /// address that opened the connection.
    ///
    /// None: there is no list, or a list does not end with an address.
    pub fn sender(&self, lists: &[String]) -> Option<IpAddr> {
        let mut callers = lists.iter().map(|list| self.caller(list));
        let caller = callers.next().flatten();
        if callers.all(|other| other == caller) {
            return caller;
        }
        let list = lists.first()?;
        read_address(list.rsplit(',').next()?.trim())
    }

    /// The address that a hit counts under, given its field `ip`. None: there is no address.
    pub fn counted_of_hit(&self, ip: &str) -> Option<IpAddr> {
        Some(self.counted(self.caller(ip)?))
    }

    pub(crate) fn is_excluded(&self, caller: IpAddr) -> bool {
        self.excluded.has(caller)
    }

    /// The address that an IP is counted under, if an operator names it. A hash is taken as it is.
    pub fn counted_of(&self, named: IpAddr) -> IpAddr {
        let named = named.to_canonical();
        match (&self.privacy, named) {
            (Privacy::Hashed(_), IpAddr::V6(v6)) if v6.octets().first() == Some(&HASHED_FIRST) => {
                named
            }
            _ => self.counted(named),
        }
    }

    /// The address that the caller is counted under.
    pub(crate) fn counted(&self, caller: IpAddr) -> IpAddr {
        let caller = match caller {
            IpAddr::V6(_) => kept(caller, self.ipv6_prefix),
            IpAddr::V4(_) => caller,
        };
        match (&self.privacy, caller) {
            (Privacy::Full, _) => caller,
            (Privacy::Truncated, IpAddr::V4(_)) => kept(caller, 24),
            (Privacy::Truncated, IpAddr::V6(_)) => kept(caller, 48),
            (Privacy::Hashed(key), _) => hashed(caller, key),
        }
    }
}

/// The first octet of each hash.
const HASHED_FIRST: u8 = 0xfd;

/// The address with its first bits alone.
fn kept(address: IpAddr, bits: u8) -> IpAddr {
    IpNet::new(address, bits).map_or(address, |network| network.network())
}

/// An address that belongs to nobody: `fd`, and 120 bits of the HMAC.
fn hashed(address: IpAddr, key: &[u8]) -> IpAddr {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return address;
    };
    match address {
        IpAddr::V4(v4) => mac.update(&v4.octets()),
        IpAddr::V6(v6) => mac.update(&v6.octets()),
    }
    let mut octets = [0; 16];
    for (octet, byte) in octets.iter_mut().zip(mac.finalize().into_bytes()) {
        *octet = byte;
    }
    if let Some(first) = octets.first_mut() {
        *first = HASHED_FIRST;
    }
    octets.into()
}

/// An address without brackets, port and zone.
fn read_address(text: &str) -> Option<IpAddr> {
    let host = match text.strip_prefix('[') {
        Some(bracketed) => bracketed
            .split_once(']')
            .map_or(bracketed, |(host, _)| host),
        None => match text.split_once(':') {
            Some((v4, port)) if !port.contains(':') => v4,
            _ => text,
        },
    };
    let address = host
        .split_once('%')
        .map_or(host, |(address, _zone)| address);
    Some(address.parse::<IpAddr>().ok()?.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn caller(trusted: &str, text: &str) -> Option<String> {
        let rules = AddressRules::new(trusted, "", 128).unwrap();
        rules.caller(text).map(|ip| ip.to_string())
    }

    #[test]
    fn the_last_address_that_is_not_trusted_is_the_callers() {
        let trusted = "10.0.0.0/8, 2001:db8:f::/48";
        for (text, expect) in [
            ("198.51.100.7", "198.51.100.7"),
            ("192.0.2.1, 198.51.100.7", "198.51.100.7"),
            ("192.0.2.1, 198.51.100.7, 10.1.2.3", "198.51.100.7"),
            (
                "192.0.2.1,198.51.100.7:443,[2001:db8:f::1]:80,10.0.0.1",
                "198.51.100.7",
            ),
            ("10.0.0.1, 10.0.0.2", "10.0.0.1"),
            ("nonsense, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
            // The proxy wrote something that is no address: it is the caller itself.
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
        ] {
            assert_eq!(caller(trusted, text).as_deref(), Some(expect), "{text}");
        }
        assert_eq!(
            caller("", "192.0.2.1, 10.0.0.1").as_deref(),
            Some("10.0.0.1")
        );
        assert_eq!(caller(trusted, "192.0.2.1, unknown"), None);
    }

    #[test]
    fn the_sender_is_the_client_unless_the_headers_of_its_proxy_disagree() {
        let rules = AddressRules::new("10.0.0.0/8", "", 128).unwrap();
        let check = |lists: &[&str], expect: Option<&str>| {
            let lists: Vec<String> = lists.iter().map(|list| (*list).to_owned()).collect();
            let sender = rules.sender(&lists).map(|ip| ip.to_string());
            assert_eq!(sender.as_deref(), expect, "{lists:?}");
        };
        check(&["198.51.100.7"], Some("198.51.100.7"));
        // Not from a trusted proxy.
        check(&["192.0.2.1, 198.51.100.7"], Some("198.51.100.7"));
        check(&["192.0.2.1, 198.51.100.7, 10.0.0.1"], Some("198.51.100.7"));
        // Both headers, and one of them forged.
        check(
            &["198.51.100.7, 10.0.0.1", "198.51.100.7, 10.0.0.1"],
            Some("198.51.100.7"),
        );
        check(
            &["192.0.2.1, 10.0.0.1", "198.51.100.7, 10.0.0.1"],
            Some("10.0.0.1"),
        );
        check(
            &["192.0.2.1, 198.51.100.7", "198.51.100.7"],
            Some("198.51.100.7"),
        );
        check(&[], None);
        check(&["192.0.2.1, unknown"], None);
    }

    #[test]
    fn a_list_without_an_end_takes_no_longer_than_its_length() {
        let list = "10.0.0.1,".repeat(200_000);
        assert_eq!(
            caller("10.0.0.0/8", list.trim_end_matches(',')).as_deref(),
            Some("10.0.0.1")
        );
    }

    #[test]
    fn excluded_callers_are_known_by_their_whole_address() {
        let rules = AddressRules::new("", "192.0.2.0/24 2001:db8::1", 64).unwrap();
        for (ip, expect) in [
            ("192.0.2.77", true),
            ("192.0.3.1", false),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
        ] {
            assert_eq!(rules.is_excluded(ip.parse().unwrap()), expect, "{ip}");
        }
    }

    #[test]
    fn a_shorter_prefix_counts_a_network_as_one_caller() {
        let counted = |bits, ip: &str| {
            let rules = AddressRules::new("", "", bits).unwrap();
            rules.counted(ip.parse().unwrap()).to_string()
        };
        let ip = "2001:db8:1:2:3:4:5:6";
        assert_eq!(counted(128, ip), ip);
        assert_eq!(counted(64, ip), "2001:db8:1:2::");
        assert_eq!(counted(56, ip), "2001:db8:1::");
        assert_eq!(counted(0, ip), "::");
        assert_eq!(counted(64, "192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn an_address_is_kept_in_full_in_part_or_as_a_hash() {
        let counted = |privacy: Privacy, ip: &str| {
            let rules = AddressRules::new("", "", 128)
                .unwrap()
                .with_privacy(privacy);
            rules.counted(ip.parse().unwrap()).to_string()
        };
        let v6 = "2001:db8:1:2:3:4:5:6";
        assert_eq!(counted(Privacy::Full, v6), v6);
        assert_eq!(counted(Privacy::Truncated, "192.0.2.77"), "192.0.2.0");
        assert_eq!(counted(Privacy::Truncated, v6), "2001:db8:1::");
        let hashed = |key: &str, ip| counted(Privacy::Hashed(key.as_bytes().into()), ip);
        // HMAC-SHA256 of the four octets under "key", from another program.
        assert_eq!(
            hashed("key", "192.0.2.1"),
            "fdab:d5f0:8ec8:2598:2f7f:7167:d1e7:38a3"
        );
        assert_ne!(hashed("key", "192.0.2.1"), hashed("key", "192.0.2.2"));
        assert_ne!(hashed("key", "192.0.2.1"), hashed("other", "192.0.2.1"));
        assert!(hashed("key", v6).starts_with("fd"));
    }

    #[test]
    fn an_operator_names_an_address_or_its_hash() {
        let counted_of = |privacy: Privacy, ip: &str| {
            let rules = AddressRules::new("", "", 64).unwrap().with_privacy(privacy);
            rules.counted_of(ip.parse().unwrap()).to_string()
        };
        let hashed = |ip| counted_of(Privacy::Hashed(b"key".as_slice().into()), ip);
        let hash = "fdab:d5f0:8ec8:2598:2f7f:7167:d1e7:38a3";
        assert_eq!(hashed("192.0.2.1"), hash);
        assert_eq!(hashed("::ffff:192.0.2.1"), hash);
        assert_eq!(hashed(hash), hash);
        assert_eq!(counted_of(Privacy::Full, hash), "fdab:d5f0:8ec8:2598::");
        assert_eq!(counted_of(Privacy::Truncated, "192.0.2.77"), "192.0.2.0");
    }

    #[test]
    fn a_bad_word_of_a_list_is_named() {
        let error = |list| AddressRules::new(list, "", 128).unwrap_err();
        assert_eq!(error("10.0.0.0/8, proxy.example"), "proxy.example");
        assert_eq!(error("10.0.0.0/33"), "10.0.0.0/33");
    }
}

//! Filters: conditions on the hits that count. Every given condition must hold.
//!
//! Most conditions are texts with one value or several: see [`crate::condition`].
//!
//! [`Text::read`] reads each condition. It refuses a condition that can never hold. It gives each
//! condition one spelling. So equal filters are equal texts.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::condition::{holds, read_values, split};
use crate::hit::{self, METHOD_BYTES_MAX, OTHER_PATHS, PATH_BYTES_MAX};
use crate::status::StatusFilter;

/// The name of an unknown country or user agent.
pub const UNKNOWN: &str = "unknown";

/// Conditions on the hits that count. By default all hits count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Addresses, or networks as `192.0.2.0/24`.
    pub ip: Option<String>,
    /// Starts of the path.
    pub path_prefix: Option<String>,
    /// Whole paths, by any method.
    pub path: Option<String>,
    pub method: Option<String>,
    pub status: Option<StatusFilter>,
    /// Two characters, or [`UNKNOWN`]: the country that the IP told last.
    pub country: Option<String>,
    /// The name of the IP's network, or its number as `AS13335`, or [`UNKNOWN`].
    pub network: Option<String>,
    /// Labels of the callers. [`Labels::resolve`](crate::label::Labels::resolve) turns them into
    /// addresses and networks. Nothing else reads them.
    pub label: Option<String>,
    /// The path key. It is one, and taken as it is.
    pub path_key: Option<String>,
}

/// A condition that is given as text, by its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    Address,
    PathPrefix,
    Path,
    Method,
    Country,
    Network,
    Label,
    /// A part of a name.
    Search,
}

/// The most characters of the name of a network.
pub const NETWORK_CHARACTERS_MAX: usize = 256;
/// The most characters of the name of a label.
pub const LABEL_CHARACTERS_MAX: usize = 64;
/// The most characters of a text that is searched for.
pub const SEARCH_CHARACTERS_MAX: usize = 256;

impl Text {
    /// The condition in its one spelling. The error says which text was expected.
    pub fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::Search => self.read_one(text),
            _ => read_values(text, |value| self.read_one(value)),
        }
    }

    fn read_one(self, value: &str) -> Result<String, String> {
        match self {
            Self::Address => read_ip(value),
            Self::PathPrefix | Self::Path => read_path(value),
            Self::Method => hit::read_method(value.to_owned()).ok_or_else(|| {
                format!("expected 1 to {METHOD_BYTES_MAX} letters, digits or !#$%&'*+-.^_`|~")
            }),
            Self::Country => read_country(value),
            Self::Network => read_short(value, NETWORK_CHARACTERS_MAX),
            Self::Label => read_short(value, LABEL_CHARACTERS_MAX),
            Self::Search => read_short(value, SEARCH_CHARACTERS_MAX),
        }
    }
}

/// A condition on addresses.
pub struct Addresses {
    is_not: bool,
    networks: Vec<IpNet>,
}

impl Addresses {
    /// # Errors
    /// A value is no address and no network.
    pub fn read(condition: &str) -> Result<Self, String> {
        let (is_not, values) = split(condition);
        let networks: Result<_, String> = values.map(|value| read_network(&value)).collect();
        Ok(Self {
            is_not,
            networks: networks?,
        })
    }

    pub fn lets(&self, address: IpAddr) -> bool {
        let is_one = |network: &IpNet| network.contains(&address);
        self.networks.iter().any(is_one) != self.is_not
    }

    /// The one address that it lets through, if it lets through only one.
    pub fn single(&self) -> Option<IpAddr> {
        match self.networks.as_slice() {
            [one] if !self.is_not && one.prefix_len() == one.max_prefix_len() => Some(one.addr()),
            _ => None,
        }
    }
}

impl Filter {
    /// The one address that the filter lets through, if it lets through only one.
    pub fn one_ip(&self) -> Option<IpAddr> {
        Addresses::read(self.ip.as_deref()?).ok()?.single()
    }

    pub fn lets_path(&self, path_key: &str) -> bool {
        if self
            .path_key
            .as_deref()
            .is_some_and(|wanted| wanted != path_key)
        {
            return false;
        }
        if !self.has_conditions_on_paths() {
            return true;
        }
        // `(other)` has neither method nor path. So no condition on them holds, and nobody knows
        // what it leaves out.
        if path_key == OTHER_PATHS {
            return false;
        }
        let (method, path) = path_key.split_once(' ').unwrap_or_default();
        holds(self.method.as_ref(), |wanted| wanted == method)
            && holds(self.path.as_ref(), |wanted| wanted == path)
            && holds(self.path_prefix.as_ref(), |prefix| path.starts_with(prefix))
    }

    /// Whether hits of an IP of this country and network count.
    pub fn lets_place(&self, country: Option<&str>, network: Option<&str>) -> bool {
        let country = country.unwrap_or(UNKNOWN);
        let network = network.unwrap_or(UNKNOWN);
        // As `AS13335`.
        let number = network.split(' ').next();
        holds(self.country.as_ref(), |wanted| wanted == country)
            && holds(self.network.as_ref(), |wanted| {
                wanted == network || Some(wanted) == number
            })
    }

    fn has_conditions_on_paths(&self) -> bool {
        self.path_prefix.is_some() || self.path.is_some() || self.method.is_some()
    }

    /// Whether the filter excludes some paths.
    pub fn is_on_paths(&self) -> bool {
        self.path_key.is_some() || self.has_conditions_on_paths()
    }

    /// Whether some hits on [`OTHER_PATHS`] may be on paths that the filter lets through.
    pub fn may_mean_other_paths(&self) -> bool {
        self.is_on_paths() && !self.lets_path(OTHER_PATHS)
    }

    /// Whether the sums over all IPs can apply the filter. The sums know paths. They do not know
    /// single IPs or the other fields of a hit.
    pub fn is_of_sums(&self) -> bool {
        let is_on_ips = self.ip.is_some() || self.country.is_some() || self.network.is_some();
        !is_on_ips && self.status.is_none()
    }

    /// The filter. None if it lets everything through.
    pub fn some(&self) -> Option<Self> {
        (*self != Self::default()).then(|| self.clone())
    }
}

/// The filter as an object of the given conditions.
pub mod as_parameters {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Filter;
    use crate::status::StatusFilter;

    /// The filters that applied, each in its one spelling.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Filter))]
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Parameters {
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        ip: Option<String>,
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        path_prefix: Option<String>,
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        path: Option<String>,
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        method: Option<String>,
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        status: Option<String>,
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        country: Option<String>,
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        network: Option<String>,
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        label: Option<String>,
    }

    pub fn serialize<S: Serializer>(
        filter: &Option<Filter>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(filter.iter().flat_map(Filter::parameters))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Filter>, D::Error> {
        let given = Parameters::deserialize(deserializer)?;
        let status = given.status.as_deref();
        Ok(Some(Filter {
            ip: given.ip,
            path_prefix: given.path_prefix,
            path: given.path,
            method: given.method,
            status: status.and_then(|status| StatusFilter::read(status).ok()),
            country: given.country,
            network: given.network,
            label: given.label,
            path_key: None,
        }))
    }
}

/// Reads an address or a network. An IPv4 network mapped into IPv6 becomes IPv4, as the addresses
/// of hits do.
pub fn read_network(text: &str) -> Result<IpNet, String> {
    let expected = || "expected an IP address or a network as 192.0.2.0/24".to_owned();
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|_| expected())?.trunc(),
    };
    let IpNet::V6(v6) = network else {
        return Ok(network);
    };
    let mapped = v6
        .addr()
        .to_ipv4_mapped()
        .zip(v6.prefix_len().checked_sub(96));
    let v4 = mapped.and_then(|(address, length)| IpNet::new(address.into(), length).ok());
    Ok(v4.unwrap_or(network))
}

/// Reads an address or a network, and writes it in its one spelling.
pub fn read_ip(text: &str) -> Result<String, String> {
    let network = read_network(text)?;
    Ok(if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    })
}

fn read_path(prefix: &str) -> Result<String, String> {
    if !prefix.starts_with('/') {
        return Err("expected a path, from its /".to_owned());
    }
    if prefix.len() > PATH_BYTES_MAX {
        return Err(format!("longer than {PATH_BYTES_MAX} bytes"));
    }
    Ok(prefix.to_owned())
}

fn read_country(country: &str) -> Result<String, String> {
    if country == UNKNOWN {
        return Ok(country.to_owned());
    }
    hit::country_code(country.to_owned())
        .ok_or_else(|| format!("expected a code of two letters, or {UNKNOWN}"))
}

fn read_short(text: &str, most: usize) -> Result<String, String> {
    match (1..=most).contains(&text.chars().count()) {
        true => Ok(text.to_owned()),
        false => Err(format!("expected 1 to {most} characters")),
    }
}

/// A path key in its one spelling.
pub fn read_path_key(key: &str) -> Result<String, String> {
    if key == OTHER_PATHS {
        return Ok(key.to_owned());
    }
    let parts = key.split_once(' ');
    let (method, path) = parts.ok_or_else(|| "expected METHOD /path".to_owned())?;
    let method = Text::Method.read_one(method)?;
    let path = hit::read_path(path.to_owned());
    let path = path.ok_or_else(|| "expected METHOD /path".to_owned())?;
    Ok(format!("{method} {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::VALUES_MAX;

    fn ip(text: &str) -> Result<String, String> {
        Text::Address.read(text)
    }

    #[test]
    fn an_address_and_a_network_have_one_spelling() {
        for (given, expect) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
        ] {
            assert_eq!(ip(given), Ok(expect.to_owned()), "{given}");
            assert_eq!(ip(expect), Ok(expect.to_owned()), "{given}, again");
        }
    }

    #[test]
    fn what_is_no_address_and_no_network_is_refused() {
        for given in [
            "",
            "nowhere",
            "192.0.2",
            "192.0.2.0/33",
            "192.0.2.0/",
            "fe80::1%eth0",
            "2001:db8::/129",
            " 192.0.2.1",
        ] {
            assert!(ip(given).is_err(), "{given}");
        }
    }

    #[test]
    fn methods_and_countries_are_upper_cased() {
        assert_eq!(Text::Method.read("get").as_deref(), Ok("GET"));
        assert_eq!(Text::Country.read("de").as_deref(), Ok("DE"));
        assert_eq!(
            read_path_key("get /users?page=1").as_deref(),
            Ok("GET /users")
        );
        // A path key is one, and taken as it is.
        for key in ["!X /a|b", r"A|B /a\b"] {
            assert_eq!(read_path_key(key).as_deref(), Ok(key));
        }
    }

    #[test]
    fn what_can_never_hold_is_refused() {
        for (kind, given) in [
            (Text::PathPrefix, "users"),
            (Text::Method, "G T"),
            (Text::Country, "Germany"),
        ] {
            assert!(kind.read(given).is_err(), "{given}");
        }
        assert!(read_path_key("GET").is_err());
    }

    #[test]
    fn a_prefix_is_one_of_the_path_and_a_method_is_whole() {
        let filter = |method: Option<&str>, prefix: Option<&str>| Filter {
            method: method.map(str::to_owned),
            path_prefix: prefix.map(str::to_owned),
            ..Filter::default()
        };
        let users = filter(None, Some("/users"));
        assert!(users.lets_path("GET /users") && users.lets_path("PUT /users/7"));
        assert!(!users.lets_path("GET /user") && !users.lets_path("OPTIONS *"));
        let get = filter(Some("GET"), None);
        assert!(get.lets_path("GET /a b") && !get.lets_path("GETX /"));
        let both = filter(Some("PUT"), Some("/users"));
        assert!(both.lets_path("PUT /users") && !both.lets_path("GET /users"));
    }

    #[test]
    fn hits_without_a_known_path_fit_no_condition_on_it() {
        let every = Filter::default();
        assert!(every.lets_path(OTHER_PATHS));
        for (method, prefix) in [(Some("GET"), None), (None, Some("/"))] {
            let filter = Filter {
                method: method.map(str::to_owned),
                path_prefix: prefix.map(str::to_owned),
                ..Filter::default()
            };
            assert!(!filter.lets_path(OTHER_PATHS));
        }
        let exactly = Filter {
            path_key: Some(OTHER_PATHS.to_owned()),
            ..Filter::default()
        };
        assert!(exactly.lets_path(OTHER_PATHS) && !exactly.lets_path("GET /"));
    }

    #[test]
    fn an_unknown_country_can_be_asked_for() {
        let filter = |country: &str| Filter {
            country: Some(country.to_owned()),
            ..Filter::default()
        };
        assert!(
            filter("unknown").lets_place(None, None)
                && !filter("unknown").lets_place(Some("DE"), None)
        );
        assert!(filter("DE").lets_place(Some("DE"), None) && !filter("DE").lets_place(None, None));
    }

    proptest::proptest! {
        #[test]
        fn what_was_read_is_in_its_one_spelling(text in "[0-9a-f:./]{0,20}|.{0,9}") {
            let kinds = [Text::Network, Text::PathPrefix, Text::Method, Text::Country];
            for (kind, read) in kinds.into_iter().filter_map(|kind| Some((kind, kind.read(&text).ok()?))) {
                proptest::prop_assert_eq!(kind.read(&read), Ok(read));
            }
            if let Ok(key) = read_path_key(&text) {
                proptest::prop_assert_eq!(read_path_key(&key), Ok(key));
            }
        }
    }

    #[test]
    fn a_condition_of_several_values_has_one_spelling() {
        for (kind, given, expect) in [
            (Text::Method, "put|get|PUT", "GET|PUT"),
            (Text::Method, "!get", "!GET"),
            (Text::Method, r"a\|b|\!x", r"\!X|A\|B"),
            (Text::Country, "!unknown|de|DE", "!DE|unknown"),
            (Text::Address, "!10.1.2.3/8|::1", "!10.0.0.0/8|::1"),
            (Text::Path, r"/a\b\\c\|d", r"/a\\b\\c\|d"),
            (Text::PathPrefix, "/b|/a!", "/a!|/b"),
        ] {
            assert_eq!(kind.read(given).as_deref(), Ok(expect), "{given}");
            assert_eq!(kind.read(expect).as_deref(), Ok(expect), "{given}, again");
        }
        for wrong in ["", "!", "GET|", "|GET", "GET||PUT", "!|"] {
            assert!(Text::Method.read(wrong).is_err(), "{wrong}");
        }
        let many = |count| vec!["GET"; count].join("|");
        assert_eq!(Text::Method.read(&many(VALUES_MAX)).as_deref(), Ok("GET"));
        assert!(Text::Method.read(&many(VALUES_MAX + 1)).is_err());
    }

    #[test]
    fn a_condition_holds_for_one_of_its_values_or_for_all_others() {
        let lets = |filter: &Filter, keys: &[&str]| {
            let lets: Vec<bool> = keys.iter().map(|key| filter.lets_path(key)).collect();
            lets
        };
        let keys = ["GET /a", "PUT /a/b", "GET /a|b", "GET *", OTHER_PATHS];
        let of = |method: Option<&str>, path: Option<&str>, prefix: Option<&str>| Filter {
            method: method.map(str::to_owned),
            path: path.map(str::to_owned),
            path_prefix: prefix.map(str::to_owned),
            ..Filter::default()
        };
        for (filter, expect) in [
            (of(Some("!GET"), None, None), [0, 1, 0, 0, 0]),
            (of(Some("GET|PUT"), None, None), [1, 1, 1, 1, 0]),
            (of(None, Some("!/a"), None), [0, 1, 1, 1, 0]),
            (of(None, Some(r"/a\|b"), None), [0, 0, 1, 0, 0]),
            (of(None, None, Some("!/a/|/b")), [1, 0, 1, 1, 0]),
            (of(Some("!PUT"), None, Some("/a")), [1, 0, 1, 0, 0]),
        ] {
            assert_eq!(
                lets(&filter, &keys),
                expect.map(|lets| lets == 1),
                "{filter:?}"
            );
        }
        let of_network = |network: &str| Filter {
            network: Some(network.to_owned()),
            ..Filter::default()
        };
        let name = Some("AS64496 Example, Inc.");
        for (network, expect) in [
            ("AS64496", [true, false]),
            ("AS64496 Example, Inc.", [true, false]),
            ("AS6449", [false, false]),
            ("!AS64496", [false, true]),
            ("unknown", [false, true]),
        ] {
            let filter = of_network(network);
            let lets = [filter.lets_place(None, name), filter.lets_place(None, None)];
            assert_eq!(lets, expect, "{network}");
        }
    }

    #[test]
    fn addresses_are_in_one_of_several_networks_or_in_none() {
        let lets = |condition: &str| {
            let addresses = Addresses::read(condition).unwrap();
            let all = ["10.1.1.1", "192.0.2.1", "2001:db8::1"];
            all.map(|address| addresses.lets(address.parse().unwrap()))
        };
        assert_eq!(lets("10.0.0.0/8|2001:db8::/32"), [true, false, true]);
        assert_eq!(lets("!10.0.0.0/8"), [false, true, true]);
        let single = |condition: &str| Addresses::read(condition).unwrap().single();
        assert_eq!(single("192.0.2.1"), Some([192, 0, 2, 1].into()));
        assert_eq!(single("!192.0.2.1"), None);
        assert_eq!(single("192.0.2.1|192.0.2.2"), None);
        assert!(Addresses::read("nowhere").is_err());
    }
}

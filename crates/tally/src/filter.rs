//! Filters: which hits count. Every condition that is given must hold.
//!
//! A filter is read from whatever a client wrote by [`Filter::check`], which refuses what can never hold and leaves each condition
//! in one spelling, so that equal filters are equal texts.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::hit::{self, PATH_BYTES_MAX};
use crate::question::BadParameter;
use crate::state::OTHER_PATHS;
use crate::status::StatusClass;

/// What an unknown country or user agent is called.
pub const UNKNOWN: &str = "unknown";

/// Which hits count; the default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// An address, or a network as `192.0.2.0/24`.
    pub ip: Option<String>,
    /// What the path starts with.
    pub path_prefix: Option<String>,
    pub method: Option<String>,
    pub status: Option<StatusClass>,
    /// Two characters, or [`UNKNOWN`]: what the IP told last.
    pub country: Option<String>,
    /// Exactly this path key.
    pub path_key: Option<String>,
}

impl Filter {
    /// The filter in its one spelling, or everything that is wrong with it.
    pub fn check(self) -> Result<Self, Vec<BadParameter>> {
        let mut bad = Vec::new();
        let checked = Self {
            ip: check(&mut bad, "ip", self.ip, read_ip),
            path_prefix: check(&mut bad, "pathPrefix", self.path_prefix, read_path_prefix),
            method: check(&mut bad, "method", self.method, read_method),
            status: self.status,
            country: check(&mut bad, "country", self.country, read_country),
            path_key: check(&mut bad, "key", self.path_key, read_path_key),
        };
        if bad.is_empty() {
            Ok(checked)
        } else {
            Err(bad)
        }
    }

    /// The one address that is let through, if it is one.
    pub fn one_ip(&self) -> Option<IpAddr> {
        self.ip.as_deref()?.parse().ok()
    }

    pub fn lets_path(&self, path_key: &str) -> bool {
        if self
            .path_key
            .as_deref()
            .is_some_and(|wanted| wanted != path_key)
        {
            return false;
        }
        // `(other)` has neither method nor path, so that no condition on them holds.
        let (method, path) = path_key.split_once(' ').unwrap_or_default();
        let method_fits = self.method.as_deref().is_none_or(|wanted| wanted == method);
        let prefix = self.path_prefix.as_deref();
        method_fits && prefix.is_none_or(|prefix| path.starts_with(prefix))
    }

    pub fn lets_country(&self, country: Option<&str>) -> bool {
        let told = country.unwrap_or(UNKNOWN);
        self.country.as_deref().is_none_or(|wanted| wanted == told)
    }

    /// The conditions as the API spells them. The path key is not among them: it is what is asked about.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let conditions = [
            ("ip", self.ip.as_deref()),
            ("pathPrefix", self.path_prefix.as_deref()),
            ("method", self.method.as_deref()),
            ("status", self.status.map(StatusClass::name)),
            ("country", self.country.as_deref()),
        ];
        let given = conditions.into_iter();
        given.filter_map(|(name, value)| Some((name, value?)))
    }

    /// The filter, unless it lets everything through.
    pub fn some(&self) -> Option<Self> {
        (*self != Self::default()).then(|| self.clone())
    }
}

/// As an object of the conditions that are given.
pub mod as_parameters {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Filter;
    use crate::status::StatusClass;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Parameters {
        ip: Option<String>,
        path_prefix: Option<String>,
        method: Option<String>,
        status: Option<String>,
        country: Option<String>,
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
            method: given.method,
            status: status.and_then(StatusClass::from_name),
            country: given.country,
            path_key: None,
        }))
    }
}

fn check(
    bad: &mut Vec<BadParameter>,
    name: &str,
    given: Option<String>,
    read: impl Fn(String) -> Result<String, String>,
) -> Option<String> {
    match read(given?) {
        Ok(value) => Some(value),
        Err(reason) => {
            let name = name.to_owned();
            bad.push(BadParameter { name, reason });
            None
        }
    }
}

/// An address or a network. One that IPv4 is mapped into is IPv4, as the addresses of hits are.
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

fn read_ip(text: String) -> Result<String, String> {
    let network = read_network(&text)?;
    Ok(if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    })
}

fn read_path_prefix(prefix: String) -> Result<String, String> {
    if !prefix.starts_with('/') {
        return Err("expected the start of a path, from its /".to_owned());
    }
    if prefix.len() > PATH_BYTES_MAX {
        return Err(format!("longer than {PATH_BYTES_MAX} bytes"));
    }
    Ok(prefix)
}

fn read_method(method: String) -> Result<String, String> {
    hit::check_method(method).map_err(|refusal| refusal.reason)
}

fn read_country(country: String) -> Result<String, String> {
    if country == UNKNOWN {
        return Ok(country);
    }
    hit::country_code(country)
        .ok_or_else(|| format!("expected a code of two letters, or {UNKNOWN}"))
}

fn read_path_key(key: String) -> Result<String, String> {
    if key == OTHER_PATHS {
        return Ok(key);
    }
    let parts = key.split_once(' ');
    let (method, path) = parts.ok_or_else(|| "expected METHOD /path".to_owned())?;
    let method = read_method(method.to_owned())?;
    let path = hit::check_path(path.to_owned()).map_err(|refusal| refusal.reason)?;
    Ok(format!("{method} {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Result<String, Vec<BadParameter>> {
        let ip = Some(text.to_owned());
        let filter = Filter {
            ip,
            ..Filter::default()
        };
        filter.check().map(|filter| filter.ip.unwrap())
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
            assert_eq!(ip(given).as_deref(), Ok(expect), "{given}");
            assert_eq!(ip(expect).as_deref(), Ok(expect), "{given}, again");
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
            assert_eq!(ip(given).unwrap_err()[0].name, "ip", "{given}");
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let text = |text: &str| Some(text.to_owned());
        let filter = Filter {
            ip: text("x"),
            path_prefix: text("users"),
            method: text("G T"),
            status: None,
            country: text("Germany"),
            path_key: text("GET"),
        };
        let bad = filter.check().unwrap_err();
        let names: Vec<&str> = bad.iter().map(|bad| bad.name.as_str()).collect();
        assert_eq!(names, ["ip", "pathPrefix", "method", "country", "key"]);
    }

    #[test]
    fn methods_and_countries_are_upper_cased() {
        let filter = Filter {
            method: Some("get".to_owned()),
            country: Some("de".to_owned()),
            path_key: Some("get /users?page=1".to_owned()),
            ..Filter::default()
        };
        let filter = filter.check().unwrap();
        let conditions: Vec<_> = filter.parameters().collect();
        assert_eq!(conditions, [("method", "GET"), ("country", "DE")]);
        assert_eq!(filter.path_key.as_deref(), Some("GET /users"));
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
            filter("unknown").lets_country(None) && !filter("unknown").lets_country(Some("DE"))
        );
        assert!(filter("DE").lets_country(Some("DE")) && !filter("DE").lets_country(None));
    }

    proptest::proptest! {
        #[test]
        fn what_was_checked_is_in_its_one_spelling(ip in "[0-9a-f:./]{0,20}", method in ".{0,4}", country in ".{0,3}", key in ".{0,9}") {
            let each = [
                Filter { ip: Some(ip), ..Filter::default() },
                Filter { method: Some(method), ..Filter::default() },
                Filter { country: Some(country), ..Filter::default() },
                Filter { path_key: Some(key), ..Filter::default() },
            ];
            for filter in each.into_iter().filter_map(|filter| filter.check().ok()) {
                proptest::prop_assert_eq!(filter.clone().check(), Ok(filter));
            }
        }
    }
}

//! Labels: names that an admin gives to callers.
//!
//! A label has addresses, networks of them, networks by name or number, and consumers. A filter by
//! labels is a filter by the addresses and networks that they have. So each answer says which
//! addresses these were.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::condition::{self, literal, spell};
use crate::filter::{Filter, NETWORK_CHARACTERS_MAX, read_ip, read_network};

/// The most addresses, networks and consumers of one label.
pub const MEMBERS_MAX: usize = 200;
/// The most characters of a text about a label.
pub const ABOUT_CHARACTERS_MAX: usize = 500;
/// In place of labels: hits count whether a label leaves them out or not.
pub const EVERYTHING: &str = "*";

/// The callers of one name.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Label {
    /// Addresses, and networks of addresses as `192.0.2.0/24`.
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub ips: Vec<String>,
    /// Networks by name, or by number as `AS13335`.
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub networks: Vec<String>,
    /// Consumers, as the gateway names them.
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub consumers: Vec<String>,
    /// If true, hits of these addresses and networks count only in answers that ask for an address
    /// or a label.
    pub left_out: bool,
    /// A text for people.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub about: String,
}

impl Label {
    /// Brings each member into its one spelling. The error names the field.
    pub fn check(&mut self) -> Result<(), (&'static str, String)> {
        let lists = [
            ("ips", &mut self.ips),
            ("networks", &mut self.networks),
            ("consumers", &mut self.consumers),
        ];
        let mut count = 0;
        for (name, list) in lists {
            count += list.len();
            if count > MEMBERS_MAX {
                let reason = format!("a label has at most {MEMBERS_MAX} members in all");
                return Err((name, reason));
            }
            for member in list.iter_mut() {
                *member = match name {
                    "ips" => read_ip(member),
                    _ => read_name(member),
                }
                .map_err(|reason| (name, format!("{member:?}: {reason}")))?;
            }
            list.sort_unstable();
            list.dedup();
        }
        if count == 0 {
            let reason = "expected at least one of ips, networks and consumers".to_owned();
            return Err(("ips", reason));
        }
        if self.left_out && self.ips.is_empty() && self.networks.is_empty() {
            let reason = "only addresses and networks can be left out".to_owned();
            return Err(("leftOut", reason));
        }
        match self.about.chars().count() <= ABOUT_CHARACTERS_MAX {
            true => Ok(()),
            false => Err((
                "about",
                format!("longer than {ABOUT_CHARACTERS_MAX} characters"),
            )),
        }
    }
}

fn read_name(name: &str) -> Result<String, String> {
    let is_short = (1..=NETWORK_CHARACTERS_MAX).contains(&name.chars().count());
    match is_short && !name.chars().any(char::is_control) {
        true => Ok(name.to_owned()),
        false => Err(format!("expected 1 to {NETWORK_CHARACTERS_MAX} characters")),
    }
}

/// All labels, for looking up the names of callers.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    all: BTreeMap<String, Label>,
    ips: Vec<(IpNet, String)>,
}

impl Labels {
    pub fn new(all: impl IntoIterator<Item = (String, Label)>) -> Self {
        let all: BTreeMap<String, Label> = all.into_iter().collect();
        let each = all.iter().flat_map(|(name, label)| {
            let networks = label.ips.iter().filter_map(|ip| read_network(ip).ok());
            networks.map(|network| (network, name.clone()))
        });
        let ips = each.collect();
        Self { all, ips }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The labels of an address in a network.
    pub fn of_ip(&self, ip: &str, network: Option<&str>) -> Vec<String> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let address: Option<IpAddr> = ip.parse().ok();
        let by_address = self
            .ips
            .iter()
            .filter(|(of, _)| address.is_some_and(|address| of.contains(&address)));
        let mut names: Vec<String> = by_address.map(|(_, name)| name.clone()).collect();
        names.extend(
            network
                .into_iter()
                .flat_map(|network| self.of_network(network)),
        );
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The labels of a network, as `AS13335 Cloudflare, Inc.`.
    pub fn of_network(&self, network: &str) -> Vec<String> {
        let number = network.split(' ').next().unwrap_or_default();
        self.with(|label| {
            let mut networks = label.networks.iter();
            networks.any(|of| of == network || of == number)
        })
    }

    pub fn of_consumer(&self, consumer: &str) -> Vec<String> {
        self.with(|label| label.consumers.iter().any(|of| of == consumer))
    }

    fn with(&self, has: impl Fn(&Label) -> bool) -> Vec<String> {
        let with = self.all.iter().filter(|(_, label)| has(label));
        with.map(|(name, _)| name.clone()).collect()
    }

    /// Turns the condition on labels into conditions on addresses and networks. Without one, leaves
    /// out the hits that labels leave out, unless the filter asks for an address. The error says
    /// why the condition cannot be applied.
    pub fn resolve(&self, filter: &mut Filter) -> Result<(), String> {
        let (is_not, labels) = match filter.label.as_deref() {
            Some(EVERYTHING) => return Ok(()),
            Some(given) => self.named(given)?,
            None if filter.ip.is_some() => return Ok(()),
            None => (true, self.left_out().map(|(_, label)| label).collect()),
        };
        let members = |of: fn(&Label) -> &[String]| -> BTreeSet<&str> {
            let each = labels.iter().flat_map(|label| of(label));
            each.map(String::as_str).collect()
        };
        let ips = condition(is_not, &members(|label| &label.ips));
        let networks = condition(is_not, &members(|label| &label.networks));
        if filter.label.is_some() {
            let refusal = match (&ips, &networks) {
                (None, None) => {
                    "it has only consumers: ask /admin/breakdown?by=consumer, or /admin/group"
                }
                (Some(_), Some(_)) if !is_not => {
                    "it has addresses, and also networks by name: no filter is of both"
                }
                (Some(_), _) if filter.ip.is_some() => {
                    "not beside ip, because the label has addresses"
                }
                (_, Some(_)) if filter.network.is_some() => {
                    "not beside network, because the label has networks by name"
                }
                _ => "",
            };
            if !refusal.is_empty() {
                return Err(refusal.to_owned());
            }
        }
        filter.ip = ips.or(filter.ip.take());
        // Somebody who asks for a network wants to see it.
        filter.network = filter.network.take().or(networks);
        Ok(())
    }

    /// The labels that a condition names.
    fn named(&self, condition: &str) -> Result<(bool, Vec<&Label>), String> {
        let (is_not, names) = condition::split(condition);
        let label = |name: Cow<'_, str>| {
            let label = self.all.get(name.as_ref());
            label.ok_or_else(|| format!("there is no label {name:?}"))
        };
        Ok((is_not, names.map(label).collect::<Result<_, _>>()?))
    }

    /// The labels that leave hits out.
    pub fn left_out(&self) -> impl Iterator<Item = (&String, &Label)> {
        self.all.iter().filter(|(_, label)| label.left_out)
    }
}

/// The condition on these members.
fn condition(is_not: bool, members: &BTreeSet<&str>) -> Option<String> {
    let is_one = !members.is_empty();
    is_one.then(|| spell(is_not, members.iter().map(|member| literal(member))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(ips: &[&str], networks: &[&str], consumers: &[&str]) -> Label {
        let own = |list: &[&str]| list.iter().map(|member| (*member).to_owned()).collect();
        let mut label = Label {
            ips: own(ips),
            networks: own(networks),
            consumers: own(consumers),
            ..Label::default()
        };
        label.check().unwrap();
        label
    }

    fn labels() -> Labels {
        let left_out = Label {
            left_out: true,
            ..label(&["198.51.100.1", "198.51.100.1"], &["AS64500"], &[])
        };
        Labels::new([
            (
                "office".to_owned(),
                label(&["192.0.2.77/24", "::1"], &[], &["key a"]),
            ),
            (
                "partner".to_owned(),
                label(&[], &["AS64501 A|B", "AS64502"], &[]),
            ),
            (
                "both".to_owned(),
                label(&["203.0.113.9"], &["AS64503"], &[]),
            ),
            ("keys".to_owned(), label(&[], &[], &["key b"])),
            ("monitors".to_owned(), left_out),
        ])
    }

    #[test]
    fn callers_have_the_labels_that_name_them() {
        let labels = labels();
        let check = |ip: &str, network: Option<&str>, expect: &[&str]| {
            assert_eq!(labels.of_ip(ip, network), expect, "{ip} {network:?}");
        };
        check("192.0.2.5", None, &["office"]);
        check("192.0.3.5", None, &[]);
        check("::1", Some("AS64500 Example"), &["monitors", "office"]);
        check("203.0.113.9", Some("AS64501 A|B"), &["both", "partner"]);
        check("203.0.113.9", Some("AS64501 other"), &["both"]);
        assert_eq!(labels.of_consumer("key b"), ["keys"]);
        assert_eq!(labels.of_consumer("key"), [""; 0]);
    }

    #[test]
    fn a_filter_by_labels_is_one_by_their_members() {
        let labels = labels();
        let check = |label: &str, expect: Result<(&str, &str), &str>| {
            let mut filter = Filter {
                label: Some(label.to_owned()),
                ..Filter::default()
            };
            let resolved = labels.resolve(&mut filter);
            let text = |condition: Option<String>| condition.unwrap_or_default();
            let found = resolved.map(|()| (text(filter.ip), text(filter.network)));
            let found = found
                .as_ref()
                .map(|(ip, network)| (ip.as_str(), network.as_str()));
            assert_eq!(found.map_err(String::as_str), expect, "{label}");
        };
        check("office", Ok(("192.0.2.0/24|::1", "")));
        check("!office", Ok(("!192.0.2.0/24|::1", "")));
        check("partner", Ok(("", r"AS64501 A\|B|AS64502")));
        check(
            "!office|both",
            Ok(("!192.0.2.0/24|203.0.113.9|::1", "!AS64503")),
        );
        check("*", Ok(("", "")));
        check(
            "both",
            Err("it has addresses, and also networks by name: no filter is of both"),
        );
        check("office|none", Err("there is no label \"none\""));
        check(
            "keys",
            Err("it has only consumers: ask /admin/breakdown?by=consumer, or /admin/group"),
        );
    }

    #[test]
    fn a_label_leaves_hits_out_unless_an_address_is_asked_for() {
        let labels = labels();
        let check = |filter: Filter, ip: Option<&str>, network: Option<&str>| {
            let mut resolved = filter.clone();
            labels.resolve(&mut resolved).unwrap();
            assert_eq!(
                (resolved.ip.as_deref(), resolved.network.as_deref()),
                (ip, network)
            );
        };
        let filter = Filter::default();
        check(filter.clone(), Some("!198.51.100.1"), Some("!AS64500"));
        let network = Filter {
            network: Some("AS1".to_owned()),
            ..filter.clone()
        };
        check(network, Some("!198.51.100.1"), Some("AS1"));
        let ip = Filter {
            ip: Some("198.51.100.0/24".to_owned()),
            ..filter.clone()
        };
        check(ip, Some("198.51.100.0/24"), None);
        let mut none = filter.clone();
        Labels::default().resolve(&mut none).unwrap();
        assert_eq!(none, filter);
    }

    #[test]
    fn a_label_has_members_and_not_too_many() {
        let refused = |label: &mut Label| label.check().unwrap_err();
        assert_eq!(refused(&mut Label::default()).0, "ips");
        let ips = |count: usize| Label {
            ips: (0..count)
                .map(|n| format!("10.0.{}.{}", n / 256, n % 256))
                .collect(),
            ..Label::default()
        };
        assert_eq!(ips(MEMBERS_MAX).check(), Ok(()));
        assert_eq!(refused(&mut ips(MEMBERS_MAX + 1)).0, "ips");
        let mut bad = Label {
            ips: vec!["10.0.0".to_owned()],
            ..Label::default()
        };
        assert_eq!(refused(&mut bad).0, "ips");
        let mut keys = Label {
            left_out: true,
            consumers: vec!["a".to_owned()],
            ..Label::default()
        };
        assert_eq!(refused(&mut keys).0, "leftOut");
    }
}

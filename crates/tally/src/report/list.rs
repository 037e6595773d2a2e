//! Lists of IPs as firewalls and gateways read them.

use std::fmt::Write;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::report::rfc3339_text;

/// The form of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListFormat {
    /// An address a line.
    #[default]
    Plain,
    /// `deny` directives, to be included.
    Nginx,
    /// A map file: the address, and the name of the rule.
    Haproxy,
    /// Commands for `ipset restore`. Each address leaves the set by itself.
    Ipset,
}

impl ListFormat {
    pub const EVERY: [Self; 4] = [Self::Plain, Self::Nginx, Self::Haproxy, Self::Ipset];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Ipset => "ipset",
        }
    }
}

/// The IPs that reach the threshold of a rule.
#[derive(Clone, Debug)]
pub struct List {
    /// The name of the rule.
    pub rule: String,
    /// Those with the highest values first.
    pub ips: Vec<String>,
    /// There are more than these.
    pub are_more: bool,
    pub at_ms: u64,
    /// When no hit counts any more that counts now.
    pub expires_ms: u64,
}

impl List {
    pub fn write(&self, format: ListFormat) -> String {
        let mut text = String::new();
        if format != ListFormat::Plain {
            let (at, until) = (rfc3339_text(self.at_ms), rfc3339_text(self.expires_ms));
            let count = self.ips.len();
            _ = writeln!(
                text,
                "# rules/{}: {count} IPs at {at}, until {until}",
                self.rule
            );
        }
        if self.are_more {
            let count = self.ips.len();
            _ = writeln!(text, "# There are more than these {count} IPs.");
        }
        if format == ListFormat::Ipset {
            text += "create -exist rollcall4 hash:ip family inet timeout 0\n";
            text += "create -exist rollcall6 hash:ip family inet6 timeout 0\n";
        }
        let seconds = self.expires_ms.saturating_sub(self.at_ms) / 1_000;
        // Whatever the names are, only addresses reach a firewall.
        for ip in self.ips.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()) {
            _ = match format {
                ListFormat::Plain => writeln!(text, "{ip}"),
                ListFormat::Nginx => writeln!(text, "deny {ip};"),
                ListFormat::Haproxy => writeln!(text, "{ip} {}", self.rule),
                ListFormat::Ipset => {
                    let set = if ip.is_ipv4() {
                        "rollcall4"
                    } else {
                        "rollcall6"
                    };
                    writeln!(text, "add -exist {set} {ip} timeout {seconds}")
                }
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_the_addresses() {
        let list = List {
            rule: "scan".to_owned(),
            ips: vec![
                "192.0.2.1".to_owned(),
                "2001:db8::1".to_owned(),
                "x; }".to_owned(),
            ],
            are_more: false,
            at_ms: 1_800_000_000_000,
            expires_ms: 1_800_000_600_000,
        };
        let head =
            "# rules/scan: 3 IPs at 2027-01-15T08:00:00.000Z, until 2027-01-15T08:10:00.000Z\n";
        let check = |format, expect: &str| assert_eq!(list.write(format), expect);
        check(ListFormat::Plain, "192.0.2.1\n2001:db8::1\n");
        check(
            ListFormat::Nginx,
            &format!("{head}deny 192.0.2.1;\ndeny 2001:db8::1;\n"),
        );
        check(
            ListFormat::Haproxy,
            &format!("{head}192.0.2.1 scan\n2001:db8::1 scan\n"),
        );
        check(
            ListFormat::Ipset,
            &format!(
                "{head}create -exist rollcall4 hash:ip family inet timeout 0\n\
                 create -exist rollcall6 hash:ip family inet6 timeout 0\n\
                 add -exist rollcall4 192.0.2.1 timeout 600\n\
                 add -exist rollcall6 2001:db8::1 timeout 600\n"
            ),
        );
        let more = List {
            are_more: true,
            ips: vec!["192.0.2.1".to_owned()],
            ..list
        };
        assert_eq!(
            more.write(ListFormat::Plain),
            "# There are more than these 1 IPs.\n192.0.2.1\n"
        );
    }
}

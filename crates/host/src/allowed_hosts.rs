//! `allowed_outbound_hosts`: the hosts that a component may call, and the names of other
//! components.

use anyhow::{Context as _, Result, bail, ensure};
use http::Uri;

use crate::variables::Variables;

/// The end of the host name of a chained request.
const CHAINING_SUFFIX: &str = ".spin.internal";

/// The results of a template whose variable is empty.
const NO_HOST: [&str; 3] = ["", "http://", "https://"];

/// A component's `allowed_outbound_hosts`.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Debug)]
struct AllowedHost {
    /// `None` is any scheme.
    scheme: Option<String>,
    host: HostPattern,
    /// `None` is any port.
    port: Option<u16>,
}

#[derive(Debug)]
enum HostPattern {
    Any,
    /// The domain, with a dot before it.
    Under(String),
    Exactly(String),
    /// Any component of this application.
    Component(Vec<String>),
}

impl AllowedHosts {
    /// Reads patterns, or templates of patterns. A pattern is `scheme://host[:port]`. Each part may
    /// be `*`, and the host may be `*.domain`. `*.spin.internal` is any of the application's own
    /// `components`. As in Spin, a template may give no host, because its variable is empty. It
    /// then allows no host.
    pub fn parse(
        templates: &[String],
        variables: &Variables,
        components: &[String],
    ) -> Result<Self> {
        let parse = |template: &String| {
            let pattern = variables.render(template)?;
            if pattern != *template && NO_HOST.contains(&pattern.as_str()) {
                return Ok(None);
            }
            let allowed = AllowedHost::parse(pattern.trim(), components);
            allowed
                .map(Some)
                .with_context(|| format!("in the allowed outbound host {template:?}"))
        };
        let allowed = templates
            .iter()
            .filter_map(|template| parse(template).transpose());
        allowed.collect::<Result<_>>().map(Self)
    }

    /// Whether a request to `uri` is allowed.
    pub fn allow(&self, uri: &Uri) -> bool {
        self.0.iter().any(|allowed| allowed.allows(uri))
    }
}

impl AllowedHost {
    fn parse(pattern: &str, components: &[String]) -> Result<Self> {
        let (scheme, rest) = pattern
            .split_once("://")
            .context("must be of the form scheme://host[:port]")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let port = match port {
            Some("*") => None,
            Some(port) => Some(
                port.parse()
                    .with_context(|| format!("{port:?} is not a port"))?,
            ),
            None => Some(
                default_port(scheme).context("needs a port, since the scheme has no default")?,
            ),
        };
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_ascii_lowercase()),
            host: HostPattern::parse(host, components)?,
            port,
        })
    }

    fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return false;
        };
        self.scheme
            .as_deref()
            .is_none_or(|allowed| allowed == scheme)
            && self.host.allows(&host.to_ascii_lowercase())
            && (self.port.is_none() || self.port == uri.port_u16().or_else(|| default_port(scheme)))
    }
}

impl HostPattern {
    fn parse(host: &str, components: &[String]) -> Result<Self> {
        ensure!(
            !host.is_empty() && !host.contains('/'),
            "the host must be a name, without a path"
        );
        let host = host.to_ascii_lowercase();
        Ok(match host.strip_prefix('*') {
            Some("") => Self::Any,
            Some(CHAINING_SUFFIX) => Self::Component(components.to_vec()),
            Some(suffix) if suffix.starts_with('.') && !suffix.contains('*') => {
                Self::Under(suffix.to_owned())
            }
            None if !host.contains('*') => Self::Exactly(host),
            _ => bail!("a wildcard must be the whole host or its first label"),
        })
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Under(suffix) => host.ends_with(suffix.as_str()),
            Self::Exactly(exact) => host == exact,
            Self::Component(ids) => host
                .strip_suffix(CHAINING_SUFFIX)
                .is_some_and(|id| ids.iter().any(|known| known == id)),
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The id of the component that a host name chains to. None if it is another kind of name.
pub fn chain_target(host: &str) -> Option<&str> {
    let id = host.strip_suffix(CHAINING_SUFFIX)?;
    (!id.is_empty() && !id.contains('.')).then_some(id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::variables::Sources;

    /// Reads one pattern. `{{ host }}` in it is replaced by this text.
    fn parse(pattern: &str, host: &str) -> Result<AllowedHosts> {
        let declared = toml::from_str("host = { default = \"\" }").unwrap();
        let sources = Sources {
            given: &BTreeMap::from([("host".to_owned(), host.to_owned())]),
            env: &|_| None,
            dotenv: &BTreeMap::new(),
        };
        let variables = Variables::resolve(&declared, &sources).unwrap();
        let components = ["collector".to_owned()];
        AllowedHosts::parse(&[pattern.to_owned()], &variables, &components)
    }

    fn check(pattern: &str, allowed: &[&str], denied: &[&str]) {
        check_with(pattern, "", allowed, denied);
    }

    #[track_caller]
    fn check_with(pattern: &str, host: &str, allowed: &[&str], denied: &[&str]) {
        let hosts = parse(pattern, host).unwrap();
        for uri in allowed {
            assert!(
                hosts.allow(&uri.parse().unwrap()),
                "{pattern} must allow {uri}"
            );
        }
        for uri in denied {
            assert!(
                !hosts.allow(&uri.parse().unwrap()),
                "{pattern} must deny {uri}"
            );
        }
    }

    #[test]
    fn a_pattern_allows_what_it_says_and_nothing_else() {
        check(
            "http://example.com",
            &["http://example.com/", "http://EXAMPLE.com:80/x"],
            &[
                "https://example.com/",
                "http://example.com:8080/",
                "http://a.example.com/",
            ],
        );
        check(
            "https://example.com:8443",
            &["https://example.com:8443/"],
            &["https://example.com/"],
        );
        check(
            "*://example.com:*",
            &["http://example.com:1/", "https://example.com/"],
            &["http://example.org/"],
        );
        check(
            "http://*.example.com",
            &["http://a.example.com/"],
            &["http://example.com/", "http://aexample.com/"],
        );
        check("*://*:*", &["http://anything:9/"], &[]);
        check(
            "http://127.0.0.1:9000/",
            &["http://127.0.0.1:9000/"],
            &["http://127.0.0.2:9000/"],
        );
    }

    #[test]
    fn the_chaining_wildcard_stands_for_the_own_components() {
        check(
            "http://*.spin.internal",
            &["http://collector.spin.internal/"],
            &[
                "http://ghost.spin.internal/",
                "https://collector.spin.internal/",
                "http://example.com/",
            ],
        );
        check(
            "http://other.spin.internal",
            &["http://other.spin.internal/"],
            &["http://collector.spin.internal/"],
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "*",
            "example.com",
            "http://",
            "http://a/path",
            "http://a.*.com",
            "foo://bar",
            "http://a:b",
        ] {
            assert!(parse(pattern, "").is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_template_allows_the_host_that_a_variable_names_and_without_one_none() {
        let (here, there) = ("https://hooks.example.com/x", "https://example.com/");
        check_with(
            "{{ host }}",
            "https://hooks.example.com",
            &[here],
            &[there, "http://hooks.example.com/x"],
        );
        check_with("https://{{ host }}", "hooks.example.com", &[here], &[there]);
        for empty in ["{{ host }}", "https://{{host}}", "http://{{ host }}"] {
            check_with(empty, "", &[], &[here, there, "http://collector/"]);
        }
        for (template, host) in [
            ("{{ host }}", "hooks.example.com"),
            ("{{ host }}", "https://hooks.example.com/path"),
            ("{{ host }}", "{{ host }}"),
            ("ftp://{{ host }}", ""),
            ("{{ other }}", ""),
            ("", ""),
            ("https://", ""),
        ] {
            assert!(parse(template, host).is_err(), "{template} {host}");
        }
    }

    #[test]
    fn only_one_label_chains() {
        assert_eq!(chain_target("collector.spin.internal"), Some("collector"));
        for host in [
            "spin.internal",
            ".spin.internal",
            "a.b.spin.internal",
            "collector.spin.internal.com",
        ] {
            assert_eq!(chain_target(host), None, "{host}");
        }
    }
}

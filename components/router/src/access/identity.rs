//! A proxy in front that signs people in, as one for OpenID Connect does. It names the person in a
//! header. Only proxies that the operator names are believed, because any client can write a
//! header.

use http::{HeaderMap, HeaderName};
use rollcall_tally::hit::Networks;
use rollcall_web::{log, sender, variable};

/// Which header of which proxies names a person who was signed in.
pub struct Identity {
    header: HeaderName,
    proxies: Networks,
}

impl Identity {
    /// None: no proxy signs people in. If a variable cannot be used, the log says so, and nobody is
    /// let in by it.
    pub async fn configured() -> Option<Self> {
        let header = variable::text("identity_header").await;
        if header.is_empty() {
            return None;
        }
        let proxies = variable::text("identity_proxies").await;
        Self::read(&header, &proxies)
            .inspect_err(|variable| {
                log!(Error, "variable-not-used", variable = variable);
            })
            .ok()
    }

    /// The error names the variable that cannot be used.
    fn read(header: &str, proxies: &str) -> Result<Self, &'static str> {
        Ok(Self {
            header: header.parse().map_err(|_| "identity_header")?,
            proxies: Networks::read(proxies).map_err(|_| "identity_proxies")?,
        })
    }

    /// Whether one of the proxies sent the request, and names a person.
    pub fn is_known(&self, request: &HeaderMap) -> bool {
        let is_proxy = sender::opened_by(request).is_some_and(|by| self.proxies.has(by));
        let mut names = request.get_all(&self.header).iter();
        // A proxy that passes a client's own header on sends two.
        let name = names.next().filter(|_| names.next().is_none());
        is_proxy && name.is_some_and(|name| !name.as_bytes().trim_ascii().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_known(proxies: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let mut request = HeaderMap::new();
        for (name, value) in headers {
            request.append(*name, value.parse().unwrap());
        }
        let identity = Identity::read("X-Forwarded-User", proxies).unwrap();
        identity.is_known(&request)
    }

    #[test]
    fn only_a_named_proxy_is_believed() {
        let by = ("spin-client-addr", "10.0.0.1:5000");
        let user = ("x-forwarded-user", "anna@example.com");
        assert!(is_known("10.0.0.0/8", &[by, user]));
        assert!(is_known("127.0.0.1 10.0.0.1", &[by, user]));
        assert!(!is_known("", &[by, user]));
        assert!(!is_known("10.0.0.2", &[by, user]));
        // The host's word comes last, behind that of the client.
        let elsewhere = ("spin-client-addr", "192.0.2.1:5000");
        assert!(!is_known("10.0.0.0/8", &[by, elsewhere, user]));
        assert!(!is_known("10.0.0.0/8", &[user]));
    }

    #[test]
    fn a_proxy_names_one_person() {
        let by = ("spin-client-addr", "10.0.0.1:5000");
        let user = ("x-forwarded-user", "anna@example.com");
        assert!(!is_known("10.0.0.0/8", &[by]));
        assert!(!is_known("10.0.0.0/8", &[by, ("x-forwarded-user", " ")]));
        assert!(!is_known("10.0.0.0/8", &[by, user, user]));
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named() {
        let bad = |header, proxies| Identity::read(header, proxies).err();
        assert_eq!(bad("a b", "10.0.0.1"), Some("identity_header"));
        assert_eq!(bad("x-user", "proxy.example"), Some("identity_proxies"));
        assert_eq!(bad("x-user", ""), None);
    }
}

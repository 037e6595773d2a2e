//! Finds the component for a path, and makes the headers that tell the component its route.
//!
//! As in Spin: an exact route comes before a wildcard (`/x/...`), and a longer wildcard before a
//! shorter one. A slash at the end does not matter for the match. If two triggers have the same
//! route, the later one wins. Named segments (`/x/:id`) are refused, because nothing here needs
//! them.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::manifest::Trigger;

/// The public routes of an application.
#[derive(Debug)]
pub struct Routes {
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    /// The route as the manifest has it.
    raw: String,
    /// The route without wildcard and without a slash at the end. Empty for the root.
    path: String,
    wildcard: bool,
    component: String,
}

/// The match of a path. The component gets it in headers.
#[derive(Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The id of the component that answers.
    pub component: &'a str,
    /// The route as the manifest has it.
    raw: &'a str,
    /// The part of the path that the wildcard matches, with its first slash. Empty for an exact
    /// route.
    path_info: &'a str,
}

impl Routes {
    /// The routes of the triggers that are not private.
    pub fn new(triggers: &[Trigger]) -> Result<Self> {
        let mut routes: Vec<Route> = Vec::new();
        for trigger in triggers {
            let Some(raw) = &trigger.route else { continue };
            let route = Route::parse(raw, &trigger.component)?;
            routes.retain(|other| (&other.path, other.wildcard) != (&route.path, route.wildcard));
            routes.push(route);
        }
        Ok(Self { routes })
    }

    /// The best match for `path`.
    pub fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a>> {
        self.routes
            .iter()
            .filter_map(|route| Some((route, route.path_info(path)?)))
            .max_by_key(|(route, _)| (!route.wildcard, route.path.len()))
            .map(|(route, path_info)| Match {
                component: &route.component,
                raw: &route.raw,
                path_info,
            })
    }
}

impl Route {
    fn parse(raw: &str, component: &str) -> Result<Self> {
        let absolute = format!("/{}", raw.trim_start_matches('/'));
        let (path, wildcard) = match absolute.strip_suffix("/...") {
            Some(prefix) => (prefix, true),
            None => (absolute.strip_suffix('/').unwrap_or(&absolute), false),
        };
        ensure!(
            !path.contains([':', '*']) && !path.contains("..."),
            "the route {raw:?} of {component:?}: only exact routes and a trailing `/...` are supported"
        );
        Ok(Self {
            raw: raw.to_owned(),
            path: path.to_owned(),
            wildcard,
            component: component.to_owned(),
        })
    }

    fn path_info<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&self.path)?;
        match self.wildcard {
            true => (rest.is_empty() || rest.starts_with('/')).then_some(rest),
            false => matches!(rest, "" | "/").then_some(""),
        }
    }
}

impl<'a> Match<'a> {
    /// The match of a chained request. It needs no route: the component gets every path.
    pub fn chained(component: &'a str, path: &'a str) -> Self {
        Self {
            component,
            raw: "/...",
            path_info: path,
        }
    }

    /// Appends Spin's headers after those of the client. A reader must take the last value of each.
    pub fn append_headers(
        &self,
        headers: &mut HeaderMap,
        uri: &Uri,
        client: SocketAddr,
    ) -> Result<()> {
        let host = match headers.get(header::HOST) {
            Some(host) => host.to_str()?,
            None => "localhost",
        };
        let scheme = uri.scheme_str().unwrap_or("http");
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let full_url = format!("{scheme}://{host}{path}");
        let prefix = self.raw.strip_suffix("/...").unwrap_or(self.raw);
        let matched = self.raw.strip_suffix('/').unwrap_or(self.raw);
        let values = [
            ("spin-path-info", self.path_info),
            ("spin-full-url", &full_url),
            ("spin-matched-route", matched),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", self.raw),
            ("spin-component-route", prefix),
            ("spin-client-addr", &client.to_string()),
        ];
        for (name, value) in values {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[(&str, &str)]) -> Routes {
        let triggers: Vec<_> = patterns
            .iter()
            .map(|(route, component)| Trigger {
                component: (*component).to_owned(),
                route: Some((*route).to_owned()),
            })
            .collect();
        Routes::new(&triggers).unwrap()
    }

    #[track_caller]
    fn check(routes: &Routes, path: &str, expect: Option<(&str, &str)>) {
        let found = routes
            .find(path)
            .map(|found| (found.component, found.path_info));
        assert_eq!(found, expect, "{path}");
    }

    #[test]
    fn exact_comes_before_wildcard_and_long_before_short() {
        let routes = routes(&[
            ("/...", "all"),
            ("/one/...", "one"),
            ("/one/two/...", "two"),
            ("/one/two", "exact"),
        ]);
        check(&routes, "/", Some(("all", "/")));
        check(&routes, "/onest", Some(("all", "/onest")));
        check(&routes, "/one", Some(("one", "")));
        check(&routes, "/one/", Some(("one", "/")));
        check(&routes, "/one/x/", Some(("one", "/x/")));
        check(&routes, "/one/two", Some(("exact", "")));
        check(&routes, "/one/two/", Some(("exact", "")));
        check(&routes, "/one/two/three", Some(("two", "/three")));
    }

    #[test]
    fn a_path_without_a_route_matches_nothing() {
        let routes = routes(&[("/a", "a"), ("/", "root")]);
        check(&routes, "/", Some(("root", "")));
        check(&routes, "/a/b", None);
        check(&routes, "/b", None);
    }

    #[test]
    fn a_private_trigger_has_no_route() {
        let private = Trigger {
            component: "a".to_owned(),
            route: None,
        };
        check(&Routes::new(&[private]).unwrap(), "/a", None);
    }

    #[test]
    fn the_later_of_two_equal_routes_wins() {
        check(
            &routes(&[("/a", "first"), ("/a", "second")]),
            "/a",
            Some(("second", "")),
        );
    }

    #[test]
    fn named_segments_are_refused() {
        let trigger = Trigger {
            component: "a".to_owned(),
            route: Some("/a/:id".to_owned()),
        };
        assert!(Routes::new(&[trigger]).is_err());
    }

    #[test]
    fn the_hosts_headers_follow_a_forged_one() {
        let routes = routes(&[("/admin/...", "a")]);
        let mut headers = HeaderMap::new();
        headers.insert("spin-client-addr", HeaderValue::from_static("6.6.6.6:6"));
        headers.insert("host", HeaderValue::from_static("example.com"));
        let uri: Uri = "http://example.com/admin/x?y=1".parse().unwrap();
        let client = "127.0.0.1:5000".parse().unwrap();
        let found = routes.find("/admin/x").unwrap();
        found.append_headers(&mut headers, &uri, client).unwrap();
        let all: Vec<_> = headers.get_all("spin-client-addr").iter().collect();
        assert_eq!(all, ["6.6.6.6:6", "127.0.0.1:5000"]);
        let expect = [
            ("spin-path-info", "/x"),
            ("spin-full-url", "http://example.com/admin/x?y=1"),
            ("spin-matched-route", "/admin/..."),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", "/admin/..."),
            ("spin-component-route", "/admin"),
        ];
        for (name, value) in expect {
            assert_eq!(headers[name], value, "{name}");
        }
    }
}

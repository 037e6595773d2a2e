//! The parts of an OpenAPI document that say which operations there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{alias_limits, budget, options};

/// What the aliases of a YAML file may add to it, in events of its parser. The paths and methods of
/// an API have few aliases.
const ALIASED_EVENTS_MAX: usize = 100_000;

/// A document of OpenAPI 3 or Swagger 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    openapi: Option<String>,
    swagger: Option<String>,
    servers: Option<Vec<Server>>,
    /// Of Swagger 2.0.
    base_path: Option<String>,
    paths: Option<Paths>,
}

#[derive(Deserialize)]
struct Server {
    url: String,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
}

#[derive(Deserialize)]
struct Variable {
    default: String,
}

/// The texts in front of a path.
type Bases = Rc<[String]>;

/// In the order of the file.
struct Paths(Vec<(String, PathItem)>);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PathItem {
    #[serde(rename = "$ref")]
    reference: Option<IgnoredAny>,
    servers: Option<Vec<Server>>,
    get: Option<Operation>,
    put: Option<Operation>,
    post: Option<Operation>,
    delete: Option<Operation>,
    options: Option<Operation>,
    head: Option<Operation>,
    patch: Option<Operation>,
    trace: Option<Operation>,
    /// Of OpenAPI 3.2, as the next.
    query: Option<Operation>,
    #[serde(default)]
    additional_operations: BTreeMap<String, Operation>,
}

#[derive(Deserialize)]
struct Operation {
    servers: Option<Vec<Server>>,
}

impl Document {
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    pub fn from_yaml(bytes: &[u8]) -> Result<Self, String> {
        // The file is short enough. So only what its aliases add needs a limit.
        let options = options! {
            budget: budget! {
                max_events: usize::MAX,
                max_nodes: usize::MAX,
            },
            alias_limits: alias_limits! {
                max_total_replayed_events: ALIASED_EVENTS_MAX,
            },
            with_snippet: false,
        };
        serde_saphyr::from_slice_with_options(bytes, options).map_err(|error| error.to_string())
    }

    /// Each path behind the path of each server, with its methods.
    pub fn paths(&self) -> Result<impl Iterator<Item = (String, Vec<String>)>, String> {
        let bases = self.bases()?;
        let Some(Paths(paths)) = &self.paths else {
            return Err("it has no paths".to_owned());
        };
        let mut parts = Vec::new();
        for (path, item) in paths {
            if item.reference.is_some() {
                return Err(format!(
                    "the path {path:?} is a $ref, which is not followed: bundle the file first"
                ));
            }
            if !path.starts_with('/') {
                return Err(format!("the path {path:?} does not begin with /"));
            }
            let of_item = item.servers.as_deref().map(bases_of).transpose()?;
            let of_item = of_item.unwrap_or_else(|| Rc::clone(&bases));
            let mut methods = Vec::new();
            for (method, operation) in item.operations() {
                match &operation.servers {
                    None => methods.push(method.to_owned()),
                    Some(servers) => {
                        parts.push((path, bases_of(servers)?, vec![method.to_owned()]));
                    }
                }
            }
            parts.push((path, of_item, methods));
        }
        // Not all at once: there may be many servers.
        Ok(parts.into_iter().flat_map(|(path, bases, methods)| {
            let behind = move |at| Some(bases.get::<usize>(at)?.clone() + path);
            (0..)
                .map_while(behind)
                .map(move |path| (path, methods.clone()))
        }))
    }

    fn bases(&self) -> Result<Bases, String> {
        match (self.openapi.as_deref(), self.swagger.as_deref()) {
            (Some(version), None) if version.starts_with("3.") => {
                bases_of(self.servers.as_deref().unwrap_or_default())
            }
            (None, Some("2.0")) => {
                let base = self.base_path.as_deref().unwrap_or_default();
                Ok(Rc::new([path_of(base)?]))
            }
            (Some(other), _) | (None, Some(other)) => Err(format!(
                "version {other} is neither OpenAPI 3 nor Swagger 2.0"
            )),
            (None, None) => Err("it has neither openapi nor swagger".to_owned()),
        }
    }
}

impl PathItem {
    fn operations(&self) -> impl Iterator<Item = (&str, &Operation)> {
        let named = [
            ("GET", &self.get),
            ("PUT", &self.put),
            ("POST", &self.post),
            ("DELETE", &self.delete),
            ("OPTIONS", &self.options),
            ("HEAD", &self.head),
            ("PATCH", &self.patch),
            ("TRACE", &self.trace),
            ("QUERY", &self.query),
        ];
        let named = named.into_iter();
        let named = named.filter_map(|(method, of)| Some((method, of.as_ref()?)));
        let others = self.additional_operations.iter();
        named.chain(others.map(|(method, of)| (method.as_str(), of)))
    }
}

/// The paths of these servers, each once. Without a server, the API is at the root.
fn bases_of(servers: &[Server]) -> Result<Bases, String> {
    if servers.is_empty() {
        return Ok(Rc::new([String::new()]));
    }
    let bases = servers.iter().map(|server| path_of(&server.url()));
    let bases: BTreeSet<String> = bases.collect::<Result<_, _>>()?;
    Ok(bases.into_iter().collect())
}

impl Server {
    /// With the defaults of its variables. A variable without a default stays: in the path, it
    /// stands for any text.
    fn url(&self) -> String {
        let variables = self.variables.iter();
        variables.fold(self.url.clone(), |url, (name, variable)| {
            url.replace(&format!("{{{name}}}"), &variable.default)
        })
    }
}

/// The path of a URL, without a `/` at its end.
fn path_of(url: &str) -> Result<String, String> {
    let behind_scheme = url.split_once("://").map(|(_, rest)| rest);
    let path = match behind_scheme.or_else(|| url.strip_prefix("//")) {
        Some(rest) => rest.find('/').map_or("", |at| rest.split_at(at).1),
        None => url,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.is_empty() || path.starts_with('/') {
        true => Ok(path.trim_end_matches('/').to_owned()),
        false => Err(format!(
            "the server {url:?} is neither a URL with a scheme nor a path from its /"
        )),
    }
}

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfPaths;

        impl<'de> Visitor<'de> for OfPaths {
            type Value = Paths;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of paths")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Paths, A::Error> {
                let mut paths = Vec::new();
                while let Some(path) = map.next_key::<String>()? {
                    // An extension may have any form.
                    if path.starts_with("x-") {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        let item: Option<PathItem> = map.next_value()?;
                        paths.push((path, item.unwrap_or_default()));
                    }
                }
                Ok(Paths(paths))
            }
        }

        deserializer.deserialize_map(OfPaths)
    }
}

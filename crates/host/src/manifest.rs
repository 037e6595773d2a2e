//! Reads `spin.toml` (manifest version 2).
//!
//! If a component needs something that this host does not have (SQL, dependencies other than
//! middleware, patterns of files, triggers other than HTTP), it is refused here by name. So no
//! component ever runs with less than its manifest says. Sections that do not change how a component
//! runs (`build`, `tool`, descriptions) are accepted and ignored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// A manifest, checked: every trigger names a component that exists.
#[derive(Debug)]
pub struct Manifest {
    /// The application's variables, by name.
    pub variables: BTreeMap<String, Variable>,
    /// The HTTP triggers, in the order of the file.
    pub triggers: Vec<Trigger>,
    /// The components, by id.
    pub components: BTreeMap<String, Component>,
}

/// One `[variables]` entry. If it has no default, it must be given from outside.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The value if no other is given.
    pub default: Option<String>,
    /// Whether a value from outside is needed to start.
    #[serde(default)]
    pub required: bool,
    /// Whether the value must not be shown. This host shows no values at all.
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

/// One `[[trigger.http]]` entry.
#[derive(Debug)]
pub struct Trigger {
    /// The id of the component that answers.
    pub component: String,
    /// The route's pattern. None if the route is private: only service chaining reaches it.
    pub route: Option<String>,
}

/// One `[component.ID]` section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The Wasm file. The path is absolute once the manifest is loaded.
    pub source: PathBuf,
    /// The hosts that the component may call, as written, with templates.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Labels of the key-value stores that the component may open.
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    /// The folders that the component may read.
    #[serde(default)]
    pub files: Vec<Folder>,
    /// The component's variables: templates that name the application's.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The Wasm files of the middleware in front of it. The first gets a request first.
    #[serde(skip)]
    pub middleware: Vec<PathBuf>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default, rename = "build")]
    _build: Option<toml::Table>,
    #[serde(default, rename = "tool")]
    _tool: Option<toml::Table>,
}

/// One entry of `files`. Spin also takes patterns and single files. This host does not.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a folder as { source = \"files\", destination = \"/files\" }"
)]
pub struct Folder {
    /// The path is absolute once the manifest is loaded.
    pub source: PathBuf,
    /// The path that the component sees.
    pub destination: String,
}

/// The manifest as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    spin_manifest_version: u32,
    #[serde(rename = "application")]
    _application: Application,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    trigger: RawTriggers,
    #[serde(default)]
    component: BTreeMap<String, Component>,
}

/// The fields of this section do not change how the components run.
#[derive(Deserialize)]
struct Application {
    #[serde(rename = "name")]
    _name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTriggers {
    http: Vec<RawTrigger>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrigger {
    #[serde(default, rename = "id")]
    _id: Option<String>,
    component: String,
    route: RawRoute,
    #[serde(default)]
    dependencies: RawDependencies,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDependencies {
    middleware: Vec<RawMiddleware>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMiddleware {
    component: String,
    #[serde(default)]
    inherit_configuration: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawRoute {
    Pattern(String),
    Endpoint { private: bool },
}

impl Manifest {
    /// Reads and checks the manifest at `path`. Sources are found relative to it.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).with_context(|| format!("in the manifest {}", path.display()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let raw: Raw = toml::from_str(text)?;
        ensure!(
            raw.spin_manifest_version == 2,
            "spin_manifest_version is {}, only 2 is supported",
            raw.spin_manifest_version
        );
        for (name, variable) in &raw.variables {
            ensure!(
                variable.required != variable.default.is_some(),
                "variable {name:?} needs either a default or `required = true`"
            );
        }
        let mut components = raw.component;
        for component in components.values_mut() {
            component.source = folder.join(&component.source);
            for files in &mut component.files {
                files.source = folder.join(&files.source);
            }
        }
        attach_middleware(&raw.trigger.http, &mut components)?;
        let triggers = raw
            .trigger
            .http
            .into_iter()
            .map(|trigger| trigger.check(&components))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            variables: raw.variables,
            triggers,
            components,
        })
    }
}

/// Gives each component the middleware of its trigger. Components that are middleware are no
/// components of their own any more.
fn attach_middleware(
    triggers: &[RawTrigger],
    components: &mut BTreeMap<String, Component>,
) -> Result<()> {
    let mut used = Vec::new();
    for trigger in triggers {
        let id = &trigger.component;
        let mut sources = Vec::new();
        for middleware in &trigger.dependencies.middleware {
            sources.push(middleware.source(components)?);
            used.push(&middleware.component);
        }
        if sources.is_empty() {
            continue;
        }
        let same = triggers.iter().filter(|other| other.component == *id);
        ensure!(
            same.count() == 1,
            "{id:?} has middleware, so this host lets it have one trigger only"
        );
        if let Some(component) = components.get_mut(id) {
            component.middleware = sources;
        }
    }
    components.retain(|id, _| !used.contains(&id));
    Ok(())
}

impl RawMiddleware {
    fn source(&self, components: &BTreeMap<String, Component>) -> Result<PathBuf> {
        let id = &self.component;
        let component = components
            .get(id)
            .with_context(|| format!("the middleware {id:?} is not defined"))?;
        ensure!(
            self.inherit_configuration,
            "the middleware {id:?} needs `inherit_configuration = true`: this host cannot hold back \
             the permissions of the component behind it"
        );
        ensure!(
            component.allowed_outbound_hosts.is_empty()
                && component.files.is_empty()
                && component.key_value_stores.is_empty()
                && component.variables.is_empty(),
            "the middleware {id:?} has the permissions and variables of the component behind it: \
             give them there"
        );
        Ok(component.source.clone())
    }
}

impl RawTrigger {
    fn check(self, components: &BTreeMap<String, Component>) -> Result<Trigger> {
        let component = self.component;
        ensure!(
            components.contains_key(&component),
            "an HTTP trigger names the component {component:?}, which is not defined"
        );
        let route = match self.route {
            RawRoute::Pattern(pattern) => Some(pattern),
            RawRoute::Endpoint { private: true } => None,
            RawRoute::Endpoint { private: false } => {
                bail!("the route of {component:?} must be a pattern or `{{ private = true }}`")
            }
        };
        Ok(Trigger { component, route })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "spin_manifest_version = 2\n[application]\nname = \"app\"\nversion = \"1.0.0\"\n";

    fn parse(rest: &str) -> Result<Manifest> {
        Manifest::parse(&format!("{HEAD}{rest}"), Path::new("/app"))
    }

    #[test]
    fn a_full_manifest_is_read() {
        let manifest = parse(
            r#"
            [variables]
            admin_token = { required = true, secret = true }
            level = { default = "1" }
            [[trigger.http]]
            route = "/admin/..."
            component = "aggregator"
            [[trigger.http]]
            route = { private = true }
            component = "collector"
            [component.aggregator]
            source = "target/aggregator.wasm"
            allowed_outbound_hosts = ["http://*.spin.internal"]
            key_value_stores = ["default"]
            [component.aggregator.variables]
            token = "{{ admin_token }}"
            [component.aggregator.build]
            command = "cargo build"
            [component.collector]
            source = "/abs/collector.wasm"
            files = [{ source = "files", destination = "/files" }]
            "#,
        )
        .unwrap();
        assert!(manifest.variables["admin_token"].required);
        assert_eq!(manifest.triggers[0].route.as_deref(), Some("/admin/..."));
        assert_eq!(manifest.triggers[1].route, None);
        let aggregator = &manifest.components["aggregator"];
        assert_eq!(aggregator.source, Path::new("/app/target/aggregator.wasm"));
        assert_eq!(aggregator.variables["token"], "{{ admin_token }}");
        let collector = &manifest.components["collector"];
        assert_eq!(collector.source, Path::new("/abs/collector.wasm"));
        assert_eq!(collector.files[0].source, Path::new("/app/files"));
        assert_eq!(collector.files[0].destination, "/files");
    }

    #[track_caller]
    fn refused(rest: &str, why: &str) {
        let error = format!("{:#}", parse(rest).unwrap_err());
        assert!(error.contains(why), "{error:?} does not contain {why:?}");
    }

    #[test]
    fn what_the_host_cannot_give_is_refused_by_name() {
        let trigger = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\n[component.a]\nsource = \"a.wasm\"\n";
        refused(&format!("{trigger}files = [\"x/*\"]"), "a folder as {");
        refused(
            &format!("{trigger}exclude_files = [\"x\"]"),
            "exclude_files",
        );
        refused("[[trigger.redis]]\nchannel = \"x\"", "redis");
        refused(
            "[[trigger.http]]\nroute = \"/\"\ncomponent = \"ghost\"",
            "ghost",
        );
        refused(
            "[[trigger.http]]\nroute = { private = false }\ncomponent = \"a\"\n[component.a]\nsource = \"a.wasm\"",
            "private = true",
        );
        refused(
            &format!("[variables]\nx = {{ secret = true }}\n{trigger}"),
            "\"x\"",
        );
    }

    const BEHIND: &str = r#"
        [component.a]
        source = "a.wasm"
        [component.m]
        source = "m.wasm"
        [component.n]
        source = "n.wasm"
        [[trigger.http]]
        route = "/"
        component = "a"
        "#;

    #[test]
    fn middleware_belongs_to_the_component_behind_it() {
        let manifest = parse(&format!(
            r#"{BEHIND}dependencies.middleware = [
                {{ component = "n", inherit_configuration = true }},
                {{ component = "m", inherit_configuration = true }},
            ]"#
        ))
        .unwrap();
        let ids: Vec<_> = manifest.components.keys().collect();
        assert_eq!(ids, ["a"]);
        let sources = ["/app/n.wasm", "/app/m.wasm"].map(PathBuf::from);
        assert_eq!(manifest.components["a"].middleware, sources);
    }

    #[test]
    fn middleware_that_the_host_cannot_compose_as_spin_is_refused() {
        let refused = |middleware: &str, rest: &str, why: &str| {
            let manifest = format!("{BEHIND}dependencies.middleware = [{middleware}]\n{rest}");
            refused(&manifest, why);
        };
        let m = r#"{ component = "m", inherit_configuration = true }"#;
        refused(r#"{ component = "m" }"#, "", "inherit_configuration = true");
        refused(
            r#"{ component = "ghost", inherit_configuration = true }"#,
            "",
            "ghost",
        );
        refused(
            m,
            "[[trigger.http]]\nroute = \"/b\"\ncomponent = \"a\"",
            "one trigger only",
        );
        refused(
            m,
            "[[trigger.http]]\nroute = \"/b\"\ncomponent = \"m\"",
            "\"m\", which is not defined",
        );
        refused(m, "[component.m.variables]\nx = \"1\"", "give them there");
    }

    #[test]
    fn another_manifest_version_is_refused() {
        let text = "spin_manifest_version = 1\n[application]\nname = \"a\"\n[trigger]\nhttp = []";
        let error = Manifest::parse(text, Path::new("")).unwrap_err();
        assert!(error.to_string().contains("only 2 is supported"));
    }
}

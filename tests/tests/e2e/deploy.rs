//! `deploy/`: the manifests that kustomize makes are valid by the schemas, their parts fit
//! together, and they fit `spin.toml`. There is no cluster here, so nothing is deployed.
//!
//! If kubectl, the schemas or promtool are missing, the tests that need them say so and end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use rollcall_tests::{ADMIN, App, workspace};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Reads YAML, and checks it by the schemas.
const SCRIPT: &str = include_str!("deploy.py");

/// The schemas to check by: the oldest Kubernetes that knows every field, and the newest one.
const KUBERNETES: [&str; 2] = ["1.30", "1.37"];

/// The folders that somebody builds. Together they use every file.
const FOLDERS: [&str; 4] = [
    "kubernetes/base",
    "kubernetes/examples/with-redis",
    "kubernetes/examples/own-redis",
    "spinkube",
];

/// A file or a folder below `deploy/`.
pub fn path(name: &str) -> PathBuf {
    workspace().join("deploy").join(name)
}

/// A program that `cargo xtask test` fetched. `None`: it could not.
fn tool(name: &str) -> Option<PathBuf> {
    let tool = workspace().join("target/deploy").join(name);
    if !tool.exists() {
        rollcall_tests::skipped(
            "deploy: `cargo xtask test` fetches kubectl and kubernetes-validate",
        );
        return None;
    }
    Some(tool)
}

/// Gives YAML to the script. `None`: Python has no schemas.
fn check(yaml: &[u8]) -> Option<Output> {
    let mut checked = Command::new(tool("python/bin/python")?)
        .args(["-c", SCRIPT])
        .args(KUBERNETES)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    checked.stdin.take().unwrap().write_all(yaml).unwrap();
    Some(checked.wait_with_output().unwrap())
}

/// The documents in YAML. They are valid by the schemas.
pub fn read(yaml: &[u8]) -> Option<Vec<Value>> {
    let checked = check(yaml)?;
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    Some(serde_json::from_slice(&checked.stdout).unwrap())
}

/// The documents that kustomize makes of each folder, by the folder. They are made once for all
/// tests. `None`: a program is missing.
static BUILT: OnceLock<Option<BTreeMap<&str, Vec<Value>>>> = OnceLock::new();

/// The documents that kustomize makes of a folder.
fn build(folder: &str) -> Option<&'static [Value]> {
    let of = |folder: &&'static str| Some((*folder, kustomize(folder)?));
    let built = BUILT.get_or_init(|| FOLDERS.iter().map(of).collect());
    Some(&built.as_ref()?[folder])
}

fn kustomize(folder: &str) -> Option<Vec<Value>> {
    let kubectl = tool("kubectl")?;
    let built = Command::new(kubectl)
        .arg("kustomize")
        .arg(path(folder))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    read(&built.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The elements of a list. None, if there is no list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The documents of a kind.
fn of_kind<'a>(documents: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    let is_of_kind = move |document: &&Value| document["kind"] == kind;
    documents.iter().filter(is_of_kind)
}

/// A pod that a document makes.
struct Pod {
    labels: Value,
    /// Name and number of each port.
    ports: Vec<(Value, Value)>,
    /// Absent for a SpinApp: its operator makes it.
    spec: Option<Value>,
}

impl Pod {
    fn all(documents: &[Value]) -> Vec<Self> {
        let of_template = |template: &Value| {
            let containers = list(&template["spec"]["containers"]);
            let ports = containers.flat_map(|container| list(&container["ports"]));
            let ports = ports.map(|port| (port["name"].clone(), port["containerPort"].clone()));
            Self {
                labels: template["metadata"]["labels"].clone(),
                ports: ports.collect(),
                spec: Some(template["spec"].clone()),
            }
        };
        let of = |document: &Value| {
            let spec = &document["spec"];
            match document["kind"].as_str().unwrap() {
                "Deployment" | "StatefulSet" => Some(of_template(&spec["template"])),
                "CronJob" => Some(of_template(&spec["jobTemplate"]["spec"]["template"])),
                "SpinApp" => Some(Self {
                    labels: spec["podLabels"].clone(),
                    ports: vec![(json!("http-app"), json!(80))],
                    spec: None,
                }),
                _ => None,
            }
        };
        documents.iter().filter_map(of).collect()
    }

    /// Whether the pod has a port of this name or number.
    fn has_port(&self, port: &Value) -> bool {
        let mut ports = self.ports.iter();
        ports.any(|(name, number)| port == name || port == number)
    }
}

/// Whether all labels of a selector are among these.
fn is_selected(labels: &Value, selector: &Value) -> bool {
    let selector = selector.as_object().unwrap();
    !selector.is_empty() && selector.iter().all(|(name, value)| &labels[name] == value)
}

/// The pods that a selector finds. There is at least one.
fn selected<'a>(pods: &'a [Pod], selector: &Value) -> Vec<&'a Pod> {
    let found: Vec<&Pod> = pods
        .iter()
        .filter(|pod| is_selected(&pod.labels, selector))
        .collect();
    assert!(!found.is_empty(), "no pod has {selector}");
    found
}

#[test]
fn every_folder_builds_and_each_document_is_valid_by_the_schema_of_its_kind() {
    for folder in FOLDERS {
        let Some(documents) = build(folder) else {
            return;
        };
        let names = documents
            .iter()
            .map(|document| format!("{}/{}", document["kind"], document["metadata"]["name"]));
        let names: BTreeSet<String> = names.collect();
        assert_eq!(names.len(), documents.len(), "{folder}");
    }
}

#[test]
fn a_field_that_nobody_knows_and_a_kind_without_a_schema_are_refused() {
    let kinds = [
        ("kubernetes/base", "Deployment"),
        ("kubernetes/base", "NetworkPolicy"),
        ("spinkube", "SpinApp"),
        ("spinkube", "SpinAppExecutor"),
        ("spinkube", "ServiceMonitor"),
        ("spinkube", "PrometheusRule"),
        ("kubernetes/examples/own-redis", "ExternalSecret"),
    ];
    for (folder, kind) in kinds {
        let Some(documents) = build(folder) else {
            return;
        };
        let document = of_kind(documents, kind).next().unwrap();
        let is_valid = |document: &Value| {
            let checked = check(document.to_string().as_bytes()).unwrap();
            checked.status.success()
        };
        assert!(is_valid(document), "{kind}");
        let mut wrong = document.clone();
        wrong["spec"]["securityContxt"] = json!({});
        assert!(!is_valid(&wrong), "{kind} with a misspelled field");
        let mut wrong = document.clone();
        wrong["kind"] = json!("Unknown");
        assert!(!is_valid(&wrong), "{kind} as another kind");
    }
}

/// Where a variable has its value from.
#[derive(Debug, PartialEq)]
enum Given {
    Written(String),
    Secret { key: String, is_optional: bool },
}

impl Given {
    /// Of an element of `env`, or of the variables of a SpinApp.
    fn of(element: &Value) -> Self {
        match &element["value"] {
            Value::String(value) => Self::Written(value.clone()),
            _ => {
                let of = &element["valueFrom"]["secretKeyRef"];
                assert_eq!(of["name"], "rollcall", "{element}");
                Self::Secret {
                    key: of["key"].as_str().unwrap().to_owned(),
                    is_optional: of["optional"] == true,
                }
            }
        }
    }
}

type Variables = BTreeMap<String, Given>;

/// The variables of `spin.toml`. Secrets are in a Secret, under their names.
fn declared() -> Variables {
    let manifest = fs::read_to_string(workspace().join("spin.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let variables = manifest["variables"].as_table().unwrap().iter();
    let variables = variables.map(|(name, of)| {
        let is = |field: &str| of.get(field).and_then(toml::Value::as_bool) == Some(true);
        let value = match is("secret") {
            true => Given::Secret {
                key: name.clone(),
                is_optional: !is("required"),
            },
            false => Given::Written(of["default"].as_str().unwrap().to_owned()),
        };
        (name.clone(), value)
    });
    variables.collect()
}

#[test]
fn the_deployment_has_every_variable_with_its_default_or_from_the_secret() {
    let Some(documents) = build("kubernetes/base") else {
        return;
    };
    let deployment = of_kind(documents, "Deployment").next().unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let settings = of_kind(documents, "ConfigMap").next().unwrap();
    let mounted = &container["envFrom"][0]["configMapRef"]["name"];
    assert_eq!(mounted, &settings["metadata"]["name"]);

    let name = |variable: &str| {
        let name = variable.strip_prefix("SPIN_VARIABLE_").unwrap();
        name.to_lowercase()
    };
    let written = settings["data"].as_object().unwrap().iter();
    let written = written.map(|(variable, value)| {
        let value = value.as_str().unwrap().to_owned();
        (name(variable), Given::Written(value))
    });
    let others = list(&container["env"])
        .map(|element| (name(element["name"].as_str().unwrap()), Given::of(element)));
    let given: Variables = written.chain(others).collect();
    assert_eq!(given, declared());
}

#[test]
fn the_spin_app_has_every_variable_with_its_default_or_from_the_secret_and_a_redis() {
    let Some(documents) = build("spinkube") else {
        return;
    };
    let spec = &of_kind(documents, "SpinApp").next().unwrap()["spec"];
    let given = list(&spec["variables"]).map(|element| {
        let name = element["name"].as_str().unwrap().to_owned();
        (name, Given::of(element))
    });
    let given: Vec<(String, Given)> = given.collect();
    assert_eq!(given.len(), declared().len(), "none is there twice");
    assert_eq!(given.into_iter().collect::<Variables>(), declared());

    let store = &spec["runtimeConfig"]["keyValueStores"];
    assert_eq!(store[0]["name"], "default");
    assert_eq!(store[0]["type"], "redis");
    let url = Given::of(&store[0]["options"][0]);
    let expect = Given::Secret {
        key: "redis_url".into(),
        is_optional: false,
    };
    assert_eq!(url, expect);
    let executor = of_kind(documents, "SpinAppExecutor").next().unwrap();
    assert_eq!(spec["executor"], executor["metadata"]["name"]);
}

#[test]
fn every_selector_finds_its_pods_and_every_port_is_one_of_theirs() {
    for folder in FOLDERS {
        let Some(documents) = build(folder) else {
            return;
        };
        let pods = &Pod::all(documents);
        for kind in ["Deployment", "StatefulSet"] {
            for document in of_kind(documents, kind) {
                let spec = &document["spec"];
                assert_eq!(selected(pods, &spec["selector"]["matchLabels"]).len(), 1);
                for spread in list(&spec["template"]["spec"]["topologySpreadConstraints"]) {
                    selected(pods, &spread["labelSelector"]["matchLabels"]);
                }
            }
        }
        for service in of_kind(documents, "Service") {
            let [pod] = selected(pods, &service["spec"]["selector"])[..] else {
                panic!("{service} finds more than one kind of pod");
            };
            for port in list(&service["spec"]["ports"]) {
                assert!(port["name"].is_string(), "{service}");
                assert!(pod.has_port(&port["targetPort"]), "{service}");
            }
        }
        for budget in of_kind(documents, "PodDisruptionBudget") {
            selected(pods, &budget["spec"]["selector"]["matchLabels"]);
        }
        for policy in of_kind(documents, "NetworkPolicy") {
            check_policy(pods, &policy["spec"]);
        }
        for monitor in of_kind(documents, "ServiceMonitor") {
            check_monitor(documents, &monitor["spec"]);
        }
    }
}

/// The ports of a policy are those of the pods that are reached: its own, or those of a selector.
fn check_policy(pods: &[Pod], policy: &Value) {
    let own = selected(pods, &policy["podSelector"]["matchLabels"]);
    for rule in list(&policy["ingress"]) {
        for from in list(&rule["from"]).filter(|from| from["podSelector"].is_object()) {
            selected(pods, &from["podSelector"]["matchLabels"]);
        }
        for port in list(&rule["ports"]) {
            let has_it = own.iter().all(|pod| pod.has_port(&port["port"]));
            assert!(has_it, "{port} of {policy}");
        }
    }
    for rule in list(&policy["egress"]) {
        assert!(list(&rule["ports"]).count() > 0, "{rule} opens every port");
        for to in list(&rule["to"]).filter(|to| to["podSelector"].is_object()) {
            let reached = selected(pods, &to["podSelector"]["matchLabels"]);
            for port in list(&rule["ports"]) {
                let has_it = reached.iter().all(|pod| pod.has_port(&port["port"]));
                assert!(has_it, "{port} of {policy}");
            }
        }
    }
}

/// A monitor finds one Service, and the port that it names. The operator of SpinKube makes a
/// Service with this label, whose port has no name.
fn check_monitor(documents: &[Value], monitor: &Value) {
    let selector = &monitor["selector"]["matchLabels"];
    let endpoint = &monitor["endpoints"][0];
    if let Some(app) = of_kind(documents, "SpinApp").next() {
        let expect = json!({"core.spinkube.dev/app-name": app["metadata"]["name"]});
        assert_eq!(selector, &expect);
        assert_eq!(endpoint["targetPort"], "http-app");
        return;
    }
    let services = of_kind(documents, "Service");
    let services = services.filter(|service| is_selected(&service["metadata"]["labels"], selector));
    let [service] = services.collect::<Vec<_>>()[..] else {
        panic!("{selector} does not find one Service");
    };
    let mut ports = list(&service["spec"]["ports"]);
    assert!(ports.any(|port| port["name"] == endpoint["port"]));
}

#[test]
fn no_pod_runs_as_root_writes_to_its_image_or_has_a_right_that_it_does_not_need() {
    for folder in FOLDERS {
        let Some(documents) = build(folder) else {
            return;
        };
        for spec in Pod::all(documents).into_iter().filter_map(|pod| pod.spec) {
            let pod = &spec["securityContext"];
            assert_eq!(pod["runAsNonRoot"], true, "{spec}");
            assert!(pod["runAsUser"].as_u64() > Some(0), "{spec}");
            assert_eq!(pod["seccompProfile"]["type"], "RuntimeDefault", "{spec}");
            assert_eq!(spec["automountServiceAccountToken"], false, "{spec}");
            for container in list(&spec["containers"]) {
                let expect = json!({
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                });
                assert_eq!(container["securityContext"], expect, "{container}");
            }
        }
    }
}

/// The names of these volumes, ConfigMaps and so on.
fn names<'a>(of: impl Iterator<Item = &'a Value>) -> BTreeSet<&'a str> {
    of.map(|named| named["name"].as_str().unwrap()).collect()
}

#[test]
fn every_volume_and_every_config_map_that_a_pod_names_is_there() {
    for folder in FOLDERS {
        let Some(documents) = build(folder) else {
            return;
        };
        let config_maps = names(of_kind(documents, "ConfigMap").map(|map| &map["metadata"]));
        let stateful = of_kind(documents, "StatefulSet");
        let claims: Vec<&Value> = stateful
            .flat_map(|set| list(&set["spec"]["volumeClaimTemplates"]))
            .map(|claim| &claim["metadata"])
            .collect();
        for spec in Pod::all(documents).into_iter().filter_map(|pod| pod.spec) {
            let volumes = names(list(&spec["volumes"]).chain(claims.iter().copied()));
            let containers = || list(&spec["containers"]);
            let mounted =
                names(containers().flat_map(|container| list(&container["volumeMounts"])));
            assert!(mounted.is_subset(&volumes), "{spec}");
            let in_volumes = list(&spec["volumes"]).map(|volume| &volume["configMap"]);
            let in_env = containers().flat_map(|container| list(&container["envFrom"]));
            let named = in_volumes.chain(in_env.map(|from| &from["configMapRef"]));
            let named = names(named.filter(|named| named.is_object()));
            assert!(named.is_subset(&config_maps), "{named:?} of {folder}");
        }
    }
}

#[test]
fn no_secret_is_written_down_and_the_external_secret_has_every_key_that_a_pod_needs() {
    for folder in FOLDERS {
        let Some(documents) = build(folder) else {
            return;
        };
        assert_eq!(of_kind(documents, "Secret").count(), 0, "{folder}");
        let Some(external) = of_kind(documents, "ExternalSecret").next() else {
            continue;
        };
        let target = &external["spec"]["target"];
        assert_eq!(target["name"], "rollcall");
        let given = target["template"]["data"].as_object().unwrap();
        for spec in Pod::all(documents).into_iter().filter_map(|pod| pod.spec) {
            let env = list(&spec["containers"]).flat_map(|container| list(&container["env"]));
            let in_env = env.map(|element| &element["valueFrom"]["secretKeyRef"]);
            let in_env = in_env.filter(|of| of.is_object() && of["optional"] != true);
            let in_volumes =
                list(&spec["volumes"]).flat_map(|volume| list(&volume["secret"]["items"]));
            for key in in_env.chain(in_volumes) {
                let key = key["key"].as_str().unwrap();
                assert!(given.contains_key(key), "{key}");
            }
        }
        // Each value of the template is one that is fetched.
        let fetched = list(&external["spec"]["data"]);
        let fetched = fetched.map(|of| format!("{{{{ .{} }}}}", of["secretKey"].as_str().unwrap()));
        let fetched: BTreeSet<String> = fetched.collect();
        for (key, value) in given {
            let value = value.as_str().unwrap();
            let mut fetched = fetched.iter();
            assert!(fetched.any(|of| value.contains(of)), "{key}: {value}");
        }
    }
}

fn curl(arguments: &[String]) -> Output {
    let mut curl = Command::new("curl");
    let curl = curl.args(arguments);
    curl.env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    curl.output().unwrap()
}

#[test]
fn each_cron_job_asks_the_service_for_something_that_the_app_does() {
    let Some(documents) = build("kubernetes/base") else {
        return;
    };
    if !rollcall_tests::is_installed("curl") {
        rollcall_tests::skipped("deploy: curl is not installed");
        return;
    }
    let app = App::start();
    let service = of_kind(documents, "Service").next().unwrap();
    let service = format!("http://{}/", service["metadata"]["name"].as_str().unwrap());
    let mut asked = BTreeSet::new();
    for job in of_kind(documents, "CronJob") {
        let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["command"], json!(["curl"]));
        let arguments = list(&container["args"]).map(|argument| argument.as_str().unwrap());
        let arguments: Vec<String> = arguments
            .map(|argument| argument.replace("$(ADMIN_TOKEN)", ADMIN))
            .map(|argument| argument.replace(&service, &app.url("/")))
            .collect();
        let told = curl(&arguments);
        assert!(told.status.success(), "{arguments:?}: {told:?}");
        let wrong = arguments
            .iter()
            .map(|argument| argument.replace(ADMIN, "wrong"));
        let told = curl(&wrong.collect::<Vec<_>>());
        assert!(!told.status.success(), "a job that is refused fails");
        asked.insert(arguments.last().unwrap().replace(&app.url(""), ""));
    }
    let expect = ["/admin/check-alerts", "/admin/prewarm", "/admin/report"];
    assert_eq!(asked, expect.map(str::to_owned).into());
}

#[test]
fn redis_has_the_settings_and_the_disk_and_is_the_one_that_the_app_may_reach() {
    for folder in ["kubernetes/examples/with-redis", "spinkube"] {
        let Some(documents) = build(folder) else {
            return;
        };
        let set = of_kind(documents, "StatefulSet").next().unwrap();
        assert_eq!(set["spec"]["replicas"], 1);
        let pod = &set["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["command"], json!(["redis-server"]));
        assert_eq!(container["args"][0], "/etc/redis/redis.conf");
        let mounted = |folder: &str| {
            let mut mounts = list(&container["volumeMounts"]);
            mounts.find(|mount| mount["mountPath"] == folder).unwrap()["name"].clone()
        };
        let mut volumes = list(&pod["volumes"]);
        let settings = volumes.find(|volume| volume["name"] == mounted("/etc/redis"));
        let settings = &settings.unwrap()["configMap"]["name"];
        let mut maps = of_kind(documents, "ConfigMap");
        let map = maps.find(|map| &map["metadata"]["name"] == settings);
        let file = fs::read_to_string(path("kubernetes/redis/redis.conf")).unwrap();
        assert_eq!(map.unwrap()["data"], json!({"redis.conf": file}));
        let claim = &set["spec"]["volumeClaimTemplates"][0];
        assert_eq!(claim["metadata"]["name"], mounted("/data"));
        let arguments: Vec<&Value> = list(&container["args"]).collect();
        assert!(arguments.windows(2).any(|pair| pair == ["--dir", "/data"]));
    }
}

#[test]
fn each_alert_fires_when_it_must_and_not_before() {
    let Some(documents) = build("kubernetes/examples/with-redis") else {
        return;
    };
    if !rollcall_tests::is_installed("promtool") {
        rollcall_tests::skipped("deploy, the alert rules: promtool is not installed");
        return;
    }
    let rules = of_kind(documents, "PrometheusRule").next().unwrap();
    let work = TempDir::new().unwrap();
    // JSON is YAML, too.
    fs::write(work.path().join("rules.yaml"), rules["spec"].to_string()).unwrap();
    let cases = work.path().join("cases.yaml");
    fs::write(&cases, include_str!("deploy_alerts.yaml")).unwrap();
    let tried = Command::new("promtool")
        .args(["test", "rules"])
        .arg(&cases)
        .output()
        .unwrap();
    assert!(tried.status.success(), "{tried:?}");
    for rule in list(&rules["spec"]["groups"]).flat_map(|group| list(&group["rules"])) {
        let name = rule["alert"].as_str().unwrap();
        let case = format!("alertname=\"{name}\"");
        assert!(include_str!("deploy_alerts.yaml").contains(&case), "{name}");
    }
}

//! `deploy/container`: the command line of the image serves the app, as the image's user, from
//! folders that the user may not write to. `compose.yaml` and the Deployment fit the image.
//!
//! There is no Docker here. So the folders of the image are made in a temporary folder, and the
//! server runs on them in an ordinary process. If the tests do not run as root, it runs as their
//! user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rollcall_tests::{Client, PATIENCE, workspace};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::batches::{check_answers, record};
use crate::deploy;
use crate::process::{self, Runtime, is_spin_installed};
use crate::redis::Redis;

/// The instructions of the Dockerfile: each a word, and the rest of its line.
struct Dockerfile(Vec<(String, String)>);

impl Dockerfile {
    fn read() -> Self {
        let text = fs::read_to_string(deploy::path("container/Dockerfile")).unwrap();
        let text = text.replace("\\\n", " ");
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let instructions = lines.map(|line| {
            let (word, rest) = line.split_once(' ').unwrap();
            (word.to_owned(), rest.trim().to_owned())
        });
        Self(instructions.collect())
    }

    fn all(&self, word: &str) -> impl Iterator<Item = &str> {
        let is_one = move |(other, _): &&(String, String)| other == word;
        self.0.iter().filter(is_one).map(|(_, rest)| rest.as_str())
    }

    fn one(&self, word: &str) -> &str {
        let all: Vec<&str> = self.all(word).collect();
        let [one] = all[..] else {
            panic!("{word}: {all:?}");
        };
        one
    }

    /// The words of a list in JSON.
    fn list(&self, word: &str) -> Vec<String> {
        serde_json::from_str(self.one(word)).unwrap()
    }

    /// Each path that is copied, and where to.
    fn copied(&self) -> Vec<(&str, &str)> {
        let mut copied = Vec::new();
        for copy in self.all("COPY") {
            let words: Vec<&str> = copy.split_whitespace().collect();
            let (to, from) = words.split_last().unwrap();
            copied.extend(from.iter().map(|from| (*from, *to)));
        }
        copied
    }

    /// The words of the command line, without the program.
    fn arguments(&self) -> Vec<String> {
        self.list("CMD")
    }

    /// The value behind a flag of the command line.
    fn flag(&self, name: &str) -> String {
        let arguments = self.arguments();
        let at = arguments.iter().position(|argument| argument == name);
        arguments[at.unwrap() + 1].clone()
    }

    fn user(&self) -> u32 {
        let (user, group) = self.one("USER").split_once(':').unwrap();
        assert_eq!(user, group);
        user.parse().unwrap()
    }
}

/// The folders of the image, below a temporary one, and a server on them.
struct Container {
    root: TempDir,
    server: Option<Child>,
    is_root: bool,
    user: u32,
}

impl Container {
    /// The files that the Dockerfile copies, the runtime config that compose.yaml mounts, and the
    /// two folders that the user may write to.
    fn of(file: &Dockerfile, redis: &Redis, program: &Path) -> Self {
        let id = Command::new("id").arg("-u").output().unwrap();
        let container = Self {
            root: TempDir::new().unwrap(),
            server: None,
            is_root: id.stdout == b"0\n",
            user: file.user(),
        };
        let home = PathBuf::from(file.one("WORKDIR"));
        for (from, to) in file.copied() {
            let from = workspace().join(from);
            let mut into = container.path(&home.join(to));
            // A file goes into a folder whose name ends in a slash.
            if to.ends_with('/') && from.is_file() {
                into.push(from.file_name().unwrap());
            }
            copy(&from, &into);
        }
        let entry = file.list("ENTRYPOINT");
        assert_eq!(entry.len(), 1, "the program alone");
        let entry = container.path(Path::new(&entry[0]));
        fs::create_dir_all(entry.parent().unwrap()).unwrap();
        fs::copy(program, &entry).unwrap();
        let config = fs::read_to_string(deploy::path("container/runtime-config.toml")).unwrap();
        assert!(config.contains("redis://redis:6379/"), "{config}");
        let config = config.replace("redis:6379", &redis.address());
        let mounted = container.path(Path::new(&file.flag("--runtime-config-file")));
        fs::create_dir_all(mounted.parent().unwrap()).unwrap();
        fs::write(mounted, config).unwrap();

        container.set_mode("a-w,a+rX");
        for writable in ["/state", "/tmp"] {
            let writable = container.path(Path::new(writable));
            fs::create_dir_all(&writable).unwrap();
            fs::set_permissions(&writable, Permissions::from_mode(0o700)).unwrap();
            if container.is_root {
                chown(&writable, Some(container.user), Some(container.user)).unwrap();
            }
        }
        container
    }

    /// A path of the image, here.
    fn path(&self, path: &Path) -> PathBuf {
        self.root.path().join(path.strip_prefix("/").unwrap())
    }

    fn set_mode(&self, mode: &str) {
        let mut chmod = Command::new("chmod");
        let set = chmod.args(["-R", mode]).arg(self.root.path()).status();
        assert!(set.unwrap().success());
        // New folders are made here.
        fs::set_permissions(self.root.path(), Permissions::from_mode(0o755)).unwrap();
    }

    /// A program that runs as the user of the image.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if self.is_root {
            command.uid(self.user).gid(self.user);
        }
        command
    }

    /// Runs the command line of the image on a free port. Returns the address.
    fn serve(&mut self, file: &Dockerfile, runtime: Runtime) -> String {
        let entry = &file.list("ENTRYPOINT")[0];
        let mut server = self.command(&self.path(Path::new(entry)));
        for argument in file.arguments() {
            match argument.as_str() {
                "0.0.0.0:3000" => server.arg("127.0.0.1:0"),
                "--from" if matches!(runtime, Runtime::Embedded) => server.arg("--manifest"),
                path if path.starts_with('/') => server.arg(self.path(Path::new(path))),
                other => server.arg(other),
            };
        }
        server
            .env_clear()
            .env("TMPDIR", self.path(Path::new("/tmp")));
        for set in file.all("ENV") {
            let (name, value) = set.split_once('=').unwrap();
            server.env(name, self.path(Path::new(value)));
        }
        server.current_dir(self.path(Path::new(file.one("WORKDIR"))));
        let (server, url) = process::serve(server);
        self.server = Some(server);
        url
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            process::kill(server);
        }
        // Or the folders could not be deleted.
        self.set_mode("u+w");
    }
}

/// Copies a file or what is in a folder, as COPY does.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
        return;
    }
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}

fn serves_as_the_image_says(runtime: Runtime, program: &Path) {
    let Some(redis) = Redis::start_durable() else {
        return;
    };
    let file = Dockerfile::read();
    let mut container = Container::of(&file, &redis, program);
    let url = container.serve(&file, runtime);
    let client = Client::new(&url, PATIENCE);
    for batch in 0..3 {
        record(&client, batch);
    }
    check_answers(&client, 0..3);
    // So the server cannot have written there either. Root may write anywhere.
    for folder in ["/app", "/app/files", "/etc/rollcall", "/usr/local/bin"] {
        let file = container.path(Path::new(folder)).join("written");
        let mut touch = container.command(Path::new("touch"));
        assert!(!touch.arg(file).status().unwrap().success(), "{folder}");
    }
}

#[test]
fn the_command_line_of_the_image_serves_the_app_and_its_user_may_write_to_two_folders_alone() {
    serves_as_the_image_says(Runtime::Embedded, &process::program());
}

#[test]
fn spin_serves_the_app_by_the_command_line_of_the_image() {
    if is_spin_installed() {
        let folders = std::env::var_os("PATH").unwrap();
        let mut programs = std::env::split_paths(&folders).map(|folder| folder.join("spin"));
        let spin = programs.find(|program| program.is_file()).unwrap();
        serves_as_the_image_says(Runtime::Spin, &spin);
    }
}

#[test]
fn a_build_sees_the_files_that_the_image_copies_and_no_others() {
    let ignored = fs::read_to_string(deploy::path("container/Dockerfile.dockerignore")).unwrap();
    let lines = ignored.lines().filter(|line| !line.starts_with('#'));
    let file = Dockerfile::read();
    let copied = file.copied();
    let copied = copied.iter().map(|(from, _)| format!("!{from}"));
    let expect: Vec<String> = ["*".to_owned()].into_iter().chain(copied).collect();
    assert_eq!(lines.collect::<Vec<_>>(), expect);
}

/// The services of `compose.yaml`. `None`: nothing here reads YAML.
fn services() -> Option<Value> {
    let compose = fs::read(deploy::path("container/compose.yaml")).unwrap();
    Some(deploy::read(&compose)?.remove(0)["services"].take())
}

/// Whether a list of texts has this one.
fn has(list: &Value, text: &str) -> bool {
    list.as_array()
        .unwrap()
        .iter()
        .any(|element| element == text)
}

#[test]
fn compose_gives_the_image_what_it_needs_and_redis_its_settings_and_a_disk() {
    let Some(services) = services() else {
        return;
    };
    let file = Dockerfile::read();
    let app = &services["app"];
    let built = deploy::path("container").join(app["build"]["context"].as_str().unwrap());
    let built = built.join(app["build"]["dockerfile"].as_str().unwrap());
    assert!(built.is_file(), "{}", built.display());
    let user = file.user();
    let state = format!("/state:uid={user},gid={user},mode=0700");
    assert_eq!(app["tmpfs"], json!([state, "/tmp"]));
    assert_eq!(file.flag("--state-dir"), "/state");
    let config = file.flag("--runtime-config-file");
    assert!(has(
        &app["volumes"],
        &format!("./runtime-config.toml:{config}:ro")
    ));
    let port = file.one("EXPOSE");
    assert_eq!(file.flag("--listen"), format!("0.0.0.0:{port}"));
    assert!(has(&app["ports"], &format!("127.0.0.1:{port}:{port}")));

    let redis = &services["redis"];
    assert_eq!(redis["command"][1], "/etc/redis/redis.conf");
    let settings = "../kubernetes/redis/redis.conf";
    assert!(deploy::path("container").join(settings).is_file());
    let mounted = format!("{settings}:/etc/redis/redis.conf:ro");
    assert!(has(&redis["volumes"], &mounted));
    assert!(has(&redis["volumes"], "redis:/data"));
    assert_eq!(redis["networks"], json!(["store"]), "and in no other one");
    for service in [app, redis] {
        assert_eq!(service["read_only"], true);
        assert_eq!(service["cap_drop"], json!(["ALL"]));
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]));
    }
}

#[test]
fn the_deployment_gives_the_image_what_it_needs() {
    let deployment = fs::read(deploy::path("kubernetes/base/deployment.yaml")).unwrap();
    let Some(documents) = deploy::read(&deployment) else {
        return;
    };
    let file = Dockerfile::read();
    let pod = &documents[0]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert!(container["command"].is_null() && container["args"].is_null());
    assert_eq!(pod["securityContext"]["runAsUser"], file.user());
    let port: u16 = file.one("EXPOSE").parse().unwrap();
    assert_eq!(container["ports"][0]["containerPort"], port);
    let config = file.flag("--runtime-config-file");
    let (folder, name) = config.rsplit_once('/').unwrap();
    let mounts = container["volumeMounts"].as_array().unwrap().iter();
    let mounted: Vec<&Value> = mounts.map(|mount| &mount["mountPath"]).collect();
    assert_eq!(mounted, [folder, "/state", "/tmp"]);
    assert_eq!(pod["volumes"][0]["secret"]["items"][0]["path"], name);
}

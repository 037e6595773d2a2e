//! Real gateways, with the configuration that `docs/sources` tells people to paste: each serves a
//! few requests, and Rollcall reads what it wrote.
//!
//! If a server is not installed, its test says so and ends.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rollcall_tests::{App, PATIENCE, workspace};
use serde_json::Value;
use tempfile::TempDir;

/// A user agent that looks like the end of a line and the begin of another.
const HOSTILE: &str =
    r#"x" 200 7 "-" [17/May/2015:10:05:03 +0000] 192.0.2.66 - - "GET /b HTTP/1.1"#;

/// A server of this test alone. It is killed when it is dropped.
struct Gateway(Child);

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server whose configuration `write` makes, given a free port. What it prints is in
/// `stdout` in its folder. `None`: it is not installed.
fn start(
    program: &str,
    arguments: &[&str],
    folder: &Path,
    write: impl Fn(u16) -> String,
) -> Option<(Gateway, u16)> {
    // Another process may take the free port first.
    for _ in 0..5 {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        fs::write(folder.join("conf"), write(port)).unwrap();
        let started = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env("TZ", "UTC")
            .env("APACHE_LOG_DIR", folder)
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .stdout(File::create(folder.join("stdout")).unwrap())
            .stderr(Stdio::null())
            .spawn();
        let gateway = match started {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                rollcall_tests::skipped(&format!("gateways: {program} is not installed"));
                return None;
            }
            started => Gateway(started.unwrap()),
        };
        let began = Instant::now();
        while began.elapsed() < PATIENCE / 5 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Some((gateway, port));
            }
            sleep(Duration::from_millis(20));
        }
    }
    panic!("{program} does not start");
}

/// The block of code with this language in a file of `docs/sources`.
fn pasted(file: &str, language: &str) -> String {
    let text = fs::read_to_string(workspace().join("docs/sources").join(file)).unwrap();
    let fence = format!("```{language}\n");
    let (_, rest) = text.split_once(&fence).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// Three requests: one that is found, one that is not, and one that is none.
fn call(port: u16) {
    let found = "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl/8.5.0\r\n";
    let missing =
        format!("GET /missing HTTP/1.1\r\nHost: example.com\r\nUser-Agent: {HOSTILE}\r\n");
    for request in [found, &missing, "\x16\x03\x01\x02\r\n"] {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let sent = format!("{request}Connection: close\r\n\r\n");
        stream.write_all(sent.as_bytes()).unwrap();
        // A server may close the connection of what is no request.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Waits for so many lines with an address, and sends the log.
fn check(log: &Path, lines: usize) -> App {
    let began = Instant::now();
    let text = loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        if text.matches("127.0.0.1").count() >= lines && text.ends_with('\n') {
            break text;
        }
        assert!(began.elapsed() < PATIENCE, "{text}");
        sleep(Duration::from_millis(20));
    };
    let app = App::start();
    let answer = app.collect("text/plain", &text, &[]);
    assert!(answer.status < 300, "{text}: {answer:?}");
    let stats = app.json("/admin/global-stats");
    assert_eq!(stats["totalRequests"], lines, "{text}");
    let page = app.json("/admin/ips/127.0.0.1");
    assert_eq!(page["totalRequests"], lines, "{text}");
    app
}

/// What the log says of a path.
fn path(app: &App, key: &str) -> Value {
    app.json(&format!("/admin/paths?key={key}"))
}

fn check_all(app: &App, agent: Option<&str>) {
    assert_eq!(path(app, "GET%20/a")["statusCodes"]["200"], 1);
    assert_eq!(path(app, "GET%20/missing")["statusCodes"]["404"], 1);
    let page = app.json("/admin/ips/127.0.0.1").to_string();
    for agent in agent.into_iter().chain(agent.map(|_| "17/May/2015")) {
        assert!(page.contains(agent), "{page}");
    }
}

/// The log of a server that writes all three requests, with their response times.
fn check_access_log(folder: &Path) {
    let app = check(&folder.join("access.log"), 3);
    check_all(&app, Some("curl/8.5.0"));
    assert_eq!(path(&app, "-%20(unknown)")["statusCodes"]["400"], 1);
    assert!(path(&app, "GET%20/a")["avgResponseTime"].is_number());
}

#[test]
fn nginx_writes_what_is_read() {
    let folder = TempDir::new().unwrap();
    let format = pasted("nginx.md", "nginx").replace("/var/log/nginx/", "");
    let conf = |port| {
        format!(
            "daemon off; master_process off; pid pid; error_log errors; events {{}}
             http {{
               client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
               uwsgi_temp_path t4; scgi_temp_path t5;
               {format}
               server {{ listen 127.0.0.1:{port}; location /a {{ return 200 hello; }} location / {{ return 404; }} }}
             }}"
        )
    };
    let prefix = format!("{}/", folder.path().display());
    let arguments = ["-p", &prefix, "-c", "conf", "-e", "errors"];
    let Some((_nginx, port)) = start("nginx", &arguments, folder.path(), conf) else {
        return;
    };
    call(port);
    check_access_log(folder.path());
}

#[test]
fn apache_writes_what_is_read() {
    let folder = TempDir::new().unwrap();
    let format = pasted("apache.md", "apache");
    let at = folder.path().display();
    let conf = |port| {
        format!(
            "ServerName localhost\nPidFile pid\nDefaultRuntimeDir {at}\nMutex file:{at}
             Listen 127.0.0.1:{port}\nErrorLog errors\nDocumentRoot {at}/documents
             LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
             LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
             {format}"
        )
    };
    fs::create_dir(folder.path().join("documents")).unwrap();
    fs::write(folder.path().join("documents/a"), "hello").unwrap();
    let (root, file) = (at.to_string(), format!("{at}/conf"));
    let arguments = ["-X", "-d", &root, "-f", &file];
    let Some((_apache, port)) = start("apache2", &arguments, folder.path(), conf) else {
        return;
    };
    call(port);
    check_access_log(folder.path());
}

#[test]
fn haproxy_writes_what_is_read() {
    let folder = TempDir::new().unwrap();
    let conf = |port| {
        format!(
            "global\n  log stdout format raw local0\n\
             defaults\n  mode http\n  log global\n  option httplog\n  option dontlognull\n  timeout client 5s\n\
             frontend http-in\n  bind 127.0.0.1:{port}\n  \
             http-request return status 200 if {{ path /a }}\n  http-request return status 404\n"
        )
    };
    let Some((_haproxy, port)) = start("haproxy", &["-f", "conf"], folder.path(), conf) else {
        return;
    };
    call(port);
    let app = check(&folder.path().join("stdout"), 3);
    check_all(&app, None);
    assert_eq!(path(&app, "-%20(unknown)")["statusCodes"]["400"], 1);
}

#[test]
fn caddy_writes_what_is_read() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("access.log");
    let site = pasted("caddy.md", "caddyfile");
    let site = site.replace("/var/log/caddy/access.log", &log.display().to_string());
    let conf = |port: u16| {
        let site = site.replace("example.com {", &format!("http://:{port} {{"));
        let end = site.rfind('}').unwrap();
        format!(
            "{{\n  admin off\n}}\n{}  bind 127.0.0.1\n  respond /a \"hello\" 200\n  respond 404\n}}\n",
            site.split_at(end).0
        )
    };
    let arguments = ["run", "--config", "conf", "--adapter", "caddyfile"];
    let Some((_caddy, port)) = start("caddy", &arguments, folder.path(), conf) else {
        return;
    };
    call(port);
    // Caddy does not log what is no request.
    let app = check(&log, 2);
    check_all(&app, Some("curl/8.5.0"));
    assert!(path(&app, "GET%20/a")["avgResponseTime"].is_number());
}

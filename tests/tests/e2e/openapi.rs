//! Compares the app with its description of the API.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rollcall_tally::{Grouping, StatusFilter};
use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::openapi::{Description, members};
use rollcall_tests::store::{Mood, Moody};
use rollcall_tests::{ADMIN, Answer, App, INGEST, METRICS, NO_CACHE, VIEWER, questions, workspace};
use serde_json::{Value, json};

use crate::admin::three_hits;

const DOCUMENT: &str = "/admin/openapi.json";
const DOCS: &str = "/admin/docs";
const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

const EXPORT: &str = "/admin/export";
const ORDERS: [&str; 3] = ["/admin/prewarm", "/admin/verify", "/admin/check-alerts"];
const BEACON: &str = "/collect/beacon";
const IP: &str = "/admin/ips/{ip}";
const STORED_IP: &str = "/admin/ips/{ip}/data";
const BATCH: &str = "/admin/batches/{number}";
const BACKUP: &str = "/admin/backup";
const RESTORE: &str = "/admin/restore";
const RESTORE_PART: &str = "/admin/restore/{number}";
const SCRAPE: &str = "/admin/metrics";
/// The documents of each kind, and one of each.
const DOCUMENTS: [(&str, &str); 4] = [
    ("/admin/labels", r#"{"ips": ["192.0.2.0/24"]}"#),
    ("/admin/notes", r#"{"at": "2026-11-28", "text": "1.2"}"#),
    ("/admin/views", r#"{"path": "/admin/?status=5xx"}"#),
    (
        "/admin/rules",
        r#"{"metric": "requests", "by": "ip", "threshold": 1}"#,
    ),
];
const TEST_RULE: &str = "/admin/rules/{name}/test";
const LIST: &str = "/admin/lists/{name}";
const REPORT: &str = "/admin/report";

/// Each request that writes a document or sends something.
fn writes() -> impl Iterator<Item = (&'static str, String)> {
    let documents = DOCUMENTS.into_iter().flat_map(|(all, _)| {
        let one = format!("{all}/{{name}}");
        [("PUT", one.clone()), ("DELETE", one)]
    });
    documents.chain([("POST", TEST_RULE.to_owned()), ("POST", REPORT.to_owned())])
}

/// Every question whose answer is kept.
fn kept() -> impl Iterator<Item = (&'static str, String)> {
    let questions = questions().into_iter();
    questions.filter(|(template, _)| *template != EXPORT)
}

/// The path of all that is stored of an IP.
fn stored(ip: &str) -> String {
    STORED_IP.replace("{ip}", ip)
}

/// Each request that restores something.
fn restores() -> [(&'static str, &'static str); 2] {
    [("POST", RESTORE), ("PUT", RESTORE_PART)]
}

/// A request that restores something, of a backup that nobody has.
fn restore(template: &str) -> String {
    let path = template.replace("{number}", "0");
    format!("{path}?backup={}", "a".repeat(64))
}

/// The path of a batch.
fn batch(number: &str) -> String {
    BATCH.replace("{number}", number)
}

fn start(moody: &Moody) -> App {
    App::start_with(|config| {
        let tokens = [("viewer_token", VIEWER), ("metrics_token", METRICS)];
        let tokens = tokens.map(|(name, token)| (name.to_owned(), token.to_owned()));
        config.variables.extend(tokens);
        config.variables.insert("beacon".into(), "true".into());
        config.store_layer = Some(moody.layer());
    })
}

fn description(app: &App) -> Description {
    Description::new(app.json(DOCUMENT))
}

/// Sends requests, and checks their answers against the description.
struct Checked<'a> {
    app: &'a App,
    description: &'a Description,
}

impl Checked<'_> {
    /// `token`: `None` sends no token.
    fn send(
        &self,
        token: Option<&str>,
        (method, template, path): (&str, &str, &str),
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> u16 {
        let token = token.map(|token| format!("Bearer {token}"));
        let token = token.as_deref().map(|token| ("authorization", token));
        let headers: Vec<_> = headers.iter().copied().chain(token).collect();
        let answer = self.app.send(method, path, &headers, body);
        self.description.check(method, template, &answer);
        answer.status
    }

    fn ask(&self, template: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.send(Some(ADMIN), ("GET", template, path), headers, b"")
    }

    fn beacon(&self, query: &str) -> u16 {
        let path = format!("{BEACON}{query}");
        self.send(None, ("GET", BEACON, &path), &[], b"")
    }

    fn erase(&self, token: &str, ip: &str) -> u16 {
        let path = IP.replace("{ip}", ip);
        self.send(Some(token), ("DELETE", IP, &path), &[], b"")
    }

    fn collect(&self, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        let collect = ("POST", "/collect", "/collect");
        self.send(Some(INGEST), collect, headers, body)
    }
}

#[test]
fn every_answer_that_is_described_is_given_and_no_other() {
    let app = start(&Moody::default());
    let description = description(&app);
    let checked = Checked {
        app: &app,
        description: &description,
    };
    what_is_recorded(&checked);
    what_is_asked(&checked);
    what_is_open(&checked);
    who_is_let_in(&checked);
    what_is_wrong_with_tokens(&checked);
    what_is_too_slow(&checked);

    let (down, damaged) = (Moody::default(), Moody::default());
    let app = start(&down);
    down.set_mood(Mood::Down);
    what_fails(&app, &description, 503);
    let app = start(&damaged);
    let damage = damaged.inner().set("meta", b"\xff damaged");
    app.runtime().block_on(damage).unwrap();
    what_fails(&app, &description, 500);
    what_dies(&description);
    what_is_too_much(&description);
    what_has_no_file(&description);
    assert_eq!(description.unseen(), [], "described, and never answered");
}

#[test]
fn a_status_is_described_as_it_is_read() {
    let app = App::start();
    let description = description(&app);
    let operations = description.operations();
    let parameters = operations.flat_map(|(path, _, operation)| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.map(move |parameter| (path, parameter))
    });
    let codes = (0..=1_000).map(|code| code.to_string());
    let others = [
        "!",
        "!404",
        "404|5xx",
        "!4xx|unknown",
        "404|",
        "|404",
        "404,429",
        "",
        "1xx",
        "5xx",
        "0xx",
        "6xx",
        "xxx",
        "4XX",
        "40x",
        "unknown",
        "Unknown",
        "+404",
        "0404",
    ];
    let texts: Vec<String> = codes.chain(others.map(str::to_owned)).collect();
    let mut described = 0;
    for (path, parameter) in parameters.filter(|(_, of)| of["name"] == "status") {
        let values: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
        let list = json!({"type": "array", "items": parameter["schema"]});
        let errors = description.errors(&list, &values.into());
        let refused = |index: &usize| StatusFilter::read(&texts[*index]).is_err();
        let expected = (0..texts.len()).filter(refused);
        let expected: BTreeSet<String> = expected.map(|index| format!("/{index}")).collect();
        let places = errors.iter().filter_map(|error| error.split(':').next());
        let places: BTreeSet<String> = places.map(str::to_owned).collect();
        assert_eq!(places, expected, "{path}");
        described += 1;
    }
    assert_ne!(described, 0);
}

fn what_is_recorded(checked: &Checked) {
    three_hits(checked.app);
    let good = json!({"ip": "192.0.2.1", "method": "GET", "path": "/users"});
    let bad = json!({"ip": "localhost", "method": "GET", "path": "/users"});
    let odd = json!({"ip": "192.0.2.1", "method": "GET", "path": "/users", "status": 999});
    let of = |hits: Value| hits.to_string().into_bytes();
    assert_eq!(checked.collect(&[JSON], &of(json!([good]))), 202);
    assert_eq!(checked.collect(&[JSON], &of(json!([good, bad, 1]))), 200);
    assert_eq!(checked.collect(&[JSON], &of(json!([good, odd]))), 200);
    for (headers, body) in [
        (vec![JSON], of(json!([bad, 1]))),
        (vec![JSON], b"{".to_vec()),
        (vec![JSON], b"[]".to_vec()),
        (vec![JSON, ("idempotency-key", "a b")], of(good)),
    ] {
        assert_eq!(checked.collect(&headers, &body), 400);
    }
    assert_eq!(checked.collect(&[], b"?"), 415);
    let large = vec![b' '; 10 * 1024 * 1024 + 1];
    assert_eq!(checked.collect(&[JSON], &large), 413);
    let own = json!({"method": "GET", "path": "/users"});
    assert_eq!(checked.collect(&[JSON], &of(own)), 202);
    assert_eq!(checked.beacon("?path=/users"), 200);
    assert_eq!(checked.beacon("?path=users"), 400);
}

fn what_is_asked(checked: &Checked) {
    let filters = "ip=192.0.2.0/24|::1&pathPrefix=/&path=!/a|/b&method=get|put&status=!5xx&country=de|FR&network=!AS1";
    for (template, path) in kept() {
        let path = path.as_str();
        let with = |query: &str| {
            let sign = if path.contains('?') { '&' } else { '?' };
            format!("{path}{sign}{query}")
        };
        for headers in [&[][..], &[NO_CACHE]] {
            assert_eq!(checked.ask(template, path, headers), 200);
        }
        assert_eq!(checked.ask(template, path, &[("if-none-match", "*")]), 304);
        assert_eq!(checked.ask(template, &with("nonsense="), &[]), 400);
        if template == "/admin/aggregator-status" {
            continue;
        }
        for window in ["1h", "24h", "7d", "30d", "90d", "all"] {
            let status = match (template, window) {
                // Nothing is kept of the period before these windows.
                ("/admin/movers", "90d" | "all") => 400,
                // A rate limit counts in buckets, and the oldest hits have none.
                ("/admin/backtest", "all") => 400,
                _ => 200,
            };
            let window = with(&format!("timeRange={window}"));
            assert_eq!(checked.ask(template, &window, &[]), status);
        }
        if template == "/admin/movers" {
            for by in Grouping::EVERY {
                let all = with(&format!("by={}&minScore=0", by.name()));
                assert_eq!(checked.ask(template, &all, &[]), 200);
            }
        }
        if template == "/admin/breakdown" {
            assert_eq!(checked.ask(template, &with("estimate=true"), &[]), 200);
            let by_host = with(&format!("by=host&{filters}"));
            assert_eq!(checked.ask(template, &by_host, &[]), 400);
            for by in Grouping::EVERY {
                for metrics in ["requests,newIPs", "uniqueIPs,p95ResponseTime,bytes"] {
                    let some = with(&format!(
                        "by={}&metrics={metrics}&buckets=true&timeRange=all",
                        by.name()
                    ));
                    assert_eq!(checked.ask(template, &some, &[]), 200);
                }
            }
        }
        let filters = match template {
            "/admin/ips/{ip}" => filters.split_once('&').unwrap().1,
            _ => filters,
        };
        // These questions take no filter.
        let status = match template {
            "/admin/group" | "/admin/retirement" => 400,
            _ => 200,
        };
        assert_eq!(checked.ask(template, &with(filters), &[]), status);
    }
    let ask = |path: &str| checked.ask(path.split('?').next().unwrap(), path, &[]);
    assert_eq!(ask("/admin/global-stats?includeMetrics=false"), 200);
    assert_eq!(ask("/admin/global-stats?includeCosts=true"), 200);
    assert_eq!(ask("/admin/paths?key=GET%20/nobody"), 200);
    let unknown = "/admin/ips/203.0.113.9";
    assert_eq!(checked.ask("/admin/ips/{ip}", unknown, &[]), 404);
    for form in [
        "",
        "?format=csv",
        "?format=ndjson",
        "?includeMetadata=false",
        "?status=2xx",
        "?status=200",
    ] {
        assert_eq!(ask(&format!("{EXPORT}{form}")), 200);
    }
    assert_eq!(ask("/admin/export?format=xml"), 400);
    let rows = checked.app.ask("/admin/export?format=ndjson").text();
    let row = &checked.description.document()["components"]["schemas"]["ExportRecord"];
    for line in rows.lines() {
        let line = serde_json::from_str(line).unwrap();
        checked.description.assert_valid(row, &line, "a row");
    }
    for path in ORDERS {
        let order = ("POST", path, path);
        assert_eq!(checked.send(Some(ADMIN), order, &[], b""), 200);
    }
    for (ip, status) in [("192.0.2.1", 200), ("203.0.113.9", 404), ("x", 400)] {
        assert_eq!(checked.ask(STORED_IP, &stored(ip), &[]), status);
    }
    for (number, status) in [("1", 200), ("1000000", 404), ("x", 400)] {
        assert_eq!(checked.ask(BATCH, &batch(number), &[]), status);
    }
    for (ip, status) in [("203.0.113.9", 204), ("x", 400)] {
        assert_eq!(checked.erase(ADMIN, ip), status);
    }
    what_is_written(checked);
    what_is_restored(checked);
    let scrape = ("GET", SCRAPE, SCRAPE);
    assert_eq!(checked.send(Some(METRICS), scrape, &[], b""), 200);
    for headers in [&[][..], &[("if-none-match", "*")]] {
        let expect = if headers.is_empty() { 200 } else { 304 };
        assert_eq!(checked.ask(DOCUMENT, DOCUMENT, headers), expect);
    }
}

fn what_is_written(checked: &Checked) {
    let send = |method: &str, template: &str, name: &str, body: &[u8]| {
        let path = template.replace("{name}", name);
        checked.send(Some(ADMIN), (method, template, &path), &[], body)
    };
    let long = vec![b' '; 70_000];
    for (all, body) in DOCUMENTS {
        let one = format!("{all}/{{name}}");
        assert_eq!(send("PUT", &one, "a", body.as_bytes()), 200);
        assert_eq!(send("PUT", &one, "a", b"{}"), 400);
        assert_eq!(send("PUT", &one, "a", &long), 413);
        assert_eq!(send("GET", all, "", b""), 200);
    }
    let list = |name: &str, query: &str| {
        let path = LIST.replace("{name}", name) + query;
        checked.ask(LIST, &path, &[])
    };
    assert_eq!(list("a", "?format=ipset"), 200);
    assert_eq!(list("a", "?format=x"), 400);
    assert_eq!(list("none", ""), 404);
    assert_eq!(send("POST", TEST_RULE, "a", b""), 200);
    assert_eq!(send("POST", TEST_RULE, "none", b""), 404);
    assert_eq!(send("GET", REPORT, "", b""), 200);
    let report = |query: &str| checked.ask(REPORT, &format!("{REPORT}{query}"), &[]);
    assert_eq!(report("?format=html"), 200);
    assert_eq!(report("?format=xml"), 400);
    assert_eq!(send("POST", REPORT, "", b""), 200);
    for (all, _) in DOCUMENTS {
        let one = format!("{all}/{{name}}");
        assert_eq!(send("DELETE", &one, "a", b""), 204);
        assert_eq!(send("DELETE", &one, "a", b""), 404);
        assert_eq!(send("DELETE", &one, "*", b""), 400);
    }
}

fn what_is_restored(checked: &Checked) {
    let made = ("POST", BACKUP, BACKUP);
    assert_eq!(checked.send(Some(ADMIN), made, &[], b""), 200);
    let backup = crate::backup::Backup::of(checked.app);
    let empty = App::start();
    let on_empty = Checked {
        app: &empty,
        ..*checked
    };
    let send = |on: &Checked, method: &str, template: &str, query: &str, body: &[u8]| {
        let path = format!("{}{query}", restore(template));
        on.send(Some(ADMIN), (method, template, &path), &[], body)
    };
    assert_eq!(send(checked, "POST", RESTORE, "", &backup.head), 400);
    assert_eq!(send(&on_empty, "POST", RESTORE, "", b"{}"), 400);
    assert_eq!(send(&on_empty, "POST", RESTORE, "", &[b' '; 5_000]), 413);
    assert_eq!(send(&on_empty, "PUT", RESTORE_PART, "", b"x"), 400);
    let long = vec![0; 32 * 1024 * 1024 + 1];
    assert_eq!(send(&on_empty, "PUT", RESTORE_PART, "", &long), 413);
    assert_eq!(
        send(&on_empty, "POST", RESTORE, "&replace=x", &backup.head),
        400
    );
    assert_eq!(
        send(
            &on_empty,
            "POST",
            RESTORE,
            "&replace=true&replace=true",
            &backup.head
        ),
        400
    );
    assert_eq!(send(&on_empty, "POST", RESTORE, "", &backup.head), 200);
    assert_eq!(
        send(&on_empty, "PUT", RESTORE_PART, "", &backup.parts[0]),
        204
    );
}

/// Bodies that do not come.
fn what_is_too_slow(checked: &Checked) {
    let documents = DOCUMENTS.map(|(all, _)| (format!("{all}/{{name}}"), ADMIN));
    let puts = documents.map(|(one, token)| ("PUT", one, token));
    let posts = [("/collect", INGEST), ("/admin/sign-in", "")];
    let posts = posts.map(|(path, token)| ("POST", path.to_owned(), token));
    let restores = restores().map(|(method, template)| (method, template.to_owned(), ADMIN));
    let begun = puts
        .into_iter()
        .chain(posts)
        .chain(restores)
        .map(|(method, template, token)| {
            let path = match template.starts_with(RESTORE) {
                true => restore(&template),
                false => template.replace("{name}", "a"),
            };
            let mut connection = TcpStream::connect(checked.app.host().addr()).unwrap();
            let patience = Some(Duration::from_secs(60));
            connection.set_read_timeout(patience).unwrap();
            write!(
                connection,
                "{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Length: 9\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            (method, template, connection)
        });
    for (method, template, mut connection) in begun.collect::<Vec<_>>() {
        let mut text = Vec::new();
        connection.read_to_end(&mut text).unwrap();
        let answer = answer_of(&text);
        assert_eq!(answer.status, 408, "{method} {template}");
        checked.description.check(method, &template, &answer);
    }
}

/// An answer as it was sent.
fn answer_of(text: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    };
    Answer {
        status: status.parse().unwrap(),
        headers: lines.map(header).collect(),
        body: body.as_bytes().to_vec(),
    }
}

fn what_has_no_file(description: &Description) {
    let empty = tempfile::TempDir::new().unwrap();
    let app = App::start_with(|config| {
        config.folders.insert("/files".into(), empty.path().into());
    });
    let checked = Checked {
        app: &app,
        description,
    };
    let path = "/admin/api-usage";
    assert_eq!(checked.ask(path, path, &[]), 404);
}

fn what_is_open(checked: &Checked) {
    let send = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        checked.send(None, (method, path, path), headers, body)
    };
    assert_eq!(send("GET", "/healthz", &[], b""), 200);
    assert_eq!(send("GET", "/", &[], b""), 303);
    let (sign_in, sign_out) = ("/admin/sign-in", "/admin/sign-out");
    assert_eq!(send("GET", sign_in, &[], b""), 200);
    let token = format!("token={ADMIN}");
    let signed_in = send("POST", sign_in, &[FORM, OURS], token.as_bytes());
    assert_eq!(signed_in, 303);
    assert_eq!(send("POST", sign_in, &[FORM], b""), 403);
    let long = vec![b'x'; 20_000];
    assert_eq!(send("POST", sign_in, &[FORM, OURS], &long), 413);
    assert_eq!(send("POST", sign_out, &[OURS], b""), 303);
    assert_eq!(send("POST", sign_out, &[], b""), 403);
}

fn who_is_let_in(checked: &Checked) {
    let browser = ("accept", "text/html,*/*;q=0.8");
    let others = [
        (DOCUMENT, DOCUMENT.to_owned()),
        (STORED_IP, stored("192.0.2.1")),
        (BATCH, batch("1")),
        (LIST, LIST.replace("{name}", "a")),
        (REPORT, REPORT.to_owned()),
    ];
    let others = others
        .into_iter()
        .chain(DOCUMENTS.map(|(all, _)| (all, all.to_owned())));
    for (template, path) in questions().into_iter().chain(others) {
        let ask = ("GET", template, path.as_str());
        assert_eq!(checked.send(None, ask, &[browser], b""), 303, "{path}");
        assert_eq!(checked.send(Some(METRICS), ask, &[], b""), 403, "{path}");
    }
    let scrape = ("GET", SCRAPE, SCRAPE);
    assert_eq!(checked.send(None, scrape, &[browser], b""), 303);
    for path in ORDERS {
        let order = ("POST", path, path);
        assert_eq!(checked.send(Some(VIEWER), order, &[], b""), 403);
    }
    assert_eq!(checked.erase(VIEWER, "192.0.2.1"), 403);
    for (method, template) in [("POST", BACKUP)].into_iter().chain(restores()) {
        let path = restore(template);
        let order = (method, template, path.as_str());
        assert_eq!(checked.send(Some(VIEWER), order, &[], b""), 403);
    }
    for (method, template) in writes() {
        let path = template.replace("{name}", "a");
        let write = (method, template.as_str(), path.as_str());
        assert_eq!(checked.send(Some(VIEWER), write, &[], b""), 403);
    }
    for (template, path) in every_path(checked.description) {
        let token = if path == "/collect" { INGEST } else { ADMIN };
        let other = ("PATCH", template.as_str(), path.as_str());
        assert_eq!(checked.send(Some(token), other, &[], b""), 405, "{path}");
    }
}

/// A wrong token waits. If too many wrong tokens come at once, some get a 429.
fn what_is_wrong_with_tokens(checked: &Checked) {
    for (template, method, operation) in checked.description.operations() {
        if operation["responses"].get("401").is_none() {
            continue;
        }
        let method = method.to_uppercase();
        let path = template
            .replace("{ip}", "192.0.2.1")
            .replace("{number}", "1")
            .replace("{name}", "a");
        let (headers, body): (Vec<_>, _) = match template {
            "/admin/sign-in" => (vec![FORM, OURS], "token=wrong"),
            _ => (vec![("authorization", "Bearer wrong")], ""),
        };
        let mut statuses = BTreeSet::new();
        // The host decides how many requests reach one instance. So the number of tokens grows
        // until one gets a 429.
        for count in [50, 100, 200, 400, 400] {
            for answer in at_once(count, checked.app, (&method, &path), &headers, body) {
                checked.description.check(&method, template, &answer);
                statuses.insert(answer.status);
            }
            if statuses.len() == 2 {
                break;
            }
        }
        assert_eq!(statuses, BTreeSet::from([401, 429]), "{method} {template}");
        if template != "/admin/sign-in" {
            let none = (method.as_str(), template, path.as_str());
            assert_eq!(checked.send(None, none, &[], b""), 401);
        }
    }
}

/// The answers to many equal requests at once.
fn at_once(
    count: usize,
    app: &App,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> Vec<Answer> {
    thread::scope(|scope| {
        let send = |_| {
            let client = app.client(Duration::from_secs(30));
            scope.spawn(move || client.send(method, path, headers, body.as_bytes()))
        };
        let sent: Vec<_> = (0..count).map(send).collect();
        let answers = sent.into_iter().map(|sent| sent.join().unwrap().unwrap());
        answers.collect()
    })
}

/// Checks every error of a store that is down or damaged.
fn what_fails(app: &App, description: &Description, status: u16) {
    let checked = Checked { app, description };
    let hit = br#"{"ip": "192.0.2.1", "method": "GET", "path": "/"}"#;
    assert_eq!(checked.collect(&[JSON], hit), status);
    assert_eq!(checked.beacon("?path=/"), status);
    for (template, path) in questions() {
        assert_eq!(checked.ask(template, &path, &[]), status, "{path}");
    }
    assert_eq!(checked.ask(STORED_IP, &stored("192.0.2.1"), &[]), status);
    assert_eq!(checked.ask(BATCH, &batch("1"), &[]), status);
    assert_eq!(checked.erase(ADMIN, "192.0.2.1"), status);
    for (template, path) in [(LIST, "/admin/lists/a"), (REPORT, REPORT)]
        .into_iter()
        .chain(DOCUMENTS.map(|(all, _)| (all, all)))
    {
        assert_eq!(checked.ask(template, path, &[]), status, "{path}");
    }
    for (method, template) in writes() {
        let path = template.replace("{name}", "a");
        let body = DOCUMENTS.iter().find(|(all, _)| path.starts_with(all));
        let body = body.map_or("", |(_, body)| body);
        let write = (method, template.as_str(), path.as_str());
        let sent = checked.send(Some(ADMIN), write, &[], body.as_bytes());
        assert_eq!(sent, status, "{method} {path}");
    }
    assert_eq!(checked.ask(SCRAPE, SCRAPE, &[]), 503);
    let [prewarm, verify, _] = ORDERS;
    for (order, status) in [(prewarm, 503), (verify, status), (BACKUP, status)] {
        let order = ("POST", order, order);
        assert_eq!(checked.send(Some(ADMIN), order, &[], b""), status);
    }
    let head = br#"{"layout": 11, "shards": 256, "timeZone": "UTC", "root": 1, "ips": 1, "hits": 1,
        "asOf": "2026-11-28T10:00:00.000Z", "batchesBehind": 0}"#;
    for (method, template) in restores() {
        let path = restore(template);
        let restore = (method, template, path.as_str());
        assert_eq!(checked.send(Some(ADMIN), restore, &[], head), status);
    }
}

/// An alert check survives every failure except that of the aggregator.
fn what_dies(description: &Description) {
    let calls = Calls::default();
    let app = App::start_with(|config| config.chain_layer = Some(calls.layer()));
    calls.rule("/check-alerts", |_| Fate::CalleeTraps);
    let checked = Checked {
        app: &app,
        description,
    };
    let [_, _, check] = ORDERS;
    let order = ("POST", check, check);
    assert_eq!(checked.send(Some(ADMIN), order, &[], b""), 503);
}

/// The beacon is off, and a token has its rate.
fn what_is_too_much(description: &Description) {
    let checked = |app: &App, check: &dyn Fn(&Checked)| check(&Checked { app, description });
    checked(&App::start(), &|off| assert_eq!(off.beacon(""), 404));
    // Nobody folds while the store tells a question nothing.
    let store = Moody::default();
    let app = App::start_with(|config| {
        let limit = ("max_pending_segments".into(), "1".into());
        config
            .variables
            .extend([limit, ("beacon".into(), "true".into())]);
        config.store_layer = Some(store.layer());
    });
    store.strike(Mood::Down, |key| key == "lease");
    checked(&app, &|full| {
        assert_eq!(full.beacon("?path=/"), 200);
        assert_eq!(full.beacon("?path=/"), 429);
        let hit = br#"{"ip": "192.0.2.1", "method": "GET", "path": "/"}"#;
        assert_eq!(full.collect(&[JSON], hit), 429);
    });
}

fn every_path(description: &Description) -> Vec<(String, String)> {
    let paths = members(&description.document()["paths"]);
    let paths = paths.map(|(path, _)| {
        (
            path.to_owned(),
            path.replace("{ip}", "192.0.2.1")
                .replace("{number}", "1")
                .replace("{name}", "a"),
        )
    });
    paths.collect()
}

#[test]
fn an_old_answer_is_described_too() {
    let moody = Moody::default();
    let app = start(&moody);
    let description = description(&app);
    three_hits(&app);
    for (_, path) in kept() {
        assert_eq!(app.ask(&path).status, 200);
    }
    moody.set_mood(Mood::Down);
    for (template, path) in kept() {
        let answer = app.ask(&path);
        assert_eq!(answer.json()["stale"], true, "{path}: {answer:?}");
        description.check("GET", template, &answer);
    }
}

#[test]
fn every_example_is_as_its_schema_says() {
    let app = App::start();
    let description = description(&app);
    let mut checked = 0;
    let mut check = |schema: &Value, example: &Value, what: &str| {
        description.assert_valid(schema, example, what);
        checked += 1;
    };
    for (path, method, operation) in description.operations().chain(description.webhooks()) {
        let what = format!("{method} {path}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let schema = &parameter["schema"];
            for example in [parameter.get("example"), schema.get("default")] {
                example
                    .into_iter()
                    .for_each(|example| check(schema, example, &what));
            }
        }
        let body = operation.get("requestBody").into_iter();
        for response in body.chain(members(&operation["responses"]).map(|(_, r)| r)) {
            let response = description.resolved(response);
            for (media_type, content) in members(&response["content"]) {
                let several = members(&content["examples"]).map(|(_, example)| &example["value"]);
                let examples: Vec<&Value> =
                    content.get("example").into_iter().chain(several).collect();
                assert!(!examples.is_empty(), "no example: {what} {media_type}");
                for example in examples {
                    check(&content["schema"], example, &what);
                }
            }
            for (_, header) in members(&response["headers"]) {
                let header = description.resolved(header);
                check(&header["schema"], &header["example"], &what);
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn a_field_that_is_not_described_is_noticed_wherever_it_is() {
    let app = App::start();
    let description = description(&app);
    let mut tried = 0;
    for (path, _) in kept() {
        let answer = &description.document()["paths"][path]["get"]["responses"]["200"];
        let content = &answer["content"]["application/json"];
        let places = objects(&content["example"], "").into_iter();
        // The status codes may have any status as a field.
        for place in places.filter(|place| !place.ends_with("/statusCodes")) {
            let mut example = content["example"].clone();
            example.pointer_mut(&place).unwrap()["nonsense"] = json!(1);
            let errors = description.errors(&content["schema"], &example);
            assert!(!errors.is_empty(), "{path} {place}");
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
}

/// The places of the objects in a value.
fn objects(value: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in members(value) {
        found.extend(objects(value, &format!("{place}/{name}")));
    }
    for (number, value) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(objects(value, &format!("{place}/{number}")));
    }
    if value.is_object() {
        found.push(place.to_owned());
    }
    found
}

#[test]
fn everything_is_said_in_words() {
    let app = App::start();
    let description = description(&app);
    let is_said = |value: &Value, what: &str| {
        let about = description.resolved(value)["description"].as_str();
        assert!(about.is_some_and(|about| about.len() > 4), "{what}");
    };
    for (path, method, operation) in description.operations().chain(description.webhooks()) {
        let what = format!("{method} {path}");
        is_said(operation, &what);
        assert!(operation["security"].is_array(), "{what}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            is_said(parameter, &format!("{what} {}", parameter["name"]));
        }
        for (status, response) in members(&operation["responses"]) {
            is_said(response, &format!("{what} {status}"));
        }
    }
    for (name, schema) in members(&description.document()["components"]["schemas"]) {
        if name != "Window" {
            is_said(schema, name);
        }
    }
}

/// Whether a path is for people. Pages and their assets are not in the description.
fn is_for_people(path: &str) -> bool {
    let pages = ["/admin", "/admin/", DOCS, "/admin/language"];
    let below = ["/admin/dashboard/", "/admin/assets/"];
    pages.contains(&path) || below.iter().any(|start| path.starts_with(start))
}

/// The router's routes in the manifest, the paths under `/admin` in the router's source, and the
/// questions.
fn routed() -> BTreeSet<String> {
    let manifest = fs::read_to_string(workspace().join("spin.toml")).unwrap();
    let routes = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("route = \""));
    let routes = routes.filter_map(|route| route.strip_suffix('"'));
    let routes = routes
        .filter(|route| !route.ends_with("..."))
        .map(str::to_owned);
    let mut routed: BTreeSet<String> = routes.collect();
    for file in fs::read_dir(workspace().join("components/router/src")).unwrap() {
        let file = file.unwrap().path();
        if file.is_dir() {
            continue;
        }
        let source = fs::read_to_string(file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        let literals = code.split('"').filter(|text| text.starts_with("/admin"));
        let paths = literals.map(|text| text.split(['?', ' ']).next().unwrap().to_owned());
        routed.extend(paths);
    }
    let questions = questions().into_iter();
    routed.extend(questions.map(|(template, _)| template.to_owned()));
    routed
}

#[test]
fn every_path_that_is_routed_is_described() {
    let app = App::start();
    let description = description(&app);
    let described: BTreeSet<String> = every_path(&description)
        .into_iter()
        .map(|(template, _)| template)
        .collect();
    let mut routed = routed();
    routed.retain(|path| !is_for_people(path));
    assert_eq!(routed, described);
}

#[test]
fn the_page_has_all_of_it_and_needs_nothing_else() {
    let app = App::start();
    let description = description(&app);
    let page = app.ask(DOCS);
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let etag = page.header("etag").unwrap();
    let again = app.ask_with(DOCS, &[("if-none-match", etag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let text = page.text();
    for (path, _, operation) in description.operations().chain(description.webhooks()) {
        assert!(text.contains(&format!("<code>{path}</code>")), "{path}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            assert!(text.contains(&format!("<code>{name}</code>")), "{name}");
        }
    }
    let ids: BTreeSet<&str> = attributes(&text, "id").collect();
    for (name, _) in members(&description.document()["components"]["schemas"]) {
        assert!(ids.contains(format!("schema-{name}").as_str()), "{name}");
    }
    assert_eq!(ids.len(), attributes(&text, "id").count(), "an id twice");
    for link in attributes(&text, "href").chain(attributes(&text, "src")) {
        match link.strip_prefix('#') {
            Some(id) => assert!(ids.contains(id), "{link}"),
            None => assert!(link.starts_with("/admin/") || link == "data:,", "{link}"),
        }
    }
    for refused in ["<script", "<style", " style=", " onclick="] {
        assert!(!text.contains(refused), "{refused}");
    }
    let style = app.ask("/admin/assets/docs.css");
    assert_eq!(
        (style.status, style.header("content-type")),
        (200, Some("text/css; charset=utf-8"))
    );
    assert!(!style.text().contains("url("));
}

/// The values of an attribute.
fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!(" {name}=\"");
    let mut parts = Vec::new();
    for part in html.split(start.as_str()).skip(1) {
        parts.push(part.split('"').next().unwrap());
    }
    parts.into_iter()
}

#[test]
fn only_who_may_read_the_data_may_read_the_description() {
    let app = App::start();
    for path in [DOCUMENT, DOCS] {
        assert_eq!(app.send("GET", path, &[], b"").status, 401, "{path}");
    }
}

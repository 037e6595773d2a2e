//! `rollcall backup` and `rollcall restore`: a store that was wiped tells the same as before.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use rollcall_tests::{ADMIN, App, questions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::program;
use crate::redis::Redis;

/// The records of a backup.
pub struct Backup {
    pub head: Vec<u8>,
    pub parts: Vec<Vec<u8>>,
}

impl Backup {
    pub fn of(app: &App) -> Self {
        Self::read(&stream(app))
    }

    fn read(stream: &[u8]) -> Self {
        let mut rest = stream.strip_prefix(b"rollcall backup\n").unwrap();
        let mut records = Vec::new();
        loop {
            let (length, more) = rest.split_first_chunk().unwrap();
            let (record, more) = more.split_at(u32::from_le_bytes(*length) as usize);
            if record.is_empty() {
                assert_eq!(more.len(), 32, "the digest");
                break;
            }
            records.push(record.to_vec());
            rest = more;
        }
        Self {
            head: records.remove(0),
            parts: records,
        }
    }
}

fn stream(app: &App) -> Vec<u8> {
    let token = format!("Bearer {ADMIN}");
    let headers = [("authorization", token.as_str())];
    let answer = app.send("POST", "/admin/backup", &headers, b"");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

fn run(app: &App, command: &str, file: &Path, more: &[&str]) -> Output {
    let mut run = Command::new(program());
    run.arg(command).arg(file).args(["--url", &app.url("")]);
    let run = run.args(more).env("ROLLCALL_ADMIN_TOKEN", ADMIN);
    run.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Hits of 600 IPs and 40 paths, of the last month. One of the IPs is that of the questions.
fn record(app: &App, hits: u64) {
    let now = jiff::Timestamp::now();
    let hit = |n: u64| {
        let status = [200, 404, 503][(n % 3) as usize];
        let country = ["DE", "FR"][(n % 2) as usize];
        let at = now - jiff::SignedDuration::from_mins((n * 61 % 40_000) as i64);
        json!({
            "ip": format!("192.0.{}.{}", n % 3, n * 7 % 200 + 1), "method": "GET",
            "path": format!("/p{}", n % 40), "status": status,
            "responseTimeMs": n % 900, "bytes": n, "timestamp": at.to_string(),
            "country": country, "host": format!("h{}.example", n % 5),
        })
    };
    let hits: Vec<Value> = (0..hits).map(hit).collect();
    for some in hits.chunks(500) {
        app.record(&some.into());
    }
}

/// Both apps give the same answer to every question but the status.
fn are_equal(left: &App, right: &App) {
    let of_store = [
        "/admin/aggregator-status",
        "/admin/retirement",
        "/admin/export",
    ];
    let asked = questions().into_iter();
    for (_, path) in asked.filter(|(template, _)| !of_store.contains(template)) {
        // What depends on the moment and on the root is left out.
        let answer = |app: &App| {
            let mut answer = app.json(&path);
            let fields = answer.as_object_mut().unwrap();
            for moment in ["asOf", "generatedAt", "from", "to", "root"] {
                fields.remove(moment);
            }
            answer
        };
        // A bucket may end between two answers.
        if answer(left) != answer(right) {
            assert_eq!(answer(left), answer(right), "{path}");
        }
    }
}

#[test]
fn a_store_that_was_wiped_and_restored_gives_every_answer_as_before() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.backup");
    let app = App::start();
    record(&app, 6_000);
    let made = run(&app, "backup", &file, &[]);
    assert!(made.status.success(), "{}", said(&made));
    assert!(said(&made).contains("6000 hits of"), "{}", said(&made));
    let size = fs::metadata(&file).unwrap().len();
    assert!(size < stream(&app).len() as u64, "{size}: compressed");

    let wiped = App::start();
    let restored = run(&wiped, "restore", &file, &[]);
    assert!(restored.status.success(), "{}", said(&restored));
    are_equal(&wiped, &app);
    assert_eq!(wiped.order("/admin/verify")["agrees"], true);

    // Both go on in the same way.
    for app in [&app, &wiped] {
        app.record(&json!([{"ip": "192.0.2.1", "method": "GET", "path": "/p1", "status": 200}]));
        assert_eq!(
            app.json("/admin/global-stats?timeRange=all")["totalRequests"],
            6_001
        );
    }
    let again = run(&wiped, "restore", &file, &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        said(&again).contains("not empty: it has 6001 hits"),
        "{}",
        said(&again)
    );
    let replaced = run(&wiped, "restore", &file, &["--replace"]);
    assert!(replaced.status.success(), "{}", said(&replaced));
    assert_eq!(
        wiped.json("/admin/global-stats?timeRange=all")["totalRequests"],
        6_000
    );
}

#[test]
fn a_backup_goes_to_redis_and_back_while_hits_come() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let [first, second] = ["a", "b"].map(|name| folder.path().join(name));
    let app = App::start();
    record(&app, 3_000);
    thread::scope(|scope| {
        scope.spawn(|| record(&app, 2_000));
        let made = run(&app, "backup", &first, &[]);
        assert!(made.status.success(), "{}", said(&made));
    });
    let on_redis = redis.app(|_| {});
    // A hit that comes before the restore is kept.
    on_redis.record(&json!([{"ip": "203.0.113.1", "method": "GET", "path": "/", "status": 200}]));
    let restored = run(&on_redis, "restore", &first, &["--replace"]);
    assert!(restored.status.success(), "{}", said(&restored));
    let total = |app: &App| app.json("/admin/global-stats?timeRange=all")["totalRequests"].clone();
    let hits = total(&on_redis).as_u64().unwrap();
    assert!((3_000..=5_001).contains(&hits), "{hits}");
    let made = run(&on_redis, "backup", &second, &[]);
    assert!(made.status.success(), "{}", said(&made));
    let back = App::start();
    let restored = run(&back, "restore", &second, &[]);
    assert!(restored.status.success(), "{}", said(&restored));
    are_equal(&back, &on_redis);
}

#[test]
fn a_damaged_or_foreign_file_is_refused_before_anything_is_written() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.backup");
    let app = App::start();
    record(&app, 500);
    let whole = stream(&app);
    fs::write(&file, &whole).unwrap();
    let empty = App::start();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let cut = whole[..whole.len() - 1].to_vec();
    let longer = [whole.as_slice(), b"x"].concat();
    for (bytes, reason) in [
        (flipped, "damaged or cut short"),
        (cut, "damaged or cut short"),
        (longer, "damaged or cut short"),
        (b"PK\x03\x04 a zip".to_vec(), "not a backup of Rollcall"),
        (Vec::new(), "not a backup of Rollcall"),
    ] {
        let bad = folder.path().join("bad");
        fs::write(&bad, bytes).unwrap();
        let refused = run(&empty, "restore", &bad, &[]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(said(&refused).contains(reason), "{}", said(&refused));
    }
    let missing = run(&empty, "restore", &folder.path().join("none"), &[]);
    assert!(said(&missing).contains("none: "), "{}", said(&missing));
    assert_eq!(
        empty.json("/admin/global-stats?timeRange=all")["totalRequests"],
        0
    );
    // The stream as it is, as curl writes it, is a backup, too.
    let restored = run(&empty, "restore", &file, &[]);
    assert!(restored.status.success(), "{}", said(&restored));
    assert_eq!(
        empty.json("/admin/global-stats?timeRange=all")["totalRequests"],
        500
    );
}

#[test]
fn a_restore_that_is_broken_off_goes_on() {
    let app = App::start();
    record(&app, 4_000);
    let whole = stream(&app);
    let backup = Backup::read(&whole);
    let id: String = whole[whole.len() - 32..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.backup");
    fs::write(&file, &whole).unwrap();
    let empty = App::start();
    let token = format!("Bearer {ADMIN}");
    let send = |method: &str, path: &str, body: &[u8]| {
        empty.send(method, path, &[("authorization", token.as_str())], body)
    };
    let begin = format!("/admin/restore?backup={id}");
    assert_eq!(send("POST", &begin, &backup.head).json()["next"], 0);
    let part = format!("/admin/restore/0?backup={id}");
    assert_eq!(send("PUT", &part, &backup.parts[0]).status, 204);
    let restored = run(&empty, "restore", &file, &[]);
    assert!(restored.status.success(), "{}", said(&restored));
    assert!(
        said(&restored).contains("goes on with part 1 of"),
        "{}",
        said(&restored)
    );
    are_equal(&empty, &app);
}

#[test]
fn a_client_that_leaves_or_takes_nothing_ends_its_backup_alone() {
    let app = App::start();
    record(&app, 4_000);
    let connect = || {
        use std::io::Write as _;
        let mut connection = std::net::TcpStream::connect(app.host().addr()).unwrap();
        let head = format!(
            "POST /admin/backup HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADMIN}\r\n\
             Content-Length: 0\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).unwrap();
        connection
    };
    let silent: Vec<_> = (0..10).map(|_| connect()).collect();
    for _ in 0..10 {
        let mut first = [0; 64];
        connect().read_exact(&mut first).unwrap();
    }
    assert!(!Backup::of(&app).parts.is_empty());
    assert_eq!(
        app.json("/admin/global-stats?timeRange=all")["totalRequests"],
        4_000
    );
    drop(silent);
}

//! Alerts: which rules fire, which notifications are sent, how often, and that only the receiver
//! gets them.

use std::thread;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use rollcall_host::HostConfig;
use rollcall_store::{LAYOUT, value};
use rollcall_tally::alert::{NotificationState, Rule};
use rollcall_tally::report::{AlertCheck, Notification};
use rollcall_tests::chain::{Calls, Fate};
use rollcall_tests::openapi::Description;
use rollcall_tests::receiver::{PATH_TOKEN, Reaction, Received, Receiver};
use rollcall_tests::store::{Kept, Moody};
use rollcall_tests::{ADMIN, Answer, App, INGEST, VIEWER, printing};
use serde_json::{Value, json};
use sha2::Sha256;

const CHECK: &str = "/admin/check-alerts";
const SECRET: &str = "secret-of-the-webhook";
/// The key of the notification state.
const STATE_KEY: &str = "notifications";

/// The path at which the router asks for a check after hits came.
const IF_DUE: &str = "/check-alerts-if-due";

/// An app with thresholds, and a receiver of its notifications. It checks only when the test asks.
struct Watched {
    app: App,
    receiver: Receiver,
    calls: Calls,
    store: Moody,
}

impl Watched {
    fn start(thresholds: &[(&str, &str)]) -> Self {
        let watched = Self::start_checking(thresholds, |_| {});
        watched.calls.rule(IF_DUE, |_| Fate::CalleeTraps);
        watched
    }

    /// The same, but the app also checks by itself.
    fn start_checking(thresholds: &[(&str, &str)], change: impl FnOnce(&mut HostConfig)) -> Self {
        let (receiver, calls, store) = (Receiver::start(), Calls::default(), Moody::default());
        let app = App::start_with(|config| {
            config.chain_layer = Some(calls.layer());
            config.store_layer = Some(store.layer());
            set(config, thresholds);
            tell(config, &receiver);
            change(config);
        });
        Self {
            app,
            receiver,
            calls,
            store,
        }
    }

    fn check(&self) -> AlertCheck {
        check(&self.app)
    }

    /// The state of a rule, its value, and its notification.
    fn rule(&self, rule: Rule) -> (String, Option<f64>, Notification, Option<String>) {
        of(&self.check(), rule)
    }

    /// Records hits with these statuses.
    fn record(&self, statuses: &[u16]) {
        let hit = |status: &u16| hit("192.0.2.1", *status);
        let hits: Vec<Value> = statuses.iter().map(hit).collect();
        self.app.record(&hits.into());
    }

    /// Makes the last notifications look this many minutes older.
    fn told_minutes_earlier(&self, minutes: u64) {
        let inner = self.store.inner();
        self.app.runtime().block_on(async {
            let bytes = inner.get(STATE_KEY).await.unwrap().unwrap();
            let mut kept: Kept =
                value::decode_as(STATE_KEY, &bytes, LAYOUT, postcard::take_from_bytes).unwrap();
            let mut state: Value = serde_json::from_slice(&kept.1).unwrap();
            for (_, told) in state.as_object_mut().unwrap() {
                let at_ms = told["told_at_ms"].as_u64().unwrap();
                told["told_at_ms"] = json!(at_ms - minutes * 60_000);
            }
            kept.1 = state.to_string().into_bytes();
            let bytes = value::encode(STATE_KEY, &kept).unwrap();
            inner.set(STATE_KEY, &bytes).await.unwrap();
        });
    }

    fn state(&self) -> NotificationState {
        let inner = self.store.inner();
        let bytes = self.app.runtime().block_on(inner.get(STATE_KEY));
        let Some(bytes) = bytes.unwrap() else {
            return NotificationState::default();
        };
        let kept: Kept =
            value::decode_as(STATE_KEY, &bytes, LAYOUT, postcard::take_from_bytes).unwrap();
        serde_json::from_slice(&kept.1).unwrap()
    }
}

fn set(config: &mut HostConfig, variables: &[(&str, &str)]) {
    let variables = variables.iter();
    let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config.variables.extend(variables);
}

fn tell(config: &mut HostConfig, receiver: &Receiver) {
    set(
        config,
        &[
            ("alert_webhook_url", &receiver.url()),
            ("alert_webhook_host", &receiver.host()),
            ("alert_webhook_secret", SECRET),
        ],
    );
}

fn hit(ip: &str, status: u16) -> Value {
    json!({"ip": ip, "method": "GET", "path": "/", "status": status})
}

fn post_check(app: &App, token: &str) -> Answer {
    let token = format!("Bearer {token}");
    app.send("POST", CHECK, &[("authorization", &token)], b"")
}

fn check(app: &App) -> AlertCheck {
    let answer = post_check(app, ADMIN);
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

fn of(check: &AlertCheck, rule: Rule) -> (String, Option<f64>, Notification, Option<String>) {
    let mut alerts = check.alerts.iter();
    let alert = alerts.find(|alert| alert.finding.rule == rule).unwrap();
    let state = serde_json::to_value(alert.finding.state).unwrap();
    let state = state.as_str().unwrap().to_owned();
    (
        state,
        alert.finding.value,
        alert.notification,
        alert.failure.clone(),
    )
}

fn told(
    state: &str,
    value: f64,
    notification: Notification,
) -> (String, Option<f64>, Notification, Option<String>) {
    (state.to_owned(), Some(value), notification, None)
}

/// Verifies the signature, as a receiver does.
fn is_signed(received: &Received) -> bool {
    let signature = received.header("rollcall-signature").expect("a signature");
    let (time, signature) = signature.split_once(',').unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let signature = signature.strip_prefix("v1=").unwrap();
    let age_s = Timestamp::now().as_second() - time.parse::<i64>().unwrap();
    assert!((0..60).contains(&age_s), "{age_s} s old");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(&received.body);
    let signature = hex::decode(signature).unwrap();
    mac.verify_slice(&signature).is_ok()
}

/// A notification must fit the app's own description.
fn check_described(app: &App, said: &Value) {
    let description = Description::new(app.json("/admin/openapi.json"));
    let (_, _, webhook) = description.webhooks().next().unwrap();
    let schema = &webhook["requestBody"]["content"]["application/json"]["schema"];
    description.assert_valid(schema, said, "what the webhook is told");
}

const ERROR_RATE: [(&str, &str); 2] = [
    ("alert_error_rate", "0.5"),
    ("alert_error_rate_min_hits", "4"),
];

#[test]
fn it_is_told_once_again_after_the_cool_down_and_when_it_is_over() {
    let watched = Watched::start(&ERROR_RATE);
    let rate = || watched.rule(Rule::ErrorRate);
    watched.record(&[200, 404]);
    assert_eq!(
        rate(),
        told("ok", 0.5, Notification::None),
        "two hits are few"
    );
    watched.record(&[500, 302]);
    assert_eq!(rate(), told("firing", 0.5, Notification::Sent));
    let first = watched.receiver.take().remove(0);
    assert_eq!(first.path, format!("/hooks/{PATH_TOKEN}?a=b"));
    assert_eq!(first.header("content-type"), Some("application/json"));
    let length = first.body.len().to_string();
    assert_eq!(first.header("content-length"), Some(length.as_str()));
    assert!(is_signed(&first));
    let said = first.json();
    check_described(&watched.app, &said);
    assert_eq!(first.header("rollcall-delivery"), said["id"].as_str());
    assert_eq!(
        (&said["rule"], &said["state"]),
        (&json!("errorRate"), &json!("firing"))
    );
    assert_eq!(
        (&said["value"], &said["threshold"]),
        (&json!(0.5), &json!(0.5))
    );
    assert!(said["text"].as_str().unwrap().contains("50.0 %"), "{said}");
    assert_eq!(said["dashboard"], "/admin/?timeRange=1h");

    assert_eq!(rate(), told("firing", 0.5, Notification::Suppressed));
    watched.told_minutes_earlier(29);
    assert_eq!(rate(), told("firing", 0.5, Notification::Suppressed));
    assert!(watched.receiver.take().is_empty());
    watched.told_minutes_earlier(1);
    assert_eq!(rate(), told("firing", 0.5, Notification::Sent));
    let second = watched.receiver.take().remove(0).json();
    assert_ne!(second["id"], said["id"], "another notification");
    assert_eq!(second["firingSince"], said["firingSince"]);

    watched.record(&[200]);
    assert_eq!(rate(), told("ok", 0.4, Notification::Sent));
    let over = watched.receiver.take().remove(0);
    assert!(is_signed(&over));
    let over = over.json();
    check_described(&watched.app, &over);
    assert_eq!(over["state"], "resolved");
    assert_eq!(over["firingSince"], said["firingSince"]);
    assert!(over["id"] != said["id"] && over["id"] != second["id"]);
    assert_eq!(rate(), told("ok", 0.4, Notification::None));

    // The rule fires again within the cool-down, and no notification is sent. When the rule is ok
    // again, none is sent either.
    watched.record(&[500]);
    assert_eq!(rate(), told("firing", 0.5, Notification::Suppressed));
    watched.record(&[200]);
    assert_eq!(rate().2, Notification::None);
    assert!(watched.receiver.take().is_empty());
}

#[test]
fn requests_a_minute_are_of_the_ip_that_made_most_and_new_ips_are_counted() {
    let watched = Watched::start(&[("alert_requests_per_minute", "1"), ("alert_new_ips", "3")]);
    let old = Timestamp::now() - jiff::SignedDuration::from_mins(30);
    watched.app.record(&json!([
        {"ip": "192.0.2.9", "method": "GET", "path": "/", "timestamp": old.to_string()},
        {"ip": "192.0.2.8", "method": "GET", "path": "/", "timestamp": old.to_string()},
    ]));
    let hits = |ip: &str, count: usize| vec![hit(ip, 200); count];
    watched.app.record(
        &[
            hits("192.0.2.1", 30),
            hits("192.0.2.2", 20),
            hits("192.0.2.9", 1),
        ]
        .concat()
        .into(),
    );
    let found = watched.check();
    assert_eq!((found.coverage, found.warnings.len()), (Some(1.0), 0));
    assert_eq!(
        of(&found, Rule::NewIps),
        told("ok", 2.0, Notification::None),
        "neither is an old one, nor one that is silent"
    );
    let received = watched.receiver.take();
    assert_eq!(received.len(), 1);
    let said = received[0].json();
    assert_eq!(said["ip"], "192.0.2.1");
    check_described(&watched.app, &said);
    let time = |name: &str| {
        said["window"][name]
            .as_str()
            .unwrap()
            .parse::<Timestamp>()
            .unwrap()
    };
    let minutes = (time("until") - time("since"))
        .total(jiff::Unit::Minute)
        .unwrap();
    assert!((5.0..=10.0).contains(&minutes), "{minutes}");
    assert_eq!(
        time("since").as_millisecond() % 300_000,
        0,
        "where a bucket begins"
    );
    let value = said["value"].as_f64().unwrap();
    assert!((value - 30.0 / minutes).abs() < 1e-9, "{value} {minutes}");
    let link = "/admin/?timeRange=1h&ip=192.0.2.1";
    assert_eq!(said["dashboard"], link);

    watched.app.record(&json!([hit("192.0.2.3", 200)]));
    assert_eq!(
        watched.rule(Rule::NewIps),
        told("firing", 3.0, Notification::Sent)
    );
}

#[test]
fn a_receiver_that_fails_is_told_again_under_the_same_id() {
    let watched = Watched::start(&[("alert_new_ips", "1")]);
    watched.record(&[200]);
    let new_ips = || watched.rule(Rule::NewIps);
    let failed = |reason: &str| {
        let state = "firing".to_owned();
        (
            state,
            Some(1.0),
            Notification::Failed,
            Some(reason.to_owned()),
        )
    };
    let ids = || {
        let received = watched.receiver.take();
        received
            .iter()
            .map(|received| {
                assert!(is_signed(received));
                received.header("rollcall-delivery").unwrap().to_owned()
            })
            .collect::<Vec<_>>()
    };

    watched.receiver.react(|_| Reaction::Answer(503, 0));
    assert_eq!(new_ips(), failed("answered 503 Service Unavailable"));
    let mut all = ids();
    assert_eq!(all.len(), 4, "so many tries");
    watched.receiver.react(|_| Reaction::Answer(400, 0));
    assert_eq!(new_ips(), failed("answered 400 Bad Request"));
    let refused = ids();
    assert_eq!(refused.len(), 1, "asking again would not help");
    all.extend(refused);
    watched.receiver.react(|_| Reaction::Redirect);
    assert_eq!(
        new_ips(),
        failed("answered 302 Found; redirects are not followed")
    );
    let received = watched.receiver.take();
    assert_eq!(received.len(), 1);
    assert_ne!(received[0].path, "/elsewhere");
    watched.receiver.react(|_| Reaction::Hang);
    let began = Instant::now();
    assert_eq!(new_ips().2, Notification::Failed);
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    let hung = ids();
    assert!((2..=4).contains(&hung.len()), "{hung:?}");
    all.extend(hung);
    // None of these failures began a cool-down.
    let reactions = [
        Reaction::Hang,
        Reaction::Answer(429, 0),
        Reaction::Answer(204, 0),
    ];
    watched.receiver.react(move |number| reactions[number]);
    assert_eq!(new_ips(), told("firing", 1.0, Notification::Sent));
    all.extend(ids());
    assert!(all.len() >= 10, "{all:?}");
    assert!(all.iter().all(|id| *id == all[0]), "{all:?}");
    assert_eq!(new_ips(), told("firing", 1.0, Notification::Suppressed));
}

#[test]
fn a_receiver_that_cannot_be_reached_is_no_trouble() {
    let plain = Receiver::start();
    let over_tls = |text: String| text.replace("http://", "https://");
    let gone = Receiver::start();
    let cases = [
        (gone.url(), gone.host(), "the connection was refused"),
        (over_tls(plain.url()), over_tls(plain.host()), "TLS failed"),
    ];
    drop(gone);
    for (url, host, expect) in cases {
        let watched = Watched::start_checking(&[("alert_new_ips", "1")], |config| {
            let there = [
                ("alert_webhook_url", url.as_str()),
                ("alert_webhook_host", host.as_str()),
            ];
            set(config, &there);
        });
        watched.record(&[200]);
        let (state, _, notification, failure) = watched.rule(Rule::NewIps);
        assert_eq!(
            (state.as_str(), notification),
            ("firing", Notification::Failed)
        );
        assert_eq!(failure.as_deref(), Some(expect));
    }
    assert!(plain.take().is_empty());
}

#[test]
fn what_was_told_and_not_noted_is_told_again_under_the_same_id() {
    let watched = Watched::start(&[("alert_lag_seconds", "1")]);
    watched.calls.rule("/take-snapshot", |_| Fate::CalleeTraps);
    watched.record(&[200]);
    thread::sleep(Duration::from_millis(1_100));
    // The app can store that the rule fires, but not that the notification was sent.
    watched.calls.rule("/put", |number| match number {
        1 => Fate::CalleeTraps,
        _ => Fate::Call(0),
    });
    for _ in 0..2 {
        assert_eq!(watched.rule(Rule::LagSeconds).2, Notification::Sent);
    }
    assert_eq!(watched.rule(Rule::LagSeconds).2, Notification::Suppressed);
    let received = watched.receiver.take();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].json()["id"], received[1].json()["id"]);
}

#[test]
fn the_lag_is_of_hits_that_cannot_be_folded() {
    let watched = Watched::start(&[("alert_lag_seconds", "1")]);
    watched.record(&[200]);
    thread::sleep(Duration::from_millis(1_100));
    let lag = || watched.rule(Rule::LagSeconds);
    assert_eq!(
        lag(),
        told("ok", 0.0, Notification::None),
        "it only waited for somebody to ask"
    );
    watched.calls.rule("/take-snapshot", |_| Fate::CalleeTraps);
    watched.record(&[200]);
    thread::sleep(Duration::from_millis(1_100));
    let (state, value, notification, _) = lag();
    assert_eq!(
        (state.as_str(), notification),
        ("firing", Notification::Sent)
    );
    assert!(value >= Some(1.1), "{value:?}");
    let said = watched.receiver.take().remove(0).json();
    assert_eq!(
        (&said["rule"], &said["window"]),
        (&json!("lagSeconds"), &Value::Null)
    );
    check_described(&watched.app, &said);
    watched.calls.rule("/status", |_| Fate::CalleeTraps);
    let (state, value, notification, _) = lag();
    assert_eq!(
        (state.as_str(), value, notification),
        ("unknown", None, Notification::None)
    );
    watched.calls.rule("/status", |_| Fate::Call(0));
    watched.calls.rule("/take-snapshot", |_| Fate::Call(0));
    assert_eq!(lag(), told("ok", 0.0, Notification::Sent));
    assert_eq!(
        watched.receiver.take().remove(0).json()["state"],
        "resolved"
    );
}

#[test]
fn what_does_not_answer_is_unknown_and_neither_fires_nor_is_over() {
    let watched = Watched::start(&[
        ("alert_new_ips", "1"),
        ("alert_requests_per_minute", "1000"),
    ]);
    watched.record(&[200]);
    assert_eq!(watched.rule(Rule::NewIps).2, Notification::Sent);
    watched.calls.rule("/summarize", |_| Fate::CalleeTraps);
    let found = watched.check();
    assert_eq!(found.coverage, None);
    assert_eq!(
        found.warnings,
        ["the hits of the IPs could not be read in time"]
    );
    for rule in [Rule::NewIps, Rule::RequestsPerMinute] {
        let (state, value, notification, _) = of(&found, rule);
        assert_eq!(
            (state.as_str(), value, notification),
            ("unknown", None, Notification::None)
        );
    }
    assert_eq!(of(&found, Rule::LagSeconds).0, "off");
    watched.calls.rule("/summarize", |_| Fate::Call(0));
    assert_eq!(watched.rule(Rule::NewIps).2, Notification::Suppressed);
    assert_eq!(watched.receiver.take().len(), 1);
}

#[test]
fn two_hosts_that_check_at_once_tell_it_once() {
    let watched = Watched::start(&[("alert_new_ips", "1")]);
    watched.record(&[200]);
    watched.receiver.react(|_| Reaction::Answer(200, 300));
    let shared = watched.store.inner().clone();
    let other = App::start_with(|config| {
        config.store_layer = Some(std::sync::Arc::new(move |_| shared.clone()));
        set(config, &[("alert_new_ips", "1")]);
        tell(config, &watched.receiver);
    });
    let apps = [&watched.app, &other];
    let all = thread::scope(|scope| {
        let checks =
            (0..8).map(|number| scope.spawn(move || of(&check(apps[number % 2]), Rule::NewIps)));
        let checks: Vec<_> = checks.collect();
        checks
            .into_iter()
            .map(|check| check.join().unwrap())
            .collect::<Vec<_>>()
    });
    let sent = all
        .iter()
        .filter(|told| told.2 == Notification::Sent)
        .count();
    let suppressed = all
        .iter()
        .filter(|told| told.2 == Notification::Suppressed)
        .count();
    assert_eq!((sent, suppressed), (1, 7), "{all:?}");
    assert_eq!(watched.receiver.take().len(), 1);
}

#[test]
fn whoever_died_while_telling_is_followed() {
    let watched = Watched::start(&[("alert_new_ips", "1")]);
    watched.record(&[200]);
    let inner = watched.store.inner();
    let claimed = watched
        .app
        .runtime()
        .block_on(inner.increment("claims:notifications:0", 1));
    assert_eq!(claimed.unwrap(), 1);
    assert_eq!(
        watched.rule(Rule::NewIps),
        told("firing", 1.0, Notification::Sent)
    );
    assert_eq!(watched.rule(Rule::NewIps).2, Notification::Suppressed);
    let keys = watched.app.runtime().block_on(inner.keys()).unwrap();
    assert!(!keys.iter().any(|key| key.starts_with("claim")), "{keys:?}");
}

#[test]
fn a_host_that_is_not_allowed_is_refused_and_said_to_be() {
    let elsewhere = Receiver::start();
    for host in ["", "http://127.0.0.1:9", elsewhere.host().as_str()] {
        let watched = Watched::start_checking(&[("alert_new_ips", "1")], |config| {
            set(config, &[("alert_webhook_host", host)]);
        });
        watched.record(&[200]);
        let (state, _, notification, failure) = watched.rule(Rule::NewIps);
        assert_eq!(
            (state.as_str(), notification),
            ("firing", Notification::Failed)
        );
        let failure = failure.unwrap();
        assert!(
            failure.contains("alert_webhook_host must name it"),
            "{failure}"
        );
        assert!(watched.receiver.take().is_empty());
        assert_eq!(watched.app.ask("/admin/global-stats").status, 200);
    }
    assert!(elsewhere.take().is_empty());
}

#[test]
fn a_component_of_the_app_is_not_told() {
    for target in ["collector", "ghost"] {
        let watched = Watched::start_checking(&[("alert_new_ips", "1")], |config| {
            let host = format!("http://{target}.spin.internal");
            set(
                config,
                &[
                    ("alert_webhook_url", &format!("{host}/collect")),
                    ("alert_webhook_host", &host),
                ],
            );
        });
        watched.record(&[200]);
        assert_eq!(watched.rule(Rule::NewIps).2, Notification::Failed);
        assert_eq!(watched.calls.made("/collect"), 1);
    }
}

#[test]
fn where_nothing_is_configured_nothing_is_asked() {
    let (calls, receiver) = (Calls::default(), Receiver::start());
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        tell(config, &receiver);
    });
    app.record(&json!([hit("192.0.2.1", 500)]));
    assert_eq!(app.ask("/admin/global-stats").status, 200);
    thread::sleep(Duration::from_millis(500));
    // The aggregator knows whether an admin wrote a rule.
    assert_eq!(calls.made(IF_DUE), 1);
    let asked = || ["/take-snapshot", "/status", "/get"].map(|path| calls.made(path));
    let before = asked();
    let found = check(&app);
    assert!(
        Rule::OF_VARIABLES
            .iter()
            .all(|rule| of(&found, rule.clone())
                == ("off".to_owned(), None, Notification::None, None))
    );
    assert_eq!(asked(), before);
    assert!(receiver.take().is_empty());

    // If there are rules but no webhook, the app checks only when an admin asks.
    let calls = Calls::default();
    let app = App::start_with(|config| {
        config.chain_layer = Some(calls.layer());
        set(config, &[("alert_new_ips", "1"), ("alert_error_rate", "5")]);
    });
    app.record(&json!([hit("192.0.2.1", 500)]));
    thread::sleep(Duration::from_millis(500));
    assert_eq!((calls.made(IF_DUE), calls.made("/take-snapshot")), (0, 0));
    let found = check(&app);
    assert_eq!(
        of(&found, Rule::NewIps),
        told("firing", 1.0, Notification::NotConfigured)
    );
    assert_eq!(of(&found, Rule::ErrorRate).0, "off");
    assert_eq!(
        found.warnings,
        ["alert_error_rate: expected 0.001 to 1, got \"5\"; the rule is off"]
    );
    assert_eq!(calls.made("/put"), 0, "nothing to keep");
}

#[test]
fn hits_are_checked_though_nobody_asks_and_seldom() {
    let watched = Watched::start_checking(&[("alert_new_ips", "1")], |_| {});
    let began = Instant::now();
    watched.record(&[200]);
    let said = watched.receiver.wait().json();
    assert_eq!(
        (&said["rule"], &said["state"]),
        (&json!("newIPs"), &json!("firing"))
    );
    for _ in 0..300 {
        watched.record(&[200]);
    }
    thread::sleep(Duration::from_millis(500));
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "too slow a machine for this test"
    );
    assert!(
        watched.calls.made(IF_DUE) > 1,
        "more than one instance of the router"
    );
    assert_eq!(watched.calls.made("/take-snapshot"), 1, "one check");
}

#[test]
fn a_question_sets_off_no_check() {
    let watched = Watched::start(&[("alert_new_ips", "1")]);
    watched.record(&[200]);
    assert_eq!(watched.app.ask("/admin/top-paths").status, 200);
    thread::sleep(Duration::from_secs(1));
    assert!(watched.receiver.take().is_empty());
    assert_eq!(watched.state(), NotificationState::default());
}

#[test]
fn only_an_admin_has_the_alerts_checked() {
    let watched = Watched::start_checking(&[("alert_new_ips", "1")], |config| {
        set(config, &[("viewer_token", VIEWER)]);
    });
    watched.calls.rule(IF_DUE, |_| Fate::CalleeTraps);
    watched.record(&[200]);
    assert_eq!(post_check(&watched.app, VIEWER).status, 403);
    assert_eq!(post_check(&watched.app, INGEST).status, 401);
    let get = watched.app.ask(CHECK);
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    assert!(watched.receiver.take().is_empty());
    assert_eq!(post_check(&watched.app, ADMIN).status, 200);
    assert_eq!(watched.receiver.take().len(), 1);
}

#[test]
fn neither_the_secret_nor_the_url_is_printed_or_put_into_an_answer() {
    if printing::is_here() {
        return every_way_to_tell();
    }
    let test = "alerts::neither_the_secret_nor_the_url_is_printed_or_put_into_an_answer";
    let printed = printing::of(test);
    assert!(
        printed.contains("event=alert-not-told") && printed.contains(" host=127.0.0.1 "),
        "{printed}"
    );
    for hidden in [SECRET, PATH_TOKEN] {
        assert!(!printed.contains(hidden), "{hidden}: {printed}");
    }
}

fn every_way_to_tell() {
    let answers = |watched: &Watched| {
        watched.record(&[200]);
        let checked = post_check(&watched.app, ADMIN);
        let status = watched.app.ask("/admin/aggregator-status");
        for answer in [checked, status] {
            assert_eq!(answer.status, 200);
            let text = answer.text();
            assert!(
                !text.contains(SECRET) && !text.contains(PATH_TOKEN),
                "{text}"
            );
        }
    };
    let new_ips = [("alert_new_ips", "1")];
    let watched = Watched::start(&new_ips);
    watched.receiver.react(|number| match number {
        0 => Reaction::Answer(500, 0),
        _ => Reaction::Answer(404, 0),
    });
    answers(&watched);
    watched.receiver.react(|_| Reaction::Answer(200, 0));
    answers(&watched);
    for received in watched.receiver.take() {
        assert!(!String::from_utf8_lossy(&received.body).contains(SECRET));
    }
    for (name, value) in [
        ("alert_webhook_host", "http://127.0.0.1:9".to_owned()),
        (
            "alert_webhook_url",
            format!("http://127.0.0.1:9/{PATH_TOKEN}"),
        ),
        ("alert_webhook_url", format!("no url {PATH_TOKEN}")),
    ] {
        let watched = Watched::start_checking(&new_ips, |config| set(config, &[(name, &value)]));
        answers(&watched);
    }
}

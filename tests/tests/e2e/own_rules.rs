//! Rules that admins write: what fires, what the receivers read, and the lists for firewalls.

use std::time::Duration;

use rollcall_tests::App;
use rollcall_tests::receiver::Receiver;
use serde_json::{Value, json};

use crate::documents::{put, send};

fn watched(format: &str) -> (App, Receiver) {
    let receiver = Receiver::start();
    let app = App::start_with(|config| {
        for (name, value) in [
            ("alert_webhook_url", receiver.url()),
            ("alert_webhook_host", receiver.host()),
            ("alert_webhook_secret", "secret-of-the-webhook".to_owned()),
            ("alert_webhook_format", format.to_owned()),
        ] {
            config.variables.insert(name.to_owned(), value);
        }
    });
    (app, receiver)
}

fn hits(count: usize, ip: &str, path: &str, status: u16) -> Vec<Value> {
    vec![json!({"ip": ip, "method": "GET", "path": path, "status": status}); count]
}

/// The state of a rule, its value, and what became of its notification.
fn state(app: &App, rule: &str) -> (Value, Value, Value) {
    let check = app.order("/admin/check-alerts");
    let mut alerts = check["alerts"].as_array().unwrap().iter();
    let alert = alerts.find(|alert| alert["rule"] == rule);
    let alert = alert.unwrap_or_else(|| panic!("no {rule}: {check}"));
    (
        alert["state"].clone(),
        alert["value"].clone(),
        alert["notification"].clone(),
    )
}

fn known(app: &App) {
    // An instance may know a changed rule two seconds later.
    std::thread::sleep(Duration::from_millis(2_100));
    assert!(
        !app.json("/admin/rules")["rules"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

const SCAN: &str = "/admin/rules/scan";

fn scan() -> Value {
    json!({"metric": "requests", "by": "ip", "threshold": 20, "filter": {"path": "/login", "status": "404"}})
}

#[test]
fn misses_on_one_path_by_one_ip_fire_and_slack_reads_it_as_it_is() {
    let (app, receiver) = watched("slack");
    put(&app, SCAN, &scan());
    known(&app);
    app.record(&json!(
        [
            hits(19, "192.0.2.1", "/login", 404),
            hits(40, "192.0.2.2", "/login", 200),
            hits(40, "192.0.2.3", "/other", 404),
        ]
        .concat()
    ));
    assert_eq!(
        state(&app, "rules/scan"),
        (json!("ok"), json!(19.0), json!("none"))
    );
    app.record(&json!(hits(1, "192.0.2.1", "/login", 404)));
    assert_eq!(
        state(&app, "rules/scan"),
        (json!("firing"), json!(20.0), json!("sent"))
    );
    let sent = receiver.take().remove(0).json();
    let text = sent["text"].as_str().unwrap();
    let is = "rules/scan: requests by ip of path=/login, status=404 is up to 20 since ";
    assert!(
        text.contains(is) && text.ends_with("the limit is 20: 192.0.2.1 (20)."),
        "{text}"
    );
    assert_eq!(state(&app, "rules/scan").2, "suppressed");
    assert_eq!(send(&app, "DELETE", SCAN, "").status, 204);
    assert!(receiver.take().is_empty());
}

#[test]
fn a_list_for_a_firewall_has_the_ips_over_the_limit_now() {
    let (app, _receiver) = watched("json");
    put(&app, SCAN, &scan());
    let total = json!({"metric": "requests", "threshold": 1});
    put(&app, "/admin/rules/all", &total);
    app.record(&json!(
        [
            hits(20, "192.0.2.1", "/login", 404),
            hits(21, "2001:db8::1", "/login", 404),
            hits(19, "192.0.2.2", "/login", 404),
        ]
        .concat()
    ));
    let list = |format: &str| app.ask(&format!("/admin/lists/scan?format={format}"));
    let plain = list("plain");
    assert_eq!(plain.text(), "2001:db8::1\n192.0.2.1\n");
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(
        plain.header("expires").unwrap().ends_with(" GMT"),
        "{plain:?}"
    );
    assert!(
        list("nginx")
            .text()
            .ends_with("\ndeny 2001:db8::1;\ndeny 192.0.2.1;\n")
    );
    assert!(list("haproxy").text().contains("\n192.0.2.1 scan\n"));
    assert!(
        list("ipset")
            .text()
            .contains("\nadd -exist rollcall4 192.0.2.1 timeout 600\n")
    );
    assert_eq!(list("pf").status, 400);
    assert_eq!(app.ask("/admin/lists/all").status, 400);
    assert_eq!(app.ask("/admin/lists/none").status, 404);
}

#[test]
fn more_than_a_thousand_ips_over_the_limit_are_cut_off_and_the_list_says_so() {
    let (app, _receiver) = watched("json");
    let rule = json!({"metric": "requests", "by": "ip", "threshold": 1});
    put(&app, "/admin/rules/any", &rule);
    let ip = |n: usize| format!("10.0.{}.{}", n / 250, n % 250);
    for part in 0..11 {
        let hits: Vec<Value> = (0..1_000)
            .flat_map(|n| hits(1, &ip(part * 1_000 + n), "/", 200))
            .collect();
        app.record(&json!(hits));
    }
    let list = app.ask("/admin/lists/any").text();
    assert_eq!(
        list.lines().next(),
        Some("# There are more than these 1000 IPs.")
    );
    assert_eq!(list.lines().count(), 1_001);
}

#[test]
fn a_rule_without_groups_watches_all_hits_above_and_below() {
    let (app, receiver) = watched("json");
    let rate = json!({"metric": "errorRate", "threshold": 0.5, "minRequests": 4, "filter": {"path": "/pay"}});
    put(&app, "/admin/rules/pay%20fails", &rate);
    let silent =
        json!({"metric": "requests", "threshold": 1, "compare": "below", "minRequests": 0});
    put(&app, "/admin/rules/silent", &silent);
    let off = json!({"metric": "requests", "threshold": 1, "off": true});
    put(&app, "/admin/rules/off", &off);
    known(&app);
    assert_eq!(
        state(&app, "rules/silent"),
        (json!("firing"), json!(0.0), json!("sent"))
    );
    app.record(&json!(
        [
            hits(2, "192.0.2.1", "/pay", 500),
            hits(9, "192.0.2.1", "/x", 200)
        ]
        .concat()
    ));
    assert_eq!(state(&app, "rules/pay fails").0, "ok", "two hits are few");
    app.record(&json!([hits(2, "192.0.2.1", "/pay", 200)].concat()));
    assert_eq!(
        state(&app, "rules/pay fails"),
        (json!("firing"), json!(0.5), json!("sent"))
    );
    assert_eq!(state(&app, "rules/silent").0, "ok");
    assert_eq!(
        state(&app, "rules/off"),
        (json!("off"), Value::Null, json!("none"))
    );
    let told: Vec<(Value, Value)> = receiver
        .take()
        .iter()
        .map(|sent| {
            let sent = sent.json();
            (sent["rule"].clone(), sent["state"].clone())
        })
        .collect();
    let expect = [
        (json!("rules/silent"), json!("firing")),
        (json!("rules/silent"), json!("resolved")),
        (json!("rules/pay fails"), json!("firing")),
    ];
    assert_eq!(told.len(), expect.len(), "{told:?}");
    assert!(expect.iter().all(|of| told.contains(of)), "{told:?}");
}

#[test]
fn a_test_of_a_rule_reaches_the_receiver_whether_it_fires_or_not() {
    let (app, receiver) = watched("pagerduty");
    put(&app, SCAN, &scan());
    let tested = app.order("/admin/rules/scan/test");
    assert_eq!(
        (&tested["state"], &tested["notification"]),
        (&json!("ok"), &json!("sent"))
    );
    let sent = receiver.take().remove(0);
    assert_eq!(
        sent.header("rollcall-signature"),
        None,
        "the secret is the key"
    );
    let sent = sent.json();
    assert_eq!(sent["routing_key"], "secret-of-the-webhook");
    assert_eq!(sent["payload"]["custom_details"]["test"], true);
    assert!(
        sent["payload"]["summary"]
            .as_str()
            .unwrap()
            .starts_with("This is a test. "),
        "{sent}"
    );
    assert_eq!(send(&app, "POST", "/admin/rules/none/test", "").status, 404);
}

#[test]
fn a_rule_is_checked_after_hits_came_without_anybody_asking() {
    let (app, receiver) = watched("alertmanager");
    put(&app, SCAN, &scan());
    app.record(&json!(hits(20, "192.0.2.1", "/login", 404)));
    let sent = receiver.wait().json();
    assert_eq!(
        sent[0]["labels"],
        json!({"alertname": "Rollcall", "rule": "rules/scan"})
    );
}

#[test]
fn the_weekly_report_is_of_the_last_whole_week_and_needs_no_sign_in_at_its_receiver() {
    let (app, receiver) = watched("json");
    let now: jiff::Zoned = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let since_monday = i64::from(now.weekday().to_monday_zero_offset());
    let day = |days: i64| {
        let at = &now - jiff::ToSpan::days(since_monday + days);
        format!("{}T12:00:00Z", at.date())
    };
    let hits = |count: usize, days: i64| {
        vec![
            json!({"ip": "192.0.2.1", "method": "GET", "path": "/a", "timestamp": day(days)});
            count
        ]
    };
    // Of this week's Monday, of the last week, and of the week before.
    let mut all = [hits(30, 1), hits(20, 7), hits(25, 8), hits(40, 14)].concat();
    if since_monday > 0 {
        all.extend(hits(7, 0));
    }
    app.record(&json!(all));
    let report = app.json("/admin/report");
    assert_eq!(report["overview"]["totalRequests"], 50, "{report}");
    assert_eq!(report["paths"]["against"]["totalRequests"], 65, "{report}");
    let monday = &day(7)[..10];
    assert_eq!(report["week"], monday);
    let text = report["text"].as_str().unwrap();
    assert!(text.contains("50 requests by 1 IP, "), "{text}");
    assert!(
        text.contains("That is 23 % fewer than the week before."),
        "{text}"
    );
    let sent = app.order("/admin/report");
    assert_eq!(sent["notification"], "sent");
    let received = receiver.take().remove(0).json();
    assert_eq!(received["report"]["overview"]["totalRequests"], 50);
    assert_eq!(received["id"], format!("week-{monday}"));
    let page = app.ask("/admin/report?format=html");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(received["html"], page.text());
    let row = "<td><bdi>GET /a</bdi></td><td align=\"right\"><bdi>50</bdi></td>";
    assert!(page.text().contains(row), "{}", page.text());
    assert_eq!(app.ask("/admin/report?format=xml").status, 400);
}

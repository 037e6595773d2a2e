//! Hits by hour of the week, and the heat map of them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollcall_tests::App;
use serde_json::{Value, json};

#[test]
fn hits_are_counted_by_the_hour_of_the_week_of_the_store() {
    let zone = "America/St_Johns";
    let app = App::start_with(|config| {
        config
            .variables
            .insert("time_zone".to_owned(), zone.to_owned());
    });
    let tz = TimeZone::get(zone).unwrap();
    let mut expect: BTreeMap<String, u64> = BTreeMap::new();
    let mut hits = Vec::new();
    // Hits of buckets of each length, and older than these.
    for hours in (0..200).step_by(5).chain([60 * 24, 120 * 24, 400 * 24]) {
        let at = Timestamp::now() - SignedDuration::from_hours(hours);
        let name = at.to_zoned(tz.clone()).strftime("%a %H").to_string();
        *expect.entry(name).or_default() += 1;
        hits.push(json!({
            "ip": "192.0.2.1", "method": "GET", "path": "/", "status": 200,
            "timestamp": at.to_string(),
        }));
    }
    app.record(&hits.into());
    let list = app.json("/admin/breakdown?by=hourOfWeek&limit=168&timeRange=all");
    let groups = list["groups"].as_array().unwrap().iter();
    let name = |of: &Value| of["name"].as_str().unwrap().to_owned();
    let told = groups.map(|of| (name(of), of["totalRequests"].as_u64().unwrap()));
    assert_eq!(told.collect::<BTreeMap<_, _>>(), expect);
    assert_eq!(
        (&list["unknownRequests"], &list["otherRequests"]),
        (&json!(0), &json!(0))
    );
    // One of them in full.
    let (first, count) = expect.iter().next().unwrap();
    let name = first.replace(' ', "+");
    let one = app.json(&format!(
        "/admin/group?by=hourOfWeek&name={name}&timeRange=all"
    ));
    assert_eq!(one["totalRequests"], *count, "{one}");
    // The page has a cell for each hour. An hour with hits leads to its own page.
    let page = |query: &str| {
        app.ask(&format!("/admin/dashboard/breakdown?{query}"))
            .text()
    };
    let whole = page("by=hourOfWeek&limit=168&timeRange=all");
    assert_eq!(whole.matches("<td class=\"shade-").count(), 168);
    assert_eq!(
        whole.matches("<td class=\"shade-0\">").count(),
        168 - expect.len()
    );
    assert!(whole.contains(&format!("title=\"{first}: {count}\"")));
    assert!(whole.contains(&format!("name={name}\" title=")), "{whole}");
    // Of a part of the list, there is none.
    let part = page("by=hourOfWeek&limit=3&timeRange=all");
    assert!(!part.contains("shade-") && part.contains("Only a list of all hours"));
    let host = page("by=host&limit=3&timeRange=all");
    assert!(
        host.contains("by=hourOfWeek") && host.contains("limit=168"),
        "{host}"
    );
}

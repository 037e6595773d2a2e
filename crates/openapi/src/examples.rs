//! Examples: some hits, and the reports of them. The same code as in the app reads the hits, adds
//! them up and makes the reports.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use rollcall_formats::{self as formats, Format};
use rollcall_tally::accumulator::{Accumulator, StateQuery};
use rollcall_tally::alert::{
    AlertState, Event, Finding, FoundGroup, Measured, Recent, Rule, Thresholds,
};
use rollcall_tally::bucket::{BucketId, Tier};
use rollcall_tally::hit::{Api, Grouping, Spelling};
use rollcall_tally::question::{
    AnySurvey, DateRange, Movers, Overview, Query, Question, Responses, Scope, Tracked,
};
use rollcall_tally::report::{
    Alert, AlertCheck, AlertNotification, CacheStatus, Computed, ExportRecord, FanOut,
    FanOutStatus, FoldStatus, Notification, Prewarmed, Prices, Provenance, RefusedRequests, Status,
    StoredIp, Verified, WindowVerified, rfc3339_text,
};
use rollcall_tally::time_zone::UTC;
use rollcall_tally::weekly::Week;
use rollcall_tally::window::Ranges;
use rollcall_tally::{
    BackupHead, Batch, BatchReceipt, BatchState, Details, Drops, Filter, IpRows, IpState, Receipt,
    Repairs, Summary, Window,
};
use rollcall_web::Problem;
use serde::Serialize;
use serde_json::{Value, json};

use crate::bodies::Export;

/// The time of the examples: 2025-01-31T12:00:00Z.
pub const NOW_MS: u64 = 1_738_324_800_000;

/// A hit a line.
pub const NDJSON: &str = r#"{"ip":"192.0.2.1","method":"GET","path":"/users","timestamp":"2025-01-31T11:58:20Z","status":200,"responseTimeMs":12.5,"bytes":5120,"country":"DE","userAgent":"curl/8.5.0","host":"api.example.com","consumer":"partner X","protocol":"HTTP/2","referrer":"https://www.example.com/start"}
{"ip":"192.0.2.1","method":"GET","path":"/users","timestamp":"2025-01-31T11:58:21Z","status":503,"responseTimeMs":30,"bytes":120,"country":"DE","userAgent":"curl/8.5.0","host":"api.example.com"}
{"ip":"2001:db8::7","method":"POST","path":"/orders","timestamp":"2025-01-31T11:59:02Z","status":201,"responseTimeMs":48.25,"bytes":310,"country":"FR"}
"#;

/// The same request as a gateway logs it.
pub const ACCESS_LOG: &str = "192.0.2.1 - - [31/Jan/2025:11:58:20 +0000] \"GET /users HTTP/1.1\" 200 5120 \"-\" \"curl/8.5.0\"\n";

/// A hit with every field.
pub fn hit() -> Value {
    lines().into_iter().next().unwrap_or_default()
}

/// A hit of the sender itself.
pub fn own_hit() -> Value {
    let mut hit = hit();
    if let Some(fields) = hit.as_object_mut() {
        fields.remove("ip");
    }
    hit
}

/// Some hits.
pub fn hits() -> Value {
    lines().into()
}

fn lines() -> Vec<Value> {
    let lines = NDJSON.lines().map(serde_json::from_str);
    lines.filter_map(Result::ok).collect()
}

/// One hit was accepted without its status, and another was rejected.
pub fn receipt() -> Receipt {
    let body = br#"[{"ip": "192.0.2.1", "method": "GET", "path": "/users", "status": 999}, {"ip": "localhost", "method": "GET", "path": "/users"}]"#;
    let intake = formats::read(body, Format::Json, NOW_MS).unwrap_or_default();
    Receipt {
        accepted: intake.hits.len() as u64,
        rejected: intake.rejected_count,
        rejections: intake.rejections,
        repaired: intake.repaired,
        excluded: intake.excluded,
        batch: Some(17),
    }
}

pub fn backup_head() -> BackupHead {
    BackupHead {
        layout: 11,
        shards: 256,
        time_zone: "UTC".to_owned(),
        root: 1_204,
        as_of_ms: NOW_MS,
        ips: 812,
        hits: 68_450,
        batches_behind: 0,
    }
}

pub fn batch() -> BatchReceipt {
    BatchReceipt {
        batch: 17,
        state: BatchState::Counted,
        root: 5,
        as_of_ms: NOW_MS,
    }
}

/// No hit was accepted.
pub fn rejections() -> Problem {
    let receipt = receipt();
    Problem::all_rejected(receipt.rejected, receipt.rejections)
}

/// The answer to a survey. Each timeline has only its newest buckets.
pub fn answer(survey: &AnySurvey) -> Value {
    let mut query = survey.query();
    let ranges = Ranges::utc(NOW_MS);
    let span = query.window.span(&ranges);
    // The window of each example has a period before.
    query.compare(&span, &ranges).unwrap_or_default();
    let ips = states()
        .into_keys()
        .filter(|ip| is_asked(&query.filter, ip));
    let summary = summary(query.clone());
    let responses = Responses {
        ips: ips.count() as u64,
        active: 2,
        provenance: Provenance {
            time_range: query.window.named(),
            from_ms: span.begin_ms(&ranges),
            to_ms: span.end_ms(NOW_MS),
            time_zone: UTC.to_owned(),
            filter: query.filter.some(),
            as_of_ms: NOW_MS,
            generated_at_ms: NOW_MS + 7,
            coverage: 1.0,
            warnings: Vec::new(),
            behind: None,
        },
        prices: Prices {
            per_million_requests: 0.2,
            key_value_reads_per_request: 1.0,
            key_value_writes_per_request: 1.0,
            ..Prices::default()
        },
        api: api(),
        comparison: query.comparison(),
        root: 1,
        drops: Drops::default(),
        tracked: Some(Tracked::from(&summary)),
        labels: Arc::default(),
        summary,
        span,
        ranges,
    };
    let answer = survey.answer(responses).unwrap_or_default();
    let mut answer = serde_json::from_slice(&answer).unwrap_or_default();
    shorten(&mut answer);
    answer
}

/// An API with an operation that was called, and one that was not.
fn api() -> Arc<Api> {
    let users = (
        "/users".to_owned(),
        ["GET", "POST"].map(str::to_owned).into(),
    );
    Api::new([users], Spelling::default())
        .map(Arc::new)
        .unwrap_or_default()
}

pub fn export() -> Export {
    let data = rows();
    let ranges = Ranges::utc(NOW_MS);
    let span = DateRange::Week.window().span(&ranges);
    Export {
        exported_at: rfc3339_text(NOW_MS),
        date_range: DateRange::Week.name().to_owned(),
        from: span.begin_ms(&ranges).map(rfc3339_text),
        to: rfc3339_text(span.end_ms(NOW_MS)),
        filter: None,
        warnings: Vec::new(),
        total_records: data.len() as u64,
        data,
    }
}

pub fn rows() -> Vec<ExportRecord<'static>> {
    static ROWS: LazyLock<Vec<IpRows>> = LazyLock::new(|| {
        let span = DateRange::Week.window().span(&Ranges::utc(NOW_MS));
        let states = states().into_iter();
        let rows =
            |(ip, state): (IpAddr, IpState)| state.rows(&ip.to_string(), &span, &Filter::default());
        states.map(rows).collect()
    });
    ROWS.iter().flat_map(IpRows::records).collect()
}

pub fn export_as_ndjson() -> String {
    let rows = rows().into_iter();
    let lines = rows.map(|row| format!("{}\n", value(&row)));
    lines.collect()
}

pub fn export_as_csv() -> String {
    let field = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = |row: ExportRecord| {
        let row = value(&row);
        let columns = ExportRecord::COLUMNS.map(|name| row.get(name).map(field));
        columns.map(Option::unwrap_or_default).join(",")
    };
    let header = [ExportRecord::COLUMNS.join(",")].into_iter();
    let lines = header.chain(rows().into_iter().map(line));
    lines.map(|line| format!("{line}\n")).collect()
}

pub fn status() -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        layout_version: 4,
        time_zone: UTC.to_owned(),
        root: 1,
        folded_at_ms: NOW_MS,
        tracked_ips: 2,
        recorded_hits: 3,
        shards: 256,
        appended_segments: 1,
        pending_segments: 0,
        open_segments: 0,
        lag_ms: 0,
        folds: FoldStatus {
            lost: 0,
            last_duration_ms: 12,
            last_batches: 1,
            uncleaned: 1,
        },
        dropped: Drops::default(),
        repaired: Repairs::default(),
        cache: CacheStatus {
            hits_memory: 12,
            hits_store: 3,
            misses: 4,
            collapsed: 0,
            stale: 0,
            failures: 0,
            memory_bytes: 4_096,
        },
        fan_out: FanOutStatus {
            total: 4,
            batches: 4,
            batches_retried: 0,
            batches_failed: 0,
            in_flight: 0,
            questions_in_flight: 1,
            last: Some(FanOut {
                batches: 1,
                retried: 0,
                failed: 0,
                unreadable_states: 0,
                coverage: 1.0,
                duration_ms: 7,
            }),
        },
        access_denied: 0,
        refused_requests: RefusedRequests {
            backlog: 0,
            rate: 0,
        },
        batch_size: 200,
        fanout_limit: 50,
        batch_deadline_ms: 5_000,
        answer_deadline_ms: 25_000,
        min_success_rate: 0.7,
        generated_at_ms: NOW_MS,
    }
}

pub fn verified() -> Verified {
    let windows = Window::EVERY.map(|window| {
        let (sums, ips) = (Summary::default(), Summary::default());
        WindowVerified::new(window, &sums, &ips, Drops::default().into(), 0)
    });
    Verified::new(windows.into(), Drops::default(), NOW_MS)
}

pub fn stored_ip() -> StoredIp {
    let (ip, state) = states().pop_first().unzip();
    let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
    let ever = BucketId::around(Tier::Before, NOW_MS, &Ranges::utc(NOW_MS));
    StoredIp::new(ip, state.as_ref(), &[(ever, 2)], None)
}

pub fn prewarmed() -> Prewarmed {
    let computed = ["overview", "status"].map(|name| {
        let question = Question::read(name, "").map(|question| question.write());
        let question = question.unwrap_or_default();
        Computed {
            question,
            duration_ms: 9,
        }
    });
    Prewarmed {
        computed: computed.into(),
    }
}

/// Some of the metrics.
pub fn metrics() -> String {
    let ips = states().len();
    format!(
        "# HELP rollcall_tracked_ips IPs with a state.\n# TYPE rollcall_tracked_ips gauge\nrollcall_tracked_ips {ips}\n# EOF\n"
    )
}

/// One rule has a threshold, and fires.
pub fn alert_check() -> AlertCheck {
    let thresholds = Thresholds {
        error_rate: Some(0.25),
        error_rate_min_hits: 1,
        ..Thresholds::default()
    };
    let query = Scope::default().query(Details {
        callers: 1,
        ..Details::default()
    });
    let measured = Measured {
        recent: Some(Recent::new(summary(query), NOW_MS, true)),
        lag_ms: None,
    };
    let alert = |finding: Finding| {
        let is_firing = finding.state == AlertState::Firing;
        Alert {
            firing_since_ms: is_firing.then_some(NOW_MS),
            notification: match is_firing {
                true => Notification::Sent,
                false => Notification::None,
            },
            failure: None,
            finding,
        }
    };
    let findings = thresholds.judge(&measured).into_iter();
    AlertCheck {
        checked_at_ms: NOW_MS,
        coverage: Some(1.0),
        warnings: Vec::new(),
        alerts: findings.map(alert).collect(),
    }
}

/// The notification of the rule that fires.
pub fn alert_notification() -> Option<AlertNotification> {
    let alerts = alert_check().alerts.into_iter();
    let mut firing = alerts.filter(|alert| alert.finding.state == AlertState::Firing);
    firing.next().map(|alert| {
        let id = format!("errorRate-{NOW_MS}-1");
        AlertNotification::new(
            id,
            Event::Firing,
            &alert.finding,
            alert.firing_since_ms,
            NOW_MS,
        )
    })
}

/// A rule that an admin wrote, and its test.
pub fn rule_test() -> Alert {
    let group = |name: &str, value| FoundGroup {
        name: name.to_owned(),
        value,
    };
    Alert {
        finding: Finding {
            rule: Rule::own("scan"),
            state: AlertState::Firing,
            value: Some(25.0),
            threshold: Some(20.0),
            ip: None,
            since_ms: Some(NOW_MS),
            groups: vec![group("192.0.2.1", 25.0), group("2001:db8::1", 20.0)],
            about: None,
        },
        firing_since_ms: None,
        notification: Notification::Sent,
        failure: None,
    }
}

pub fn weekly_report() -> Value {
    let movers = |by| {
        let movers = Movers {
            by,
            ..Movers::default()
        };
        answer(&movers.into())
    };
    json!({
        "week": Week::last(&Ranges::utc(NOW_MS)).monday(),
        "text": "Rollcall, the week of 2027-01-04: 120 requests by 2 IPs, 1 of them new.",
        "overview": answer(&Overview::default().into()),
        "paths": movers(Grouping::Path),
        "ips": movers(Grouping::Ip),
    })
}

/// A value as JSON. If it could not be written, it would be `null`, and no example may be `null`.
pub fn value(example: &impl Serialize) -> Value {
    serde_json::to_value(example).unwrap_or_default()
}

/// The summary of the IPs of the hits.
fn summary(query: Query) -> Summary {
    let mut accumulator = Accumulator::new(query.details.clone());
    let batch = Batch {
        as_of_ms: NOW_MS,
        window: query.window,
        filter: query.filter,
        details: query.details,
        ips: Vec::new(),
    };
    let ranges = Ranges::utc(NOW_MS);
    let asked = StateQuery::new(&batch, &ranges);
    let states = states().into_iter();
    for (ip, state) in states.filter(|(ip, _)| is_asked(&batch.filter, ip)) {
        accumulator.add_state(&ip.to_string(), state, &asked);
    }
    accumulator.finish_ips()
}

fn is_asked(filter: &Filter, ip: &IpAddr) -> bool {
    filter.one_ip().is_none_or(|wanted| wanted == *ip)
}

fn states() -> BTreeMap<IpAddr, IpState> {
    let intake = formats::read(NDJSON.as_bytes(), Format::Ndjson, NOW_MS).unwrap_or_default();
    let mut states: BTreeMap<IpAddr, IpState> = BTreeMap::new();
    let ranges = Ranges::utc(NOW_MS);
    for hit in intake.hits {
        states.entry(hit.ip).or_default().add(&hit, &ranges);
    }
    states
}

/// Keeps only the newest buckets of each period. All hits are in them.
fn shorten(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            if let Some(Value::Array(buckets)) = fields.get_mut("buckets") {
                let older = buckets.len().saturating_sub(2);
                buckets.drain(..older);
            }
            fields.values_mut().for_each(shorten);
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        _ => {}
    }
}

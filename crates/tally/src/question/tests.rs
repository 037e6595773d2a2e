use form_urlencoded::Serializer;
use proptest::prelude::*;
use proptest::sample;

use super::*;
use crate::filter::Filter;
use crate::order::{IpOrder, PathOrder};
use crate::status::{CODES, StatusClass, StatusFilter, StatusValue};
use crate::window::Window;

fn survey(survey: impl Into<AnySurvey>) -> Question {
    Question::Survey(survey.into())
}

fn bad(name: &str, query: &str, expect: &[&str]) {
    match Question::read(name, query) {
        Err(NotUnderstood::Parameters(bad)) => {
            let names: Vec<&str> = bad.iter().map(|bad| bad.name.as_str()).collect();
            assert_eq!(names, expect, "{name}?{query}");
        }
        other => panic!("{name}?{query}: {other:?}"),
    }
}

#[test]
fn a_question_has_the_documented_defaults() {
    assert_eq!(
        Question::read("top-paths", ""),
        Ok(survey(TopPaths {
            scope: Scope {
                window: Window::Day,
                filter: Filter::default(),
                via: None,
            },
            limit: 10,
            order: PathOrder::Requests
        }))
    );
    assert_eq!(
        Question::read("export-data", ""),
        Ok(Question::Export(Export {
            format: ExportFormat::Json,
            range: DateRange::Week,
            include_metadata: true,
            compression: false,
            filter: Filter::default(),
        }))
    );
    assert_eq!(
        Question::read("global-stats", ""),
        Ok(survey(GlobalStats {
            scope: Scope::default(),
            include_metrics: true,
            include_costs: false
        }))
    );
}

#[test]
fn a_limit_is_from_1_to_100() {
    for good in ["1", "100"] {
        assert!(Question::read("top-ips", &format!("limit={good}")).is_ok());
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.5",
        "limit=",
        "limit=ten",
    ] {
        bad("top-ips", query, &["limit"]);
    }
}

#[test]
fn every_bad_parameter_is_named_at_once() {
    bad(
        "top-paths",
        "limit=0&timeRange=2h&sortBy=x",
        &["timeRange", "limit", "sortBy"],
    );
    bad("top-paths", "limit=5&limit=6", &["limit"]);
    bad("top-paths", "lmit=5", &["lmit"]);
    bad("global-stats", "includeCosts=yes", &["includeCosts"]);
    bad(
        "export-data",
        "format=xml&dateRange=24h",
        &["format", "dateRange"],
    );
    bad("top-ips", "sortBy=uniqueIPs", &["sortBy"]);
    bad("timeseries", "limit=5", &["limit"]);
    bad(
        "paths",
        "pathPrefix=x&country=DEU&ip=300.0.0.1&method=&status=40x",
        &["key", "ip", "pathPrefix", "method", "status", "country"],
    );
    bad("paths", "key=GET", &["key"]);
    bad(
        "ips/nowhere",
        "offset=-1&ip=192.0.2.1",
        &["ip", "offset", "ip"],
    );
    bad("ips/", "", &["ip"]);
    bad(
        "ips/192.0.2.1/24",
        "offset=1001&limit=0",
        &["ip", "limit", "offset"],
    );
    bad("status", "x=1", &["x"]);
}

#[test]
fn a_status_is_a_class_or_a_code() {
    let classes = StatusClass::EVERY.map(StatusValue::Class);
    for status in classes.into_iter().chain(CODES.map(StatusValue::Code)) {
        let expected = survey(TopIps {
            scope: Scope {
                filter: of_status(status.into()),
                ..Scope::default()
            },
            ..TopIps::default()
        });
        let query = format!("status={}", status.name());
        assert_eq!(Question::read("top-ips", &query), Ok(expected), "{query}");
    }
    for wrong in [
        "", "4", "99", "600", "40x", "%2B404", "0404", "4XX", "404,429",
    ] {
        let reason = "expected one of 1xx, 2xx, 3xx, 4xx, 5xx, unknown, or a status code from 100 \
                      to 599";
        let bad = BadParameter {
            name: "status".to_owned(),
            reason: reason.to_owned(),
        };
        let refused = Err(NotUnderstood::Parameters(vec![bad]));
        for name in ["top-ips", "export-data"] {
            let read = Question::read(name, &format!("status={wrong}"));
            assert_eq!(read, refused, "{name}, {wrong}");
        }
    }
}

#[test]
fn a_property_that_is_no_filter_is_refused_with_the_requests_that_answer() {
    let reason = |path: &str, name: &str| match Question::at(path, &format!("{name}=x&limit=5")) {
        Err(NotUnderstood::Parameters(bad)) => {
            let bad = bad.into_iter().find(|bad| bad.name == name);
            bad.map(|bad| bad.reason)
        }
        _ => None,
    };
    for path in ["/admin/top-paths", "/admin/breakdown", "/admin/movers"] {
        for name in Dimension::EVERY.map(Dimension::name) {
            let Some(reason) = reason(path, name) else {
                assert_eq!(name, "network", "{path}");
                continue;
            };
            let asks: Vec<&str> = reason
                .split([' ', ','])
                .filter(|word| word.starts_with("/admin/"))
                .collect();
            let expect = [
                format!("/admin/group?by={name}&name=…"),
                format!("/admin/breakdown?by={name}"),
            ];
            assert_eq!(asks, expect, "{reason}");
            for ask in asks {
                let (path, query) = ask.split_once('?').unwrap();
                assert!(Question::at(path, query).is_ok(), "{ask}");
            }
        }
    }
    let other = reason("/admin/top-paths", "hosts");
    assert_eq!(other.as_deref(), Some("unknown parameter"));
    let own = reason("/admin/breakdown", "by");
    assert!(own.unwrap().starts_with("expected one of"));
}

#[test]
fn a_question_nobody_knows_is_unknown() {
    assert_eq!(Question::read("nonsense", ""), Err(NotUnderstood::Unknown));
}

/// A filter with every condition that a client can give.
fn narrow() -> Filter {
    Filter {
        ip: Some("2001:db8::/32".to_owned()),
        path_prefix: Some("/a&b=c d/ü|/b".to_owned()),
        path: Some(r"!/a\|b".to_owned()),
        method: Some("GET".to_owned()),
        status: Some(StatusFilter::read("!404|5xx").unwrap()),
        country: Some("DE".to_owned()),
        network: Some("AS64496 Example".to_owned()),
        label: Some("office|partner X".to_owned()),
        path_key: None,
    }
}

fn of_status(status: StatusFilter) -> Filter {
    Filter {
        status: Some(status),
        ..Filter::default()
    }
}

/// Every kind of question.
fn questions(scope: &Scope) -> Vec<Question> {
    let top_paths = |order| {
        let scope = scope.clone();
        survey(TopPaths {
            scope,
            limit: 7,
            order,
        })
    };
    let top_ips = |order| {
        let scope = scope.clone();
        survey(TopIps {
            scope,
            limit: 100,
            order,
        })
    };
    let export = |format| {
        Question::Export(Export {
            format,
            range: DateRange::Quarter,
            include_metadata: false,
            compression: true,
            filter: scope.filter.clone(),
        })
    };
    let ip_scope = Scope {
        filter: Filter {
            ip: None,
            label: None,
            ..scope.filter.clone()
        },
        via: None,
        ..scope.clone()
    };
    let scoped = AnySurvey::examples()
        .into_iter()
        .map(|survey| match survey {
            AnySurvey::Ip(_) => survey.with_scope(ip_scope.clone()),
            _ => survey.with_scope(scope.clone()),
        });
    let mut questions: Vec<Question> = scoped.map(Question::Survey).collect();
    questions.extend(PathOrder::EVERY.map(top_paths));
    questions.extend(IpOrder::EVERY.map(top_ips));
    questions.extend(ExportFormat::EVERY.map(export));
    questions.extend([
        survey(GlobalStats {
            scope: scope.clone(),
            include_metrics: false,
            include_costs: true,
        }),
        survey(Ip {
            ip: "2001:db8::7".parse().unwrap(),
            scope: ip_scope,
            offset: 20,
            limit: 10,
        }),
        survey(Path {
            key: "GET /a b".to_owned(),
            scope: scope.clone(),
            limit: 3,
        }),
        Question::Status(Status),
    ]);
    questions
}

#[test]
fn a_question_written_is_read_back() {
    for window in Window::EVERY {
        for filter in [
            Filter::default(),
            narrow(),
            of_status(StatusValue::Code(404).into()),
        ] {
            let via = Some(Via::Ips);
            for question in questions(&Scope {
                window,
                filter,
                via,
            }) {
                let text = question.write();
                let (name, query) = text.split_once('?').unwrap_or((&text, ""));
                assert_eq!(Question::read(name, query), Ok(question.clone()), "{text}");
                assert_eq!(question.clone().checked(), Ok(question), "{text}");
            }
        }
    }
}

#[test]
fn a_question_travels_as_it_is() {
    for question in questions(&Scope::default()) {
        let bytes = postcard::to_allocvec(&question).unwrap();
        assert_eq!(postcard::from_bytes::<Question>(&bytes), Ok(question));
    }
}

#[test]
fn a_question_that_was_not_read_here_is_checked() {
    let mut top = TopIps::default();
    top.scope.filter.ip = Some("::ffff:192.0.2.7/120".to_owned());
    let checked = super::checked(top.clone()).unwrap();
    assert_eq!(checked.scope.filter.ip.as_deref(), Some("192.0.2.0/24"));
    top.limit = LIMIT_MAX + 1;
    top.scope.window = Window::Recent;
    top.scope.filter.ip = Some("nowhere".to_owned());
    top.scope.filter.status = Some(StatusValue::Code(4).into());
    let bad = survey(top.clone()).checked().unwrap_err();
    let names: Vec<&str> = bad.iter().map(|bad| bad.name.as_str()).collect();
    assert_eq!(names, ["timeRange", "limit", "ip", "status"]);
    let refused = super::checked(top).unwrap_err().to_string();
    assert!(refused.contains("; limit: expected"), "{refused}");
}

#[test]
fn names_and_paths_are_told_apart() {
    for (path, name) in [
        ("/admin/export", "export-data"),
        ("/admin/aggregator-status", "status"),
        ("/admin/ips/::1", "ips/{ip}"),
        ("/admin/top-paths", "top-paths"),
    ] {
        assert_eq!(Question::at(path, "").unwrap().about().name, name);
    }
    for path in [
        "/admin/",
        "/admin/ips",
        "/admin/status",
        "/admin/top-paths/",
    ] {
        assert_eq!(
            Question::at(path, ""),
            Err(NotUnderstood::Unknown),
            "{path}"
        );
    }
}

#[test]
fn equal_questions_are_equal_texts() {
    let text = |name: &str, query: &str| Question::read(name, query).unwrap().write();
    for (name, a, b) in [
        ("top-ips", "", "sortBy=requests&limit=10&timeRange=24h"),
        (
            "top-ips",
            "ip=192.0.2.9/24&method=get",
            "method=GET&ip=192.0.2.0/24",
        ),
        ("top-paths", "ip=::ffff:192.0.2.1", "ip=192.0.2.1%2F32"),
        ("timeseries", "country=de", "timeRange=24h&country=DE"),
        ("paths", "key=get%20/x?page=1", "key=GET+/x"),
    ] {
        assert_eq!(text(name, a), text(name, b), "{name}: {a}, {b}");
    }
    let mapped = text("ips/%3A%3Affff%3A192.0.2.1", "");
    assert_eq!(mapped, text("ips/192.0.2.1", "offset=0"));
}

/// A query that is nearly valid. It has known names, with known and other values, plain or encoded.
fn any_query() -> impl Strategy<Value = String> {
    const NAMES: [&str; 14] = [
        "timeRange",
        "dateRange",
        "limit",
        "offset",
        "sortBy",
        "format",
        "includeMetrics",
        "includeMetadata",
        "compression",
        "ip",
        "key",
        "pathPrefix",
        "status",
        "country",
    ];
    const VALUES: [&str; 15] = [
        "24h",
        "7d",
        "5",
        "0",
        "requests",
        "csv",
        "true",
        "false",
        "192.0.2.0/24",
        "::ffff:192.0.2.1",
        "get /a?b",
        "/a",
        "5xx",
        "404",
        "unknown",
    ];
    let name =
        prop_oneof![9 => sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"];
    let value = prop_oneof![2 => sample::select(VALUES.to_vec()).prop_map(str::to_owned), 1 => ".{0,20}", 1 => "[%0-9a-f&=+;]{0,12}"];
    let pair = (name, value, any::<bool>()).prop_map(|(name, value, is_raw)| match is_raw {
        true => format!("{name}={value}"),
        false => Serializer::new(String::new())
            .append_pair(&name, &value)
            .finish(),
    });
    prop::collection::vec(pair, 0..5).prop_map(|pairs| pairs.join("&"))
}

proptest! {
    #[test]
    fn whatever_is_asked_is_refused_or_can_be_written_and_read_again(
        name in prop_oneof![
            4 => sample::select(vec!["global-stats", "top-paths", "top-ips", "timeseries", "paths", "export-data", "status"]).prop_map(str::to_owned),
            2 => "ips/[0-9a-f.:%/]{0,20}",
            1 => ".{0,14}",
        ],
        query in any_query(),
    ) {
        if let Ok(question) = Question::read(&name, &query) {
            let text = question.write();
            let (name, query) = text.split_once('?').unwrap_or((&text, ""));
            prop_assert_eq!(Question::read(name, query), Ok(question), "{}", text);
        }
    }
}

#[test]
fn each_survey_has_its_function_in_the_wit() {
    let wit = include_str!("../../../../wit/rollcall.wit");
    let (_, interface) = wit.split_once("\ninterface aggregator {").unwrap();
    let (interface, _) = interface.split_once("\n}").unwrap();
    let functions = interface.lines().filter_map(|line| {
        let (name, _) = line.trim().split_once(": async func(")?;
        Some(name.to_owned())
    });
    // The compiler checks that the aggregator exports each function of the interface.
    let expect = AnySurvey::every().into_iter().map(|survey| {
        let words = survey.about().id.chars().map(|letter| match letter {
            'A'..='Z' => format!("-{}", letter.to_ascii_lowercase()),
            _ => letter.to_string(),
        });
        format!("get-{}", words.collect::<String>())
    });
    assert_eq!(Vec::from_iter(functions), Vec::from_iter(expect));
}

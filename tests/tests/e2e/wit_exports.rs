//! Other components may call the functions that the collector and the aggregator export by the WIT,
//! without HTTP.

use rollcall_tests::App;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "package rollcall:tests;
            world caller { export rollcall:stats/collector@0.1.0; }",
        exports: { default: async },
    });
}

use bindings::Caller;
use bindings::exports::rollcall::stats::collector::{Batch, RawHit, ShardRange};
use bindings::rollcall::stats::types::{
    CountryDetail, Details, Filter, IpOrder, PathOrder, Window,
};

fn hit(ip: &str, path: &str) -> RawHit {
    RawHit {
        ip: ip.into(),
        method: "get".into(),
        path: path.into(),
        timestamp_ms: None,
        status: Some(404),
        response_time_us: Some(1_500),
        bytes: None,
        country: None,
        user_agent: None,
        host: None,
        consumer: None,
        protocol: None,
        referrer: None,
    }
}

#[test]
fn the_collector_records_and_answers_through_its_wit_export() {
    let app = App::start();
    app.runtime().block_on(async {
        let (mut store, instance) = app.host().instantiate("collector").await.unwrap();
        let caller = Caller::new(&mut store, &instance).unwrap();
        let collector = caller.rollcall_stats_collector();
        let (receipt, snapshot, list, summary) = store
            .run_concurrent(async |accessor| {
                let hits = vec![
                    hit("192.0.2.7", "/a?secret=1"),
                    hit("::ffff:192.0.2.7", "/a"),
                    hit("nowhere", "/"),
                ];
                let receipt = collector
                    .call_record(accessor, hits, Some("wit".into()))
                    .await
                    .unwrap()
                    .unwrap();
                let snapshot = collector
                    .call_take_snapshot(accessor)
                    .await
                    .unwrap()
                    .unwrap();
                let shards = ShardRange {
                    root: snapshot.root,
                    first_shard: 0,
                    shard_count: snapshot.shards,
                    since_ms: 0,
                    as_of_ms: snapshot.as_of_ms,
                    ip: Some("192.0.2.0/24".into()),
                };
                let list = collector.call_list_ips(accessor, shards).await;
                let list = list.unwrap().unwrap();
                let batch = Batch {
                    as_of_ms: snapshot.as_of_ms,
                    window: Window::Hour,
                    filter: Filter {
                        ip: None,
                        path_prefix: Some("/a".into()),
                        method: None,
                        status: None,
                        country: None,
                        path: None,
                        network: None,
                        label: None,
                        path_key: None,
                    },
                    details: Details {
                        paths: 100,
                        path_order: PathOrder::Requests,
                        path_keys: true,
                        countries: CountryDetail::All,
                        callers: 1,
                        order: IpOrder::LastSeen,
                        timeline: true,
                        buckets: false,
                        profiles: false,
                        groups: None,
                        backtest: None,
                    },
                    ips: list.ips.clone(),
                };
                let summary = collector
                    .call_summarize(accessor, batch)
                    .await
                    .unwrap()
                    .unwrap();
                (receipt, snapshot, list, summary)
            })
            .await
            .unwrap();
        assert_eq!((receipt.accepted, receipt.rejected), (2, 1));
        assert_eq!(receipt.rejections[0].field.as_deref(), Some("ip"));
        assert_eq!((snapshot.hits, snapshot.ips, list.active), (2, 1, 1));
        assert_eq!(list.ips[0].ip, "192.0.2.7");
        assert_eq!(summary.paths.len(), 1);
        assert_eq!((summary.countries.len(), summary.countries[0].ips), (1, 1));
        assert_eq!(summary.paths[0].path_key, "GET /a");
        let statuses = summary.paths[0].tally.statuses.iter();
        let statuses: Vec<(u16, u64)> = statuses.map(|of| (of.code, of.count)).collect();
        assert_eq!(statuses, [(404, 2)]);
        let histogram = summary.tally.histogram.iter();
        let histogram: Vec<(u16, u64)> = histogram.map(|of| (of.index, of.count)).collect();
        let index = rollcall_tally::histogram::bucket_index(1_500);
        assert_eq!(histogram, [(index, 2)]);
        assert_eq!(summary.tally.time_sum_us, 3_000);
        assert_eq!((summary.last_hour, summary.callers.len()), (2, 1));
        let slots = summary.timeline.iter().map(|slot| slot.tally.count);
        assert_eq!(slots.sum::<u64>(), 2);
    });
}

/// A component that calls the aggregator.
mod asker {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "package rollcall:tests; world asker { export rollcall:stats/aggregator@0.1.0; }",
        exports: { default: async },
    });
}

#[test]
fn the_aggregator_answers_through_its_wit_export() {
    use asker::rollcall::stats::types::{
        Dimension, Failure, Filter, Grouping, Per, StatusClass, StatusFilter, StatusValue, Window,
    };
    let app = App::start();
    app.record(&serde_json::json!([
        {"ip": "192.0.2.7", "method": "GET", "path": "/a", "status": 404},
        {"ip": "192.0.2.7", "method": "GET", "path": "/b", "status": 200},
    ]));
    let of = |value| StatusFilter {
        is_not: false,
        values: vec![value],
    };
    let of_class = of(StatusValue::Class(StatusClass::ClientError));
    let filter = |ip: Option<&str>, status: StatusFilter| Filter {
        ip: ip.map(str::to_owned),
        path_prefix: None,
        method: Some("get".into()),
        status: Some(status),
        country: None,
        path: None,
        network: None,
        label: None,
        path_key: None,
    };
    app.runtime().block_on(async {
        let (mut store, instance) = app.host().instantiate("aggregator").await.unwrap();
        let asker = asker::Asker::new(&mut store, &instance).unwrap();
        let aggregator = asker.rollcall_stats_aggregator();
        store
            .run_concurrent(async |accessor| {
                let known = "::ffff:192.0.2.7".to_owned();
                for status in [of_class.clone(), of(StatusValue::Code(404))] {
                    let filter = filter(None, status);
                    let ip = aggregator
                        .call_get_ip(accessor, known.clone(), Window::Hour, filter, 0, 10)
                        .await;
                    let ip = ip.unwrap().unwrap();
                    assert_eq!((ip.stats.total_requests, ip.total_paths), (1, 1));
                    assert_eq!(ip.paths[0].path_key, "GET /a");
                    assert_eq!(ip.timeline.current.buckets.len(), 12);
                }
                let every = Filter {
                    status: None,
                    ..filter(None, of_class.clone())
                };
                let (ip, per) = (Grouping::Ip, Some(Per::Day));
                let backtest = aggregator
                    .call_get_backtest(accessor, Window::Hour, every.clone(), ip, per, 1, 10)
                    .await;
                let backtest = backtest.unwrap().unwrap();
                assert!(matches!(backtest.per, Per::Day));
                assert_eq!(backtest.refused_requests, 1);
                assert_eq!(backtest.callers[0].name, known.replace("::ffff:", ""));
                // By consumer, nothing is known of a method.
                let consumer = Grouping::Of(Dimension::Consumer);
                for (by, filter, per, name) in [
                    (consumer, every.clone(), None, "method: "),
                    (Grouping::Path, every.clone(), None, "by: "),
                    (ip, every, Some(Per::FiveMinutes), "per: "),
                ] {
                    let refused = aggregator
                        .call_get_backtest(accessor, Window::Day, filter, by, per, 1, 10)
                        .await;
                    let refused = refused.unwrap();
                    assert!(matches!(refused, Err(Failure::Invalid(why)) if why.starts_with(name)));
                }
                let unknown = "192.0.2.8".to_owned();
                let ip = aggregator
                    .call_get_ip(
                        accessor,
                        unknown,
                        Window::Hour,
                        filter(None, of_class.clone()),
                        0,
                        10,
                    )
                    .await;
                assert!(matches!(ip.unwrap(), Err(Failure::NotFound(_))));
                for (wrong, name) in [
                    (filter(Some("192.0.2.0/33"), of_class.clone()), "ip: "),
                    (filter(None, of(StatusValue::Code(4))), "status: "),
                ] {
                    let series = aggregator.call_get_timeseries(accessor, Window::All, wrong);
                    let refused = series.await.unwrap();
                    assert!(matches!(refused, Err(Failure::Invalid(why)) if why.starts_with(name)));
                }
            })
            .await
            .unwrap();
    });
}

#[test]
fn what_came_in_with_no_http_is_in_the_answers_over_http() {
    let app = App::start();
    app.runtime().block_on(async {
        let (mut store, instance) = app.host().instantiate("collector").await.unwrap();
        let caller = Caller::new(&mut store, &instance).unwrap();
        let collector = caller.rollcall_stats_collector();
        let record = async |accessor: &wasmtime::component::Accessor<_>| {
            collector
                .call_record(accessor, vec![hit("2001:db8::7", "/wit")], None)
                .await
        };
        store
            .run_concurrent(record)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    });
    let top = app.json("/admin/top-paths?timeRange=1h");
    assert_eq!(top["paths"][0]["pathKey"], "GET /wit");
}

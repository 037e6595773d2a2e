//! `GET /admin/metrics`: how Rollcall does and how much it recorded, as OpenMetrics text, for Prometheus and its like.
//!
//! Made anew for each scrape, of what is: no IP is asked for it, nothing is folded, and nothing kept. Numbers are the store's, whatever
//! instance answers, unless they say otherwise. No label is made of what a hit says: their values, and so the series, are always the same
//! few. Refuses to be cached.

use std::fmt::Error;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use rollcall_tally::histogram::{Bucket, bucket_end_us};
use rollcall_tally::report::{FanOut, Status};
use rollcall_tally::status::{StatusClass, StatusCounts};
use rollcall_tally::traffic::{METHODS, OTHER_METHODS};
use rollcall_tally::{Tally, Traffic};
use rollcall_web::{Problem, Reply, call, reply};

/// The aggregator asks the store a few times, each time with a deadline of its own. Past this one it hangs.
const DEADLINE: Duration = Duration::from_secs(15);

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The bounds of the histogram of response times are these powers of two, about 1 ms to half a minute, each less the microsecond that
/// makes it the end of a bucket that is kept: so the counts are exact.
const BOUNDS_US_LOG2: std::ops::Range<u32> = 10..26;

pub async fn metrics() -> Result<Reply, Problem> {
    let (status, traffic) =
        call::function("aggregator", "status-and-traffic", &(), DEADLINE).await?;
    let text = written(status, traffic).map_err(|Error| {
        eprintln!("the metrics could not be written");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The metrics could not be written.",
        )
    })?;
    Ok(reply::full(StatusCode::OK, CONTENT_TYPE, text))
}

fn written(status: Status, traffic: Traffic) -> Result<String, Error> {
    let mut registry = Registry::with_prefix("rollcall");
    registry.register_collector(Box::new(Scrape { status, traffic }));
    let mut written = String::new();
    text::encode(&mut written, &registry)?;
    Ok(written)
}

/// What one scrape tells.
#[derive(Debug)]
struct Scrape {
    status: Status,
    traffic: Traffic,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut page = Page(encoder);
        self.build(&mut page)?;
        self.requests(&mut page)?;
        self.ingest(&mut page)?;
        self.folds(&mut page)?;
        self.answers(&mut page)?;
        self.fan_outs(&mut page)?;
        page.counter(
            "access_denied",
            "Requests with a token that is not known",
            self.status.access_denied,
        )
    }
}

impl Scrape {
    fn build(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let version = self.status.version.as_str();
        let layout = self.status.layout_version.to_string();
        let labels = [("version", version), ("layout_version", &layout)];
        let help = "What runs, and the layout of its store";
        page.family("build", help, None, MetricType::Info)?
            .encode_info(&labels)
    }

    fn requests(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let Traffic { total, methods } = &self.traffic;
        let help = "Recorded requests that are in the answers, by method and class of status";
        let mut family = page.family("requests", help, None, MetricType::Counter)?;
        for method in METHODS.into_iter().chain([OTHER_METHODS]) {
            let counts = methods.iter().find(|counts| counts.method == method);
            let statuses = counts.map_or_else(StatusCounts::default, |counts| counts.statuses);
            for class in StatusClass::EVERY {
                let labels = [("method", method), ("status_class", class.name())];
                let mut series = family.encode_family(&labels)?;
                count(&mut series, statuses.of(class))?;
            }
        }
        let help = "Bytes of the recorded responses";
        let family = page.family("response", help, Some(&Unit::Bytes), MetricType::Counter);
        count(&mut family?, total.bytes)?;
        let help = "Response times of the recorded requests that told theirs";
        let unit = Some(&Unit::Seconds);
        page.family("response_time", help, unit, MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(
                seconds(total.time_sum_us),
                total.timed,
                &buckets(total),
                None,
            )
    }

    fn ingest(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let dropped = self.status.dropped;
        page.counter(
            "batches",
            "Numbers of the log that were taken, each for a batch",
            self.status.appended_segments,
        )?;
        page.counter(
            "repeated_batches",
            "Batches that came again under a known Idempotency-Key, and were not counted again",
            dropped.repeated_batches,
        )?;
        page.counter(
            "skipped_numbers",
            "Numbers of the log that were taken and never written; none was acknowledged",
            dropped.skipped_numbers,
        )?;
        page.counters(
            "dropped_hits",
            "Hits that left the answers",
            "reason",
            [
                ("evicted", dropped.evicted_hits),
                ("unreadable", dropped.unreadable_hits),
            ],
        )?;
        page.counters(
            "dropped_ips",
            "IPs that left the answers",
            "reason",
            [
                ("evicted", dropped.evicted_ips),
                ("unreadable", dropped.unreadable_ips),
            ],
        )?;
        page.counter(
            "other_path_hits",
            "Hits that count under (other), as their IP has too many paths",
            dropped.other_path_hits,
        )?;
        page.gauge(
            "tracked_ips",
            "IPs with a state",
            None,
            self.status.tracked_ips,
        )
    }

    fn folds(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let status = &self.status;
        page.counter("folds", "Number of the last confirmed fold", status.root)?;
        if status.root > 0 {
            page.gauge(
                "last_fold_timestamp",
                "When the last confirmed fold began",
                Some(&Unit::Seconds),
                milliseconds(status.folded_at_ms),
            )?;
            page.gauge(
                "last_fold_duration",
                "How long the last confirmed fold took",
                Some(&Unit::Seconds),
                milliseconds(status.folds.last_duration_ms),
            )?;
        }
        page.gauge(
            "lost_folds",
            "Folds begun since the last confirmed one: one may be under way, the others were lost",
            None,
            status.folds.lost,
        )?;
        page.gauge(
            "uncleaned_folds",
            "Folds, lost ones too, of which something is still to be deleted",
            None,
            status.folds.uncleaned,
        )?;
        page.gauge(
            "fold_lag",
            "How long the oldest recorded batch that is in no answer yet has waited",
            Some(&Unit::Seconds),
            milliseconds(status.lag_ms),
        )?;
        page.gauge(
            "pending_segments",
            "Batches that the next fold takes",
            None,
            status.pending_segments,
        )?;
        page.gauge(
            "open_segments",
            "Numbers of the log that were taken and are not written, below one that is folded",
            None,
            status.open_segments,
        )
    }

    fn answers(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let cache = self.status.cache;
        page.counters(
            "answers",
            "Questions by where their answer came from",
            "source",
            [
                ("memory", cache.hits_memory),
                ("store", cache.hits_store),
                ("computed", cache.misses),
                ("collapsed", cache.collapsed),
                ("stale", cache.stale),
                ("failed", cache.failures),
            ],
        )?;
        page.gauge(
            "answers_memory",
            "Kept answers of the instance that tells this",
            Some(&Unit::Bytes),
            cache.memory_bytes,
        )
    }

    fn fan_outs(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let fan_out = self.status.fan_out;
        page.counter(
            "fan_outs",
            "Questions that IPs were asked for",
            fan_out.total,
        )?;
        page.counter(
            "fan_out_batches",
            "Batches of IPs that were asked",
            fan_out.batches,
        )?;
        page.counter(
            "fan_out_batches_retried",
            "Batches of IPs that were asked again",
            fan_out.batches_retried,
        )?;
        page.counter(
            "fan_out_batches_failed",
            "Batches of IPs without an answer in the end",
            fan_out.batches_failed,
        )?;
        page.gauge(
            "fan_out_requests_in_flight",
            "Requests to the collector, of the instance that tells this",
            None,
            fan_out.in_flight,
        )?;
        page.gauge(
            "questions_in_flight",
            "Questions that are being answered, of the instance that tells this",
            None,
            fan_out.questions_in_flight,
        )?;
        match fan_out.last {
            Some(last) => last_fan_out(&last, page),
            None => Ok(()),
        }
    }
}

fn last_fan_out(last: &FanOut, page: &mut Page<'_>) -> Result<(), Error> {
    page.gauge(
        "last_fan_out_duration",
        "How long the last fan-out took, of whichever instance",
        Some(&Unit::Seconds),
        milliseconds(last.duration_ms),
    )?;
    page.gauge(
        "last_fan_out_coverage",
        "Share of the IPs asked that answered in the last fan-out",
        Some(&Unit::Other("ratio".to_owned())),
        last.coverage,
    )?;
    page.gauge(
        "last_fan_out_unreadable_states",
        "IP states that could not be read in the last fan-out",
        None,
        last.unreadable_states,
    )
}

/// The text, family by family.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn family<'p>(
        &'p mut self,
        name: &'p str,
        help: &str,
        unit: Option<&'p Unit>,
        metric_type: MetricType,
    ) -> Result<MetricEncoder<'p>, Error> {
        self.0.encode_descriptor(name, help, unit, metric_type)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        count(
            &mut self.family(name, help, None, MetricType::Counter)?,
            value,
        )
    }

    /// A counter for each value of a label.
    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: [(&str, u64); N],
    ) -> Result<(), Error> {
        let mut family = self.family(name, help, None, MetricType::Counter)?;
        for (of, value) in values {
            count(&mut family.encode_family(&[(label, of)])?, value)?;
        }
        Ok(())
    }

    fn gauge(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        value: impl EncodeGaugeValue,
    ) -> Result<(), Error> {
        self.family(name, help, unit, MetricType::Gauge)?
            .encode_gauge(&value)
    }
}

fn count(series: &mut MetricEncoder<'_>, value: u64) -> Result<(), Error> {
    series.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

/// The histogram with fewer bounds: in seconds, and of each the hits that took no longer, but longer than the bound before.
fn buckets(tally: &Tally) -> Vec<(f64, u64)> {
    let bounds = BOUNDS_US_LOG2.map(|power| (1 << power) - 1);
    let bounds = bounds.map(|bound_us| (bound_us, seconds(bound_us)));
    let mut kept = tally.histogram.iter().peekable();
    let fewer = bounds.chain([(u64::MAX, f64::INFINITY)]);
    fewer
        .map(|(bound_us, bound)| {
            let within = |bucket: &&Bucket| bucket_end_us(bucket.index) <= bound_us;
            let within = std::iter::from_fn(|| kept.next_if(within));
            (bound, within.map(|bucket| bucket.count).sum())
        })
        .collect()
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1_000_000.0
}

fn milliseconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_tally::histogram::{add_bucket, bucket_index};

    #[test]
    fn a_response_time_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed() {
        let of = |times_us: &[u64]| {
            let mut tally = Tally::default();
            for time_us in times_us {
                let index = bucket_index(*time_us);
                add_bucket(&mut tally.histogram, Bucket { index, count: 1 });
            }
            buckets(&tally)
        };
        for power in BOUNDS_US_LOG2 {
            let bound_us = (1 << power) - 1;
            let at = (power - BOUNDS_US_LOG2.start) as usize;
            let buckets = of(&[bound_us, bound_us + 1]);
            assert_eq!(buckets[at], (bound_us as f64 / 1e6, 1), "{bound_us} µs");
            assert_eq!(buckets[at + 1].1, 1, "{bound_us} µs and one");
        }
        let day_us = rollcall_tally::hit::RESPONSE_TIME_US_MAX;
        let all = of(&[0, 0, day_us]);
        assert_eq!((all[0], all[16]), ((0.001_023, 2), (f64::INFINITY, 1)));
        assert_eq!(of(&[]).iter().map(|(_, hits)| hits).sum::<u64>(), 0);
    }
}

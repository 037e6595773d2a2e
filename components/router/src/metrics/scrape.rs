//! The families of a scrape, each with its name, help and value.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use rollcall_tally::Traffic;
use rollcall_tally::report::{FanOut, Status};
use rollcall_tally::status::{StatusClass, StatusCounts};
use rollcall_tally::traffic::{METHODS, OTHER_METHODS};

use super::buckets::buckets;
use super::page::{Page, count, milliseconds, seconds};

/// The numbers of one scrape.
#[derive(Debug)]
pub struct Scrape {
    pub status: Status,
    pub traffic: Traffic,
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
        let help = "The version of Rollcall, and the layout of its store";
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
        let help = "Response times of the recorded requests that have one";
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
        page.counters(
            "refused_requests",
            "Requests to record that were refused, because more came than could be taken",
            "reason",
            [
                ("backlog", self.status.refused_requests.backlog),
                ("rate", self.status.refused_requests.rate),
            ],
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
                ("erased", dropped.erased_hits),
                ("unreadable", dropped.unreadable_hits),
            ],
        )?;
        page.counters(
            "dropped_ips",
            "IPs that left the answers",
            "reason",
            [
                ("evicted", dropped.evicted_ips),
                ("erased", dropped.erased_ips),
                ("unreadable", dropped.unreadable_ips),
            ],
        )?;
        page.counter(
            "other_path_hits",
            "Hits that count under (other), because their IP has too many paths",
            dropped.other_path_hits,
        )?;
        let repaired = self.status.repaired;
        page.counters(
            "repaired_hits",
            "Counted hits of which something is unknown or was cut, by what it was",
            "reason",
            [
                ("request", repaired.unknown_requests),
                ("path-cut", repaired.cut_paths),
                ("text", repaired.replaced_text),
                ("status", repaired.unknown_statuses),
                ("response-time", repaired.unknown_response_times),
                ("bytes", repaired.unknown_bytes),
                ("country", repaired.unknown_countries),
            ],
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
            "Folds, lost ones too, that still have values to delete",
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
            "Questions by the source of their answer",
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
            "Kept answers in the memory of the instance that answers the scrape",
            Some(&Unit::Bytes),
            cache.memory_bytes,
        )
    }

    fn fan_outs(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let fan_out = self.status.fan_out;
        page.counter(
            "fan_outs",
            "Questions for which IPs were asked",
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
            "Requests to the collector by the instance that answers the scrape",
            None,
            fan_out.in_flight,
        )?;
        page.gauge(
            "questions_in_flight",
            "Questions that the instance that answers the scrape is answering",
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
        "How long the last fan-out of any instance took",
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

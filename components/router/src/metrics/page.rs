//! The text of a scrape, family by family.

use std::fmt::Error;

use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// The text of a scrape, while it is written.
pub struct Page<'a>(pub DescriptorEncoder<'a>);

impl Page<'_> {
    pub fn family<'p>(
        &'p mut self,
        name: &'p str,
        help: &str,
        unit: Option<&'p Unit>,
        metric_type: MetricType,
    ) -> Result<MetricEncoder<'p>, Error> {
        self.0.encode_descriptor(name, help, unit, metric_type)
    }

    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        count(
            &mut self.family(name, help, None, MetricType::Counter)?,
            value,
        )
    }

    /// A counter for each value of a label.
    pub fn counters<const N: usize>(
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

    pub fn gauge(
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

pub fn count(series: &mut MetricEncoder<'_>, value: u64) -> Result<(), Error> {
    series.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

/// Microseconds in seconds, the unit of all times here.
pub fn seconds(us: u64) -> f64 {
    us as f64 / 1_000_000.0
}

/// Milliseconds in seconds.
pub fn milliseconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

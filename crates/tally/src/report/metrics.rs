//! Status classes, errors, response times and bytes of a set of hits.

use serde::{Deserialize, Serialize};

use crate::contract::{StatusCount, StatusCounts, Tally};
use crate::report::{Provenance, ResponseTimes};

/// Status classes, errors, response times and bytes of a set of hits.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub status_classes: StatusCounts,
    /// Hits by status: `200`, `404`, and so on. `unknown`: hits without a status. A class (`4xx`):
    /// hits that an older version counted by class alone.
    #[serde(with = "by_name")]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, u64>))]
    pub status_codes: Vec<StatusCount>,
    /// Share of hits with a status of 400 and more.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub error_rate: f64,
    #[serde(flatten)]
    pub response_times: ResponseTimes,
    /// Bytes of the responses. `null` under a filter by status, because bytes are not kept by
    /// status.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub total_bytes: Option<u64>,
}

impl Metrics {
    pub fn new(tally: &Tally, provenance: &Provenance) -> Self {
        Self {
            status_classes: tally.classes(),
            status_codes: tally.statuses.clone(),
            error_rate: tally.error_rate(),
            response_times: ResponseTimes::new(tally),
            total_bytes: (!provenance.is_of_one_status()).then_some(tally.bytes),
        }
    }
}

/// Hits by status, as an object.
mod by_name {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::status::StatusCount;

    pub fn serialize<S: Serializer>(statuses: &[StatusCount], to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(statuses.iter().map(|of| (of.name(), of.count)))
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<StatusCount>, D::Error> {
        let named = BTreeMap::<String, u64>::deserialize(from)?;
        let status = |(name, count): (String, u64)| {
            let code = StatusCount::code_of(&name);
            let code = code.ok_or_else(|| D::Error::custom(format!("{name} is no status")))?;
            Ok(StatusCount { code, count })
        };
        let statuses: Result<Vec<_>, D::Error> = named.into_iter().map(status).collect();
        let mut statuses = statuses?;
        statuses.sort_unstable_by_key(|status| status.code);
        Ok(statuses)
    }
}

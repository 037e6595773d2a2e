//! The state of the system. The aggregator answers it, and asks no IP.

use serde::{Deserialize, Serialize};

use super::{About, Ask, Parameter};
use crate::time::MINUTE_MS;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status;

impl Ask for Status {
    fn about(&self) -> &'static About {
        &About {
            name: "status",
            path: "/admin/aggregator-status",
            id: "aggregatorStatus",
            summary: "State of the system",
            description: "The contents of the store, the batches that wait, the hits and IPs that \
                          were dropped, and the sources of the answers so far.",
            ttl_ms: MINUTE_MS,
            is_prewarmed: true,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        Vec::new()
    }
}

//! How the system does. The aggregator knows; no IP is asked.

use serde::{Deserialize, Serialize};

use super::{About, Ask, Parameter};
use crate::window::MINUTE_MS;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status;

impl Ask for Status {
    fn about(&self) -> &'static About {
        &About {
            name: "status",
            path: "/admin/aggregator-status",
            id: "aggregatorStatus",
            summary: "How the system does",
            description: "What the store holds, what waits, what was dropped, and how questions were answered so far.",
            ttl_ms: MINUTE_MS,
            is_prewarmed: true,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        Vec::new()
    }
}

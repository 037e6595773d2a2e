//! The top IPs, by an order.

use serde::{Deserialize, Serialize};

use super::{About, Ask, LIMIT_DEFAULT, Parameter, Query, Responses, Scope, Survey};
use crate::order::IpOrder;
use crate::report;
use crate::time::MINUTE_MS;
use crate::{Details, Failure};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopIps {
    pub scope: Scope,
    pub limit: u32,
    pub order: IpOrder,
}

impl Default for TopIps {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            limit: LIMIT_DEFAULT,
            order: IpOrder::Requests,
        }
    }
}

impl Ask for TopIps {
    fn about(&self) -> &'static About {
        &About {
            name: "top-ips",
            path: "/admin/top-ips",
            id: "topIps",
            summary: "Top IPs",
            description: "The top IPs in the chosen order. Each has its calls, paths and errors, \
                          and the times when it was first and last seen.",
            ttl_ms: 10 * MINUTE_MS,
            is_prewarmed: true,
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.scope.parameters([
            Parameter::limit(&mut self.limit),
            Parameter::one_of(
                "sortBy",
                "The field to sort by, descending. Equal entries are sorted by address as text.",
                &mut self.order,
                &IpOrder::EVERY,
                IpOrder::name,
            ),
        ])
    }
}

impl Survey for TopIps {
    type Report = report::TopIps;

    fn query(&self) -> Query {
        self.scope.query(Details {
            callers: self.limit,
            order: self.order,
            ..Details::default()
        })
    }

    fn report(&self, responses: Responses) -> Result<report::TopIps, Failure> {
        Ok(report::TopIps::new(responses.summary, responses.provenance))
    }
}

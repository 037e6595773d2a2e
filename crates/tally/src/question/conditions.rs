//! The parameters that are conditions on hits.

use super::{Parameter, Place, Value};
use crate::filter::{Filter, Text};

/// The name of the condition on labels.
pub(super) const LABEL: &str = "label";

impl Filter {
    /// The conditions that a client can give. The path key is not among them. It has its own
    /// question.
    pub fn conditions(&mut self) -> Vec<Parameter<'_>> {
        let text = |name, about, kind, value| Parameter::new(name, about, Value::Text(kind, value));
        let conditions = [
            text(
                "ip",
                "Only hits of this address, or of this network (`192.0.2.0/24`). As in all filters, \
                 `a|b` lets through hits of one or the other, and `!a|b` all other hits. `\\|`, \
                 `\\!` and `\\\\` are these characters themselves.",
                Text::Address,
                &mut self.ip,
            ),
            text(
                "pathPrefix",
                "Only hits on paths that start with this text.",
                Text::PathPrefix,
                &mut self.path_prefix,
            ),
            text(
                "path",
                "Only hits on this path, by any method.",
                Text::Path,
                &mut self.path,
            ),
            text(
                "method",
                "Only hits by this method. Upper and lower case are the same.",
                Text::Method,
                &mut self.method,
            ),
            Parameter::new(
                "status",
                "Only hits with this status code, as `404`, or of this class, as `4xx`. `unknown`: \
                 only hits without a status. Bytes and response times are not kept by status. So \
                 they are `null` under this filter. Hits that an older version counted by class \
                 alone have no code.",
                Value::Status(&mut self.status),
            ),
            text(
                "country",
                "Only hits of IPs whose last known country is this one. `unknown`: only hits of \
                 IPs without a country.",
                Text::Country,
                &mut self.country,
            ),
            text(
                "network",
                "Only hits of IPs in this network: its name, or its number as `AS13335`. \
                 `unknown`: only hits of IPs of no known network.",
                Text::Network,
                &mut self.network,
            ),
            text(
                LABEL,
                "Only hits of callers with this label. `filter` in the answer says which addresses \
                 and networks these are. `*`: all hits, also those that a label leaves out. Not \
                 given: all hits but those.",
                Text::Label,
                &mut self.label,
            ),
        ];
        conditions
            .map(|condition| condition.at(Place::Filter))
            .into()
    }

    /// The conditions that are given, as the API spells them.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut filter = self.clone();
        let conditions = filter.conditions().into_iter();
        let given = conditions.filter_map(|given| Some((given.name, given.value.text()?)));
        given.collect()
    }
}

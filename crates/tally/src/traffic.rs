//! All traffic that was ever recorded, in a few numbers that only grow. Monitoring watches how they
//! change.
//!
//! The size is bounded for any hits: unknown methods are counted as one.

use serde::{Deserialize, Serialize};

use crate::hit::Measures;
use crate::status::{StatusClass, StatusCounts};
use crate::tally::Tally;

/// The methods that are counted by name: those of RFC 9110, section 9, and RFC 5789.
pub const METHODS: [&str; 9] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
];
/// The name that all other methods are counted under.
pub const OTHER_METHODS: &str = "(other)";

/// Hits since the store was filled, including those of IPs that are not tracked any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub total: Tally,
    /// In the order in which the methods were first seen. There is at most one entry for each of
    /// [`METHODS`], and one for all others.
    pub methods: Vec<MethodCounts>,
}

/// Hits of one method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodCounts {
    /// One of [`METHODS`], or [`OTHER_METHODS`].
    pub method: String,
    pub statuses: StatusCounts,
}

impl Traffic {
    /// Counts one hit.
    pub fn add(&mut self, method: &str, hit: Measures) {
        self.total.add(hit);
        let known = METHODS.into_iter().find(|known| *known == method);
        let method = known.unwrap_or(OTHER_METHODS);
        let class = StatusClass::of(hit.status);
        match self.methods.iter_mut().find(|of| of.method == method) {
            Some(of) => of.statuses.add(class, 1),
            None => {
                let mut statuses = StatusCounts::default();
                statuses.add(class, 1);
                let method = method.to_owned();
                self.methods.push(MethodCounts { method, statuses });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(hits: &[(&str, Option<u16>)]) -> Traffic {
        let mut traffic = Traffic::default();
        for (method, status) in hits {
            let hit = Measures {
                status: *status,
                ..Measures::default()
            };
            traffic.add(method, hit);
        }
        traffic
    }

    #[test]
    fn a_hit_is_counted_under_its_method_and_class() {
        let traffic = traffic(&[("GET", Some(200)), ("POST", None), ("GET", Some(404))]);
        assert_eq!(traffic.total.count, 3);
        let of = |method: &str| {
            let mut methods = traffic.methods.iter();
            methods.find(|of| of.method == method).unwrap().statuses
        };
        assert_eq!((of("GET").success, of("GET").client_error), (1, 1));
        assert_eq!(of("POST").unknown, 1);
        assert_eq!(traffic.methods.len(), 2);
    }

    #[test]
    fn methods_that_nobody_knows_are_counted_as_one() {
        let unknown: Vec<String> = (0..1_000).map(|i| format!("M{i}")).collect();
        let hits = METHODS
            .into_iter()
            .chain(unknown.iter().map(String::as_str));
        let hits: Vec<(&str, Option<u16>)> = hits.map(|method| (method, Some(200))).collect();
        let traffic = traffic(&hits);
        assert_eq!(traffic.methods.len(), METHODS.len() + 1);
        let last = traffic.methods.last().unwrap();
        assert_eq!(
            (last.method.as_str(), last.statuses.success),
            (OTHER_METHODS, 1_000)
        );
    }
}

//! Compares the answers of the sums over all IPs with those of the IPs themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::{Drops, Summary, Window};
use crate::report::rfc3339;

/// The most differences listed for one window. The rest are only counted.
pub const DIFFERENCES_MAX: usize = 20;

/// The sums over all IPs and the IPs themselves, compared over every window.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// There is no difference, except by hits that left with their IPs.
    pub agrees: bool,
    pub windows: Vec<WindowVerified>,
    /// IPs and hits that the IPs do not tell any more. They may be missing in each window.
    pub left: Left,
    /// The moment at which the windows end.
    #[serde(rename = "asOf", with = "rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub as_of_ms: u64,
}

/// IPs and hits that the IPs do not tell any more.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// IPs that are not tracked any more, or whose state could not be read.
    pub ips: u64,
    /// Their hits.
    pub hits: u64,
    /// Hits that their IP tells under `(other)`, because it had too many paths.
    pub other_path_hits: u64,
}

/// The sums over all IPs and the IPs themselves, compared over one window.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowVerified {
    pub time_range: Window,
    pub agrees: bool,
    /// The first differences.
    pub differences: Vec<Difference>,
    /// The number of differences. A difference that `left` explains is not counted.
    pub difference_count: u64,
}

/// A number that differs between the sums and the IPs.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The name of the number, as `totalRequests` or `GET /users: uniqueIPs`.
    pub of: String,
    /// The number that the sums over all IPs tell.
    pub sums: u64,
    /// The number that the IPs tell.
    pub ips: u64,
}

impl From<Drops> for Left {
    fn from(drops: Drops) -> Self {
        Self {
            ips: drops.evicted_ips + drops.unreadable_ips,
            hits: drops.evicted_hits + drops.unreadable_hits,
            other_path_hits: drops.other_path_hits,
        }
    }
}

impl Verified {
    pub fn new(windows: Vec<WindowVerified>, drops: Drops, as_of_ms: u64) -> Self {
        Self {
            agrees: windows.iter().all(|window| window.agrees),
            windows,
            left: drops.into(),
            as_of_ms,
        }
    }
}

impl WindowVerified {
    /// Compares both summaries of a window, with all paths, countries and the timeline.
    pub fn new(window: Window, sums: &Summary, ips: &Summary, left: Left) -> Self {
        let mut compared = Compared {
            left,
            differences: Vec::new(),
        };
        compared.all(sums, ips);
        let mut differences = compared.differences;
        let difference_count = differences.len() as u64;
        differences.truncate(DIFFERENCES_MAX);
        Self {
            time_range: window,
            agrees: difference_count == 0,
            differences,
            difference_count,
        }
    }
}

struct Compared {
    left: Left,
    differences: Vec<Difference>,
}

impl Compared {
    fn all(&mut self, sums: &Summary, ips: &Summary) {
        let (hits, gone) = (self.left.hits, self.left.ips);
        let by_path = hits + self.left.other_path_hits;
        self.hits("totalRequests", sums.tally.count, ips.tally.count, hits);
        self.hits("errors", sums.tally.errors(), ips.tally.errors(), hits);
        self.hits("timed", sums.tally.timed, ips.tally.timed, hits);
        self.hits("uniqueIPs", sums.ips, ips.ips, gone);
        self.hits("newIPs", sums.new_ips, ips.new_ips, gone);
        if by_path == 0 {
            self.hits("uniquePaths", sums.unique_paths, ips.unique_paths, 0);
            self.hits("totalPaths", sums.path_keys, ips.path_keys, 0);
            self.hits("totalBytes", sums.tally.bytes, ips.tally.bytes, 0);
        }
        // The IPs have some hits under `(other)` that the sums have under the path's name.
        let paths = |of: &Summary| -> BTreeMap<String, [u64; 2]> {
            let paths = of.paths.iter();
            let named = paths.filter(|path| path.path_key != crate::hit::OTHER_PATHS);
            named
                .map(|path| (path.path_key.clone(), [path.tally.count, path.ips]))
                .collect()
        };
        self.each(paths(sums), paths(ips), [by_path, gone + by_path]);
        let countries = |of: &Summary| -> BTreeMap<String, [u64; 2]> {
            let countries = of.countries.iter();
            countries
                .map(|of| {
                    (
                        format!("country {:?}", of.country),
                        [of.tally.count, of.ips],
                    )
                })
                .collect()
        };
        self.each(countries(sums), countries(ips), [hits, gone]);
        let slots = |of: &Summary| -> BTreeMap<String, [u64; 2]> {
            let slots = of.timeline.iter();
            slots
                .map(|slot| (format!("bucket {}", slot.start_ms), [slot.tally.count, 0]))
                .collect()
        };
        self.each(slots(sums), slots(ips), [hits, 0]);
    }

    fn each(
        &mut self,
        sums: BTreeMap<String, [u64; 2]>,
        mut ips: BTreeMap<String, [u64; 2]>,
        [left, left_ips]: [u64; 2],
    ) {
        for (name, [requests, unique]) in sums {
            let [of_ips, unique_of_ips] = ips.remove(&name).unwrap_or_default();
            self.hits(&format!("{name}: requests"), requests, of_ips, left);
            self.hits(
                &format!("{name}: uniqueIPs"),
                unique,
                unique_of_ips,
                left_ips,
            );
        }
        for (name, [requests, _]) in ips {
            self.hits(&format!("{name}: requests"), 0, requests, 0);
        }
    }

    /// The sums may have up to `left` more hits than the IPs. They never have fewer.
    fn hits(&mut self, of: &str, sums: u64, ips: u64, left: u64) {
        if sums < ips || sums - ips > left {
            let of = of.to_owned();
            self.differences.push(Difference { of, sums, ips });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Tally;

    fn summary(count: u64, ips: u64) -> Summary {
        Summary {
            ips,
            tally: Tally {
                count,
                ..Tally::default()
            },
            ..Summary::default()
        }
    }

    fn compare(sums: &Summary, ips: &Summary, left: Left) -> Vec<String> {
        let window = WindowVerified::new(Window::Day, sums, ips, left);
        assert_eq!(window.agrees, window.differences.is_empty());
        window.differences.into_iter().map(|of| of.of).collect()
    }

    #[test]
    fn equals_agree_and_any_other_number_is_named() {
        let none = Left::default();
        assert!(compare(&summary(3, 2), &summary(3, 2), none).is_empty());
        let differ = compare(&summary(3, 2), &summary(4, 1), none);
        assert_eq!(differ, ["totalRequests", "uniqueIPs"]);
    }

    #[test]
    fn hits_that_left_explain_as_many_and_no_more() {
        let left = Left {
            ips: 1,
            hits: 5,
            other_path_hits: 0,
        };
        assert!(compare(&summary(8, 2), &summary(3, 1), left).is_empty());
        let differ = compare(&summary(9, 2), &summary(3, 1), left);
        assert_eq!(differ, ["totalRequests"]);
        // The IPs never tell of more hits than the sums.
        let differ = compare(&summary(3, 1), &summary(4, 1), left);
        assert_eq!(differ, ["totalRequests"]);
    }
}

//! Compares the answers of the sums over all IPs with those of the IPs themselves.

use std::collections::BTreeMap;
use std::iter;

use serde::{Deserialize, Serialize};

use crate::contract::{Drops, PathSummary, Summary, Window};
use crate::hit::OTHER_PATHS;
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
    /// The name of the number, as `uniqueIPs` or `GET /users: requests`.
    pub of: String,
    /// The number that the sums over all IPs tell.
    pub sums: u64,
    /// The number that the IPs tell.
    pub ips: u64,
}

impl From<Drops> for Left {
    fn from(drops: Drops) -> Self {
        let [ips, hits] = drops.left();
        Self {
            ips,
            hits,
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
    /// Compares all numbers of both summaries of a window. `other_path_hits`: the hits that the
    /// sums tell under `(other)` in this window. The IPs may know their paths.
    pub fn new(
        window: Window,
        sums: &Summary,
        ips: &Summary,
        left: Left,
        other_path_hits: u64,
    ) -> Self {
        let may_differ = MayDiffer::new(left, other_path_hits);
        let (sums, mut ips) = (numbers(sums, may_differ), numbers(ips, may_differ));
        let mut differences = Vec::new();
        let mut compare = |of: String, sums: u64, ips: u64, by: By| {
            let is_explained =
                sums <= ips.saturating_add(by.more) && ips <= sums.saturating_add(by.fewer);
            if !is_explained {
                differences.push(Difference { of, sums, ips });
            }
        };
        for (of, (number, by)) in sums {
            let of_ips = ips.remove(&of).map_or(0, |(number, _)| number);
            compare(of, number, of_ips, by);
        }
        for (of, (number, by)) in ips {
            compare(of, 0, number, by);
        }
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

/// How much more, and how much fewer, the sums may tell than the IPs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct By {
    more: u64,
    fewer: u64,
}

impl By {
    /// The same for an amount that a hit has any number of, such as bytes.
    fn amount(self) -> Self {
        let any = |count: u64| if count > 0 { u64::MAX } else { 0 };
        Self {
            more: any(self.more),
            fewer: any(self.fewer),
        }
    }
}

/// The differences that are explained by what left.
#[derive(Clone, Copy)]
struct MayDiffer {
    hits: By,
    ips: By,
    /// The same for numbers by path.
    path_hits: By,
    path_ips: By,
}

impl MayDiffer {
    fn new(left: Left, other_path_hits: u64) -> Self {
        let more = |more| By { more, fewer: 0 };
        // The IPs have some hits under `(other)` that the sums have under the path's name, and the
        // sums have others.
        let by_path = |more: u64| By {
            more: more + left.other_path_hits + other_path_hits,
            fewer: other_path_hits,
        };
        Self {
            hits: more(left.hits),
            ips: more(left.ips),
            path_hits: by_path(left.hits),
            path_ips: by_path(left.ips),
        }
    }
}

/// All numbers of a summary by name, and by how much they may differ.
fn numbers(of: &Summary, may_differ: MayDiffer) -> BTreeMap<String, (u64, By)> {
    let MayDiffer {
        hits,
        ips,
        path_hits,
        path_ips,
    } = may_differ;
    let mut numbers = BTreeMap::new();
    let mut put = |name: String, number: u64, by: By| numbers.insert(name, (number, by));
    put("uniqueIPs".to_owned(), of.ips, ips);
    put("newIPs".to_owned(), of.new_ips, ips);
    put("previous uniqueIPs".to_owned(), of.previous_ips, ips);
    put("totalActiveIPs".to_owned(), of.active, ips);
    put("uniquePaths".to_owned(), of.unique_paths, path_hits);
    put("totalPaths".to_owned(), of.path_keys, path_hits);
    if hits == By::default() {
        put("firstSeen".to_owned(), of.first_seen_ms.unwrap_or(0), hits);
    }
    let named = |path: &&PathSummary| path.path_key != OTHER_PATHS;
    for path in of.paths.iter().filter(named) {
        let name = &path.path_key;
        put(format!("{name}: uniqueIPs"), path.ips, path_ips);
        // The hits that left may have any country and any time. They may be all hits of the path in
        // this window.
        if path_hits == By::default() {
            let recent = [
                ("last24h", path.recent.last24h),
                ("last7d", path.recent.last7d),
                ("last30d", path.recent.last30d),
            ];
            for (of, number) in recent {
                put(format!("{name}: {of}"), number, path_hits);
            }
            put(format!("{name}: firstSeen"), path.first_seen_ms, path_hits);
            put(format!("{name}: lastSeen"), path.last_seen_ms, path_hits);
            for of in &path.countries {
                let name = format!("{name}: country {:?}", of.country);
                put(name, of.requests, path_hits);
            }
        }
    }
    // The method of hits under `(other)` is not known.
    for of in of.methods.iter().filter(|of| of.method != OTHER_PATHS) {
        put(format!("method {}", of.method), of.requests, path_hits);
    }
    for of in &of.countries {
        put(format!("country {:?}: uniqueIPs", of.country), of.ips, ips);
    }
    for slot in &of.timeline {
        let name = format!("bucket {}", slot.start_ms);
        put(format!("{name}: uniqueIPs"), slot.ips, ips);
        put(format!("{name}: newIPs"), slot.new_ips, ips);
    }
    let total = ("total".to_owned(), &of.tally, hits);
    let paths = of.paths.iter().filter(named);
    let paths = paths.map(|of| (of.path_key.clone(), &of.tally, path_hits));
    let countries = of.countries.iter();
    let countries = countries.map(|of| (format!("country {:?}", of.country), &of.tally, hits));
    let slots = of.timeline.iter();
    let slots = slots.map(|slot| (format!("bucket {}", slot.start_ms), &slot.tally, hits));
    for (name, tally, by) in iter::once(total).chain(paths).chain(countries).chain(slots) {
        put(format!("{name}: requests"), tally.count, by);
        put(format!("{name}: bytes"), tally.bytes, by.amount());
        put(format!("{name}: timed"), tally.timed, by);
        put(
            format!("{name}: response times, sum"),
            tally.time_sum_us,
            by.amount(),
        );
        put(format!("{name}: slowest"), tally.time_max_us, by.amount());
        for status in &tally.statuses {
            put(format!("{name}: status {}", status.code), status.count, by);
        }
        for of in &tally.histogram {
            let name = format!("{name}: response times, step {}", of.index);
            put(name, of.count, by);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Tally;
    use crate::hit::Measures;

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
        let window = WindowVerified::new(Window::Day, sums, ips, left, 0);
        assert_eq!(window.agrees, window.differences.is_empty());
        window.differences.into_iter().map(|of| of.of).collect()
    }

    #[test]
    fn equals_agree_and_any_other_number_is_named() {
        let none = Left::default();
        assert!(compare(&summary(3, 2), &summary(3, 2), none).is_empty());
        let differ = compare(&summary(3, 2), &summary(4, 1), none);
        assert_eq!(differ, ["total: requests", "uniqueIPs"]);
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
        assert_eq!(differ, ["total: requests"]);
        // The IPs never tell of more hits than the sums.
        let differ = compare(&summary(3, 1), &summary(4, 1), left);
        assert_eq!(differ, ["total: requests"]);
    }

    #[test]
    fn every_number_of_a_tally_is_compared() {
        let with = |change: fn(&mut Tally)| {
            let mut of = summary(1, 1);
            change(&mut of.tally);
            compare(&summary(1, 1), &of, Left::default())
        };
        let hit = |tally: &mut Tally| {
            tally.add(Measures {
                status: Some(404),
                bytes: Some(5),
                response_time_us: Some(7),
            });
        };
        assert_eq!(
            with(hit),
            [
                "total: bytes",
                "total: requests",
                "total: response times, sum",
                "total: slowest",
                "total: timed",
                "total: response times, step 7",
                "total: status 404",
            ]
        );
    }

    #[test]
    fn hits_that_the_sums_tell_under_other_explain_as_many_of_a_path() {
        let of = |count| Summary {
            paths: vec![PathSummary {
                path_key: "GET /a".to_owned(),
                tally: Tally {
                    count,
                    ..Tally::default()
                },
                ips: 1,
                countries: Vec::new(),
                first_seen_ms: 0,
                last_seen_ms: 0,
                recent: Default::default(),
                buckets: Vec::new(),
            }],
            ..summary(9, 1)
        };
        let differ = |other| {
            WindowVerified::new(Window::Day, &of(3), &of(5), Left::default(), other).differences
        };
        assert_eq!(differ(2), []);
        assert_eq!(
            differ(1),
            [Difference {
                of: "GET /a: requests".to_owned(),
                sums: 3,
                ips: 5
            }]
        );
    }
}

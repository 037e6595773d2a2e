//! The answer to another component of the app, which asks about one IP while it serves a request of
//! it.

use serde::{Deserialize, Serialize};

use crate::status::StatusCounts;

/// The most paths that one answer lists.
pub const CALLER_PATHS_MAX: u32 = 100;

/// One IP, as of the last fold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerAnswer {
    /// The address that its hits count under.
    pub ip: String,
    /// The number of the fold. 0: nothing was ever folded.
    pub root: u64,
    /// When the fold looked at the log. 0: nothing was ever folded.
    pub folded_at_ms: u64,
    /// Numbers of the log that are not folded. Each is a batch, or a number that was taken and is
    /// not written.
    pub behind: u64,
    /// None: the IP is not tracked.
    pub known: Option<KnownCaller>,
}

/// The hits of one IP in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCaller {
    /// In any window.
    pub first_seen_ms: u64,
    /// In any window.
    pub last_seen_ms: u64,
    pub requests: u64,
    /// These hits by class of status.
    pub statuses: StatusCounts,
    /// The number of path keys with a hit.
    pub total_paths: u64,
    /// The path keys with the most hits. If several have equally many, sorted by path key.
    pub paths: Vec<CallerPath>,
    /// The hits on all other path keys.
    pub other_requests: u64,
}

/// The hits of one IP on one path key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerPath {
    pub path_key: String,
    pub requests: u64,
}

impl KnownCaller {
    /// Adds a path, if it has hits.
    pub fn add(&mut self, path_key: &str, statuses: &StatusCounts) {
        let requests = statuses.total();
        if requests == 0 {
            return;
        }
        self.requests += requests;
        self.statuses.merge(statuses);
        self.total_paths += 1;
        self.paths.push(CallerPath {
            path_key: path_key.to_owned(),
            requests,
        });
    }

    /// Lists only the first of the paths that were added.
    pub fn keep_first(&mut self, paths: usize) {
        self.paths.sort_unstable_by(|a, b| {
            let by_requests = b.requests.cmp(&a.requests);
            by_requests.then_with(|| a.path_key.cmp(&b.path_key))
        });
        let others = self.paths.split_off(paths.min(self.paths.len()));
        self.other_requests += others.iter().map(|path| path.requests).sum::<u64>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::StatusClass;

    #[test]
    fn the_first_paths_are_listed_and_the_hits_of_the_others_are_told() {
        let mut known = KnownCaller::default();
        for (path_key, class, hits) in [
            ("GET /c", StatusClass::Success, 2),
            ("GET /b", StatusClass::ClientError, 3),
            ("GET /never", StatusClass::Success, 0),
            ("GET /a", StatusClass::Success, 2),
            ("GET /d", StatusClass::Unknown, 1),
        ] {
            let mut statuses = StatusCounts::default();
            statuses.add(class, hits);
            known.add(path_key, &statuses);
        }
        assert_eq!((known.requests, known.total_paths), (8, 4));
        let StatusCounts {
            success,
            client_error,
            unknown,
            ..
        } = known.statuses;
        assert_eq!([success, client_error, unknown], [4, 3, 1]);
        for (limit, expect, others) in [
            (0, &[][..], 8),
            (2, &["GET /b", "GET /a"], 3),
            (4, &["GET /b", "GET /a", "GET /c", "GET /d"], 0),
            (5, &["GET /b", "GET /a", "GET /c", "GET /d"], 0),
        ] {
            let mut known = known.clone();
            known.keep_first(limit);
            let listed = known.paths.iter().map(|path| path.path_key.as_str());
            assert_eq!(listed.collect::<Vec<_>>(), expect);
            assert_eq!(known.other_requests, others);
        }
    }
}

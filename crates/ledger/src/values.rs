//! Every stored value: postcard behind a version byte. A value of another version, or cut short, is an error that names its key.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_tally::{Drops, Hit, Traffic};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{LedgerError, keys};

/// The first byte of every value.
const VERSION: u8 = 1;

/// What a batch is remembered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BatchId([u8; 16]);

impl BatchId {
    /// Half of the SHA-256 of the text that the sender gave the batch.
    pub fn of(text: &str) -> Self {
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(Sha256::digest(text.as_bytes())) {
            *to = from;
        }
        Self(id)
    }
}

/// `log:{n}`: one appended batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Segment {
    // Read by [`SegmentReader`], field by field.
    pub id: Option<BatchId>,
    /// When its number was taken, by its writer's clock: not before.
    pub stamp_ms: u64,
    pub hits: Vec<Hit>,
}

/// `mark`: the newest root known to be confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub k: u64,
    /// Every number of the log up to this one is folded or dropped.
    pub low: u64,
    /// The newest number that is folded.
    pub log: u64,
}

/// `lease`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub owner: u64,
    pub until_ms: u64,
}

/// `meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub layout: u32,
    pub pages: u32,
}

/// `plan:{k}`: what the fold `k` is about to write, and what that replaces. If the fold is never confirmed, cleaning deletes what it
/// wrote; if it is, what it replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The root that it builds on; 0: none.
    pub base: u64,
    pub changes: Vec<Change>,
}

/// What a fold does to one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub of: Versioned,
    /// A new version is written. False: the value goes.
    pub is_written: bool,
    /// The version replaced; 0: there is none, or it stays.
    pub before: u64,
}

/// A value of which each fold writes a version of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioned {
    Ip(IpAddr),
    Page(usize),
    Ids(u64),
}

impl Versioned {
    fn key(&self, k: u64) -> String {
        match self {
            Self::Ip(ip) => keys::ip(ip, k),
            Self::Page(page) => keys::page(*page, k),
            Self::Ids(chunk) => keys::ids(*chunk, k),
        }
    }
}

impl Plan {
    /// The keys that the fold `k` wrote under this plan, its root last.
    pub fn written(&self, k: u64) -> impl Iterator<Item = String> {
        let written = self.changes.iter().filter(|change| change.is_written);
        let written = written.map(move |change| change.of.key(k));
        written.chain([keys::root(k)])
    }

    /// The keys that nobody needs any more once a root of this plan is confirmed and the queries before it are over.
    pub fn replaced(&self) -> impl Iterator<Item = String> {
        let replaced = self.changes.iter().filter(|change| change.before > 0);
        let replaced = replaced.map(|change| change.of.key(change.before));
        replaced.chain((self.base > 0).then(|| keys::root(self.base)))
    }
}

/// `root:{k}`: the record of one fold, from which everything is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    pub k: u64,
    /// When its fold looked at the log.
    pub folded_at_ms: u64,
    /// The newest number of the log that is folded.
    pub log: u64,
    /// Numbers below it that were not written yet, and since when a later one was.
    pub open: BTreeMap<u64, u64>,
    /// The version of each page; 0 is an empty one.
    pub pages: Vec<u64>,
    pub ids: Vec<IdChunk>,
    pub ips: u64,
    pub hits: u64,
    pub drops: Drops,
    /// All hits that were ever folded, whatever became of their IPs.
    pub traffic: Traffic,
    /// How the fold went.
    pub pace: Pace,
    /// Folds whose plans name replaced values that queries may still read, in their order.
    pub(crate) replaced: Vec<Replaced>,
    /// Folds that never committed and may have left values behind, in their order.
    pub(crate) void: Vec<Void>,
}

/// How a fold went: what the next one may take, and how long what waits will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// How often the limits of a fold were halved for it.
    pub(crate) halvings: u32,
    /// Segments that it took.
    pub segments: u64,
    /// It left some for the next.
    pub is_full: bool,
    pub took_ms: u64,
}

/// A fold that replaced values, and when it wrote its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    pub k: u64,
    pub since_ms: u64,
}

/// Fold numbers that never committed, and since when that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Void {
    pub first: u64,
    pub last: u64,
    pub since_ms: u64,
}

/// `cleaned`: how far cleaning got. What is lost of it is done again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cleaned {
    /// The log is deleted up to this number.
    pub log: u64,
    /// Nothing is left of what confirmed folds below this one replaced; of what it replaced itself, the first so many keys are deleted.
    pub replaced: (u64, u64),
    /// Nothing is left of void folds below this one; likewise.
    pub void: (u64, u64),
    /// Of the root with this number, nothing is due before this time.
    pub settled: (u64, u64),
}

/// Where a share of the batch ids is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdChunk {
    pub number: u64,
    pub version: u64,
    pub count: u64,
    /// The newest stamp of a batch in it.
    pub newest_ms: u64,
}

/// `page:{p}:{k}`: the index of a share of the IPs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page(pub BTreeMap<IpAddr, Entry>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The fold that wrote its state last.
    pub version: u64,
    pub last_seen_ms: u64,
    pub hits: u64,
    /// The length of its state as it is stored.
    pub bytes: u64,
}

/// As it is stored.
pub(crate) fn encode<T: Serialize>(key: &str, value: &T) -> Result<Vec<u8>, LedgerError> {
    postcard::to_extend(value, vec![VERSION]).map_err(|error| corrupt(key, &error.to_string()))
}

/// As it was stored.
pub(crate) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, LedgerError> {
    match postcard::take_from_bytes(content(key, bytes)?) {
        Ok((value, [])) => Ok(value),
        Ok((_, more)) => Err(too_many(key, more)),
        Err(error) => Err(corrupt(key, &error.to_string())),
    }
}

/// A stored segment, read piece by piece: it may be as large as a request.
pub(crate) struct SegmentReader<'b> {
    key: &'b str,
    pub id: Option<BatchId>,
    pub stamp_ms: u64,
    /// Hits that are not read yet.
    pub hits: u64,
    rest: &'b [u8],
}

impl<'b> SegmentReader<'b> {
    pub fn new(key: &'b str, bytes: &'b [u8]) -> Result<Self, LedgerError> {
        let head = postcard::take_from_bytes(content(key, bytes)?);
        let ((id, stamp_ms, hits), rest) =
            head.map_err(|error| corrupt(key, &error.to_string()))?;
        Ok(Self {
            key,
            id,
            stamp_ms,
            hits,
            rest,
        })
    }

    /// The next hit. `None`: that was all, and nothing is behind it.
    pub fn next(&mut self) -> Result<Option<Hit>, LedgerError> {
        if self.hits == 0 {
            return match self.rest {
                [] => Ok(None),
                more => Err(too_many(self.key, more)),
            };
        }
        let hit = postcard::take_from_bytes(self.rest);
        let (hit, rest) = hit.map_err(|error| corrupt(self.key, &error.to_string()))?;
        self.hits -= 1;
        self.rest = rest;
        Ok(Some(hit))
    }
}

/// What is behind the version.
fn content<'b>(key: &str, bytes: &'b [u8]) -> Result<&'b [u8], LedgerError> {
    match bytes.split_first() {
        Some((&VERSION, content)) => Ok(content),
        Some((other, _)) => Err(corrupt(
            key,
            &format!("version {other} is not known, only {VERSION}"),
        )),
        None => Err(corrupt(key, "empty")),
    }
}

fn too_many(key: &str, more: &[u8]) -> LedgerError {
    corrupt(key, &format!("{} bytes too many", more.len()))
}

fn corrupt(key: &str, reason: &str) -> LedgerError {
    LedgerError::Corrupt {
        key: key.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What reads a stored value, by the kind of its key.
    fn read(kind: usize, bytes: &[u8]) -> Result<(), LedgerError> {
        match kind {
            0 => {
                let mut segment = SegmentReader::new("k", bytes)?;
                while segment.next()?.is_some() {}
                Ok(())
            }
            1 => decode::<Root>("k", bytes).map(|_| ()),
            2 => decode::<Page>("k", bytes).map(|_| ()),
            3 => decode::<rollcall_tally::IpState>("k", bytes).map(|_| ()),
            4 => decode::<Mark>("k", bytes).map(|_| ()),
            5 => decode::<Lease>("k", bytes).map(|_| ()),
            6 => decode::<Meta>("k", bytes).map(|_| ()),
            7 => decode::<Vec<BatchId>>("k", bytes).map(|_| ()),
            8 => decode::<Plan>("k", bytes).map(|_| ()),
            10 => decode::<Cleaned>("k", bytes).map(|_| ()),
            _ => decode::<rollcall_tally::KeptAnswer>("k", bytes).map(|_| ()),
        }
    }

    fn samples() -> Vec<(usize, Vec<u8>)> {
        let hit = Hit {
            ip: "2001:db8::1".parse().unwrap(),
            timestamp_ms: 1_800_000_000_000,
            method: "GET".to_owned(),
            path: "/users".to_owned(),
            status: Some(200),
            response_time_us: Some(12_500),
            bytes: None,
            country: Some("DE".to_owned()),
            user_agent: Some("curl/8".to_owned()),
        };
        let mut state = rollcall_tally::IpState::default();
        state.add(&hit, hit.timestamp_ms);
        let entry = Entry {
            version: 3,
            last_seen_ms: hit.timestamp_ms,
            hits: 1,
            bytes: 90,
        };
        let change = Change {
            of: Versioned::Ip(hit.ip),
            is_written: true,
            before: 2,
        };
        let plan = Plan {
            base: 2,
            changes: vec![change],
        };
        let page = Page([(hit.ip, entry)].into());
        let root = Root {
            k: 3,
            pages: vec![0, 3],
            open: [(1, 2)].into(),
            replaced: vec![Replaced { k: 3, since_ms: 9 }],
            ..Root::default()
        };
        let id = Some(BatchId::of("batch"));
        let kept = rollcall_tally::KeptAnswer {
            question: "top-paths".to_owned(),
            body: b"{}".to_vec(),
            computed_at_ms: hit.timestamp_ms,
            ttl_ms: 60_000,
        };
        let stamp_ms = hit.timestamp_ms;
        let lease = Lease {
            owner: 7,
            until_ms: stamp_ms,
        };
        let hits = vec![hit];
        vec![
            (0, encode("k", &Segment { id, stamp_ms, hits }).unwrap()),
            (1, encode("k", &root).unwrap()),
            (2, encode("k", &page).unwrap()),
            (3, encode("k", &state).unwrap()),
            (4, encode("k", &Mark::default()).unwrap()),
            (5, encode("k", &lease).unwrap()),
            (
                6,
                encode(
                    "k",
                    &Meta {
                        layout: 2,
                        pages: 256,
                    },
                )
                .unwrap(),
            ),
            (7, encode("k", &vec![BatchId::of("batch")]).unwrap()),
            (8, encode("k", &plan).unwrap()),
            (9, encode("k", &kept).unwrap()),
            (10, encode("k", &Cleaned::default()).unwrap()),
        ]
    }

    #[test]
    fn a_value_cut_short_or_too_long_or_of_another_version_is_an_error_that_names_its_key() {
        for (kind, bytes) in samples() {
            read(kind, &bytes).unwrap();
            let mut wrong: Vec<Vec<u8>> =
                (0..bytes.len()).map(|end| bytes[..end].to_vec()).collect();
            wrong.push([bytes.as_slice(), &[0]].concat());
            wrong.push([&[VERSION + 1], &bytes[1..]].concat());
            for bytes in wrong {
                let error = read(kind, &bytes).unwrap_err();
                assert!(
                    matches!(&error, LedgerError::Corrupt { key, .. } if key == "k"),
                    "{error}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_a_value_panic(kind in 0..11usize, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(kind, &bytes);
            let _ = read(kind, &[&[VERSION], bytes.as_slice()].concat());
        }

        #[test]
        fn no_flipped_byte_makes_reading_a_value_panic(sample in 0..11usize, at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let (kind, mut bytes) = samples().swap_remove(sample);
            let at = at.index(bytes.len());
            bytes[at] = to;
            let _ = read(kind, &bytes);
        }
    }
}

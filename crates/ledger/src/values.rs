//! Every stored value: postcard behind a version byte. A value of another version, or cut short, is an error that names its key.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rollcall_tally::{Drops, Hit, Traffic};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::LedgerError;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    // [`decode_stamp`] reads the first two fields.
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
    /// From when on a fold has something to delete, though nothing is pending.
    pub due_ms: Option<u64>,
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

/// `root:{k}`: first what the fold is about to write, then what it wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record {
    Plan(Vec<String>),
    Root(Box<Root>),
}

/// The record of one fold, from which everything is reached.
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
    /// Folds that replaced keys which queries may still read.
    pub(crate) replaced: BTreeMap<u64, Replaced>,
    /// Folds whose replaced keys are to be deleted once this root is confirmed.
    pub(crate) due: Vec<u64>,
    /// Further keys to delete then: left behind by folds that never committed.
    pub(crate) todo: Vec<String>,
    /// Fold numbers that never committed, and since when that is known. They may have left keys behind.
    pub(crate) void: BTreeMap<u64, u64>,
}

/// What is known of `replaced:{k}` without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    pub since_ms: u64,
    /// It lists more than an old root.
    pub is_work: bool,
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
}

/// As it is stored.
pub(crate) fn encode<T: Serialize>(key: &str, value: &T) -> Result<Vec<u8>, LedgerError> {
    postcard::to_extend(value, vec![VERSION]).map_err(|error| corrupt(key, &error.to_string()))
}

/// As it was stored.
pub(crate) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, LedgerError> {
    match postcard::take_from_bytes(content(key, bytes)?) {
        Ok((value, [])) => Ok(value),
        Ok((_, more)) => Err(corrupt(key, &format!("{} bytes too many", more.len()))),
        Err(error) => Err(corrupt(key, &error.to_string())),
    }
}

/// The stamp of a stored segment. What comes behind it, its hits, is not read.
pub(crate) fn decode_stamp(key: &str, bytes: &[u8]) -> Result<u64, LedgerError> {
    let head = postcard::take_from_bytes::<(Option<BatchId>, u64)>(content(key, bytes)?);
    let ((_, stamp_ms), _) = head.map_err(|error| corrupt(key, &error.to_string()))?;
    Ok(stamp_ms)
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
            0 => decode::<Segment>("k", bytes).map(|_| ()),
            1 => decode::<Record>("k", bytes).map(|_| ()),
            2 => decode::<Page>("k", bytes).map(|_| ()),
            3 => decode::<rollcall_tally::IpState>("k", bytes).map(|_| ()),
            4 => decode::<Mark>("k", bytes).map(|_| ()),
            5 => decode::<Lease>("k", bytes).map(|_| ()),
            6 => decode::<Meta>("k", bytes).map(|_| ()),
            7 => decode::<Vec<BatchId>>("k", bytes).map(|_| ()),
            8 => decode::<Vec<String>>("k", bytes).map(|_| ()),
            10 => decode::<u64>("k", bytes).map(|_| ()),
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
        };
        let page = Page([(hit.ip, entry)].into());
        let root = Root {
            k: 3,
            pages: vec![0, 3],
            open: [(1, 2)].into(),
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
            (1, encode("k", &Record::Root(Box::new(root))).unwrap()),
            (
                1,
                encode("k", &Record::Plan(vec!["page:1:3".to_owned()])).unwrap(),
            ),
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
            (8, encode("k", &vec!["ip:192.0.2.1:3"]).unwrap()),
            (9, encode("k", &kept).unwrap()),
            (10, encode("k", &300u64).unwrap()),
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
        fn no_flipped_byte_makes_reading_a_value_panic(sample in 0..12usize, at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let (kind, mut bytes) = samples().swap_remove(sample);
            let at = at.index(bytes.len());
            bytes[at] = to;
            let _ = read(kind, &bytes);
        }
    }
}

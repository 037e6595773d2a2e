//! `log:{n}`: one appended batch.

use std::net::IpAddr;

use rollcall_store::{Stored, value};
use rollcall_tally::hit::{HitRef, Measures, Repairs};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::counts::repairs;
use crate::LedgerError;

/// The id by which a batch is remembered.
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

/// `ids:{chunk}:{k}`: a chunk of the batch ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdList(pub Vec<BatchId>);

impl Stored for IdList {
    const SINCE: u8 = 4;
}

/// The oldest layout in which segments have these bytes.
const SINCE: u8 = 8;
/// The oldest layout that can be read. Up to layout 7, segments had no repairs.
const OLDEST: u8 = 4;

#[derive(Debug, Serialize)]
pub(crate) struct Segment<'h> {
    // [`SegmentReader`] reads these fields one by one.
    id: Option<BatchId>,
    stamp_ms: u64,
    #[serde(with = "super::counts::repairs")]
    repaired: Repairs,
    hits: Vec<Hit<'h>>,
}

impl<'h> Segment<'h> {
    /// `stamp_ms`: the time at which the number was taken, or later, by the writer's clock.
    pub fn new(
        id: Option<BatchId>,
        stamp_ms: u64,
        repaired: Repairs,
        hits: &'h [rollcall_tally::Hit],
    ) -> Self {
        Self {
            id,
            stamp_ms,
            repaired,
            hits: hits.iter().map(Hit::of).collect(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Hit<'h> {
    ip: IpAddr,
    timestamp_ms: u64,
    method: &'h str,
    path: &'h str,
    status: Option<u16>,
    response_time_us: Option<u64>,
    bytes: Option<u64>,
    #[serde(borrow)]
    country: Option<&'h str>,
    #[serde(borrow)]
    user_agent: Option<&'h str>,
}

impl<'h> Hit<'h> {
    fn of(hit: &'h rollcall_tally::Hit) -> Self {
        Self {
            ip: hit.ip,
            timestamp_ms: hit.timestamp_ms,
            method: &hit.method,
            path: &hit.path,
            status: hit.status,
            response_time_us: hit.response_time_us,
            bytes: hit.bytes,
            country: hit.country.as_deref(),
            user_agent: hit.user_agent.as_deref(),
        }
    }
}

impl<'h> From<Hit<'h>> for (IpAddr, HitRef<'h>) {
    fn from(hit: Hit<'h>) -> Self {
        let measures = Measures {
            status: hit.status,
            response_time_us: hit.response_time_us,
            bytes: hit.bytes,
        };
        let told = HitRef {
            timestamp_ms: hit.timestamp_ms,
            method: hit.method,
            path: hit.path,
            measures,
            country: hit.country,
            user_agent: hit.user_agent,
        };
        (hit.ip, told)
    }
}

/// Reads a stored segment piece by piece, because it may be as large as a request.
pub(crate) struct SegmentReader<'b> {
    key: &'b str,
    pub id: Option<BatchId>,
    pub stamp_ms: u64,
    pub repaired: Repairs,
    /// Hits that are not read yet.
    pub hits: u64,
    rest: &'b [u8],
}

impl<'b> SegmentReader<'b> {
    pub fn new(key: &'b str, bytes: &'b [u8]) -> Result<Self, LedgerError> {
        let rest = value::content(key, bytes, OLDEST)?;
        let ((id, stamp_ms), rest) = take(key, rest)?;
        let (repaired, rest) = match value::layout_of(key, bytes)? {
            SINCE.. => take::<repairs::Stored>(key, rest)?,
            _ => (repairs::Stored::default(), rest),
        };
        let (hits, rest) = take(key, rest)?;
        Ok(Self {
            key,
            id,
            stamp_ms,
            repaired: repaired.into(),
            hits,
            rest,
        })
    }

    /// The next hit and its IP. `None`: there are no more hits, and no more bytes.
    pub fn next(&mut self) -> Result<Option<(IpAddr, HitRef<'b>)>, LedgerError> {
        if self.hits == 0 {
            return match self.rest {
                [] => Ok(None),
                more => Err(corrupt(self.key, format!("{} bytes too many", more.len()))),
            };
        }
        let (hit, rest) = take::<Hit>(self.key, self.rest)?;
        self.hits -= 1;
        self.rest = rest;
        Ok(Some(hit.into()))
    }
}

/// A part of a segment, and the bytes behind it.
fn take<'b, T: Deserialize<'b>>(key: &str, bytes: &'b [u8]) -> Result<(T, &'b [u8]), LedgerError> {
    postcard::take_from_bytes(bytes).map_err(|error| corrupt(key, error.to_string()))
}

fn corrupt(key: &str, reason: String) -> LedgerError {
    let key = key.to_owned();
    LedgerError::Corrupt { key, reason }
}

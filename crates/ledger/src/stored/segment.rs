//! `log:{n}`: one appended batch.

use std::fmt;
use std::net::IpAddr;

use rollcall_store::{Stored, value};
use rollcall_tally::hit::{ByDimension, Dimension, HitRef, Measures, Repairs};
use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::counts::repairs;
use super::documents::DocumentChange;
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

/// The oldest layout that can be read. Up to layout 7, segments had no repairs. Up to layout 8,
/// hits told nothing by dimension, and no IP was erased. Up to layout 10, there were no documents.
const OLDEST: u8 = 4;
const WITH_REPAIRS: u8 = 8;
const WITH_DIMENSIONS: u8 = 9;
const WITH_DOCUMENTS: u8 = 11;

#[derive(Debug, Serialize)]
pub(crate) struct Segment<'h> {
    // [`SegmentReader`] reads these fields one by one.
    id: Option<BatchId>,
    stamp_ms: u64,
    #[serde(with = "super::counts::repairs")]
    repaired: Repairs,
    /// IPs that are erased. The hits come after it.
    pub(super) erased: &'h [IpAddr],
    pub(super) documents: &'h [DocumentChange],
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
            erased: &[],
            documents: &[],
            hits: hits.iter().map(Hit::of).collect(),
        }
    }

    /// A segment that erases IPs.
    pub fn erasing(erased: &'h [IpAddr], stamp_ms: u64) -> Self {
        Self {
            erased,
            ..Self::new(None, stamp_ms, Repairs::default(), &[])
        }
    }

    /// A segment that changes documents.
    pub fn changing(documents: &'h [DocumentChange], stamp_ms: u64) -> Self {
        Self {
            documents,
            ..Self::new(None, stamp_ms, Repairs::default(), &[])
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Hit<'h> {
    #[serde(borrow)]
    of_8: Hit8<'h>,
    #[serde(borrow)]
    told: Told<'h>,
}

/// A hit of layout 8.
#[derive(Debug, Serialize, Deserialize)]
struct Hit8<'h> {
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

/// All that a hit tells by dimension: the numbers of the dimensions, with their texts.
#[derive(Debug, Default)]
struct Told<'h>(ByDimension<Option<&'h str>>);

/// The dimensions that a hit may tell. A number in a segment is a place in this list.
const TOLD: [Dimension; 6] = [
    Dimension::Host,
    Dimension::Consumer,
    Dimension::Protocol,
    Dimension::Referrer,
    Dimension::Bot,
    // Since layout 11.
    Dimension::UserAgent,
];

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let told = (0u8..).zip(TOLD);
        let told = told.filter_map(|(number, dimension)| Some((number, (*self.0.get(dimension))?)));
        let count = told.clone().count();
        let mut list = to.serialize_seq(Some(count))?;
        for one in told {
            list.serialize_element(&one)?;
        }
        list.end()
    }
}

impl<'d: 'h, 'h> Deserialize<'d> for Told<'h> {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'d> Visitor<'d> for List {
            type Value = Told<'d>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("dimensions with their texts")
            }

            fn visit_seq<A: SeqAccess<'d>>(self, mut list: A) -> Result<Told<'d>, A::Error> {
                let mut told = Told::default();
                while let Some((number, text)) = list.next_element::<(u8, &'d str)>()? {
                    let dimension = TOLD.get(usize::from(number));
                    let unknown = || A::Error::custom(format!("dimension {number}"));
                    *told.0.get_mut(*dimension.ok_or_else(unknown)?) = Some(text);
                }
                Ok(told)
            }
        }
        from.deserialize_seq(List)
    }
}

impl<'h> Hit<'h> {
    fn of(hit: &'h rollcall_tally::Hit) -> Self {
        let HitRef { told, .. } = hit.as_hit_ref();
        Self {
            of_8: Hit8 {
                ip: hit.ip,
                timestamp_ms: hit.timestamp_ms,
                method: &hit.method,
                path: &hit.path,
                status: hit.status,
                response_time_us: hit.response_time_us,
                bytes: hit.bytes,
                country: hit.country.as_deref(),
                user_agent: hit.user_agent.as_deref(),
            },
            told: Told(told),
        }
    }
}

impl<'h> From<Hit<'h>> for (IpAddr, HitRef<'h>) {
    fn from(hit: Hit<'h>) -> Self {
        let (of_8, told) = (hit.of_8, hit.told.0);
        let measures = Measures {
            status: of_8.status,
            response_time_us: of_8.response_time_us,
            bytes: of_8.bytes,
        };
        let hit = HitRef {
            timestamp_ms: of_8.timestamp_ms,
            method: of_8.method,
            path: of_8.path,
            measures,
            country: of_8.country,
            user_agent: of_8.user_agent,
            told,
        };
        (of_8.ip, hit)
    }
}

/// Reads a stored segment piece by piece, because it may be as large as a request.
pub(crate) struct SegmentReader<'b> {
    key: &'b str,
    pub id: Option<BatchId>,
    pub stamp_ms: u64,
    pub repaired: Repairs,
    pub erased: Vec<IpAddr>,
    pub documents: Vec<DocumentChange>,
    /// Hits that are not read yet.
    pub hits: u64,
    /// The hits tell nothing by dimension.
    is_of_8: bool,
    rest: &'b [u8],
}

impl<'b> SegmentReader<'b> {
    pub fn new(key: &'b str, bytes: &'b [u8]) -> Result<Self, LedgerError> {
        let rest = value::content(key, bytes, OLDEST)?;
        let ((id, stamp_ms), rest) = take(key, rest)?;
        let layout = value::layout_of(key, bytes)?;
        let (repaired, rest) = match layout {
            WITH_REPAIRS.. => take::<repairs::Stored>(key, rest)?,
            _ => (repairs::Stored::default(), rest),
        };
        let (erased, rest) = match layout {
            WITH_DIMENSIONS.. => take(key, rest)?,
            _ => (Vec::new(), rest),
        };
        let (documents, rest) = match layout {
            WITH_DOCUMENTS.. => take(key, rest)?,
            _ => (Vec::new(), rest),
        };
        let (hits, rest) = take(key, rest)?;
        Ok(Self {
            key,
            id,
            stamp_ms,
            repaired: repaired.into(),
            erased,
            documents,
            hits,
            is_of_8: layout < WITH_DIMENSIONS,
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
        let (hit, rest) = if self.is_of_8 {
            let (of_8, rest) = take(self.key, self.rest)?;
            let told = Told::default();
            (Hit { of_8, told }, rest)
        } else {
            take(self.key, self.rest)?
        };
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

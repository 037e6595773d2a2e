//! Rollcall's own JSON: the object of one hit.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::flaw::Flaw;
use super::values::{BYTES_UNUSABLE, RESPONSE_TIME_UNUSABLE_US, STATUS_UNUSABLE};
use rollcall_tally::hit::{Dimension, Hit, RawHit};

/// The largest integer that a double holds exactly. A JSON number may have been a double on its
/// way.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// serde_json ends its messages with a line and a column.
pub(super) fn without_position(error: &serde_json::Error) -> String {
    let mut message = error.to_string();
    if let Some(end) = message.rfind(" at line ") {
        message.truncate(end);
    }
    message
}

/// Reads one object, which `text` starts with.
pub(super) fn read_hit(text: &str) -> Result<RawHit, Flaw> {
    read_hit_of(None, text)
}

/// The same. If the object has no address, the hit is the sender's.
pub(super) fn read_hit_of(sender: Option<IpAddr>, text: &str) -> Result<RawHit, Flaw> {
    // A derived struct would also be read from an array, by position.
    if !text.starts_with('{') {
        return Err(Flaw::unreadable("expected an object"));
    }
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| flaw(&error))?;
    fields.into_raw(sender)
}

/// The flaw of a line that is not JSON.
pub(super) fn flaw(error: &serde_json::Error) -> Flaw {
    let reason = without_position(error);
    Flaw::unreadable(format!("{reason} at column {}", error.column()))
}

/// The names of the fields of a hit.
pub(super) const FIELDS: [&str; 13] = [
    "ip",
    "method",
    "path",
    "timestamp",
    "status",
    "responseTimeMs",
    "bytes",
    "country",
    "userAgent",
    "host",
    "consumer",
    "protocol",
    "referrer",
];

/// The fields of a hit, with values of any type. The check of each field names its expected type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow, default)]
    ip: Field<'a>,
    #[serde(borrow, default)]
    method: Field<'a>,
    #[serde(borrow, default)]
    path: Field<'a>,
    #[serde(borrow, default)]
    timestamp: Field<'a>,
    #[serde(borrow, default)]
    status: Field<'a>,
    #[serde(borrow, default)]
    response_time_ms: Field<'a>,
    #[serde(borrow, default)]
    bytes: Field<'a>,
    #[serde(borrow, default)]
    country: Field<'a>,
    #[serde(borrow, default)]
    user_agent: Field<'a>,
    #[serde(borrow, default)]
    host: Field<'a>,
    #[serde(borrow, default)]
    consumer: Field<'a>,
    #[serde(borrow, default)]
    protocol: Field<'a>,
    #[serde(borrow, default)]
    referrer: Field<'a>,
}

impl Fields<'_> {
    /// Only the address and the time can refuse a hit.
    fn into_raw(self, sender: Option<IpAddr>) -> Result<RawHit, Flaw> {
        Ok(RawHit {
            ip: match (self.ip, sender) {
                (Field::Missing, Some(sender)) => sender.to_string(),
                (ip, _) => ip.address()?,
            },
            method: self.method.text().unwrap_or_default(),
            path: self.path.text().unwrap_or_default(),
            timestamp_ms: self.timestamp.timestamp_ms("timestamp")?,
            status: self
                .status
                .integer()
                .map(|status| u16::try_from(status).unwrap_or(STATUS_UNUSABLE)),
            response_time_us: self.response_time_ms.microseconds(),
            bytes: self.bytes.integer(),
            country: self.country.text(),
            user_agent: self.user_agent.text(),
            host: self.host.text(),
            consumer: self.consumer.text(),
            protocol: self.protocol.text(),
            referrer: self.referrer.text(),
        })
    }
}

/// The value of a field.
#[derive(Default)]
enum Field<'a> {
    /// The field is absent or `null`.
    #[default]
    Missing,
    /// A number that is not negative and has no fraction. `200.0` is one.
    Integer(u64),
    /// Any other number.
    Number(f64),
    Text(Cow<'a, str>),
    /// A boolean, an array or an object. No field takes these.
    Other,
}

impl Field<'_> {
    fn address(self) -> Result<String, Flaw> {
        match self {
            Self::Missing => Err(Flaw::of("ip", "missing")),
            Self::Text(text) => Ok(text.into_owned()),
            _ => Err(Flaw::of("ip", "expected a string")),
        }
    }

    /// A value of another type is an empty text: unknown.
    fn text(self) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(text.into_owned()),
            _ => Some(String::new()),
        }
    }

    /// A value of another type is out of range: unknown.
    fn integer(self) -> Option<u64> {
        match self {
            Self::Missing => None,
            Self::Integer(number) => Some(number),
            _ => Some(BYTES_UNUSABLE),
        }
    }

    /// A value of another type is out of range: unknown.
    fn microseconds(self) -> Option<u64> {
        match self {
            Self::Missing => None,
            Self::Integer(ms) => Some(ms.saturating_mul(1_000)),
            // The cast saturates.
            Self::Number(ms) if ms >= 0.0 => Some((ms * 1_000.0).round() as u64),
            _ => Some(RESPONSE_TIME_UNUSABLE_US),
        }
    }

    fn timestamp_ms(self, name: &'static str) -> Result<Option<u64>, Flaw> {
        const EXPECTED: &str = "expected a time of RFC 3339 or milliseconds since 1970, an integer";
        let ms = match self {
            Self::Missing => return Ok(None),
            Self::Integer(ms) => return Ok(Some(ms)),
            Self::Number(ms) if ms < 0.0 => None,
            Self::Text(text) => {
                let time: Timestamp = text.parse().map_err(|_| Flaw::of(name, EXPECTED))?;
                u64::try_from(time.as_millisecond()).ok()
            }
            Self::Number(_) | Self::Other => return Err(Flaw::of(name, EXPECTED)),
        };
        ms.map(Some).ok_or_else(|| Flaw::of(name, "before 1970"))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Missing)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Field::Integer(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Field::Number(value as f64), Field::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        let is_integer = value.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&value);
        Ok(if is_integer {
            Field::Integer(value as u64)
        } else {
            Field::Number(value)
        })
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}

/// Writes a hit in the form that [`super::read`] reads, on one line, without the end of the line.
///
/// # Errors
/// Those of the writer.
pub fn write_json(hit: &Hit, writer: impl io::Write) -> io::Result<()> {
    let written = Written {
        ip: hit.ip,
        method: &hit.method,
        path: &hit.path,
        timestamp: hit.timestamp_ms,
        status: hit.status,
        response_time_ms: hit.response_time_us.map(|us| us as f64 / 1_000.0),
        bytes: hit.bytes,
        country: hit.country.as_deref(),
        user_agent: hit.user_agent.as_deref(),
        host: hit.told.get(Dimension::Host).as_deref(),
        consumer: hit.told.get(Dimension::Consumer).as_deref(),
        protocol: hit.told.get(Dimension::Protocol).as_deref(),
        referrer: hit.told.get(Dimension::Referrer).as_deref(),
    };
    Ok(serde_json::to_writer(writer, &written)?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    ip: IpAddr,
    method: &'a str,
    path: &'a str,
    timestamp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<&'a str>,
}

//! Which field of a log is which field of a hit: a small language.
//!
//! `ip=remote_addr,path=request_uri,time=ts:s,duration=request_time:s`
//!
//! - **Targets**: `ip`, `time`, `method`, `path`, `request` (method, target and protocol in one),
//!   `status`, `duration`, `bytes`, `country`, `agent`, `host`, `consumer`, `protocol`, `referrer`.
//!   `ip` is required.
//! - **Sources**: the name of a field. `request.uri` is a field of a nested object. A number is the
//!   place in a list, from 0. If there are several names, separated by `|`, the first that has a
//!   value counts. Names with `+` between them are joined, with a space. In a line of text, a source
//!   is the number of a column, from 1. Columns are separated by spaces or tabs. A quoted column is
//!   one, and so is one in brackets. Text of a caller may have quotes. So its columns should be the
//!   last ones.
//! - **Units**, for `duration` and `time`: `:s`, `:ms`, `:us`, `:ns`. `duration` needs one. A time
//!   without a unit is told by its size. A time that is text is RFC 3339, or as in
//!   `17/May/2015:10:05:03 +0000`. Without a zone, the second is UTC.
//!
//! A number may be written as text.

use std::borrow::Cow;
use std::str::FromStr;

use super::flaw::Flaw;
use super::quoting;
use super::tree::Tree;
use super::values::{self, BYTES_UNUSABLE, RESPONSE_TIME_UNUSABLE_US, STATUS_UNUSABLE};
use rollcall_tally::hit::RawHit;

/// The most characters of a map, as a user writes it.
const MAP_BYTES_MAX: usize = 4_096;

/// Where each field of a hit comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldMap {
    ip: Source,
    time: Source,
    method: Source,
    path: Source,
    request: Source,
    status: Source,
    duration: Source,
    bytes: Source,
    country: Source,
    agent: Source,
    host: Source,
    consumer: Source,
    protocol: Source,
    referrer: Source,
}

/// The names that a field may have. None of them: the field is not in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Source {
    names: Vec<String>,
    unit: Option<Unit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// Why a text is no map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFieldMap {
    #[error("longer than {MAP_BYTES_MAX} bytes")]
    TooLong,
    #[error("`{0}`: expected target=source")]
    NoSource(String),
    #[error(
        "`{0}` is no target: expected ip, time, method, path, request, status, duration, bytes, \
         country, agent, host, consumer, protocol or referrer"
    )]
    UnknownTarget(String),
    #[error("`{0}` is given twice")]
    Twice(String),
    #[error("`{0}`: a name is empty")]
    EmptyName(String),
    #[error("duration needs a unit: :s, :ms, :us or :ns")]
    NoUnit,
    #[error("`{0}` takes no unit")]
    NeedlessUnit(String),
    #[error("no source for ip")]
    NoIp,
}

impl FromStr for FieldMap {
    type Err = BadFieldMap;

    fn from_str(text: &str) -> Result<Self, BadFieldMap> {
        if text.len() > MAP_BYTES_MAX {
            return Err(BadFieldMap::TooLong);
        }
        let mut map = Self::default();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            map.add(part)?;
        }
        if map.ip.names.is_empty() {
            return Err(BadFieldMap::NoIp);
        }
        Ok(map)
    }
}

impl FieldMap {
    fn add(&mut self, part: &str) -> Result<(), BadFieldMap> {
        let (target, source) = part
            .split_once('=')
            .ok_or_else(|| BadFieldMap::NoSource(part.to_owned()))?;
        let target = target.trim();
        let place = self
            .place(target)
            .ok_or_else(|| BadFieldMap::UnknownTarget(target.to_owned()))?;
        if !place.names.is_empty() {
            return Err(BadFieldMap::Twice(target.to_owned()));
        }
        let source = read_source(source.trim(), part)?;
        match (target, source.unit) {
            ("duration", None) => return Err(BadFieldMap::NoUnit),
            ("duration" | "time", _) | (_, None) => *place = source,
            (_, Some(_)) => return Err(BadFieldMap::NeedlessUnit(target.to_owned())),
        }
        Ok(())
    }

    fn place(&mut self, target: &str) -> Option<&mut Source> {
        Some(match target {
            "ip" => &mut self.ip,
            "time" => &mut self.time,
            "method" => &mut self.method,
            "path" => &mut self.path,
            "request" => &mut self.request,
            "status" => &mut self.status,
            "duration" => &mut self.duration,
            "bytes" => &mut self.bytes,
            "country" => &mut self.country,
            "agent" => &mut self.agent,
            "host" => &mut self.host,
            "consumer" => &mut self.consumer,
            "protocol" => &mut self.protocol,
            "referrer" => &mut self.referrer,
            _ => return None,
        })
    }

    /// Reads a line of text. It has numbers of columns as names.
    pub(super) fn read_columns(&self, line: &str) -> Result<RawHit, Flaw> {
        self.read(&Columns(quoting::columns(line)))
    }

    /// Reads the hit of a record.
    pub(super) fn read(&self, record: &impl Record) -> Result<RawHit, Flaw> {
        let ip = self.ip.value(record);
        let ip = ip.ok_or_else(|| Flaw::of("ip", "missing"))?.into_text();
        let timestamp_ms = self.read_time(record)?;
        let request = self.request.text(record).unwrap_or_default();
        let of_request = values::split_request(&request).as_hit();
        Ok(RawHit {
            ip,
            method: self.method.text(record).unwrap_or(of_request.method),
            path: self.path.text(record).unwrap_or(of_request.path),
            protocol: self.protocol.text(record).or(of_request.protocol),
            timestamp_ms: Some(timestamp_ms),
            status: self.status.value(record).map(|value| value.status()),
            response_time_us: self.duration.duration_us(record),
            bytes: self.bytes.value(record).map(|value| value.bytes()),
            country: self.country.text(record),
            user_agent: self.agent.text(record),
            host: self.host.text(record),
            consumer: self.consumer.text(record),
            referrer: self.referrer.text(record),
        })
    }

    fn read_time(&self, record: &impl Record) -> Result<u64, Flaw> {
        const EXPECTED: &str = "expected a time of RFC 3339, or a number since 1970";
        let value = self.time.value(record);
        let value = value.ok_or_else(|| Flaw::of("timestamp", "missing"))?;
        let ms = value.time_ms(self.time.unit);
        let ms = ms.ok_or_else(|| Flaw::of("timestamp", EXPECTED))?;
        u64::try_from(ms).map_err(|_| Flaw::of("timestamp", "before 1970"))
    }
}

fn read_source(text: &str, part: &str) -> Result<Source, BadFieldMap> {
    let (names, unit) = match text.rsplit_once(':') {
        Some((names, unit)) => match Unit::from_name(unit) {
            Some(unit) => (names, Some(unit)),
            None => (text, None),
        },
        None => (text, None),
    };
    let names: Vec<_> = names
        .split('|')
        .map(|name| name.trim().to_owned())
        .collect();
    if names.iter().any(String::is_empty) {
        return Err(BadFieldMap::EmptyName(part.to_owned()));
    }
    Ok(Source { names, unit })
}

impl Unit {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "s" => Self::Seconds,
            "ms" => Self::Milliseconds,
            "us" | "µs" => Self::Microseconds,
            "ns" => Self::Nanoseconds,
            _ => return None,
        })
    }

    fn microseconds(self) -> f64 {
        match self {
            Self::Seconds => 1e6,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1.0,
            Self::Nanoseconds => 1e-3,
        }
    }

    /// The unit of a time since 1970, between 1973 and 5138.
    fn of_time(time: f64) -> Self {
        match time {
            ..1e11 => Self::Seconds,
            ..1e14 => Self::Milliseconds,
            ..1e17 => Self::Microseconds,
            _ => Self::Nanoseconds,
        }
    }
}

impl Source {
    /// The value of the first name that has one. Empty text, `-` and `null` are none.
    fn value<'r>(&self, record: &'r impl Record) -> Option<Value<'r>> {
        let mut names = self.names.iter();
        names.find_map(|name| joined(name, record).filter(Value::is_given))
    }

    fn text(&self, record: &impl Record) -> Option<String> {
        Some(self.value(record)?.into_text())
    }

    fn duration_us(&self, record: &impl Record) -> Option<u64> {
        let value = self.value(record)?;
        let unit = self.unit.unwrap_or(Unit::Seconds);
        Some(match value.duration(unit) {
            Some((time, unit)) => values::scaled_us(time, unit.microseconds()),
            None => RESPONSE_TIME_UNUSABLE_US,
        })
    }
}

fn joined<'r>(name: &str, record: &'r impl Record) -> Option<Value<'r>> {
    let found = record.value(name);
    let Some((first, rest)) = name.split_once('+').filter(|_| found.is_none()) else {
        return found;
    };
    let first = record.value(first)?.into_text();
    let rest = joined(rest, record)?.into_text();
    Some(Value::Text(format!("{first} {rest}").into()))
}

/// A line whose fields have names or numbers.
pub(super) trait Record {
    fn value(&self, name: &str) -> Option<Value<'_>>;
}

/// The value of a field.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Integer(u64),
    Number(f64),
    Text(Cow<'a, str>),
}

impl Record for Tree<'_> {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        value_of(self.find(name)?)
    }
}

fn value_of<'t>(tree: &'t Tree<'_>) -> Option<Value<'t>> {
    Some(match tree {
        Tree::Integer(number) => Value::Integer(*number),
        Tree::Number(number) => Value::Number(*number),
        Tree::Text(text) => Value::Text(Cow::Borrowed(text)),
        // A header that was sent more than once.
        Tree::List(elements) => {
            let texts = elements.iter().filter_map(value_of).map(Value::into_text);
            Value::Text(texts.collect::<Vec<_>>().join(", ").into())
        }
        Tree::Nothing | Tree::Object(_) => return None,
    })
}

/// The columns of a line of text. Their names are numbers from 1.
struct Columns<'a>(Vec<Cow<'a, str>>);

impl Record for Columns<'_> {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        let place = name.parse::<usize>().ok()?.checked_sub(1)?;
        self.0
            .get(place)
            .map(|text| Value::Text(Cow::Borrowed(text)))
    }
}

impl Value<'_> {
    fn is_given(&self) -> bool {
        !matches!(self, Self::Text(text) if values::is_none(text))
    }

    fn into_text(self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.into_owned(),
        }
    }

    /// A number without a fraction. `200.0` is one.
    fn integer(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Number(number) if number.fract() == 0.0 && *number >= 0.0 => Some(*number as u64),
            Self::Number(_) => None,
            Self::Text(text) => values::unsigned(text),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(text) => values::decimal(text),
        }
    }

    fn status(&self) -> u16 {
        let status = self.integer().and_then(|status| status.try_into().ok());
        status.unwrap_or(STATUS_UNUSABLE)
    }

    fn bytes(&self) -> u64 {
        self.integer().unwrap_or(BYTES_UNUSABLE)
    }

    /// A number and its unit. Text may end with a unit, as in `0.123s`.
    fn duration(&self, unit: Unit) -> Option<(f64, Unit)> {
        if let Some(number) = self.number() {
            return Some((number, unit));
        }
        let Self::Text(text) = self else { return None };
        let end = text.find(|char: char| char.is_alphabetic())?;
        let (number, name) = text.split_at_checked(end)?;
        Some((values::decimal(number)?, Unit::from_name(name)?))
    }

    /// Milliseconds since 1970.
    fn time_ms(&self, unit: Option<Unit>) -> Option<i64> {
        let Some(number) = self.number() else {
            let Self::Text(text) = self else { return None };
            return values::time_ms(text).or_else(|| values::utc_log_time_ms(text));
        };
        let unit = unit.unwrap_or_else(|| Unit::of_time(number));
        // The cast saturates.
        Some((number * unit.microseconds() / 1e3).round() as i64)
    }
}

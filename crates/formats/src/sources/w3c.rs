//! W3C Extended Log Format: CloudFront, IIS and others.
//!
//! A line `#Fields:` names the columns of the lines behind it, until the next such line. `#Date:` is
//! the date of lines that have only a time. Other lines with `#` say nothing about hits.
//!
//! CloudFront separates columns with tabs, and escapes the user agent as in a URL. IIS separates them
//! with spaces, and writes a space in a user agent as `+`. `time-taken` is in seconds in a log of
//! CloudFront, and in milliseconds in one of IIS. Others write columns with spaces in quotes, and a
//! quote in such a column twice.

use std::borrow::Cow;
use std::iter;

use percent_encoding::percent_decode_str;

use crate::flaw::Flaw;
use crate::line_format::{LineFormat, Reader};
use crate::map::{FieldMap, Record, Value};
use rollcall_tally::hit::RawHit;

pub(crate) const FORMAT: LineFormat = LineFormat {
    name: "w3c",
    aliases: &["cloudfront", "iis"],
    title: "W3C Extended Log Format (CloudFront, IIS)",
    reader: Reader::Fields,
};

const MAP: &str = "ip=c-ip,time=date+time,method=cs-method,path=cs-uri-stem|cs-uri,\
                   status=sc-status,bytes=sc-bytes,agent=cs(User-Agent),\
                   host=x-host-header|cs(Host)|cs-host,\
                   protocol=cs-protocol-version|cs-version,referrer=cs(Referer),\
                   duration=time-taken";
/// The most columns of a line.
const COLUMNS_MAX: usize = 256;

/// What lines with `#` said.
#[derive(Default)]
pub(crate) struct Directives {
    fields: Option<Fields>,
    date: Option<String>,
}

struct Fields {
    names: Vec<String>,
    map: FieldMap,
}

impl Directives {
    /// Reads a line that begins with `#`.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(names) = line.strip_prefix("#Fields:") {
            self.fields = Fields::new(names);
        } else if let Some(date) = line.strip_prefix("#Date:") {
            let date = date.split_ascii_whitespace().next();
            self.date = date.map(str::to_owned);
        }
    }

    /// The hit of a line. None if no columns were named.
    pub(crate) fn read_hit(&self, line: &str) -> Option<Result<RawHit, Flaw>> {
        let fields = self.fields.as_ref()?;
        Some(self.read_row(fields, line))
    }

    fn read_row(&self, fields: &Fields, line: &str) -> Result<RawHit, Flaw> {
        let is_tabbed = line.contains('\t');
        let separator = if is_tabbed { '\t' } else { ' ' };
        let mut columns: Vec<_> = line.split(separator).take(COLUMNS_MAX + 1).collect();
        let count = fields.names.len();
        // The quotes of IIS are text: it writes no column with spaces.
        let is_quoted = columns.len() != count && !is_tabbed;
        if is_quoted {
            columns = quoted_columns(line).take(COLUMNS_MAX + 1).collect();
        }
        if columns.len() != count {
            return Err(Flaw::unreadable(format!(
                "expected {count} columns, as in #Fields"
            )));
        }
        let mut hit = fields.map.read(&Row {
            names: &fields.names,
            columns,
            date: self.date.as_deref(),
        })?;
        if !is_quoted {
            hit.user_agent = hit.user_agent.map(|agent| decode(&agent, is_tabbed));
        }
        Ok(hit)
    }
}

impl Fields {
    fn new(names: &str) -> Option<Self> {
        let names = names.split_ascii_whitespace().take(COLUMNS_MAX);
        let names: Vec<_> = names.map(str::to_owned).collect();
        let is_cloudfront = names.iter().any(|name| name.starts_with("x-edge-"));
        let unit = if is_cloudfront { ":s" } else { ":ms" };
        let map = format!("{MAP}{unit}").parse().ok()?;
        Some(Self { names, map })
    }
}

/// A user agent as the caller sent it.
fn decode(agent: &str, is_url_encoded: bool) -> String {
    if is_url_encoded {
        percent_decode_str(agent).decode_utf8_lossy().into_owned()
    } else {
        agent.replace('+', " ")
    }
}

/// Columns between spaces. A column in quotes may have spaces.
fn quoted_columns(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    iter::from_fn(move || {
        let text = rest.trim_start_matches(' ');
        let mut is_open = false;
        // A quote that is written twice opens what it has closed.
        let is_end = |byte: u8| {
            is_open ^= byte == b'"';
            byte == b' ' && !is_open
        };
        let end = match text.starts_with('"') {
            true => text.bytes().position(is_end),
            false => text.find(' '),
        };
        let (column, behind) = text.split_at_checked(end.unwrap_or(text.len()))?;
        rest = behind;
        (!column.is_empty()).then_some(column)
    })
}

/// A column without the quotes around it.
fn unquoted(column: &str) -> Cow<'_, str> {
    let inside = column
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inside {
        Some(inside) => inside.replace("\"\"", "\"").into(),
        None => column.into(),
    }
}

/// The columns of a line, under the names of `#Fields`.
struct Row<'a> {
    names: &'a [String],
    columns: Vec<&'a str>,
    date: Option<&'a str>,
}

impl Record for Row<'_> {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        let place = self.names.iter().position(|known| known == name);
        let column = place.and_then(|place| self.columns.get(place).copied());
        let column = column.or_else(|| self.date.filter(|_| name == "date"))?;
        Some(Value::Text(unquoted(column)))
    }
}

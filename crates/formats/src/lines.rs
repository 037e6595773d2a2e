//! Reads the lines of a body, each on its own.

use std::borrow::Cow;
use std::iter;

use memchr::memchr;

use super::contents::{Intake, IntakeError};
use super::context::Context;
use super::flaw::Flaw;
use super::line_format::{LineFormat, Reader};
use super::map::FieldMap;
use super::object::{self, ObjectReader};
use super::sources::w3c::Directives;
use super::table::LINE_FORMATS;
use super::{access_log, prefix};
use rollcall_tally::hit::RawHit;
use serde::Deserialize;

/// A file may begin with it. A body may be several files.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Which formats the lines may have.
#[derive(Clone, Copy)]
pub(super) enum Lines<'a> {
    /// Any format: text or JSON.
    Any,
    /// JSON of any format.
    Json,
    AccessLog,
    /// This format only.
    Of(&'static LineFormat),
    /// Fields that a user has named.
    Mapped(&'a FieldMap),
}

/// Reads every line. `number` in a refusal is that of the line.
pub(super) fn read_lines(
    body: &[u8],
    lines: Lines,
    context: Context<'_>,
) -> Result<Intake, IntakeError> {
    let mut intake = Intake::default();
    for_each_hit(body, lines, |number, raw| intake.take(number, raw, context))?;
    Ok(intake)
}

/// Gives each hit with the number of its line, until `take` gives an error.
pub(super) fn for_each_hit<E>(
    body: &[u8],
    lines: Lines<'_>,
    mut take: impl FnMut(u64, Result<RawHit, Flaw>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = LineReader::new(lines);
    for (number, line) in (1..).zip(split_lines(body)) {
        let line = without_hole(line.strip_prefix(BOM).unwrap_or(line)).trim_ascii();
        if is_frame(line) {
            continue;
        }
        if let Some(raw) = reader.read(&decode(line)).transpose() {
            take(number, raw)?;
        }
    }
    Ok(())
}

fn split_lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(body);
    iter::from_fn(move || {
        let text = rest?;
        let end = memchr(b'\n', text).unwrap_or(text.len());
        rest = text.get(end + 1..);
        text.get(..end)
    })
}

/// The text of a line. Bytes that are not UTF-8 are replaced.
fn decode(line: &[u8]) -> Cow<'_, str> {
    // The lossy conversion alone is slow.
    str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed)
}

/// The line without the zero bytes before it. They are there if a file was cut while a server still
/// wrote to it.
fn without_hole(line: &[u8]) -> &[u8] {
    let zeros = line.iter().take_while(|byte| **byte == 0).count();
    match line.split_at_checked(zeros) {
        Some((_, rest)) if !rest.is_empty() => rest,
        _ => line,
    }
}

/// Whether a line holds no hit: it is empty, or a bracket or comma of an array that is written one
/// object a line.
fn is_frame(line: &[u8]) -> bool {
    matches!(line, b"" | b"[" | b"]" | b"," | b"],")
}

/// Reads lines one after the other. It remembers what earlier lines said about later ones.
struct LineReader<'a> {
    lines: Lines<'a>,
    /// The map of the one format that the lines have.
    map: Option<FieldMap>,
    objects: ObjectReader,
    directives: Directives,
    /// The streams of a container whose last line was cut.
    cut: [bool; 2],
}

impl<'a> LineReader<'a> {
    fn new(lines: Lines<'a>) -> Self {
        let map = match lines {
            Lines::Of(format) => format.map(),
            _ => None,
        };
        Self {
            lines,
            map,
            objects: ObjectReader::default(),
            directives: Directives::default(),
            cut: [false; 2],
        }
    }

    /// The hit of a line. None if the line holds none, and none was expected.
    fn read(&mut self, line: &str) -> Result<Option<RawHit>, Flaw> {
        if let Some((stream, is_cut)) = prefix::piece(line) {
            let [out, err] = &mut self.cut;
            let cut = if stream == "stdout" { out } else { err };
            // A caller may choose where the rest begins, so it may look like a line of another.
            if std::mem::replace(cut, is_cut) {
                return Err(Flaw::unreadable("the rest of a line that was cut"));
            }
        }
        if let Some(log) = docker_log(line) {
            return self.read_text(self.without_prefix(log.trim_ascii()));
        }
        self.read_text(self.without_prefix(line))
    }

    /// The columns of a map are counted in the line as it stands: they may look like a prefix.
    fn without_prefix<'l>(&self, line: &'l str) -> &'l str {
        let stripped = prefix::strip(line);
        match self.lines {
            Lines::Mapped(_) if !stripped.starts_with('{') => line,
            _ => stripped,
        }
    }

    fn read_text(&mut self, line: &str) -> Result<Option<RawHit>, Flaw> {
        if line.starts_with('#') && !matches!(self.lines, Lines::Json | Lines::Mapped(_)) {
            self.directives.read(line);
            return Ok(None);
        }
        let hit = match self.lines {
            Lines::Json => self.objects.read(line),
            Lines::Any => self.read_any(line),
            Lines::AccessLog => access_log::read_hit(line),
            Lines::Mapped(map) => read_mapped(map, line),
            Lines::Of(format) => self.read_format(format, line),
        };
        hit.map(Some)
    }

    fn read_format(&mut self, format: &'static LineFormat, line: &str) -> Result<RawHit, Flaw> {
        match (&format.reader, &self.map) {
            (Reader::Text { read, .. }, _) => read(line),
            (Reader::Fields, _) => self.read_columns(line),
            (Reader::Map { .. }, Some(map)) => object::read_mapped(line, map),
            (Reader::Map { .. } | Reader::Own, _) => self.objects.read(line),
        }
    }

    fn read_columns(&self, line: &str) -> Result<RawHit, Flaw> {
        let hit = self.directives.read_hit(line);
        hit.unwrap_or_else(|| Err(Flaw::unreadable("no line #Fields: before this line")))
    }

    fn read_any(&mut self, line: &str) -> Result<RawHit, Flaw> {
        if line.starts_with('{') {
            return self.objects.read(line);
        }
        if let Some(Ok(hit)) = self.directives.read_hit(line) {
            return Ok(hit);
        }
        if prefix::is_plain(line) {
            return access_log::read_hit(line);
        }
        if is_dated(line) {
            return self.read_columns(line);
        }
        let mut formats = LINE_FORMATS.iter();
        let read = formats.find_map(|format| format.read_text(line));
        read.unwrap_or_else(|| Err(Flaw::unreadable("not a line of a known format")))
    }
}

/// Whether a line begins with a date and a separator, as lines of W3C do.
fn is_dated(line: &str) -> bool {
    matches!(
        line.as_bytes(),
        [_, _, _, _, b'-', _, _, b'-', _, _, b' ' | b'\t', ..]
    )
}

/// The line that Docker's driver `json-file` has put into an object.
fn docker_log(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Wrapped {
        log: String,
        #[serde(rename = "stream")]
        _stream: String,
    }
    let is_wrapped = line.starts_with(r#"{"log":"#);
    let wrapped: Wrapped = is_wrapped.then(|| serde_json::from_str(line).ok())??;
    Some(wrapped.log)
}

/// Reads a JSON object, or columns.
fn read_mapped(map: &FieldMap, line: &str) -> Result<RawHit, Flaw> {
    match line.starts_with('{') {
        true => object::read_mapped(line, map),
        false => map.read_columns(line),
    }
}

impl LineFormat {
    /// None if the line is not of this format. Each format is known by the beginning of a line,
    /// where no text of a caller is.
    fn read_text(&self, line: &str) -> Option<Result<RawHit, Flaw>> {
        match self.reader {
            Reader::Text { recognises, read } => recognises(line).then(|| read(line)),
            _ => None,
        }
    }
}

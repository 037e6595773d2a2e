//! Reads the lines of a body, each on its own.

use super::contents::{Context, Intake, IntakeError};
use super::flaw::Flaw;
use super::line_format::{LINE_FORMATS, LineFormat, Reader};
use super::map::FieldMap;
use super::object::{self, ObjectReader};
use super::{access_log, prefix};
use rollcall_tally::hit::RawHit;

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
    let body = body.strip_prefix(BOM).unwrap_or(body);
    for (number, line) in (1..).zip(body.split(|&byte| byte == b'\n')) {
        let line = line.trim_ascii();
        if is_frame(line) {
            continue;
        }
        if let Some(raw) = reader.read(&String::from_utf8_lossy(line)).transpose() {
            take(number, raw)?;
        }
    }
    Ok(())
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
    /// The format of the last text that was read. It is tried first.
    last: Option<&'static LineFormat>,
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
            last: None,
        }
    }

    /// The hit of a line. None if the line holds none, and none was expected.
    fn read(&mut self, line: &str) -> Result<Option<RawHit>, Flaw> {
        let hit = match self.lines {
            Lines::Json => self.objects.read(line),
            Lines::Any if line.starts_with('{') => self.objects.read(line),
            Lines::Any => self.read_text(prefix::strip(line)),
            Lines::AccessLog => access_log::read_hit(prefix::strip(line)),
            Lines::Mapped(map) => map.read_line(prefix::strip(line)),
            Lines::Of(format) => self.read_format(format, prefix::strip(line)),
        };
        hit.map(Some)
    }

    fn read_format(&mut self, format: &'static LineFormat, line: &str) -> Result<RawHit, Flaw> {
        match (&format.reader, &self.map) {
            (Reader::Text { read, .. }, _) => read(line),
            (Reader::Map { .. }, Some(map)) => object::read_mapped(line, map),
            (Reader::Map { .. } | Reader::Own, _) => self.objects.read(line),
        }
    }

    fn read_text(&mut self, line: &str) -> Result<RawHit, Flaw> {
        if line.starts_with('{') {
            return self.objects.read(line);
        }
        if let Some(Ok(hit)) = self.last.and_then(|format| format.read_text(line)) {
            return Ok(hit);
        }
        let mut flaw = Flaw::unreadable("not a line of a known format");
        for format in LINE_FORMATS {
            match format.read_text(line) {
                Some(Ok(hit)) => {
                    self.last = Some(format);
                    return Ok(hit);
                }
                Some(Err(error)) => flaw = error,
                None => {}
            }
        }
        Err(flaw)
    }
}

impl LineFormat {
    /// None if the line is not of this format.
    fn read_text(&self, line: &str) -> Option<Result<RawHit, Flaw>> {
        match self.reader {
            Reader::Text { recognises, read } => recognises(line).then(|| read(line)),
            _ => None,
        }
    }
}

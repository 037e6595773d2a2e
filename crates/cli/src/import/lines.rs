//! Cuts bytes into lines, in bounded memory.
//!
//! Damage costs only itself. A line that is too long is skipped. NUL bytes are skipped together with
//! the text before them in their line: a gateway that crashed left this text without its end. The
//! text behind them is a line.

use serde::{Deserialize, Serialize};

/// The most bytes of lines in one batch, with their ends. If a line would exceed it, the batch ends
/// before the line. This keeps a request with long lines small enough for the server. A line that
/// alone is longer is refused: no hit is that long.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// The most bytes of a [`Mark`]'s tail.
const TAIL_BYTES_MAX: usize = 1024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A place in a log, and as much of the content before it as tells whether another file has the
/// same content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The bytes before the place. In a compressed log, bytes of the content.
    pub bytes: u64,
    /// The line ends before the place.
    pub lines: u64,
    /// CRC-32C of all bytes before the place.
    pub crc: u32,
    /// The number of the last bytes before the place that `tail_crc` is of.
    pub tail_bytes: u32,
    pub tail_crc: u32,
    /// Whether the last line before the place had no end. Then the rest of it is not another line.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_line: bool,
}

/// Why a stretch of bytes is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    Nul,
    TooLong,
}

impl Damage {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Nul => "NUL bytes",
            Self::TooLong => "longer than 1 MiB",
        }
    }
}

/// A line, with a damaged stretch before it or without.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// The number in the log, counted from 1.
    pub number: u64,
    /// The line without its end. Empty if there is none.
    pub text: Vec<u8>,
    pub damage: Option<Damage>,
    /// Where the piece ends.
    pub end: Mark,
}

/// Cuts a log into pieces. It takes the log in chunks of any size.
pub struct Lines {
    /// The end of the last piece.
    last: Mark,
    /// The bytes taken so far, and their CRC-32C.
    bytes: u64,
    crc: u32,
    /// The line that has not ended: its bytes after the last NUL.
    text: Vec<u8>,
    damage: Option<Damage>,
}

impl Lines {
    /// Goes on behind this place.
    pub fn from(mark: Mark) -> Self {
        Self {
            last: mark,
            bytes: mark.bytes,
            crc: mark.crc,
            text: Vec::new(),
            damage: None,
        }
    }

    /// Takes bytes up to the end of a line. Returns how many these are, and the line if it ended.
    pub fn feed(&mut self, chunk: &[u8]) -> (usize, Option<Piece>) {
        let line_end = memchr::memchr(b'\n', chunk);
        let used = line_end.map_or(chunk.len(), |at| at + 1);
        let (taken, _) = chunk.split_at(used);
        self.bytes += used as u64;
        self.crc = crc32c::crc32c_append(self.crc, taken);
        self.take(taken);
        (used, line_end.map(|_| self.piece(false)))
    }

    fn take(&mut self, bytes: &[u8]) {
        let rest = match memchr::memrchr(0, bytes) {
            Some(nul) => {
                self.text.clear();
                self.damage = Some(Damage::Nul);
                bytes.get(nul + 1..).unwrap_or_default()
            }
            None => bytes,
        };
        if self.damage == Some(Damage::TooLong) {
            return;
        }
        if self.text.len() + rest.len() > BATCH_BYTES_MAX {
            self.text = Vec::new();
            self.damage = Some(Damage::TooLong);
        } else {
            self.text.extend_from_slice(rest);
        }
    }

    /// The line that has not ended, if it has any bytes.
    pub fn unfinished(&self) -> Option<&[u8]> {
        (self.bytes > self.last.bytes).then_some(&self.text)
    }

    /// Takes the line that has not ended as a line.
    pub fn finish(&mut self) -> Option<Piece> {
        self.unfinished()?;
        Some(self.piece(true))
    }

    fn piece(&mut self, in_line: bool) -> Piece {
        let begins_in_line = self.last.in_line;
        let number = self.last.lines + 1;
        let tail = self.text.len().saturating_sub(TAIL_BYTES_MAX);
        let tail = self.text.get(tail..).unwrap_or_default();
        self.last = Mark {
            bytes: self.bytes,
            lines: self.last.lines + u64::from(!in_line),
            crc: self.crc,
            tail_bytes: tail.len() as u32,
            tail_crc: crc32c::crc32c(tail),
            in_line,
        };
        let mut text = std::mem::take(&mut self.text);
        let mut damage = self.damage.take();
        if begins_in_line {
            // The beginning was imported as a line.
            text.clear();
            damage = None;
        }
        text.truncate(text.trim_ascii_end().len());
        if text.starts_with(BOM) {
            text.drain(..BOM.len());
        }
        Piece {
            number,
            text,
            damage,
            end: self.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The pieces, if the log comes in chunks of this size.
    fn pieces(log: &[u8], chunk_bytes: usize) -> Vec<Piece> {
        let mut lines = Lines::from(Mark::default());
        let mut pieces = Vec::new();
        for mut chunk in log.chunks(chunk_bytes) {
            while !chunk.is_empty() {
                let (used, piece) = lines.feed(chunk);
                chunk = &chunk[used..];
                pieces.extend(piece);
            }
        }
        pieces.extend(lines.finish());
        pieces
    }

    #[track_caller]
    fn check(log: &[u8], expect: &[(u64, &str, Option<Damage>)]) {
        for chunk_bytes in [1, 3, 64 * 1024, usize::MAX] {
            if log.len() / chunk_bytes > 100_000 {
                continue;
            }
            let pieces = pieces(log, chunk_bytes);
            let found: Vec<_> = pieces
                .iter()
                .map(|piece| {
                    (
                        piece.number,
                        str::from_utf8(&piece.text).unwrap(),
                        piece.damage,
                    )
                })
                .collect();
            assert_eq!(found, expect);
        }
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_have_no_text() {
        check(
            b"a\r\n\n b \nc",
            &[
                (1, "a", None),
                (2, "", None),
                (3, " b", None),
                (4, "c", None),
            ],
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_line() {
        check(b"\xef\xbb\xbfa\nb\n", &[(1, "a", None), (2, "b", None)]);
    }

    #[test]
    fn nuls_cost_themselves_and_the_unfinished_text_before_them() {
        check(
            b"\0\0a\nb\n",
            &[(1, "a", Some(Damage::Nul)), (2, "b", None)],
        );
        check(
            b"a\nb\0\0\0c\n",
            &[(1, "a", None), (2, "c", Some(Damage::Nul))],
        );
        check(
            b"\0a\0b\0\nc\n",
            &[(1, "", Some(Damage::Nul)), (2, "c", None)],
        );
        let mut log = vec![0; 3 * BATCH_BYTES_MAX];
        log.extend(b"a\nb\n");
        check(&log, &[(1, "a", Some(Damage::Nul)), (2, "b", None)]);
    }

    #[test]
    fn a_line_that_is_too_long_costs_itself() {
        let mut log = b"a\n".to_vec();
        log.extend(vec![b'x'; 2 * BATCH_BYTES_MAX]);
        log.extend(b"\nb\n");
        check(
            &log,
            &[
                (1, "a", None),
                (2, "", Some(Damage::TooLong)),
                (3, "b", None),
            ],
        );
        let mut lines = Lines::from(Mark::default());
        for _ in 0..100 {
            lines.feed(&vec![b'x'; 100_000]);
            assert!(lines.text.capacity() <= 2 * BATCH_BYTES_MAX);
        }
    }

    #[test]
    fn the_rest_of_a_line_whose_beginning_was_taken_is_no_line() {
        let mut lines = Lines::from(Mark::default());
        lines.feed(b"a");
        let piece = lines.finish().unwrap();
        assert!(piece.end.in_line && piece.end.lines == 0 && piece.number == 1);
        for lines in [&mut lines, &mut Lines::from(piece.end)] {
            let (used, rest) = lines.feed(b"bc\nd\n");
            let rest = rest.unwrap();
            assert_eq!(
                (used, rest.text.as_slice(), rest.end.lines),
                (3, &b""[..], 1)
            );
            assert_eq!(lines.feed(b"d\n").1.unwrap().number, 2);
        }
    }

    proptest! {
        #[test]
        fn any_cut_into_chunks_gives_the_same_pieces(log in prop::collection::vec(prop_oneof![Just(0), Just(b'\n'), any::<u8>()], 0..200), chunk_bytes in 1..20_usize) {
            let whole = pieces(&log, usize::MAX);
            prop_assert_eq!(&pieces(&log, chunk_bytes), &whole);
            for piece in &whole {
                let (before, _) = log.split_at(piece.end.bytes as usize);
                prop_assert_eq!(piece.end.crc, crc32c::crc32c(before));
                let tail = &before[before.len() - piece.end.tail_bytes as usize..];
                prop_assert_eq!(piece.end.tail_crc, crc32c::crc32c(tail));
            }
        }
    }
}

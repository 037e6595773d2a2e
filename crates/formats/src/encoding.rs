//! Bodies that are packed: `Content-Encoding`. And [`ZstdReader`], for packed files.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The most bytes that the decoder of a body may remember, as RFC 8878 recommends. More is refused:
/// a few bytes could ask for gigabytes.
const WINDOW_BYTES_MAX: u64 = 8 << 20;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Gzip,
    Zstd,
}

/// Why a body cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    #[error("the body is not what its Content-Encoding says")]
    Damaged,
    #[error("the body has more than {0} bytes, unpacked")]
    TooLarge(usize),
}

impl Encoding {
    /// The values of `Content-Encoding`.
    pub const NAMES: [(&str, Self); 3] = [
        ("gzip", Self::Gzip),
        ("x-gzip", Self::Gzip),
        ("zstd", Self::Zstd),
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, encoding)| *encoding)
    }

    /// Unpacks a body of at most `bytes_max` bytes, whatever the packed bytes are.
    ///
    /// # Errors
    /// The bytes are not packed like this, or are more.
    pub fn unpack(self, body: &[u8], bytes_max: usize) -> Result<Vec<u8>, UnpackError> {
        let mut unpacked = Vec::new();
        match self {
            Self::Gzip => take(MultiGzDecoder::new(body), &mut unpacked, bytes_max)?,
            Self::Zstd => {
                let reader = ZstdReader::new(body, WINDOW_BYTES_MAX);
                take(reader, &mut unpacked, bytes_max)?;
            }
        }
        Ok(unpacked)
    }
}

/// Unpacks all frames of Zstandard, one behind the other.
pub struct ZstdReader<R> {
    packed: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> ZstdReader<R> {
    /// A frame that asks for a larger window is an error.
    pub fn new(packed: R, window_bytes_max: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window_bytes_max);
        Self {
            packed,
            decoder,
            is_in_frame: false,
        }
    }

    /// Returns false at the end.
    fn begin_frame(&mut self) -> io::Result<bool> {
        if self.packed.fill_buf()?.is_empty() {
            return Ok(false);
        }
        match self.decoder.init(&mut self.packed) {
            Ok(()) => self.is_in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                let mut frame = self.packed.by_ref().take(length);
                if io::copy(&mut frame, &mut io::sink())? < length {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) => return Err(io::Error::new(ErrorKind::InvalidData, error)),
        }
        Ok(true)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.is_in_frame = false;
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(ErrorKind::InvalidData, "wrong checksum"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_in_frame {
                if !self.begin_frame()? {
                    return Ok(0);
                }
                continue;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if self.decoder.is_finished() {
                self.end_frame()?;
                continue;
            }
            let one = BlockDecodingStrategy::UptoBlocks(1);
            let decoded = self.decoder.decode_blocks(&mut self.packed, one);
            decoded.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }
}

/// Reads all, up to one byte more than allowed.
fn take(from: impl Read, to: &mut Vec<u8>, bytes_max: usize) -> Result<(), UnpackError> {
    let room = (bytes_max - to.len()) as u64 + 1;
    let read = from.take(room).read_to_end(to);
    read.map_err(|_| UnpackError::Damaged)?;
    match to.len() > bytes_max {
        true => Err(UnpackError::TooLarge(bytes_max)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write as _;
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    #[test]
    fn a_name_is_read_in_any_case() {
        assert_eq!(Encoding::from_name(" GZip "), Some(Encoding::Gzip));
        assert_eq!(Encoding::from_name("zstd"), Some(Encoding::Zstd));
        for other in ["", "br", "gzip, zstd", "identity"] {
            assert_eq!(Encoding::from_name(other), None, "{other}");
        }
    }

    #[test]
    fn several_members_are_one_body() {
        let parts = [b"one\n".as_slice(), b"two\n"];
        let unpack = |encoding: Encoding, pack: fn(&[u8]) -> Vec<u8>| {
            encoding.unpack(&parts.map(pack).concat(), 100).unwrap()
        };
        assert_eq!(unpack(Encoding::Gzip, gzip), b"one\ntwo\n");
        assert_eq!(unpack(Encoding::Zstd, zstd), b"one\ntwo\n");
        let skippable = [
            &[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9],
            zstd(b"x").as_slice(),
        ]
        .concat();
        assert_eq!(Encoding::Zstd.unpack(&skippable, 100).unwrap(), b"x");
    }

    #[test]
    fn a_body_may_have_so_many_bytes_and_no_more() {
        for (encoding, pack) in [
            (Encoding::Gzip, gzip as fn(&[u8]) -> Vec<u8>),
            (Encoding::Zstd, zstd),
        ] {
            let packed = pack(&[b'a'; 1_000]);
            assert_eq!(encoding.unpack(&packed, 1_000).unwrap().len(), 1_000);
            assert_eq!(
                encoding.unpack(&packed, 999),
                Err(UnpackError::TooLarge(999))
            );
            let twice = [packed.as_slice(), &packed].concat();
            assert_eq!(
                encoding.unpack(&twice, 1_999),
                Err(UnpackError::TooLarge(1_999))
            );
        }
    }

    #[test]
    fn a_bomb_costs_no_more_than_the_bound() {
        const BYTES_MAX: usize = 1 << 20;
        let zeros = vec![0; 50 << 20];
        let mut many = Vec::new();
        (0..20_000).for_each(|_| many.extend(gzip(b"")));
        let mut wide = zstd(b"x");
        // Asks for a window of 1.5 TiB.
        wide.splice(4..6, [0x00, 0xf0]);
        let began = Instant::now();
        let large = Err(UnpackError::TooLarge(BYTES_MAX));
        assert_eq!(Encoding::Gzip.unpack(&gzip(&zeros), BYTES_MAX), large);
        assert_eq!(Encoding::Zstd.unpack(&zstd(&zeros), BYTES_MAX), large);
        assert_eq!(Encoding::Gzip.unpack(&many, BYTES_MAX), Ok(Vec::new()));
        assert_eq!(
            Encoding::Zstd.unpack(&wide, BYTES_MAX),
            Err(UnpackError::Damaged)
        );
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{:?}",
            began.elapsed()
        );
    }

    #[test]
    fn a_frame_may_ask_for_so_large_a_window_and_no_larger() {
        // One frame of the text `x`, as `zstd --long=27` writes it.
        let packed = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x09, 0x00, 0x00, b'x'];
        for (window_bytes_max, read) in [(128 << 20, Some("x")), ((128 << 20) - 1, None)] {
            let mut reader = ZstdReader::new(packed.as_slice(), window_bytes_max);
            assert_eq!(io::read_to_string(&mut reader).ok().as_deref(), read);
        }
    }

    #[test]
    fn a_wrong_checksum_is_damaged() {
        let mut packed = zstd(b"some text");
        let checksum = packed.last_mut().unwrap();
        *checksum ^= 1;
        assert_eq!(
            Encoding::Zstd.unpack(&packed, 100),
            Err(UnpackError::Damaged)
        );
    }

    #[test]
    fn what_is_cut_short_is_damaged() {
        let text = b"a text that is long enough to be cut".as_slice();
        for (encoding, packed) in [(Encoding::Gzip, gzip(text)), (Encoding::Zstd, zstd(text))] {
            for end in 1..packed.len() {
                let unpacked = encoding.unpack(packed.get(..end).unwrap(), 100);
                assert_eq!(unpacked, Err(UnpackError::Damaged), "{encoding:?} {end}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_unpacking_panic(bytes: Vec<u8>, zstd: bool) {
            let head: &[u8] = if zstd { &[0x28, 0xb5, 0x2f, 0xfd] } else { &[0x1f, 0x8b, 8] };
            for body in [bytes.clone(), [head, &bytes].concat()] {
                let _ = Encoding::Gzip.unpack(&body, 1_000);
                let _ = Encoding::Zstd.unpack(&body, 1_000);
            }
        }
    }
}

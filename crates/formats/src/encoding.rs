//! Bodies that are packed: `Content-Encoding`.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// The most bytes that a decoder of zstd may remember, as RFC 8878 recommends. More is refused: a
/// few bytes could ask for gigabytes.
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
                let mut rest = body;
                while !rest.is_empty() {
                    take_frame(&mut rest, &mut unpacked, bytes_max)?;
                }
            }
        }
        Ok(unpacked)
    }
}

fn take_frame(
    rest: &mut &[u8],
    unpacked: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), UnpackError> {
    match StreamingDecoder::new_with_max_window_size(&mut *rest, WINDOW_BYTES_MAX) {
        Ok(frame) => take(frame, unpacked, bytes_max),
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
            length,
            ..
        })) => {
            let skipped = rest.get(length as usize..);
            *rest = skipped.ok_or(UnpackError::Damaged)?;
            Ok(())
        }
        Err(_) => Err(UnpackError::Damaged),
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

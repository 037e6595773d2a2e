//! What must hold for packed bodies.

use std::io::Write as _;

use rollcall_formats::{Encoding, UnpackError};

use crate::memory::memory_of;

/// The most bytes of a body, unpacked.
const BYTES_MAX: usize = 64 * 1024;
/// The most memory: zstd may have a window of 8 MiB, and its buffers grow by half.
const MEMORY_BYTES_MAX: usize = 32 << 20;

/// The input is unpacked, and then packed and unpacked again.
pub(crate) fn unpack(input: &[u8]) {
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        unpack_any(encoding, input);
        let packed = pack(encoding, input);
        assert_eq!(encoding.unpack(&packed, input.len()).as_deref(), Ok(input));
    }
}

fn unpack_any(encoding: Encoding, input: &[u8]) {
    let (unpacked, memory) = memory_of(|| encoding.unpack(input, BYTES_MAX));
    assert!(memory <= MEMORY_BYTES_MAX, "{memory} bytes of memory");
    match unpacked {
        Ok(body) => {
            assert!(body.len() <= BYTES_MAX);
            assert_eq!(encoding.unpack(input, body.len()).as_deref(), Ok(&*body));
            if let Some(less) = body.len().checked_sub(1) {
                let too_large = Err(UnpackError::TooLarge(less));
                assert_eq!(encoding.unpack(input, less), too_large);
            }
        }
        Err(UnpackError::TooLarge(max)) => assert_eq!(max, BYTES_MAX),
        Err(UnpackError::Damaged) => {}
    }
}

fn pack(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Gzip => {
            let level = flate2::Compression::fast();
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), level);
            packed.write_all(body).expect("a vector takes every byte");
            packed.finish().expect("a vector takes every byte")
        }
        Encoding::Zstd => zstd::encode_all(body, 1).expect("a vector takes every byte"),
    }
}

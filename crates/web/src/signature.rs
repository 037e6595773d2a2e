//! Signatures: an HMAC-SHA256 of the parts of a text, one after the other, in hex.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Signs the parts. `None` does not occur, because a key may have any length.
pub fn sign(key: &str, parts: [&[u8]; 2]) -> Option<String> {
    let mac = mac(key, parts)?;
    Some(hex::encode(mac.finalize().into_bytes()))
}

/// Whether the signature is of these parts and this key. The time does not tell how much of the
/// signature is right.
pub fn verify(key: &str, parts: [&[u8]; 2], signature: &str) -> bool {
    let given = hex::decode(signature).ok();
    let verified = given.and_then(|given| mac(key, parts)?.verify_slice(&given).ok());
    verified.is_some()
}

fn mac(key: &str, parts: [&[u8]; 2]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [&[u8]; 2] = [b"1800000000.", b"{}"];

    #[test]
    fn a_signature_holds_for_its_key_and_parts_alone() {
        let signature = sign("key", PARTS).unwrap();
        assert!(verify("key", PARTS, &signature));
        assert!(!verify("other", PARTS, &signature));
        assert!(!verify("key", [b"1800000000.", b"[]"], &signature));
    }

    #[test]
    fn no_part_of_a_signature_will_do_and_no_more_than_it() {
        let signature = sign("key", PARTS).unwrap();
        for end in 0..signature.len() {
            assert!(!verify("key", PARTS, &signature[..end]), "{end}");
        }
        for wrong in [format!("{signature}00"), signature.replace(['0', '1'], "x")] {
            assert!(!verify("key", PARTS, &wrong), "{wrong}");
        }
    }
}

//! What shows that a text is of somebody who has the key.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The HMAC-SHA256 of the parts, one after the other, in hex. `None` cannot be: any text is fit for a key.
pub fn hmac_sha256(key: &str, parts: [&[u8]; 2]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    let bytes = mac.finalize().into_bytes();
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

//! The id that a client gives a batch: its `Idempotency-Key`. However often the batch is sent, it
//! counts once.

/// The longest batch id, in bytes. A longer one is refused.
pub const BATCH_ID_BYTES_MAX: usize = 255;

/// 1 to [`BATCH_ID_BYTES_MAX`] visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchId(String);

/// Why a text is no batch id: it says which form an id has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("1 to {BATCH_ID_BYTES_MAX} visible ASCII characters")]
pub struct BadBatchId;

impl BatchId {
    /// # Errors
    /// The text is empty, too long, or has another character.
    pub fn new(id: &[u8]) -> Result<Self, BadBatchId> {
        let has_length = (1..=BATCH_ID_BYTES_MAX).contains(&id.len());
        let is_visible = id.iter().all(u8::is_ascii_graphic);
        match str::from_utf8(id) {
            Ok(id) if has_length && is_visible => Ok(Self(id.to_owned())),
            _ => Err(BadBatchId),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

//! Notes: what happened at a moment, as a deployment.

use serde::{Deserialize, Serialize};

use super::content::{Content, bad};
use crate::interval::Moment;
use crate::question::BadParameter;

/// The most characters of a note.
pub const TEXT_CHARACTERS_MAX: usize = 200;

/// A note on a moment. Charts show it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Note {
    /// A date as `2026-01-31`, or a time as `2026-01-31T23:59:00Z`.
    pub at: String,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub text: String,
}

impl Note {
    /// The moment of the note, if it is a moment.
    pub fn moment(&self) -> Option<Moment> {
        Moment::read(&self.at).ok()
    }
}

impl Content for Note {
    fn check(&mut self) -> Result<(), Vec<BadParameter>> {
        let mut refused = Vec::new();
        match Moment::read(&self.at) {
            Ok(moment) => self.at = moment.text(),
            Err(reason) => refused.push(bad("at", reason)),
        }
        let is_short = (1..=TEXT_CHARACTERS_MAX).contains(&self.text.chars().count());
        if !is_short || self.text.chars().any(char::is_control) {
            let reason = format!("expected 1 to {TEXT_CHARACTERS_MAX} characters in one line");
            refused.push(bad("text", reason));
        }
        match refused.is_empty() {
            true => Ok(()),
            false => Err(refused),
        }
    }
}

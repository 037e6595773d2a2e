//! Differences between paths that do not matter to the operator.

use super::encoding::normal_encoding;

/// The paths that are written differently and are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spelling {
    /// `/a/` counts as `/a`.
    pub no_trailing_slash: bool,
    /// Letters count as lower-case ones.
    pub lower_case: bool,
}

impl Spelling {
    pub(super) const EXACT: Self = Self {
        no_trailing_slash: false,
        lower_case: false,
    };

    /// The one spelling of a path that begins with `/`.
    pub(super) fn of(self, mut path: String) -> String {
        if self.no_trailing_slash {
            let kept = path.trim_end_matches('/').len().max(1);
            path.truncate(kept);
        }
        match self.lower_case {
            // The hexadecimal digits of an encoding stay upper-case.
            true => normal_encoding(path.to_lowercase()),
            false => path,
        }
    }
}

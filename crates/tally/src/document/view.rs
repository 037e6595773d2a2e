//! Saved views: pages of the dashboard with their filters.

use serde::{Deserialize, Serialize};

use super::content::{Content, bad};
use crate::question::BadParameter;

/// The most bytes of the path of a view, with its query.
pub const PATH_BYTES_MAX: usize = 4_000;

/// A page of the dashboard, as a link has it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct View {
    /// A path under `/admin/`, with its query.
    #[cfg_attr(feature = "openapi", schema(max_length = 4000, pattern = "^/admin/"))]
    pub path: String,
}

impl Content for View {
    /// The path leads nowhere else, however a browser reads it.
    fn check(&mut self) -> Result<(), Vec<BadParameter>> {
        let before_query = self.path.split(['?', '#']).next().unwrap_or_default();
        let climbs =
            before_query.contains("..") || before_query.to_ascii_lowercase().contains("%2e");
        let is_plain = self
            .path
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'\\');
        let is_short = self.path.len() <= PATH_BYTES_MAX;
        match self.path.starts_with("/admin/") && is_plain && is_short && !climbs {
            true => Ok(()),
            false => {
                let reason = format!(
                    "expected a path under /admin/ as a browser shows it, of at most \
                     {PATH_BYTES_MAX} bytes"
                );
                Err(vec![bad("path", reason)])
            }
        }
    }
}

//! The operator's rules: whose address counts, which hits do not count, and which paths are one.
//!
//! The rules are applied once, when a hit is recorded. Hits that were recorded before stay as they
//! are.

mod addresses;
mod paths;

pub use addresses::AddressRules;
pub use paths::PathRules;
pub(crate) use paths::normal_encoding;

/// By default nothing is left out, and each path counts as it is.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub addresses: AddressRules,
    pub paths: PathRules,
}

impl Rules {
    /// The default.
    pub const NONE: Self = Self {
        addresses: AddressRules::NONE,
        paths: PathRules::NONE,
    };
}

/// The words of a list: separated by white space or commas.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
}

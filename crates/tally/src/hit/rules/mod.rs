//! The operator's rules: whose address counts, which hits do not count, and which paths are one.
//!
//! The rules are applied once, when a hit is recorded. Hits that were recorded before stay as they
//! are.

mod addresses;
mod api;
mod encoding;
mod paths;
mod spelling;
mod words;

pub use addresses::{AddressRules, Networks, Privacy};
pub use api::{API_OPERATIONS_MAX, Api, BadApi};
pub(crate) use encoding::normal_encoding;
pub use paths::PathRules;
pub use spelling::Spelling;

/// By default nothing is left out, and each path counts as it is.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub addresses: AddressRules,
    pub paths: PathRules,
    /// User agents are not kept.
    pub no_user_agents: bool,
}

impl Rules {
    /// The default.
    pub const NONE: Self = Self {
        addresses: AddressRules::NONE,
        paths: PathRules::NONE,
        no_user_agents: false,
    };
}

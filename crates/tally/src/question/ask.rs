//! A question: how it is described, and what it can be asked with.

use super::conditions::LABEL;
use super::parameter::{BadParameter, Parameter};

/// The description of a question, for the code that routes or describes it.
pub struct About {
    /// The start of the question's text, and of the address of its page. If it has a parameter in
    /// braces, that parameter is at the end.
    pub name: &'static str,
    /// The question's path in the admin API.
    pub path: &'static str,
    /// The question's name for programs.
    pub id: &'static str,
    /// The question's name for people.
    pub summary: &'static str,
    pub description: &'static str,
    /// How long the answer is fresh if nothing changes. 0: the answer is never kept.
    pub ttl_ms: u64,
    /// The question is asked so often that its answer, with all defaults, is computed in advance.
    pub is_prewarmed: bool,
}

/// A question: its description and its parameters.
pub trait Ask {
    fn about(&self) -> &'static About;

    /// Each parameter, with the field that it sets. The order is that of the API's description. The
    /// conditions of the filter come last.
    fn parameters(&mut self) -> Vec<Parameter<'_>>;

    /// Whether labels may decide which hits count.
    fn takes_labels(&mut self) -> bool {
        self.parameters().iter().any(|given| given.name == LABEL)
    }

    /// The parameter that does not go together with the others, if there is one.
    fn conflict(&self) -> Option<BadParameter> {
        None
    }
}

//! The result of notifying the webhook of a rule.

use rollcall_tally::report::Notification;

#[derive(Clone, Debug)]
pub struct Outcome {
    pub firing_since_ms: Option<u64>,
    pub notification: Notification,
    pub failure: Option<String>,
}

impl Outcome {
    pub fn of(notification: Notification) -> Self {
        Self {
            firing_since_ms: None,
            notification,
            failure: None,
        }
    }

    /// `None`: there is no webhook.
    pub fn of_delivery(delivered: Option<Result<(), String>>) -> Self {
        match delivered {
            Some(Ok(())) => Self::of(Notification::Sent),
            Some(Err(reason)) => Self::failed(reason),
            None => Self::of(Notification::NotConfigured),
        }
    }

    pub fn failed(reason: impl Into<String>) -> Self {
        Self {
            failure: Some(reason.into()),
            ..Self::of(Notification::Failed)
        }
    }
}

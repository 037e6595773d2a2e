//! The host's life, as its connections and instances see it: running, draining, stopped.

use std::sync::Arc;

use tokio::sync::watch;

/// How far the host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Serving.
    Running,
    /// No new connections; what is under way may finish.
    Draining,
    /// Everything ends at once.
    Stopped,
}

/// Shared by all parts of one host.
#[derive(Clone)]
pub struct Lifecycle {
    phase: Arc<watch::Sender<Phase>>,
    present: Arc<watch::Sender<usize>>,
}

/// Counts as one instance for as long as it lives.
pub struct Presence(Arc<watch::Sender<usize>>);

impl Lifecycle {
    /// Of a host that runs, with no instance yet.
    pub fn new() -> Self {
        Self {
            phase: Arc::new(watch::Sender::new(Phase::Running)),
            present: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Goes on to `phase`; there is no way back.
    pub fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|current| {
            let later = *current < phase;
            *current = phase.max(*current);
            later
        });
    }

    /// Ends once the host is in `phase`, or beyond.
    pub fn reached(&self, phase: Phase) -> impl Future<Output = ()> + Send + Sync + 'static {
        let mut receiver = self.phase.subscribe();
        async move { _ = receiver.wait_for(|current| *current >= phase).await }
    }

    /// Notes an instance.
    pub fn enter(&self) -> Presence {
        self.present.send_modify(|count| *count += 1);
        Presence(self.present.clone())
    }

    /// Ends once there is no instance.
    pub async fn empty(&self) {
        _ = self.present.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

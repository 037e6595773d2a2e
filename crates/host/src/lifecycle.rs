//! The phases of the host: running, draining, stopped. Connections and instances wait for them.

use std::sync::Arc;

use tokio::sync::watch;

/// A phase of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It serves.
    Running,
    /// It takes no new connections. Requests under way may finish.
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

/// Counts as one instance while it lives.
pub struct Presence(Arc<watch::Sender<usize>>);

impl Lifecycle {
    /// The life of a running host without an instance.
    pub fn new() -> Self {
        Self {
            phase: Arc::new(watch::Sender::new(Phase::Running)),
            present: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Goes on to `phase`. A host never goes back to an earlier phase.
    pub fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|current| {
            let later = *current < phase;
            *current = phase.max(*current);
            later
        });
    }

    /// Ends once the host is in `phase` or in a later one.
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

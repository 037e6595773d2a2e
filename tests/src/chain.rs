//! Calls between components. A test makes them fail or stall, and counts them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall_host::{ChainLayer, Chained};

/// How often a held call looks whether it was released.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The fate of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The call is made after this many milliseconds.
    Call(u64),
    /// The callee traps.
    CalleeTraps,
    /// The caller traps.
    CallerTraps,
    /// The call is made as soon as [`Calls::release`] was called.
    Held,
    /// The call is never answered.
    Hang,
}

/// Decides the fate of a call at one path, by the number of calls before it.
type Rule = Box<dyn Fn(u64) -> Fate + Send>;

/// A handle on the calls between the components of a running app.
#[derive(Clone, Default)]
pub struct Calls(Arc<Shared>);

#[derive(Default)]
struct Shared {
    paths: Mutex<BTreeMap<String, Path>>,
    is_released: AtomicBool,
}

#[derive(Default)]
struct Path {
    rule: Option<Rule>,
    /// The calls since the rule was set.
    made: u64,
    in_flight: Arc<InFlight>,
}

#[derive(Default)]
struct InFlight {
    now: AtomicU64,
    most: AtomicU64,
}

/// A call under way.
struct UnderWay(Arc<InFlight>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

impl Calls {
    /// The layer for a host's configuration.
    pub fn layer(&self) -> ChainLayer {
        let calls = self.clone();
        Arc::new(move |_, path| {
            let (fate, in_flight) = calls.decide(path);
            let calls = calls.clone();
            Box::pin(async move {
                let now = in_flight.now.fetch_add(1, SeqCst) + 1;
                let under_way = UnderWay(in_flight);
                under_way.0.most.fetch_max(now, SeqCst);
                match fate {
                    Fate::Call(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                    Fate::CalleeTraps => return Chained::CalleeTraps,
                    Fate::CallerTraps => return Chained::CallerTraps,
                    Fate::Held => calls.released().await,
                    Fate::Hang => std::future::pending().await,
                }
                Chained::Call(Box::new(under_way))
            })
        })
    }

    fn decide(&self, path: &str) -> (Fate, Arc<InFlight>) {
        let mut paths = self.0.paths.lock().expect("paths");
        let path = paths.entry(path.to_owned()).or_default();
        let fate = path
            .rule
            .as_ref()
            .map_or(Fate::Call(0), |rule| rule(path.made));
        path.made += 1;
        (fate, path.in_flight.clone())
    }

    async fn released(&self) {
        while !self.0.is_released.load(SeqCst) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Makes all held calls. From now on, no call is held.
    pub fn release(&self) {
        self.0.is_released.store(true, SeqCst);
    }

    /// Sets the rule for the calls at a path, such as `/summarize`. The counts of the path begin at
    /// 0.
    pub fn rule(&self, path: &str, rule: impl Fn(u64) -> Fate + Send + 'static) {
        let mut paths = self.0.paths.lock().expect("paths");
        let ruled = Path {
            rule: Some(Box::new(rule)),
            ..Path::default()
        };
        paths.insert(path.to_owned(), ruled);
    }

    /// The calls at a path since its rule was set.
    pub fn made(&self, path: &str) -> u64 {
        let paths = self.0.paths.lock().expect("paths");
        paths.get(path).map_or(0, |path| path.made)
    }

    /// The most calls at a path that were in flight at once since its rule was set.
    pub fn most_at_once(&self, path: &str) -> u64 {
        let paths = self.0.paths.lock().expect("paths");
        paths
            .get(path)
            .map_or(0, |path| path.in_flight.most.load(SeqCst))
    }
}

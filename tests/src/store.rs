//! A store that misbehaves on request. A test can look into it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rollcall_host::{KeyValue, StoreError, StoreLayer, StoreResult, async_trait};

/// How the store behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Fine,
    /// Every call fails.
    Down,
    /// Every write fails. Reading a counter is a write.
    ReadOnly,
    /// There is no room for new values. Old values can be overwritten and deleted. So numbers are
    /// taken, and nothing is written under them.
    Full,
    /// Every call takes this many milliseconds.
    Slow(u64),
    /// Writes take effect, but report a failure.
    LyingWrites,
    /// Every call ends the instance that makes it, with all its requests.
    Deadly,
}

/// The kind of write of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    Nothing,
    /// The write takes no new room.
    InPlace,
    Anything,
}

/// A stored value that the aggregator's instances share: the question, the body, the time of its
/// computation, and how long it is fresh.
pub type Kept = (String, Vec<u8>, u64, u64);

/// A handle on the store of a running app.
#[derive(Clone)]
pub struct Moody(Arc<Shared>);

/// Decides whether calls that get this key misbehave.
type IsStruck = Box<dyn Fn(&str) -> bool + Send>;

struct Shared {
    mood: Mutex<Mood>,
    struck: Mutex<Option<(Mood, IsStruck)>>,
    inner: OnceLock<Arc<dyn KeyValue>>,
    calls: AtomicU64,
    get_manys: AtomicU64,
    appends: AtomicU64,
    gets: AtomicU64,
    most_gets: AtomicU64,
}

impl Default for Moody {
    fn default() -> Self {
        Self(Arc::new(Shared {
            mood: Mutex::new(Mood::Fine),
            struck: Mutex::new(None),
            inner: OnceLock::new(),
            calls: AtomicU64::new(0),
            get_manys: AtomicU64::new(0),
            appends: AtomicU64::new(0),
            gets: AtomicU64::new(0),
            most_gets: AtomicU64::new(0),
        }))
    }
}

impl Moody {
    /// The layer for a host's configuration.
    pub fn layer(&self) -> StoreLayer {
        let moody = self.clone();
        Arc::new(move |inner| {
            let _ = moody.0.inner.set(inner);
            Arc::new(moody.clone())
        })
    }

    pub fn set_mood(&self, mood: Mood) {
        *self.0.mood.lock().expect("a mood") = mood;
    }

    /// From now on, calls that get one of these keys behave like this. Other calls behave as the
    /// store does.
    pub fn strike(&self, mood: Mood, is_struck: impl Fn(&str) -> bool + Send + 'static) {
        let struck = (mood, Box::new(is_struck) as IsStruck);
        *self.0.struck.lock().expect("what is struck") = Some(struck);
    }

    /// The store behind this one. It always behaves well.
    pub fn inner(&self) -> &Arc<dyn KeyValue> {
        self.0.inner.get().expect("the app was started")
    }

    /// The number of calls so far.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Relaxed)
    }

    /// The number of `get_many` calls so far.
    pub fn get_manys(&self) -> u64 {
        self.0.get_manys.load(Relaxed)
    }

    /// The number of calls so far that took numbers of the log.
    pub fn appends(&self) -> u64 {
        self.0.appends.load(Relaxed)
    }

    /// The most calls of `get` that were in flight at once.
    pub fn most_gets_at_once(&self) -> u64 {
        self.0.most_gets.load(Relaxed)
    }

    fn mood(&self) -> Mood {
        *self.0.mood.lock().expect("a mood")
    }

    /// The behaviour of a call that gets these keys.
    fn mood_at(&self, keys: &[impl AsRef<str>]) -> Mood {
        let struck = self.0.struck.lock().expect("what is struck");
        match struck.as_ref() {
            Some((mood, is_struck)) if keys.iter().any(|key| is_struck(key.as_ref())) => *mood,
            _ => self.mood(),
        }
    }

    async fn call<T>(
        &self,
        writes: Writes,
        effect: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        self.call_in(self.mood(), writes, effect).await
    }

    async fn call_in<T>(
        &self,
        mood: Mood,
        writes: Writes,
        effect: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        self.0.calls.fetch_add(1, Relaxed);
        let failed = || Err(StoreError("simulated: redis://user:secret@host".to_owned()));
        match mood {
            Mood::Fine => effect.await,
            Mood::Down => failed(),
            Mood::ReadOnly if writes != Writes::Nothing => failed(),
            Mood::Full if writes == Writes::Anything => failed(),
            Mood::ReadOnly | Mood::Full => effect.await,
            Mood::Slow(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                effect.await
            }
            Mood::Deadly => panic!("simulated"),
            Mood::LyingWrites => {
                let result = effect.await;
                match writes {
                    Writes::Nothing => result,
                    Writes::InPlace | Writes::Anything => failed(),
                }
            }
        }
    }
}

#[async_trait]
impl KeyValue for Moody {
    async fn get(&self, key: &str) -> StoreResult<Option<Vec<u8>>> {
        let now = self.0.gets.fetch_add(1, Relaxed) + 1;
        self.0.most_gets.fetch_max(now, Relaxed);
        let mood = self.mood_at(&[key]);
        let effect = self.inner().get(key);
        let value = self.call_in(mood, Writes::Nothing, effect).await;
        self.0.gets.fetch_sub(1, Relaxed);
        value
    }
    async fn set(&self, key: &str, value: &[u8]) -> StoreResult<()> {
        self.call(Writes::Anything, self.inner().set(key, value))
            .await
    }
    async fn delete(&self, key: &str) -> StoreResult<()> {
        self.call(Writes::InPlace, self.inner().delete(key)).await
    }
    async fn keys(&self) -> StoreResult<Vec<String>> {
        self.call(Writes::Nothing, self.inner().keys()).await
    }
    async fn get_many(&self, keys: Vec<String>) -> StoreResult<Vec<(String, Option<Vec<u8>>)>> {
        self.0.get_manys.fetch_add(1, Relaxed);
        let mood = self.mood_at(&keys);
        let effect = self.inner().get_many(keys);
        self.call_in(mood, Writes::Nothing, effect).await
    }
    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> StoreResult<()> {
        self.call(Writes::Anything, self.inner().set_many(values))
            .await
    }
    async fn delete_many(&self, keys: Vec<String>) -> StoreResult<()> {
        self.call(Writes::InPlace, self.inner().delete_many(keys))
            .await
    }
    async fn increment(&self, key: &str, delta: i64) -> StoreResult<i64> {
        let is_append = key == "log:next" && delta > 0;
        self.0.appends.fetch_add(u64::from(is_append), Relaxed);
        self.call(Writes::InPlace, self.inner().increment(key, delta))
            .await
    }
    async fn swap(&self, key: &str, seen: Option<Vec<u8>>, value: Vec<u8>) -> StoreResult<bool> {
        self.call(Writes::Anything, self.inner().swap(key, seen, value))
            .await
    }
}

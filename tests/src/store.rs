//! A store that misbehaves on request, and lets the test look into it.

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
    /// Every write fails, as on a full disk.
    ReadOnly,
    /// Every call takes so many milliseconds.
    Slow(u64),
    /// Writes take effect and report failure.
    LyingWrites,
    /// Every call ends the instance that makes it, and all its requests.
    Deadly,
}

/// A handle on the store of a running app.
#[derive(Clone)]
pub struct Moody(Arc<Shared>);

/// Whether a key is struck.
type IsStruck = Box<dyn Fn(&str) -> bool + Send>;

struct Shared {
    mood: Mutex<Mood>,
    struck: Mutex<Option<(Mood, IsStruck)>>,
    inner: OnceLock<Arc<dyn KeyValue>>,
    calls: AtomicU64,
}

impl Default for Moody {
    fn default() -> Self {
        Self(Arc::new(Shared {
            mood: Mutex::new(Mood::Fine),
            struck: Mutex::new(None),
            inner: OnceLock::new(),
            calls: AtomicU64::new(0),
        }))
    }
}

impl Moody {
    /// What a host's configuration takes.
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

    /// From now on, calls that get one of these keys behave so. Others behave as the store does.
    pub fn strike(&self, mood: Mood, is_struck: impl Fn(&str) -> bool + Send + 'static) {
        let struck = (mood, Box::new(is_struck) as IsStruck);
        *self.0.struck.lock().expect("what is struck") = Some(struck);
    }

    /// The store behind, which always behaves.
    pub fn inner(&self) -> &Arc<dyn KeyValue> {
        self.0.inner.get().expect("the app was started")
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Relaxed)
    }

    fn mood(&self) -> Mood {
        *self.0.mood.lock().expect("a mood")
    }

    /// The mood that meets who gets these.
    fn mood_at(&self, keys: &[impl AsRef<str>]) -> Mood {
        let struck = self.0.struck.lock().expect("what is struck");
        match struck.as_ref() {
            Some((mood, is_struck)) if keys.iter().any(|key| is_struck(key.as_ref())) => *mood,
            _ => self.mood(),
        }
    }

    async fn call<T>(
        &self,
        writes: bool,
        effect: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        self.call_in(self.mood(), writes, effect).await
    }

    async fn call_in<T>(
        &self,
        mood: Mood,
        writes: bool,
        effect: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        self.0.calls.fetch_add(1, Relaxed);
        let failed = || Err(StoreError("simulated: redis://user:secret@host".to_owned()));
        match mood {
            Mood::Fine => effect.await,
            Mood::Down => failed(),
            Mood::ReadOnly if writes => failed(),
            Mood::ReadOnly => effect.await,
            Mood::Slow(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                effect.await
            }
            Mood::Deadly => panic!("simulated"),
            Mood::LyingWrites => {
                let result = effect.await;
                if writes { failed() } else { result }
            }
        }
    }
}

#[async_trait]
impl KeyValue for Moody {
    async fn get(&self, key: &str) -> StoreResult<Option<Vec<u8>>> {
        let mood = self.mood_at(&[key]);
        self.call_in(mood, false, self.inner().get(key)).await
    }
    async fn set(&self, key: &str, value: &[u8]) -> StoreResult<()> {
        self.call(true, self.inner().set(key, value)).await
    }
    async fn delete(&self, key: &str) -> StoreResult<()> {
        self.call(true, self.inner().delete(key)).await
    }
    async fn keys(&self) -> StoreResult<Vec<String>> {
        self.call(false, self.inner().keys()).await
    }
    async fn get_many(&self, keys: Vec<String>) -> StoreResult<Vec<(String, Option<Vec<u8>>)>> {
        let mood = self.mood_at(&keys);
        let effect = self.inner().get_many(keys);
        self.call_in(mood, false, effect).await
    }
    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> StoreResult<()> {
        self.call(true, self.inner().set_many(values)).await
    }
    async fn delete_many(&self, keys: Vec<String>) -> StoreResult<()> {
        self.call(true, self.inner().delete_many(keys)).await
    }
    async fn increment(&self, key: &str, delta: i64) -> StoreResult<i64> {
        self.call(delta != 0, self.inner().increment(key, delta))
            .await
    }
    async fn swap(&self, key: &str, seen: Option<Vec<u8>>, value: Vec<u8>) -> StoreResult<bool> {
        self.call(true, self.inner().swap(key, seen, value)).await
    }
}

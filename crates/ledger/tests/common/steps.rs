//! Actors that are moved by hand, one store call at a time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use rollcall_ledger::limits::Limits;
use rollcall_ledger::{BatchId, Folded, Ledger, LedgerError, Store, StoreError};
use rollcall_tally::Hit;

use super::{MemoryClock, MemoryStore};

/// A call that is about to be made, or was.
#[derive(Clone, Debug)]
enum Op {
    Get(String),
    Exists(String),
    Set(String, Vec<u8>),
    Delete(String),
    Increment(String, i64),
}

impl Op {
    /// As in `set log:1`, `increment fold 1`.
    fn text(&self) -> String {
        match self {
            Self::Get(key) => format!("get {key}"),
            Self::Exists(key) => format!("exists {key}"),
            Self::Set(key, _) => format!("set {key}"),
            Self::Delete(key) => format!("delete {key}"),
            Self::Increment(key, delta) => format!("increment {key} {delta}"),
        }
    }
}

enum Reply {
    Value(Option<Vec<u8>>),
    Exists(bool),
    Done,
    Counter(u64),
    Error,
}

/// Between an actor and whoever moves it: the call that it waits to make, and what comes of it.
#[derive(Default)]
struct Gate {
    wants: Option<Op>,
    reply: Option<Reply>,
}

/// The store as one actor sees it: each call waits for the hand.
pub struct StepStore {
    gate: Rc<RefCell<Gate>>,
}

impl StepStore {
    async fn call(&self, op: Op) -> Result<Reply, StoreError> {
        let text = op.text();
        let mut op = Some(op);
        let reply = poll_fn(|_| {
            let mut gate = self.gate.borrow_mut();
            if let Some(op) = op.take_if(|_| gate.wants.is_none() && gate.reply.is_none()) {
                gate.wants = Some(op);
            }
            match gate.reply.take() {
                // Many calls at once are made one after the other: the reply is for the one that is under way.
                Some(reply) if op.is_none() => Poll::Ready(reply),
                other => {
                    gate.reply = other;
                    Poll::Pending
                }
            }
        });
        match reply.await {
            Reply::Error => Err(StoreError {
                call: "call",
                key: text,
                reason: "by hand".to_owned(),
            }),
            reply => Ok(reply),
        }
    }
}

impl Store for StepStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.call(Op::Get(key.to_owned())).await? {
            Reply::Value(value) => Ok(value),
            _ => unreachable!(),
        }
    }
    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        match self.call(Op::Exists(key.to_owned())).await? {
            Reply::Exists(there) => Ok(there),
            _ => unreachable!(),
        }
    }
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.call(Op::Set(key.to_owned(), value)).await.map(|_| ())
    }
    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.call(Op::Delete(key.to_owned())).await.map(|_| ())
    }
    async fn increment(&self, key: &str, delta: i64) -> Result<u64, StoreError> {
        match self.call(Op::Increment(key.to_owned(), delta)).await? {
            Reply::Counter(value) => Ok(value),
            _ => unreachable!(),
        }
    }
    // One after the other, so that there is one call to move at a time.
    async fn get_many(
        &self,
        keys: &[String],
    ) -> Result<std::collections::HashMap<String, Vec<u8>>, StoreError> {
        let mut found = std::collections::HashMap::new();
        for key in keys {
            if let Some(value) = self.get(key).await? {
                found.insert(key.clone(), value);
            }
        }
        Ok(found)
    }
    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        for (key, value) in values {
            self.set(&key, value).await?;
        }
        Ok(())
    }
    async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        for key in keys {
            self.delete(key).await?;
        }
        Ok(())
    }
}

/// A writer or a folder, moved by hand. Dropped half-way it has crashed.
pub struct Actor<'s, T> {
    store: &'s MemoryStore,
    gate: Rc<RefCell<Gate>>,
    future: Pin<Box<dyn Future<Output = T> + 's>>,
    pub result: Option<T>,
}

/// A call that was made and has not arrived yet.
pub struct InFlight(Op);

pub fn writer<'s>(
    store: &'s MemoryStore,
    limits: &Limits,
    id: Option<&str>,
    hits: Vec<Hit>,
) -> Actor<'s, Result<u64, LedgerError>> {
    let (limits, id) = (limits.clone(), id.map(BatchId::of));
    Actor::begin(store, |step, clock: &'s MemoryClock| {
        Box::pin(async move { Ledger::new(&step, clock, limits).append(id, hits).await })
    })
}

/// Changes a document.
pub fn changer<'s>(
    store: &'s MemoryStore,
    limits: &Limits,
    name: &'s str,
    text: Option<String>,
) -> Actor<'s, Result<(), LedgerError>> {
    let limits = limits.clone();
    Actor::begin(store, move |step, clock: &'s MemoryClock| {
        Box::pin(async move {
            let ledger = Ledger::new(&step, clock, limits);
            ledger.change_document(name, text).await
        })
    })
}

pub fn folder<'s>(
    store: &'s MemoryStore,
    limits: &Limits,
) -> Actor<'s, Result<Folded, LedgerError>> {
    let limits = limits.clone();
    Actor::begin(store, |step, clock: &'s MemoryClock| {
        Box::pin(async move { Ledger::new(&step, clock, limits).fold().await })
    })
}

impl<'s, T> Actor<'s, T> {
    fn begin(
        store: &'s MemoryStore,
        act: impl FnOnce(StepStore, &'s MemoryClock) -> Pin<Box<dyn Future<Output = T> + 's>>,
    ) -> Self {
        let gate = Rc::new(RefCell::new(Gate::default()));
        let step = StepStore { gate: gate.clone() };
        let mut actor = Self {
            store,
            gate,
            future: act(step, &store.clock),
            result: None,
        };
        actor.go_on();
        actor
    }

    fn go_on(&mut self) {
        if self.result.is_none()
            && let Poll::Ready(result) = self
                .future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        {
            self.result = Some(result);
        }
    }

    /// The call that it is about to make; `None` when it is done.
    pub fn wants(&self) -> Option<String> {
        self.gate.borrow().wants.as_ref().map(Op::text)
    }

    /// Moves it up to, not into, a call that begins so.
    pub fn up_to(mut self, call: &str) -> Self {
        while self.wants().is_some_and(|wants| !wants.starts_with(call)) {
            self.step();
        }
        assert!(self.wants().is_some(), "it never came to {call:?}");
        self
    }

    /// Moves it to its end.
    pub fn to_the_end(mut self) -> T {
        while self.result.is_none() {
            self.step();
        }
        self.result.expect("it is done")
    }

    /// Makes its call, and goes on to the next.
    pub fn step(&mut self) {
        let op = self.gate.borrow_mut().wants.take().expect("a call");
        let reply = effect(self.store, &op);
        self.answer(reply);
    }

    /// Its call fails, as far as it knows, and is in flight still.
    pub fn fail(&mut self) -> InFlight {
        let op = self.gate.borrow_mut().wants.take().expect("a call");
        self.answer(Reply::Error);
        InFlight(op)
    }

    /// Its call takes effect; it hears of it only after `meanwhile`.
    pub fn step_slowly(&mut self, meanwhile: impl FnOnce()) {
        let op = self.gate.borrow_mut().wants.take().expect("a call");
        let reply = effect(self.store, &op);
        meanwhile();
        self.answer(reply);
    }

    /// It stops for ever, with its call in flight.
    pub fn crash(self) -> InFlight {
        let op = self.gate.borrow_mut().wants.take();
        InFlight(op.expect("a call"))
    }

    fn answer(&mut self, reply: Reply) {
        self.gate.borrow_mut().reply = Some(reply);
        self.go_on();
    }
}

impl InFlight {
    /// It arrives.
    pub fn land(self, store: &MemoryStore) {
        effect(store, &self.0);
    }
}

fn effect(store: &MemoryStore, op: &Op) -> Reply {
    let mut values = store.values.borrow_mut();
    match op {
        Op::Get(key) => Reply::Value(values.get(key).cloned()),
        Op::Exists(key) => Reply::Exists(values.contains_key(key)),
        Op::Set(key, value) => {
            values.insert(key.clone(), value.clone());
            Reply::Done
        }
        Op::Delete(key) => {
            values.remove(key);
            Reply::Done
        }
        Op::Increment(key, delta) => {
            let mut counters = store.counters.borrow_mut();
            let counter = counters.entry(key.clone()).or_default();
            *counter += delta;
            Reply::Counter(*counter as u64)
        }
    }
}

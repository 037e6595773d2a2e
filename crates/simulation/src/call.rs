//! A store call: the operation, the caller's reply, and the text of both in a trace.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::faults::CALLS;

/// A store call.
#[derive(Clone, Debug)]
pub enum Op {
    Get(String),
    Exists(String),
    Set(String, Vec<u8>),
    Delete(String),
    Increment(String, i64),
}

/// The reply that a caller gets.
#[derive(Clone, Debug)]
pub enum Reply {
    Value(Option<Vec<u8>>),
    Exists(bool),
    Done,
    Counter(i64),
    Failed,
    /// The time of a wait is over.
    Elapsed,
    /// For a client: the number of its batch, if the batch was acknowledged.
    Answered(Option<u64>),
}

/// A place for a reply, and the waker of the caller that waits for it.
#[derive(Default)]
pub struct Slot {
    reply: Option<Reply>,
    waker: Option<Waker>,
}

#[derive(Clone)]
pub struct Waiting(pub Rc<RefCell<Slot>>);

impl Future for Waiting {
    type Output = Reply;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        let mut slot = self.0.borrow_mut();
        match slot.reply.take() {
            Some(reply) => Poll::Ready(reply),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Puts a reply into its slot, and wakes the caller. False: the slot already has a reply.
pub fn fill(slot: &Waiting, reply: Reply) -> bool {
    let mut slot = slot.0.borrow_mut();
    if slot.reply.is_some() {
        return false;
    }
    slot.reply = Some(reply);
    if let Some(waker) = slot.waker.take() {
        waker.wake();
    }
    true
}

/// The class of a call: one of [`CALLS`], or `other`.
pub fn class(op: &Op) -> &'static str {
    let (kind, key, more) = match op {
        Op::Get(key) => ("get", key, ""),
        Op::Exists(key) => ("exists", key, ""),
        Op::Delete(key) => ("delete", key, ""),
        Op::Set(key, _) => ("set", key, ""),
        Op::Increment(key, 0) => ("increment", key, "0"),
        Op::Increment(key, _) => ("increment", key, "1"),
    };
    let head = key.split(':').next().unwrap_or_default();
    let is = |call: &str| {
        let mut words = call.split(' ');
        let (Some(of), Some(name)) = (words.next(), words.next()) else {
            return false;
        };
        let amount = words.next().unwrap_or_default();
        of == kind && amount == more && (name == key || name == head)
    };
    CALLS.into_iter().find(|call| is(call)).unwrap_or("other")
}

pub fn describe(op: &Op) -> String {
    match op {
        Op::Get(key) => format!("get {key}"),
        Op::Exists(key) => format!("exists {key}"),
        Op::Delete(key) => format!("delete {key}"),
        Op::Set(key, value) => format!("set {key} ({} bytes)", value.len()),
        Op::Increment(key, delta) => format!("increment {key} {delta}"),
    }
}

pub fn result(reply: &Reply) -> String {
    match reply {
        Reply::Value(Some(value)) => format!(" -> {} bytes", value.len()),
        Reply::Value(None) => " -> nothing".to_owned(),
        Reply::Exists(there) => format!(" -> {there}"),
        Reply::Counter(value) => format!(" -> {value}"),
        _ => String::new(),
    }
}

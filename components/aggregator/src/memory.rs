//! Answers in the memory of the instance.
//!
//! All requests of the instance share them. They are gone with the instance, without notice. Other
//! instances see the copy in the store; see [`crate::serve`].

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use lru::LruCache;
use rollcall_tally::{Kept, Place};
use rollcall_web::etag;

/// Scope: instance. The most bytes of kept bodies and questions. Above this limit, the least
/// recently used answers leave first. An answer that is larger by itself is not kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::new(Memory::new(BYTES_MAX));
}

/// An answer, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub body: Bytes,
    /// Quoted, as in the header.
    pub etag: String,
    pub computed_at_ms: u64,
    pub ttl_ms: u64,
    /// The tick of this instance at which its computation began. 0: another instance computed it.
    pub began: u64,
    /// When the store was last seen to have no newer answer.
    pub confirmed_at_ms: u64,
}

impl Entry {
    pub fn new(body: Vec<u8>, computed_at_ms: u64, ttl_ms: u64) -> Self {
        Self {
            etag: etag::of(&body),
            body: body.into(),
            computed_at_ms,
            ttl_ms,
            began: 0,
            confirmed_at_ms: computed_at_ms,
        }
    }

    /// The answer was computed in this instance, from this tick on.
    pub fn begun(self, began: u64) -> Self {
        Self { began, ..self }
    }

    /// The store has no newer answer.
    pub fn confirmed(self, confirmed_at_ms: u64) -> Self {
        Self {
            confirmed_at_ms,
            ..self
        }
    }

    /// The same answer, marked as stale in its body.
    pub fn marked_stale(&self) -> Self {
        let mut body = self.body.to_vec();
        if let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(&body) {
            fields.insert("stale".to_owned(), true.into());
            body = serde_json::Value::Object(fields).to_string().into_bytes();
        }
        Self {
            confirmed_at_ms: self.confirmed_at_ms,
            ..Self::new(body, self.computed_at_ms, self.ttl_ms)
        }
    }

    pub fn kept(&self, place: Place) -> Kept {
        Kept {
            place,
            body: self.body.to_vec(),
            computed_at_ms: self.computed_at_ms,
            ttl_ms: self.ttl_ms,
        }
    }

    pub fn age_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.computed_at_ms)
    }

    pub fn is_fresh(&self, now_ms: u64) -> bool {
        self.age_ms(now_ms) < self.ttl_ms
    }
}

impl From<Kept> for Entry {
    fn from(kept: Kept) -> Self {
        Self::new(kept.body, kept.computed_at_ms, kept.ttl_ms)
    }
}

/// The answer to a question, of any age.
pub fn get(question: &str) -> Option<Rc<Entry>> {
    MEMORY.with_borrow_mut(|memory| memory.get(question))
}

/// Keeps an answer. Nothing else holds it yet. So it may be changed.
pub fn put(question: &str, entry: Entry) -> Rc<Entry> {
    let entry = Rc::new(entry);
    MEMORY.with_borrow_mut(|memory| memory.put(question, entry.clone()));
    entry
}

/// The number of bytes kept.
pub fn bytes() -> usize {
    MEMORY.with_borrow(|memory| memory.bytes)
}

struct Memory {
    entries: LruCache<String, Rc<Entry>>,
    bytes: usize,
    bytes_max: usize,
}

impl Memory {
    fn new(bytes_max: usize) -> Self {
        Self {
            entries: LruCache::unbounded(),
            bytes: 0,
            bytes_max,
        }
    }

    fn get(&mut self, question: &str) -> Option<Rc<Entry>> {
        self.entries.get(question).cloned()
    }

    fn put(&mut self, question: &str, entry: Rc<Entry>) {
        if let Some(replaced) = self.entries.pop(question) {
            self.bytes -= size(question, &replaced);
        }
        let size_ = size(question, &entry);
        if size_ > self.bytes_max {
            return;
        }
        while self.bytes + size_ > self.bytes_max
            && let Some((question, oldest)) = self.entries.pop_lru()
        {
            self.bytes -= size(&question, &oldest);
        }
        self.bytes += size_;
        self.entries.put(question.to_owned(), entry);
    }
}

fn size(question: &str, entry: &Entry) -> usize {
    question.len() + entry.body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(memory: &mut Memory, question: &str, bytes: usize) {
        let entry = Entry::new(vec![b'x'; bytes - question.len()], 1, 1);
        memory.put(question, Rc::new(entry));
    }

    #[test]
    fn the_least_recently_used_leave_when_there_are_too_many_bytes() {
        let mut memory = Memory::new(100);
        for question in ["a", "b", "c"] {
            put(&mut memory, question, 33);
        }
        assert!(memory.get("a").is_some());
        put(&mut memory, "d", 34);
        assert!(memory.get("b").is_none());
        assert!(memory.get("a").is_some() && memory.get("c").is_some());
        assert_eq!(memory.bytes, 100);
        put(&mut memory, "d", 100);
        assert_eq!((memory.entries.len(), memory.bytes), (1, 100));
    }

    #[test]
    fn what_is_larger_than_all_of_the_memory_is_not_kept_and_pushes_nothing_out() {
        let mut memory = Memory::new(100);
        put(&mut memory, "a", 60);
        put(&mut memory, "b", 101);
        assert!(memory.get("a").is_some() && memory.get("b").is_none());
        put(&mut memory, "a", 101);
        assert_eq!(
            (memory.entries.len(), memory.bytes),
            (0, 0),
            "the old one is out of date"
        );
    }

    #[test]
    fn an_answer_is_known_by_its_body_alone() {
        let etag = Entry::new(b"{}".to_vec(), 1, 1).etag;
        assert_eq!(etag, Entry::new(b"{}".to_vec(), 2, 2).etag);
    }
}

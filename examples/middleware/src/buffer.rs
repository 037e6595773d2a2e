//! The hits that wait to be recorded, of one instance.

use std::collections::VecDeque;

/// Scope: instance. Hits that wait. If there are more, the newer ones are lost.
pub const WAITING_MAX: usize = 1_000;
/// The hits of one request to the collector. A hit has at most 2,440 bytes of texts, which JSON may
/// write as twice as many. So a request has less than the 10 MiB that `/collect` takes.
pub const BATCH_MAX: usize = 500;

/// Takes items one by one, and gives them in batches.
#[derive(Debug)]
pub struct Buffer<T> {
    waiting: VecDeque<T>,
    lost: u64,
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            lost: 0,
        }
    }
}

impl<T> Buffer<T> {
    /// Adds an item. If there is no room, counts it as lost.
    pub fn push(&mut self, item: T) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(item);
        } else {
            self.lost += 1;
        }
    }

    /// The oldest items, and the number of items that were lost since the last call.
    pub fn take(&mut self) -> (Vec<T>, u64) {
        let count = self.waiting.len().min(BATCH_MAX);
        let batch = self.waiting.drain(..count).collect();
        (batch, std::mem::take(&mut self.lost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_once_in_their_order() {
        let mut buffer = Buffer::default();
        (0..BATCH_MAX + 1).for_each(|item| buffer.push(item));
        assert_eq!(buffer.take(), ((0..BATCH_MAX).collect(), 0));
        assert_eq!(buffer.take(), (vec![BATCH_MAX], 0));
        assert_eq!(buffer.take(), (vec![], 0));
    }

    #[test]
    fn a_full_buffer_counts_what_it_loses_and_has_room_again_later() {
        let mut buffer = Buffer::default();
        (0..WAITING_MAX + 3).for_each(|item| buffer.push(item));
        let (batch, lost) = buffer.take();
        assert_eq!((batch.len(), lost), (BATCH_MAX, 3));
        buffer.push(7);
        let (batch, lost) = buffer.take();
        assert_eq!((batch.len(), lost), (BATCH_MAX, 0));
        assert_eq!(buffer.take(), (vec![7], 0));
    }
}

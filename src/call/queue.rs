//! Frames that wait for the flow-control window. It takes and gives bytes, and knows nothing of HTTP/2.
//!
//! ```text
//! messages ->  gathering  ->  leaving  -> DATA
//!              grows          whole frames that were gathered, or that were encoded before;
//!                             its front may have left already
//! ```

use std::mem;

use bytes::{Bytes, BytesMut};

use crate::limits::BATCH;

/// The least that the gathering buffer grows by, so that not every message of a stream needs an allocation.
const ROOM: usize = 1024;

/// Whole frames in their order. Only [`clear`](Self::clear) drops any.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    leaving: Bytes,
    /// Whether `leaving` was encoded before, and takes no memory of its own.
    is_stored: bool,
    gathering: BytesMut,
}

/// What can leave next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Front {
    pub(crate) len: usize,
    /// Whether it was encoded before, and takes no memory of its own.
    pub(crate) is_stored: bool,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.leaving.is_empty() && self.gathering.is_empty()
    }

    /// Whether enough has gathered that the sender should wait before it adds more.
    pub(crate) fn is_full(&self) -> bool {
        self.gathering.len() >= BATCH
    }

    /// The buffer to append frames to.
    pub(crate) fn gathering(&mut self) -> &mut BytesMut {
        if self.gathering.capacity() - self.gathering.len() < ROOM / 4 {
            self.gathering.reserve(ROOM);
        }
        &mut self.gathering
    }

    /// Adds frames that are bytes already: without copying them, if nothing waits before them.
    pub(crate) fn put(&mut self, frames: Bytes) {
        if self.is_empty() {
            self.leaving = frames;
            self.is_stored = true;
        } else {
            self.gathering.extend_from_slice(&frames);
        }
    }

    /// Puts `frames` before everything else: they leave once more.
    pub(crate) fn put_back(&mut self, frames: &[Bytes]) {
        if !frames.is_empty() {
            let mut all = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum::<usize>() + self.leaving.len());
            frames.iter().chain([&self.leaving]).for_each(|frames| all.extend_from_slice(frames));
            self.leaving = all.freeze();
            self.is_stored = false;
        }
    }

    /// What can leave next.
    pub(crate) fn front(&mut self) -> Front {
        if self.leaving.is_empty() {
            // `gathering` keeps its spare capacity for the next messages.
            self.leaving = self.gathering.split().freeze();
            self.is_stored = false;
        }
        Front { len: self.leaving.len(), is_stored: self.is_stored }
    }

    /// Takes the first `count` bytes of the [`front`](Self::front).
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        if count == self.leaving.len() { mem::take(&mut self.leaving) } else { self.leaving.split_to(count) }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        *self = Queue::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_encoded_before_are_not_copied() {
        let frames = Bytes::copy_from_slice(b"frames");
        let mut queue = Queue::default();
        queue.put(frames.clone());
        assert_eq!(queue.front(), Front { len: 6, is_stored: true });
        assert_eq!(queue.take(6).as_ptr(), frames.as_ptr());
        assert!(queue.is_empty());
    }

    #[test]
    fn frames_that_are_put_back_leave_before_those_that_wait() {
        let mut queue = Queue::default();
        queue.put(Bytes::from_static(b"third"));
        queue.gathering().extend_from_slice(b"fourth");
        queue.put_back(&[Bytes::from_static(b"first"), Bytes::from_static(b"second")]);
        let mut taken = Vec::new();
        while queue.front().len > 0 {
            let count = queue.front().len;
            taken.extend_from_slice(&queue.take(count));
        }
        assert_eq!(taken, b"firstsecondthirdfourth");
    }

    #[test]
    fn a_queue_that_is_cleared_holds_nothing() {
        let mut queue = Queue::default();
        queue.put(Bytes::from_static(b"first"));
        queue.gathering().extend_from_slice(b"second");
        queue.clear();
        assert!(queue.is_empty());
        assert_eq!((queue.front().len, queue.gathering.capacity()), (0, 0));
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_in_order_however_it_is_taken(
            steps in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..50), 0..80usize), 0..40),
        ) {
            let mut queue = Queue::default();
            let (mut put, mut taken) = (Vec::new(), Vec::new());
            for (bytes, most) in steps {
                queue.gathering().extend_from_slice(&bytes);
                put.extend_from_slice(&bytes);
                let count = queue.front().len.min(most);
                taken.extend_from_slice(&queue.take(count));
                prop_assert_eq!(queue.is_empty(), put.len() == taken.len());
            }
            while queue.front().len > 0 {
                let count = queue.front().len;
                taken.extend_from_slice(&queue.take(count));
            }
            prop_assert_eq!(put, taken);
        }
    }
}

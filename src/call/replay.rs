//! What was sent of a request that is a stream, kept for another attempt.

use std::mem;

use bytes::Bytes;

/// Frames that were given to h2, as long as they are few enough to be kept.
#[derive(Debug)]
pub(crate) struct Replay {
    frames: Vec<Bytes>,
    room: usize,
    most: usize,
}

impl Replay {
    /// Room for `most` bytes, the handles on them included.
    pub(crate) fn new(most: usize) -> Self {
        Replay { frames: Vec::new(), room: most, most }
    }

    /// Keeps `frames`, which share their memory. False when there is no room for them: the call can't begin again.
    pub(crate) fn keep(&mut self, frames: &Bytes) -> bool {
        let Some(room) = self.room.checked_sub(frames.len() + size_of::<Bytes>()) else { return false };
        self.room = room;
        self.frames.push(frames.clone());
        true
    }

    /// Everything that was kept, in its order, to be sent again.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        self.room = self.most;
        mem::take(&mut self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_kept_in_order_up_to_the_limit_and_can_be_taken_again_and_again() {
        let mut replay = Replay::new(10 + 2 * size_of::<Bytes>());
        for _ in 0..2 {
            assert!(replay.keep(&Bytes::from_static(b"12345")) && replay.keep(&Bytes::from_static(b"67890")));
            assert_eq!(replay.take().concat(), b"1234567890");
        }
        assert!(replay.keep(&Bytes::from_static(b"1234567890")) && !replay.keep(&Bytes::from(vec![0; 33])));
    }
}

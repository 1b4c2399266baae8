//! What is known of a call from its request head.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::deadline::Deadline;
use crate::memory::costs;
use crate::metadata::Metadata;
use crate::wire::path::Path;

/// Of no message there is a part.
const NOTHING: u64 = u64::MAX;

/// What is known of a call from its head, and how much of it a server has read since.
#[derive(Debug)]
pub(crate) struct CallHead {
    pub(crate) path: Path,
    pub(crate) metadata: Metadata,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) peer: Option<SocketAddr>,
    /// Bytes of the request's frames that have been read.
    received: AtomicU64,
    /// The method's request is one message, and it has not come yet. Until a shape is chosen, any request may be so.
    awaits_message: AtomicBool,
    /// How many bytes of an unfinished message the handler held when it last waited; [`NOTHING`] if it had none.
    held: AtomicU64,
}

impl CallHead {
    pub(crate) fn new(path: Path, metadata: Metadata, deadline: Option<Deadline>, peer: Option<SocketAddr>) -> Self {
        CallHead {
            path,
            metadata,
            deadline,
            peer,
            received: AtomicU64::new(0),
            awaits_message: AtomicBool::new(true),
            held: AtomicU64::new(NOTHING),
        }
    }

    /// The memory that a call takes with this head, in bytes.
    pub(super) fn takes(&self) -> usize {
        let fields = self.metadata.lengths().map(|length| length + costs::FIELD);
        costs::CALL + costs::HEAD + self.path.as_str().len() + fields.sum::<usize>()
    }

    /// Counts bytes that were read. A call has only one reader, so this need not be a single atomic step.
    pub(crate) fn count(&self, bytes: usize) {
        self.received.store(self.received.load(Relaxed) + bytes as u64, Relaxed);
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// The handler waits, and holds `bytes` of a message that is not whole.
    pub(crate) fn holds(&self, bytes: usize) {
        let is_message = bytes > 0 || self.awaits_message();
        self.held.store(if is_message { bytes as u64 } else { NOTHING }, Relaxed);
    }

    /// How many bytes of an unfinished message the handler held when it has waited for the rest, if it has since this
    /// was last asked. The one message of a request has begun with its call.
    pub(crate) fn take_held(&self) -> Option<u64> {
        let held = self.held.load(Relaxed);
        if held != NOTHING {
            self.held.store(NOTHING, Relaxed);
        }
        (held != NOTHING).then_some(held)
    }

    /// Whether the one message of the request is still to come.
    pub(crate) fn awaits_message(&self) -> bool {
        self.awaits_message.load(Relaxed)
    }

    /// The one message has come, or the request is a stream.
    pub(crate) fn awaits_no_message(&self) {
        self.awaits_message.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_its_path_and_each_field_of_its_head() {
        let mut metadata = Metadata::new();
        metadata.insert("one", "1").unwrap();
        metadata.insert("three", "12345").unwrap();
        let head = CallHead::new(Path::new("a", "b").unwrap(), metadata, None, None);
        let fields = (3 + 1 + costs::FIELD) + (5 + 5 + costs::FIELD);
        assert_eq!(head.takes(), costs::CALL + costs::HEAD + "/a/b".len() + fields);
    }

    #[test]
    fn what_a_reader_holds_is_told_once_for_each_time_that_it_waits() {
        let head = CallHead::new(Path::new("a.B", "C").unwrap(), Metadata::new(), None, None);
        assert_eq!(head.take_held(), None);
        // The one message of a request has begun with its call.
        head.holds(0);
        assert_eq!((head.take_held(), head.take_held()), (Some(0), None));
        head.awaits_no_message();
        head.holds(0);
        assert_eq!(head.take_held(), None);
        head.holds(7);
        assert_eq!((head.take_held(), head.take_held()), (Some(7), None));
    }
}

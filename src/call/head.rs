//! What is known of a call from its request head.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::deadline::Deadline;
use crate::metadata::Metadata;
use crate::wire::path::Path;

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
}

impl CallHead {
    pub(crate) fn new(path: Path, metadata: Metadata, deadline: Option<Deadline>, peer: Option<SocketAddr>) -> Self {
        CallHead { path, metadata, deadline, peer, received: AtomicU64::new(0), awaits_message: AtomicBool::new(true) }
    }

    /// Counts bytes that were read. A call has only one reader, so this need not be a single atomic step.
    pub(crate) fn count(&self, bytes: usize) {
        self.received.store(self.received.load(Relaxed) + bytes as u64, Relaxed);
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Relaxed)
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

//! What h2 is given to send.

use bytes::{Buf, Bytes};

use crate::memory::Queued;

/// Frames on their way to the peer. h2 drops a piece when it has been sent, and when its stream or its connection is
/// gone: then the charge for it ends, whatever the reason.
#[derive(Debug)]
pub(crate) struct Piece {
    bytes: Bytes,
    /// None on a client.
    _queued: Option<Queued>,
}

impl Piece {
    pub(crate) fn new(bytes: Bytes, queued: Option<Queued>) -> Self {
        Piece { bytes, _queued: queued }
    }
}

impl From<Bytes> for Piece {
    /// A piece that nobody is charged for.
    fn from(bytes: Bytes) -> Self {
        Piece::new(bytes, None)
    }
}

impl Buf for Piece {
    #[inline]
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

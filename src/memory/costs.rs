//! What HTTP/2 and this crate take in memory beside the bytes that a peer sends or is sent.
//!
//! Each figure is what the `server` binary's resident memory grows by, measured with a thousand connections and rounded
//! up: more is counted than is held, never less.

/// An open connection: h2's buffers for reading and writing, HPACK's tables, the connection's task.
pub(crate) const CONNECTION: usize = 40 * 1024;

/// A place for a call, which stays when the call ends: its future, and h2's record of a stream.
pub(crate) const PLACE: usize = 3 * 1024;

/// An open call: its handler, its head, what it shares with its connection.
pub(crate) const CALL: usize = 2 * 1024;

/// The buffer that the head of a call was read into, whose parts the head shares as long as the call lasts: a buffer of
/// its own at worst, if much else came between the heads.
pub(crate) const HEAD: usize = 8 * 1024;

/// The answer to a call that was refused, until it has left: h2's record of the stream, and the frame with its head.
pub(crate) const REFUSED: usize = 2 * 1024;

/// A field of a head, beside its name and its value.
pub(crate) const FIELD: usize = 128;

/// A DATA frame that h2 holds, beside its bytes.
pub(crate) const FRAME: usize = 384;

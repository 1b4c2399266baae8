//! The states of gRPC's connectivity API (connectivity-semantics-and-api.md).

use std::fmt;

/// What a channel is doing: whether a call can leave now, waits, or fails.
///
/// ```text
///          a call, connect()                 SETTINGS came
///   Idle ---------------------> Connecting ----------------> Ready
///    ^                              |  ^                      |  GOAWAY, the connection is lost,
///    |                      failed  v  |  after the back-off  |  no call for a long time
///    |                        TransientFailure                |
///    +--------------------------------------------------------+
/// ```
///
/// A channel that failed to connect is in `TransientFailure` until an attempt succeeds, also while it makes the next
/// ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectivityState {
    /// There is no connection, and none is being made. A call makes the channel connect.
    Idle,
    /// A connection is being made. Calls wait for it.
    Connecting,
    /// There is a connection. Calls leave on it.
    Ready,
    /// No connection could be made. Calls fail at once, unless they wait for a connection. The next attempt follows
    /// after the back-off.
    TransientFailure,
    /// The channel is shut down.
    Shutdown,
}

impl fmt::Display for ConnectivityState {
    /// The name in gRPC's documents, such as `TRANSIENT_FAILURE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ConnectivityState::Idle => "IDLE",
            ConnectivityState::Connecting => "CONNECTING",
            ConnectivityState::Ready => "READY",
            ConnectivityState::TransientFailure => "TRANSIENT_FAILURE",
            ConnectivityState::Shutdown => "SHUTDOWN",
        })
    }
}

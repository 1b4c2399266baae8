//! Every limit in one place, each with the reason for its number.
//!
//! Everything that a peer can make us hold, do or wait for has its limit here. [`Limits`] has what a server allows its
//! clients, [`ClientLimits`] what a client allows its server, [`MethodLimits`] what differs for one method. The
//! constants are those whose value follows from HTTP/2 or from a measurement.
//!
//! ```
//! use h2grpc::limits::Limits;
//! let limits = Limits::default().max_message(16 << 20).max_concurrent_streams(1000);
//! assert!(limits.check().is_ok());
//! let error = Limits::default().max_connections(0).check().unwrap_err();
//! assert_eq!(error.to_string(), "the limit max_connections is 0, expected at least 1");
//! ```

use std::{error::Error, fmt, time::Duration};

/// How many bytes of a call's frames gather before they go to HTTP/2 while the handler is still running.
///
/// 16 KiB is the largest DATA frame that every peer takes (RFC 9113, section 6.5.2; rule h2.setting-max-frame-size), and
/// a DATA frame costs about the same whatever it holds: streams of 70-byte messages cost 0.28 us a message in frames of
/// their own and 0.04 us in frames of 16 KiB.
pub const BATCH: usize = 16 * 1024;

/// How many bytes wait under HTTP/2 for one system call: eight of the largest common DATA frames. Half as many cost a
/// tenth more in long streams, twice as many save one per cent.
pub const WRITE_BUFFER: usize = 128 * 1024;

/// How many bytes of a call's answer gather, in place of a [`BATCH`], when memory is scarce: a call then holds some
/// kilobytes, and costs more.
pub const SCARCE_BATCH: usize = 1024;

/// How many bytes h2 is given for one connection when memory is scarce, until it has sent some: two of the largest common
/// DATA frames, so that the socket always has something to send.
pub const SCARCE_QUEUED: usize = 2 * BATCH;

/// How many bytes of one call h2 holds at most, when the peer's window would take more. h2's own default is 400 KiB, which
/// 100 calls on each of many connections multiply. Four of the largest common DATA frames are half of what one system
/// call writes.
pub const SEND_BUFFER: usize = 4 * BATCH;

/// The flow-control window of a connection when memory is scarce: HTTP/2's own, which can't begin smaller.
pub const SCARCE_WINDOW: u32 = 65_535;

/// How long a client is asked to wait that was refused a call because memory is scarce.
pub const PUSH_BACK: Duration = Duration::from_secs(1);

/// How often a call that a GOAWAY has turned away begins again for free. Each time it takes another connection, so a server
/// that closes its connections in turn, or one that restarts, turns a call away a few times at most. One that turns away
/// every call on every connection must not have us dial for ever.
pub const FREE_ATTEMPTS_AFTER_GOAWAY: u32 = 16;

/// How long a handshake that is under way may go on once the server stops: its client may have this side's SETTINGS and
/// have sent calls already, which would be lost with the connection. A peer that says nothing holds up the stop so long.
pub const STOPPED_HANDSHAKE: Duration = Duration::from_secs(1);

/// By how many bytes a message that has begun must grow within [`Limits::message_timeout`](Limits#structfield.message_timeout)
/// if it does not end: a message of which a byte comes now and then would hold its place for ever.
pub const MESSAGE_STEP: u64 = 4 * 1024;

/// How long a connection's turn may last while there is more to do; then the other connections of its thread have
/// theirs. One more turn costs some 2 us, so this costs a busy connection a quarter of a per cent.
pub(crate) const TURN: Duration = Duration::from_millis(1);

/// How many bytes of messages a handler may send without waiting for anything, until the other calls have their turn:
/// some 0.3 ms for messages of 20 bytes.
pub(crate) const SENT_AT_A_STRETCH: usize = 4 * BATCH;

/// The largest flow-control window that HTTP/2 knows (RFC 9113, section 6.9.1; rule h2.window-overflow).
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The least memory that serves one client, and a few.
const LEAST_CONNECTION_MEMORY: usize = 1024 * 1024;
const LEAST_MEMORY: usize = 4 * LEAST_CONNECTION_MEMORY;

/// How many places a semaphore of Tokio's can have, which counts the connections.
const MAX_CONNECTIONS: usize = usize::MAX >> 3;

/// Declares a set of limits: the struct, its defaults, and a method for each limit that sets it.
macro_rules! limits {
    ($(#[$about:meta])* $Name:ident { $($(#[$doc:meta])* $limit:ident: $type:ty = $default:expr;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $Name {
            $($(#[$doc])* pub $limit: $type,)+
        }

        impl Default for $Name {
            fn default() -> Self {
                $Name { $($limit: $default,)+ }
            }
        }

        impl $Name {
            $(
                #[doc = concat!("Sets [`", stringify!($limit), "`](Self#structfield.", stringify!($limit), ").")]
                pub fn $limit(mut self, value: $type) -> Self {
                    self.$limit = value;
                    self
                }
            )+
        }
    };
}

limits! {
    /// What a server allows its clients. The defaults hold for servers on the open network.
    Limits {
        /// The longest message that is taken in, in bytes. 4 MiB is the default of every gRPC implementation, so a
        /// message that passes here passes elsewhere. A longer one ends its call with RESOURCE_EXHAUSTED, before it is
        /// stored.
        max_message: usize = 4 * 1024 * 1024;

        /// SETTINGS_MAX_CONCURRENT_STREAMS: how many calls one connection may have open. 100 is the least that RFC 9113
        /// recommends (rule h2.setting-max-concurrent-streams); clients queue what goes beyond it. Without a limit,
        /// 50,000 open calls cost other servers 500 MiB.
        max_concurrent_streams: u32 = 100;

        /// SETTINGS_MAX_HEADER_LIST_SIZE, in bytes, names and values and 32 for each field: 16 KiB is twice what gRPC
        /// implementations allow by default. A larger request is answered with HTTP status 431.
        max_header_list: u32 = 16 * 1024;

        /// SETTINGS_INITIAL_WINDOW_SIZE: how many bytes of one call may be on their way or unread. 1 MiB carries
        /// 80 Mbit/s over a round trip of 100 ms; larger windows measured no faster on a local network.
        stream_window: u32 = 1024 * 1024;

        /// The same for the whole connection. Twice the stream's, so that one call whose handler does not read cannot
        /// stop the others.
        connection_window: u32 = 2 * 1024 * 1024;

        /// How much overhead in small DATA frames may be unread, in bytes: a frame under 256 bytes counts for what it
        /// lacks of 256. Clients send each message in a frame of its own, so a window full of RouteGuide points (22
        /// bytes each) is 2 MiB / 22 x 234 = 22 MiB. It bounds the frames queued on a connection to some 100,000;
        /// beyond, the connection ends with ENHANCE_YOUR_CALM.
        small_frame_budget: usize = 24 * 1024 * 1024;

        /// How long a new connection may take until its HTTP/2 preface and its first SETTINGS are there.
        handshake_timeout: Duration = Duration::from_secs(10);

        /// How long a header block may take, from its HEADERS frame to the end of its last CONTINUATION frame. Nothing
        /// else can be said on its connection meanwhile. 20 s are enough for 16 KiB at the speed of a bad radio link.
        header_timeout: Duration = Duration::from_secs(20);

        /// How long a message that has begun may grow by less than [`MESSAGE_STEP`] while its handler waits for it; then
        /// its call ends with DEADLINE_EXCEEDED. It may be noticed after twice as long. A peer of 70 bytes a second passes.
        message_timeout: Duration = Duration::from_secs(60);

        /// How long a call may neither send nor receive a byte; then it ends with DEADLINE_EXCEEDED. It may be noticed a
        /// quarter later. `None`, the default, lets a call be silent for ever, as streams that wait for events are.
        call_idle_timeout: Option<Duration> = None;

        /// How long a peer may be silent until a PING goes out; it may take up to twice as long. What arrives shows that
        /// the peer is alive, and so does a socket that was full and takes bytes again. `None` sends none.
        keepalive_interval: Option<Duration> = Some(Duration::from_secs(60));

        /// How long the answer to a PING may take, or another sign of life; then the connection is closed: so half-open
        /// connections end. 20 s is gRPC's default.
        keepalive_timeout: Duration = Duration::from_secs(20);

        /// A connection without a call for this long is asked to leave (GOAWAY with NO_ERROR). One that does not even
        /// acknowledge that within [`keepalive_timeout`](Self#structfield.keepalive_timeout) is closed.
        idle_timeout: Duration = Duration::from_secs(15 * 60);

        /// A connection of this age, a tenth more or less by chance, is asked to leave (GOAWAY with NO_ERROR), so that
        /// clients find servers that were added. `None`, the default as in other gRPC implementations, never asks.
        max_connection_age: Option<Duration> = None;

        /// How long the calls of a connection may take to end once its age is reached; then they are cut off. `None`,
        /// the default, waits for all of them.
        max_connection_age_grace: Option<Duration> = None;

        /// How long calls in flight may take to end once the server stops; then they are cut off.
        drain_timeout: Duration = Duration::from_secs(30);

        /// How many connections a server holds; further ones wait in the listen queue.
        max_connections: usize = 16 * 1024;

        /// How many of them may come from one address, of IPv6 from one network of 64 bits; further ones are closed with
        /// GOAWAY ENHANCE_YOUR_CALM. A quarter of all by default: many clients may share the address of a proxy, but
        /// none of them alone can keep everybody else out.
        max_connections_per_address: usize = 4 * 1024;

        /// How many bytes the server holds for all its clients together: their connections and calls, their unfinished
        /// messages, the answers that they do not read, what services charge to their calls. Half is handed out, and
        /// the rest is for the allocator's own needs. Of what is handed out, half of it taken, those who
        /// hold more than their share get less; three quarters, their new calls are RESOURCE_EXHAUSTED; all of it, the
        /// connection that holds most and moves least is closed with ENHANCE_YOUR_CALM. `None`, the default, is a quarter
        /// of the machine's memory, or of the control group's if that has less; of 1 GiB where neither can be read.
        memory: Option<usize> = None;

        /// The same for one connection: 16 of the largest messages, unfinished. A message or a
        /// [charge](crate::call::CallContext::charge) beyond it ends its call with RESOURCE_EXHAUSTED. It is never more
        /// than a quarter of what [`memory`](Self#structfield.memory) hands out.
        connection_memory: usize = 64 * 1024 * 1024;
    }
}

limits! {
    /// What a client allows its server.
    ClientLimits {
        /// How long an attempt to connect may take, from the look-up of the name to the server's HTTP/2 SETTINGS. 20 s
        /// is gRPC's MIN_CONNECT_TIMEOUT (connection-backoff.md; rule backoff.min-connect-timeout). After more than a
        /// dozen failures in a row an attempt may take as long as the pause between two of them.
        connect_timeout: Duration = Duration::from_secs(20);

        /// A connection without a call for this long is closed, once it is noticed: after twice as long at most. The next
        /// call makes another. 30 minutes is gRPC's default.
        idle_timeout: Duration = Duration::from_secs(30 * 60);

        /// How many bytes of a request that is a stream are kept until its response begins, so that the call can begin
        /// again when a server turns it away. 256 KiB is the default of gRPC in C++.
        retry_buffer: usize = 256 * 1024;

        /// The longest message that is taken in, in bytes; see [`Limits::max_message`](Limits#structfield.max_message).
        max_message: usize = 4 * 1024 * 1024;

        /// SETTINGS_MAX_HEADER_LIST_SIZE, in bytes, as for servers: it bounds the metadata of one answer.
        max_header_list: u32 = 16 * 1024;

        /// How many bytes of one call's answer may be on their way or unread, as for servers.
        stream_window: u32 = 1024 * 1024;

        /// The same for all calls of a connection.
        connection_window: u32 = 2 * 1024 * 1024;

        /// How much overhead in small DATA frames may be unread, in bytes, counted as for servers. A server that obeys
        /// flow control must not lose its connection for a reader that is late: a window full of empty messages, five
        /// bytes each in frames of their own, is 2 MiB / 5 x 251 = 100 MiB.
        small_frame_budget: usize = 128 * 1024 * 1024;

        /// How long a connection with calls may be silent until a PING goes out; it may take up to twice as long.
        /// `None`, the default, sends none. gRPC's least is 10 s, and many servers allow one PING in 5 minutes:
        /// they answer more frequent ones with GOAWAY ENHANCE_YOUR_CALM, "too_many_pings".
        keepalive_interval: Option<Duration> = None;

        /// How long the answer to a PING may take. A connection on which nothing arrives for so long is closed. So is one
        /// that is not needed any more, if its server does not read within that time what is left for it.
        keepalive_timeout: Duration = Duration::from_secs(20);

        /// Whether PINGs go out also while the connection has no call. Servers count such PINGs as abuse unless they
        /// are set up to permit them.
        keepalive_without_calls: bool = false;
    }
}

/// What a server allows the callers of one method, where it differs from its [`Limits`].
///
/// ```
/// use h2grpc::limits::MethodLimits;
/// let uploads = MethodLimits::default().max_message(64 << 20);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodLimits {
    /// The longest message that is taken in, in bytes, in place of the server's.
    pub max_message: Option<usize>,
}

impl MethodLimits {
    /// Sets the longest message that is taken in, in bytes.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = Some(bytes);
        self
    }
}

impl Limits {
    /// Checks that a server can work within these limits.
    ///
    /// # Errors
    /// The first limit with a value that would serve nobody, or that HTTP/2 does not know.
    pub fn check(&self) -> Result<(), LimitError> {
        within("max_connections", self.max_connections, 1, MAX_CONNECTIONS)?;
        within("max_connections_per_address", self.max_connections_per_address, 1, usize::MAX)?;
        within("max_concurrent_streams", self.max_concurrent_streams, 1, u32::MAX)?;
        within("memory", self.memory.unwrap_or(usize::MAX), LEAST_MEMORY, usize::MAX)?;
        within("connection_memory", self.connection_memory, LEAST_CONNECTION_MEMORY, usize::MAX)?;
        within("max_header_list", self.max_header_list, 1, u32::MAX)?;
        within("stream_window", self.stream_window, 1, MAX_WINDOW)?;
        within("connection_window", self.connection_window, 1, MAX_WINDOW)?;
        lasts("handshake_timeout", self.handshake_timeout)?;
        lasts("header_timeout", self.header_timeout)?;
        lasts("message_timeout", self.message_timeout)?;
        lasts("call_idle_timeout", self.call_idle_timeout.unwrap_or(Duration::MAX))?;
        lasts("max_connection_age", self.max_connection_age.unwrap_or(Duration::MAX))?;
        lasts("keepalive_interval", self.keepalive_interval.unwrap_or(Duration::MAX))?;
        lasts("keepalive_timeout", self.keepalive_timeout)?;
        lasts("idle_timeout", self.idle_timeout)
    }
}

impl ClientLimits {
    /// Checks that a client can work within these limits.
    ///
    /// # Errors
    /// As for [`Limits::check`].
    pub fn check(&self) -> Result<(), LimitError> {
        within("max_header_list", self.max_header_list, 1, u32::MAX)?;
        within("stream_window", self.stream_window, 1, MAX_WINDOW)?;
        within("connection_window", self.connection_window, 1, MAX_WINDOW)?;
        lasts("connect_timeout", self.connect_timeout)?;
        lasts("idle_timeout", self.idle_timeout)?;
        lasts("keepalive_interval", self.keepalive_interval.unwrap_or(Duration::MAX))?;
        lasts("keepalive_timeout", self.keepalive_timeout)
    }
}

fn within<N: PartialOrd + fmt::Display>(limit: &'static str, value: N, least: N, most: N) -> Result<(), LimitError> {
    let expected = if value < least {
        format!("at least {least}")
    } else if value > most {
        format!("at most {most}")
    } else {
        return Ok(());
    };
    Err(LimitError { limit, value: value.to_string(), expected })
}

fn lasts(limit: &'static str, value: Duration) -> Result<(), LimitError> {
    let error = || LimitError { limit, value: format!("{value:?}"), expected: "a time longer than zero".to_owned() };
    if value.is_zero() { Err(error()) } else { Ok(()) }
}

/// A limit with a value that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitError {
    limit: &'static str,
    value: String,
    expected: String,
}

impl LimitError {
    /// The limit's name, such as `max_connections`.
    pub fn limit(&self) -> &'static str {
        self.limit
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the limit {} is {}, expected {}", self.limit, self.value, self.expected)
    }
}

impl Error for LimitError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_would_serve_nobody_are_refused_by_name() {
        let refused = |limits: Limits| limits.check().unwrap_err().to_string();
        assert_eq!(
            refused(Limits::default().max_connections(0)),
            "the limit max_connections is 0, expected at least 1"
        );
        assert!(refused(Limits::default().max_connections(usize::MAX)).contains("max_connections"));
        assert!(refused(Limits::default().max_concurrent_streams(0)).contains("max_concurrent_streams"));
        assert!(refused(Limits::default().stream_window(1 << 31)).contains("at most 2147483647"));
        let never = Limits::default().keepalive_interval(Some(Duration::ZERO));
        assert_eq!(refused(never), "the limit keepalive_interval is 0ns, expected a time longer than zero");
        assert_eq!(ClientLimits::default().connection_window(0).check().unwrap_err().limit(), "connection_window");
    }

    #[test]
    fn the_defaults_are_legal() {
        assert_eq!(Limits::default().check(), Ok(()));
        assert_eq!(ClientLimits::default().check(), Ok(()));
    }
}

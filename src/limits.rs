//! Every limit in one place, each with the reason for its number.
//!
//! A server that is open to strangers is as sturdy as its smallest unbounded queue, so whatever a peer can make us
//! hold, do or wait for has its limit here. [`Limits`] holds those that a user may want to change; the constants are
//! those whose value follows from HTTP/2 or from a measurement.

use std::time::Duration;

/// How many bytes of a call's frames gather before they go to HTTP/2 while the handler is still running.
///
/// 16 KiB is the largest DATA frame that every peer takes (RFC 9113, SETTINGS_MAX_FRAME_SIZE's initial value), and a
/// DATA frame costs about the same whatever it holds: streams of 70-byte messages cost 0.28 us a message in frames of
/// their own and 0.04 us in frames of 16 KiB.
pub const BATCH: usize = 16 * 1024;

/// How many bytes wait under HTTP/2 for one system call: eight of the largest common DATA frames. Half as many cost a
/// tenth more in long streams, twice as many save one per cent.
pub const WRITE_BUFFER: usize = 128 * 1024;

/// What a server or a client allows its peer. `Limits::default()` holds for servers on the open network.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The longest message that is taken in, in bytes. 4 MiB is the default of every gRPC implementation, so a
    /// message that passes here passes elsewhere. A longer one ends its call with RESOURCE_EXHAUSTED, before it is
    /// stored.
    pub max_message: usize,

    /// SETTINGS_MAX_CONCURRENT_STREAMS: how many calls one connection may have open. 100 is the least that RFC 9113
    /// recommends; clients queue what goes beyond it. Without a limit, 50,000 open calls cost other servers 500 MiB.
    pub max_concurrent_streams: u32,

    /// SETTINGS_MAX_HEADER_LIST_SIZE, in bytes, names and values and 32 for each field: 16 KiB is twice what gRPC
    /// implementations allow by default. A larger request is answered with HTTP status 431.
    pub max_header_list: u32,

    /// SETTINGS_INITIAL_WINDOW_SIZE: how many bytes of one call may be on their way or unread. 1 MiB
    /// carries 80 Mbit/s over a round trip of 100 ms; larger windows measured no faster on a local network.
    pub stream_window: u32,

    /// The same for the whole connection. Twice the stream's, so that one call whose handler does not read cannot
    /// stop the others.
    pub connection_window: u32,

    /// How much overhead in small DATA frames may be unread, in bytes: a frame under 256 bytes counts for what it
    /// lacks of 256. Clients send each message in a frame of its own, so a window full of RouteGuide points (22
    /// bytes each) is 2 MiB / 22 x 234 = 22 MiB. It bounds the frames queued on a connection to some 100,000;
    /// beyond, the connection ends with ENHANCE_YOUR_CALM.
    pub small_frame_budget: usize,

    /// How long a new connection may take until its HTTP/2 preface and SETTINGS are there.
    pub handshake_timeout: Duration,

    /// A PING goes out this often, and a connection that does not answer it within
    /// [`keepalive_timeout`](Self::keepalive_timeout) is closed: so half-open connections end, and those that
    /// drip an endless header block. `None` sends none; for clients that is the default, as gRPC servers count pings
    /// as abuse.
    pub keepalive_interval: Option<Duration>,

    /// How long the answer to a PING may take. 20 s is gRPC's default.
    pub keepalive_timeout: Duration,

    /// A connection without a call for this long is asked to leave (GOAWAY with NO_ERROR). It is looked at once per
    /// keepalive interval.
    pub idle_timeout: Duration,

    /// How long calls in flight may take to end once the server stops; then they are cut off.
    pub drain_timeout: Duration,

    /// How long a server stays awake for the next request of a peer that sent the last one as soon as that, instead of
    /// having the thread sleep: busy polling. It is for runtimes with one thread, where 20 us save a client on the same
    /// machine that has one call at a time a quarter of its wait. Of several threads it is another that waits for the
    /// sockets, and looking only takes its processor away. Zero, the default, always sleeps.
    pub busy_poll: Duration,

    /// How many connections a server holds; further ones wait in the listen queue.
    pub max_connections: usize,
}

impl Limits {
    /// What a client allows its server: no keepalive of its own accord.
    pub fn client() -> Self {
        Limits { keepalive_interval: None, ..Limits::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_message: 4 * 1024 * 1024,
            max_concurrent_streams: 100,
            max_header_list: 16 * 1024,
            stream_window: 1024 * 1024,
            connection_window: 2 * 1024 * 1024,
            small_frame_budget: 24 * 1024 * 1024,
            handshake_timeout: Duration::from_secs(10),
            keepalive_interval: Some(Duration::from_secs(60)),
            keepalive_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(15 * 60),
            drain_timeout: Duration::from_secs(30),
            busy_poll: Duration::ZERO,
            max_connections: 16 * 1024,
        }
    }
}

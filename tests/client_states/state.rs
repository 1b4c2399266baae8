//! The states and the events.

use h2::Reason;

/// What a channel and its call are doing. "The call" is the last one that was begun.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// Nobody has called yet.
    Idle,
    /// A call waits, and the dial has no answer yet.
    Dialling,
    /// The peer has accepted and got the preface, but has sent nothing.
    Greeted,
    /// The peer has sent the first 12 bytes of its SETTINGS.
    HalfSettings,
    /// There is a connection, and no call.
    Ready,
    /// A unary call has left, and nothing came.
    Sent,
    /// The response head of a unary call came.
    Headed,
    /// The first of several messages came.
    Listing,
    /// The client sends a message every 100 ms, and nothing came.
    Uploading,
    /// The client has filled the window, and waits for room.
    Blocked,
    /// The same, and the client does not look at the answer before it has sent everything.
    BlockedFirst,
    /// The server allows one stream. One call has it, and the call waits.
    Queued,
    /// The same, and the caller of the other does not look at its answer before the peers have answered everything.
    Ignored,
    /// The server has lowered its limit to 0 before the call, which waits.
    Barred,
    /// GOAWAY came, and the call is the last one that the server takes.
    Leaving,
    /// The first attempt to connect was refused, and the back-off runs. The call waits if it waits for a connection;
    /// else there is none.
    Failed,
    /// The same, and the second attempt has no answer yet.
    FailedDialling,
    /// The channel was dropped after the first of several messages came.
    Shut,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The dial is refused.
    Refused,
    /// Time passes.
    Silence(u64),
    /// The peer accepts, if it has not, and sends SETTINGS, after so many seconds.
    SettingsAfter(u64),
    /// The peer says in TLS that it does not understand.
    TlsAlert,
    /// The peer answers in HTTP/1.1.
    Http1,
    /// A frame of a type that HTTP/2 does not have: "implementations MUST ignore" it (RFC 9113, section 4.1).
    UnknownFrame,
    /// A WINDOW_UPDATE of one byte.
    BrokenFrame,
    /// The server allows so many streams at once.
    Limit(u32),
    /// GOAWAY with NO_ERROR and this last stream.
    Goaway(Last),
    /// GOAWAY with ENHANCE_YOUR_CALM, "too_many_pings", and this last stream.
    CalmGoaway(Last),
    /// GOAWAY with NO_ERROR and the highest last stream, and 10 ms later one with this.
    TwoGoaways(Last),
    Reset(Reason),
    /// The server answers with a status, and with a message before it if that is OK.
    Answer(u32),
    /// The same, and RST_STREAM with NO_ERROR.
    AnswerReset(u32),
    /// The peer sends no more.
    Fin,
    /// The connection is reset.
    Cut,
    /// The peer answers no PINGs any more, until the keepalive time-out is over.
    Mute,
    /// The call's deadline passes, which is 5 s after it was begun.
    Deadline,
    CallDropped,
    /// All handles on the channel are dropped.
    ChannelDropped,
    /// The back-off is over.
    BackoffOver,
    /// Nothing happens for more than twice the idle time-out.
    IdleTimeout,
    /// A call is begun and answered shortly before the idle time-out, which then passes.
    CallBetween,
    /// Another call is begun.
    NewCall,
}

/// A GOAWAY's last stream, seen from the stream of the call.
#[derive(Clone, Copy, Debug)]
pub enum Last {
    Above,
    At,
    Below,
}

//! What bytes mean to HTTP/2.

/// What bytes mean to HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A client's 24 opening bytes.
    Preface,
    /// A whole frame.
    Frame {
        /// The type.
        kind: u8,
        /// The flags.
        flags: u8,
        /// The stream.
        stream: u32,
        /// The length of the payload.
        length: u32,
    },
    /// The nine bytes before each payload.
    Header {
        /// The type.
        kind: u8,
        /// The flags.
        flags: u8,
        /// The stream, with the reserved bit.
        stream: u32,
        /// The length of the payload.
        length: u32,
    },
    /// The length of the payload, in the frame's header.
    Length(u32),
    /// The type of the frame.
    Type(u8),
    /// The flags of a frame.
    Flags {
        /// The type that decides what the bits mean.
        kind: u8,
        /// The bits.
        bits: u8,
    },
    /// The stream of the frame, with the reserved bit.
    Stream(u32),
    /// How many bytes of padding end the payload.
    PadLength(u8),
    /// Bytes without a meaning, which hide how long the content is.
    Padding(usize),
    /// The stream on which another depends, with the bit for "exclusive".
    Dependency(u32),
    /// A weight less one.
    Weight(u8),
    /// Why a stream or a connection ends.
    ErrorCode(u32),
    /// The last stream that was or may be processed.
    LastStream(u32),
    /// A text for people in a GOAWAY.
    DebugData(String),
    /// The stream that the server will open.
    PromisedStream(u32),
    /// A setting with its value.
    Setting {
        /// Which.
        id: u16,
        /// Its value.
        value: u32,
    },
    /// Which setting it is.
    SettingId(u16),
    /// The value of a setting.
    SettingValue {
        /// Which.
        id: u16,
        /// Its value.
        value: u32,
    },
    /// The eight bytes that come back in the answer to a PING.
    OpaqueData,
    /// How many bytes more may be sent.
    Increment(u32),
    /// The payload of a frame whose type is not defined.
    UnknownPayload(u8),
    /// A payload that does not fit its frame's type.
    WrongSize {
        /// The type.
        kind: u8,
        /// How many bytes are left over, or are too few.
        length: usize,
    },
    /// A piece of a header block that goes on in CONTINUATION frames, or ends there.
    Fragment,
    /// Content that nothing explains: a body that is no gRPC, or of a stream that is not known.
    Content,
    /// A body that is text, of a response that is no gRPC.
    Text(String),
    /// More of the payload of a large frame.
    Rest,
    /// The recording ends inside of this.
    Torn {
        /// How long the whole would be, if that is known.
        expected: Option<usize>,
    },
    /// The peer does not speak HTTP/2.
    Foreign(Foreign),
    /// Bytes of a frame that began before the recording.
    Earlier,
}

/// What a peer speaks instead of HTTP/2, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A request or response of HTTP/1.
    Http1,
    /// A record of TLS.
    Tls,
    /// Something else.
    Unknown,
}

impl Foreign {
    /// What the first bytes of a connection look like.
    pub fn of(bytes: &[u8]) -> Self {
        const METHODS: [&[u8]; 9] =
            [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"CONNECT ", b"HTTP/"];
        match bytes {
            [0x14..=0x17, 0x03, ..] => Foreign::Tls,
            _ if METHODS.iter().any(|method| bytes.starts_with(method)) => Foreign::Http1,
            _ => Foreign::Unknown,
        }
    }
}

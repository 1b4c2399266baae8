//! What HTTP/2's bytes say, in plain English.

use super::super::text::{bytes, grouped};
use super::meaning::{Foreign, Meaning};
use super::names::{error_code, flags, frame_type, setting};

/// The sentence of a meaning.
pub(super) fn of(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Preface => {
            "A client of HTTP/2 opens each connection with these 24 bytes. They look like a request that \
            no HTTP/1 server takes, so that a server of the wrong version fails at once."
                .into()
        }
        Meaning::Frame { kind, flags, stream, length } => frame(*kind, *flags, *stream, *length),
        Meaning::Header { .. } => {
            "Each frame begins with these nine bytes: how long its payload is, its type, its flags, and \
            the stream that it belongs to."
                .into()
        }
        Meaning::Length(length) => {
            format!("{} of payload follow the nine bytes of the frame header.", capital(&bytes(*length)))
        }
        Meaning::Type(kind) if frame_type(*kind) == "UNKNOWN" => {
            format!("Frame type {kind} is not defined by HTTP/2. Who does not know a type ignores the frame.")
        }
        Meaning::Type(kind) => format!("Type {kind} is {}.", frame_type(*kind)),
        Meaning::Flags { kind, bits } => set(*kind, *bits),
        Meaning::Stream(stream) => on(*stream),
        Meaning::PadLength(length) => {
            format!("The payload ends with {} of padding, which receivers throw away.", bytes(*length))
        }
        Meaning::Padding(_) => {
            "Padding hides how long the content is. It counts against flow control all the same.".into()
        }
        Meaning::Dependency(stream) => format!(
            "The stream depends on stream {}. Priorities of this kind are deprecated, and most peers ignore them.",
            stream & 0x7fff_ffff
        ),
        Meaning::Weight(weight) => format!("The weight is {}, written less one.", u16::from(*weight) + 1),
        Meaning::ErrorCode(code) => reason(*code),
        Meaning::LastStream(stream) if stream & 0x7fff_ffff == 0x7fff_ffff => {
            "No stream is turned away yet: the highest \
            number there is announces that the connection will end, and a second GOAWAY will name the last stream."
                .into()
        }
        Meaning::LastStream(stream) => format!(
            "Streams up to {} were or may have been processed. Those above were not, and may safely be tried elsewhere.",
            stream & 0x7fff_ffff
        ),
        Meaning::DebugData(_) => "A text for people; programs do not read it.".into(),
        Meaning::PromisedStream(stream) => {
            format!(
                "The server will answer on stream {} without being asked. gRPC never does this.",
                stream & 0x7fff_ffff
            )
        }
        Meaning::Setting { id, value } | Meaning::SettingValue { id, value } => announced(*id, *value),
        Meaning::SettingId(id) => match setting(*id) {
            Some(name) => format!("Setting {id} is {name}."),
            None => format!("Setting {id} is not defined by HTTP/2. Who does not know a setting ignores it."),
        },
        Meaning::OpaqueData => "Whatever these eight bytes are, the answer brings them back unchanged.".into(),
        Meaning::Increment(0) => "An increment of 0 is an error: a WINDOW_UPDATE must give something.".into(),
        Meaning::Increment(increment) => {
            format!("{} more may be sent than before.", capital(&bytes(increment & 0x7fff_ffff)))
        }
        Meaning::UnknownPayload(_) => {
            "The meaning of these bytes is not defined by HTTP/2; a receiver ignores them.".into()
        }
        Meaning::WrongSize { kind, .. } => {
            format!("The payload has not the size that a {} frame has. It is a FRAME_SIZE_ERROR.", frame_type(*kind))
        }
        Meaning::Fragment => "A header block may be cut anywhere. It is read as one where its last piece ends.".into(),
        Meaning::Content => "Nothing is known of these bytes but that they are content of the stream.".into(),
        Meaning::Text(_) => "The body is text, not gRPC: somebody other than a gRPC server may have answered.".into(),
        Meaning::Rest => "The frame is larger than what is explained at once; this is more of its payload.".into(),
        Meaning::Torn { .. } => "The recording ends here, before what begins here is complete.".into(),
        Meaning::Foreign(Foreign::Http1) => {
            "This is HTTP/1. gRPC needs HTTP/2 from the first byte on when there is no \
            TLS that negotiates it."
                .into()
        }
        Meaning::Foreign(Foreign::Tls) => {
            "This is TLS. What it carries cannot be read here: record above TLS, or without it.".into()
        }
        Meaning::Foreign(Foreign::Unknown) => {
            "This is no HTTP/2, whose connections begin with a known text and with SETTINGS.".into()
        }
        Meaning::Earlier => "These bytes end a frame whose beginning was not recorded.".into(),
    }
}

fn frame(kind: u8, bits: u8, stream: u32, length: u32) -> String {
    let has = |name: &str| flags(kind).iter().any(|(bit, own)| bits & bit != 0 && *own == name);
    let last = if has("END_STREAM") { " Nothing follows from this side: END_STREAM." } else { "" };
    match frame_type(kind) {
        "DATA" if length == 0 => format!("An empty piece of the body of stream {stream}.{last}"),
        "DATA" => format!("{} of the body of stream {stream}.{last}", capital(&bytes(length))),
        "HEADERS" => format!("Header fields of stream {stream}, compressed by HPACK.{last}"),
        "PRIORITY" => {
            "A wish for the order in which streams are served. It is deprecated, and most peers ignore it.".into()
        }
        "RST_STREAM" => format!("Stream {stream} ends at once, both ways, and nothing more is sent or wanted there."),
        "SETTINGS" if has("ACK") => "The settings of the other side have arrived and are in force.".into(),
        "SETTINGS" if length == 0 => "This side is content with the settings that HTTP/2 begins with.".into(),
        "SETTINGS" => "This side announces what it wants of the other.".into(),
        "PUSH_PROMISE" => "The server announces an answer that nobody asked for. gRPC never does this.".into(),
        "PING" if has("ACK") => "The answer to a PING: this side is there.".into(),
        "PING" => "A question whether the other side is there, and how long it takes to hear of it.".into(),
        "GOAWAY" => "This side takes no more streams on this connection and says which it has taken.".into(),
        "WINDOW_UPDATE" if stream == 0 => "This side can take more bytes on the connection as a whole.".into(),
        "WINDOW_UPDATE" => format!("This side can take more bytes on stream {stream}."),
        "CONTINUATION" => format!("More of the header block of stream {stream}, which did not fit the frame before."),
        _ => "A frame of a type that HTTP/2 does not define. Who does not know it ignores it.".into(),
    }
}

fn set(kind: u8, bits: u8) -> String {
    const MEANINGS: [(&str, &str); 5] = [
        ("END_STREAM", "END_STREAM: this side sends nothing more on the stream"),
        ("END_HEADERS", "END_HEADERS: the header block is complete"),
        ("PADDED", "PADDED: a length and padding surround the content"),
        ("PRIORITY", "PRIORITY: a dependency and a weight stand before the header block"),
        ("ACK", "ACK: this answers the frame of the other side"),
    ];
    let own = flags(kind).iter().filter(|(bit, _)| bits & bit != 0);
    let mut said: Vec<String> = own
        .filter_map(|(_, name)| MEANINGS.iter().find(|(flag, _)| flag == name))
        .map(|(_, meaning)| (*meaning).to_owned())
        .collect();
    let unknown = bits & !flags(kind).iter().fold(0, |all, (bit, _)| all | bit);
    if unknown != 0 {
        said.push(format!("{unknown:#04x} is not defined for {} and is ignored", frame_type(kind)));
    }
    if said.is_empty() { "No flag is set.".into() } else { format!("{}.", said.join("; ")) }
}

fn on(stream: u32) -> String {
    let reserved = if stream >> 31 == 1 { " The first bit is reserved; it is set and ignored." } else { "" };
    let stream = stream & 0x7fff_ffff;
    let whose = match stream {
        0 => "The frame concerns the connection as a whole, which is stream 0.".to_owned(),
        _ if stream % 2 == 1 => format!("The frame belongs to stream {stream}. Clients open the odd ones, one a call."),
        _ => format!("The frame belongs to stream {stream}. Even ones are opened by servers, which gRPC does not do."),
    };
    whose + reserved
}

fn reason(code: u32) -> String {
    const MEANINGS: [&str; 14] = [
        "nothing is wrong",
        "the other side broke a rule of HTTP/2",
        "something went wrong on this side",
        "the other side sent more than it was allowed to",
        "the other side did not acknowledge SETTINGS in time",
        "a frame came for a stream that was closed",
        "a frame had a size that its type or the settings forbid",
        "the stream was turned away before anything was done; it may safely be tried again",
        "nobody wants the rest of the stream any more",
        "the state of header compression cannot be kept up",
        "the connection behind a CONNECT request failed",
        "the other side behaves in a way that costs too much",
        "the transport is not secure enough",
        "HTTP/1.1 must be used",
    ];
    match MEANINGS.get(code as usize) {
        Some(meaning) => format!("{}: {meaning}.", error_code(code)),
        None => format!("Code {code:#x} is not defined. It counts as INTERNAL_ERROR."),
    }
}

fn announced(id: u16, value: u32) -> String {
    match (setting(id), value) {
        (Some("HEADER_TABLE_SIZE"), _) => {
            format!("The table of header fields that the other side refers to may grow to {}.", bytes(value))
        }
        (Some("ENABLE_PUSH"), 0) => "The server may not send what nobody asked for.".into(),
        (Some("ENABLE_PUSH"), 1) => "The server may send what nobody asked for.".into(),
        (Some("ENABLE_PUSH"), _) => "Neither 0 nor 1: a PROTOCOL_ERROR.".into(),
        (Some("MAX_CONCURRENT_STREAMS"), 1) => "The other side may have one stream open at once.".into(),
        (Some("MAX_CONCURRENT_STREAMS"), _) => {
            format!("The other side may have {} streams open at once: so many calls on one connection.", grouped(value))
        }
        (Some("INITIAL_WINDOW_SIZE"), _) => {
            format!("On each stream the other side may send {} before it must wait for more window.", bytes(value))
        }
        (Some("MAX_FRAME_SIZE"), _) => format!("A frame's payload may have up to {}.", bytes(value)),
        (Some("MAX_HEADER_LIST_SIZE"), _) => {
            format!("All header fields of a block together may have up to {}, with 32 added for each.", bytes(value))
        }
        (Some("ENABLE_CONNECT_PROTOCOL"), _) => "Whether CONNECT may start another protocol, such as WebSocket.".into(),
        (Some("NO_RFC7540_PRIORITIES"), _) => "Whether this side ignores PRIORITY frames.".into(),
        (Some("GRPC_ALLOW_TRUE_BINARY_METADATA"), _) => {
            "Whether values of -bin metadata may be sent as they are instead of in base64.".into()
        }
        _ => format!("Setting {id} is not defined by HTTP/2. Who does not know a setting ignores it."),
    }
}

/// The first letter large, as at the beginning of a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

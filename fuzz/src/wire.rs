//! The bytes of frames, header fields and messages, right or wrong.

/// Types of frames (RFC 9113, section 6).
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

/// Flags.
pub const ACK: u8 = 0x1;
pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const PADDED: u8 = 0x8;
pub const WITH_PRIORITY: u8 = 0x20;

/// Error codes (RFC 9113, section 7).
pub const NO_ERROR: u32 = 0;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;

/// Settings (RFC 9113, section 6.5.2).
pub const HEADER_TABLE_SIZE: u16 = 1;
pub const INITIAL_WINDOW_SIZE: u16 = 4;
pub const MAX_FRAME_SIZE: u16 = 5;

/// The window of a stream and of a connection, and the longest frame, until somebody says otherwise.
pub const WINDOW: u32 = 65_535;
pub const FRAME: u32 = 16_384;

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A header block in HEADERS and so many CONTINUATION frames.
pub fn head(stream: u32, block: &[u8], ends_stream: bool, continued: usize) -> Vec<u8> {
    let size = block.len() / (continued + 1) + 1;
    let pieces: Vec<&[u8]> = block.chunks(size).collect();
    let mut bytes = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let (kind, ends) = if at == 0 { (HEADERS, u8::from(ends_stream)) } else { (CONTINUATION, 0) };
        let last = if at + 1 == pieces.len() { END_HEADERS } else { 0 };
        bytes.extend(frame(kind, ends | last, stream, piece));
    }
    bytes
}

/// A header field as a literal that is not indexed (RFC 7541, section 6.2.2).
pub fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0];
    for text in [name, value] {
        // An integer with a prefix of seven bits (RFC 7541, section 5.1). No text here needs a third octet.
        match text.len() {
            short @ ..127 => block.push(short as u8),
            long => block.extend([127, (long - 127) as u8 | 0x80, ((long - 127) >> 7) as u8]),
        }
        block.extend_from_slice(text.as_bytes());
    }
    block
}

/// Many fields.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// A Length-Prefixed-Message.
pub fn message(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend((payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload of SETTINGS.
pub fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    settings.iter().flat_map(entry).collect()
}

/// A body in DATA frames of `size` bytes, the last of which ends the stream.
pub fn body(stream: u32, body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body;
    loop {
        let (piece, after) = rest.split_at(rest.len().min(size.max(1)));
        rest = after;
        bytes.extend(frame(DATA, if rest.is_empty() { END_STREAM } else { 0 }, stream, piece));
        if rest.is_empty() {
            return bytes;
        }
    }
}

//! Frames of HTTP/2 by hand, for peers that break its rules or its customs.

/// Types of frames (RFC 9113, section 6).
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;

/// Flags.
pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;

/// The setting SETTINGS_INITIAL_WINDOW_SIZE.
const WINDOW: u16 = 0x4;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![a, b, c, kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The client's preface and its SETTINGS, in which streams have a window of `window` bytes.
pub fn hello(window: u32) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let mut setting = WINDOW.to_be_bytes().to_vec();
    setting.extend(window.to_be_bytes());
    bytes.extend(frame(SETTINGS, 0, 0, &setting));
    bytes
}

/// The head of a call, with further fields.
pub fn head(stream: u32, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x83, 0x86]; // :method POST, :scheme http
    let fields = [(":path", path), (":authority", "soak"), ("content-type", "application/grpc"), ("te", "trailers")];
    for (name, value) in fields.iter().chain(more) {
        block.push(0); // a literal without indexing, its name a new one (RFC 7541, section 6.2.2)
        for text in [name, value] {
            block.push(text.len() as u8); // all are shorter than 127 bytes
            block.extend(text.as_bytes());
        }
    }
    frame(HEADERS, END_HEADERS, stream, &block)
}

/// A Length-Prefixed-Message.
pub fn message(payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0];
    message.extend((payload.len() as u32).to_be_bytes());
    message.extend(payload);
    message
}

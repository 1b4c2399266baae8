//! Frames as attackers write them.

pub use crate::common::raw::{ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, SETTINGS};

/// Types of frames (RFC 9113, section 6) that only attackers need.
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

/// Settings (RFC 9113, section 6.5.2).
pub const INITIAL_WINDOW_SIZE: u16 = 4;
pub const MAX_HEADER_LIST_SIZE: u16 = 6;

/// Error codes (RFC 9113, section 7).
pub const PROTOCOL_ERROR: u32 = 1;
pub const FLOW_CONTROL_ERROR: u32 = 3;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

pub fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &settings.iter().flat_map(entry).collect::<Vec<_>>())
}

pub fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

pub fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}

/// A call's head, its END_STREAM still to come.
pub fn head(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &block(path, &[]))
}

/// A whole call with one message.
pub fn call(stream: u32, path: &str, message: &[u8]) -> Vec<u8> {
    [head(stream, path), frame(DATA, END_STREAM, stream, message)].concat()
}

/// The header block of a proper call, with `metadata` behind.
pub fn block(path: &str, metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x83, 0x86, 0x04]; // :method: POST, :scheme: http, :path (RFC 7541, appendix A)
    string(path, &mut block);
    for (name, value) in [("te", "trailers"), ("content-type", "application/grpc")].iter().chain(metadata) {
        field(0x00, name, value, &mut block);
    }
    block
}

/// A field with a literal name. `kind` 0x00 leaves the dynamic table alone, 0x40 adds the field to it.
pub fn field(kind: u8, name: &str, value: &str, block: &mut Vec<u8>) {
    block.push(kind);
    string(name, block);
    string(value, block);
}

/// A string literal without Huffman's code (RFC 7541, sections 5.1 and 5.2).
pub fn string(text: &str, block: &mut Vec<u8>) {
    if text.len() < 127 {
        block.push(text.len() as u8);
    } else {
        block.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            block.push((rest % 128) as u8 | 128);
            rest /= 128;
        }
        block.push(rest as u8);
    }
    block.extend_from_slice(text.as_bytes());
}

//! Frames as attackers write them.

use crate::common::raw::settings_of;
pub use crate::common::raw::{
    ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, GOAWAY, HEADERS,
    INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE, PING, PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, bytes_of as frame,
};

/// The methods of RouteGuide.
pub const GET: &str = "/routeguide.RouteGuide/GetFeature";
pub const LIST: &str = "/routeguide.RouteGuide/ListFeatures";
pub const RECORD: &str = "/routeguide.RouteGuide/RecordRoute";
pub const CHAT: &str = "/routeguide.RouteGuide/RouteChat";

/// The type of a frame (RFC 9113, section 6.3) that only attackers need.
pub const PRIORITY: u8 = 2;

pub fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &settings_of(settings))
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

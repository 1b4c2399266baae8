//! What the unit tests of `transcript` share.

use bytes::Bytes;

use super::http2;
use super::protobuf::Types;
use super::record::{Direction, Recorded};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const CONTINUATION: u8 = 9;

pub(super) fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter_map(|c| (c as char).to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The types of the example service, from its descriptors.
pub(super) fn route_guide() -> Types {
    Types::decode(crate::route_guide::FILE_DESCRIPTOR_SET).unwrap()
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(super) fn record(pieces: &[(Direction, Vec<u8>)]) -> Recorded {
    let mut recorded = Recorded::default();
    recorded.push(Direction::ToServer, http2::PREFACE);
    pieces.iter().for_each(|(direction, bytes)| recorded.push(*direction, bytes));
    recorded
}

/// A request head for GetFeature under the tutorial's alias, END_HEADERS:
/// 83 POST, 86 http, 44 15 the path, 5f 10 content-type application/grpc.
pub(super) fn request_head() -> Vec<u8> {
    let block = [&[0x83, 0x86, 0x44, 22], &b"/RouteGuide/GetFeature"[..], &[0x5f, 16], b"application/grpc"].concat();
    frame(HEADERS, 0x4, 1, &block)
}

/// Flag, length 17, and the point of Berkshire Valley.
pub(super) const POINT: &str = "00 00000011 08 9aa68cc301 10 969f989cfdffffffff01";

//! Numbers in groups of seven bits, which protobuf and HPACK share.

use bytes::Bytes;

/// A number in groups of seven bits, the lowest first, in at most `longest` bytes: each but the last has its high bit
/// set. Both protobuf's varints and the continuation bytes of HPACK's integers are written like this.
pub(super) fn varint(rest: &mut Bytes, longest: usize) -> Option<u64> {
    let length = rest.iter().take(longest).position(|byte| *byte < 0x80)? + 1;
    Some(rest.split_to(length).iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)))
}

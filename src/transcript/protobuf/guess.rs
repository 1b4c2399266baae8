//! What bytes of an unknown type most likely are.

use bytes::Bytes;

use super::super::varint::varint;
use super::meaning::Wire;
use super::values::number;

/// The most likely reading of the content of a length-delimited field whose type nobody tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    Text,
    Message,
    Bytes,
}

/// Text where all of it can be read, else a message where it parses to its last byte, else bytes.
pub(super) fn guess(content: &Bytes) -> Guess {
    let readable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    match std::str::from_utf8(content) {
        Ok(text) if text.chars().all(readable) => Guess::Text,
        _ if is_message(content.clone()) => Guess::Message,
        _ => Guess::Bytes,
    }
}

fn is_message(mut rest: Bytes) -> bool {
    while !rest.is_empty() {
        let Some(tag) = varint(&mut rest, 10) else { return false };
        let fits = match Wire::from_number(tag & 7) {
            _ if tag >> 3 == 0 || tag >> 32 != 0 => false,
            Some(Wire::Len) => varint(&mut rest, 10)
                .and_then(|length| usize::try_from(length).ok())
                .filter(|length| *length <= rest.len())
                .map(|length| rest.split_to(length))
                .is_some(),
            Some(wire @ (Wire::Varint | Wire::I64 | Wire::I32)) => number(&mut rest, wire).is_ok(),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    true
}

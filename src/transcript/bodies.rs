//! Bodies: the DATA frames of one direction of one call are a single string of Length-Prefixed-Messages.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};

use super::blocks::Call;
use super::event::{Event, content, lay};
use super::part::Part;
use super::protobuf::Types;
use super::record::Direction;

/// Explains the bodies of all calls of a connection.
pub(super) fn read(events: &mut [Event], calls: &BTreeMap<u32, Call>, types: &Types) {
    let mut bodies: BTreeMap<(u32, Direction), Vec<usize>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate().filter(|(_, event)| event.frame.name() == "DATA") {
        bodies.entry((event.frame.stream(), event.direction)).or_default().push(at);
    }
    for ((stream, direction), frames) in bodies {
        let Some(call) = calls.get(&stream).filter(|call| call.is_grpc(direction)) else { continue };
        let kind = types.method(&call.path).map(|kinds| <[&str; 2]>::from(kinds)[direction as usize]);
        lay(messages(content(events, &frames), kind, types), events, &frames);
    }
}

/// "Length-Prefixed-Message -> Compressed-Flag Message-Length Message" (gRPC over HTTP/2): 1, 4 and so many bytes.
pub(super) fn messages(mut rest: Bytes, kind: Option<&str>, types: &Types) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut count = 0;
    while !rest.is_empty() {
        let start = parts.len();
        message(&mut rest, kind, types, &mut parts);
        count += 1;
        parts[start..].iter_mut().for_each(|part| part.message = Some(count));
    }
    parts
}

/// Takes one message off `rest`, or what came of it.
fn message(rest: &mut Bytes, kind: Option<&str>, types: &Types, parts: &mut Vec<Part>) {
    if rest.len() < 5 {
        return parts.push(Part::new(std::mem::take(rest), "prefix", "", "cut short: a prefix has five bytes"));
    }
    let (flag, length) = (rest.split_to(1), rest.split_to(4));
    let (compressed, promised) = (flag[0], (&length[..]).get_u32() as usize);
    let meaning = ["not compressed", "compressed"].get(compressed as usize).unwrap_or(&"neither 0 nor 1");
    parts.push(Part::new(flag, "flag", compressed.to_string(), *meaning));
    parts.push(Part::new(length, "length", promised.to_string(), kind.unwrap_or("unknown type")));
    let payload = rest.split_to(promised.min(rest.len()));
    if payload.len() < promised {
        let note = format!("cut short: {} of {promised} bytes came", payload.len());
        parts.push(Part::new(payload, "message", "", note));
    } else if compressed == 0 {
        parts.extend(types.annotate(kind, &payload));
    } else {
        parts.push(Part::new(payload, "message", "", "see grpc-encoding"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{hex, route_guide};
    use super::*;

    #[test]
    fn broken_messages_are_shown_as_they_came() {
        for (body, name, note) in [
            ("00 0000", "prefix", "cut short: a prefix has five bytes"),
            ("00 00000002 08", "message", "cut short: 1 of 2 bytes came"),
            ("01 00000001 08", "message", "see grpc-encoding"),
            ("00 00000001 08", "malformed", "a varint has one to ten bytes"),
        ] {
            let parts = messages(hex(body), Some("routeguide.Point"), &route_guide());
            let last = parts.last().unwrap();
            assert_eq!((&last.name[..], &last.note[..]), (name.as_bytes(), note));
        }
        assert!(messages(hex("02 00000000"), None, &Types::default())[0].note.contains("neither"));
    }
}

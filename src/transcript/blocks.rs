//! Header blocks: which frames they take, what they say, and what they are to their call.

use std::collections::BTreeMap;

use super::event::{Event, content, lay};
use super::http2::Frame;
use super::part::Part;
use super::{hpack, record::Direction};
use crate::wire::Code;

/// One call, by what its header blocks say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The request's `:path`.
    pub path: String,
    /// The `grpc-status`, once it has come.
    pub status: Option<String>,
    /// How many header blocks came, each way.
    blocks: [usize; 2],
    /// Whether the body is gRPC's, each way.
    grpc: [bool; 2],
}

impl Call {
    /// Whether the body in this direction is a string of Length-Prefixed-Messages.
    pub(super) fn is_grpc(&self, direction: Direction) -> bool {
        self.grpc[direction as usize]
    }
}

/// Explains all header blocks of a connection, and gives the calls that they open, by the numbers of their streams.
pub(super) fn read(events: &mut [Event]) -> BTreeMap<u32, Call> {
    let mut calls = BTreeMap::new();
    let mut decoders = [hpack::Decoder::default(), hpack::Decoder::default()];
    let mut open: [Vec<usize>; 2] = Default::default();
    for at in 0..events.len() {
        let Event { direction, ref frame, .. } = events[at];
        let way = direction as usize;
        if let Some(size) = frame.setting(1) {
            decoders[1 - way].allow(size);
        }
        // A block is HEADERS or PUSH_PROMISE and the CONTINUATIONs right after it (RFC 9113, section 4.3).
        let continues = frame.name() == "CONTINUATION";
        decoders[way].failed |= !continues && !std::mem::take(&mut open[way]).is_empty();
        if matches!(frame.name(), "HEADERS" | "PUSH_PROMISE") || continues && !open[way].is_empty() {
            open[way].push(at);
        }
        if frame.has("END_HEADERS") && !open[way].is_empty() {
            let frames = std::mem::take(&mut open[way]);
            let mut parts = decoders[way].decode(&content(events, &frames));
            let first = &mut events[frames[0]];
            first.role = said(&mut parts, direction, &first.frame, &mut calls).to_owned();
            lay(parts, events, &frames);
        }
    }
    calls
}

/// Notes what a block says of its call, and gives its role there.
fn said(parts: &mut [Part], direction: Direction, frame: &Frame, calls: &mut BTreeMap<u32, Call>) -> &'static str {
    let way = direction as usize;
    let stream = Some(frame.stream()).filter(|stream| frame.name() == "HEADERS" && *stream > 0);
    let mut call = match direction {
        Direction::ToServer => stream.map(|stream| calls.entry(stream).or_default()),
        Direction::ToClient => stream.and_then(|stream| calls.get_mut(&stream)),
    };
    let mut role = role(direction, frame, call.as_deref());
    for part in parts {
        let text = || String::from_utf8_lossy(&part.value);
        match (&part.name[..], &mut call) {
            (b":path", Some(call)) => call.path = text().into_owned(),
            (b":status", Some(_)) if text().starts_with('1') => role = "informational response",
            (b"content-type", Some(call)) => call.grpc[way] = text().starts_with("application/grpc"),
            (b"grpc-status", Some(call)) => {
                let code = text().parse().ok().and_then(|code| Code::from_u32(code).name());
                call.status = Some(text().into_owned());
                part.note = format!("{}; {}", code.unwrap_or("not a code"), part.note);
            }
            _ => {}
        }
    }
    if let (Some(call), true) = (call, role != "informational response") {
        call.blocks[way] += 1;
    }
    role
}

/// What a block is by its place in the call.
fn role(direction: Direction, frame: &Frame, call: Option<&Call>) -> &'static str {
    match (direction, call.map(|call| call.blocks[direction as usize])) {
        (_, None) if frame.name() == "PUSH_PROMISE" => "promised request",
        (_, None) => "of no call",
        (Direction::ToServer, Some(0)) => "request head",
        (Direction::ToServer, _) => "request trailers",
        (Direction::ToClient, Some(0)) if frame.has("END_STREAM") => "Trailers-Only",
        (Direction::ToClient, Some(0)) => "response head",
        (Direction::ToClient, _) => "trailers",
    }
}

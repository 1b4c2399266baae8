//! The wire made visible: every byte of a connection, both ways, with its meaning.
//!
//! A [`Recording`] of one end of a connection notes what passes. [`Transcript::read`] takes that apart: HTTP/2
//! frames ([`http2`]), header blocks ([`hpack`]), Length-Prefixed-Messages, protobuf fields ([`protobuf`]). The
//! result is a value, which [prints](Print) as text to read beside the code:
//!
//! ```text
//! -> DATA     stream 1  END_STREAM  22 bytes                              message 1
//!     00 00 16 00 01 00 00 00 01           frame header: length 22, type 0, flags 0x01, stream 1
//!     00                                   flag: 0                         not compressed
//!     00 00 00 11                          length: 17                      routeguide.Point
//!     08 9a a6 8c c3 01                    1 latitude: 409146138           VARINT int32
//!     10 96 9f 98 9c fd ff ff ff ff 01     2 longitude: -746188906         VARINT int32, negative: 10 bytes
//! ```
//!
//! This room reads HTTP/2 by its own code and not with h2, because it must explain the bytes that h2 would refuse.
//! Whatever the bytes, reading never fails, and the [parts](Part) of a direction together are its bytes.

pub mod hpack;
pub mod http2;
mod huffman;
mod print;
pub mod protobuf;
mod record;

use std::collections::{BTreeMap, VecDeque};

use bytes::{Buf, Bytes};

use http2::Frame;
pub use print::Print;
use protobuf::Types;
pub use record::{Direction, Recorded, Recording};

use crate::wire::Code;

/// A connection's bytes with their meaning.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// Every frame both ways, in the order in which its last byte passed the recorder.
    pub events: Vec<Event>,
    /// The streams that a client opened, by number.
    pub calls: BTreeMap<u32, Call>,
    /// How many bytes passed after the recording had stopped.
    pub missed: u64,
}

/// A frame and which way it went.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which way.
    pub direction: Direction,
    /// The frame.
    pub frame: Frame,
    /// What the frame is to its call, e.g. "request head"; may be empty.
    pub role: String,
    /// The frame's bytes, piece by piece.
    pub parts: Vec<Part>,
    content: Bytes,
    padding: Option<Part>,
}

/// Adjacent bytes of one frame with one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes.
    pub bytes: Bytes,
    /// How deep in nested protobuf messages they are.
    pub depth: usize,
    /// What they name: a header, a protobuf field, a field of the frame.
    pub name: Bytes,
    /// The value in text; a header's or `bytes` field's as it is.
    pub value: Bytes,
    /// How it is represented, or what is wrong with it.
    pub note: String,
    /// The Length-Prefixed-Message that it belongs to, counted from 1 in its direction of the call.
    pub message: Option<usize>,
}

impl Part {
    fn new(bytes: Bytes, name: impl Into<Bytes>, value: impl Into<Bytes>, note: impl Into<String>) -> Self {
        Self { bytes, depth: 0, name: name.into(), value: value.into(), note: note.into(), message: None }
    }
}

/// One call, by what its header blocks say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The request's `:path`.
    pub path: String,
    /// The `grpc-status`, once it has come.
    pub status: Option<String>,
    blocks: [usize; 2],
    grpc: [bool; 2],
}

impl Transcript {
    /// Reads a connection that was recorded from its first byte on. `types` name the fields inside the messages.
    pub fn read(recorded: &Recorded, types: &Types) -> Self {
        let mut transcript = Self { missed: recorded.missed, ..Self::default() };
        transcript.frames(recorded);
        transcript.header_blocks();
        transcript.bodies(types);
        for event in &mut transcript.events {
            if !event.content.is_empty() {
                let name = if event.frame.name() == "DATA" { "data" } else { "header block" };
                event.parts.push(Part::new(std::mem::take(&mut event.content), name, "", "not explained"));
            }
            event.parts.extend(event.padding.take());
            let mut messages = event.parts.iter().filter_map(|part| part.message);
            if let Some(first) = messages.next() {
                let last = messages.next_back().unwrap_or(first);
                event.role =
                    if first == last { format!("message {first}") } else { format!("messages {first} to {last}") };
            }
        }
        transcript
    }

    fn frames(&mut self, recorded: &Recorded) {
        let mut readers = [Direction::ToServer, Direction::ToClient].map(|way| (way, http2::Reader::new(way)));
        let mut add = |direction, frame: Frame| {
            let (parts, content, padding) = frame.layout();
            self.events.push(Event { direction, frame, role: String::new(), parts, content, padding });
        };
        for (direction, bytes) in &recorded.chunks {
            let (_, reader) = &mut readers[*direction as usize];
            reader.push(bytes);
            std::iter::from_fn(|| reader.next_frame()).for_each(|frame| add(*direction, frame));
        }
        for (direction, reader) in readers {
            reader.finish().into_iter().for_each(|frame| add(direction, frame));
        }
    }

    /// A block is HEADERS or PUSH_PROMISE and the CONTINUATIONs right after it (RFC 9113, section 4.3).
    fn header_blocks(&mut self) {
        let mut decoders = [hpack::Decoder::default(), hpack::Decoder::default()];
        let mut open: [Vec<usize>; 2] = Default::default();
        for at in 0..self.events.len() {
            let Event { direction, ref frame, .. } = self.events[at];
            let way = direction as usize;
            if let Some(size) = frame.setting(1) {
                decoders[1 - way].allow(size);
            }
            let continues = frame.name() == "CONTINUATION";
            decoders[way].failed |= !continues && !std::mem::take(&mut open[way]).is_empty();
            if matches!(frame.name(), "HEADERS" | "PUSH_PROMISE") || continues && !open[way].is_empty() {
                open[way].push(at);
            }
            if frame.has("END_HEADERS") && !open[way].is_empty() {
                self.header_block(&std::mem::take(&mut open[way]), &mut decoders[way]);
            }
        }
    }

    fn header_block(&mut self, frames: &[usize], decoder: &mut hpack::Decoder) {
        let mut parts = decoder.decode(&self.content(frames));
        let Event { direction, ref frame, .. } = self.events[frames[0]];
        let way = direction as usize;
        let stream = Some(frame.stream()).filter(|stream| frame.name() == "HEADERS" && *stream > 0);
        let mut call = match direction {
            Direction::ToServer => stream.map(|stream| self.calls.entry(stream).or_default()),
            Direction::ToClient => stream.and_then(|stream| self.calls.get_mut(&stream)),
        };
        let mut role = match (way, call.as_ref().map(|call| call.blocks[way])) {
            (_, None) if frame.name() == "PUSH_PROMISE" => "promised request",
            (_, None) => "of no call",
            (0, Some(0)) => "request head",
            (0, _) => "request trailers",
            (_, Some(0)) if frame.has("END_STREAM") => "Trailers-Only",
            (_, Some(0)) => "response head",
            _ => "trailers",
        };
        for part in &mut parts {
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
        self.events[frames[0]].role = role.into();
        self.lay(parts, frames);
    }

    /// The DATA frames of one direction of one call are a single string of Length-Prefixed-Messages.
    fn bodies(&mut self, types: &Types) {
        let mut bodies: BTreeMap<(u32, Direction), Vec<usize>> = BTreeMap::new();
        for (at, event) in self.events.iter().enumerate().filter(|(_, event)| event.frame.name() == "DATA") {
            bodies.entry((event.frame.stream(), event.direction)).or_default().push(at);
        }
        for ((stream, direction), frames) in bodies {
            let Some(call) = self.calls.get(&stream).filter(|call| call.grpc[direction as usize]) else { continue };
            let kind = types.method(&call.path).map(|kinds| <[&str; 2]>::from(kinds)[direction as usize]);
            self.lay(messages(self.content(&frames), kind, types), &frames);
        }
    }

    fn content(&self, frames: &[usize]) -> Bytes {
        frames.iter().map(|at| &self.events[*at].content[..]).collect::<Vec<_>>().concat().into()
    }

    /// Gives the parts of a string of bytes to the frames that hold the string, cutting those that cross a border.
    fn lay(&mut self, parts: Vec<Part>, frames: &[usize]) {
        let mut left = VecDeque::from(parts);
        for at in frames {
            let Event { content, parts, .. } = &mut self.events[*at];
            while let Some(mut part) = left.pop_front_if(|part| part.bytes.is_empty() || !content.is_empty()) {
                if part.bytes.len() > content.len() {
                    let bytes = part.bytes.split_off(content.len());
                    left.push_front(Part { bytes, value: Bytes::new(), note: "continued".into(), ..part.clone() });
                    part.note += "; goes on in the next frame";
                }
                content.advance(part.bytes.len());
                parts.push(part);
            }
        }
    }
}

/// "Length-Prefixed-Message -> Compressed-Flag Message-Length Message" (gRPC over HTTP/2): 1, 4 and so many bytes.
fn messages(mut rest: Bytes, kind: Option<&str>, types: &Types) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut count = 0;
    while !rest.is_empty() {
        let start = parts.len();
        count += 1;
        if rest.len() < 5 {
            parts.push(Part::new(std::mem::take(&mut rest), "prefix", "", "cut short: a prefix has five bytes"));
        } else {
            let (flag, length) = (rest.split_to(1), rest.split_to(4));
            let (compressed, promised) = (flag[0], (&length[..]).get_u32() as usize);
            let meaning = ["not compressed", "compressed"].get(compressed as usize).unwrap_or(&"neither 0 nor 1");
            parts.push(Part::new(flag, "flag", compressed.to_string(), *meaning));
            parts.push(Part::new(length, "length", promised.to_string(), kind.unwrap_or("unknown type")));
            let payload = rest.split_to(promised.min(rest.len()));
            match (payload.len(), compressed) {
                (came, _) if came < promised => {
                    let note = format!("cut short: {came} of {promised} bytes came");
                    parts.push(Part::new(payload, "message", "", note));
                }
                (_, 0) => parts.extend(types.annotate(kind, &payload)),
                _ => parts.push(Part::new(payload, "message", "", "see grpc-encoding")),
            }
        }
        parts[start..].iter_mut().for_each(|part| part.message = Some(count));
    }
    parts
}

/// A number in groups of seven bits, the lowest first, in at most `longest` bytes: each but the last has its high bit
/// set. So protobuf's varints, and the end of HPACK's integers.
fn varint(rest: &mut Bytes, longest: usize) -> Option<u64> {
    let length = rest.iter().take(longest).position(|byte| *byte < 0x80)? + 1;
    Some(rest.split_to(length).iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::{Direction::*, *};

    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const PUSH_PROMISE: u8 = 5;
    const CONTINUATION: u8 = 9;

    pub(super) fn hex(text: &str) -> Bytes {
        let digits: Vec<u8> = text.bytes().filter_map(|c| (c as char).to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// The types of the example service, from the descriptors that the build makes.
    pub(super) fn route_guide() -> Types {
        Types::decode(crate::route_guide::FILE_DESCRIPTOR_SET).unwrap()
    }

    pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    pub(super) fn record(pieces: &[(Direction, Vec<u8>)]) -> Recorded {
        let mut recorded = Recorded::default();
        recorded.push(ToServer, http2::PREFACE);
        pieces.iter().for_each(|(direction, bytes)| recorded.push(*direction, bytes));
        recorded
    }

    fn bytes(transcript: &Transcript, direction: Direction) -> Vec<u8> {
        let events = transcript.events.iter().filter(|event| event.direction == direction);
        events.flat_map(|event| &event.parts).flat_map(|part| part.bytes.to_vec()).collect()
    }

    fn recorded_bytes(recorded: &Recorded, direction: Direction) -> Vec<u8> {
        recorded.chunks.iter().filter(|(way, _)| *way == direction).flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    /// A request head for GetFeature under the tutorial's alias, END_HEADERS:
    /// 83 POST, 86 http, 44 15 the path, 5f 10 content-type application/grpc.
    pub(super) fn request_head() -> Vec<u8> {
        let block =
            [&[0x83, 0x86, 0x44, 22], &b"/RouteGuide/GetFeature"[..], &[0x5f, 16], b"application/grpc"].concat();
        frame(HEADERS, 0x4, 1, &block)
    }

    /// Flag, length 17, and the point of Berkshire Valley.
    const POINT: &str = "00 00000011 08 9aa68cc301 10 969f989cfdffffffff01";

    #[test]
    fn a_message_cut_over_frames_and_frames_of_many_messages() {
        let point = hex(POINT);
        let twice = [&point[..], &point[..], &point[..3]].concat();
        let recorded = record(&[
            (ToServer, request_head()),
            (ToServer, frame(DATA, 0, 1, &twice)),
            (ToServer, frame(DATA, 0, 1, &point[3..8])),
            (ToServer, frame(DATA, 1, 1, &point[8..])),
        ]);
        let transcript = Transcript::read(&recorded, &route_guide());
        let roles: Vec<&str> = transcript.events.iter().map(|event| &event.role[..]).collect();
        assert_eq!(roles, ["", "request head", "messages 1 to 3", "message 3", "message 3"]);
        let last = &transcript.events[4].parts;
        assert_eq!((&last[1].name[..], &last[1].note[..]), (&b"1 latitude"[..], "continued"));
        assert_eq!((&last[2].name[..], &last[2].value[..]), (&b"2 longitude"[..], &b"-746188906"[..]));
        assert_eq!(bytes(&transcript, ToServer), recorded_bytes(&recorded, ToServer));
    }

    #[test]
    fn a_header_block_goes_on_in_continuation_frames() {
        let head = request_head();
        let recorded = record(&[
            (ToServer, frame(HEADERS, 0, 1, &head[9..20])),
            (ToServer, frame(CONTINUATION, 0x4, 1, &head[20..])),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        assert_eq!(transcript.calls[&1].path, "/RouteGuide/GetFeature");
        assert!(transcript.events[1].parts.last().unwrap().note.contains("goes on in the next frame"));
        assert_eq!(bytes(&transcript, ToServer), recorded_bytes(&recorded, ToServer));
    }

    #[test]
    fn an_interrupted_header_block_makes_the_later_ones_unreadable() {
        let recorded = record(&[
            (ToServer, frame(HEADERS, 0, 1, &[0x83])),
            (ToServer, frame(6, 0, 0, &[0; 8])),
            (ToServer, request_head()),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        assert_eq!(transcript.events[1].parts[1].note, "not explained");
        assert!(transcript.events[3].parts[1].note.contains("earlier block was lost"));
    }

    #[test]
    fn bodies_that_are_not_grpc_stay_bytes() {
        // :status 415 as a literal with name 8, content-type text/plain
        let head = [&[0x48, 3], &b"415"[..], &[0x5f, 10], b"text/plain"].concat();
        let recorded = record(&[
            (ToServer, request_head()),
            (ToClient, frame(HEADERS, 4, 1, &head)),
            (ToClient, frame(DATA, 1, 1, b"no")),
        ]);
        let transcript = Transcript::read(&recorded, &route_guide());
        assert_eq!(
            (&transcript.events[2].role[..], &transcript.events[3].parts[1].name[..]),
            ("response head", &b"data"[..])
        );
    }

    #[test]
    fn header_blocks_are_named_by_their_place_in_the_call() {
        let early = [&[0x48, 3], &b"103"[..]].concat(); // :status 103 as a literal with name 8
        let recorded = record(&[
            (ToServer, request_head()),
            (ToClient, frame(HEADERS, 4, 1, &early)),
            (ToClient, frame(HEADERS, 5, 1, &[0x88])),
            (ToServer, frame(HEADERS, 5, 1, &[0x82])),
            (ToClient, frame(PUSH_PROMISE, 4, 1, &[0, 0, 0, 2, 0x82])),
            (ToClient, frame(HEADERS, 4, 9, &[0x88])),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        let roles: Vec<&str> = transcript.events[1..].iter().map(|event| &event.role[..]).collect();
        let answers = ["informational response", "Trailers-Only", "request trailers", "promised request", "of no call"];
        assert_eq!(roles, [&["request head"], &answers[..]].concat());
    }

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

    /// A call between h2's client and server, recorded at the client's end.
    #[tokio::test]
    async fn a_call_over_h2_reads_back() {
        let (near, far) = tokio::io::duplex(1 << 16);
        let recording = Recording::new(1 << 20);
        let near = recording.client(near);
        let server = async {
            let mut connection = h2::server::handshake(far).await.unwrap();
            while let Some(accepted) = connection.accept().await {
                let (_, mut respond) = accepted.unwrap();
                let head = http::Response::builder().header("content-type", "application/grpc").body(()).unwrap();
                let mut body = respond.send_response(head, false).unwrap();
                body.send_data(Bytes::from_static(b"\0\0\0\0\x04\x0a\x02hi"), false).unwrap();
                let trailers = [("grpc-status", "5"), ("grpc-message", "no%20such")];
                let trailers = trailers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
                body.send_trailers(trailers.into_iter().collect()).unwrap();
            }
        };
        let client = async {
            let (send, connection) = h2::client::handshake(near).await.unwrap();
            let call = async {
                let mut send = send;
                for _ in 0..2 {
                    let request = http::Request::post("http://localhost/routeguide.RouteGuide/GetFeature")
                        .header("content-type", "application/grpc")
                        .header("te", "trailers")
                        .body(())
                        .unwrap();
                    send = send.ready().await.unwrap();
                    let (answer, mut body) = send.send_request(request, false).unwrap();
                    body.send_data(hex(POINT), true).unwrap();
                    let mut answer = answer.await.unwrap().into_body();
                    while let Some(data) = answer.data().await {
                        answer.flow_control().release_capacity(data.unwrap().len()).unwrap();
                    }
                    assert!(answer.trailers().await.unwrap().is_some());
                }
            };
            let (result, ()) = tokio::join!(connection, call);
            result.unwrap();
        };
        tokio::join!(server, client);

        let recorded = recording.snapshot();
        let transcript = Transcript::read(&recorded, &route_guide());
        assert_eq!(transcript.calls.len(), 2);
        for call in transcript.calls.values() {
            assert_eq!((&call.path[..], call.status.as_deref()), ("/routeguide.RouteGuide/GetFeature", Some("5")));
        }
        for stream in [1, 3] {
            let events: Vec<_> = transcript.events.iter().filter(|event| event.frame.stream() == stream).collect();
            let roles: Vec<&str> = events.iter().map(|event| &event.role[..]).collect();
            assert_eq!(roles, ["request head", "message 1", "response head", "message 1", "trailers"]);
            let longitude = events[1].parts.last().unwrap();
            assert_eq!(longitude.value, "-746188906");
            let name = events[3].parts.last().unwrap();
            assert_eq!((&name.name[..], &name.value[..]), (&b"1 name"[..], &b"\"hi\""[..]));
            assert!(
                events[4].parts.iter().any(|part| part.name == "grpc-status" && part.note.starts_with("NOT_FOUND"))
            );
        }
        for direction in [ToServer, ToClient] {
            assert_eq!(bytes(&transcript, direction), recorded_bytes(&recorded, direction));
        }
        assert!(!transcript.to_string().contains("not explained"));
    }

    fn piece() -> impl Strategy<Value = (Direction, Vec<u8>)> {
        let direction = prop_oneof![Just(ToServer), Just(ToClient)];
        let payload = prop::collection::vec(any::<u8>(), 0..40);
        let frames = (0u8..11, any::<u8>(), 0u32..4, payload.clone())
            .prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload));
        let body = prop::collection::vec((0u8..3, any::<u8>()), 0..20).prop_map(|pairs| {
            let fields: Vec<u8> = pairs.into_iter().flat_map(|(wire, byte)| [8 | wire, byte]).collect();
            frame(DATA, 0, 1, &[&[0, 0, 0, 0, fields.len() as u8][..], &fields].concat())
        });
        (direction, prop_oneof![1 => payload, 6 => frames, 2 => Just(request_head()), 4 => body])
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_none_is_lost(pieces in prop::collection::vec(piece(), 0..24), raw in any::<bool>()) {
            let recorded = if raw {
                let mut recorded = Recorded::default();
                pieces.iter().for_each(|(direction, bytes)| recorded.push(*direction, bytes));
                recorded
            } else {
                record(&pieces)
            };
            let transcript = Transcript::read(&recorded, &route_guide());
            for direction in [ToServer, ToClient] {
                prop_assert_eq!(bytes(&transcript, direction), recorded_bytes(&recorded, direction));
            }
            let text = transcript.to_string();
            prop_assert!(text.lines().all(|line| line.chars().count() <= 110 && !line.ends_with(' ')), "{}", text);
            let mut short = String::new();
            transcript.write(&Print { messages: 1, bytes: 8, colors: true, columns: 80 }, &mut short).unwrap();
        }
    }

    #[test]
    fn the_descriptors_name_every_method() {
        let set = prost_types::FileDescriptorSet::decode(crate::route_guide::FILE_DESCRIPTOR_SET);
        let types = route_guide();
        for service in set.unwrap().file.iter().flat_map(|file| &file.service) {
            for method in &service.method {
                assert!(types.method(&format!("/{}/{}", service.name(), method.name())).is_some());
            }
        }
    }
}

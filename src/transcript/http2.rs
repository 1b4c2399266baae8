//! HTTP/2 frames out of a byte stream (RFC 9113, sections 4 and 6).
//!
//! ```text
//! 00 00 16   length of the payload: 22
//! 00         type: 0, DATA
//! 01         flags: END_STREAM
//! 00 00 00 01   a reserved bit and the stream: 1
//! ...        the payload
//! ```
//!
//! Nothing is refused. What no peer should send becomes a value too, with its bytes and the rule that it breaks.

use std::mem;

use bytes::{Buf, Bytes, BytesMut};

use super::{Direction, Part};

/// What a client sends before its first frame (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A field of so many bytes.
type Field = (usize, &'static str);
const PRIORITY: [Field; 2] = [(4, "priority after stream"), (1, "weight less one")];
/// Name, flags by their bits, and the fields that every payload begins with.
type Type = (&'static str, &'static [(u8, &'static str)], &'static [Field]);
/// The frame types from 0 on.
#[rustfmt::skip]
const TYPES: [Type; 10] = [
    ("DATA", &[(0x01, "END_STREAM"), (0x08, "PADDED")], &[]),
    ("HEADERS", &[(0x01, "END_STREAM"), (0x04, "END_HEADERS"), (0x08, "PADDED"), (0x20, "PRIORITY")], &[]),
    ("PRIORITY", &[], &PRIORITY),
    ("RST_STREAM", &[], &[(4, "error code")]),
    ("SETTINGS", &[(0x01, "ACK")], &[]),
    ("PUSH_PROMISE", &[(0x04, "END_HEADERS"), (0x08, "PADDED")], &[(4, "promised stream")]),
    ("PING", &[(0x01, "ACK")], &[(8, "opaque data")]),
    ("GOAWAY", &[], &[(4, "last stream"), (4, "error code")]),
    ("WINDOW_UPDATE", &[], &[(4, "increment")]),
    ("CONTINUATION", &[(0x04, "END_HEADERS")], &[]),
];
#[rustfmt::skip]
const SETTING_NAMES: [&str; 10] = [
    "unknown setting", "HEADER_TABLE_SIZE", "ENABLE_PUSH", "MAX_CONCURRENT_STREAMS", "INITIAL_WINDOW_SIZE",
    "MAX_FRAME_SIZE", "MAX_HEADER_LIST_SIZE", "unknown setting", "ENABLE_CONNECT_PROTOCOL", "NO_RFC7540_PRIORITIES",
];
#[rustfmt::skip]
const ERROR_CODES: [&str; 14] = [
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
];

/// What a piece of the byte stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The client's 24 opening bytes.
    Preface,
    /// A whole frame.
    Frame,
    /// The last bytes of a direction, which are less than the frame or preface that they begin.
    Torn,
    /// Everything a client sent, where its first bytes are not the preface.
    NotHttp2,
}

/// A piece of one direction's byte stream. The pieces together are the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub shape: Shape,
    /// All its bytes, the header's nine included.
    pub bytes: Bytes,
}

impl Frame {
    /// The type's number (RFC 9113, section 6); `None` for what is not a whole frame.
    pub fn kind(&self) -> Option<u8> {
        (self.shape == Shape::Frame).then(|| self.bytes[3])
    }

    /// The stream, 0 for the connection as a whole.
    pub fn stream(&self) -> u32 {
        self.kind().map_or(0, |_| (&self.bytes[5..9]).get_u32() & 0x7fff_ffff)
    }

    /// The type's name.
    pub fn name(&self) -> &'static str {
        match self.shape {
            Shape::Preface => "PREFACE",
            Shape::Torn => "TORN",
            Shape::NotHttp2 => "NOT HTTP/2",
            Shape::Frame => self.definition().0,
        }
    }

    /// The names of the flags that are set and defined for the type.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        self.definition().1.iter().filter(|(bit, _)| self.bytes[4] & bit != 0).map(|(_, name)| *name)
    }

    fn definition(&self) -> Type {
        self.kind().and_then(|kind| TYPES.get(usize::from(kind))).copied().unwrap_or(("UNKNOWN", &[], &[]))
    }

    /// Whether the flag of this name is set, e.g. `END_STREAM`.
    pub fn has(&self, flag: &str) -> bool {
        self.flags().any(|name| name == flag)
    }

    /// The (largest) value of a setting in a SETTINGS frame.
    pub(super) fn setting(&self, id: u16) -> Option<u32> {
        let settings = (self.name() == "SETTINGS").then(|| self.bytes[9..].chunks_exact(6))?;
        settings.filter(|setting| (&setting[..2]).get_u16() == id).map(|setting| (&setting[2..]).get_u32()).max()
    }

    /// The frame's bytes in order: what is understood at once, a part of a header block or of a body, and padding.
    pub(super) fn layout(&self) -> (Vec<Part>, Bytes, Option<Part>) {
        let mut rest = self.bytes.clone();
        if self.kind().is_none() {
            let (value, note) = match self.shape {
                Shape::Preface => (rest.clone(), "the client speaks HTTP/2".into()),
                Shape::NotHttp2 => (rest.clone(), "expected the client preface, PRI * HTTP/2.0 ...".into()),
                _ if rest.len() < 9 => (Bytes::new(), "the recording ends inside a frame header or preface".into()),
                _ => (Bytes::new(), format!("the recording ends inside this frame of {} bytes", 9 + length(&rest))),
            };
            return (vec![Part::new(rest, "text", value, note)], Bytes::new(), None);
        }
        let head = rest.split_to(9);
        let text = format!("length {}, type {}, flags {:#04x}, stream {}", rest.len(), head[3], head[4], self.stream());
        let mut parts = vec![Part::new(head, "frame header", text, "")];
        let payload = self.payload(&mut rest, &mut parts);
        if payload.is_none() || !rest.is_empty() {
            let note = format!("FRAME_SIZE_ERROR: {} bytes do not fit a {} frame", rest.len(), self.name());
            parts.push(Part::new(rest, "malformed", "", note));
        }
        let (content, padding) = payload.unwrap_or_default();
        (parts, content, padding)
    }

    /// Takes what it understands off `rest`, and gives content and padding; `None` where that is too short.
    fn payload(&self, rest: &mut Bytes, parts: &mut Vec<Part>) -> Option<(Bytes, Option<Part>)> {
        let padded = self.has("PADDED").then_some((1, "pad length"));
        let priority = self.has("PRIORITY").then_some(PRIORITY).into_iter().flatten();
        let padding = if padded.is_some() { usize::from(*rest.first()?) } else { 0 };
        for (count, name) in padded.into_iter().chain(priority).chain(self.definition().2.iter().copied()) {
            let bytes = take(rest, count)?;
            let number = bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
            let (value, note) = match name {
                "error code" => (ERROR_CODES.get(number).unwrap_or(&"unknown").to_string(), format!("{number:#x}")),
                "opaque data" => (String::new(), String::new()),
                "priority after stream" => ((number & 0x7fff_ffff).to_string(), "deprecated by RFC 9113".into()),
                _ => (number.to_string(), String::new()),
            };
            parts.push(Part::new(bytes, name, value, note));
        }
        match self.name() {
            "DATA" | "HEADERS" | "PUSH_PROMISE" | "CONTINUATION" => {
                let content = take(rest, rest.len().checked_sub(padding)?)?;
                return Some((content, (padding > 0).then(|| Part::new(mem::take(rest), "padding", "", ""))));
            }
            "SETTINGS" => {
                while let Some(bytes) = take(rest, 6) {
                    let (id, value) = ((&bytes[..2]).get_u16(), (&bytes[2..]).get_u32());
                    let name = SETTING_NAMES.get(usize::from(id)).unwrap_or(&SETTING_NAMES[0]);
                    parts.push(Part::new(bytes, *name, value.to_string(), format!("setting {id}")));
                }
            }
            "GOAWAY" if !rest.is_empty() => parts.push(Part::new(rest.clone(), "debug data", mem::take(rest), "")),
            "UNKNOWN" => {
                let note = format!("frame type {} is unknown: ignored (section 5.5)", self.bytes[3]);
                parts.push(Part::new(mem::take(rest), "payload", "", note));
            }
            _ => {}
        }
        Some((Bytes::new(), None))
    }
}

/// Cuts one direction's bytes into frames, in whatever pieces they arrive.
#[derive(Debug)]
pub struct Reader {
    buffer: BytesMut,
    next: Shape,
}

impl Reader {
    /// A reader at the connection's start: only a client opens with a preface.
    pub fn new(direction: Direction) -> Self {
        let next = if direction == Direction::ToServer { Shape::Preface } else { Shape::Frame };
        Self { buffer: BytesMut::new(), next }
    }

    /// Appends bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame; `None` until more bytes come.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let length = match self.next {
            Shape::Preface if self.buffer.starts_with(PREFACE) => PREFACE.len(),
            Shape::Frame if self.buffer.len() >= 9 => 9 + length(&self.buffer),
            _ => return None,
        };
        let bytes = (self.buffer.len() >= length).then(|| self.buffer.split_to(length).freeze())?;
        Some(Frame { shape: mem::replace(&mut self.next, Shape::Frame), bytes })
    }

    /// At the end: the bytes that were left over.
    pub fn finish(self) -> Option<Frame> {
        let torn = self.next == Shape::Frame || PREFACE.starts_with(&self.buffer);
        let shape = if torn { Shape::Torn } else { Shape::NotHttp2 };
        (!self.buffer.is_empty()).then(|| Frame { shape, bytes: self.buffer.freeze() })
    }
}

fn length(header: &[u8]) -> usize {
    u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize
}

fn take(rest: &mut Bytes, count: usize) -> Option<Bytes> {
    (rest.len() >= count).then(|| rest.split_to(count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tests::hex, *};

    fn frame(bytes: &str) -> Frame {
        Frame { shape: Shape::Frame, bytes: hex(bytes) }
    }

    /// The parts after the frame header as `name: value`, then how much content and padding there is.
    fn parts(bytes: &str) -> (Vec<String>, usize, usize) {
        let frame = frame(bytes);
        let (before, content, padding) = frame.layout();
        let padding = padding.map_or(0, |part| part.bytes.len());
        let shown = before.iter().map(|part| part.bytes.len()).sum::<usize>() + content.len() + padding;
        assert_eq!(shown, frame.bytes.len(), "every byte is accounted for");
        let text = |part: &Part| format!("{}: {}", part.name.escape_ascii(), part.value.escape_ascii());
        (before[1..].iter().map(text).collect(), content.len(), padding)
    }

    #[test]
    fn header_type_flags_and_stream() {
        // 000005 length, 01 HEADERS, 25 flags, 80000003 the reserved bit and stream 3
        let frame = frame("00 00 05 01 25 80 00 00 03");
        assert_eq!((frame.name(), frame.kind(), frame.stream()), ("HEADERS", Some(1), 3));
        assert_eq!(frame.flags().collect::<Vec<_>>(), ["END_STREAM", "END_HEADERS", "PRIORITY"]);
    }

    #[test]
    fn control_frames_are_taken_apart() {
        let only = |text: &str| (vec![text.to_owned()], 0, 0);
        assert_eq!(parts("000006 04 00 00000000 0003 00000064"), only("MAX_CONCURRENT_STREAMS: 100"));
        assert_eq!(parts("000006 04 00 00000000 00ff 00000001"), only("unknown setting: 1"));
        assert_eq!(parts("000004 03 00 00000001 00000008"), only("error code: CANCEL"));
        assert_eq!(parts("000004 08 00 00000001 00100000"), only("increment: 1048576"));
        assert_eq!(parts("000008 06 00 00000000 0102030405060708"), only("opaque data: "));
        assert_eq!(
            parts("000005 02 00 00000001 00000003 0f"),
            (vec!["priority after stream: 3".into(), "weight less one: 15".into()], 0, 0)
        );
        assert_eq!(parts("000001 0b 00 00000001 aa"), only("payload: "));
        assert_eq!(parts("000000 04 01 00000000"), (vec![], 0, 0));
        let (shown, ..) = parts("00000a 07 00 00000000 00000005 0000000b 6869");
        assert_eq!(shown, ["last stream: 5", "error code: ENHANCE_YOUR_CALM", "debug data: hi"]);
    }

    #[test]
    fn padding_and_priority_surround_the_content() {
        // DATA, padded by 2: pad length 02, content 61 62 63, padding 00 00
        assert_eq!(parts("000006 00 08 00000001 02 616263 0000"), (vec!["pad length: 2".into()], 3, 2));
        // HEADERS with PADDED and PRIORITY: 01, 00000000 ff, block 82, padding 00
        let (shown, content, padding) = parts("000008 01 2c 00000001 01 00000000 ff 82 00");
        assert_eq!((&shown[2][..], content, padding), ("weight less one: 255", 1, 1));
        let (shown, content, _) = parts("000005 05 04 00000001 00000002 82");
        assert_eq!((&shown[0][..], content), ("promised stream: 2", 1));
    }

    #[test]
    fn frames_of_a_wrong_size_are_malformed_and_kept() {
        for bytes in [
            "000003 03 00 00000001 000000",          // RST_STREAM has 4
            "000000 08 00 00000001",                 // WINDOW_UPDATE has 4
            "000007 04 00 00000000 000300000064 ff", // SETTINGS have a multiple of 6
            "000002 00 08 00000001 05 61",           // 5 bytes of padding in 1
            "000000 00 08 00000001",                 // no room for the pad length
            "000002 01 20 00000001 0000",            // no room for the priority
        ] {
            let (shown, ..) = parts(bytes);
            assert_eq!(shown.last().unwrap(), "malformed: ", "{bytes}");
        }
    }

    #[test]
    fn a_client_that_does_not_speak_http2_is_said_so() {
        let mut reader = Reader::new(Direction::ToServer);
        reader.push(b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(reader.next_frame(), None);
        let frame = reader.finish().unwrap();
        assert_eq!((frame.name(), frame.bytes.len()), ("NOT HTTP/2", 18));
        assert!(frame.layout().0[0].note.contains("expected the client preface"));
    }

    #[test]
    fn what_the_recording_cuts_off_is_torn() {
        let mut reader = Reader::new(Direction::ToClient);
        reader.push(&hex("000004 08 00 00000000 0010"));
        assert_eq!(reader.next_frame(), None);
        let frame = reader.finish().unwrap();
        assert_eq!((frame.shape, frame.bytes.len()), (Shape::Torn, 11));
        assert_eq!(frame.layout().0[0].note, "the recording ends inside this frame of 13 bytes");
    }

    fn read(chunks: &[&[u8]]) -> Vec<Frame> {
        let mut reader = Reader::new(Direction::ToServer);
        let mut frames = Vec::new();
        for chunk in chunks {
            reader.push(chunk);
            frames.extend(std::iter::from_fn(|| reader.next_frame()));
        }
        frames.extend(reader.finish());
        frames
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_frames(
            preface in any::<bool>(),
            payloads in prop::collection::vec((any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..8),
            tail in prop::collection::vec(any::<u8>(), 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut bytes = if preface { PREFACE.to_vec() } else { Vec::new() };
            for (kind, flags, payload) in payloads {
                bytes.extend([0, 0, payload.len() as u8, kind % 12, flags, 0, 0, 0, 1]);
                bytes.extend(payload);
            }
            bytes.extend(tail);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            let frames = read(&chunks);
            prop_assert_eq!(&frames, &read(&[&bytes]));
            prop_assert_eq!(frames.iter().flat_map(|frame| frame.bytes.to_vec()).collect::<Vec<_>>(), bytes);
        }
    }
}

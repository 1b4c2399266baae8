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

use super::record::Direction;

/// What a client sends before its first frame (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How many bytes a field has, and its name.
pub(super) type Field = (usize, &'static str);
pub(super) const PRIORITY: [Field; 2] = [(4, "priority after stream"), (1, "weight less one")];
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

    /// The fields that the payload begins with.
    pub(super) fn fields(&self) -> &'static [Field] {
        self.definition().2
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

/// The length of the payload, from the first three bytes of a frame header.
pub(super) fn length(header: &[u8]) -> usize {
    u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::hex;
    use super::*;

    fn frame(bytes: &str) -> Frame {
        Frame { shape: Shape::Frame, bytes: hex(bytes) }
    }

    #[test]
    fn header_type_flags_and_stream() {
        // 000005 length, 01 HEADERS, 25 flags, 80000003 the reserved bit and stream 3
        let frame = frame("00 00 05 01 25 80 00 00 03");
        assert_eq!((frame.name(), frame.kind(), frame.stream()), ("HEADERS", Some(1), 3));
        assert_eq!(frame.flags().collect::<Vec<_>>(), ["END_STREAM", "END_HEADERS", "PRIORITY"]);
    }

    #[test]
    fn a_client_that_does_not_speak_http2_is_said_so() {
        let mut reader = Reader::new(Direction::ToServer);
        reader.push(b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(reader.next_frame(), None);
        let frame = reader.finish().unwrap();
        assert_eq!((frame.name(), frame.bytes.len()), ("NOT HTTP/2", 18));
    }

    #[test]
    fn what_the_recording_cuts_off_is_torn() {
        let mut reader = Reader::new(Direction::ToClient);
        reader.push(&hex("000004 08 00 00000000 0010"));
        assert_eq!(reader.next_frame(), None);
        let frame = reader.finish().unwrap();
        assert_eq!((frame.shape, frame.bytes.len()), (Shape::Torn, 11));
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

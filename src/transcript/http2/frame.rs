//! One frame, as its nine header bytes tell it.

use std::borrow::Cow;

use bytes::{Buf, Bytes};

use super::names::{flags, frame_type};

/// What a client sends before its first frame (RFC 9113, section 3.4; rule h2.client-preface).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a piece of the byte stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The client's 24 opening bytes.
    Preface,
    /// A whole frame.
    Frame,
    /// The beginning of a frame whose payload is larger than what is kept at once; [`Shape::Rest`] follows.
    Begun,
    /// More of the payload of the frame before.
    Rest,
    /// The last bytes of a direction, which are less than the frame or preface that they begin.
    Torn,
    /// Everything that came, where the first bytes are no HTTP/2.
    NotHttp2,
    /// What came before the first frame that was recognized, in a recording that begins within a connection.
    Before,
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
    /// The type's number; `None` for what has no frame header.
    pub fn kind(&self) -> Option<u8> {
        matches!(self.shape, Shape::Frame | Shape::Begun).then(|| self.bytes[3])
    }

    /// Whether it is a whole frame of this type's name.
    pub fn is(&self, name: &str) -> bool {
        self.kind().is_some() && self.name() == name
    }

    /// The stream, 0 for the connection as a whole.
    pub fn stream(&self) -> u32 {
        self.kind().map_or(0, |_| (&self.bytes[5..9]).get_u32() & 0x7fff_ffff)
    }

    /// How long the payload is by the frame's header; 0 where there is none.
    pub fn length(&self) -> usize {
        self.kind().map_or(0, |_| header::length(&self.bytes))
    }

    /// The payload, as far as it is here.
    pub fn payload(&self) -> Bytes {
        self.kind().map_or_else(Bytes::new, |_| self.bytes.slice(header::LENGTH..))
    }

    /// How many bytes of padding end the payload, where its first byte says so.
    pub fn padding(&self) -> Option<usize> {
        self.payload().first().filter(|_| self.has("PADDED")).map(|padding| usize::from(*padding))
    }

    /// The type's name, or what it is instead of a frame.
    pub fn name(&self) -> &'static str {
        match self.shape {
            Shape::Preface => "PREFACE",
            Shape::Torn => "TORN",
            Shape::NotHttp2 => "NOT HTTP/2",
            Shape::Rest => "REST",
            Shape::Before => "EARLIER",
            Shape::Frame | Shape::Begun => frame_type(self.bytes[3]),
        }
    }

    /// The names of the flags that are set and defined for the type.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> + use<> {
        let (kind, bits) = self.kind().map_or((u8::MAX, 0), |kind| (kind, self.bytes[4]));
        flags(kind).iter().filter(move |(bit, _)| bits & bit != 0).map(|(_, name)| *name)
    }

    /// Whether the flag of this name is set, e.g. `END_STREAM`.
    pub fn has(&self, flag: &str) -> bool {
        self.flags().any(|name| name == flag)
    }

    /// The settings of a SETTINGS frame, in order: identifier and value.
    pub fn settings(&self) -> impl Iterator<Item = (u16, u32)> + use<> {
        let payload = if self.is("SETTINGS") { self.payload() } else { Bytes::new() };
        let count = payload.len() / 6;
        (0..count).map(move |at| {
            let mut setting = &payload[at * 6..][..6];
            (setting.get_u16(), setting.get_u32())
        })
    }

    /// The four bytes at `offset` of the payload as a number.
    pub(crate) fn number(&self, offset: usize) -> Option<u32> {
        self.payload().get(offset..offset + 4).map(|mut bytes| bytes.get_u32())
    }

    /// The stream that a GOAWAY names as the last that was or may be processed.
    pub fn last_stream(&self) -> Option<u32> {
        self.is("GOAWAY").then(|| self.number(0)).flatten().map(|stream| stream & 0x7fff_ffff)
    }

    /// The error code of a GOAWAY or RST_STREAM.
    pub fn error_code(&self) -> Option<u32> {
        match self.name() {
            "GOAWAY" => self.number(4),
            "RST_STREAM" => self.number(0),
            _ => None,
        }
    }

    /// What follows a GOAWAY's error code, as text.
    pub fn debug_data(&self) -> Option<String> {
        let payload = self.is("GOAWAY").then(|| self.payload())?;
        payload.get(8..).filter(|data| !data.is_empty()).map(|data| String::from_utf8_lossy(data).into_owned())
    }

    /// How many bytes a WINDOW_UPDATE adds.
    pub fn increment(&self) -> Option<u32> {
        self.is("WINDOW_UPDATE").then(|| self.number(0)).flatten().map(|increment| increment & 0x7fff_ffff)
    }

    /// Its flags as text: "END_STREAM, PADDED".
    pub fn flag_names(&self) -> Cow<'static, str> {
        self.flags().collect::<Vec<_>>().join(", ").into()
    }
}

/// The nine bytes before each payload (RFC 9113, section 4.1; rule h2.frame-header).
pub(in super::super) mod header {
    /// How many they are.
    pub(in super::super::super) const LENGTH: usize = 9;

    /// The length of the payload, from the first three bytes of a frame header.
    pub(in super::super::super) fn length(header: &[u8]) -> usize {
        u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize
    }
}

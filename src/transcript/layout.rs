//! What the bytes of a single frame mean, as far as the frame alone says it.
//!
//! Header blocks and bodies go on from frame to frame: [`blocks`](super::blocks) and [`bodies`](super::bodies) read
//! those.

use std::mem;

use bytes::{Buf, Bytes};

use super::http2::{self, Frame, PRIORITY, Shape};
use super::part::Part;

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

/// A frame's bytes in their order.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// What the frame alone explains.
    pub(super) parts: Vec<Part>,
    /// A piece of a header block or of a body.
    pub(super) content: Bytes,
    pub(super) padding: Option<Part>,
}

impl Layout {
    pub(super) fn of(frame: &Frame) -> Layout {
        if frame.shape != Shape::Frame {
            return Layout { parts: vec![not_a_frame(frame)], ..Layout::default() };
        }
        let mut rest = frame.bytes.clone();
        let mut layout = Layout { parts: vec![header(frame, rest.split_to(9))], ..Layout::default() };
        let fits = layout.payload(frame, &mut rest).is_some();
        if !fits || !rest.is_empty() {
            let note = format!("FRAME_SIZE_ERROR: {} bytes do not fit a {} frame", rest.len(), frame.name());
            layout.parts.push(Part::new(rest, "malformed", "", note));
        }
        layout
    }

    /// Takes what it understands off `rest`; `None` where that is too short.
    fn payload(&mut self, frame: &Frame, rest: &mut Bytes) -> Option<()> {
        let padded = frame.has("PADDED").then_some((1, "pad length"));
        let priority = frame.has("PRIORITY").then_some(PRIORITY).into_iter().flatten();
        let padding = if padded.is_some() { usize::from(*rest.first()?) } else { 0 };
        for (count, name) in padded.into_iter().chain(priority).chain(frame.fields().iter().copied()) {
            self.parts.push(field(name, take(rest, count)?));
        }
        match frame.name() {
            "DATA" | "HEADERS" | "PUSH_PROMISE" | "CONTINUATION" => {
                self.content = take(rest, rest.len().checked_sub(padding)?)?;
                self.padding = (padding > 0).then(|| Part::new(mem::take(rest), "padding", "", ""));
            }
            "SETTINGS" => {
                while let Some(bytes) = take(rest, 6) {
                    self.parts.push(setting(bytes));
                }
            }
            "GOAWAY" if !rest.is_empty() => self.parts.push(Part::new(rest.clone(), "debug data", mem::take(rest), "")),
            "UNKNOWN" => {
                let note = format!("frame type {} is unknown: ignored (section 5.5)", frame.bytes[3]);
                self.parts.push(Part::new(mem::take(rest), "payload", "", note));
            }
            _ => {}
        }
        Some(())
    }
}

/// A preface, or bytes that are no whole frame.
fn not_a_frame(frame: &Frame) -> Part {
    let bytes = frame.bytes.clone();
    let (value, note) = match frame.shape {
        Shape::Preface => (bytes.clone(), "the client speaks HTTP/2".into()),
        Shape::NotHttp2 => (bytes.clone(), "expected the client preface, PRI * HTTP/2.0 ...".into()),
        _ if bytes.len() < 9 => (Bytes::new(), "the recording ends inside a frame header or preface".into()),
        _ => {
            let length = 9 + http2::length(&bytes);
            (Bytes::new(), format!("the recording ends inside this frame of {length} bytes"))
        }
    };
    Part::new(bytes, "text", value, note)
}

fn header(frame: &Frame, bytes: Bytes) -> Part {
    let length = frame.bytes.len() - bytes.len();
    let text = format!("length {length}, type {}, flags {:#04x}, stream {}", bytes[3], bytes[4], frame.stream());
    Part::new(bytes, "frame header", text, "")
}

/// A number of a fixed size.
fn field(name: &'static str, bytes: Bytes) -> Part {
    let number = bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    let (value, note) = match name {
        "error code" => (ERROR_CODES.get(number).unwrap_or(&"unknown").to_string(), format!("{number:#x}")),
        "opaque data" => (String::new(), String::new()),
        "priority after stream" => ((number & 0x7fff_ffff).to_string(), "deprecated by RFC 9113".into()),
        _ => (number.to_string(), String::new()),
    };
    Part::new(bytes, name, value, note)
}

/// Two bytes that name a setting, and four with its value.
fn setting(bytes: Bytes) -> Part {
    let (id, value) = ((&bytes[..2]).get_u16(), (&bytes[2..]).get_u32());
    let name = SETTING_NAMES.get(usize::from(id)).unwrap_or(&SETTING_NAMES[0]);
    Part::new(bytes, *name, value.to_string(), format!("setting {id}"))
}

fn take(rest: &mut Bytes, count: usize) -> Option<Bytes> {
    (rest.len() >= count).then(|| rest.split_to(count))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::hex;
    use super::*;

    /// The parts after the frame header as `name: value`, then how much content and padding there is.
    fn parts(bytes: &str) -> (Vec<String>, usize, usize) {
        let frame = Frame { shape: Shape::Frame, bytes: hex(bytes) };
        let Layout { parts, content, padding } = Layout::of(&frame);
        let padding = padding.map_or(0, |part| part.bytes.len());
        let shown = parts.iter().map(|part| part.bytes.len()).sum::<usize>() + content.len() + padding;
        assert_eq!(shown, frame.bytes.len(), "every byte is accounted for");
        let text = |part: &Part| format!("{}: {}", part.name.escape_ascii(), part.value.escape_ascii());
        (parts[1..].iter().map(text).collect(), content.len(), padding)
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

    fn note(shape: Shape, bytes: &[u8]) -> String {
        Layout::of(&Frame { shape, bytes: Bytes::copy_from_slice(bytes) }).parts[0].note.clone()
    }

    #[test]
    fn what_is_no_whole_frame_says_what_it_is() {
        assert!(note(Shape::NotHttp2, b"GET / HTTP/1.1\r\n\r\n").contains("expected the client preface"));
        assert_eq!(note(Shape::Preface, http2::PREFACE), "the client speaks HTTP/2");
        assert_eq!(note(Shape::Torn, &[0, 0, 4]), "the recording ends inside a frame header or preface");
        let torn = hex("000004 08 00 00000000 0010");
        assert_eq!(note(Shape::Torn, &torn), "the recording ends inside this frame of 13 bytes");
    }
}

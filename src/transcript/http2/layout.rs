//! What the bytes of a single frame mean, as far as the frame alone says it.
//!
//! Header blocks and bodies go on from frame to frame: what is theirs is left as content.

use bytes::{Buf, Bytes};

use super::super::span::{Cutter, Span};
use super::{Cut, Frame, Meaning, Shape, frame::header, meaning::Foreign};

/// A frame's bytes in their order.
#[derive(Debug)]
pub(in super::super) struct Layout {
    /// What stands before the content, or everything.
    pub(in super::super) before: Vec<Span>,
    /// A piece of a header block or of a body, and where it begins.
    pub(in super::super) content: Option<(u64, Bytes)>,
    /// Padding, and what is malformed.
    pub(in super::super) after: Vec<Span>,
}

/// Lays out a frame.
pub(in super::super) fn layout(cut: &Cut) -> Layout {
    let Cut { start, frame } = cut;
    let mut rest = Cutter::new(*start, frame.bytes.clone());
    if !matches!(frame.shape, Shape::Frame | Shape::Begun) {
        let meaning = instead(frame);
        let content = (frame.shape == Shape::Rest).then(|| (*start, frame.bytes.clone()));
        let before = if content.is_some() { Vec::new() } else { vec![rest.rest(meaning)] };
        return Layout { before, content, after: Vec::new() };
    }
    let mut layout = Layout { before: vec![head(&mut rest, &frame.bytes)], content: None, after: Vec::new() };
    let fits = layout.payload(frame, &mut rest).is_some();
    if !rest.rest.is_empty() || !fits {
        let length = rest.rest.len();
        layout.after.push(rest.rest(Meaning::WrongSize { kind: frame.bytes[3], length }));
    }
    layout
}

/// What bytes are that are no whole frame.
fn instead(frame: &Frame) -> Meaning {
    match frame.shape {
        Shape::Preface => Meaning::Preface,
        Shape::NotHttp2 => Meaning::Foreign(Foreign::of(&frame.bytes)),
        Shape::Rest => Meaning::Rest,
        Shape::Before => Meaning::Earlier,
        _ if frame.bytes.len() < header::LENGTH => Meaning::Torn { expected: None },
        _ => Meaning::Torn { expected: Some(header::LENGTH + header::length(&frame.bytes)) },
    }
}

/// The nine bytes before the payload, field by field.
fn head(rest: &mut Cutter, bytes: &Bytes) -> Span {
    let before = rest.clone();
    let (length, kind, flags) = (header::length(bytes) as u32, bytes[3], bytes[4]);
    let stream = (&bytes[5..9]).get_u32();
    let fields = [
        (3, Meaning::Length(length)),
        (1, Meaning::Type(kind)),
        (1, Meaning::Flags { kind, bits: flags }),
        (4, Meaning::Stream(stream)),
    ];
    let children = fields.into_iter().filter_map(|(length, meaning)| rest.leaf(length, meaning)).collect();
    rest.since(&before, Meaning::Header { kind, flags, stream, length }, children)
}

impl Layout {
    /// Takes what it understands off `rest`; `None` where that is too short.
    fn payload(&mut self, frame: &Frame, rest: &mut Cutter) -> Option<()> {
        let mut padding = 0;
        if frame.has("PADDED") {
            padding = usize::from(*rest.rest.first()?);
            self.before.extend(rest.leaf(1, Meaning::PadLength(padding as u8)));
        }
        if frame.has("PRIORITY") {
            self.priority(rest)?;
        }
        match frame.name() {
            "DATA" | "HEADERS" | "CONTINUATION" => self.content(frame, rest, padding)?,
            "PUSH_PROMISE" => {
                self.number(rest, Meaning::PromisedStream)?;
                self.content(frame, rest, padding)?;
            }
            "PRIORITY" => self.priority(rest)?,
            "RST_STREAM" => self.number(rest, Meaning::ErrorCode)?,
            "SETTINGS" => {
                while rest.rest.len() >= 6 {
                    self.before.extend(setting(rest));
                }
            }
            "PING" => self.before.push(rest.leaf(8, Meaning::OpaqueData)?),
            "GOAWAY" => {
                self.number(rest, Meaning::LastStream)?;
                self.number(rest, Meaning::ErrorCode)?;
                let text = String::from_utf8_lossy(&rest.rest).into_owned();
                if !text.is_empty() {
                    self.before.push(rest.rest(Meaning::DebugData(text)));
                }
            }
            "WINDOW_UPDATE" => self.number(rest, Meaning::Increment)?,
            _ => self.before.push(rest.rest(Meaning::UnknownPayload(frame.bytes[3]))),
        }
        Some(())
    }

    /// Four bytes with a number.
    fn number(&mut self, rest: &mut Cutter, meaning: impl Fn(u32) -> Meaning) -> Option<()> {
        let number = rest.rest.get(..4)?.get_u32();
        self.before.extend(rest.leaf(4, meaning(number)));
        Some(())
    }

    fn priority(&mut self, rest: &mut Cutter) -> Option<()> {
        let weight = *rest.rest.get(4)?;
        self.number(rest, Meaning::Dependency)?;
        self.before.extend(rest.leaf(1, Meaning::Weight(weight)));
        Some(())
    }

    /// Everything but the padding. Of a large frame only the beginning is here, and its end is not known.
    fn content(&mut self, frame: &Frame, rest: &mut Cutter, padding: usize) -> Option<()> {
        let padding = if frame.shape == Shape::Begun { 0 } else { padding };
        let content = rest.take(rest.rest.len().checked_sub(padding)?)?;
        self.content = Some(content).filter(|(_, bytes)| !bytes.is_empty());
        if padding > 0 {
            self.after.push(rest.rest(Meaning::Padding(padding)));
        }
        Some(())
    }
}

/// Two bytes that name a setting, and four with its value.
fn setting(rest: &mut Cutter) -> Option<Span> {
    let before = rest.clone();
    let mut bytes = &rest.rest[..];
    let (id, value) = (bytes.try_get_u16().ok()?, bytes.try_get_u32().ok()?);
    let children = vec![rest.leaf(2, Meaning::SettingId(id))?, rest.leaf(4, Meaning::SettingValue { id, value })?];
    Some(rest.since(&before, Meaning::Setting { id, value }, children))
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::hex;
    use super::super::super::meaning::Meaning as _;
    use super::super::PREFACE;
    use super::*;

    fn cut(shape: Shape, bytes: Bytes) -> Cut {
        Cut { start: 7, frame: Frame { shape, bytes } }
    }

    /// The spans after the frame header as `name: value`, then how much content and padding there is.
    fn spans(bytes: &str) -> (Vec<String>, usize, usize) {
        let cut = cut(Shape::Frame, hex(bytes));
        let Layout { before, content, after } = layout(&cut);
        let content = content.map_or(0, |(_, bytes)| bytes.len());
        let padding: usize =
            after.iter().filter(|span| span.what.name() == "padding").map(|span| span.bytes.len()).sum();
        let all: Vec<&Span> = before.iter().chain(&after).collect();
        let shown = all.iter().map(|span| span.bytes.len()).sum::<usize>() + content;
        assert_eq!(shown, cut.frame.bytes.len(), "every byte is accounted for");
        assert_eq!(before[0].start, 7);
        let text = |span: &&Span| format!("{}: {}", span.what.name(), span.what.value());
        (all[1..].iter().map(text).filter(|text| text != "padding: ").collect(), content, padding)
    }

    #[test]
    fn control_frames_are_taken_apart() {
        let only = |text: &str| (vec![text.to_owned()], 0, 0);
        assert_eq!(spans("000006 04 00 00000000 0003 00000064"), only("MAX_CONCURRENT_STREAMS: 100"));
        assert_eq!(spans("000006 04 00 00000000 00ff 00000001"), only("unknown setting: 1"));
        assert_eq!(spans("000004 03 00 00000001 00000008"), only("error code: CANCEL"));
        assert_eq!(spans("000004 08 00 00000001 00100000"), only("increment: 1048576"));
        assert_eq!(spans("000008 06 00 00000000 0102030405060708"), only("opaque data: "));
        assert_eq!(
            spans("000005 02 00 00000001 00000003 0f"),
            (vec!["depends on stream: 3".into(), "weight less one: 15".into()], 0, 0)
        );
        assert_eq!(spans("000001 0b 00 00000001 aa"), only("payload: "));
        assert_eq!(spans("000000 04 01 00000000"), (vec![], 0, 0));
        let (shown, ..) = spans("00000a 07 00 00000000 00000005 0000000b 6869");
        assert_eq!(shown, ["last stream: 5", "error code: ENHANCE_YOUR_CALM", "debug data: hi"]);
    }

    #[test]
    fn padding_and_priority_surround_the_content() {
        // DATA, padded by 2: pad length 02, content 61 62 63, padding 00 00
        assert_eq!(spans("000006 00 08 00000001 02 616263 0000"), (vec!["pad length: 2".into()], 3, 2));
        // HEADERS with PADDED and PRIORITY: 01, 00000000 ff, block 82, padding 00
        let (shown, content, padding) = spans("000008 01 2c 00000001 01 00000000 ff 82 00");
        assert_eq!((&shown[2][..], content, padding), ("weight less one: 255", 1, 1));
        let (shown, content, _) = spans("000005 05 04 00000001 00000002 82");
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
            let (shown, ..) = spans(bytes);
            assert_eq!(shown.last().unwrap(), "malformed: ", "{bytes}");
        }
    }

    fn note(shape: Shape, bytes: &[u8]) -> String {
        layout(&cut(shape, Bytes::copy_from_slice(bytes))).before[0].what.note().into_owned()
    }

    #[test]
    fn what_is_no_whole_frame_says_what_it_is() {
        assert_eq!(note(Shape::NotHttp2, b"GET / HTTP/1.1\r\n\r\n"), "this is HTTP/1");
        assert_eq!(note(Shape::NotHttp2, &[0x16, 0x03, 0x01]), "this is TLS");
        assert!(note(Shape::NotHttp2, b"SSH-2.0").contains("expected the client preface"));
        assert_eq!(note(Shape::Preface, PREFACE), "the client speaks HTTP/2");
        assert_eq!(note(Shape::Torn, &[0, 0, 4]), "the recording ends inside a frame header or preface");
        let torn = hex("000004 08 00 00000000 0010");
        assert_eq!(note(Shape::Torn, &torn), "the recording ends inside this frame of 13 bytes");
    }
}

//! A connection without its secrets: the values of credentials and cookies are replaced, and the bytes stay as many and
//! as readable as they were. So what is saved or sent to others can be read again.

use std::mem;

use bytes::{Bytes, BytesMut};

use super::event::Event;
use super::grpc::is_secret;
use super::hpack::UNDECODABLE;
use super::http2::{Cut, Shape, layout};

/// Hides the secrets of a connection's events, as they come. A header block that goes on in CONTINUATION frames is held
/// back until it is whole. Bytes that may hold secrets but cannot be read are hidden as a whole: header blocks that cannot
/// be decoded, what stands before the first frame of a late recording, and what is no HTTP/2 but for its first line.
#[derive(Debug, Default)]
pub struct Hider {
    ways: [Way; 2],
}

#[derive(Debug, Default)]
struct Way {
    /// Frames of a header block that is not whole.
    held: Vec<Event>,
    /// Whether the frame that comes in several pieces has a piece of a header block.
    large: bool,
}

/// So many bytes of a header block are held at most, as many as a reader decodes by default.
const HELD: usize = 256 * 1024;

/// The frame types that hold pieces of header blocks.
const BLOCKS: [&str; 3] = ["HEADERS", "PUSH_PROMISE", "CONTINUATION"];

/// What stands for bytes before the first frame: a frame header that begins with it is impossible.
const NO_FRAME: u8 = 0xff;

impl Hider {
    /// Takes the next event; returns those that can be shown, in the order of their bytes.
    pub fn push(&mut self, event: Event) -> Vec<Event> {
        let way = &mut self.ways[event.direction.index()];
        let is_block = event.frame.shape == Shape::Frame && BLOCKS.contains(&event.frame.name());
        let mut shown = Vec::new();
        if !is_block || !event.frame.is("CONTINUATION") {
            shown.extend(way.give_up());
        }
        if !is_block {
            shown.push(way.other(event));
            return shown;
        }
        way.held.push(event);
        let held: usize = way.held.iter().map(|event| event.frame.bytes.len()).sum();
        match way.held.last() {
            Some(last) if last.block.is_some() => shown.extend(hidden(mem::take(&mut way.held))),
            Some(last) if last.frame.has("END_HEADERS") || held > HELD => shown.extend(way.give_up()),
            _ => {}
        }
        shown
    }

    /// What is left at the end.
    pub fn finish(&mut self) -> Vec<Event> {
        self.ways.iter_mut().flat_map(Way::give_up).collect()
    }
}

impl Way {
    /// The frames of a block that is not decoded.
    fn give_up(&mut self) -> Vec<Event> {
        let mut held = mem::take(&mut self.held);
        held.iter_mut().for_each(hide_content);
        held
    }

    /// A frame without a header block, or none.
    fn other(&mut self, mut event: Event) -> Event {
        let bytes = event.frame.bytes.clone();
        match event.frame.shape {
            Shape::Begun => {
                self.large = BLOCKS.contains(&event.frame.name());
                if self.large {
                    hide_content(&mut event);
                }
            }
            Shape::Rest if self.large => event.frame.bytes = filled(&bytes, 0, UNDECODABLE),
            Shape::Before => event.frame.bytes = filled(&bytes, 0, NO_FRAME),
            Shape::NotHttp2 if event.start > 0 => event.frame.bytes = filled(&bytes, 0, b'*'),
            Shape::NotHttp2 => {
                let line = bytes.iter().position(|byte| *byte == b'\n').map_or(16, |at| at + 1);
                event.frame.bytes = filled(&bytes, line, b'*');
            }
            // Types 1, 5 and 9, as in `BLOCKS`.
            Shape::Torn if matches!(bytes.get(3), Some(1 | 5 | 9)) => {
                event.frame.bytes = filled(&bytes, super::http2::header::LENGTH, UNDECODABLE);
            }
            _ => {}
        }
        event
    }
}

/// The frames of a decoded block, without the secrets in it.
fn hidden(mut frames: Vec<Event>) -> Vec<Event> {
    let secret = |name: Option<&Bytes>| name.is_none_or(|name| is_secret(name));
    let block = frames.last().and_then(|last| last.block.as_ref());
    let Some(block) = block.and_then(|block| block.hidden(&secret)) else { return frames };
    let mut rest = block.bytes().clone();
    for event in &mut frames {
        let Some((start, content)) = content(event) else { continue };
        let mut bytes = BytesMut::from(&event.frame.bytes[..]);
        let piece = rest.split_to(content.len().min(rest.len()));
        bytes[start..start + piece.len()].copy_from_slice(&piece);
        event.frame.bytes = bytes.freeze();
    }
    if let Some(last) = frames.last_mut() {
        last.block = Some(block.into());
    }
    frames
}

/// A frame's piece of a header block, and where it begins in the frame.
fn content(event: &Event) -> Option<(usize, Bytes)> {
    layout(&Cut { start: 0, frame: event.frame.clone() }).content.map(|(start, bytes)| (start as usize, bytes))
}

fn hide_content(event: &mut Event) {
    if let Some((start, content)) = content(event) {
        let mut bytes = BytesMut::from(&event.frame.bytes[..]);
        bytes[start..start + content.len()].fill(UNDECODABLE);
        event.frame.bytes = bytes.freeze();
    }
}

/// The bytes with another one from a place on.
fn filled(bytes: &Bytes, from: usize, with: u8) -> Bytes {
    let mut bytes = BytesMut::from(&bytes[..]);
    let from = from.min(bytes.len());
    bytes[from..].fill(with);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::protobuf::Types;
    use super::super::record::Direction::*;
    use super::super::record::Recorded;
    use super::super::transcript::Transcript;
    use super::*;

    /// What is left of a recording.
    fn hide(recorded: &Recorded) -> Recorded {
        let mut hider = Hider::default();
        let mut left = Recorded { late: recorded.late, ..Recorded::default() };
        let transcript = Transcript::read(recorded, &Types::default());
        let mut shown: Vec<Event> = transcript.events.into_iter().flat_map(|event| hider.push(event)).collect();
        shown.extend(hider.finish());
        shown.iter().for_each(|event| left.push(event.direction, &event.frame.bytes));
        left
    }

    fn text(recorded: &Recorded) -> String {
        String::from_utf8_lossy(&recorded.bytes(ToServer)).into_owned()
    }

    /// A head with `authorization: secret`, as a literal with name 23.
    fn head() -> Vec<u8> {
        [&[0x83, 0x86, 0x44, 2], &b"/a"[..], &[0x57, 6], b"secret", &[0x00, 1, b'x', 1, b'y']].concat()
    }

    #[test]
    fn a_secret_is_hidden_also_where_its_block_is_cut() {
        for cut in 1..head().len() - 1 {
            let recorded = record(&[
                (ToServer, frame(HEADERS, 1, 1, &head()[..cut])),
                (ToServer, frame(CONTINUATION, 4, 1, &head()[cut..])),
            ]);
            let hidden = hide(&recorded);
            assert_eq!(text(&hidden).len(), text(&recorded).len());
            assert!(!hidden.bytes(ToServer).windows(2).any(|pair| pair == b"se" || pair == b"et"), "{cut}");
            let block = Transcript::read(&hidden, &Types::default()).events[2].block.clone().unwrap();
            assert_eq!((block.get("authorization").unwrap(), block.get("x").unwrap()), (&"******".into(), &"y".into()));
        }
    }

    #[test]
    fn blocks_that_cannot_be_read_are_hidden_as_a_whole() {
        for frames in [
            vec![frame(HEADERS, 1, 1, &head())],
            vec![frame(HEADERS, 1, 1, &head()), frame(6, 0, 0, &[0; 8])],
            vec![frame(HEADERS, 1, 1, &head()[..9]), request_head()],
            vec![frame(HEADERS, 4, 1, &[&[0x80], &head()[..]].concat())],
            vec![frame(HEADERS, 4, 1, &head())[..20].to_vec()],
        ] {
            let recorded = record(&[(ToServer, frames.concat())]);
            let hidden = hide(&recorded);
            assert!(!text(&hidden).contains("sec"), "{hidden:?}");
            assert_eq!(hidden.bytes(ToServer).len(), recorded.bytes(ToServer).len());
        }
    }

    #[test]
    fn what_is_no_http2_keeps_its_first_line() {
        let mut recorded = Recorded::default();
        recorded.push(ToServer, b"GET / HTTP/1.1\r\nauthorization: secret\r\n\r\n");
        assert_eq!(text(&hide(&recorded)), "GET / HTTP/1.1\r\n*************************");
    }

    #[test]
    fn before_the_first_frame_nothing_is_shown() {
        let mut recorded = Recorded { late: true, ..Recorded::default() };
        let pings = frame(6, 0, 0, &[0; 8]).repeat(4);
        recorded.push(ToServer, &[&b"a secret of a frame before"[..], &pings].concat());
        let hidden = hide(&recorded);
        assert_eq!(hidden.bytes(ToServer), [&[0xff; 26][..], &pings].concat());
        assert_eq!(Transcript::read(&hidden, &Types::default()).events.len(), 5);
    }
}

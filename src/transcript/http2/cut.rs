//! Cuts one direction's bytes into frames, in whatever pieces they arrive.
//!
//! ```text
//! 00 00 16   length of the payload: 22
//! 00         type: 0, DATA
//! 01         flags: END_STREAM
//! 00 00 00 01   a reserved bit and the stream: 1
//! ...        the payload
//! ```
//!
//! Nothing is refused. What no peer should send becomes a value too, with its bytes. In a recording that begins in the
//! middle of a connection, the first frame is found by trying: a frame header is recognized where the headers that
//! follow it, each at the place that the one before tells, are all possible.

use bytes::BytesMut;

use super::super::record::Direction;
use super::frame::header;
use super::names::flags;
use super::{Frame, PREFACE, Shape};

/// A frame in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many bytes of its direction stand before it.
    pub start: u64,
    /// The frame.
    pub frame: Frame,
}

/// One direction's bytes, which become frames.
#[derive(Debug)]
pub struct Frames {
    buffer: BytesMut,
    /// How many bytes stand before those of the buffer.
    start: u64,
    next: Next,
    keep: usize,
    search: Search,
}

/// How far the bytes that wait were searched for a frame.
#[derive(Debug, Default)]
struct Search {
    /// So many of them were looked at.
    looked: usize,
    /// At these of them a frame may begin.
    places: Vec<usize>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A client's preface.
    Preface,
    /// A server's first frame, which can be nothing but SETTINGS.
    First,
    Frame,
    /// So many bytes of a large frame's payload.
    Rest(usize),
    /// A frame somewhere: the recording begins within the connection.
    Anywhere,
    /// A frame after so many bytes.
    After(usize),
    /// Nothing that can be read.
    Foreign,
}

/// So many frame headers in a row are no chance.
const ROW: usize = 4;

/// The largest frame that a search takes for possible. Peers that raise SETTINGS_MAX_FRAME_SIZE beyond it are rare.
const LIKELY: usize = 1 << 20;

/// How far a search looks back at most before it gives bytes up.
const SEARCHED: usize = 1 << 21;

/// So many places at once may turn out to begin a frame. In random bytes, one in 100,000 looks like it.
const PLACES: usize = 4096;

impl Frames {
    /// For a connection from its first byte on: only a client opens with a preface. Of a payload, `keep` bytes are held
    /// at once at most.
    pub fn new(direction: Direction, keep: usize) -> Self {
        let next = if direction == Direction::ToServer { Next::Preface } else { Next::First };
        Frames { next, ..Frames::late(0, keep) }
    }

    /// For bytes that begin anywhere in a connection, after `start` others.
    pub fn late(start: u64, keep: usize) -> Self {
        let (next, search) = (Next::Anywhere, Search::default());
        Frames { buffer: BytesMut::new(), start, next, keep: keep.max(1), search }
    }

    /// For a whole direction of a recording that begins anywhere in a connection, of which `bytes` are all. Other than
    /// [`late`](Self::late), it finds the first frame in the same place however the bytes were cut.
    pub fn found(bytes: &[u8], keep: usize) -> Self {
        let places = (0..bytes.len().saturating_sub(header::LENGTH - 1)).filter(|at| is_possible(&bytes[*at..]));
        let first = best(bytes, places).unwrap_or(bytes.len());
        Frames { next: Next::After(first), ..Frames::late(0, keep) }
    }

    /// How many bytes were given so far, those before the recording included.
    pub fn end(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    /// How many bytes wait for others to become a frame.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// Some bytes are missing here: what follows begins anywhere, at `start`. What waited is returned.
    pub fn skip_to(&mut self, start: u64) -> Option<Cut> {
        let torn = self.finish();
        self.search = Search::default();
        self.start = start;
        self.next = Next::Anywhere;
        torn
    }

    /// Appends bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame; `None` until more bytes come.
    pub fn next_frame(&mut self) -> Option<Cut> {
        match self.next {
            Next::Preface => self.preface(),
            Next::First => self.first(),
            Next::Frame => self.frame(),
            Next::Rest(left) => self.rest(left),
            Next::Anywhere => self.search(),
            Next::After(0) => self.frame(),
            Next::After(length) => self.cut(length, Shape::Before, Next::Frame),
            Next::Foreign => self.cut(self.buffer.len(), Shape::NotHttp2, Next::Foreign),
        }
    }

    /// At the end: the bytes that were left over.
    pub fn finish(&mut self) -> Option<Cut> {
        let shape = match self.next {
            Next::Preface if !PREFACE.starts_with(&self.buffer) => Shape::NotHttp2,
            Next::Anywhere | Next::After(_) => Shape::Before,
            _ => Shape::Torn,
        };
        self.cut(self.buffer.len(), shape, self.next)
    }

    fn cut(&mut self, length: usize, shape: Shape, next: Next) -> Option<Cut> {
        if length == 0 || self.buffer.len() < length {
            return None;
        }
        let start = self.start;
        self.start += length as u64;
        self.next = next;
        Some(Cut { start, frame: Frame { shape, bytes: self.buffer.split_to(length).freeze() } })
    }

    fn preface(&mut self) -> Option<Cut> {
        let told = self.buffer.len().min(PREFACE.len());
        if self.buffer[..told] == PREFACE[..told] {
            return self.cut(PREFACE.len(), Shape::Preface, Next::Frame);
        }
        self.cut(self.buffer.len(), Shape::NotHttp2, Next::Foreign)
    }

    /// A server that speaks no HTTP/2 is known by its first bytes: they are no header of a SETTINGS frame.
    fn first(&mut self) -> Option<Cut> {
        const FOREIGN: [&[u8]; 2] = [b"HTTP/", &[0x15, 0x03]];
        let begins = |with: &[u8]| with.starts_with(&self.buffer[..self.buffer.len().min(with.len())]);
        if self.buffer.is_empty() || (self.buffer.len() < 5 && FOREIGN.iter().any(|with| begins(with))) {
            return None;
        }
        if FOREIGN.iter().any(|with| begins(with)) {
            return self.cut(self.buffer.len(), Shape::NotHttp2, Next::Foreign);
        }
        self.frame()
    }

    fn frame(&mut self) -> Option<Cut> {
        if self.buffer.len() < header::LENGTH {
            return None;
        }
        let payload = header::length(&self.buffer);
        if payload > self.keep {
            return self.cut(header::LENGTH + self.keep, Shape::Begun, Next::Rest(payload - self.keep));
        }
        self.cut(header::LENGTH + payload, Shape::Frame, Next::Frame)
    }

    fn rest(&mut self, left: usize) -> Option<Cut> {
        let length = left.min(self.keep);
        let next = if length == left { Next::Frame } else { Next::Rest(left - length) };
        self.cut(length, Shape::Rest, next)
    }

    /// Looks for a place from which frames follow one another.
    fn search(&mut self) -> Option<Cut> {
        let Search { mut looked, mut places } = std::mem::take(&mut self.search);
        let whole = self.buffer.len().saturating_sub(header::LENGTH - 1);
        places.extend((looked..whole).filter(|at| is_possible(&self.buffer[*at..])));
        looked = looked.max(whole);
        places.retain(|at| row(&self.buffer[*at..]) != Row::No);
        if let Some(first) = best(&self.buffer, places.iter().copied()) {
            self.next = Next::After(first);
            return self.next_frame();
        }
        // Waiting for what shows which of them it is must not hold too much.
        let gone = places.len().saturating_sub(PLACES);
        places.drain(..gone);
        places.retain(|at| self.buffer.len() - at < SEARCHED);
        // What stands before the first is no frame.
        let before = places.first().copied().unwrap_or(looked);
        places.iter_mut().for_each(|at| *at -= before);
        self.search = Search { looked: looked - before, places };
        self.cut(before, Shape::Before, Next::Anywhere)
    }
}

/// The place from which enough frames follow one another; of several, the one where that shows first.
fn best(bytes: &[u8], places: impl Iterator<Item = usize>) -> Option<usize> {
    let rows = places.filter_map(|at| match row(&bytes[at..]) {
        Row::Yes(length) => Some((at + length, at)),
        _ => None,
    });
    rows.min().map(|(_, at)| at)
}

/// Whether frames stand in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// So many bytes long.
    Yes(usize),
    No,
    /// As far as can be seen.
    Perhaps,
}

fn row(all: &[u8]) -> Row {
    let mut bytes = all;
    for _ in 0..ROW {
        if bytes.len() < header::LENGTH {
            return Row::Perhaps;
        }
        if !is_possible(bytes) {
            return Row::No;
        }
        let length = header::LENGTH + header::length(bytes);
        if bytes.len() < length {
            return Row::Perhaps;
        }
        bytes = &bytes[length..];
    }
    Row::Yes(all.len() - bytes.len())
}

/// Whether nine bytes can be a frame's header, by the rules of its type (RFC 9113, section 6; rules h2.data to
/// h2.continuation).
fn is_possible(bytes: &[u8]) -> bool {
    let (length, kind, bits) = (header::length(bytes), bytes[3], bytes[4]);
    let stream = u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]]);
    let known = flags(kind).iter().fold(0, |all, (bit, _)| all | bit);
    let on_stream = (1..1 << 31).contains(&stream);
    let fits = match kind {
        0 | 1 | 5 | 9 => on_stream,
        2 => length == 5 && on_stream,
        3 => length == 4 && on_stream,
        4 => stream == 0 && length.is_multiple_of(6) && (bits & 1 == 0 || length == 0),
        6 => stream == 0 && length == 8,
        7 => stream == 0 && length >= 8,
        8 => length == 4 && stream < 1 << 31,
        _ => false,
    };
    fits && length <= LIKELY && bits & !known == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::fixtures::{frame, hex};
    use super::*;

    const KEEP: usize = 1 << 20;

    fn all(frames: &mut Frames) -> Vec<Cut> {
        let mut cuts: Vec<Cut> = std::iter::from_fn(|| frames.next_frame()).collect();
        cuts.extend(frames.finish());
        cuts
    }

    fn shapes(cuts: &[Cut]) -> Vec<(Shape, usize)> {
        cuts.iter().map(|cut| (cut.frame.shape, cut.frame.bytes.len())).collect()
    }

    #[test]
    fn header_type_flags_and_stream() {
        // 000005 length, 01 HEADERS, 25 flags, 80000003 the reserved bit and stream 3
        let frame = Frame { shape: Shape::Frame, bytes: hex("00 00 05 01 25 80 00 00 03") };
        assert_eq!((frame.name(), frame.kind(), frame.stream()), ("HEADERS", Some(1), 3));
        assert_eq!(frame.flags().collect::<Vec<_>>(), ["END_STREAM", "END_HEADERS", "PRIORITY"]);
    }

    #[test]
    fn a_client_that_does_not_speak_http2_is_said_so() {
        let mut frames = Frames::new(Direction::ToServer, KEEP);
        frames.push(b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(shapes(&all(&mut frames)), [(Shape::NotHttp2, 18)]);
    }

    #[test]
    fn a_server_that_answers_in_http1_or_tls_is_said_so() {
        for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]] {
            let mut frames = Frames::new(Direction::ToClient, KEEP);
            frames.push(answer);
            assert_eq!(shapes(&all(&mut frames)), [(Shape::NotHttp2, answer.len())]);
        }
    }

    #[test]
    fn a_frame_that_is_larger_than_what_is_kept_comes_in_pieces() {
        let mut frames = Frames::new(Direction::ToClient, 10);
        frames.push(&frame(0, 1, 1, &[7; 25]));
        frames.push(&frame(6, 0, 0, &[0; 8]));
        let cuts = all(&mut frames);
        assert_eq!(shapes(&cuts), [(Shape::Begun, 19), (Shape::Rest, 10), (Shape::Rest, 5), (Shape::Frame, 17)]);
        assert_eq!(cuts.iter().map(|cut| cut.start).collect::<Vec<_>>(), [0, 19, 29, 34]);
    }

    #[test]
    fn a_recording_that_begins_within_a_frame_finds_the_next() {
        let frames_after =
            [frame(8, 0, 1, &[0, 0, 1, 0]), frame(6, 0, 0, &[0; 8]), frame(0, 1, 1, b"body"), frame(4, 1, 0, b"")];
        let mut frames = Frames::late(100, KEEP);
        frames.push(&[b"the end of some payload".to_vec(), frames_after.concat()].concat());
        let cuts = all(&mut frames);
        let expected =
            [(Shape::Before, 23), (Shape::Frame, 13), (Shape::Frame, 17), (Shape::Frame, 13), (Shape::Frame, 9)];
        assert_eq!(shapes(&cuts), expected);
        assert_eq!(cuts[1].start, 123);
    }

    #[test]
    fn what_never_becomes_a_frame_is_not_held() {
        let mut frames = Frames::late(0, KEEP);
        for _ in 0..100 {
            frames.push(&[0xff; 100_000]);
            while frames.next_frame().is_some() {}
            assert!(frames.held() < 9);
        }
    }

    #[test]
    fn bytes_that_only_look_like_a_long_frame_do_not_hide_those_that_follow() {
        // 08000a length, 00 DATA, 00 flags, 00000101 a stream: the frame would have half a million bytes.
        let mistaken = hex("08 00 0a 00 00 00 00 01 01");
        let pings = frame(6, 0, 0, &[0; 8]).repeat(ROW);
        for cut in [1, 10, 1000] {
            let mut frames = Frames::late(0, KEEP);
            let mut names = Vec::new();
            for piece in [&mistaken[..], &pings].concat().chunks(cut) {
                frames.push(piece);
                names.extend(std::iter::from_fn(|| frames.next_frame()).map(|cut| cut.frame.name()));
            }
            assert_eq!(names, ["EARLIER", "PING", "PING", "PING", "PING"]);
        }
        let mut frames = Frames::found(&[&mistaken[..], &pings].concat(), KEEP);
        frames.push(&[&mistaken[..], &pings].concat());
        assert_eq!(shapes(&all(&mut frames))[0], (Shape::Before, 9));
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_frames_are_the_same(
            bytes in prop::collection::vec(prop::num::u8::ANY, 0..300), pieces in 1usize..50, way in 0..3, keep in 1usize..400,
        ) {
            let new = || match way {
                0 => Frames::new(Direction::ToServer, keep),
                1 => Frames::new(Direction::ToClient, keep),
                _ => Frames::late(0, keep),
            };
            let mut whole = new();
            whole.push(&bytes);
            let whole = all(&mut whole);
            let mut cut = new();
            let mut frames = Vec::new();
            for piece in bytes.chunks(pieces) {
                cut.push(piece);
                frames.extend(std::iter::from_fn(|| cut.next_frame()));
            }
            frames.extend(cut.finish());
            let joined = |frames: &[Cut]| frames.iter().flat_map(|cut| cut.frame.bytes.to_vec()).collect::<Vec<_>>();
            prop_assert_eq!(joined(&whole), &bytes[..]);
            prop_assert_eq!(joined(&frames), &bytes[..]);
            let real = |frames: Vec<Cut>| frames.into_iter().filter(|cut| cut.frame.kind().is_some()).collect::<Vec<_>>();
            prop_assert_eq!(real(whole), real(frames));
        }
    }
}

//! What the peer's frames say that h2 keeps to itself.
//!
//! h2 does not tell its user that SETTINGS came, what GOAWAY held while calls go on, or that the peer has ended a stream
//! whose response nobody reads. So the frame headers (RFC 9113, section 4.1) are read here once more, on their way to h2:
//!
//! ```text
//! 0  00 00 09        length of the payload
//! 3  07              type: GOAWAY
//! 4  00              flags
//! 5  00 00 00 00     one reserved bit, and the stream: 0 is the connection
//! 9  00 00 00 07     last stream that the peer has processed or will (section 6.8)
//! 13 00 00 00 0b     error code: ENHANCE_YOUR_CALM
//! 17 21              debug data: "!"
//! ```
//!
//! Nothing is judged here. Bytes that are not HTTP/2 give a meaningless result, and h2 ends the connection for them.

use std::mem;

use super::greeting::Greeting;

/// The length of a frame's header.
const HEAD: usize = 9;

/// Types of frames (RFC 9113, section 6), and flags that some of them have.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// How much of GOAWAY's debug data is kept: enough for a sentence. The last stream and the code come before it.
const DEBUG: usize = 256;
const FIXED: usize = 8;

/// How many streams a list keeps room for when it is used again.
const ROOM: usize = 1024;

/// What was seen since it was last taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// A SETTINGS frame came that is not an acknowledgement.
    pub(crate) settings: bool,
    /// The last GOAWAY.
    pub(crate) goaway: Option<GoAway>,
    /// The streams that a server has ended by END_STREAM, in order. One whose HEADERS frame has it is listed then, even
    /// if CONTINUATION frames follow. Of a client neither these nor the resets are gathered: h2 tells its server.
    pub(crate) ended: Vec<u32>,
    /// The streams that the peer has reset, in order. It may have ended them before.
    pub(crate) reset: Vec<u32>,
}

/// What the peer has begun to say, and must say to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    Nothing,
    /// Its first SETTINGS, with what comes before them, have not come.
    Greeting,
    /// A header block (HEADERS and the CONTINUATION frames after it), the so-manieth of the connection, has begun.
    HeaderBlock(usize),
}

/// The peer takes no more streams.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GoAway {
    /// The last stream that the peer has processed or may still process.
    pub(crate) last_stream: u32,
    /// The error code.
    pub(crate) code: u32,
    /// What the peer adds for humans, its first 256 bytes.
    pub(crate) debug: Vec<u8>,
}

/// Reads the frames of one direction, in chunks that are cut anywhere.
///
/// It holds the list of what was seen, the header of one frame, and 264 bytes of GOAWAY at most.
#[derive(Debug)]
pub(crate) struct Frames {
    /// How many bytes of the preface are still to come.
    preface: usize,
    /// The header of the current frame, as far as it has come.
    head: [u8; HEAD],
    head_len: usize,
    /// How many bytes of its payload are still to come.
    left: usize,
    /// The payload of a GOAWAY frame, as far as it is kept.
    goaway: Vec<u8>,
    /// Whether the streams that end are listed.
    lists_ended: bool,
    /// The first SETTINGS have come.
    is_greeted: bool,
    /// How many header blocks have begun, and whether the last of them has not ended.
    blocks: usize,
    is_in_block: bool,
    seen: Seen,
}

impl Frames {
    /// The frames of a peer that begins with `greeting`.
    pub(crate) fn new(greeting: Greeting) -> Self {
        Frames {
            preface: greeting.preface(),
            head: [0; HEAD],
            head_len: 0,
            left: 0,
            goaway: Vec::new(),
            lists_ended: greeting == Greeting::OfServer,
            is_greeted: false,
            blocks: 0,
            is_in_block: false,
            seen: Seen::default(),
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        self.preface -= cut(&mut bytes, self.preface).len();
        while !bytes.is_empty() {
            if self.head_len < HEAD {
                if !self.take_head(&mut bytes) {
                    return;
                }
                let [high, middle, low, kind, ..] = self.head;
                self.left = u32::from_be_bytes([0, high, middle, low]) as usize;
                self.begin_frame(kind);
            }
            let payload = cut(&mut bytes, self.left);
            self.left -= payload.len();
            let [_, _, _, kind, flags, stream @ ..] = self.head;
            if kind == GOAWAY {
                let room = FIXED + DEBUG - self.goaway.len();
                self.goaway.extend_from_slice(&payload[..payload.len().min(room)]);
            }
            if self.left == 0 {
                self.head_len = 0;
                self.end_frame(kind, flags, number(stream));
            }
        }
    }

    /// Whether the last frame is not complete.
    pub(crate) fn is_inside(&self) -> bool {
        self.head_len > 0
    }

    /// Puts what was seen since the last time into `seen`, in place of what it holds.
    pub(crate) fn take(&mut self, seen: &mut Seen) {
        seen.clear();
        mem::swap(seen, &mut self.seen);
    }

    /// What the peer has begun and not ended.
    pub(crate) fn unfinished(&self) -> Unfinished {
        match (self.is_greeted, self.is_in_block) {
            (false, _) => Unfinished::Greeting,
            (true, true) => Unfinished::HeaderBlock(self.blocks),
            (true, false) => Unfinished::Nothing,
        }
    }

    /// Takes a frame's header, or what has come of it. True if it is complete.
    #[inline]
    fn take_head(&mut self, bytes: &mut &[u8]) -> bool {
        // The common case first: it has come whole.
        if self.head_len == 0
            && let Some((head, rest)) = bytes.split_first_chunk()
        {
            (self.head, *bytes) = (*head, rest);
            self.head_len = HEAD;
            return true;
        }
        let part = cut(bytes, HEAD - self.head_len);
        self.head[self.head_len..][..part.len()].copy_from_slice(part);
        self.head_len += part.len();
        self.head_len == HEAD
    }

    /// A frame's header is complete.
    #[inline]
    fn begin_frame(&mut self, kind: u8) {
        if kind == HEADERS {
            self.blocks = self.blocks.wrapping_add(1);
            self.is_in_block = true;
        }
    }

    /// A frame is complete.
    #[inline]
    fn end_frame(&mut self, kind: u8, flags: u8, stream: u32) {
        if matches!(kind, HEADERS | CONTINUATION) && flags & END_HEADERS != 0 {
            self.is_in_block = false;
        }
        match kind {
            DATA | HEADERS if self.lists_ended && flags & END_STREAM != 0 => self.seen.ended.push(stream),
            RST_STREAM if self.lists_ended => self.seen.reset.push(stream),
            SETTINGS if flags & ACK == 0 => {
                self.is_greeted = true;
                self.seen.settings = true;
            }
            GOAWAY => {
                let payload = mem::take(&mut self.goaway);
                if let [a, b, c, d, e, f, g, h, debug @ ..] = &payload[..] {
                    let (last_stream, code) = (number([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h]));
                    self.seen.goaway = Some(GoAway { last_stream, code, debug: debug.to_vec() });
                }
            }
            _ => {}
        }
    }
}

impl Seen {
    /// Forgets everything, but keeps the lists' memory for the next time.
    fn clear(&mut self) {
        self.settings = false;
        self.goaway = None;
        for list in [&mut self.ended, &mut self.reset] {
            list.clear();
            list.shrink_to(ROOM);
        }
    }
}

/// Takes at most `most` bytes off the front of `bytes`.
fn cut<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (part, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    part
}

/// The number of a stream, without the reserved bit before it.
fn number(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes) & (u32::MAX >> 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    fn take(frames: &mut Frames) -> Seen {
        let mut seen = Seen { settings: true, goaway: None, ended: vec![99], reset: vec![99] };
        frames.take(&mut seen);
        seen
    }

    fn seen(bytes: &[u8]) -> Seen {
        let mut frames = Frames::new(Greeting::OfServer);
        frames.push(bytes);
        take(&mut frames)
    }

    #[test]
    fn settings_are_seen_when_they_are_complete_and_acknowledgements_are_not() {
        let mut frames = Frames::new(Greeting::OfServer);
        // 000006 length, 04 SETTINGS, 00 flags, stream 0; 0003 MAX_CONCURRENT_STREAMS = 100, its last byte missing
        frames.push(b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00");
        assert_eq!((take(&mut frames), frames.is_inside()), (Seen::default(), true));
        frames.push(b"\x64");
        assert_eq!((take(&mut frames).settings, frames.is_inside()), (true, false));
        // 000000 length, 04 SETTINGS, 01 ACK
        frames.push(b"\x00\x00\x00\x04\x01\x00\x00\x00\x00");
        assert_eq!(take(&mut frames), Seen::default());
        // 000000 length, 04 SETTINGS, 00 flags: no settings are settings too
        frames.push(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00");
        assert!(take(&mut frames).settings);
        assert!(!take(&mut frames).settings, "it is told once");
    }

    #[test]
    fn a_stream_is_ended_by_headers_or_by_data_or_is_reset() {
        let bytes = [
            &b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"[..], // HEADERS of stream 1, END_HEADERS
            b"\x00\x00\x01\x01\x05\x00\x00\x00\x03\x88",      // HEADERS of stream 3, END_HEADERS and END_STREAM
            b"\x00\x00\x02\x00\x00\x00\x00\x00\x01hi",        // DATA of stream 1
            b"\x00\x00\x00\x00\x01\x80\x00\x00\x05",          // DATA of stream 5, empty, END_STREAM; the reserved bit
            b"\x00\x00\x04\x03\x00\x00\x00\x00\x07\x00\x00\x00\x08", // RST_STREAM of stream 7, CANCEL
            b"\x00\x00\x01\x01\x01\x00\x00\x00\x09\x88",      // HEADERS of stream 9, END_STREAM: CONTINUATION follows
            b"\x00\x00\x01\x09\x04\x00\x00\x00\x09\x88",      // CONTINUATION of stream 9, END_HEADERS
            b"\x00\x00\x08\x06\x01\x00\x00\x00\x00pingpong",  // PING, ACK
            b"\x00\x00\x02\x00\x01\x00\x00\x00\x0bh",         // DATA of stream 11, END_STREAM, its last byte missing
        ];
        let mut frames = Frames::new(Greeting::OfServer);
        frames.push(&bytes.concat());
        let seen = take(&mut frames);
        assert_eq!((&seen.ended[..], &seen.reset[..]), (&[3, 5, 9][..], &[7][..]));
        frames.push(b"i");
        assert_eq!(take(&mut frames).ended, [11]);
    }

    #[test]
    fn what_a_client_ends_and_resets_is_not_gathered() {
        let mut frames = Frames::new(Greeting::OfClient);
        frames.push(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        frames.push(b"\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"); // HEADERS of stream 1, END_STREAM
        frames.push(b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08"); // RST_STREAM of stream 1
        assert_eq!(take(&mut frames), Seen::default());
    }

    #[test]
    fn a_header_block_lasts_from_its_first_frame_to_the_flag_that_ends_it() {
        let mut frames = Frames::new(Greeting::OfClient);
        let mut after = |bytes: &[u8]| {
            frames.push(bytes);
            frames.unfinished()
        };
        assert_eq!(after(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Unfinished::Greeting);
        // 000000 length, 04 SETTINGS, its last byte missing
        assert_eq!(after(b"\x00\x00\x00\x04\x00\x00\x00\x00"), Unfinished::Greeting);
        assert_eq!(after(b"\x00"), Unfinished::Nothing);
        // 000001 length, 01 HEADERS, 01 END_STREAM, stream 1: first its header, then its payload
        assert_eq!(after(b"\x00\x00\x01\x01\x01\x00\x00\x00\x01"), Unfinished::HeaderBlock(1));
        assert_eq!(after(b"\x83"), Unfinished::HeaderBlock(1));
        // 000002 length, 09 CONTINUATION, 04 END_HEADERS, stream 1
        assert_eq!(after(b"\x00\x00\x02\x09\x04\x00\x00\x00\x01\x86"), Unfinished::HeaderBlock(1));
        assert_eq!(after(b"\x84"), Unfinished::Nothing);
        // A whole HEADERS frame with END_HEADERS and END_STREAM; the beginning of one more
        assert_eq!(after(b"\x00\x00\x01\x01\x05\x00\x00\x00\x03\x83"), Unfinished::Nothing);
        assert_eq!(after(b"\x00\x00\x01\x01\x05\x00\x00\x00\x05"), Unfinished::HeaderBlock(3));
        assert_eq!(take(&mut frames).ended, [0; 0], "h2 tells a server of the streams that end");
    }

    #[test]
    fn goaway_has_its_last_stream_code_and_debug_data() {
        // 00000d length, 07 GOAWAY; last stream 7 after the reserved bit, code 11 ENHANCE_YOUR_CALM
        let goaway = b"\x00\x00\x0d\x07\x00\x00\x00\x00\x00\x80\x00\x00\x07\x00\x00\x00\x0bpings";
        assert_eq!(seen(goaway).goaway, Some(GoAway { last_stream: 7, code: 11, debug: b"pings".to_vec() }));
        assert_eq!(seen(&goaway[..goaway.len() - 1]).goaway, None, "not complete");
        // A graceful end: 2^31 - 1 first, then what it comes to.
        let twice =
            [&b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00"[..], goaway, goaway].concat();
        assert_eq!(seen(&twice).goaway.map(|goaway| goaway.last_stream), Some(7));
    }

    #[test]
    fn of_goaway_a_sentence_is_kept_and_one_that_is_too_short_is_none() {
        // 004008 length: 16 KiB of debug data
        let long = [&b"\x00\x40\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"[..], &[b'a'; 16384]];
        let mut frames = Frames::new(Greeting::OfServer);
        frames.push(&long.concat());
        frames.push(b"\x00\x00\x07\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00");
        let goaway = take(&mut frames).goaway.unwrap();
        assert_eq!((goaway.last_stream, &goaway.debug[..]), (1, &[b'a'; 256][..]));
    }

    #[test]
    fn a_client_sends_its_preface_first() {
        let mut frames = Frames::new(Greeting::OfClient);
        frames.push(b"PRI * HTTP/2.0\r\n\r\nSM");
        frames.push(b"\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00");
        assert!(take(&mut frames).settings);
    }

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    fn push_cut(frames: &mut Frames, bytes: &[u8], cuts: &[Index]) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        cuts.windows(2).for_each(|cut| frames.push(&bytes[cut[0]..cut[1]]));
    }

    proptest! {
        #[test]
        fn frames_are_seen_however_they_are_cut(
            sent in prop::collection::vec(
                (0u8..11, any::<u8>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..300)), 0..12),
            cuts in prop::collection::vec(any::<Index>(), 0..30),
        ) {
            let mut expected = Seen::default();
            for (kind, flags, stream, payload) in &sent {
                let stream_id = stream & 0x7fff_ffff;
                expected.ended.extend((*kind < 2 && flags & 1 == 1).then_some(stream_id));
                expected.reset.extend((*kind == 3).then_some(stream_id));
                expected.settings |= *kind == 4 && flags & 1 == 0;
                if *kind == 7 && payload.len() >= 8 {
                    let word = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
                    let debug = payload[8..payload.len().min(264)].to_vec();
                    expected.goaway = Some(GoAway { last_stream: word(0) & 0x7fff_ffff, code: word(4), debug });
                }
            }
            let bytes: Vec<u8> = sent.iter().flat_map(|(kind, flags, stream, payload)| frame(*kind, *flags, *stream, payload)).collect();
            let mut frames = Frames::new(Greeting::OfServer);
            push_cut(&mut frames, &bytes, &cuts);
            prop_assert_eq!(take(&mut frames), expected);
        }

        #[test]
        fn any_bytes_are_survived_and_hold_little(
            // Small bytes make short frames of known types.
            bytes in prop::collection::vec(prop_oneof![0u8..9, any::<u8>()], 0..2000),
            cuts in prop::collection::vec(any::<Index>(), 0..30),
        ) {
            let mut frames = Frames::new(Greeting::OfServer);
            push_cut(&mut frames, &bytes, &cuts);
            prop_assert!(frames.goaway.len() <= 264);
            let seen = take(&mut frames);
            prop_assert!(seen.ended.len() + seen.reset.len() <= bytes.len() / 9);
            prop_assert!(seen.goaway.is_none_or(|goaway| goaway.debug.len() <= 256));
        }
    }
}

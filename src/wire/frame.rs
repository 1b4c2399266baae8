//! Length-Prefixed-Message: five bytes, then the message.
//!
//! "Length-Prefixed-Message -> Compressed-Flag Message-Length Message; Compressed-Flag -> 0 / 1, encoded as 1 byte
//! unsigned integer; Message-Length -> length of Message, encoded as 4 byte unsigned integer (big endian)" (gRPC over
//! HTTP/2, section Requests; rules grpc.length-prefix, grpc.compressed-flag and grpc.message-length). Where DATA frames
//! begin and end means nothing: "DATA frame boundaries have no relation to Length-Prefixed-Message boundaries" (section
//! Data Frames; rule grpc.data-boundaries).
//!
//! ```text
//! 0  00                    flag: not compressed
//! 1  00 00 00 11           length: 17
//! 5  08 9a a6 8c c3 01     Point.latitude  409146138
//!    10 96 9f 98 9c fd ff ff ff ff 01    Point.longitude -746188906
//! ```

use std::{collections::VecDeque, error::Error, fmt, mem, ops::Range};

use bytes::{BufMut, Bytes, BytesMut};

/// Length of the flag and the message's length.
pub const PREFIX_LEN: usize = 5;

/// A gather buffer larger than this is given back once its message is read.
const KEEP: usize = 64 * 1024;

/// A payload shorter than this is copied to be kept, and so is what is left of a chunk. It could keep a buffer that many
/// frames were read into, and the copy costs no more than the count of who shares it.
pub(crate) const SHARED: usize = 1024;

/// Takes chunks of DATA as they arrive and gives the messages in them: the same messages however the bytes were cut.
///
/// A message that lies in one chunk is handed out where it lies. Only one that is cut is gathered in a buffer, which
/// grows with the bytes that arrived and never by what a prefix promises.
///
/// ```
/// use h2grpc::wire::frame::Decoder;
/// let mut decoder = Decoder::new(4 << 20);
/// decoder.push(b"\0\0\0\0\x02hi\0\0\0"[..].into());
/// assert_eq!(decoder.next()?.map(|frame| frame.payload), Some(&b"hi"[..]));
/// assert!(decoder.next()?.is_none()); // needs more bytes
/// assert!(decoder.finish().is_err()); // the stream must not end here: 3 bytes of a prefix are left
/// # Ok::<(), h2grpc::wire::frame::FrameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    /// The chunk being read, up to `at`; `later` holds those pushed before it was used up.
    chunk: Bytes,
    at: usize,
    /// `chunk` was copied: see [`detach`](Self::detach).
    is_copy: bool,
    later: VecDeque<Bytes>,
    /// A cut message: its prefix as far as it arrived, and, once that is complete, its payload as far as that arrived.
    prefix: [u8; PREFIX_LEN],
    prefix_len: usize,
    body: Vec<u8>,
    /// `body` was handed out as a message and can be reused.
    body_read: bool,
    /// The length of the message that was handed out last.
    last_len: usize,
    limit: usize,
    failed: Option<FrameError>,
}

/// A message as it lies in the decoder.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The Compressed-Flag: `payload` is compressed with the `grpc-encoding` of the head.
    pub compressed: bool,
    /// The message, still encoded.
    pub payload: &'a [u8],
    /// The chunk in which `payload` lies; none when it was gathered.
    chunk: Option<&'a Bytes>,
}

impl Frame<'_> {
    /// The payload to keep: shares the chunk it arrived in when it lay in one and is no short part of it, else a copy.
    pub fn to_bytes(&self) -> Bytes {
        match self.chunk {
            Some(chunk) if self.payload.len() >= SHARED => chunk.slice_ref(self.payload),
            _ => Bytes::copy_from_slice(self.payload),
        }
    }
}

/// Where the next payload lies in the chunk; none when it lies in [`Decoder::body`].
type Place = Option<Range<usize>>;

impl Decoder {
    /// A decoder that refuses messages longer than `max_message_len` bytes when it sees their prefix.
    pub fn new(max_message_len: usize) -> Decoder {
        Decoder {
            chunk: Bytes::new(),
            at: 0,
            is_copy: false,
            later: VecDeque::new(),
            prefix: [0; PREFIX_LEN],
            prefix_len: 0,
            body: Vec::new(),
            body_read: false,
            last_len: 0,
            limit: max_message_len,
            failed: None,
        }
    }

    /// Adds what arrived. Best called when [`next`](Self::next) has returned `None`, and right at any time.
    pub fn push(&mut self, chunk: Bytes) {
        if self.failed.is_some() {
            // Nothing after an error is read, so nothing is kept.
        } else if self.at == self.chunk.len() && self.later.is_empty() {
            (self.chunk, self.at, self.is_copy) = (chunk, 0, false);
        } else {
            self.later.push_back(chunk);
        }
    }

    /// The next message, or `None` when more bytes are needed. After an error: the same error, for ever.
    #[allow(clippy::should_implement_trait)] // an iterator cannot lend
    #[inline]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        // The common case first: no message was cut before, and this one lies whole in the chunk.
        if self.prefix_len == 0 {
            let rest = &self.chunk[self.at..];
            if let Some((&prefix, body)) = rest.split_first_chunk::<PREFIX_LEN>() {
                let (flag, length) = read_prefix(prefix);
                if flag <= 1 && length <= self.limit && length <= body.len() {
                    self.at += PREFIX_LEN + length;
                    self.last_len = length;
                    let end = self.at;
                    let payload = &self.chunk[end - length..end];
                    return Ok(Some(Frame { compressed: flag == 1, payload, chunk: Some(&self.chunk) }));
                }
            } else if rest.is_empty() && self.later.is_empty() && self.failed.is_none() {
                (self.chunk, self.at) = (Bytes::new(), 0); // used up: let go of it
                return Ok(None);
            }
        }
        let Some((compressed, place)) = self.gather()? else { return Ok(None) };
        Ok(Some(match place {
            Some(range) => Frame { compressed, payload: &self.chunk[range], chunk: Some(&self.chunk) },
            None => Frame { compressed, payload: &self.body, chunk: None },
        }))
    }

    /// Lets go of the buffer that the last message was read in, which may be much larger than what is left to be read
    /// here: that is copied if it is short. For a reader that may take its time until it reads on.
    #[inline]
    pub fn detach(&mut self) {
        let rest = &self.chunk[self.at..];
        if rest.is_empty() {
            (self.chunk, self.at) = (Bytes::new(), 0);
        } else if self.chunk.len() < SHARED && !self.is_copy {
            (self.chunk, self.at, self.is_copy) = (Bytes::copy_from_slice(rest), 0, true);
        }
    }

    /// The payload that [`next`](Self::next) gave last, until the next call to it, to [`push`](Self::push) or to
    /// [`detach`](Self::detach).
    pub fn last(&self) -> &[u8] {
        if self.body_read { &self.body } else { &self.chunk[self.at.saturating_sub(self.last_len)..self.at] }
    }

    /// Checks that the stream may end here: in the middle of a message is an error (rule grpc.whole-messages).
    pub fn finish(&self) -> Result<(), FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.unread() > 0 {
            // Not drained: read a copy to its end to see where that is.
            let mut rest = self.clone();
            while rest.next()?.is_some() {}
            return rest.finish();
        }
        let body = if self.prefix_len == PREFIX_LEN { read_prefix(self.prefix).1 } else { 0 };
        match self.buffered() {
            0 => Ok(()),
            have => Err(FrameError::Truncated { have, need: PREFIX_LEN + body }),
        }
    }

    /// How many bytes are held that were not handed out as messages.
    pub fn buffered(&self) -> usize {
        let gathered = if self.body_read { 0 } else { self.prefix_len + self.body.len() };
        gathered + self.unread()
    }

    /// The memory that is held here for a message that is not whole, in bytes: what its buffer has room for, as far as that
    /// may have been written to.
    pub fn takes(&self) -> usize {
        self.body.capacity().min(self.body.len() + KEEP) + self.unread()
    }

    /// Bytes in chunks that were not looked at yet.
    fn unread(&self) -> usize {
        self.chunk.len() - self.at + self.later.iter().map(Bytes::len).sum::<usize>()
    }

    /// [`next`](Self::next) for a message that is cut, wrong or not there yet.
    #[cold]
    fn gather(&mut self) -> Result<Option<(bool, Place)>, FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if mem::take(&mut self.body_read) {
            self.prefix_len = 0;
            self.body.clear();
            if self.body.capacity() > KEEP {
                self.body = Vec::new();
            }
        }
        loop {
            if self.prefix_len < PREFIX_LEN {
                let rest = &self.chunk[self.at..];
                let taken = rest.len().min(PREFIX_LEN - self.prefix_len);
                self.prefix[self.prefix_len..][..taken].copy_from_slice(&rest[..taken]);
                self.prefix_len += taken;
                self.at += taken;
            }
            let (flag, length) = read_prefix(self.prefix);
            if flag > 1 {
                return Err(self.fail(FrameError::Flag { found: flag }));
            }
            if self.prefix_len == PREFIX_LEN {
                if length > self.limit {
                    return Err(self.fail(FrameError::TooLarge { length, limit: self.limit }));
                }
                let rest = &self.chunk[self.at..];
                if self.body.is_empty() && rest.len() >= length {
                    let start = self.at;
                    self.at += length;
                    (self.prefix_len, self.last_len) = (0, length);
                    return Ok(Some((flag == 1, Some(start..self.at))));
                }
                let taken = rest.len().min(length - self.body.len());
                grow(&mut self.body, taken, length);
                self.body.extend_from_slice(&rest[..taken]);
                self.at += taken;
                if self.body.len() == length {
                    self.body_read = true;
                    return Ok(Some((flag == 1, None)));
                }
            }
            // The chunk is used up: let go of it.
            self.at = 0;
            match self.later.pop_front() {
                Some(chunk) => (self.chunk, self.is_copy) = (chunk, false),
                None => {
                    self.chunk = Bytes::new();
                    return Ok(None);
                }
            }
        }
    }

    /// Remembers the error and lets go of all bytes.
    fn fail(&mut self, error: FrameError) -> FrameError {
        *self = Decoder { failed: Some(error.clone()), ..Decoder::new(self.limit) };
        error
    }
}

/// Flag and length; of an incomplete prefix the length means nothing.
#[inline]
fn read_prefix([flag, length @ ..]: [u8; PREFIX_LEN]) -> (u8, usize) {
    (flag, u32::from_be_bytes(length) as usize)
}

/// Makes room for `more` bytes, eight times what there was: a long message moves seldom, and what is reserved and not
/// yet written takes no memory of the machine. Never passes `bound`.
fn grow(buffer: &mut Vec<u8>, more: usize, bound: usize) {
    let needed = buffer.len() + more;
    if needed > buffer.capacity() {
        let capacity = needed.max(buffer.capacity() * 8).min(bound);
        buffer.reserve_exact(capacity - buffer.len());
    }
}

/// Appends a message to `dst` in one pass: room for the prefix and `len_hint` bytes is made once, `write` appends the
/// payload, and the length is filled in after it. A hint that is too small costs a reallocation, nothing else.
///
/// On error `dst` is as it was before. `write` must only append.
#[inline]
pub fn encode_with(
    dst: &mut BytesMut, compressed: bool, len_hint: usize, write: impl FnOnce(&mut BytesMut),
) -> Result<(), TooLong> {
    let start = dst.len();
    dst.reserve(PREFIX_LEN + len_hint);
    dst.put_slice(&[u8::from(compressed), 0, 0, 0, 0]);
    write(dst);
    let length = dst.len() - start - PREFIX_LEN;
    let Ok(encoded) = u32::try_from(length) else {
        dst.truncate(start);
        return Err(TooLong { length });
    };
    dst[start + 1..start + PREFIX_LEN].copy_from_slice(&encoded.to_be_bytes());
    Ok(())
}

/// Appends a message whose payload is there already.
#[inline]
pub fn put(dst: &mut BytesMut, compressed: bool, payload: &[u8]) -> Result<(), TooLong> {
    encode_with(dst, compressed, payload.len(), |dst| dst.put_slice(payload))
}

/// Bytes that are not a sequence of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A Compressed-Flag other than 0 and 1.
    Flag {
        /// The byte that came.
        found: u8,
    },
    /// A prefix that announces more than the decoder accepts.
    TooLarge {
        /// The announced length.
        length: usize,
        /// The `max_message_len` of the decoder.
        limit: usize,
    },
    /// An end of stream inside a message or its prefix.
    Truncated {
        /// How many bytes arrived, prefix included.
        have: usize,
        /// How many the prefix announced, itself included; 5 while the prefix is incomplete.
        need: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Flag { found } => {
                write!(f, "message starts with flag {found:#04x}: expected 0 (not compressed) or 1 (compressed)")
            }
            FrameError::TooLarge { length, limit } => write!(
                f,
                "message of {length} bytes is over the receiver's limit of {limit}: raise its max_message or send less"
            ),
            FrameError::Truncated { have, need } => {
                write!(f, "stream ended inside a message: {have} of {need} bytes arrived (5-byte prefix included)")
            }
        }
    }
}

impl Error for FrameError {}

/// A message longer than the 4-byte length can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Its length in bytes.
    pub length: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message of {} bytes: a frame holds at most {}", self.length, u32::MAX)
    }
}

impl Error for TooLong {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A framed Point and an empty message after it.
    const GOLDEN: [u8; 27] = [
        0x00, //                                              0  not compressed
        0x00, 0x00, 0x00, 0x11, //                            1  length 17
        0x08, 0x9a, 0xa6, 0x8c, 0xc3, 0x01, //                5  latitude 409146138
        0x10, 0x96, 0x9f, 0x98, 0x9c, 0xfd, //               11  longitude -746188906
        0xff, 0xff, 0xff, 0xff, 0x01, //                     17
        0x01, 0x00, 0x00, 0x00, 0x00, //                     22  compressed, length 0
    ];

    type Outcome = (Vec<(bool, Vec<u8>)>, Result<(), FrameError>);

    /// What a decoder makes of `chunks`, and how it ends.
    fn decode<'a>(limit: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
        decode_and(limit, chunks, |_| {})
    }

    /// The same, with what is done after each message.
    fn decode_and<'a>(
        limit: usize, chunks: impl IntoIterator<Item = &'a [u8]>, after: impl Fn(&mut Decoder),
    ) -> Outcome {
        let mut decoder = Decoder::new(limit);
        let (mut messages, mut arrived) = (vec![], 0);
        for chunk in chunks {
            decoder.push(Bytes::copy_from_slice(chunk));
            arrived += chunk.len();
            assert!(decoder.buffered() <= arrived);
            loop {
                match decoder.next() {
                    Ok(Some(frame)) => {
                        messages.push((frame.compressed, frame.payload.to_vec()));
                        assert_eq!(decoder.last(), messages[messages.len() - 1].1);
                        after(&mut decoder);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        assert_eq!(decoder.next().unwrap_err(), error);
                        assert_eq!(decoder.buffered(), 0);
                        return (messages, Err(error));
                    }
                }
            }
            assert!(decoder.buffered() <= arrived);
            assert!(decoder.body.capacity() <= (8 * arrived).max(8));
        }
        (messages, decoder.finish())
    }

    #[test]
    fn a_frame_is_a_flag_a_big_endian_length_and_the_message() {
        let mut encoded = BytesMut::new();
        put(&mut encoded, false, &GOLDEN[5..22]).unwrap();
        put(&mut encoded, true, b"").unwrap();
        assert_eq!(encoded[..], GOLDEN);
        assert_eq!(decode(17, [&GOLDEN[..]]), (vec![(false, GOLDEN[5..22].to_vec()), (true, vec![])], Ok(())));
    }

    #[test]
    fn data_frame_boundaries_mean_nothing() {
        let whole = decode(17, [&GOLDEN[..]]);
        for size in 1..GOLDEN.len() {
            assert_eq!(decode(17, GOLDEN.chunks(size)), whole, "chunks of {size}");
        }
    }

    #[test]
    fn a_flag_other_than_0_and_1_is_an_error_at_once() {
        let expected = FrameError::Flag { found: 2 };
        assert_eq!(decode(9, [&[2][..]]), (vec![], Err(expected.clone())));
        assert_eq!(decode(9, [&[2, 0xff, 0xff, 0xff, 0xff, 0][..]]), (vec![], Err(expected.clone())));
        assert_eq!(decode(9, [&[0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 7][..]]), (vec![(false, vec![])], Err(expected)));
    }

    #[test]
    fn a_length_over_the_limit_is_an_error_before_the_message_arrives() {
        let expected = FrameError::TooLarge { length: 17, limit: 16 };
        assert_eq!(decode(16, [&GOLDEN[..5]]), (vec![], Err(expected.clone())));
        let text = "message of 17 bytes is over the receiver's limit of 16: raise its max_message or send less";
        assert_eq!(expected.to_string(), text);
    }

    #[test]
    fn an_end_of_stream_inside_a_frame_tells_what_is_missing() {
        assert_eq!(decode(17, [&GOLDEN[..3]]).1, Err(FrameError::Truncated { have: 3, need: 5 }));
        assert_eq!(decode(17, [&GOLDEN[..9]]).1, Err(FrameError::Truncated { have: 9, need: 22 }));
        assert_eq!(decode(17, [&GOLDEN[..25]]).1, Err(FrameError::Truncated { have: 3, need: 5 }));
        let mut undrained = Decoder::new(17);
        undrained.push(Bytes::from_static(&GOLDEN));
        assert_eq!(undrained.finish(), Ok(()));
        undrained.push(Bytes::from_static(&GOLDEN[..6]));
        assert_eq!(undrained.finish(), Err(FrameError::Truncated { have: 6, need: 22 }));
    }

    #[test]
    fn a_message_in_one_chunk_is_not_copied() {
        let chunk = Bytes::copy_from_slice(&GOLDEN);
        let mut decoder = Decoder::new(17);
        // Whole, and with its prefix in the chunk before.
        for cut in [0, 3, 5] {
            decoder.push(chunk.slice(..cut));
            assert!(decoder.next().unwrap().is_none());
            decoder.push(chunk.slice(cut..22));
            let frame = decoder.next().unwrap().unwrap();
            assert_eq!(frame.payload.as_ptr(), chunk[5..].as_ptr());
            assert!(decoder.next().unwrap().is_none());
        }
        assert_eq!(decoder.body.capacity(), 0);
    }

    #[test]
    fn a_payload_to_keep_is_shared_if_it_is_long_and_copied_if_it_is_a_short_part_of_a_buffer() {
        for (len, is_shared) in [(0, false), (SHARED - 1, false), (SHARED, true)] {
            let mut decoder = Decoder::new(SHARED);
            let mut frame = BytesMut::new();
            put(&mut frame, false, &vec![7; len]).unwrap();
            decoder.push(frame.freeze());
            let frame = decoder.next().unwrap().unwrap();
            let kept = frame.to_bytes();
            assert_eq!(kept, vec![7; len]);
            assert_eq!(kept.as_ptr() == frame.payload.as_ptr(), is_shared, "{len} bytes");
        }
    }

    #[test]
    fn a_decoder_that_is_detached_keeps_no_buffer_of_which_it_needs_a_short_part() {
        let mut read = BytesMut::with_capacity(8 * SHARED);
        read.extend_from_slice(&GOLDEN);
        read.extend_from_slice(&GOLDEN);
        let mut decoder = Decoder::new(17);
        decoder.push(read.split().freeze());
        for compressed in [false, true, false, true] {
            assert_eq!(decoder.next().unwrap().unwrap().compressed, compressed);
            decoder.detach();
            assert!(read.try_reclaim(8 * SHARED), "the whole buffer is free again");
        }
        assert_eq!(decoder.buffered(), 0);

        // A copy of a long rest would cost more than the buffer that it keeps.
        let mut long = BytesMut::from(&GOLDEN[..22]);
        put(&mut long, false, &vec![7; SHARED]).unwrap();
        let (long, mut decoder) = (long.freeze(), Decoder::new(SHARED));
        decoder.push(long.clone());
        decoder.next().unwrap().unwrap();
        decoder.detach();
        assert_eq!(decoder.next().unwrap().unwrap().payload.as_ptr(), long[27..].as_ptr());
    }

    #[test]
    fn memory_grows_with_what_arrived_and_is_given_back() {
        let mut decoder = Decoder::new(usize::MAX);
        decoder.push(Bytes::from_static(&[0, 0x40, 0, 0, 0, 1, 2, 3]));
        assert!(decoder.next().unwrap().is_none());
        assert!(decoder.body.capacity() < 64, "1 GiB was promised, 3 bytes came");

        let mut decoder = Decoder::new(usize::MAX);
        let mut message = BytesMut::new();
        put(&mut message, false, &vec![7; 1 << 20]).unwrap();
        for chunk in message.chunks(16_384) {
            decoder.push(Bytes::copy_from_slice(chunk));
            if let Some(frame) = decoder.next().unwrap() {
                assert_eq!(frame.to_bytes(), vec![7; 1 << 20]);
            }
        }
        assert!(decoder.next().unwrap().is_none());
        assert_eq!((decoder.body.capacity(), decoder.buffered()), (0, 0));
    }

    #[test]
    fn chunks_pushed_ahead_are_read_in_order() {
        let mut decoder = Decoder::new(17);
        for chunk in GOLDEN.chunks(4) {
            decoder.push(Bytes::copy_from_slice(chunk));
        }
        assert_eq!(decoder.buffered(), GOLDEN.len());
        assert_eq!(decoder.next().unwrap().unwrap().payload, &GOLDEN[5..22]);
        decoder.push(Bytes::from_static(&GOLDEN));
        assert!(decoder.next().unwrap().unwrap().compressed);
        assert_eq!(decoder.next().unwrap().unwrap().payload, &GOLDEN[5..22]);
    }

    #[test]
    fn a_chunk_pushed_while_another_is_read_comes_after_it() {
        let mut decoder = Decoder::new(17);
        decoder.push(Bytes::from_static(&GOLDEN));
        assert_eq!(decoder.next().unwrap().unwrap().payload, &GOLDEN[5..22]);
        assert_eq!(decoder.buffered(), 5);
        decoder.push(Bytes::from_static(&GOLDEN[..22]));
        assert_eq!(decoder.buffered(), 27);
        assert!(decoder.next().unwrap().unwrap().compressed);
        assert_eq!(decoder.next().unwrap().unwrap().payload, &GOLDEN[5..22]);
        assert_eq!(decoder.buffered(), 0);
    }

    #[test]
    fn a_long_message_that_is_cut_moves_seldom_and_takes_no_more_than_its_length() {
        const LEN: usize = 1 << 20;
        let (mut decoder, mut capacity, mut moves) = (Decoder::new(LEN), 0, 0);
        decoder.push(Bytes::from_static(&[0, 0, 0x10, 0, 0]));
        for arrived in (1024..=LEN).step_by(1024) {
            decoder.push(Bytes::from_static(&[7; 1024]));
            assert_eq!(decoder.next().unwrap().is_some(), arrived == LEN);
            let grown = decoder.body.capacity();
            assert!(grown <= LEN.min(8 * arrived), "{grown} bytes are held of {arrived}");
            moves += u32::from(grown != capacity);
            capacity = grown;
        }
        assert!(moves <= 5, "{moves}");
    }

    #[test]
    fn a_message_that_no_prefix_can_announce_is_told_with_its_length() {
        let text = TooLong { length: 4_294_967_296 }.to_string();
        assert_eq!(text, "message of 4294967296 bytes: a frame holds at most 4294967295");
    }

    #[test]
    fn a_wrong_length_hint_is_corrected() {
        for hint in [0, 2, 100] {
            let mut dst = BytesMut::from(&b"before"[..]);
            encode_with(&mut dst, true, hint, |dst| dst.extend_from_slice(b"hi")).unwrap();
            assert_eq!(dst[..], *b"before\x01\0\0\0\x02hi");
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_messages_or_the_same_error(
            messages in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..8),
            tail in prop::collection::vec(0..3u8, 0..12),
            cuts in prop::collection::vec(1..40usize, 1..10),
        ) {
            let mut encoded = BytesMut::new();
            for (compressed, payload) in &messages {
                put(&mut encoded, *compressed, payload).unwrap();
            }
            encoded.extend_from_slice(&tail);
            let whole = decode(50, [&encoded[..]]);
            if tail.is_empty() && messages.iter().all(|(_, payload)| payload.len() <= 50) {
                prop_assert_eq!(&whole, &(messages, Ok(())));
            }
            let mut rest = &encoded[..];
            let mut chunks = vec![];
            for size in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, after) = rest.split_at(rest.len().min(*size));
                chunks.push(chunk);
                rest = after;
            }
            prop_assert_eq!(&decode(50, chunks.iter().copied()), &whole);
            prop_assert_eq!(decode_and(50, chunks, Decoder::detach), whole);
        }
    }
}

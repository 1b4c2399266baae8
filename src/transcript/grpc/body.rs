//! Bodies: the DATA of one direction of one call is a single string of Length-Prefixed-Messages, which DATA frames cut
//! anywhere.

use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use super::super::place::Place;

/// The bytes before each message: "Length-Prefixed-Message -> Compressed-Flag Message-Length Message" (gRPC over
/// HTTP/2; rule grpc.length-prefix) with 1 and 4 bytes.
pub(super) const PREFIX: usize = 5;

/// A part of a body in one DATA frame that belongs to one message.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its bytes in the frame's content.
    pub at: Range<usize>,
    /// Which message of its direction of the call, from 1 on.
    pub number: usize,
    /// How many bytes of the message came before, its prefix included.
    pub from: usize,
    /// The message, where it ends here.
    pub message: Option<Message>,
    /// The first byte of the prefix, once it is known.
    pub compressed: Option<u8>,
    /// How long the message is after its prefix, once that is known.
    pub length: Option<u32>,
}

/// A whole message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Which of its direction of the call, from 1 on.
    pub number: usize,
    /// The first byte of the prefix: 1 if it is compressed.
    pub compressed: u8,
    /// How many bytes follow the prefix.
    pub length: u32,
    /// Its bytes with the prefix; `None` where it was too large to be kept.
    pub bytes: Option<Bytes>,
    /// Where its bytes are on the wire. More than one place: it is cut over several frames.
    pub places: Vec<Place>,
}

/// One direction of a call.
#[derive(Debug, Default)]
pub(in super::super) struct Body {
    /// How many messages were begun.
    count: usize,
    open: Option<Open>,
}

/// A message that is not whole yet.
#[derive(Debug, Default)]
struct Open {
    /// The bytes so far, unless they are too many.
    bytes: BytesMut,
    /// The prefix so far.
    prefix: Vec<u8>,
    got: usize,
    places: Vec<Place>,
    lost: bool,
}

impl Open {
    fn length(&self) -> Option<u32> {
        (self.prefix.len() == PREFIX).then(|| (&self.prefix[1..]).get_u32())
    }

    /// How many bytes are missing to the end of the prefix, or to that of the message.
    fn missing(&self) -> usize {
        match self.length() {
            Some(length) => PREFIX + length as usize - self.got,
            None => PREFIX - self.prefix.len(),
        }
    }
}

impl Body {
    /// Whether a message has begun and not ended, and how many of its bytes are missing at least.
    pub(in super::super) fn missing(&self) -> Option<usize> {
        self.open.as_ref().map(Open::missing)
    }

    /// How many messages were begun.
    pub(in super::super) fn count(&self) -> usize {
        self.count
    }

    /// How many bytes are kept of a message that is not whole yet.
    pub(in super::super) fn held(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.bytes.len())
    }

    /// Takes the content of a DATA frame, which is at `place`. Of a message that is cut over several frames, `keep`
    /// bytes are gathered at most.
    pub(in super::super) fn push(&mut self, content: &Bytes, place: Place, keep: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < content.len() {
            let piece = self.piece(&content.slice(at..), at, place, keep);
            at = piece.at.end;
            pieces.push(piece);
        }
        pieces
    }

    fn piece(&mut self, rest: &Bytes, at: usize, place: Place, keep: usize) -> Piece {
        let open = self.open.get_or_insert_with(|| {
            self.count += 1;
            Open::default()
        });
        let from = open.got;
        let mut taken = 0;
        loop {
            let part = &rest[taken..][..open.missing().min(rest.len() - taken)];
            if open.length().is_none() {
                open.prefix.extend_from_slice(part);
            }
            taken += part.len();
            open.got += part.len();
            let whole = open.length().is_some() && open.missing() == 0;
            if whole || taken == rest.len() {
                break;
            }
        }
        let start = place.start + at as u64;
        open.places.push(Place { start, end: start + taken as u64, ..place });
        let (compressed, length) = (open.prefix.first().copied(), open.length());
        let ended = length.is_some() && open.missing() == 0;
        // A message that is whole in its frame needs no copy.
        let whole = (from == 0 && ended).then(|| rest.slice(..taken));
        if whole.is_none() && !open.lost {
            if open.bytes.len() + taken > keep {
                open.lost = true;
                open.bytes = BytesMut::new();
            } else {
                open.bytes.extend_from_slice(&rest[..taken]);
            }
        }
        let number = self.count;
        let message = self.open.take_if(|_| ended).map(|open| Message {
            number,
            compressed: compressed.unwrap_or_default(),
            length: length.unwrap_or_default(),
            bytes: whole.or_else(|| (!open.lost).then(|| open.bytes.freeze())),
            places: open.places,
        });
        Piece { at: at..at + taken, number, from, message, compressed, length }
    }
}

//! The frames that went over a connection, each way.

use std::collections::BTreeSet;

use bytes::Bytes;
use h2grpc::transcript::hpack::Decoder;
use h2grpc::transcript::http2::{Cut, Frame, Frames, Shape};
use h2grpc::transcript::{Direction, Place};

use crate::wire::*;

/// The largest payload that a frame can have.
const LARGEST: usize = 1 << 24;

/// Header fields as they were on the wire.
pub type Fields = Vec<(Bytes, Bytes)>;

/// What a frame says, or a header block in several.
#[derive(Clone, Debug)]
pub enum Event {
    Block {
        stream: u32,
        ends: bool,
        fields: Fields,
    },
    Data {
        stream: u32,
        ends: bool,
        content: Bytes,
        /// How much of the flow-control windows it takes: padding counts.
        counted: u32,
    },
    Reset {
        stream: u32,
        code: u32,
    },
    Settings {
        is_ack: bool,
        settings: Vec<(u16, u32)>,
    },
    Ping {
        is_ack: bool,
        data: Bytes,
    },
    GoAway {
        code: u32,
    },
    Window {
        stream: u32,
        increment: u32,
    },
    /// A frame of another type, or one whose sender does not keep to HTTP/2.
    Other {
        stream: u32,
    },
}

/// One direction of a connection.
#[derive(Debug)]
pub struct Lane {
    reader: Frames,
    decoder: Decoder,
    /// The header block that has begun and not ended: its stream, whether that ends with it, its bytes.
    block: Option<(u32, bool, Vec<u8>)>,
    /// How many bytes of a frame have come that is not complete.
    torn: usize,
    bytes: usize,
    pub events: Vec<Event>,
    /// The streams that frames were for.
    pub streams: BTreeSet<u32>,
    /// The longest payload.
    pub longest: usize,
    /// Something came that this reader does not understand, so that what follows may mean something else.
    pub is_unreadable: bool,
}

/// Both directions, as one side sees them.
#[derive(Debug)]
pub struct Tape {
    pub sent: Lane,
    pub received: Lane,
}

impl Tape {
    /// Of the side that sends `way`.
    pub fn new(way: Direction) -> Self {
        let back = if way == Direction::ToServer { Direction::ToClient } else { Direction::ToServer };
        Tape { sent: Lane::new(way), received: Lane::new(back) }
    }

    /// How many bytes there were, both ways.
    pub fn bytes(&self) -> usize {
        self.sent.bytes + self.received.bytes
    }

    pub fn note_sent(&mut self, bytes: &[u8]) {
        let sizes = self.sent.push(bytes);
        sizes.into_iter().for_each(|size| self.received.decoder.allow(size));
    }

    pub fn note_received(&mut self, bytes: &[u8]) {
        let sizes = self.received.push(bytes);
        sizes.into_iter().for_each(|size| self.sent.decoder.allow(size));
    }
}

impl Lane {
    fn new(way: Direction) -> Self {
        Lane {
            reader: Frames::new(way, LARGEST),
            decoder: Decoder::default(),
            block: None,
            torn: 0,
            bytes: 0,
            events: Vec::new(),
            streams: BTreeSet::new(),
            longest: 0,
            is_unreadable: false,
        }
    }

    /// Whether neither a frame nor a header block has begun and not ended.
    pub fn is_between_frames(&self) -> bool {
        self.torn == 0 && self.block.is_none() && !self.is_unreadable
    }

    /// Takes the next bytes, and gives the sizes of HPACK's table that they allow the other side.
    fn push(&mut self, bytes: &[u8]) -> Vec<u32> {
        let begin = self.events.len();
        self.reader.push(bytes);
        self.torn += bytes.len();
        self.bytes += bytes.len();
        while let Some(Cut { frame, .. }) = self.reader.next_frame() {
            self.torn -= frame.bytes.len();
            match frame.shape {
                Shape::Frame => self.take(&frame),
                Shape::Preface => {}
                _ => self.is_unreadable = true,
            }
        }
        let settings = self.events[begin..].iter().filter_map(|event| match event {
            Event::Settings { settings, .. } => Some(settings),
            _ => None,
        });
        settings.flatten().filter(|(id, _)| *id == HEADER_TABLE_SIZE).map(|(_, size)| *size).collect()
    }

    fn take(&mut self, frame: &Frame) {
        let (kind, flags, stream) = (frame.bytes[3], frame.bytes[4], frame.stream());
        let payload = frame.bytes.slice(9..);
        self.streams.insert(stream);
        self.longest = self.longest.max(payload.len());
        if self.block.as_ref().is_some_and(|(open, ..)| kind != CONTINUATION || stream != *open) {
            self.is_unreadable = true;
        }
        let event = match kind {
            DATA => unpadded(flags, payload.clone()).map(|content| Event::Data {
                stream,
                ends: flags & END_STREAM != 0,
                content,
                counted: payload.len() as u32,
            }),
            HEADERS => match unpadded(flags, payload).and_then(|payload| without_priority(flags, payload)) {
                Some(block) => {
                    self.block = Some((stream, flags & END_STREAM != 0, block.to_vec()));
                    return self.end_block(flags);
                }
                None => None,
            },
            CONTINUATION if self.block.is_some() => {
                if let Some((.., block)) = &mut self.block {
                    block.extend_from_slice(&payload);
                }
                return self.end_block(flags);
            }
            _ => simple(kind, flags, stream, payload),
        };
        self.is_unreadable |= event.is_none();
        self.events.push(event.unwrap_or(Event::Other { stream }));
    }

    fn end_block(&mut self, flags: u8) {
        if flags & END_HEADERS == 0 {
            return;
        }
        let Some((stream, ends, block)) = self.block.take() else { return };
        // Where the bytes were does not matter here.
        let nowhere = |_| Place { direction: Direction::ToServer, start: 0, end: 0 };
        let block = self.decoder.decode(&block.into(), &nowhere);
        self.is_unreadable |= block.broken().is_some();
        let fields = block.pairs().map(|(name, value)| (name.clone(), value.clone())).collect();
        self.events.push(Event::Block { stream, ends, fields });
    }
}

/// The frames that have no content of changing length. None for one whose length is wrong.
fn simple(kind: u8, flags: u8, stream: u32, payload: Bytes) -> Option<Event> {
    let number = |at: usize| payload.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some(match kind {
        RST_STREAM => Event::Reset { stream, code: number(0)? },
        SETTINGS => Event::Settings { is_ack: flags & ACK != 0, settings: settings_of(&payload) },
        PING => Event::Ping { is_ack: flags & ACK != 0, data: payload },
        GOAWAY => Event::GoAway { code: number(4)? },
        WINDOW_UPDATE => Event::Window { stream, increment: number(0)? & 0x7fff_ffff },
        CONTINUATION => return None,
        _ => Event::Other { stream },
    })
}

fn settings_of(payload: &[u8]) -> Vec<(u16, u32)> {
    let setting = |bytes: &[u8; 6]| {
        let [high, low, value @ ..] = *bytes;
        (u16::from_be_bytes([high, low]), u32::from_be_bytes(value))
    };
    payload.as_chunks::<6>().0.iter().map(setting).collect()
}

fn unpadded(flags: u8, mut payload: Bytes) -> Option<Bytes> {
    if flags & PADDED != 0 {
        let padding = usize::from(*payload.first()?);
        payload = payload.slice(1..);
        payload.truncate(payload.len().checked_sub(padding)?);
    }
    Some(payload)
}

fn without_priority(flags: u8, payload: Bytes) -> Option<Bytes> {
    let from = if flags & WITH_PRIORITY != 0 { 5 } else { 0 };
    (payload.len() >= from).then(|| payload.slice(from..))
}

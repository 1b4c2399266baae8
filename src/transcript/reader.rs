//! A connection, read as its bytes come.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

use super::event::Event;
use super::flow::{Flow, Windows};
use super::grpc::{Call, Calls, Ended, Role, Way};
use super::hpack::{Decoder, Entry};
use super::http2::{Cut, Frames, Shape, layout};
use super::place::Place;
use super::protobuf::Types;
use super::record::{Direction, Recorded};
use super::span::{Link, Why};

/// How much a [`Reader`] holds at most, in bytes but for the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Of one frame's payload. A larger frame comes in several [events](Event).
    pub frame: usize,
    /// Of one header block. A larger one is not decoded, and the dynamic table is lost with it.
    pub block: usize,
    /// Of one message that is cut over several frames. A larger one is not explained as a whole.
    pub message: usize,
    /// Of all messages that are not whole yet.
    pub messages: usize,
    /// How many calls may be open. The oldest beyond are forgotten: their frames are of no call from then on.
    pub calls: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Keep {
            frame: 1024 * 1024,
            block: 256 * 1024,
            message: 4 * 1024 * 1024,
            messages: 32 * 1024 * 1024,
            calls: 10_000,
        }
    }
}

/// Reads both directions of a connection: bytes go in as they come, frames with their meaning come out as soon as they
/// are whole. What it holds is limited by [`Keep`], so it may read for days.
#[derive(Debug)]
pub struct Reader {
    types: Arc<Types>,
    keep: Keep,
    ways: [Side; 2],
    calls: Calls,
    flow: Flow,
}

/// What one side has sent.
#[derive(Debug)]
struct Side {
    frames: Frames,
    decoder: Decoder,
    /// The pieces of a header block that is not whole yet.
    block: Option<Begun>,
    /// SETTINGS that the other side has not acknowledged, and PINGs that it has not answered.
    settings: VecDeque<Place>,
    pings: VecDeque<([u8; 8], Place)>,
    /// The stream of a frame whose payload comes in several pieces, how much is missing, and whether it ends the stream.
    large: Option<(u32, bool, usize)>,
}

/// A header block that goes on in CONTINUATION frames.
#[derive(Debug)]
struct Begun {
    bytes: BytesMut,
    fragments: Vec<Place>,
    stream: u32,
    end_stream: bool,
    promised: bool,
    lost: bool,
}

/// So many SETTINGS or PINGs wait for their answers; the oldest beyond are forgotten.
const ANSWERS: usize = 64;

const HEADER_TABLE_SIZE: u16 = 1;

impl Reader {
    /// For a connection from its first byte on. `types` name the fields inside the messages.
    pub fn new(types: Arc<Types>, keep: Keep) -> Self {
        Self::with(types, keep, |way| (Frames::new(way, keep.frame), Decoder::default()), true)
    }

    /// For a recording that begins anywhere in a connection. The first frame of each direction is found; what depends on
    /// earlier bytes is unknown and said to be.
    pub fn late(types: Arc<Types>, keep: Keep) -> Self {
        Self::with(types, keep, |_| (Frames::late(0, keep.frame), Decoder::late()), false)
    }

    /// The same for a recording that is whole.
    pub(super) fn of(recorded: &Recorded, types: Arc<Types>, keep: Keep) -> Self {
        if !recorded.late {
            return Reader::new(types, keep);
        }
        let found = |way| Frames::found(&recorded.bytes(way), keep.frame);
        Self::with(types, keep, |way| (found(way), Decoder::late()), false)
    }

    fn with(types: Arc<Types>, keep: Keep, side: impl Fn(Direction) -> (Frames, Decoder), known: bool) -> Self {
        let ways = [Direction::ToServer, Direction::ToClient].map(|way| {
            let (frames, decoder) = side(way);
            Side { frames, decoder, block: None, settings: VecDeque::new(), pings: VecDeque::new(), large: None }
        });
        Reader { types, keep, ways, calls: Calls::new(known), flow: Flow::new(known) }
    }

    /// The names by which messages are explained.
    pub fn types(&self) -> &Arc<Types> {
        &self.types
    }

    /// Takes bytes that went `direction`, `at` so long after the recording began. Returns the frames that they complete.
    pub fn push(&mut self, direction: Direction, at: Duration, bytes: &[u8]) -> Vec<Event> {
        self.ways[direction.index()].frames.push(bytes);
        let mut events = Vec::new();
        while let Some(cut) = self.ways[direction.index()].frames.next_frame() {
            events.push(self.event(direction, at, cut));
        }
        events
    }

    /// `missed` bytes of a direction were not recorded here. What follows is read as in a recording that begins there.
    pub fn skip(&mut self, direction: Direction, at: Duration, missed: u64) -> Vec<Event> {
        let side = &mut self.ways[direction.index()];
        let start = side.frames.end() + missed;
        let torn = side.frames.skip_to(start);
        side.block = None;
        side.large = None;
        side.decoder.lose();
        self.calls.lose(direction);
        self.flow = Flow::new(false);
        torn.map(|cut| self.event(direction, at, cut)).into_iter().collect()
    }

    /// The recording is over: what is left of both directions.
    pub fn finish(&mut self, at: Duration) -> Vec<Event> {
        let ways = [Direction::ToServer, Direction::ToClient];
        let left = ways.map(|way| self.ways[way.index()].frames.finish().map(|cut| Event::new(way, at, cut)));
        left.into_iter().flatten().collect()
    }

    /// The calls that are open.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.open()
    }

    /// An open call.
    pub fn call(&self, stream: u32) -> Option<&Call> {
        self.calls.get(stream)
    }

    /// How many bytes one side still owes of the message that it has begun.
    pub fn owed(&self, stream: u32, direction: Direction) -> Option<usize> {
        self.calls.missing(stream, direction)
    }

    /// How many bytes of DATA may still be sent on a stream.
    pub fn windows(&self, of: Direction, stream: u32) -> Windows {
        self.flow.windows(of, Some(stream))
    }

    /// The dynamic table of a direction, the newest entry first: it has index 62.
    pub fn table(&self, direction: Direction) -> impl Iterator<Item = &Arc<Entry>> {
        self.ways[direction.index()].decoder.entries()
    }

    fn event(&mut self, direction: Direction, at: Duration, cut: Cut) -> Event {
        let mut event = Event::new(direction, at, cut);
        event.windows = self.flow.frame(direction, &event.frame);
        self.answers(&mut event);
        match event.frame.name() {
            "HEADERS" | "PUSH_PROMISE" | "CONTINUATION" => self.header_block(&mut event),
            _ => self.interrupt(direction),
        }
        match event.frame.name() {
            "DATA" | "REST" => self.data(&mut event),
            "RST_STREAM" => {
                let code = event.frame.error_code().unwrap_or_default();
                self.ended(&mut event, |calls, stream| calls.end(stream, Ended::Reset { by: direction, code }));
            }
            _ => {}
        }
        self.calls.forget_beyond(self.keep.calls);
        event
    }

    /// What a SETTINGS or PING frame has to do with one of the other side.
    fn answers(&mut self, event: &mut Event) {
        let (ack, place, way) = (event.frame.has("ACK"), event.place(), event.direction);
        let asked = &mut self.ways[if ack { way.other() } else { way }.index()];
        match event.frame.name() {
            "SETTINGS" if ack => {
                let to = asked.settings.pop_front();
                event.links.extend(to.map(|to| Link { why: Why::Acknowledges, to }));
            }
            "SETTINGS" => {
                asked.settings.push_back(place);
                asked.settings.truncate(ANSWERS);
                for (id, value) in event.frame.settings() {
                    if id == HEADER_TABLE_SIZE {
                        self.ways[way.other().index()].decoder.allow(value);
                    }
                }
            }
            "PING" => {
                let Ok(data) = <[u8; 8]>::try_from(&event.frame.payload()[..]) else { return };
                if ack {
                    let found = asked.pings.iter().position(|(asked, _)| *asked == data);
                    let to = found.and_then(|found| asked.pings.remove(found)).map(|(_, to)| to);
                    event.links.extend(to.map(|to| Link { why: Why::Answers, to }));
                } else {
                    asked.pings.push_back((data, place));
                    if asked.pings.len() > ANSWERS {
                        asked.pings.pop_front();
                    }
                }
            }
            _ => {}
        }
    }

    /// A block is HEADERS or PUSH_PROMISE and the CONTINUATIONs right after it (RFC 9113, section 4.3; rule
    /// h2.header-block). Another frame in between breaks it, and with it what is known of the dynamic table.
    fn interrupt(&mut self, direction: Direction) {
        let side = &mut self.ways[direction.index()];
        if side.block.take().is_some() {
            side.decoder.lose();
        }
    }

    fn header_block(&mut self, event: &mut Event) {
        let direction = event.direction;
        let continues = event.frame.is("CONTINUATION");
        if !continues {
            self.interrupt(direction);
        }
        let content = layout(&Cut { start: event.start, frame: event.frame.clone() }).content;
        let (start, bytes) = content.unwrap_or_default();
        let side = &mut self.ways[direction.index()];
        if !continues {
            side.block = Some(Begun {
                bytes: BytesMut::new(),
                fragments: Vec::new(),
                stream: event.stream(),
                end_stream: event.frame.has("END_STREAM"),
                promised: event.frame.is("PUSH_PROMISE"),
                lost: event.frame.shape == Shape::Begun,
            });
        }
        let Some(begun) = &mut side.block else { return };
        let place = Place { direction, start, end: start + bytes.len() as u64 };
        if begun.bytes.len() + bytes.len() > self.keep.block || begun.fragments.len() >= self.keep.block / 64 {
            begun.lost = true;
            begun.bytes = BytesMut::new();
            begun.fragments = Vec::new();
        }
        if !begun.lost {
            begun.bytes.extend_from_slice(&bytes);
            begun.fragments.push(place);
        }
        if !event.frame.has("END_HEADERS") {
            return;
        }
        let Some(Begun { bytes, fragments, stream, end_stream, promised, lost }) = mem::take(&mut side.block) else {
            return;
        };
        if lost {
            side.decoder.lose();
            return;
        }
        let block = side.decoder.decode(&bytes.freeze(), &|range| wire(&fragments, direction, range));
        let way = Way { direction, stream, at: event.at, place: event.place() };
        let head = self.calls.get(stream).and_then(|call| call.head);
        event.role = match promised {
            true => Role::Promised,
            false => self.calls.block(&block, way, end_stream, &self.types),
        };
        if matches!(event.role, Role::Trailers | Role::TrailersOnly) {
            event.links.extend(head.map(|to| Link { why: Why::Ends, to }));
        }
        event.block = Some(Arc::new(block));
        if fragments.len() > 1 {
            event.fragments = fragments;
        }
        if end_stream {
            self.close(event, stream);
        }
    }

    fn data(&mut self, event: &mut Event) {
        let (direction, way) = (event.direction, event.direction.index());
        let (stream, end_stream, missing) = match (event.frame.shape, self.ways[way].large.take()) {
            (Shape::Rest, Some(large)) => large,
            (Shape::Rest, None) => return,
            _ => (event.stream(), event.frame.has("END_STREAM"), event.frame.length()),
        };
        let content = layout(&Cut { start: event.start, frame: event.frame.clone() }).content;
        let here = event.frame.bytes.len() - event.frame.kind().map_or(0, |_| super::http2::header::LENGTH);
        if let Some((start, bytes)) = content {
            let place = Place { direction, start, end: start + bytes.len() as u64 };
            let way = Way { direction, stream, at: event.at, place };
            (event.pieces, event.about) = self.calls.data(&bytes, way, (self.keep.message, self.keep.messages));
        }
        match missing.saturating_sub(here) {
            0 if end_stream => self.close(event, stream),
            0 => {}
            missing => self.ways[way].large = Some((stream, end_stream, missing)),
        }
    }

    fn close(&mut self, event: &mut Event, stream: u32) {
        let direction = event.direction;
        event.ended = self.calls.close(stream, direction).map(Box::new);
        if event.ended.is_some() {
            self.flow.end(stream);
        }
    }

    fn ended(&mut self, event: &mut Event, end: impl FnOnce(&mut Calls, u32) -> Option<Call>) {
        let stream = event.stream();
        event.ended = end(&mut self.calls, stream).map(Box::new);
        self.flow.end(stream);
    }
}

/// Where a range of a gathered header block is on the wire: of a range that is cut, its first piece.
fn wire(fragments: &[Place], direction: Direction, range: std::ops::Range<usize>) -> Place {
    let mut before = 0;
    for fragment in fragments {
        let length = (fragment.end - fragment.start) as usize;
        if range.start < before + length {
            let start = fragment.start + (range.start - before) as u64;
            let end = (start + range.len() as u64).min(fragment.end);
            return Place { direction, start, end };
        }
        before += length;
    }
    let end = fragments.last().map_or(0, |last| last.end);
    Place { direction, start: end, end }
}

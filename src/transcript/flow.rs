//! Flow control: how many bytes of DATA each side may still send (RFC 9113, section 5.2; rules
//! h2.window-of-stream and h2.window-of-connection).

use std::collections::{HashMap, VecDeque};

use super::http2::Frame;
use super::record::Direction;

/// How many bytes of DATA may still be sent in one direction. Below zero where SETTINGS made a window smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The direction of the DATA that is meant.
    pub of: Direction,
    /// On the connection.
    pub connection: i64,
    /// On the frame's stream, if it has one.
    pub stream: Option<i64>,
}

/// What every window begins with.
const INITIAL: i64 = 65_535;

/// So many SETTINGS wait for an acknowledgement; the oldest beyond are forgotten.
const ANNOUNCED: usize = 64;

const INITIAL_WINDOW_SIZE: u16 = 4;

/// The windows of a connection, both ways. SETTINGS that make windows larger count at once, and those that make them
/// smaller once they are acknowledged: until then the sender may not know of them.
#[derive(Debug)]
pub(super) struct Flow {
    ways: [Ways; 2],
    /// Whether the beginning of the connection was seen.
    known: bool,
}

/// The windows for DATA of one direction.
#[derive(Debug)]
struct Ways {
    connection: i64,
    initial: i64,
    /// What SETTINGS that are not acknowledged yet make of the initial window.
    announced: VecDeque<Option<i64>>,
    /// The windows that differ from the initial one: by how much.
    streams: HashMap<u32, i64>,
}

impl Flow {
    pub(super) fn new(known: bool) -> Self {
        let way =
            || Ways { connection: INITIAL, initial: INITIAL, announced: VecDeque::new(), streams: HashMap::new() };
        Flow { ways: [way(), way()], known }
    }

    /// Takes a frame into account, and tells what it leaves.
    pub(super) fn frame(&mut self, direction: Direction, frame: &Frame) -> Option<Windows> {
        let stream = frame.stream();
        let (of, spent) = match frame.name() {
            "DATA" => (direction, frame.length() as i64),
            "WINDOW_UPDATE" => (direction.other(), -i64::from(frame.increment()?)),
            "SETTINGS" if frame.has("ACK") => {
                let way = &mut self.ways[direction.index()];
                way.initial = way.announced.pop_front().flatten()?;
                return self.known.then(|| self.windows(direction, None));
            }
            "SETTINGS" => {
                let window = frame.settings().filter(|(id, _)| *id == INITIAL_WINDOW_SIZE).last();
                let window = window.map(|(_, window)| i64::from(window));
                let way = &mut self.ways[direction.other().index()];
                way.initial = way.initial.max(window.unwrap_or(way.initial));
                way.announced.push_back(window);
                if way.announced.len() > ANNOUNCED {
                    way.announced.pop_front();
                }
                return self.known.then(|| self.windows(direction.other(), None));
            }
            _ => return None,
        };
        let way = &mut self.ways[of.index()];
        if spent > 0 || stream == 0 {
            way.connection -= spent;
        }
        if stream > 0 {
            *way.streams.entry(stream).or_default() -= spent;
        }
        self.known.then(|| self.windows(of, Some(stream).filter(|stream| *stream > 0)))
    }

    /// A stream is over.
    pub(super) fn end(&mut self, stream: u32) {
        for way in &mut self.ways {
            way.streams.remove(&stream);
        }
    }

    /// What may still be sent.
    pub(super) fn windows(&self, of: Direction, stream: Option<u32>) -> Windows {
        let way = &self.ways[of.index()];
        let stream = stream.map(|stream| way.initial + way.streams.get(&stream).copied().unwrap_or_default());
        Windows { of, connection: way.connection, stream }
    }
}

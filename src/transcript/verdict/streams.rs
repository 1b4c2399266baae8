//! Rules of streams: their numbers, what may come in which state, how many may be open, and flow control.

use std::collections::{HashMap, VecDeque};

use super::super::event::Event;
use super::super::record::Direction;
use super::found::{Found, who};

/// The streams of a connection.
#[derive(Debug)]
pub(super) struct Streams {
    open: HashMap<u32, Stream>,
    /// Streams that ended lately, so that frames that were on their way are not taken for errors.
    ended: VecDeque<(u32, Stream)>,
    /// The highest stream that each side has opened.
    highest: [u32; 2],
    /// How many streams the server allows, once the client has acknowledged it.
    most: Option<u32>,
    unacknowledged: VecDeque<Option<u32>>,
    /// Whether the client has forbidden pushed streams.
    late: bool,
}

/// What each side may still do.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// Who has said END_STREAM or RST_STREAM, and so sends nothing more.
    ended: [bool; 2],
}

/// So many ended streams are remembered.
const REMEMBERED: usize = 1_000;

const MAX_CONCURRENT_STREAMS: u16 = 3;

impl Streams {
    pub(super) fn new(late: bool) -> Self {
        Streams {
            open: HashMap::new(),
            ended: VecDeque::new(),
            highest: [0; 2],
            most: None,
            unacknowledged: VecDeque::new(),
            late,
        }
    }

    pub(super) fn check(&mut self, event: &Event, found: &mut Found<'_>) {
        let (frame, direction, stream) = (&event.frame, event.direction, event.stream());
        self.settings(event);
        match frame.name() {
            "HEADERS" if stream > 0 => self.headers(event, found),
            "DATA" if stream > 0 => {
                self.sent(event, found);
                self.window(event, found);
            }
            "RST_STREAM" if stream > 0 => {
                found.add_if(self.is_idle(stream) && !self.late, "h2.rst-stream-on-idle", || {
                    format!("{} resets stream {stream}, which was never opened", who(direction))
                });
                if let Some(open) = self.open.get_mut(&stream) {
                    open.ended[direction.index()] = true;
                }
                self.end(stream);
            }
            "PUSH_PROMISE" => {
                found.add("h2.push-promise", format!("{} pushes: no gRPC client allows it", who(direction)));
            }
            _ => {}
        }
        let ends = frame.has("END_STREAM") && frame.is(frame.name());
        if let Some(open) = self.open.get_mut(&stream).filter(|_| ends) {
            open.ended[direction.index()] = true;
            if open.ended == [true; 2] {
                self.end(stream);
            }
        }
    }

    fn settings(&mut self, event: &Event) {
        if !event.frame.is("SETTINGS") {
            return;
        }
        match (event.direction, event.frame.has("ACK")) {
            (Direction::ToClient, false) => {
                let most = event.frame.settings().filter(|(id, _)| *id == MAX_CONCURRENT_STREAMS).last();
                self.unacknowledged.push_back(most.map(|(_, value)| value));
            }
            (Direction::ToServer, true) => self.most = self.unacknowledged.pop_front().flatten().or(self.most),
            _ => {}
        }
    }

    fn headers(&mut self, event: &Event, found: &mut Found<'_>) {
        let (direction, stream) = (event.direction, event.stream());
        if self.open.contains_key(&stream) || !self.is_idle(stream) {
            return self.sent(event, found);
        }
        let opens = stream % 2 == 1 && direction == Direction::ToServer;
        found.add_if(!opens && !self.late, "h2.stream-ids", || match direction {
            Direction::ToServer => format!("the client opens stream {stream}: clients open odd ones"),
            Direction::ToClient => format!("the server answers on stream {stream}, which nobody opened"),
        });
        let highest = &mut self.highest[direction.index()];
        *highest = stream.max(*highest);
        if !opens {
            return;
        }
        self.open.insert(stream, Stream::default());
        let (open, most) = (self.open.len(), self.most.unwrap_or(u32::MAX));
        found.add_if(open > most as usize, "h2.setting-max-concurrent-streams", || {
            format!("the client has {open} streams open, where the server allows {most}")
        });
    }

    /// A frame on a stream: it must be open, and its sender must not have said END_STREAM.
    fn sent(&mut self, event: &Event, found: &mut Found<'_>) {
        let (direction, stream) = (event.direction, event.stream());
        let sends = format!("{} sends {} on stream {stream}", who(direction), event.frame.name());
        match self.open.get(&stream) {
            Some(open) => found.add_if(open.ended[direction.index()], "h2.stream-states", || {
                format!("{sends}, after it has said END_STREAM there")
            }),
            None if self.is_idle(stream) => {
                found.add_if(!self.late, "h2.stream-states", || format!("{sends}, which was never opened"));
            }
            None => self.sent_late(event, &sends, found),
        }
    }

    /// A frame on a stream that is over. That it was on its way when the other side ended the stream is no error.
    fn sent_late(&self, event: &Event, sends: &str, found: &mut Found<'_>) {
        let over = self.ended.iter().find(|(stream, _)| *stream == event.stream());
        let own = over.is_some_and(|(_, over)| over.ended[event.direction.index()]);
        found.add_if(own, "h2.stream-states", || format!("{sends}, which it has ended before"));
        // A client must use numbers in order, so one below the highest that was not open is used too late.
        let skipped = over.is_none() && event.direction == Direction::ToServer && event.frame.is("HEADERS");
        found.add_if(skipped && !self.late, "h2.stream-ids", || {
            format!("{sends}, though it has opened stream {} before", self.highest[0])
        });
    }

    fn window(&self, event: &Event, found: &mut Found<'_>) {
        let Some(windows) = event.windows.filter(|_| event.frame.length() > 0) else { return };
        let over = windows.connection.min(windows.stream.unwrap_or(i64::MAX));
        found.add_if(over < 0, "h2.window-of-stream", || {
            format!("{} sends {} bytes more than the window allows", who(event.direction), -over)
        });
    }

    /// Whether a stream was never opened.
    fn is_idle(&self, stream: u32) -> bool {
        stream > self.highest[usize::from(stream.is_multiple_of(2))]
    }

    fn end(&mut self, stream: u32) {
        if let Some(over) = self.open.remove(&stream) {
            self.ended.push_back((stream, over));
            if self.ended.len() > REMEMBERED {
                self.ended.pop_front();
            }
        }
    }
}

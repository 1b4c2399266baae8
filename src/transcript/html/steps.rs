//! What happens between frames and sends nothing: a clock that starts, a handler that works, a window that is empty.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use super::super::Transcript;
use super::super::diagnosis::Diagnoser;
use super::super::event::Event;
use super::super::flow::Flow;
use super::super::grpc::{Call, Ended, Role};
use super::super::record::Direction;
use super::super::story::{limit, span_of_time};
use super::super::text::printable;
use crate::wire::Code;

/// Something that happens right after a frame.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    /// The number of the frame.
    pub(super) after: usize,
    pub(super) kind: Kind,
    /// 0 for the connection.
    pub(super) stream: u32,
    /// Where: 0 at the client, 1 at the server, 2 between them.
    pub(super) side: usize,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Deadline,
    Handler,
    Stall,
    Pause,
    End,
    /// Why something waits or fails.
    Remark,
}

/// A time during which a side could send nothing because a window was empty.
#[derive(Debug, Serialize)]
pub(super) struct Stall {
    /// The direction of the DATA that had to wait.
    pub(super) of: usize,
    /// 0 for the connection as a whole.
    pub(super) stream: u32,
    /// The frame that used the window up.
    pub(super) from: usize,
    /// The frame that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<usize>,
    /// Why, and how it ended.
    pub(super) text: String,
}

/// What happens between the frames of a transcript.
#[derive(Debug, Default)]
pub(super) struct Between {
    pub(super) steps: Vec<Step>,
    pub(super) stalls: Vec<Stall>,
}

/// A pause of the whole connection that is told.
const LONG: Duration = Duration::from_secs(1);

/// The steps of the first `frames` frames.
pub(super) fn of(transcript: &Transcript, frames: usize) -> Between {
    let timed = transcript.events.iter().any(|event| !event.at.is_zero());
    let mut found = Finder {
        timed,
        flow: Flow::new(!transcript.late),
        last: HashMap::new(),
        open: HashMap::new(),
        between: Between::default(),
    };
    let mut diagnoser = Diagnoser::default();
    let events = &transcript.events[..frames.min(transcript.events.len())];
    for (number, event) in events.iter().enumerate() {
        found.before(number, event, events);
        found.windows(number, event);
        found.after(number, event);
        for remark in diagnoser.look(event) {
            found.step(number, Kind::Remark, remark.stream, 2, sentence(&remark.text));
        }
    }
    if let Some((number, last)) = events.iter().enumerate().next_back() {
        for remark in diagnoser.end(last.at) {
            found.step(number, Kind::Remark, remark.stream, 2, sentence(&remark.text));
        }
    }
    found.never_opened();
    found.between.steps.sort_by_key(|step| step.after);
    found.between
}

struct Finder {
    timed: bool,
    flow: Flow,
    /// When the client's last frame of a stream passed.
    last: HashMap<u32, Duration>,
    /// Windows that are empty: of which direction and stream, since which frame and when.
    open: HashMap<(Direction, u32), Empty>,
    between: Between,
}

struct Empty {
    from: usize,
    at: Duration,
}

impl Finder {
    /// What has happened when a frame comes.
    fn before(&mut self, number: usize, event: &Event, events: &[Event]) {
        let Some(before) = number.checked_sub(1) else { return };
        let waited = event.at.saturating_sub(events[before].at);
        if waited >= LONG {
            let text = format!("Nothing is sent for {}", span_of_time(waited));
            self.step(before, Kind::Pause, 0, 2, text);
        }
        if matches!(event.role, Role::ResponseHead | Role::TrailersOnly) {
            let since = self.last.get(&event.stream()).map(|last| event.at.saturating_sub(*last));
            let time = self.time(since).map_or_else(String::new, |time| format!(": {time}"));
            self.step(before, Kind::Handler, event.stream(), 1, format!("The server works on the call{time}"));
        }
    }

    fn after(&mut self, number: usize, event: &Event) {
        let stream = event.stream();
        if event.direction == Direction::ToServer {
            self.last.insert(stream, event.at);
        }
        if let Some(limit) = (event.role == Role::RequestHead).then(|| limit(event)).flatten() {
            let text = format!("A clock starts: the client waits for {limit} at most");
            self.step(number, Kind::Deadline, stream, 0, text);
        }
        if let Some(call) = &event.ended {
            self.last.remove(&stream);
            let text = over(call, self.time(Some(event.at.saturating_sub(call.began))));
            self.step(number, Kind::End, stream, 2, text);
            self.open.retain(|(_, own), _| *own != stream);
        }
    }

    /// Which windows a frame empties or opens.
    fn windows(&mut self, number: usize, event: &Event) {
        let windows = self.flow.frame(event.direction, &event.frame);
        if event.ended.is_some() {
            self.flow.end(event.stream());
        }
        let Some(windows) = windows else { return };
        if event.frame.is("DATA") {
            if event.frame.has("END_STREAM") {
                return;
            }
            let of = windows.of;
            for (stream, left) in [(Some(event.stream()), windows.stream), (Some(0), Some(windows.connection))] {
                if let (Some(stream), Some(..=0)) = (stream, left) {
                    self.empty(number, event, of, stream);
                }
            }
            return;
        }
        let waiting: Vec<u32> =
            self.open.keys().filter(|(of, _)| *of == windows.of).map(|(_, stream)| *stream).collect();
        for stream in waiting {
            let now = self.flow.windows(windows.of, Some(stream).filter(|stream| *stream > 0));
            if now.stream.unwrap_or(now.connection) > 0 {
                self.opened(number, event, (windows.of, stream));
            }
        }
    }

    fn empty(&mut self, number: usize, event: &Event, of: Direction, stream: u32) {
        if self.open.contains_key(&(of, stream)) {
            return;
        }
        self.open.insert((of, stream), Empty { from: number, at: event.at });
        let (who, other) = (who(of), who(of.other()));
        let text = match stream {
            0 => {
                format!("The window of the connection is empty: the {who} may send no DATA until the {other} opens it")
            }
            _ => format!("The window of stream {stream} is empty: the {who} must wait until the {other} opens it"),
        };
        self.step(number, Kind::Stall, stream, of.index(), text);
    }

    fn opened(&mut self, number: usize, event: &Event, window: (Direction, u32)) {
        let Some(empty) = self.open.remove(&window) else { return };
        let (of, stream) = window;
        let (who, other, name) = (who(of), who(of.other()), event.frame.name());
        let time = self.time(Some(event.at.saturating_sub(empty.at)));
        let time = time.map_or_else(String::new, |time| format!(" after {time}"));
        let text =
            format!("The {who} had used up what the {other} allowed. {name} of the {other} ended the wait{time}.");
        self.between.stalls.push(Stall { of: of.index(), stream, from: empty.from, to: Some(number), text });
    }

    /// Windows that are empty to the end.
    fn never_opened(&mut self) {
        let mut open: Vec<_> = self.open.drain().collect();
        open.sort_by_key(|((_, stream), empty)| (empty.from, *stream));
        for ((of, stream), Empty { from, .. }) in open {
            let (who, other) = (who(of), who(of.other()));
            let text = format!("The {who} had used up what the {other} allowed, and the {other} never allowed more.");
            self.between.stalls.push(Stall { of: of.index(), stream, from, to: None, text });
        }
    }

    fn time(&self, time: Option<Duration>) -> Option<String> {
        time.filter(|_| self.timed).map(span_of_time)
    }

    fn step(&mut self, after: usize, kind: Kind, stream: u32, side: usize, text: String) {
        self.between.steps.push(Step { after, kind, stream, side, text });
    }
}

/// A remark with a large first letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn who(direction: Direction) -> &'static str {
    ["client", "server"][direction.index()]
}

/// How a call ended, in a sentence.
fn over(call: &Call, time: Option<String>) -> String {
    let time = time.map_or_else(String::new, |time| format!(", {time} after it began"));
    let how = match (call.ended, &call.status) {
        (Some(Ended::Reset { by, code }), _) => {
            format!("the {} has reset it with {}", who(by), super::super::http2::error_code(code))
        }
        (_, Some(status)) => {
            let code = status.parse().ok().map(Code::from_u32);
            code.and_then(Code::name).map_or_else(|| format!("status {}", printable(status.as_bytes())), str::to_owned)
        }
        _ if call.unknown_status => "its status is not known".into(),
        _ => "without a status".into(),
    };
    format!("The call on stream {} is over: {how}{time}", call.stream)
}

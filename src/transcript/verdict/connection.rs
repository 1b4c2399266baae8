//! Rules of the connection as a whole: how it begins, what each frame must look like, what SETTINGS allow.

use super::super::event::Event;
use super::super::http2::{Meaning, Shape, layout};
use super::super::meaning::Meaning as _;
use super::super::record::Direction;
use super::super::span::What;
use super::found::{Found, who};

/// What each side has said of the connection.
#[derive(Debug)]
pub(super) struct Connection {
    sides: [Side; 2],
    late: bool,
}

#[derive(Debug, Default)]
struct Side {
    /// Whether a frame came from it.
    begun: bool,
    /// The stream of a header block that is not complete.
    block: Option<u32>,
    /// SETTINGS that the other side has not acknowledged, and what they say of the largest frame.
    unacknowledged: Vec<Option<u32>>,
    /// The largest payload that it has allowed, and that the other side knows of.
    largest: Option<u32>,
    /// The last stream that its GOAWAY named.
    last_stream: Option<u32>,
}

const LARGEST: u32 = 16_384;
const MAX_FRAME_SIZE: u16 = 5;

impl Connection {
    pub(super) fn new(late: bool) -> Self {
        Connection { sides: Default::default(), late }
    }

    pub(super) fn check(&mut self, event: &Event, found: &mut Found<'_>) {
        let (frame, who) = (&event.frame, who(event.direction));
        if frame.shape == Shape::NotHttp2 {
            return found.add("h2.client-preface", format!("{who} does not speak HTTP/2"));
        }
        let Some(kind) = frame.kind() else { return };
        self.begin(event, found);
        self.block(event, found);
        self.size(event, found);
        let on_connection = matches!(frame.name(), "SETTINGS" | "PING" | "GOAWAY");
        let on_stream =
            matches!(frame.name(), "DATA" | "HEADERS" | "PRIORITY" | "RST_STREAM" | "PUSH_PROMISE" | "CONTINUATION");
        let rule = Meaning::Frame { kind, flags: 0, stream: 0, length: 0 }.rule().unwrap_or("h2.frame-header");
        found.add_if(on_connection && frame.stream() != 0, rule, || {
            format!("{who} sends {} on stream {}, which belongs to the connection", frame.name(), frame.stream())
        });
        found.add_if(on_stream && frame.stream() == 0, rule, || {
            format!("{who} sends {} without a stream", frame.name())
        });
        match frame.name() {
            "SETTINGS" => self.settings(event, found),
            "GOAWAY" => self.goaway(event, found),
            _ => {}
        }
    }

    /// The first frame of each side is SETTINGS.
    fn begin(&mut self, event: &Event, found: &mut Found<'_>) {
        let side = &mut self.sides[event.direction.index()];
        let first = !std::mem::replace(&mut side.begun, true) && !self.late;
        let settings = event.frame.is("SETTINGS") && !event.frame.has("ACK");
        let rule = ["h2.client-preface", "h2.server-preface"][event.direction.index()];
        found.add_if(first && !settings, rule, || {
            format!("{} begins with {}, where SETTINGS must come first", who(event.direction), event.frame.name())
        });
    }

    /// Nothing stands between the frames of a header block.
    fn block(&mut self, event: &Event, found: &mut Found<'_>) {
        let (frame, side) = (&event.frame, &mut self.sides[event.direction.index()]);
        let open = side.block.take();
        let continues = frame.is("CONTINUATION");
        let fits = if continues { open == Some(frame.stream()) } else { open.is_none() };
        found.add_if(!(fits || self.late && open.is_none()), "h2.continuation", || match open {
            Some(open) => format!(
                "{} sends {} on stream {} within the header block of stream {open}",
                who(event.direction),
                frame.name(),
                frame.stream()
            ),
            None => format!("{} sends CONTINUATION where no header block is open", who(event.direction)),
        });
        let begins = matches!(frame.name(), "HEADERS" | "PUSH_PROMISE") || continues && fits;
        side.block = (begins && !frame.has("END_HEADERS")).then(|| frame.stream());
        let broken = event.block.as_ref().and_then(|block| block.broken().map(str::to_owned));
        found.add_if(broken.is_some(), "h2.header-block-decoded", || {
            format!(
                "{} sends a header block that cannot be decoded: {}",
                who(event.direction),
                broken.unwrap_or_default()
            )
        });
    }

    /// A payload has the size that its type has, and not more than the other side allows.
    fn size(&self, event: &Event, found: &mut Found<'_>) {
        let allowed = self.sides[event.direction.other().index()].largest.unwrap_or(LARGEST);
        let length = event.frame.length();
        found.add_if(!self.late && length > allowed as usize, "h2.setting-max-frame-size", || {
            format!("{} sends a payload of {length} bytes, where {allowed} are allowed", who(event.direction))
        });
        let laid = layout(&super::super::http2::Cut { start: event.start, frame: event.frame.clone() });
        for span in laid.before.iter().chain(&laid.after) {
            let What::Http2(meaning) = &span.what else { continue };
            let rule = meaning.rule().filter(|_| meaning.is_broken());
            rule.into_iter()
                .for_each(|rule| found.add(rule, format!("{}: {}", who(event.direction), meaning.sentence())));
        }
    }

    fn settings(&mut self, event: &Event, found: &mut Found<'_>) {
        let (direction, frame) = (event.direction, &event.frame);
        if frame.has("ACK") {
            found.add_if(frame.length() > 0, "h2.settings-ack", || {
                format!("{} acknowledges SETTINGS with a payload", who(direction))
            });
            let asked = &mut self.sides[direction.other().index()];
            if asked.unacknowledged.is_empty() {
                found.add_if(!self.late, "h2.settings-ack", || {
                    format!("{} acknowledges SETTINGS that nobody sent", who(direction))
                });
            } else {
                let largest = asked.unacknowledged.remove(0);
                asked.largest = largest.or(asked.largest);
            }
            return;
        }
        for (id, value) in frame.settings() {
            let (broken, rule) = match id {
                2 => (value > 1 || value == 1 && direction == Direction::ToClient, "h2.setting-enable-push"),
                4 => (value > i32::MAX as u32, "h2.setting-initial-window-size"),
                5 => (!(LARGEST..1 << 24).contains(&value), "h2.setting-max-frame-size"),
                _ => (false, ""),
            };
            found.add_if(broken, rule, || {
                let name = super::super::http2::setting(id).unwrap_or_default();
                format!("{} sets {name} to {value}, which is not allowed", who(direction))
            });
        }
        // A larger frame may come as soon as it is announced, a smaller limit binds once it is acknowledged.
        let largest = frame.settings().filter(|(id, _)| *id == MAX_FRAME_SIZE).last().map(|(_, value)| value);
        let side = &mut self.sides[direction.index()];
        if largest.is_some_and(|value| value > side.largest.unwrap_or(LARGEST)) {
            side.largest = largest;
        }
        side.unacknowledged.push(largest);
    }

    fn goaway(&mut self, event: &Event, found: &mut Found<'_>) {
        let Some(last) = event.frame.last_stream() else { return };
        let side = &mut self.sides[event.direction.index()];
        let before = side.last_stream.replace(last);
        found.add_if(before.is_some_and(|before| last > before), "h2.goaway", || {
            let before = before.unwrap_or_default();
            format!(
                "{} names {last} as the last stream, after it has named {before}: it may only fall",
                who(event.direction)
            )
        });
    }
}

//! Connections become lines: bytes go in, and what they mean is printed, judged and saved.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use h2grpc::transcript::http2::Shape;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Checker, Diagnoser, Direction, Event, Hider, Keep, Reader, Remark, Told, Verdict, grouped};
use h2grpc::wire::rules;
use serde_json::{Value as Json, json};

use super::End;
use super::options::Shown;
use super::page::Page;
use super::save::Saver;
use super::screen::Screen;

/// How much is held of one connection.
const KEEP: Keep =
    Keep { frame: 256 * 1024, block: 256 * 1024, message: 4 * 1024 * 1024, messages: 8 * 1024 * 1024, calls: 10_000 };

/// Explains any number of connections.
pub struct Explainer {
    types: Arc<Types>,
    secrets: bool,
    screen: Screen,
    saver: Option<Saver>,
    page: Option<Page>,
    connections: BTreeMap<u64, Connection>,
    /// The time of the last that was told.
    last: Duration,
    /// How many connections there were.
    count: u64,
    /// Whether what passes is judged, and how many times a rule was broken.
    check: bool,
    broken: u64,
}

struct Connection {
    reader: Reader,
    hider: Hider,
    checker: Checker,
    diagnoser: Diagnoser,
    /// What waits and was told to, by its stream and since when it does.
    waiting: BTreeSet<(u32, Duration)>,
    /// The time of the last byte.
    at: Duration,
}

/// A pause after which it is told what waits.
const PAUSE: Duration = Duration::from_secs(1);

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With its first byte.
    New,
    /// Somewhere: what came before is not known.
    Late,
}

impl Explainer {
    pub fn new(types: Types, shown: &Shown, saver: Option<Saver>, page: Option<Page>) -> Self {
        Explainer {
            types: Arc::new(types),
            secrets: shown.show_secrets,
            screen: Screen::new(shown),
            saver,
            page,
            connections: BTreeMap::new(),
            last: Duration::ZERO,
            count: 0,
            check: shown.check,
            broken: 0,
        }
    }

    /// How many connections there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Writes the page, where one is wanted, and says how it all ended.
    pub fn end(&mut self) -> Result<End, String> {
        self.page.take().map_or(Ok(()), |page| page.write(&self.types))?;
        Ok(if self.broken > 0 { End::Different } else { End::Well })
    }

    /// A connection begins; `about` says whose it is.
    pub fn opened(&mut self, id: u64, at: Duration, about: &str, start: Start) -> io::Result<()> {
        self.count += 1;
        let types = self.types.clone();
        let reader = if start == Start::New { Reader::new(types, KEEP) } else { Reader::late(types, KEEP) };
        let connection = Connection {
            reader,
            hider: Hider::default(),
            checker: Checker::new(start == Start::Late),
            diagnoser: Diagnoser::default(),
            waiting: BTreeSet::new(),
            at,
        };
        self.connections.insert(id, connection);
        if let Some(saver) = &mut self.saver {
            saver.opened(id, about, start == Start::Late)?;
        }
        if let Some(page) = &mut self.page {
            page.opened(id, about, start == Start::Late);
        }
        self.screen.note(at, (id, 0), "opened", &format!("connection {about}"), json!({"late": start == Start::Late}))
    }

    /// Bytes have passed.
    pub fn bytes(&mut self, id: u64, direction: Direction, at: Duration, bytes: &[u8]) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let pause = at.saturating_sub(connection.at);
        if pause >= PAUSE {
            self.waiting(id, at)?;
        }
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        connection.at = at;
        let events = connection.reader.push(direction, at, bytes);
        self.events(id, events)
    }

    /// Bytes have passed that cannot be explained.
    pub fn skipped(&mut self, id: u64, direction: Direction, at: Duration, bytes: u64, why: &str) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let events = connection.reader.skip(direction, at, bytes);
        self.events(id, events)?;
        if let Some(connection) = self.connections.get_mut(&id) {
            // They have not seen all either.
            connection.checker = Checker::new(true);
            connection.diagnoser = Diagnoser::default();
        }
        if let Some(saver) = &mut self.saver {
            saver.gap(id, bytes);
        }
        if let Some(page) = &mut self.page {
            page.gap(id, bytes);
        }
        let text = format!("{} {} bytes were not explained: {why}", direction.arrow(), grouped(bytes));
        self.screen.note(at, (id, 0), "gap", &text, json!({"direction": direction.name(), "bytes": bytes}))
    }

    /// A connection is over; `how` says how it ended.
    pub fn closed(&mut self, id: u64, at: Duration, how: &str) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let events = connection.reader.finish(at);
        self.events(id, events)?;
        let Some(mut connection) = self.connections.remove(&id) else { return Ok(()) };
        for event in connection.hider.finish() {
            self.show(id, &mut connection, &event)?;
        }
        for call in connection.reader.calls().filter(|call| call.is_known()) {
            self.screen.told(id, &Told::end(at, call))?;
        }
        self.remarks(id, connection.diagnoser.end(at), at)?;
        if let Some(saver) = &mut self.saver {
            saver.closed(id)?;
        }
        self.screen.closed(id);
        self.last = self.last.max(at);
        self.screen.note(at, (id, 0), "closed", &format!("connection {how}"), Json::Null)
    }

    /// Tells what waits on any connection.
    pub fn all_waiting(&mut self, now: Duration) -> io::Result<()> {
        let connections: Vec<u64> = self.connections.keys().copied().collect();
        connections.into_iter().try_for_each(|id| self.waiting(id, now))
    }

    /// Tells what waits on a connection, each once.
    fn waiting(&mut self, id: u64, now: Duration) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let waiting = connection.diagnoser.waiting(now);
        let key = |remark: &Remark| (remark.stream, remark.at);
        let before = std::mem::replace(&mut connection.waiting, waiting.iter().map(key).collect());
        self.remarks(id, waiting.into_iter().filter(|remark| !before.contains(&key(remark))).collect(), now)
    }

    /// Something to say that is about no byte.
    pub fn say(&mut self, id: u64, at: Duration, text: &str) -> io::Result<()> {
        self.screen.note(at, (id, 0), "note", text, Json::Null)
    }

    /// All connections that are open end here.
    pub fn finish(&mut self, how: &str) -> io::Result<()> {
        let open: Vec<(u64, Duration)> = self.connections.iter().map(|(id, connection)| (*id, connection.at)).collect();
        open.into_iter().try_for_each(|(id, at)| self.closed(id, at, how))?;
        if self.check {
            let text = match self.broken {
                0 => "no rule was broken".to_owned(),
                1 => "a rule was broken once".to_owned(),
                broken => format!("rules were broken {} times", grouped(broken)),
            };
            self.screen.note(self.last, (0, 0), "checked", &text, json!({"broken": self.broken}))?;
        }
        self.flush()
    }

    /// Passes on what was printed and saved.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(saver) = &mut self.saver {
            saver.flush()?;
        }
        self.screen.flush()
    }

    fn events(&mut self, id: u64, events: Vec<Event>) -> io::Result<()> {
        let Some(mut connection) = self.connections.remove(&id) else { return Ok(()) };
        let mut shown = Ok(());
        for event in events {
            let events = if self.secrets { vec![event] } else { connection.hider.push(event) };
            shown = shown.and_then(|()| events.iter().try_for_each(|event| self.show(id, &mut connection, event)));
        }
        self.connections.insert(id, connection);
        shown
    }

    /// Saves, prints and judges an event.
    fn show(&mut self, id: u64, connection: &mut Connection, event: &Event) -> io::Result<()> {
        if let Some(saver) = &mut self.saver {
            saver.event(id, event, &self.types)?;
        }
        if let Some(page) = &mut self.page {
            page.event(id, event);
        }
        self.screen.event(id, event, &self.types)?;
        // Of what is no HTTP/2 all is said already.
        if event.frame.shape != Shape::NotHttp2 {
            let remarks = connection.diagnoser.look(event);
            self.remarks(id, remarks, event.at)?;
        }
        if self.check {
            for verdict in connection.checker.check(event) {
                self.broken += 1;
                self.verdict(id, event.at, &verdict)?;
            }
        }
        self.screen.end(id, event)
    }

    fn remarks(&mut self, id: u64, remarks: Vec<Remark>, at: Duration) -> io::Result<()> {
        remarks
            .into_iter()
            .try_for_each(|remark| self.screen.note(at, (id, remark.stream), "remark", &remark.text, Json::Null))
    }

    fn verdict(&mut self, id: u64, at: Duration, verdict: &Verdict) -> io::Result<()> {
        let Verdict { rule, stream, place, text } = verdict;
        let (arrow, start, end) = (place.direction.arrow(), place.start, place.end);
        let words = rules::find(rule)
            .map_or_else(String::new, |rule| format!("; {}, {}: {}", rule.source.title(), rule.section, rule.text));
        let bytes = format!("{arrow} bytes {} to {}", grouped(start), grouped(end));
        let line = format!("broken rule {rule}: {text} ({bytes}){words}");
        let more = json!({"rule": rule, "direction": place.direction.name(), "offset": start, "bytes": end - start});
        self.screen.note(at, (id, *stream), "broken", &line, more)
    }
}

//! Connections become lines: bytes go in, and what they mean is printed, judged and saved.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Direction, Event, Hider, Keep, Reader, Told, grouped};
use serde_json::{Value as Json, json};

use crate::options::Shown;
use crate::save::Saver;
use crate::screen::Screen;

/// How much is held of one connection.
const KEEP: Keep = Keep {
    frame: 256 * 1024,
    block: 256 * 1024,
    message: 4 * 1024 * 1024,
    messages: 8 * 1024 * 1024,
    calls: 10_000,
};

/// Explains any number of connections.
pub struct Explainer {
    types: Arc<Types>,
    secrets: bool,
    screen: Screen,
    saver: Option<Saver>,
    connections: BTreeMap<u64, Connection>,
}

struct Connection {
    reader: Reader,
    hider: Hider,
    /// The time of the last byte.
    at: Duration,
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With its first byte.
    New,
    /// Somewhere: what came before is not known.
    Late,
}

impl Explainer {
    pub fn new(types: Types, shown: &Shown, saver: Option<Saver>) -> Self {
        Explainer {
            types: Arc::new(types),
            secrets: shown.show_secrets,
            screen: Screen::new(shown),
            saver,
            connections: BTreeMap::new(),
        }
    }

    /// A connection begins; `about` says whose it is.
    pub fn opened(&mut self, id: u64, at: Duration, about: &str, start: Start) -> io::Result<()> {
        let types = self.types.clone();
        let reader = if start == Start::New { Reader::new(types, KEEP) } else { Reader::late(types, KEEP) };
        self.connections.insert(id, Connection { reader, hider: Hider::default(), at });
        if let Some(saver) = &mut self.saver {
            saver.opened(id, start == Start::Late)?;
        }
        self.screen.note(at, (id, 0), "opened", &format!("connection {about}"), json!({"late": start == Start::Late}))
    }

    /// Bytes have passed.
    pub fn bytes(&mut self, id: u64, direction: Direction, at: Duration, bytes: &[u8]) -> io::Result<()> {
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
        if let Some(saver) = &mut self.saver {
            saver.gap(id, bytes)?;
        }
        let text = format!("{} {} bytes were not explained: {why}", direction.arrow(), grouped(bytes));
        self.screen.note(at, (id, 0), "gap", &text, json!({"direction": direction.name(), "bytes": bytes}))
    }

    /// A connection is over; `how` says how it ended.
    pub fn closed(&mut self, id: u64, at: Duration, how: &str) -> io::Result<()> {
        let Some(mut connection) = self.connections.remove(&id) else { return Ok(()) };
        let left = connection.reader.finish(at);
        let open: Vec<Told> =
            connection.reader.calls().filter(|call| call.is_known()).map(|call| Told::end(at, call)).collect();
        let mut events: Vec<Event> = left.into_iter().flat_map(|event| self.hide(&mut connection.hider, event)).collect();
        events.extend(connection.hider.finish());
        for event in &events {
            self.show(id, event)?;
        }
        for told in &open {
            self.screen.told(id, told)?;
        }
        if let Some(saver) = &mut self.saver {
            saver.closed(id)?;
        }
        self.screen.closed(id);
        self.screen.note(at, (id, 0), "closed", &format!("connection {how}"), Json::Null)
    }

    /// Something to say that is about no byte.
    pub fn say(&mut self, id: u64, at: Duration, text: &str) -> io::Result<()> {
        self.screen.note(at, (id, 0), "note", text, Json::Null)
    }

    /// All connections that are open end here.
    pub fn finish(&mut self, how: &str) -> io::Result<()> {
        let open: Vec<(u64, Duration)> = self.connections.iter().map(|(id, connection)| (*id, connection.at)).collect();
        open.into_iter().try_for_each(|(id, at)| self.closed(id, at, how))?;
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
        for event in events {
            let Some(mut connection) = self.connections.remove(&id) else { return Ok(()) };
            let shown = self.hide(&mut connection.hider, event);
            self.connections.insert(id, connection);
            for event in &shown {
                self.show(id, event)?;
            }
        }
        Ok(())
    }

    fn hide(&self, hider: &mut Hider, event: Event) -> Vec<Event> {
        if self.secrets { vec![event] } else { hider.push(event) }
    }

    fn show(&mut self, id: u64, event: &Event) -> io::Result<()> {
        if let Some(saver) = &mut self.saver {
            saver.event(id, event, &self.types)?;
        }
        self.screen.event(id, event, &self.types)
    }
}

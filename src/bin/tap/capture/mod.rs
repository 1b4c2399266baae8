//! Network captures: packets become segments, segments become streams of bytes, and those are explained.

mod connection;
mod packets;
mod segment;
mod stream;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use h2grpc::transcript::grouped;

use super::explain::Explainer;
use super::options::{Names, Paged, Shown};
use super::page::Page;
use super::{End, names};
use connection::Connection;
use packets::Stopped;
use segment::{Held, Segment};

/// So many connections are followed at once; the oldest beyond are closed.
const CONNECTIONS: usize = 10_000;

/// Explains the connections of a capture.
pub fn run(file: &Path, port: Option<u16>, page: &Paged, names: &Names, shown: &Shown) -> Result<End, String> {
    let page = Page::wanted(page, shown.show_secrets, &[file])?;
    let explainer = Explainer::new(names::types(names)?, shown, None, page);
    let mut capture = Capture {
        port,
        explainer,
        began: None,
        last: Duration::ZERO,
        open: BTreeMap::new(),
        ids: BTreeMap::new(),
        count: 0,
        fragments: 0,
        unknown: None,
    };
    let read = packets::each(file, |packet| capture.packet(packet));
    // What was read before the file broke is explained all the same.
    let read = match read {
        Err(stopped @ Stopped::Output(_)) => Err(stopped),
        read => capture.finish().map_err(Stopped::Output).and(read),
    };
    let ended = capture.explainer.end();
    match (read, capture.nothing()) {
        (Err(Stopped::Output(error)), _) if error.kind() == io::ErrorKind::BrokenPipe => ended.and(Ok(End::Well)),
        (Err(Stopped::Output(error)), _) => Err(error.to_string()),
        (Err(Stopped::File(why)), _) => Err(why),
        (Ok(()), Some(why)) => Err(format!("{}: {why}", file.display())),
        (Ok(()), None) => ended,
    }
}

struct Capture {
    port: Option<u16>,
    explainer: Explainer,
    /// The time of the first packet.
    began: Option<Duration>,
    last: Duration,
    /// The connections by their numbers, in the order in which they began.
    open: BTreeMap<u64, Connection>,
    /// Their numbers by both ends, the lower address first.
    ids: BTreeMap<(SocketAddr, SocketAddr), u64>,
    count: u64,
    fragments: u64,
    unknown: Option<i32>,
}

impl Capture {
    fn packet(&mut self, packet: &packets::Packet<'_>) -> io::Result<()> {
        let began = *self.began.get_or_insert(packet.at);
        // Microseconds are what all recordings have.
        self.last = Duration::from_micros(packet.at.saturating_sub(began).as_micros() as u64);
        match segment::segment(packet) {
            Held::Segment(segment) => self.segment(&segment),
            Held::Fragment => {
                self.fragments += 1;
                Ok(())
            }
            Held::UnknownLink(link) => {
                self.unknown = Some(link.0);
                Ok(())
            }
            Held::Other => Ok(()),
        }
    }

    fn segment(&mut self, segment: &Segment<'_>) -> io::Result<()> {
        if self.port.is_some_and(|port| segment.from.port() != port && segment.to.port() != port) {
            return Ok(());
        }
        let key = (segment.from.min(segment.to), segment.from.max(segment.to));
        let begins = segment.syn && segment.acknowledged.is_none();
        let known = self.ids.get(&key).copied();
        // The same ports again are another connection, but a SYN that is sent again is not.
        if let Some(id) = known.filter(|id| begins && self.open.get(id).is_some_and(Connection::has_bytes)) {
            self.close(id)?;
        }
        let id = match self.ids.get(&key) {
            Some(id) => *id,
            None => {
                self.count += 1;
                self.ids.insert(key, self.count);
                self.open.insert(self.count, Connection::new(self.count, segment, self.port));
                self.count
            }
        };
        if let Some(connection) = self.open.get_mut(&id) {
            connection.segment(self.last, segment, &mut self.explainer)?;
            if connection.is_over() {
                self.close(id)?;
            }
        }
        while self.open.len() > CONNECTIONS {
            let Some(oldest) = self.open.keys().next().copied() else { break };
            self.close(oldest)?;
        }
        Ok(())
    }

    fn close(&mut self, id: u64) -> io::Result<()> {
        let Some(mut connection) = self.open.remove(&id) else { return Ok(()) };
        self.ids.retain(|_, own| *own != id);
        connection.close(self.last, &mut self.explainer)
    }

    fn finish(&mut self) -> io::Result<()> {
        let open: Vec<u64> = self.open.keys().copied().collect();
        open.into_iter().try_for_each(|id| self.close(id))?;
        if self.fragments > 0 {
            let text = format!("{} fragments of IP packets were left out", grouped(self.fragments));
            self.explainer.say(0, self.last, &text)?;
        }
        self.explainer.finish("")
    }

    /// Why there was nothing to explain, if there was not.
    fn nothing(&self) -> Option<String> {
        let port = self.port.map_or_else(String::new, |port| format!(" of port {port}"));
        match (self.explainer.count(), self.began, self.unknown, self.count) {
            (1.., ..) => None,
            (_, None, ..) => Some("the capture has no packets".to_owned()),
            (_, _, Some(link), 0) => Some(format!("link type {link} is not known; capture on another interface")),
            (_, _, _, 0) => Some(format!("the capture has no TCP connection{port}")),
            (_, _, _, count) => Some(format!(
                "none of its {} TCP connections is HTTP/2 in cleartext; --port names the server's port",
                grouped(count)
            )),
        }
    }
}

//! Our own side of each connection of a test is judged by the rules of the wire. A breach ends the test program.
//!
//! What the peer does is not judged: many peers of tests misbehave on purpose. Each side's end of a connection is looked
//! at, since what a side may send depends on what has come to it, and not on what is on its way.

#![allow(dead_code)]

use std::collections::VecDeque;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use h2grpc::client::Channel;
use h2grpc::server::Server;
use h2grpc::transcript::{Checker, Direction, Event, Keep, Reader, Transcript, Verdict};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{InspectReader, InspectWriter};

/// Which of a connection's sides are of this stack, and so are judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ours {
    Client,
    Server,
    Both,
}

/// How many frames were judged in this program, by their direction.
static JUDGED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

pub fn frames_judged() -> [u64; 2] {
    JUDGED.each_ref().map(|count| count.load(Ordering::Relaxed))
}

/// So many frames before a breach are shown with it.
const SHOWN: usize = 8;

/// What a test needs little of: a connection is read as it passes, and what was read is forgotten.
const KEEP: Keep = Keep { frame: 32 * 1024, block: 1024 * 1024, message: 0, messages: 0, calls: 10_000 };

/// `server`, each of whose connections is judged. This takes the place of what [`Server::wrap_streams`] has set.
pub fn serving(server: Server) -> Server {
    server.wrap_streams(|_, stream| self::server(stream))
}

/// `channel`, each of whose connections is judged. This takes the place of what [`Channel::wrap_streams`] has set.
pub fn calling(channel: Channel) -> Channel {
    channel.wrap_streams(|_, stream| client(stream))
}

/// Our server's end of a connection. What the server sends is judged.
pub fn server<IO: AsyncRead + AsyncWrite>(io: IO) -> impl AsyncRead + AsyncWrite + use<IO> {
    at_server(io, Ours::Server)
}

/// Our client's end of a connection. What the client sends is judged.
pub fn client<IO: AsyncRead + AsyncWrite>(io: IO) -> impl AsyncRead + AsyncWrite + use<IO> {
    at_client(io, Ours::Client)
}

/// The end of a connection at any server.
pub fn at_server<IO: AsyncRead + AsyncWrite>(io: IO, ours: Ours) -> impl AsyncRead + AsyncWrite + use<IO> {
    judged(io, Direction::ToClient, ours, end_program)
}

/// The end of a connection at any client.
pub fn at_client<IO: AsyncRead + AsyncWrite>(io: IO, ours: Ours) -> impl AsyncRead + AsyncWrite + use<IO> {
    judged(io, Direction::ToServer, ours, end_program)
}

/// A panic here would only end a connection's task, which a test may take for a lost connection. So the program ends,
/// and with it the tests that run at the same time.
fn end_program(breach: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a thread without a name");
    // Not by eprint!, which the test harness keeps until the test has ended.
    let _ = std::io::stderr().write_all(format!("\nIn {test}: {breach}\n").as_bytes());
    std::process::exit(101)
}

/// The end of a connection that sends this way. Each breach of a rule by one of ours is told to `tell`.
pub fn judged<IO, F>(io: IO, sends: Direction, ours: Ours, tell: F) -> impl AsyncRead + AsyncWrite + use<IO, F>
where
    IO: AsyncRead + AsyncWrite,
    F: Fn(&str) + Send + Sync + 'static,
{
    let judge = Judge {
        ours,
        reader: Reader::new(Arc::default(), KEEP),
        checker: Checker::new(false),
        before: VecDeque::new(),
        tell,
    };
    let incoming = Arc::new(Mutex::new(judge));
    let outgoing = Arc::clone(&incoming);
    let io = InspectReader::new(io, move |bytes: &[u8]| push(&incoming, sends.other(), bytes));
    InspectWriter::new(io, move |bytes: &[u8]| push(&outgoing, sends, bytes))
}

fn push<F: Fn(&str)>(judge: &Mutex<Judge<F>>, direction: Direction, bytes: &[u8]) {
    judge.lock().unwrap_or_else(PoisonError::into_inner).push(direction, bytes);
}

/// Reads a connection, and judges its sides that are ours.
struct Judge<F> {
    ours: Ours,
    reader: Reader,
    checker: Checker,
    before: VecDeque<Event>,
    tell: F,
}

impl<F: Fn(&str)> Judge<F> {
    fn push(&mut self, direction: Direction, bytes: &[u8]) {
        for event in self.reader.push(direction, Duration::ZERO, bytes) {
            let verdicts = self.checker.check(&event);
            self.before.push_back(event);
            if self.before.len() > SHOWN {
                self.before.pop_front();
            }
            if self.is_ours(direction) {
                JUDGED[direction.index()].fetch_add(1, Ordering::Relaxed);
                verdicts.iter().for_each(|verdict| (self.tell)(&self.breach(verdict)));
            }
        }
    }

    fn is_ours(&self, direction: Direction) -> bool {
        let sender = if direction == Direction::ToServer { Ours::Client } else { Ours::Server };
        self.ours == sender || self.ours == Ours::Both
    }

    fn breach(&self, verdict: &Verdict) -> String {
        let events = self.before.iter().cloned().collect();
        let transcript = Transcript { events, ..Transcript::default() };
        let (rule, text, place) = (verdict.rule, &verdict.text, verdict.place);
        format!(
            "our own side breaks the rule {rule}: {text} ({} bytes {} to {}). The frames before:\n\n{transcript}",
            place.direction.arrow(),
            place.start,
            place.end
        )
    }
}

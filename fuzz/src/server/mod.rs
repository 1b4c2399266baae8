//! A real server and a client that sends whatever the fuzzer thinks of.
//!
//! What must hold:
//! - nothing panics, neither in the connection's task nor in a handler;
//! - what the server sends is HTTP/2 and gRPC, and stays within the client's flow control: [`rules`];
//! - a legal call that the client lets run has the one status that it is due, and no other;
//! - a connection that survives what the client did answers one more call;
//! - the connection ends in its time once the client has closed it, has fallen silent, or the server stops;
//! - each call that has begun is reported ended once, and no handler and no task is left;
//! - memory is bounded while the connection lives, and comes back.

pub mod calls;
pub mod rules;
pub mod service;

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use h2grpc::transcript::Direction;
use h2grpc::transcript::http2::PREFACE;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::answers::answers;
use crate::memory;
use crate::peer::{PIPE, Peer};
use crate::steps::{self, Step, byte};
use crate::tape::Event;
use crate::wire::{self, *};
use calls::{FIELDS, LEGAL};
use rules::{Made, is_answered, judge};
use service::Counts;

/// Which setup a recorded client has: its frames after the preface, and in the end it behaves.
pub const RECORDED: [u8; 2] = [1, 0];

/// How long a connection may live once its client has closed, has fallen silent, or the server has stopped: the
/// time-outs of keepalive and of draining, with some to spare.
const GONE: Duration = Duration::from_secs(1);
const SILENT: Duration = Duration::from_secs(200);
const STOPPED: Duration = Duration::from_secs(60);

/// The memory of a connection: what it takes with the most that its calls hold, and what the client has sent, which may
/// be kept several times over.
const MEMORY: usize = 4 << 20;

/// What a client does, from its first byte to its last.
#[derive(Debug)]
pub struct Script {
    greeting: Greeting,
    end: End,
    steps: Vec<Step>,
}

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Greeting {
    Whole,
    Preface,
    Nothing,
}

/// What it does in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// It reads all, opens its windows, makes one more call, and closes.
    Behaves,
    Closes,
    SendsNoMore,
    /// It sends no more and reads.
    Listens,
    /// It neither sends nor reads.
    FallsSilent,
    /// The server stops.
    IsSentAway,
}

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let greeting = match byte(u)? % 8 {
            1 => Greeting::Preface,
            2 => Greeting::Nothing,
            _ => Greeting::Whole,
        };
        let end = match byte(u)? % 8 {
            1 => End::Closes,
            2 => End::SendsNoMore,
            3 => End::Listens,
            4 => End::FallsSilent,
            5 => End::IsSentAway,
            _ => End::Behaves,
        };
        Ok(Script { greeting, end, steps: steps::steps(u)? })
    }
}

/// Plays a script, and checks everything.
pub fn run(script: &Script) {
    memory::bounded(|| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(play(script))
    });
}

/// The client and what it knows of its calls.
struct Client {
    peer: Peer,
    made: Vec<Made>,
    stop: watch::Sender<bool>,
}

/// Gives how much memory all this may take.
async fn play(script: &Script) -> usize {
    let (io, end) = tokio::io::duplex(PIPE);
    let (stop, stopped) = watch::channel(false);
    let counts = Counts::default();
    let server = service::server(&counts);
    let serving = tokio::spawn(async move {
        // How it ends is the client's business.
        let _ = server.serve_connection(end, None, stopped).await;
    });
    let mut client = Client { peer: Peer::new(io, Direction::ToServer), made: Vec::new(), stop };
    client.greet(script.greeting).await;
    for step in &script.steps {
        client.take(step).await;
    }
    client.end(script, serving).await;
    judge(&client.peer.tape, &client.made);
    assert_eq!((counts.open(), counts.begun()), (0, counts.ended()), "handlers that run, calls that have begun");
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "tasks are left");
    MEMORY + 8 * client.peer.tape.bytes()
}

impl Client {
    async fn greet(&mut self, greeting: Greeting) {
        if greeting != Greeting::Nothing {
            self.peer.send(PREFACE).await;
        }
        if greeting == Greeting::Whole {
            self.peer.send(&frame(SETTINGS, 0, 0, b"")).await;
        }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Settle => self.peer.settle().await,
            Step::Pause(time) => self.peer.pause(*time).await,
            Step::Read(reads) => self.peer.reads = *reads,
            Step::Close { whole: true } => self.peer.close(),
            Step::Close { whole: false } => self.peer.shut().await,
            Step::Next => drop(self.stop.send(true)),
            Step::Exchange { case, count, cut } => self.call(*case, *count, *cut).await,
            step => {
                let from = self.peer.tape.sent.events.len();
                self.peer.send(&step.bytes(self.latest(), FIELDS, LEGAL)).await;
                let new = &self.peer.tape.sent.events[from..];
                self.made.retain(|made| !new.iter().any(|event| rules::stream_of(event) == Some(made.stream)));
            }
        }
    }

    /// The highest stream that a frame was for: it may be closed by that.
    fn latest(&self) -> u32 {
        self.peer.tape.sent.streams.last().copied().unwrap_or(0)
    }

    /// Makes a call on a new stream.
    async fn call(&mut self, case: u8, count: u8, cut: u8) {
        let latest = self.latest();
        let stream = latest + 1 + latest % 2;
        if stream >= 0x7fff_ffff {
            return;
        }
        let call = calls::call(stream, case, count, cut);
        self.peer.send(&call.bytes).await;
        if self.peer.is_open() {
            self.made.push(Made { stream, expected: call.expected });
        }
    }

    async fn end(&mut self, script: &Script, mut serving: JoinHandle<()>) {
        let most = match script.end {
            End::Behaves if self.peer.is_open() && self.peer.tape.sent.is_between_frames() => {
                self.behave(script).await;
                self.peer.close();
                GONE
            }
            End::Behaves | End::Closes => {
                self.peer.close();
                GONE
            }
            End::SendsNoMore => {
                self.peer.shut().await;
                SILENT
            }
            End::Listens => SILENT,
            End::FallsSilent => {
                self.peer.reads = false;
                SILENT
            }
            End::IsSentAway => {
                let _ = self.stop.send(true);
                STOPPED
            }
        };
        let ended = timeout(most, async {
            tokio::select! {
                () = self.peer.listen() => serving.await,
                ended = &mut serving => ended,
            }
        });
        let ended = ended.await.unwrap_or_else(|_| panic!("{most:?} after the end its connection is still served"));
        assert!(ended.is_ok(), "the connection's task has panicked");
        self.peer.settle().await;
    }

    /// Does all that a good client does, and expects the same of the server.
    async fn behave(&mut self, script: &Script) {
        self.peer.reads = true;
        self.peer.settle().await;
        let streams: Vec<u32> = self.made.iter().map(|made| made.stream).collect();
        self.peer.open_windows(streams.into_iter()).await;
        self.answered(Duration::from_secs(10)).await;
        assert!(!self.peer.is_closed || !script.is_honest(), "the server has closed an honest client's connection");
        self.leave_streams().await;
        self.call(0, 0, 7).await;
        let canary = self.made.last().map(|made| made.stream);
        self.peer.open_windows(canary.into_iter()).await;
        self.answered(Duration::from_secs(1)).await;
    }

    /// Waits until all calls are answered that must be.
    async fn answered(&mut self, most: Duration) {
        let wait = Duration::from_millis(200);
        for _ in 0..most.as_millis() / wait.as_millis() {
            self.peer.pause(wait).await;
            self.peer.acknowledge().await;
            if self.missing().is_none() {
                return;
            }
        }
        let missing = self.missing();
        assert!(missing.is_none(), "after {most:?} no answer to {missing:?}: {:?}", self.peer.tape.received.events);
    }

    /// The first call that is not answered, though the server lives and has not asked its client to leave.
    fn missing(&self) -> Option<&Made> {
        let received = &self.peer.tape.received.events;
        if self.peer.is_closed || received.iter().any(|event| matches!(event, Event::GoAway { .. })) {
            return None;
        }
        let answers = answers(received);
        self.made.iter().find(|made| !is_answered(made, answers.get(&made.stream)))
    }

    /// Resets all streams but those of legal calls, so that there is room for another.
    async fn leave_streams(&mut self) {
        let mut streams: Vec<u32> = self.peer.tape.sent.events.iter().filter_map(opened).collect();
        streams.sort_unstable();
        streams.dedup();
        streams.retain(|stream| !self.made.iter().any(|made| made.stream == *stream));
        let resets = streams.into_iter().map(|stream| frame(RST_STREAM, 0, stream, &wire::CANCEL.to_be_bytes()));
        let resets: Vec<u8> = resets.flatten().collect();
        self.peer.send(&resets).await;
        self.peer.settle().await;
    }
}

fn opened(event: &Event) -> Option<u32> {
    match event {
        Event::Block { stream, .. } => Some(*stream),
        _ => None,
    }
}

impl Script {
    /// Whether it does nothing that a server may close its connection for.
    fn is_honest(&self) -> bool {
        let mut pauses = Duration::ZERO;
        let is_honest = self.steps.iter().all(|step| match step {
            Step::Settle | Step::Exchange { .. } | Step::Read(_) => true,
            Step::Ping { flags } => *flags == 0,
            Step::Pause(pause) => {
                pauses += *pause;
                true
            }
            _ => false,
        });
        self.greeting == Greeting::Whole && is_honest && pauses < Duration::from_secs(50)
    }
}

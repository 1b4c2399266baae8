//! A connection whose two ends take turns, so that a conversation has the same order whenever it is played.
//!
//! Two programs that speak at once are heard in an order that chance decides. Here, one side speaks until it waits for
//! something, and only then the other side hears all of that. It is as if bytes took a millisecond to the other end: the
//! clock stands still while anybody has something to do, so a millisecond later everybody has said everything. Where
//! both sides have something to say, the one speaks that did not speak last, and the client first.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use h2grpc::transcript::{Direction, Recorded};
use tokio::io::{AsyncRead, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::time::{Instant, sleep};

/// How long bytes take to the other end.
pub const TURN: Duration = Duration::from_millis(1);

/// More than any story has to say.
const ROOM: usize = 1 << 22;

/// What passes between the two ends of a connection.
pub struct Line(Arc<Mutex<Recorded>>);

impl Line {
    /// A new connection: the line, the client's end and the server's end.
    pub fn new() -> (Line, DuplexStream, DuplexStream) {
        let (client, near) = tokio::io::duplex(ROOM);
        let (far, server) = tokio::io::duplex(ROOM);
        let line = Line(Arc::default());
        let passing =
            Passing { ends: [near, far], open: [true; 2], recorded: Arc::clone(&line.0), begin: Instant::now() };
        tokio::spawn(passing.pass());
        (line, client, server)
    }

    /// Everything that has passed, when nobody has anything to say any more.
    pub async fn end(self) -> Recorded {
        quiet().await;
        self.0.lock().unwrap().clone()
    }
}

/// Waits until both sides have said what they have to say for now.
pub async fn quiet() {
    sleep(20 * TURN).await;
}

struct Passing {
    /// What the client says comes from the first.
    ends: [DuplexStream; 2],
    open: [bool; 2],
    recorded: Arc<Mutex<Recorded>>,
    begin: Instant,
}

impl Passing {
    async fn pass(mut self) {
        let mut next = Direction::ToServer;
        while self.open.contains(&true) {
            let (direction, mut bytes) = poll_fn(|cx| self.poll_speaker(cx, next)).await;
            let mut ended = bytes.is_empty();
            sleep(TURN).await;
            while !ended {
                let Some(more) = poll_fn(|cx| self.poll_read(cx, direction)).now_or_never() else { break };
                ended = more.is_empty();
                bytes.extend(more);
            }
            self.recorded.lock().unwrap().push_at(direction, self.begin.elapsed(), &bytes);
            let to = &mut self.ends[direction.other().index()];
            // An end that is gone hears nothing.
            let _ = to.write_all(&bytes).await;
            if ended {
                let _ = to.shutdown().await;
                self.open[direction.index()] = false;
            }
            next = direction.other();
        }
    }

    /// The first bytes of whoever speaks next.
    fn poll_speaker(&mut self, cx: &mut Context<'_>, next: Direction) -> Poll<(Direction, Vec<u8>)> {
        for direction in [next, next.other()] {
            if self.open[direction.index()]
                && let Poll::Ready(bytes) = self.poll_read(cx, direction)
            {
                return Poll::Ready((direction, bytes));
            }
        }
        Poll::Pending
    }

    /// What a side has said; nothing at its end.
    fn poll_read(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<Vec<u8>> {
        let mut bytes = vec![0; 1 << 16];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.ends[direction.index()]).poll_read(cx, &mut buffer);
        read.map(|_| buffer.filled().to_vec())
    }
}

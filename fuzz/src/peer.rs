//! One end of a connection in memory, whose other end belongs to a server or a client of h2grpc.
//!
//! The clock stands while anybody works, and jumps to the next timer when nobody does. So a wait of a millisecond ends
//! when the other side has done all that there is to do.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use h2grpc::transcript::Direction;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::time::{sleep, timeout};

use crate::tape::{Event, Tape};
use crate::wire::*;

/// How many bytes a connection holds, each way.
pub const PIPE: usize = 64 * 1024;

/// How long the other side may take to read, if the peer reads what it writes.
const STALL: Duration = Duration::from_millis(100);

/// A peer of the side under test.
#[derive(Debug)]
pub struct Peer {
    io: Option<DuplexStream>,
    pub tape: Tape,
    /// It reads whenever it waits.
    pub reads: bool,
    /// The other side has closed.
    pub is_closed: bool,
    /// This side has said that it sends no more.
    is_shut: bool,
    /// How many of the other side's events have been looked at for an answer.
    answered: usize,
}

impl Peer {
    /// A peer that sends `way`.
    pub fn new(io: DuplexStream, way: Direction) -> Self {
        let tape = Tape::new(way);
        Peer { io: Some(io), tape, reads: true, is_closed: false, is_shut: false, answered: 0 }
    }

    /// Whether it can still send.
    pub fn is_open(&self) -> bool {
        self.io.is_some() && !self.is_shut && !self.is_closed
    }

    /// Sends bytes, and reads if it must to get them through.
    pub async fn send(&mut self, mut bytes: &[u8]) {
        while self.is_open() && !bytes.is_empty() {
            let Some(io) = &mut self.io else { return };
            match timeout(STALL, io.write(bytes)).await {
                Ok(Ok(count)) => {
                    self.tape.note_sent(&bytes[..count]);
                    bytes = &bytes[count..];
                }
                Ok(Err(_)) => self.is_closed = true,
                Err(_) => {
                    let taken = self.take().await;
                    assert!(taken > 0 || self.is_closed, "it does not read, though its peer has read everything");
                }
            }
        }
    }

    /// Reads what there is. Gives how much that was.
    async fn take(&mut self) -> usize {
        let Some(io) = &mut self.io else { return 0 };
        let mut taken = 0;
        let mut buffer = [0; 8 * 1024];
        loop {
            let mut into = ReadBuf::new(&mut buffer);
            let read = poll_fn(|cx| Poll::Ready(Pin::new(&mut *io).poll_read(cx, &mut into))).await;
            match read {
                Poll::Pending => return taken,
                Poll::Ready(Ok(())) if !into.filled().is_empty() => {
                    taken += into.filled().len();
                    self.tape.note_received(into.filled());
                }
                Poll::Ready(_) => {
                    self.is_closed = true;
                    return taken;
                }
            }
        }
    }

    /// Waits until the other side has nothing more to do.
    pub async fn settle(&mut self) {
        self.pause(Duration::from_millis(1)).await;
    }

    /// Waits for `time`, and reads meanwhile if it reads at all.
    pub async fn pause(&mut self, time: Duration) {
        sleep(time).await;
        while self.reads && self.take().await > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Reads, if it reads at all, until the other side has closed.
    pub async fn listen(&mut self) {
        let mut buffer = [0; 8 * 1024];
        while let Some(io) = self.io.as_mut().filter(|_| self.reads) {
            match io.read(&mut buffer).await {
                Ok(count @ 1..) => self.tape.note_received(&buffer[..count]),
                _ => {
                    self.is_closed = true;
                    return;
                }
            }
        }
    }

    /// Sends no more.
    pub async fn shut(&mut self) {
        if let Some(io) = &mut self.io {
            self.is_shut = true;
            let _ = io.shutdown().await; // it fails when the other side is gone
        }
    }

    /// Neither sends nor reads any more.
    pub fn close(&mut self) {
        self.io = None;
    }

    /// Acknowledges what the other side has sent since the last time, as HTTP/2 demands.
    pub async fn acknowledge(&mut self) {
        let mut bytes = Vec::new();
        for event in &self.tape.received.events[self.answered..] {
            match event {
                Event::Settings { is_ack: false, .. } => bytes.extend(frame(SETTINGS, ACK, 0, b"")),
                Event::Ping { is_ack: false, data } => bytes.extend(frame(PING, ACK, 0, data)),
                _ => {}
            }
        }
        self.answered = self.tape.received.events.len();
        self.send(&bytes).await;
    }

    /// Opens the windows of the connection and of `streams` wide enough for any answer here.
    pub async fn open_windows(&mut self, streams: impl Iterator<Item = u32>) {
        const WIDE: i64 = 1 << 24;
        let first = self.tape.sent.events.iter().rev().find_map(|event| match event {
            Event::Settings { settings, .. } => settings.iter().rev().find(|(id, _)| *id == INITIAL_WINDOW_SIZE),
            _ => None,
        });
        let first = first.map_or(WINDOW, |(_, size)| *size);
        let mut bytes = Vec::new();
        for stream in std::iter::once(0).chain(streams) {
            let begin = if stream == 0 { WINDOW } else { first };
            if i64::from(begin) + self.moved(stream) < WIDE {
                bytes.extend(frame(WINDOW_UPDATE, 0, stream, &(WIDE as u32).to_be_bytes()));
            }
        }
        self.send(&bytes).await;
    }

    /// By how much a window that this side grants has grown or, negative, shrunk.
    fn moved(&self, window: u32) -> i64 {
        let granted = self.tape.sent.events.iter().map(|event| match event {
            Event::Window { stream, increment } if *stream == window => i64::from(*increment),
            _ => 0,
        });
        let used = self.tape.received.events.iter().map(|event| match event {
            Event::Data { stream, counted, .. } if window == 0 || *stream == window => i64::from(*counted),
            _ => 0,
        });
        granted.sum::<i64>() - used.sum::<i64>()
    }
}

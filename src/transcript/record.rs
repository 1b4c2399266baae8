//! A byte stream that remembers: [`Recorder`] wraps one end of a connection and notes what passes, unchanged.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Where bytes travel. HTTP/2 is symmetric in its frames, but not in who asks and who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the server: requests.
    ToServer,
    /// From the server to the client: answers.
    ToClient,
}

/// The bytes of one connection, both ways, in the order in which the recording end saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// What passed; two neighbours never have the same direction.
    pub chunks: Vec<(Direction, Vec<u8>)>,
    /// How many bytes passed after the limit was reached. They are not in `chunks`.
    pub missed: u64,
}

impl Recorded {
    /// Appends bytes, to the last chunk if that went the same way.
    pub fn push(&mut self, direction: Direction, bytes: &[u8]) {
        match self.chunks.last_mut() {
            _ if bytes.is_empty() => {}
            Some((last, chunk)) if *last == direction => chunk.extend_from_slice(bytes),
            _ => self.chunks.push((direction, bytes.to_vec())),
        }
    }
}

/// A handle on what a [`Recorder`] writes down. Clones share one recording.
#[derive(Clone, Debug)]
pub struct Recording(Arc<Mutex<Tape>>);

#[derive(Debug)]
struct Tape {
    recorded: Recorded,
    left: usize,
}

impl Recording {
    /// An empty recording of at most `limit` bytes, both directions together. At the limit it stops for good (a
    /// connection with a gap in it cannot be read) and counts what it [missed](Recorded::missed).
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Tape { recorded: Recorded::default(), left: limit })))
    }

    /// A copy of everything so far. A transcript needs a connection from its first byte on, so this is what to read.
    pub fn snapshot(&self) -> Recorded {
        self.tape().recorded.clone()
    }

    fn add(&self, direction: Direction, bytes: &[u8]) {
        let mut tape = self.tape();
        let room = if tape.recorded.missed > 0 { 0 } else { tape.left.min(bytes.len()) };
        tape.recorded.push(direction, &bytes[..room]);
        tape.recorded.missed += (bytes.len() - room) as u64;
        tape.left -= room;
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One end of a connection whose traffic is copied into a [`Recording`] as it is read and written.
#[derive(Debug)]
pub struct Recorder<IO> {
    io: IO,
    recording: Recording,
    read: Direction,
    written: Direction,
}

impl<IO> Recorder<IO> {
    /// Wraps the client's end: what it writes goes to the server.
    pub fn client(io: IO, recording: Recording) -> Self {
        Self { io, recording, read: Direction::ToClient, written: Direction::ToServer }
    }

    /// Wraps the server's end: what it reads came from the client.
    pub fn server(io: IO, recording: Recording) -> Self {
        Self { io, recording, read: Direction::ToServer, written: Direction::ToClient }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Recorder<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.recording.add(self.read, &buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Recorder<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bufs))?;
        let mut left = count;
        for buf in bufs {
            let part = left.min(buf.len());
            self.recording.add(self.written, &buf[..part]);
            left -= part;
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn both_ways_are_recorded_in_order_and_neighbours_are_merged() {
        let (near, mut far) = tokio::io::duplex(64);
        let recording = Recording::new(64);
        let mut near = Recorder::client(near, recording.clone());
        near.write_all(b"as").await.unwrap();
        let pieces = [IoSlice::new(b"k"), IoSlice::new(b"ed")];
        assert!(near.is_write_vectored());
        assert_eq!(near.write_vectored(&pieces).await.unwrap(), 3);
        far.write_all(b"answered").await.unwrap();
        let mut answer = [0; 8];
        near.read_exact(&mut answer).await.unwrap();

        let expected = vec![(Direction::ToServer, b"asked".to_vec()), (Direction::ToClient, b"answered".to_vec())];
        assert_eq!(recording.snapshot(), Recorded { chunks: expected, missed: 0 });
    }

    #[tokio::test]
    async fn the_recording_stops_at_its_limit_and_counts_what_it_missed() {
        let (near, mut far) = tokio::io::duplex(64);
        let recording = Recording::new(4);
        let mut near = Recorder::server(near, recording.clone());
        near.write_all(b"abcdef").await.unwrap();
        far.write_all(b"g").await.unwrap();
        assert_eq!(near.read_u8().await.unwrap(), b'g', "the connection itself goes on");
        assert_eq!(recording.snapshot(), Recorded { chunks: vec![(Direction::ToClient, b"abcd".to_vec())], missed: 3 });
        near.write_all(b"h").await.unwrap();
        assert_eq!(recording.snapshot().missed, 4, "no bytes after a gap");
    }
}

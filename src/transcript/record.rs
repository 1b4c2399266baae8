//! A byte stream that remembers: a [`Recording`] wraps one end of a connection and notes what passes, unchanged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_util::io::{InspectReader, InspectWriter};

/// Where bytes travel. HTTP/2 is symmetric in its frames, but not in who asks and who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the server: requests.
    ToServer,
    /// From the server to the client: answers.
    ToClient,
}

impl Direction {
    /// Both.
    pub const BOTH: [Direction; 2] = [Direction::ToServer, Direction::ToClient];

    /// The way back.
    pub fn other(self) -> Self {
        Direction::BOTH[1 - self.index()]
    }

    /// Its place in a pair, requests first.
    pub fn index(self) -> usize {
        self as usize
    }

    /// "->" to the server, "<-" to the client.
    pub fn arrow(self) -> &'static str {
        ["->", "<-"][self.index()]
    }
}

/// The bytes of one connection, both ways, in the order in which the recording end saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// What passed. Two neighbours differ in their direction or in their time.
    pub chunks: Vec<Chunk>,
    /// How many bytes passed after the limit was reached. They are not in `chunks`.
    pub missed: u64,
    /// Whether the recording begins within the connection, at any byte of it.
    pub late: bool,
}

/// Bytes that passed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which way.
    pub direction: Direction,
    /// How long after the recording began.
    pub at: Duration,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Recorded {
    /// Appends bytes of which nobody knows the time: they came with those before.
    pub fn push(&mut self, direction: Direction, bytes: &[u8]) {
        let at = self.chunks.last().map_or(Duration::ZERO, |last| last.at);
        self.push_at(direction, at, bytes);
    }

    /// Appends bytes, to the last chunk if that went the same way at the same time.
    pub fn push_at(&mut self, direction: Direction, at: Duration, bytes: &[u8]) {
        match self.chunks.last_mut() {
            _ if bytes.is_empty() => {}
            Some(last) if last.direction == direction && last.at == at => last.bytes.extend_from_slice(bytes),
            _ => self.chunks.push(Chunk { direction, at, bytes: bytes.to_vec() }),
        }
    }

    /// All bytes of a direction.
    pub fn bytes(&self, direction: Direction) -> Vec<u8> {
        let chunks = self.chunks.iter().filter(|chunk| chunk.direction == direction);
        chunks.flat_map(|chunk| &chunk.bytes).copied().collect()
    }

    /// The same without its times: what passed in one direction without an interruption is one chunk.
    pub fn without_times(&self) -> Self {
        let mut plain = Recorded { chunks: Vec::new(), ..*self };
        self.chunks.iter().for_each(|chunk| plain.push_at(chunk.direction, Duration::ZERO, &chunk.bytes));
        plain
    }
}

/// A handle on what is written down of one connection. Clones share one recording.
#[derive(Clone, Debug)]
pub struct Recording(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tape: Mutex<Tape>,
    /// Each end that is recorded has a receiver. Nothing is sent: the sender knows when the last end is gone.
    ends: watch::Sender<()>,
}

#[derive(Debug)]
struct Tape {
    recorded: Recorded,
    left: usize,
    began: Instant,
}

impl Recording {
    /// An empty recording of at most `limit` bytes, both directions together. At the limit it stops for good (a
    /// connection with a gap in it cannot be read) and counts what it [missed](Recorded::missed).
    pub fn new(limit: usize) -> Self {
        let (ends, _) = watch::channel(());
        Self(Arc::new(Shared {
            tape: Mutex::new(Tape { recorded: Recorded::default(), left: limit, began: Instant::now() }),
            ends,
        }))
    }

    /// A copy of everything so far. A transcript needs a connection from its first byte on, so this is what to read.
    pub fn snapshot(&self) -> Recorded {
        self.tape().recorded.clone()
    }

    /// Waits until no end is recorded any more: each was dropped, or there was none. Then the recording is complete.
    pub async fn closed(&self) {
        self.0.ends.closed().await;
    }

    /// The client's end of a connection, recorded as it is read and written: what it writes goes to the server.
    pub fn client<IO: AsyncRead + AsyncWrite>(&self, end: IO) -> impl AsyncRead + AsyncWrite + use<IO> {
        self.record(end, Direction::ToClient, Direction::ToServer)
    }

    /// The server's end of a connection, recorded as it is read and written: what it reads came from the client.
    pub fn server<IO: AsyncRead + AsyncWrite>(&self, end: IO) -> impl AsyncRead + AsyncWrite + use<IO> {
        self.record(end, Direction::ToServer, Direction::ToClient)
    }

    fn record<IO: AsyncRead + AsyncWrite>(
        &self, end: IO, read: Direction, written: Direction,
    ) -> impl AsyncRead + AsyncWrite + use<IO> {
        let (inward, outward) = (self.clone(), self.clone());
        let open = self.0.ends.subscribe();
        let end = InspectReader::new(end, move |bytes: &[u8]| {
            let _open = &open; // as long as the end is there
            inward.add(read, bytes);
        });
        InspectWriter::new(end, move |bytes: &[u8]| outward.add(written, bytes))
    }

    fn add(&self, direction: Direction, bytes: &[u8]) {
        let mut tape = self.tape();
        let room = if tape.recorded.missed > 0 { 0 } else { tape.left.min(bytes.len()) };
        // Microseconds are what a written transcript tells.
        let at = Duration::from_micros(tape.began.elapsed().as_micros() as u64);
        tape.recorded.push_at(direction, at, &bytes[..room]);
        tape.recorded.missed += (bytes.len() - room) as u64;
        tape.left -= room;
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn both_ways_are_recorded_in_order_and_neighbours_are_merged() {
        let (near, mut far) = tokio::io::duplex(64);
        let recording = Recording::new(64);
        let mut near = recording.client(near);
        near.write_all(b"as").await.unwrap();
        let pieces = [IoSlice::new(b"k"), IoSlice::new(b"ed")];
        assert!(near.is_write_vectored());
        assert_eq!(near.write_vectored(&pieces).await.unwrap(), 3);
        far.write_all(b"answered").await.unwrap();
        let mut answer = [0; 8];
        near.read_exact(&mut answer).await.unwrap();

        let recorded = recording.snapshot();
        assert!(recorded.chunks.is_sorted_by_key(|chunk| chunk.at));
        let mut expected = Recorded::default();
        expected.push(Direction::ToServer, b"asked");
        expected.push(Direction::ToClient, b"answered");
        assert_eq!(recorded.without_times(), expected);
    }

    #[tokio::test]
    async fn a_recording_is_closed_when_its_last_end_is_gone() {
        let recording = Recording::new(64);
        recording.closed().await;
        let (near, far) = tokio::io::duplex(64);
        let (near, far) = (recording.client(near), recording.client(far));
        drop(near);
        assert!(recording.closed().now_or_never().is_none());
        drop(far);
        recording.closed().await;
    }

    #[tokio::test]
    async fn the_recording_stops_at_its_limit_and_counts_what_it_missed() {
        let (near, mut far) = tokio::io::duplex(64);
        let recording = Recording::new(4);
        let mut near = recording.server(near);
        near.write_all(b"abcdef").await.unwrap();
        far.write_all(b"g").await.unwrap();
        assert_eq!(near.read_u8().await.unwrap(), b'g', "the connection itself goes on");
        let recorded = recording.snapshot();
        assert_eq!((recorded.bytes(Direction::ToClient), recorded.missed), (b"abcd".to_vec(), 3));
        assert!(recorded.bytes(Direction::ToServer).is_empty());
        near.write_all(b"h").await.unwrap();
        assert_eq!(recording.snapshot().missed, 4, "no bytes after a gap");
    }
}

//! The byte stream under HTTP/2: any `AsyncRead + AsyncWrite`, with writes gathered.
//!
//! h2 flushes whenever it has nothing more to do, and writes every DATA frame on its own. A system call for each would
//! cost more than all the rest of a call. So [`Transport`] takes the bytes and says "flushed", but writes only when its
//! buffer is full or when the connection's task calls [`Transport::flush`], once, as the last thing in its turn. All
//! answers of a turn leave together, and nothing waits for a timer.

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::{pin::Pin, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::frames::{Frames, Seen, Unfinished};
use super::greeting::Greeting;
use super::keepalive::Activity;
use super::lock::lock;
use crate::limits::WRITE_BUFFER;

/// What a connection runs on: a TCP stream, a Unix socket, a pipe in memory, a recorder around any of them.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for IO {}

/// Makes a TCP stream, accepted or dialled, fit for calls.
///
/// With Nagle's algorithm on, an answer waits for the acknowledgement of the one before: 44 ms a call on loopback.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(60)))
}

/// A shared handle on the byte stream: h2 owns one clone, the connection's task keeps another to flush with.
///
/// Only that task uses either of them, so the lock is never contended.
pub(crate) struct Transport<IO>(Arc<Shared<IO>>);

struct Shared<IO> {
    inner: Mutex<Inner<IO>>,
    /// Whether the socket had nothing more to read when it was last asked in this round.
    drained: AtomicBool,
    /// How often it was read in this turn.
    reads: AtomicUsize,
}

/// How often a turn reads from its socket at most. A read has 8 KiB and more, which hold some 500 PINGs or 900 empty
/// frames: to take in what 32 reads have costs 3 ms at worst.
const READS: usize = 32;

struct Inner<IO> {
    io: IO,
    /// Bytes that h2 has written, `sent` of which the socket has taken. When it has taken them all the buffer is filled
    /// from its start again, so that the same memory stays in the processor's cache.
    out: Vec<u8>,
    sent: usize,
    /// The peer's first bytes, until enough have come to know that it speaks HTTP/2.
    first: Option<(Greeting, Vec<u8>)>,
    /// What the frames say that are read.
    frames: Frames,
    activity: Arc<Activity>,
    /// Whether the socket was full when it was last given bytes.
    is_full: bool,
    /// Why the socket takes no more bytes. What the peer sent before is still read, since it may say the reason.
    broken: Option<io::ErrorKind>,
}

impl<IO> Clone for Transport<IO> {
    fn clone(&self) -> Self {
        Transport(Arc::clone(&self.0))
    }
}

impl<IO: ByteStream> Transport<IO> {
    /// A connection whose peer begins with `greeting`. The peer's signs of life are counted in `activity`.
    pub(crate) fn new(io: IO, greeting: Greeting, activity: Arc<Activity>) -> Self {
        let inner = Inner {
            io,
            out: Vec::new(),
            sent: 0,
            first: Some((greeting, Vec::new())),
            frames: Frames::new(greeting),
            activity,
            is_full: false,
            broken: None,
        };
        Transport(Arc::new(Shared {
            inner: Mutex::new(inner),
            drained: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
        }))
    }

    /// Begins a turn: see [`READS`].
    pub(crate) fn begin_turn(&self) {
        self.0.reads.store(0, Relaxed);
    }

    /// Begins a round of polling. h2 reads before each request that it yields, though its first read took everything.
    /// A socket that had nothing more is not asked again in the same round: it has the waker, and brings another round.
    pub(crate) fn begin_round(&self) {
        self.0.drained.store(false, Relaxed);
    }

    /// Whether this turn has read enough, though there may be more.
    pub(crate) fn has_read_enough(&self) -> bool {
        self.0.reads.load(Relaxed) > READS
    }

    /// Puts into `seen` what the peer's frames have said since the last time, in place of what it holds. A client must
    /// call it in every round.
    pub(crate) fn take_seen(&self, seen: &mut Seen) {
        lock(&self.0.inner).frames.take(seen);
    }

    /// Gives back the buffer for writes: the connection has been idle for a while.
    pub(crate) fn release(&self) {
        lock(&self.0.inner).out.shrink_to_fit();
    }

    /// How many bytes of memory the buffer for writes has.
    #[cfg(test)]
    pub(crate) fn buffer(&self) -> usize {
        lock(&self.0.inner).out.capacity()
    }

    /// Whether the peer has not sent a single byte.
    pub(crate) fn is_untouched(&self) -> bool {
        lock(&self.0.inner).first.as_ref().is_some_and(|(_, first)| first.is_empty())
    }

    /// Writes what has gathered. If the socket is full, `cx` is woken when it has room again. If the socket has failed,
    /// h2 gets the error from its next read.
    pub(crate) fn flush(&self, cx: &mut Context<'_>) {
        let mut inner = lock(&self.0.inner);
        if let Poll::Ready(Err(error)) = inner.poll_flush(cx) {
            inner.broken(&error);
            cx.waker().wake_by_ref();
        }
    }

    /// What the peer has begun to say and not ended.
    pub(crate) fn unfinished(&self) -> Unfinished {
        lock(&self.0.inner).frames.unfinished()
    }
}

impl<IO: ByteStream> Inner<IO> {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, into)?;
        if let (Poll::Pending, Some(kind)) = (polled, self.broken) {
            return Poll::Ready(Err(kind.into()));
        }
        let arrived = &into.filled()[before..];
        if let Some((greeting, first)) = &mut self.first {
            first.extend_from_slice(&arrived[..arrived.len().min(Greeting::LENGTH)]);
            if greeting.check(first)? {
                self.first = None;
            }
        }
        if !arrived.is_empty() {
            self.frames.push(arrived);
            self.activity.count_sign();
        } else if polled.is_ready() && self.frames.is_inside() {
            let text = "the peer closed the connection in the middle of a frame";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, text)));
        }
        polled.map(Ok)
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            let polled = Pin::new(&mut self.io).poll_write(cx, &self.out[self.sent..]);
            let written = ready!(self.noted(polled))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.out.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_write_out(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let offered: usize = pieces.iter().map(|piece| piece.len()).sum();
        if self.broken.is_some() {
            return Poll::Ready(Ok(offered));
        }
        let is_full = !self.out.is_empty() && self.out.len() + offered > WRITE_BUFFER;
        if is_full && let Err(error) = ready!(self.poll_write_out(cx)) {
            self.broken(&error);
            return Poll::Ready(Ok(offered));
        }
        if offered > WRITE_BUFFER {
            let polled = Pin::new(&mut self.io).poll_write_vectored(cx, pieces);
            let written = ready!(self.noted(polled));
            return Poll::Ready(Ok(written.unwrap_or_else(|error| {
                self.broken(&error);
                offered
            })));
        }
        for piece in pieces {
            self.out.extend_from_slice(piece);
        }
        Poll::Ready(Ok(offered))
    }

    /// Notes what a write says of the peer: a socket that was full and takes bytes again has sent some to it.
    fn noted(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => self.is_full = true,
            Poll::Ready(Ok(1..)) if self.is_full => {
                self.is_full = false;
                self.activity.count_sign();
            }
            Poll::Ready(_) => {}
        }
        written
    }

    /// Notes that the socket has failed to take bytes. No more are written.
    fn broken(&mut self, error: &io::Error) {
        self.out = Vec::new();
        self.sent = 0;
        self.broken = Some(error.kind());
    }
}

impl<IO: ByteStream> AsyncWrite for Transport<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        lock(&self.0.inner).poll_write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        lock(&self.0.inner).poll_write(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Leaves the flush to the connection's task.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = lock(&self.0.inner);
        ready!(inner.poll_flush(cx))?;
        Pin::new(&mut inner.io).poll_shutdown(cx)
    }
}

impl<IO: ByteStream> AsyncRead for Transport<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.drained.load(Relaxed) {
            return Poll::Pending;
        }
        self.0.reads.store(self.0.reads.load(Relaxed) + 1, Relaxed);
        if self.has_read_enough() {
            self.0.drained.store(true, Relaxed);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = lock(&self.0.inner).poll_read(cx, into);
        self.0.drained.store(polled.is_pending(), Relaxed);
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn read<IO: ByteStream>(transport: &Transport<IO>) -> Poll<Vec<u8>> {
        let mut room = [0; 16];
        let mut into = ReadBuf::new(&mut room);
        let cx = &mut Context::from_waker(Waker::noop());
        Pin::new(&mut transport.clone()).poll_read(cx, &mut into).map(|read| {
            read.unwrap();
            into.filled().to_vec()
        })
    }

    #[tokio::test]
    async fn a_drained_socket_is_asked_again_in_the_next_round_and_not_before() {
        let (mut peer, io) = duplex(64);
        let transport = Transport::new(io, Greeting::OfClient, Arc::default());
        transport.begin_round();
        peer.write_all(b"PRI").await.unwrap();
        assert_eq!(read(&transport), Poll::Ready(b"PRI".to_vec()));
        assert_eq!(read(&transport), Poll::Pending);
        peer.write_all(b" * ").await.unwrap();
        assert_eq!(read(&transport), Poll::Pending, "the same round");
        transport.begin_round();
        assert_eq!(read(&transport), Poll::Ready(b" * ".to_vec()));
    }

    #[tokio::test]
    async fn a_turn_reads_so_often_and_leaves_the_rest_to_the_next() {
        let (mut peer, io) = duplex(4096);
        let transport = Transport::new(io, Greeting::OfServer, Arc::default());
        peer.write_all(&[4; 4096]).await.unwrap();
        for _ in 0..2 {
            transport.begin_turn();
            transport.begin_round();
            for _ in 0..READS {
                assert_eq!(read(&transport), Poll::Ready(vec![4; 16]));
            }
            assert!(!transport.has_read_enough());
            assert_eq!(read(&transport), Poll::Pending);
            transport.begin_round();
            assert_eq!(read(&transport), Poll::Pending, "the same turn");
            assert!(transport.has_read_enough());
        }
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_fills_one_buffer_and_no_more() {
        for size in [5000, 16 * 1024, 4 * WRITE_BUFFER] {
            let (_peer, io) = duplex(1000);
            let mut transport = Transport::new(io, Greeting::OfClient, Arc::default());
            let cx = &mut Context::from_waker(Waker::noop());
            let mut taken = 0;
            while let Poll::Ready(written) = Pin::new(&mut transport).poll_write(cx, &vec![0; size]) {
                taken += written.unwrap();
                assert!(taken <= 1000 + WRITE_BUFFER, "{taken} bytes are held for a peer that does not read");
                transport.flush(cx);
            }
            assert!(transport.buffer() <= 2 * WRITE_BUFFER);
        }
    }

    #[tokio::test]
    async fn bytes_that_a_socket_takes_at_once_are_no_sign_of_life() {
        let (mut peer, io) = duplex(10);
        let activity = Arc::<Activity>::default();
        let mut transport = Transport::new(io, Greeting::OfClient, Arc::clone(&activity));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut transport).poll_write(cx, b"0123456789ab").is_ready());
        transport.flush(cx);
        assert_eq!(activity.signs(), 0, "a peer that is gone has sockets that take bytes");
        peer.read_exact(&mut [0; 10]).await.unwrap();
        transport.flush(cx);
        assert_eq!(activity.signs(), 1, "it was full, and the peer has taken some");
    }

    #[tokio::test]
    async fn a_prepared_stream_sends_without_delay() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&stream).unwrap();
        assert!(stream.nodelay().unwrap(), "Nagle's algorithm is on");
        assert!(SockRef::from(&stream).keepalive().unwrap());
    }

    #[tokio::test]
    async fn what_the_socket_does_not_take_at_once_follows_in_order() {
        let (mut peer, io) = duplex(10);
        let mut transport = Transport::new(io, Greeting::OfClient, Arc::default());
        let cx = &mut Context::from_waker(Waker::noop());
        let mut written = Vec::new();
        let mut got = Vec::new();
        for piece in [&b"0123456789abcdef"[..], b"gh", b"ijklmnopqrstuvw"] {
            assert!(Pin::new(&mut transport).poll_write(cx, piece).is_ready());
            transport.flush(cx);
            written.extend_from_slice(piece);
            let mut room = [0; 7];
            let read = peer.read(&mut room).await.unwrap();
            got.extend_from_slice(&room[..read]);
        }
        while got.len() < written.len() {
            transport.flush(cx);
            got.push(peer.read_u8().await.unwrap());
        }
        assert_eq!(got, written);
    }

    #[tokio::test]
    async fn a_connection_tells_once_what_h2_has_read() {
        let (mut peer, io) = duplex(64);
        let transport = Transport::new(io, Greeting::OfServer, Arc::default());
        // SETTINGS; then HEADERS of stream 1 with END_STREAM and END_HEADERS, which are read in two pieces of 16 bytes.
        peer.write_all(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88").await.unwrap();
        transport.begin_round();
        let mut seen = Seen::default();
        for expected in [Seen { settings: true, ..Seen::default() }, Seen { ended: vec![1], ..Seen::default() }] {
            assert!(read(&transport).is_ready());
            transport.take_seen(&mut seen);
            assert_eq!(seen, expected);
        }
        assert_eq!(read(&transport), Poll::Pending);
        transport.take_seen(&mut seen);
        assert_eq!(seen, Seen::default());
    }

    #[tokio::test]
    async fn what_the_peer_said_before_it_took_no_more_is_read() {
        let (mut peer, io) = duplex(64);
        let transport = Transport::new(io, Greeting::OfServer, Arc::default());
        let cx = &mut Context::from_waker(Waker::noop());
        peer.write_all(b"HTTP/1.1 400").await.unwrap();
        drop(peer);
        assert!(Pin::new(&mut transport.clone()).poll_write(cx, b"preface").is_ready());
        transport.flush(cx);
        assert_eq!(transport.buffer(), 0, "what nobody takes is not kept");
        transport.begin_round();
        let mut room = [0; 16];
        let read = Pin::new(&mut transport.clone()).poll_read(cx, &mut ReadBuf::new(&mut room));
        let Poll::Ready(Err(error)) = read else { panic!("{read:?}") };
        assert!(error.to_string().contains("HTTP/1.1"), "{error}");
    }
}

//! The byte stream under HTTP/2: any `AsyncRead + AsyncWrite`, with writes gathered.
//!
//! h2 flushes whenever it has nothing more to do, and hands over every DATA frame on its own. A system call for each
//! would cost more than all the rest of a call. [`Transport`] takes the bytes, says "flushed", and writes when its
//! buffer is full or when the connection's task calls [`Transport::flush`], once, as the last thing before it goes
//! idle. So all answers of a turn leave together, and nothing waits for a timer.

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::{pin::Pin, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::greeting::Greeting;
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
    /// The socket had nothing to read when it was asked last, in this round.
    drained: AtomicBool,
}

struct Inner<IO> {
    io: IO,
    /// Bytes that h2 has written, and how many of them the socket has taken. It begins anew when it has them all, at the
    /// start of the same memory, which is in the processor's cache.
    out: Vec<u8>,
    sent: usize,
    /// The peer's first bytes, until enough have come to know that it speaks HTTP/2.
    first: Option<(Greeting, Vec<u8>)>,
    /// The socket takes no more bytes. What the peer has said before is read all the same: it may say why.
    broken: Option<io::ErrorKind>,
}

impl<IO> Clone for Transport<IO> {
    fn clone(&self) -> Self {
        Transport(Arc::clone(&self.0))
    }
}

impl<IO: ByteStream> Transport<IO> {
    /// A connection whose peer begins with `greeting`.
    pub(crate) fn new(io: IO, greeting: Greeting) -> Self {
        let inner = Inner { io, out: Vec::new(), sent: 0, first: Some((greeting, Vec::new())), broken: None };
        Transport(Arc::new(Shared { inner: Mutex::new(inner), drained: AtomicBool::new(false) }))
    }

    /// Begins a round of polling. h2 asks for bytes before each request that it yields, though it read them all at
    /// first; within a round a socket that had none is not asked again. It has the waker, which brings another round.
    pub(crate) fn begin_round(&self) {
        self.0.drained.store(false, Relaxed);
    }

    /// Gives back the buffer for writes: the connection has been idle for a while.
    pub(crate) fn release(&self) {
        lock(&self.0.inner).out.shrink_to_fit();
    }

    /// Whether the peer has not said a single byte.
    pub(crate) fn is_untouched(&self) -> bool {
        lock(&self.0.inner).first.as_ref().is_some_and(|(_, first)| first.is_empty())
    }

    /// Writes what has gathered. While the socket is full, the context is woken when it is not. If it takes no more at
    /// all, HTTP/2 learns it from its next read.
    pub(crate) fn flush(&self, cx: &mut Context<'_>) {
        let mut inner = lock(&self.0.inner);
        if let Poll::Ready(Err(error)) = inner.poll_flush(cx) {
            inner.broken(&error);
            cx.waker().wake_by_ref();
        }
    }
}

impl<IO: ByteStream> Inner<IO> {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, into)?;
        if let (Poll::Pending, Some(kind)) = (polled, self.broken) {
            return Poll::Ready(Err(kind.into()));
        }
        if let Some((greeting, first)) = &mut self.first {
            let arrived = &into.filled()[before..];
            first.extend_from_slice(&arrived[..arrived.len().min(Greeting::LENGTH)]);
            if greeting.check(first)? {
                self.first = None;
            }
        }
        polled.map(Ok)
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.out[self.sent..]))?;
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
            return Pin::new(&mut self.io).poll_write_vectored(cx, pieces);
        }
        for piece in pieces {
            self.out.extend_from_slice(piece);
        }
        Poll::Ready(Ok(offered))
    }

    /// The socket failed to take bytes: none are written any more.
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
        let transport = Transport::new(io, Greeting::OfClient);
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
    async fn what_the_socket_does_not_take_at_once_follows_in_order() {
        let (mut peer, io) = duplex(10);
        let mut transport = Transport::new(io, Greeting::OfClient);
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
    async fn what_the_peer_said_before_it_took_no_more_is_read() {
        let (mut peer, io) = duplex(64);
        let transport = Transport::new(io, Greeting::OfServer);
        let cx = &mut Context::from_waker(Waker::noop());
        peer.write_all(b"HTTP/1.1 400").await.unwrap();
        drop(peer);
        assert!(Pin::new(&mut transport.clone()).poll_write(cx, b"preface").is_ready());
        transport.flush(cx);
        transport.begin_round();
        let mut room = [0; 16];
        let read = Pin::new(&mut transport.clone()).poll_read(cx, &mut ReadBuf::new(&mut room));
        let Poll::Ready(Err(error)) = read else { panic!("{read:?}") };
        assert!(error.to_string().contains("HTTP/1.1"), "{error}");
    }
}

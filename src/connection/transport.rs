//! The byte stream under HTTP/2: any `AsyncRead + AsyncWrite`, with writes gathered and reads made large.
//!
//! h2 flushes whenever it has nothing more to do, and hands over every DATA frame on its own. A system call for each
//! would cost more than all the rest of a call. [`Transport`] takes the bytes, says "flushed", and writes when its buffer is
//! full or when the connection's task calls [`Transport::poll_flush`], once, as the last thing before it goes idle.
//! So all answers of a turn leave together, and nothing waits for a timer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::limits::{READ_A_TURN, READ_BUFFER, WRITE_BUFFER};

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
pub(crate) struct Transport<IO>(Arc<Mutex<Inner<IO>>>);

struct Inner<IO> {
    io: IO,
    /// Bytes that h2 has written and the socket has not.
    out: BytesMut,
    ahead: ReadAhead,
    /// How many more bytes may be read in this turn.
    allowance: usize,
}

impl<IO> Clone for Transport<IO> {
    fn clone(&self) -> Self {
        Transport(Arc::clone(&self.0))
    }
}

impl<IO: ByteStream> Transport<IO> {
    pub(crate) fn new(io: IO) -> Self {
        Transport(Arc::new(Mutex::new(Inner {
            io,
            out: BytesMut::new(),
            ahead: ReadAhead::default(),
            allowance: READ_A_TURN,
        })))
    }

    /// Starts a turn: allows as many bytes to be read as one turn may.
    pub(crate) fn begin_turn(&self) {
        self.lock().allowance = READ_A_TURN;
    }

    /// Whether this turn stopped reading because of its allowance, so that another turn is due.
    pub(crate) fn wants_another_turn(&self) -> bool {
        self.lock().allowance == 0
    }

    /// Gives back the buffer for writes: the connection has been idle for a while.
    pub(crate) fn release(&self) {
        let mut inner = self.lock();
        if inner.out.is_empty() {
            inner.out = BytesMut::new();
        }
    }

    /// Writes what has gathered. Pending while the socket is full; the context is woken when it is not.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_flush(cx)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<IO>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<IO: ByteStream> Inner<IO> {
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.out.has_remaining() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.out))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(cx))?;
        self.out.clear();
        self.ahead.release();
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let offered: usize = pieces.iter().map(|piece| piece.len()).sum();
        if !self.out.is_empty() && self.out.len() + offered > WRITE_BUFFER {
            ready!(self.poll_write_out(cx))?;
            self.out.clear();
        }
        if offered > WRITE_BUFFER {
            return Pin::new(&mut self.io).poll_write_vectored(cx, pieces);
        }
        for piece in pieces {
            self.out.extend_from_slice(piece);
        }
        Poll::Ready(Ok(offered))
    }
}

impl<IO: ByteStream> AsyncWrite for Transport<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().poll_write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lock().poll_write(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Leaves the flush to the connection's task.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        ready!(inner.poll_flush(cx))?;
        Pin::new(&mut inner.io).poll_shutdown(cx)
    }
}

impl<IO: ByteStream> AsyncRead for Transport<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        let Inner { io, ahead, allowance, .. } = &mut *inner;
        if ahead.is_empty() {
            if *allowance == 0 {
                return Poll::Pending; // the connection's task takes another turn, see `wants_another_turn`
            }
            let read = if ahead.worthwhile {
                ready!(ahead.fill(io, cx))?
            } else {
                let before = into.filled().len();
                ready!(Pin::new(io).poll_read(cx, into))?;
                let read = into.filled().len() - before;
                ahead.worthwhile = into.remaining() == 0 && read >= WORTHWHILE;
                read
            };
            *allowance = allowance.saturating_sub(read);
        }
        ahead.take(into);
        Poll::Ready(Ok(()))
    }
}

/// Bytes that the socket has given and h2 has not taken. Used while the peer sends more than h2 reads at once.
#[derive(Default)]
struct ReadAhead {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// The last read filled all the room it had, so there is probably more.
    worthwhile: bool,
}

/// A read that had less room than this says nothing of how much the peer sends.
const WORTHWHILE: usize = 4 * 1024;

impl ReadAhead {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn fill<IO: ByteStream>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.bytes.resize(READ_BUFFER, 0);
        let mut room = ReadBuf::new(&mut self.bytes);
        ready!(Pin::new(io).poll_read(cx, &mut room))?;
        (self.start, self.end) = (0, room.filled().len());
        self.worthwhile = self.end == READ_BUFFER;
        Poll::Ready(Ok(self.end))
    }

    fn take(&mut self, into: &mut ReadBuf<'_>) {
        let length = into.remaining().min(self.end - self.start);
        into.put_slice(&self.bytes[self.start..self.start + length]);
        self.start += length;
    }

    /// Called when the connection goes idle: it keeps no buffer that it does not use.
    fn release(&mut self) {
        if self.is_empty() && !self.worthwhile {
            *self = ReadAhead::default();
        }
    }
}

//! The byte stream under HTTP/2: any `AsyncRead + AsyncWrite`, with writes gathered.
//!
//! h2 flushes whenever it has nothing more to do, and hands over every DATA frame on its own. A system call for each
//! would cost more than all the rest of a call. [`Transport`] takes the bytes, says "flushed", and writes when its
//! buffer is full or when the connection's task calls [`Transport::poll_flush`], once, as the last thing before it goes
//! idle. So all answers of a turn leave together, and nothing waits for a timer.

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::{pin::Pin, time::Duration};

use bytes::{Buf, BytesMut};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::lock;
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
pub(crate) struct Transport<IO>(Arc<Mutex<Inner<IO>>>);

struct Inner<IO> {
    io: IO,
    /// Bytes that h2 has written and the socket has not.
    out: BytesMut,
}

impl<IO> Clone for Transport<IO> {
    fn clone(&self) -> Self {
        Transport(Arc::clone(&self.0))
    }
}

impl<IO: ByteStream> Transport<IO> {
    pub(crate) fn new(io: IO) -> Self {
        Transport(Arc::new(Mutex::new(Inner { io, out: BytesMut::new() })))
    }

    /// Gives back the buffer for writes: the connection has been idle for a while.
    pub(crate) fn release(&self) {
        let mut inner = lock(&self.0);
        if inner.out.is_empty() {
            inner.out = BytesMut::new();
        }
    }

    /// Writes what has gathered. Pending while the socket is full; the context is woken when it is not.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_flush(cx)
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
        lock(&self.0).poll_write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        lock(&self.0).poll_write(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Leaves the flush to the connection's task.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = lock(&self.0);
        ready!(inner.poll_flush(cx))?;
        Pin::new(&mut inner.io).poll_shutdown(cx)
    }
}

impl<IO: ByteStream> AsyncRead for Transport<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut lock(&self.0).io).poll_read(cx, into)
    }
}

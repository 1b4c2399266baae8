//! A byte stream that is torn after so many bytes, wherever in a frame that is.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use h2grpc::connection::ByteStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that one read brings.
const READ: usize = 4096;

/// A stream, and how many more bytes it carries in both directions together. Then it is dropped, and with it the socket.
pub struct Torn {
    stream: Option<Box<dyn ByteStream>>,
    left: usize,
}

impl Torn {
    pub fn new(stream: Box<dyn ByteStream>, after: usize) -> Torn {
        Torn { stream: Some(stream), left: after }
    }

    /// The stream, unless it is torn.
    fn whole(&mut self) -> io::Result<Pin<&mut Box<dyn ByteStream>>> {
        if self.left == 0 {
            self.stream = None;
        }
        self.stream.as_mut().map(Pin::new).ok_or_else(|| ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Torn {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut buffer = [0; READ];
        let most = self.left.min(into.remaining()).min(READ);
        let mut part = ReadBuf::new(&mut buffer[..most]);
        ready!(self.whole()?.poll_read(cx, &mut part))?;
        self.left -= part.filled().len();
        into.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Torn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let most = self.left.min(bytes.len());
        let written = ready!(self.whole()?.poll_write(cx, &bytes[..most]))?;
        self.left -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole()?.poll_shutdown(cx)
    }
}

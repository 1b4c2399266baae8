//! A request that is a stream, as the handler and the connection share it.
//!
//! A handler that waits for the flow-control window of its answers does not read. What comes for it meanwhile would lie in
//! h2, each DATA frame in a record of its own, and each keeping the whole buffer that it was read in: a frame of one byte
//! could cost 8 KiB and more. So when a handler has yielded without waiting for its request, what is there is taken out of
//! h2 and copied together. For a handler that runs in a task of its own the connection does so at once, since that task may
//! have to wait for its turn. The peer gets its window back only when the handler takes it.

use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;

use crate::memory::Charge;
use crate::wire::frame::SHARED;

/// What a chunk takes at least that is not copied: a part of that buffer.
const READ_BUFFER: usize = 8 * 1024;

/// The body of a request, and what was taken out of h2 before the handler asked for it.
#[derive(Debug, Default)]
pub(crate) struct Receiving {
    /// None when the handler needs no more of the request, or never had it here.
    body: Option<RecvStream>,
    kept: BytesMut,
    /// For what is kept, and for the chunk that the handler reads messages from.
    charge: Charge,
    /// Who waited last. A handler may wait in a part of its own, with another waker than the call's.
    reader: Option<Waker>,
    /// Whether the connection takes everything out of h2, and the handler reads only what is kept.
    is_apart: bool,
    /// The connection, until there is a request.
    connection: Option<Waker>,
    /// Whether nothing more comes but the end or an error.
    is_complete: bool,
}

impl Receiving {
    pub(super) fn begin(&mut self, body: RecvStream, charge: Charge) {
        self.charge = charge;
        self.body = Some(body);
        self.connection.take().into_iter().for_each(Waker::wake);
    }

    /// Takes what there is out of h2, on behalf of a handler that runs in a task of its own.
    pub(super) fn take_apart(&mut self, cx: &mut Context<'_>) {
        self.is_apart = true;
        if self.body.is_none() {
            self.connection = Some(cx.waker().clone());
        } else if self.poll_keep(cx).is_ready() && !self.is_complete {
            self.is_complete = true;
            self.reader.take().into_iter().for_each(Waker::wake);
        }
    }

    /// The handler needs no more.
    pub(super) fn end(&mut self) {
        self.body = None;
        self.kept = BytesMut::new();
        self.reader = None;
        self.charge.settle(0);
    }

    /// The next bytes for the handler.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        if !self.kept.is_empty() {
            let kept = std::mem::take(&mut self.kept).freeze();
            release(body, kept.len());
            return Poll::Ready(Some(Ok(kept)));
        }
        let polled = if self.is_apart && !self.is_complete { Poll::Pending } else { body.poll_data(cx) };
        let Poll::Ready(chunk) = polled else {
            self.charge.settle(0);
            match &mut self.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        };
        Poll::Ready(chunk.map(|chunk| {
            let chunk = chunk?;
            release(body, chunk.len());
            // A handler may stop reading in the middle of a chunk, and keeps the whole buffer that it was read in. Of a
            // short one the decoder copies what is left.
            if chunk.len() >= SHARED {
                self.charge.settle(chunk.len().max(READ_BUFFER));
            }
            Ok(chunk)
        }))
    }

    /// The handler has yielded. If it does not wait for its request, takes what there is of it out of h2. True if it
    /// does, in the task of `cx`: h2 wakes that also when the stream is reset.
    #[inline]
    pub(super) fn yielded(&mut self, waits: bool, cx: &mut Context<'_>) -> bool {
        if self.is_apart || self.body.is_none() {
            return false;
        }
        if !waits {
            let _ = self.poll_keep(cx);
        }
        waits && self.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker()))
    }

    #[cold]
    fn poll_keep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(body) = &mut self.body else { return Poll::Pending };
        loop {
            // An end or an error is left to the handler: it stays in h2.
            if body.is_end_stream() {
                return Poll::Ready(());
            }
            match ready!(body.poll_data(cx)) {
                Some(Ok(chunk)) => self.kept.extend_from_slice(&chunk),
                Some(Err(_)) | None => return Poll::Ready(()),
            }
            self.charge.settle(self.kept.capacity() + READ_BUFFER);
            self.reader.take().into_iter().for_each(Waker::wake);
        }
    }
}

/// Gives back room in the flow-control window.
pub(super) fn release(body: &mut RecvStream, bytes: usize) {
    // It fails only when the stream is gone, and its window with it.
    let _ = body.flow_control().release_capacity(bytes);
}

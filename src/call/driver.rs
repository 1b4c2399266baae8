//! The driver of a call: it moves on to h2 what the sender has added, waits for the flow-control window, and ends the
//! stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::error::{status_of, status_of_reset};
use super::outlet::Outlet;
use super::sending::{End, Sending, Stage};
use crate::status::Status;

/// What became of a call whose request is a stream that was dropped half way.
const UNFINISHED: &str = "the call was cancelled, since its request was dropped before finish() was called: a request \
     that is a stream must be ended by finish(), or the server could take a part of it for the whole";

/// The status of a call whose request was dropped half way.
pub(super) fn unfinished() -> Status {
    Status::cancelled(UNFINISHED)
}

/// The driver's half of an [`Outlet`]. When it is dropped, nothing more can be sent, and the sender gets an error.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) outlet: Arc<Outlet>,
    /// The call has ended as it should: there is nobody left to tell.
    is_over: AtomicBool,
}

impl Driver {
    pub(crate) fn new(outlet: Arc<Outlet>) -> Self {
        Driver { outlet, is_over: AtomicBool::new(false) }
    }

    /// Notes that the call is about to be polled. What it sends does not wake the driver, which looks at the outlet
    /// afterwards, in [`poll_yield`](Self::poll_yield).
    pub(crate) fn begin_poll(&self) {
        self.outlet.driving.store(true, Relaxed);
        self.outlet.awaits.store(false, Relaxed);
    }

    /// To be called when the call was polled and has yielded: gives h2 what the call has sent, and waits for room in
    /// the window and for the peer's reset. Ready with the call's status when the peer has reset the stream or the
    /// connection is lost.
    pub(crate) fn poll_yield(&self, cx: &mut Context<'_>) -> Poll<Status> {
        let awaits = self.outlet.awaits.load(Relaxed);
        let is_woken_by_reset = self.outlet.receiving().is_some_and(|mut receiving| receiving.yielded(awaits, cx));
        let mut sending = self.outlet.lock();
        self.outlet.driving.store(false, Relaxed);
        match &mut sending.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        if sending.end == End::Cancel {
            sending.reset(h2::Reason::CANCEL, unfinished());
        }
        let _ = poll_drain(&mut sending, cx);
        sending.settle(&self.outlet.head);
        let reset = match &mut sending.stage {
            Stage::Over(Some(why)) => return Poll::Ready(why.clone()),
            Stage::Over(None) | Stage::Between => return Poll::Pending,
            Stage::Head(_) | Stage::Messages(_) if is_woken_by_reset => return Poll::Pending,
            Stage::Head(respond) => respond.poll_reset(cx),
            Stage::Messages(stream) => stream.poll_reset(cx),
        };
        let status = match ready!(reset) {
            Ok(reason) => status_of_reset(reason, "the call was running"),
            Err(error) => status_of(error, "the call was running"),
        };
        sending.lose(status.clone());
        Poll::Ready(status)
    }

    /// Ends a server's call after everything that was sent before: with its `last` message, which is taken, and with
    /// `status`. Ready when h2 has taken it all.
    ///
    /// # Errors
    /// Why the stream was over before.
    pub(crate) fn poll_end(
        &self, cx: &mut Context<'_>, last: &mut Option<Bytes>, status: &Status,
    ) -> Poll<Result<(), Status>> {
        let mut sending = self.outlet.lock();
        if let Some(frame) = last.take() {
            sending.queue.put(frame);
        }
        if !sending.queue.is_empty() || status.is_ok() || !trailers_only(&mut sending, status) {
            sending.send_head();
            ready!(poll_drain(&mut sending, cx));
            if let Stage::Over(Some(why)) = &sending.stage {
                return Poll::Ready(Err(why.clone()));
            }
            send_trailers(&mut sending, status);
        }
        sending.stage = Stage::Over(None);
        self.is_over.store(true, Relaxed);
        Poll::Ready(Ok(()))
    }

    /// Ends the stream with RST_STREAM and discards what waits. Whoever still sends gets `why` as the error.
    pub(crate) fn reset(&self, reason: h2::Reason, why: Status) {
        self.outlet.lock().reset(reason, why);
    }

    /// Ready when the sender or the reader of a call that has no stream has given it up.
    pub(crate) fn poll_given_up(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut sending = self.outlet.lock();
        // The poll that found the stream lost has left this set.
        self.outlet.driving.store(false, Relaxed);
        sending.driver = Some(cx.waker().clone());
        if sending.end == End::Cancel { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether nothing is left to send or to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.outlet.lock().is_over()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !self.is_over.load(Relaxed) {
            self.outlet.fail(Status::unavailable("the connection was lost while the call was running"));
        }
    }
}

/// Answers without messages: head, status and metadata in one HEADERS frame. False if the head has been sent before.
fn trailers_only(sending: &mut Sending, status: &Status) -> bool {
    let Stage::Head(respond) = &mut sending.stage else { return false };
    let mut head = status.to_trailers_only();
    if let Some(metadata) = &sending.metadata {
        metadata.head.copy_to(head.headers_mut());
        metadata.trailers.copy_to(head.headers_mut());
    }
    // It fails only when the stream is reset already, and then nobody waits for it.
    let _ = respond.send_response(head, true);
    true
}

fn send_trailers(sending: &mut Sending, status: &Status) {
    let Stage::Messages(stream) = &mut sending.stage else { return };
    let mut trailers = status.to_trailers();
    if let Some(metadata) = &sending.metadata {
        metadata.trailers.copy_to(&mut trailers);
    }
    // It fails only when the stream is reset already, and then nobody waits for them.
    let _ = stream.send_trailers(trailers);
}

/// Gives h2 everything, as the flow-control window allows. Ready when nothing is left.
fn poll_drain(sending: &mut Sending, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        sending.advance();
        if sending.queue.is_empty() {
            return Poll::Ready(());
        }
        if sending.is_held_back(Some(cx.waker())) {
            return Poll::Pending;
        }
        let Stage::Messages(stream) = &mut sending.stage else { return Poll::Ready(()) };
        // It reports changes of the capacity, so it is asked only after `advance` found none.
        match ready!(stream.poll_capacity(cx)) {
            Some(Ok(_)) => {}
            Some(Err(error)) => sending.lose(status_of(error, "a message waited for the flow-control window")),
            // The send half is closed or reset: `poll_reset` tells which.
            None => return Poll::Pending,
        }
    }
}

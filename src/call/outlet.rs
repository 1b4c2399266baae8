//! One h2 send stream and the frames that wait for it.
//!
//! Two parties meet here: the *sender*, who has an [`Outbound`](super::Outbound) and puts messages in, and the
//! [`Driver`](super::driver::Driver), who polls the call and moves what was put in on to h2. The driver alone waits for
//! flow control, so that h2, which keeps one waker a stream, always wakes the one who can act.
//!
//! ```text
//!           the first bytes, send_head()             trailers, or END_STREAM
//!   Head  -------------------------------> Messages ------------------------> Over(None)
//!    | |                                      |
//!    | | an error before any byte             | a reset, a lost connection
//!    | v (Trailers-Only)                      v
//!    | Over(None)                          Over(Some(why))
//!    +-----------------------------------> Over(Some(why))
//! ```
//!
//! A server's call begins in `Head`; a client's request, whose head is sent when it begins, in `Messages`.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use h2::{SendStream, server::SendResponse};

use super::error::status_of;
use super::head::CallHead;
use super::queue::Queue;
use super::unasked::Unasked;
use crate::limits::BATCH;
use crate::metadata::Metadata;
use crate::{status::Status, wire::head};

/// What the sender and the driver of one direction of a call share.
#[derive(Debug)]
pub(crate) struct Outlet {
    /// What is known of the call from its head: here, so that a call is one allocation that its parts share.
    pub(crate) head: CallHead,
    sending: Mutex<Sending>,
    /// Set while the driver polls the call. The driver looks at `sending` afterwards, so nobody needs to wake it. It
    /// clears this under the lock: what was added while this was set is there when it looks.
    pub(super) driving: AtomicBool,
    /// Whether this is a client's request, which must not look complete when its sender is dropped.
    pub(super) is_request: bool,
}

/// What the lock of an [`Outlet`] protects.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) stage: Stage,
    pub(super) queue: Queue,
    pub(super) end: End,
    /// Metadata of the response, if the handler has set any.
    pub(super) metadata: Option<Box<ResponseMetadata>>,
    unasked: Unasked,
    /// Bytes of frames that h2 was given.
    sent: u64,
    pub(super) driver: Option<Waker>,
    sender: Option<Waker>,
}

/// How far the sending of a call has come: see the picture above.
#[derive(Debug)]
pub(super) enum Stage {
    /// A server's call whose response head is not sent.
    Head(SendResponse<Bytes>),
    Messages(SendStream<Bytes>),
    /// Nothing can be sent any more; with the reason, unless everything was sent.
    Over(Option<Status>),
}

/// What follows the last message.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// More messages may come.
    Open,
    /// END_STREAM, as a client ends its request.
    Stream,
    /// RST_STREAM with CANCEL: the sender was dropped half way, or the response is over and nobody needs the request.
    Cancel,
}

/// Metadata for the response head, until that is sent, and for the trailers.
#[derive(Debug, Default)]
pub(super) struct ResponseMetadata {
    pub(super) head: Metadata,
    pub(super) trailers: Metadata,
}

impl Outlet {
    /// A server's side of a call.
    pub(crate) fn response(respond: SendResponse<Bytes>, head: CallHead) -> Arc<Self> {
        Outlet::new(Stage::Head(respond), head, false)
    }

    /// A client's side of a call, whose request head is sent.
    pub(crate) fn request(stream: SendStream<Bytes>, head: CallHead) -> Arc<Self> {
        Outlet::new(Stage::Messages(stream), head, true)
    }

    fn new(stage: Stage, head: CallHead, is_request: bool) -> Arc<Self> {
        let sending = Sending {
            stage,
            queue: Queue::default(),
            end: End::Open,
            metadata: None,
            unasked: Unasked::default(),
            sent: 0,
            driver: None,
            sender: None,
        };
        Arc::new(Outlet { head, sending: Mutex::new(sending), driving: AtomicBool::new(false), is_request })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of frames that h2 was given.
    pub(crate) fn sent(&self) -> u64 {
        self.lock().sent
    }

    /// Whether h2 has taken everything that was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// Sends the response head, if that has not been done.
    pub(super) fn send_head(&self) {
        let mut sending = self.lock();
        sending.send_head();
        self.wake_driver(&sending);
    }

    /// Adds a message that `write` appends. True when the sender must wait for room.
    pub(super) fn add(&self, write: impl FnOnce(&mut BytesMut) -> Result<(), Status>) -> Result<bool, Status> {
        let mut sending = self.lock();
        sending.check_open()?;
        write(sending.queue.gathering())?;
        if sending.queue.is_full() {
            sending.advance();
        }
        self.wake_driver(&sending);
        Ok(sending.queue.is_full())
    }

    /// Adds frames that are encoded already. They are not copied if nothing waits: see
    /// [`poll_taken`](Self::poll_taken).
    pub(super) fn put(&self, frames: Bytes) -> Result<(), Status> {
        let mut sending = self.lock();
        sending.check_open()?;
        sending.queue.put(frames);
        self.wake_driver(&sending);
        Ok(())
    }

    /// Ready when another message may be added.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let mut sending = self.lock();
        sending.check_open()?;
        sending.advance();
        if !sending.queue.is_full() {
            return Poll::Ready(Ok(()));
        }
        self.wait(&mut sending, cx)
    }

    /// Ready when h2 has taken everything.
    pub(super) fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let mut sending = self.lock();
        sending.advance();
        match &sending.stage {
            Stage::Over(None) => return Poll::Ready(Ok(())),
            _ => sending.check_open()?,
        }
        if sending.queue.is_empty() && sending.end == End::Open {
            return Poll::Ready(Ok(()));
        }
        self.wait(&mut sending, cx)
    }

    /// Ends the stream with END_STREAM after what was added.
    pub(super) fn finish(&self) {
        let mut sending = self.lock();
        sending.end = End::Stream;
        sending.advance();
        self.wake_driver(&sending);
    }

    /// Whether the request was cut off: its sender is gone, and has not finished it.
    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().end == End::Cancel
    }

    /// The sender of a client's request was dropped: the call is cancelled, unless the request was finished.
    pub(super) fn abandon(&self) {
        let mut sending = self.lock();
        if sending.end == End::Open {
            sending.end = End::Cancel;
            self.wake_driver(&sending);
        }
    }

    /// The response of a client's call has ended, or was dropped: what is left of the request is for nobody, also of one
    /// that was finished and waits for the window.
    pub(super) fn give_up(&self) {
        let mut sending = self.lock();
        sending.end = End::Cancel;
        self.wake_driver(&sending);
    }

    fn wait(&self, sending: &mut Sending, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        sending.sender = Some(cx.waker().clone());
        self.wake_driver(sending);
        Poll::Pending
    }

    /// Wakes the driver, unless it is polling the call at this moment.
    fn wake_driver(&self, sending: &Sending) {
        if !self.driving.load(Relaxed) {
            sending.driver.iter().for_each(Waker::wake_by_ref);
        }
    }
}

impl Sending {
    /// Fails when nothing can be sent any more.
    fn check_open(&self) -> Result<(), Status> {
        match &self.stage {
            Stage::Over(Some(why)) => Err(why.clone()),
            Stage::Over(None) => Err(Status::cancelled("the call has ended")),
            Stage::Head(_) | Stage::Messages(_) => Ok(()),
        }
    }

    pub(super) fn send_head(&mut self) {
        let Stage::Head(respond) = &mut self.stage else { return };
        let mut response = head::response_head();
        if let Some(metadata) = &self.metadata {
            metadata.head.copy_to(response.headers_mut());
        }
        match respond.send_response(response, false) {
            Ok(stream) => self.stage = Stage::Messages(stream),
            Err(error) => self.fail(status_of(error, "the response head was sent")),
        }
    }

    /// Gives h2 what its window allows now, and tells a waiting sender if that made room.
    pub(super) fn advance(&mut self) {
        let mut progress = false;
        while !self.queue.is_empty() || self.end == End::Stream {
            self.send_head();
            let front = self.queue.front();
            let Stage::Messages(stream) = &mut self.stage else { break };
            let mut count = front.len;
            if count > 0 && !self.unasked.allows(front) {
                // A modest target: capacity that is reserved for one stream is lost to the others.
                let target = front.len.min(4 * BATCH);
                stream.reserve_capacity(target);
                count = stream.capacity().min(target);
                self.unasked.asked(count == front.len);
                if count == 0 {
                    break;
                }
            }
            let data = self.queue.take(count);
            let ends = self.end == End::Stream && self.queue.is_empty();
            match stream.send_data(data, ends) {
                Err(error) => self.fail(status_of(error, "a message was sent")),
                Ok(()) if ends => self.stage = Stage::Over(None),
                Ok(()) => {}
            }
            self.sent += count as u64;
            progress = true;
        }
        if progress {
            self.wake_sender();
        }
    }

    /// Ends the sending because of `why`, which the sender gets as its error.
    pub(super) fn fail(&mut self, why: Status) {
        self.stage = Stage::Over(Some(why));
        self.queue.clear();
        self.wake_sender();
    }

    /// Ends the stream with RST_STREAM and discards what waits. The sender gets `why` as its error.
    pub(super) fn reset(&mut self, reason: h2::Reason, why: Status) {
        match &mut self.stage {
            Stage::Head(respond) => respond.send_reset(reason),
            Stage::Messages(stream) => stream.send_reset(reason),
            Stage::Over(_) => return,
        }
        self.fail(why);
    }

    fn wake_sender(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
    }
}

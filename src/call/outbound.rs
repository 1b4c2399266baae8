//! Messages going out: gathered, handed to HTTP/2 under its flow control, ended by trailers or END_STREAM.
//!
//! Flush on yield: `send` encodes into the call's buffer. The buffer goes to h2 when it holds [`BATCH`] bytes, or when
//! the handler yields (its poll returned `Pending`) or ends, whichever is first. A burst of small messages becomes one
//! DATA frame, a lone message leaves at once, and there is neither a timer nor a setting.
//!
//! Two parties meet in an [`Outlet`]: the *sender*, who has an [`Outbound`] and puts messages in, and the *driver*, who
//! polls the call and moves what was put in on to h2. Only the driver waits for flow control, so that h2, which keeps
//! one waker a stream, always wakes the one who can act.

use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::{borrow::Borrow, future::poll_fn, marker::PhantomData, mem, net::SocketAddr, ptr};

use bytes::{Bytes, BytesMut};
use h2::{SendStream, server::SendResponse};
use http::{HeaderMap, Uri};
use prost::Message;

use super::client::Deadline;
use super::error::{status_of, status_of_reset};
use crate::codec::{self, Encoded};
use crate::{limits::BATCH, metadata::Metadata, status::Status, wire::head};

/// The least room that a stream's buffer grows by.
const ROOM: usize = 1024;

/// How much of a call h2 is given without asking for its window: small answers, for which the question would cost more
/// than the memory that they take while the window is closed. Of what was encoded before, which takes no new memory, it
/// is given a [`BATCH`].
const UNASKED: usize = 4 * 1024;

/// The sending half of a call, for messages of type `T`.
///
/// A server's handler borrows it and ends the stream by returning. A client owns it: [`finish`](Self::finish) ends the
/// request, and dropping it half way cancels the call, so that an aborted upload never looks complete.
#[derive(Debug)]
pub struct Outbound<T> {
    outlet: Arc<Outlet>,
    message: PhantomData<fn(T)>,
}

impl<T: Message> Outbound<T> {
    /// Messages that are encoded already are copied where they are fewer bytes than this together.
    pub const SHORT: usize = BATCH / 4;

    pub(crate) fn new(outlet: Arc<Outlet>) -> Self {
        Outbound { outlet, message: PhantomData }
    }

    /// Sends `message`, a value or a reference. It waits while the peer's flow-control window is full, and then memory
    /// holds one [`BATCH`] that waits, one that gathers, this one message, and 4 KiB that h2 took without asking for the
    /// window.
    ///
    /// # Errors
    /// The call's status when it has ended: cancelled by the peer, past its deadline, its connection lost. On a client,
    /// the answer tells what the server thought: read it before you believe this one.
    pub async fn send(&mut self, message: impl Borrow<T>) -> Result<(), Status> {
        let wait = self.outlet.lock().put(message.borrow())?;
        if wait { self.room().await } else { Ok(()) }
    }

    /// Sends messages that are encoded already, without copying them where they are many, after all those sent before.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub async fn send_encoded(&mut self, messages: Encoded<T>) -> Result<(), Status> {
        let frames = messages.into_frames();
        if frames.len() < Self::SHORT { self.send_frames(&frames).await } else { self.hand_over(frames).await }
    }

    /// Sends a copy of bytes that are whole frames, each holding a message of type `T`. That they are is the caller's
    /// word.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub async fn send_frames(&mut self, frames: &[u8]) -> Result<(), Status> {
        let wait = self.outlet.lock().put_frames(frames)?;
        if wait { self.room().await } else { Ok(()) }
    }

    /// All of it at one moment, so that a caller who stops waiting leaves no half of a frame.
    async fn hand_over(&mut self, frames: Bytes) -> Result<(), Status> {
        let mut frames = Some(frames);
        poll_fn(|cx| {
            let mut outlet = self.outlet.lock();
            ready!(outlet.poll_taken(cx))?;
            if let Some(frames) = frames.take() {
                outlet.set_piece(frames);
            }
            outlet.poll_taken(cx)
        })
        .await
    }

    /// Ends the request: no message follows. Without it, dropping the sending half cancels the call.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub async fn finish(self) -> Result<(), Status> {
        self.outlet.lock().finish();
        poll_fn(|cx| self.outlet.lock().poll_taken(cx)).await
    }

    async fn room(&self) -> Result<(), Status> {
        poll_fn(|cx| self.outlet.lock().poll_room(cx)).await
    }
}

impl<T> Drop for Outbound<T> {
    fn drop(&mut self) {
        if self.outlet.is_request {
            self.outlet.lock().abandon();
        }
    }
}

/// What the parties of a call share: the queue between its sender and its driver, with the h2 stream behind it, and
/// what the call's head said. One allocation a call, which its parts all point to.
#[derive(Debug)]
pub(crate) struct Outlet {
    state: Mutex<State>,
    /// This is a client's request, which must not look complete when its sender goes away.
    is_request: bool,
    pub(crate) origin: Origin,
    /// Whom the next frame of a server's request wakes: the data of the waker that its reader waits with.
    pub(super) reader: AtomicPtr<()>,
}

/// What a server knows of a call from its head. A client has no use for it.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub(crate) uri: Uri,
    /// The length of the service's name in the path.
    pub(crate) service_len: usize,
    pub(crate) metadata: Metadata,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) peer: Option<SocketAddr>,
}

/// See [`Outlet`].
#[derive(Debug)]
pub(crate) struct State {
    stage: Stage,
    /// Metadata of the answer, where the handler has any.
    extra: Option<Box<Extra>>,
    /// Whole frames, still growing.
    buffer: BytesMut,
    /// Bytes that wait for the flow-control window, before those of `buffer`.
    piece: Bytes,
    /// What h2 was given since it last had window for everything.
    unasked: usize,
    end: End,
    /// The method has a stream in some direction: its response head does not wait for a message, because there are
    /// clients that wait for the head.
    pub(super) is_streaming: bool,
    /// The driver is polling this call right now, and will look at the outlet afterwards. So it always is when a
    /// server's handler sends.
    driven: bool,
    driver: Option<Waker>,
    sender: Option<Waker>,
}

/// Metadata for the response head, until that is sent, and for the trailers.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) head: Metadata,
    pub(super) trailers: Metadata,
}

/// How far the call's answer, or a client's request, has come.
#[derive(Debug)]
enum Stage {
    /// A server's call whose response head is not sent.
    Head(SendResponse<Bytes>),
    Body(SendStream<Bytes>),
    /// Nothing can be sent any more; with the reason, where it is not simply the end.
    Over(Option<Status>),
}

/// What follows the last message.
#[derive(Debug, PartialEq)]
enum End {
    /// More messages may come.
    Open,
    /// END_STREAM, as a client ends its request.
    Stream,
    /// RST_STREAM with CANCEL: the sender was dropped half way.
    Cancel,
}

impl Outlet {
    /// A server's side of a call.
    pub(crate) fn response(respond: SendResponse<Bytes>, origin: Origin) -> Self {
        Outlet::new(Stage::Head(respond), origin, false)
    }

    /// A client's side of a call, whose request head is sent.
    pub(crate) fn request(stream: SendStream<Bytes>) -> Self {
        Outlet::new(Stage::Body(stream), Origin::default(), true)
    }

    fn new(stage: Stage, origin: Origin, is_request: bool) -> Self {
        let (extra, buffer, piece, unasked, driver, sender) = Default::default();
        let (end, is_streaming, driven) = (End::Open, is_request, !is_request);
        let state = State { stage, extra, buffer, piece, unasked, end, is_streaming, driven, driver, sender };
        Outlet { state: Mutex::new(state), is_request, origin, reader: AtomicPtr::default() }
    }

    /// After a server's call was polled and has yielded: [`State::poll_yield`].
    pub(crate) fn poll_yield(&self, cx: &mut Context<'_>) -> Poll<Status> {
        let reads = self.reader.load(Relaxed).cast_const() == cx.waker().data();
        self.reader.store(ptr::null_mut(), Relaxed);
        self.lock().poll_yield(cx, reads)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is needed at a call's end by whoever alone still holds it: no lock, and the memory of the request's metadata.
    pub(crate) fn parts(&mut self) -> (&mut State, &mut HeaderMap) {
        (self.state.get_mut().unwrap_or_else(PoisonError::into_inner), self.origin.metadata.memory())
    }
}

/// What the sender does.
impl State {
    /// Adds a message. True when the sender must wait for room.
    pub(crate) fn put<T: Message>(&mut self, message: &T) -> Result<bool, Status> {
        self.open()?;
        self.make_room();
        codec::encode(message, &mut self.buffer)?;
        Ok(self.added())
    }

    fn put_frames(&mut self, frames: &[u8]) -> Result<bool, Status> {
        self.open()?;
        self.make_room();
        self.buffer.extend_from_slice(frames);
        Ok(self.added())
    }

    /// A stream's buffer has room for more than one message, so that it need not be made anew for each. Encoding sees to
    /// a message that is longer than the room.
    fn make_room(&mut self) {
        if self.is_streaming && self.buffer.capacity() - self.buffer.len() < ROOM / 4 {
            self.buffer.reserve(ROOM);
        }
    }

    fn added(&mut self) -> bool {
        if self.buffer.len() < BATCH {
            self.wake_driver();
            return false;
        }
        self.advance();
        self.wake_driver();
        self.buffer.len() >= BATCH
    }

    /// Ready when another message may be put in.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.open()?;
        self.advance();
        if self.buffer.len() < BATCH {
            return Poll::Ready(Ok(()));
        }
        self.wait(cx)
    }

    /// Ready when h2 has taken everything.
    fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        if let Stage::Over(None) = self.stage {
            return Poll::Ready(Ok(()));
        }
        self.open()?;
        self.advance();
        if self.is_empty() && self.end == End::Open || matches!(self.stage, Stage::Over(None)) {
            return Poll::Ready(Ok(()));
        }
        self.wait(cx)
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.sender = Some(cx.waker().clone());
        self.wake_driver();
        Poll::Pending
    }

    pub(crate) fn set_piece(&mut self, frames: Bytes) {
        self.piece = frames;
        self.wake_driver();
    }

    fn finish(&mut self) {
        self.end = End::Stream;
        self.advance();
        self.wake_driver();
    }

    /// One half of a client's call was dropped before its end: the call is cancelled.
    pub(super) fn abandon(&mut self) {
        if self.end == End::Open {
            self.end = End::Cancel;
            self.wake_driver();
        }
    }

    /// Fails when nothing can be sent any more.
    fn open(&self) -> Result<(), Status> {
        match &self.stage {
            Stage::Over(Some(status)) => Err(status.clone()),
            Stage::Over(None) => Err(Status::cancelled("the call has ended")),
            _ => Ok(()),
        }
    }

    /// Whether h2 has everything; what it has not, flow control holds back.
    pub(crate) fn is_empty(&self) -> bool {
        self.piece.is_empty() && self.buffer.is_empty()
    }

    /// Within its own poll the driver looks here anyway; from elsewhere it must be told.
    fn wake_driver(&self) {
        if let Some(driver) = self.driver.as_ref().filter(|_| !self.driven) {
            driver.wake_by_ref();
        }
    }
}

/// What the driver does.
impl State {
    /// After the call was polled and has yielded: hands over what it has sent, and watches for room and for the peer's
    /// reset.
    ///
    /// Ready with the call's status when the peer has reset the stream or the connection is lost. A call that `reads`,
    /// waiting for the request with the same waker, is woken by these anyway and fails there: two locks less.
    pub(crate) fn poll_yield(&mut self, cx: &mut Context<'_>, reads: bool) -> Poll<Status> {
        if self.is_streaming {
            self.send_head();
        }
        let _ = self.poll_drain(cx);
        let reset = match &mut self.stage {
            Stage::Over(Some(status)) => return Poll::Ready(status.clone()),
            Stage::Over(None) => return Poll::Pending,
            _ if reads => return Poll::Pending,
            Stage::Head(respond) => respond.poll_reset(cx),
            Stage::Body(stream) => stream.poll_reset(cx),
        };
        let status = match ready!(reset) {
            Ok(reason) => status_of_reset(reason, "the call was running"),
            Err(error) => status_of(error, "the call was running"),
        };
        self.fail(status.clone());
        Poll::Ready(status)
    }

    /// Ends a server's call with `status`, after everything that was sent before, with trailers in the `memory` of a map
    /// that has served. Ready when h2 has it all.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>, status: &Status, memory: &mut HeaderMap) -> Poll<()> {
        let nothing_sent = self.is_empty();
        if let Stage::Head(respond) = &mut self.stage {
            if nothing_sent && !status.is_ok() {
                let mut head = status.to_trailers_only();
                if let Some(extra) = &self.extra {
                    extra.head.copy_to(head.headers_mut());
                    extra.trailers.copy_to(head.headers_mut());
                }
                let _ = respond.send_response(head, true);
                self.stage = Stage::Over(None);
                return Poll::Ready(());
            }
            self.send_head();
        }
        ready!(self.poll_drain(cx));
        if let Stage::Body(stream) = &mut self.stage {
            let mut trailers = status.to_trailers_in(mem::take(memory));
            if let Some(extra) = &self.extra {
                extra.trailers.copy_to(&mut trailers);
            }
            // It fails only when the stream is reset already, and then nobody waits for them.
            let _ = stream.send_trailers(trailers);
        }
        self.stage = Stage::Over(None);
        Poll::Ready(())
    }

    /// Drives a client's request until it has ended. Ready when nothing is left to do.
    pub(crate) fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.driven = true;
        self.driver.get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        if self.end == End::Cancel {
            self.reset(h2::Reason::CANCEL, Status::cancelled("the request was dropped before its end"));
        }
        let _ = self.poll_yield(cx, false);
        self.driven = false;
        match self.stage {
            Stage::Over(_) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Whether the response head is still to be sent.
    pub(super) fn is_head_unsent(&self) -> bool {
        matches!(self.stage, Stage::Head(_))
    }

    /// The metadata of the answer, to add to it.
    pub(super) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Ends the stream with RST_STREAM, discarding what waits. Whoever sends on it learns `status`.
    pub(crate) fn reset(&mut self, reason: h2::Reason, status: Status) {
        match &mut self.stage {
            Stage::Head(respond) => respond.send_reset(reason),
            Stage::Body(stream) => stream.send_reset(reason),
            Stage::Over(_) => return,
        }
        self.fail(status);
    }

    /// Nothing can be sent any more, because of `status`.
    fn fail(&mut self, status: Status) {
        self.stage = Stage::Over(Some(status));
        self.buffer = BytesMut::new();
        self.piece = Bytes::new();
        self.wake_sender();
    }

    fn wake_sender(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
    }

    fn send_head(&mut self) {
        let Stage::Head(respond) = &mut self.stage else { return };
        let mut response = head::response_head();
        if let Some(extra) = &self.extra {
            extra.head.copy_to(response.headers_mut());
        }
        match respond.send_response(response, false) {
            Ok(stream) => self.stage = Stage::Body(stream),
            Err(error) => self.fail(status_of(error, "the response head was sent")),
        }
    }

    /// Hands over to h2 what its windows allow now, and tells a waiting sender if that made room.
    fn advance(&mut self) {
        self.send_head();
        let mut progress = false;
        while !self.is_empty() || self.end == End::Stream {
            let Stage::Body(stream) = &mut self.stage else { break };
            let mut limit = BATCH;
            if self.piece.is_empty() {
                self.piece = take_all(&mut self.buffer);
                (limit, progress) = (UNASKED, true);
            }
            let mut allowed = self.piece.len();
            self.unasked += allowed;
            if self.unasked > limit {
                // h2 tells a stream's waker of capacity even when it is the stream's own request that brings it. The
                // driver will look again, and watch, before it yields.
                if self.driven {
                    let _ = stream.poll_reset(&mut Context::from_waker(Waker::noop()));
                }
                // A modest target: credit that one stream holds is lost to the others.
                let wanted = allowed.min(4 * BATCH);
                stream.reserve_capacity(wanted);
                allowed = stream.capacity().min(wanted);
                self.unasked = if allowed < self.piece.len() { BATCH } else { 0 }; // what then waits is asked for again
                if allowed == 0 {
                    break;
                }
            }
            let all = allowed == self.piece.len();
            let data = if all { mem::take(&mut self.piece) } else { self.piece.split_to(allowed) };
            let ends = all && self.end == End::Stream && self.buffer.is_empty();
            match stream.send_data(data, ends) {
                Err(error) => self.fail(status_of(error, "a message was sent")),
                Ok(()) if ends => self.stage = Stage::Over(None),
                Ok(()) => {}
            }
            progress = true;
        }
        if progress {
            self.wake_sender();
        }
    }

    /// Hands over everything, waiting for flow control. Ready when nothing is left.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.is_empty() && self.end != End::Stream {
                return Poll::Ready(());
            }
            self.advance();
            if self.is_empty() {
                return Poll::Ready(());
            }
            let Stage::Body(stream) = &mut self.stage else { return Poll::Ready(()) };
            // An edge, not a level: it is asked only while `capacity` is 0.
            match ready!(stream.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => self.fail(status_of(error, "a message waited for the flow-control window")),
                // The send half is closed or reset: `poll_reset` tells which.
                None => return Poll::Pending,
            }
        }
    }
}

/// All that has gathered. What is left of a larger buffer's room serves the next messages.
fn take_all(buffer: &mut BytesMut) -> Bytes {
    match buffer.capacity() - buffer.len() {
        0 => mem::take(buffer).freeze(),
        _ => buffer.split().freeze(),
    }
}

//! One h2 send stream, as its two parties hold it.
//!
//! The *sender*, who has an [`Outbound`](super::Outbound) or [`Requests`](super::Requests), puts messages in. The
//! [`Driver`](super::driver::Driver), who polls the call, moves what was put in on to h2. The driver alone waits for flow
//! control, so that h2, which keeps one waker a stream, always wakes the one who can act. What they share is
//! [`Sending`].

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use h2::{RecvStream, SendStream, server::SendResponse};

use super::head::CallHead;
use super::piece::Piece;
use super::receiving::Receiving;
use super::replay::Replay;
use super::sending::{End, Sending, Stage, answered};
use crate::memory::{Account, Charge};
use crate::status::Status;

/// What the sender and the driver of one direction of a call share.
#[derive(Debug)]
pub(crate) struct Outlet {
    /// What is known of the call from its head: here, so that a call is one allocation that its parts share.
    pub(crate) head: CallHead,
    sending: Mutex<Sending>,
    /// The request of a server's call, where that is a stream.
    receiving: Mutex<Receiving>,
    receives: AtomicBool,
    /// Whether the handler was told to wait for its request since it was last polled. Then h2 wakes it.
    pub(super) awaits: AtomicBool,
    /// Set while the driver polls the call. The driver looks at `sending` afterwards, so nobody needs to wake it. It
    /// clears this under the lock: what was added while this was set is there when it looks.
    pub(super) driving: AtomicBool,
}

impl Outlet {
    /// A server's side of a call.
    pub(crate) fn response(respond: SendResponse<Piece>, head: CallHead, account: &Arc<Account>) -> Arc<Self> {
        Outlet::new(head, Sending::response(respond, Charge::new(Some(Arc::clone(account)))))
    }

    /// A client's side of a call: the stream comes with [`resume`](Self::resume). Up to `replay` bytes are kept for
    /// another attempt.
    pub(crate) fn request(head: CallHead, replay: usize) -> Arc<Self> {
        Outlet::new(head, Sending::request(Replay::new(replay)))
    }

    fn new(head: CallHead, sending: Sending) -> Arc<Self> {
        Arc::new(Outlet {
            head,
            sending: Mutex::new(sending),
            receiving: Mutex::default(),
            receives: AtomicBool::new(false),
            awaits: AtomicBool::new(false),
            driving: AtomicBool::new(false),
        })
    }

    /// A charge of nothing yet, for what else is held for the call. On a client nothing is counted.
    pub(super) fn charge(&self) -> Charge {
        self.lock().charge.another()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the connection and the handler share of a request that is a stream. None if it is none.
    #[inline]
    pub(super) fn receiving(&self) -> Option<MutexGuard<'_, Receiving>> {
        let is_stream = self.receives.load(Relaxed);
        is_stream.then(|| self.receiving.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The request is a stream.
    pub(super) fn receive(&self, body: RecvStream) {
        self.receives.store(true, Relaxed);
        let charge = self.charge();
        if let Some(mut receiving) = self.receiving() {
            receiving.begin(body, charge);
        }
    }

    /// The next bytes of a request that is a stream.
    pub(super) fn poll_chunk(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        let Some(mut receiving) = self.receiving() else { return Poll::Ready(None) };
        let chunk = receiving.poll_chunk(cx);
        self.awaits.store(chunk.is_pending(), Relaxed);
        chunk
    }

    /// Takes what there is of the request out of h2: the handler runs in a task of its own.
    pub(crate) fn take_apart(&self, cx: &mut Context<'_>) {
        self.receiving.lock().unwrap_or_else(PoisonError::into_inner).take_apart(cx);
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
        if sending.is_full() {
            sending.advance();
        }
        self.wake_driver(&sending);
        Ok(sending.is_full())
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
        if !sending.is_full() {
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

    /// Why this side has cancelled the call, if it has: its sender was dropped half way, or could not go on.
    pub(super) fn cancelled(&self) -> Option<Status> {
        let sending = self.lock();
        match &sending.stage {
            Stage::Over(why) if sending.end == End::Cancel => why.clone(),
            _ => None,
        }
    }

    /// The sender of a client's request cannot go on because of `why`: the call is cancelled, unless it is over.
    pub(super) fn cancel(&self, why: Status) {
        let mut sending = self.lock();
        if !sending.is_over() {
            sending.end = End::Cancel;
            sending.reset(h2::Reason::CANCEL, why);
            self.wake_driver(&sending);
        }
    }

    /// The sender of a client's request was dropped: the call is cancelled, unless the request was finished.
    pub(super) fn abandon(&self) {
        let mut sending = self.lock();
        if sending.end == End::Open && !sending.is_over() {
            sending.end = End::Cancel;
            self.wake_driver(&sending);
        }
    }

    /// Ready when nothing can be sent any more.
    #[cfg(feature = "stream")]
    pub(super) fn poll_over(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut sending = self.lock();
        if sending.is_over() {
            return Poll::Ready(());
        }
        sending.sender = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The response of a client's call has ended, or was dropped: what is left of the request is for nobody, also of one
    /// that was finished and waits for the window.
    pub(super) fn give_up(&self) {
        let mut sending = self.lock();
        sending.end = End::Cancel;
        self.wake_driver(&sending);
    }

    /// Sends the request on a new stream, from its beginning.
    pub(super) fn resume(&self, stream: SendStream<Piece>) {
        self.lock().resume(stream);
    }

    /// The stream was lost, and the call may begin again.
    pub(super) fn suspend(&self) {
        self.lock().stage = Stage::Between;
    }

    /// Whether all that was sent is still here, so that the call may begin again.
    pub(super) fn may_begin_again(&self) -> bool {
        let sending = self.lock();
        sending.replay.is_some() && sending.end != End::Cancel
    }

    /// The response has begun: the call can't begin again.
    pub(super) fn commit(&self) {
        let mut sending = self.lock();
        sending.replay = None;
        if sending.is_answered || matches!(sending.stage, Stage::Between) {
            sending.fail(answered());
        }
    }

    /// The server has ended its side of the stream. It needs no more of the request, unless the call begins again: that
    /// is decided when the response's head is read.
    pub(crate) fn answered(&self) {
        let mut sending = self.lock();
        sending.is_answered = true;
        if sending.replay.is_none() {
            sending.fail(answered());
        }
        self.wake_driver(&sending);
    }

    /// Nothing more can be sent, because the call has ended with `why`.
    pub(super) fn fail(&self, why: Status) {
        self.lock().fail(why);
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

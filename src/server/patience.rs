//! How long a call may take: until its deadline, and as long as it makes progress.
//!
//! The timers are not set anew whenever bytes move, which would cost more than moving them. They look now and then
//! whether bytes have moved. A call that is answered at once sets none.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::call::{CallHead, Outlet, Timer};
use crate::limits::{Limits, MESSAGE_STEP};
use crate::status::Status;

/// How often a call is looked at within the time that it may make no progress.
const LOOKS: u32 = 4;

/// The times of one call.
#[derive(Debug)]
pub(super) struct Patience {
    deadline: Timer,
    message_timeout: Duration,
    message: Option<Message>,
    silence: Option<Silence>,
}

/// A message that has begun, and that its handler waits for.
#[derive(Debug)]
struct Message {
    /// What had been received of the call, and of this message, when it was first looked at.
    received: u64,
    held: u64,
    timer: Pin<Box<Sleep>>,
    is_late: bool,
}

/// How long a call has neither sent nor received a byte.
#[derive(Debug)]
struct Silence {
    timeout: Duration,
    bytes: u64,
    looks: u32,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(super) fn new(head: &CallHead, limits: &Limits) -> Self {
        Patience {
            deadline: Timer::new(head.deadline),
            message_timeout: limits.message_timeout,
            message: None,
            silence: limits.call_idle_timeout.map(|timeout| Silence { timeout, bytes: 0, looks: 0, timer: None }),
        }
    }

    /// To be called when the handler has yielded. Ready with DEADLINE_EXCEEDED when the call's time is up, or its peer
    /// does not go on.
    pub(super) fn poll(&mut self, outlet: &Outlet, cx: &mut Context<'_>) -> Poll<Status> {
        if let Poll::Ready(late) = self.poll_message(&outlet.head, cx) {
            return Poll::Ready(late);
        }
        self.poll_end(outlet, cx)
    }

    /// The same when the handler has returned, and waits for no message.
    pub(super) fn poll_end(&mut self, outlet: &Outlet, cx: &mut Context<'_>) -> Poll<Status> {
        if let Some(silence) = &mut self.silence
            && let Poll::Ready(late) = silence.poll(outlet, cx)
        {
            return Poll::Ready(late);
        }
        self.deadline.poll(cx)
    }

    /// A handler that does something else, and leaves the rest of its message in the flow-control window, is not the
    /// peer's fault. So when the time is up, the handler is polled once more, and must be found waiting.
    fn poll_message(&mut self, head: &CallHead, cx: &mut Context<'_>) -> Poll<Status> {
        let (held, received) = (head.take_held(), head.received());
        if let Some(message) = &mut self.message {
            if !message.is_late {
                ready!(message.timer.as_mut().poll(cx));
                message.is_late = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if held.is_some_and(|held| message.has_not_grown(held, received)) {
                let text = "a message that had begun did not go on for";
                let late = format!("{text} {:?} (the server's limit message_timeout)", self.message_timeout);
                return Poll::Ready(Status::deadline_exceeded(late));
            }
            self.message = None;
        }
        if let Some(held) = held {
            let mut timer = Box::pin(sleep(self.message_timeout));
            // It is far from ready, and gets the waker.
            let _ = timer.as_mut().poll(cx);
            self.message = Some(Message { received, held, timer, is_late: false });
        }
        Poll::Pending
    }
}

impl Message {
    /// Whether it is still the same message, with no more than a few bytes more.
    fn has_not_grown(&self, held: u64, received: u64) -> bool {
        let grown = received - self.received;
        // What came since all belongs to it, unless it has ended and another has begun.
        held == self.held + grown && grown < MESSAGE_STEP
    }
}

impl Silence {
    fn poll(&mut self, outlet: &Outlet, cx: &mut Context<'_>) -> Poll<Status> {
        let pause = self.timeout / LOOKS;
        loop {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(pause)));
            ready!(timer.as_mut().poll(cx));
            let bytes = outlet.head.received() + outlet.sent();
            self.looks = if bytes == self.bytes { self.looks + 1 } else { 0 };
            self.bytes = bytes;
            if self.looks == LOOKS {
                let text = "the call neither sent nor received a byte for";
                let late = format!("{text} {:?} (the server's limit call_idle_timeout)", self.timeout);
                return Poll::Ready(Status::deadline_exceeded(late));
            }
            // A time-out beyond the clock's range never comes.
            let Some(next) = Instant::now().checked_add(pause) else { return Poll::Pending };
            timer.as_mut().reset(next);
        }
    }
}

//! When a call must have ended: `grpc-timeout`, counted from its start.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::status::Status;

/// Takes the place of a time-out that is too long for the clock: thirty years.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// The moment when the caller stops waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        let now = Instant::now();
        Deadline { at: now.checked_add(timeout).unwrap_or_else(|| now + FOR_EVER), timeout }
    }

    /// How much time is left.
    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    pub(crate) fn is_past(&self) -> bool {
        self.at <= Instant::now()
    }

    /// Whether less than a fiftieth of the time is left.
    pub(crate) fn is_nearly_past(&self) -> bool {
        self.left() <= self.timeout.min(FOR_EVER) / 50
    }

    /// DEADLINE_EXCEEDED, with the time-out that the caller gave.
    pub(crate) fn status(&self) -> Status {
        Status::deadline_exceeded(format!("the call did not end within its {:?}", self.timeout))
    }
}

/// Waits for a deadline, if there is one. Tokio's timer is made by the first poll, because most calls end before they
/// ever have to wait.
#[derive(Debug)]
pub(crate) struct Timer {
    deadline: Option<Deadline>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    pub(crate) fn new(deadline: Option<Deadline>) -> Self {
        Timer { deadline, sleep: None }
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Ready with DEADLINE_EXCEEDED once the time is up; never without a deadline.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.at)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(deadline.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_beyond_the_clock_is_neither_past_nor_nearly_past() {
        for timeout in [Duration::MAX, Duration::from_secs(1 << 62), FOR_EVER] {
            let deadline = Deadline::after(timeout);
            assert!(!deadline.is_past() && !deadline.is_nearly_past(), "{timeout:?}");
        }
        assert!(Deadline::after(Duration::ZERO).is_nearly_past());
    }
}

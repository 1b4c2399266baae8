//! How long a connection on which nobody can make calls any more may take to write what is left. A server that does not
//! read would keep it for ever.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{io, time::Duration};

use tokio::time::{Sleep, sleep};

/// The time that is left, once it has begun.
pub(super) struct Farewell {
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    is_due: bool,
}

impl Farewell {
    pub(super) fn new(patience: Duration) -> Self {
        Farewell { patience, timer: None, is_due: false }
    }

    /// Nobody can make calls any more.
    pub(super) fn begin(&mut self) {
        if self.timer.is_none() {
            self.timer = Some(Box::pin(sleep(self.patience)));
            self.is_due = true;
        }
    }

    /// Whether [`poll`](Self::poll) is to be called though nothing woke its task for that.
    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }

    /// Ready when the time is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.is_due = false;
        let Some(timer) = &mut self.timer else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        let text = format!("the server did not read within {:?} what was left for it", self.patience);
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, text))
    }
}

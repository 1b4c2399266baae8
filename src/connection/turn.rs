//! Turns: how one task drives a connection and all its calls, and is not woken by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// How often one turn goes round at most. A connection that always has something to do must let the others of its
/// thread have their turn, and when Tokio's budget for a task is spent, everything only says "again" until the task has
/// yielded.
pub(crate) const ROUNDS: usize = 16;

/// The waker that everything of a connection is polled with.
///
/// What one part of a turn does wakes another: a frame wakes its call, an answer wakes the connection. Passed on to the
/// runtime each of these would cost one more turn for nothing. So during a turn a wake-up only says "go round again".
#[derive(Debug, Default)]
pub(crate) struct Turn {
    running: AtomicBool,
    again: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Turn {
    /// Starts a turn of the task in `cx`.
    pub(crate) fn begin(&self, cx: &Context<'_>) {
        *self.task() = Some(cx.waker().clone());
        self.running.store(true, Ordering::SeqCst);
        self.again.store(false, Ordering::SeqCst);
    }

    /// Whether anything was woken since this was last asked, so that the turn must go round again.
    pub(crate) fn goes_round_again(&self) -> bool {
        self.again.swap(false, Ordering::SeqCst)
    }

    /// Ends the turn: from here on a wake-up reaches the runtime, as does one that is left over.
    pub(crate) fn end(&self, cx: &Context<'_>) {
        self.running.store(false, Ordering::SeqCst);
        if self.again.load(Ordering::SeqCst) {
            cx.waker().wake_by_ref();
        }
    }

    fn task(&self) -> MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The waker to poll with.
    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.again.store(true, Ordering::SeqCst);
        if !self.running.load(Ordering::SeqCst) {
            self.task().iter().for_each(Waker::wake_by_ref);
        }
    }
}

//! Turns: how one task drives a connection and all its calls without waking itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use tokio::time::Instant;

use super::lock::lock;
use crate::limits::TURN;

/// How often one turn goes round at most. A connection that always has something to do must let the others of its
/// thread have their turn. And when the task has used up its budget with Tokio, nothing makes progress until it yields.
pub(crate) const ROUNDS: usize = 16;

/// The waker that everything of a connection is polled with.
///
/// Within a turn one part wakes another: a frame wakes its call, an answer wakes the connection. If these wake-ups went
/// to the runtime, each would cost one more turn for nothing. So during a turn a wake-up only says "go round again".
#[derive(Debug, Default)]
pub(crate) struct Turn {
    running: AtomicBool,
    again: AtomicBool,
    task: Mutex<Option<Waker>>,
    began: Mutex<Option<Instant>>,
}

impl Turn {
    /// Starts a turn of the task in `cx`. Returns when that is.
    pub(crate) fn begin(&self, cx: &Context<'_>) -> Instant {
        lock(&self.task).get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        self.running.store(true, Ordering::SeqCst);
        let now = Instant::now();
        *lock(&self.began) = Some(now);
        now
    }

    /// Whether the turn has lasted long enough, and is to end though there is more to do: in the next one.
    pub(crate) fn is_spent(&self) -> bool {
        lock(&self.began).is_some_and(|began| began.elapsed() >= TURN)
    }

    /// Starts a round, which polls everything that was woken before.
    pub(crate) fn begin_round(&self) {
        self.again.store(false, Ordering::SeqCst);
    }

    /// Whether anything was woken since the round began, so that the turn must go round again.
    pub(crate) fn goes_round_again(&self) -> bool {
        self.again.load(Ordering::SeqCst)
    }

    /// Ends the turn. From here on a wake-up goes to the runtime, as does one that came in the last of the [`ROUNDS`].
    pub(crate) fn end(&self, cx: &Context<'_>) {
        self.running.store(false, Ordering::SeqCst);
        if self.again.load(Ordering::SeqCst) {
            cx.waker().wake_by_ref();
        }
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.again.store(true, Ordering::SeqCst);
        if !self.running.load(Ordering::SeqCst) {
            lock(&self.task).iter().for_each(Waker::wake_by_ref);
        }
    }
}

/// A waker for what seldom has something to do, such as timers. It wakes the turn and remembers that it rang, so that
/// the timers need not be polled in every turn.
#[derive(Debug)]
pub(crate) struct Alarm {
    rang: AtomicBool,
    turn: Arc<Turn>,
}

impl Alarm {
    /// An alarm that has rung already, so that the timers are polled at first, and get it as their waker.
    pub(crate) fn new(turn: &Arc<Turn>) -> Arc<Self> {
        Arc::new(Alarm { rang: AtomicBool::new(true), turn: Arc::clone(turn) })
    }

    /// Whether it rang since it was last asked.
    pub(crate) fn rang(&self) -> bool {
        self.rang.load(Ordering::SeqCst) && self.rang.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rang.store(true, Ordering::SeqCst);
        self.turn.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_wake_up_in_the_last_round_of_a_turn_brings_another_turn() {
        let (turn, woken) = (Arc::new(Turn::default()), Arc::new(Woken::default()));
        let task = Waker::from(Arc::clone(&woken));
        let cx = Context::from_waker(&task);
        turn.begin(&cx);
        for _ in 0..ROUNDS {
            turn.begin_round();
            assert!(!turn.goes_round_again(), "nothing was woken yet");
            Waker::from(Arc::clone(&turn)).wake_by_ref();
            assert!(turn.goes_round_again());
        }
        assert!(!woken.0.load(Ordering::SeqCst), "during a turn nothing reaches the runtime");
        turn.end(&cx);
        assert!(woken.0.load(Ordering::SeqCst));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_spent_when_it_has_lasted_for_its_time() {
        let (turn, cx) = (Turn::default(), Context::from_waker(Waker::noop()));
        assert!(!turn.is_spent(), "none has begun");
        for _ in 0..2 {
            turn.begin(&cx);
            assert!(!turn.is_spent());
            tokio::time::advance(TURN).await;
            assert!(turn.is_spent());
        }
    }

    #[test]
    fn an_alarm_rings_at_first_and_whenever_it_was_woken_and_wakes_the_turn() {
        let (turn, woken) = (Arc::new(Turn::default()), Arc::new(Woken::default()));
        let task = Waker::from(Arc::clone(&woken));
        turn.begin(&Context::from_waker(&task));
        turn.end(&Context::from_waker(&task));
        let alarm = Alarm::new(&turn);
        assert!(alarm.rang() && !alarm.rang());
        turn.wake_by_ref();
        assert!(!alarm.rang(), "what wakes the turn is not for the alarm");
        woken.0.store(false, Ordering::SeqCst);
        Waker::from(Arc::clone(&alarm)).wake_by_ref();
        assert!(woken.0.load(Ordering::SeqCst) && alarm.rang() && !alarm.rang());
    }
}

//! Finds the methods whose handlers compute for long, so that their calls run in tasks of their own.
//!
//! All calls of a connection are polled in its task, so a handler that computes for long holds up the others. After a
//! turn that took longer than [`STRETCH`], the connection times each step of its handlers for a while. The calls of a
//! method that then has a step longer than [`STRETCH`] run in tasks of their own.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

/// How long a handler may hold up its connection at a stretch, which is how long the other calls of the connection may
/// have to wait, before its method counts as heavy.
const STRETCH: Duration = Duration::from_millis(10);

/// How many steps of its handlers a connection times after a long turn, and how many calls of a heavy method run in
/// tasks of their own until the method is tried in the connection's task again: on a machine that is busy for a moment,
/// any handler looks heavy.
const PROBATION: u32 = 1000;

/// Whether a method is heavy: how many more of its calls run in tasks of their own.
#[derive(Debug, Default)]
pub(super) struct Weight {
    apart: AtomicU32,
}

impl Weight {
    /// Whether the next call is to run in a task of its own.
    pub(super) fn runs_apart(&self) -> bool {
        count_down(&self.apart)
    }
}

/// Whether a connection times its handlers: how many more of their steps.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    steps: AtomicU32,
}

impl Suspicion {
    /// Notes that a turn of the connection began at `start` and ends now.
    pub(super) fn turn_took(&self, start: Instant) {
        if start.elapsed() > STRETCH {
            self.steps.store(PROBATION, Relaxed);
        }
    }

    /// Runs one step of a handler, and times it if there is a reason to. A step that runs `apart`, in a task of its
    /// own, holds up nobody, but shows whether the method is still heavy.
    pub(super) fn step<T>(&self, weight: &Weight, apart: bool, step: impl FnOnce() -> T) -> T {
        let suspected = count_down(&self.steps);
        let start = (apart || suspected).then(Instant::now);
        let result = step();
        if start.is_some_and(|start| start.elapsed() > STRETCH) {
            weight.apart.store(PROBATION, Relaxed);
        }
        result
    }
}

/// Takes one off `count`, if it is not zero. Zero is only read, so that the cores do not contend for it.
fn count_down(count: &AtomicU32) -> bool {
    count.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_heavy_after_a_long_step_of_a_suspected_handler_and_for_a_thousand_calls() {
        let (suspicion, weight) = (Suspicion::default(), Weight::default());
        let long = || std::thread::sleep(STRETCH + Duration::from_millis(1));
        suspicion.step(&weight, false, long);
        assert!(!weight.runs_apart(), "nobody was suspicious yet");
        suspicion.turn_took(Instant::now() - 2 * STRETCH);
        suspicion.step(&weight, false, || ());
        assert!(!weight.runs_apart());
        suspicion.step(&weight, false, long);
        assert!((0..PROBATION).all(|_| weight.runs_apart()));
        assert!(!weight.runs_apart());
    }

    #[test]
    fn a_heavy_method_whose_calls_are_short_is_tried_again() {
        let (suspicion, weight) = (Suspicion::default(), Weight::default());
        let long = || std::thread::sleep(STRETCH + Duration::from_millis(1));
        suspicion.step(&weight, true, long);
        let mut apart = 0;
        while weight.runs_apart() {
            apart += 1;
            assert!(apart <= PROBATION, "it is heavy for ever");
            suspicion.step(&weight, true, || ());
        }
        assert_eq!(apart, PROBATION);
    }
}

//! How long a connection has had no call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// After so long without a call, a connection gives back memory that only calls need.
const QUIET: Duration = Duration::from_secs(60);

/// How idle a connection is.
#[derive(Debug, PartialEq)]
pub(crate) enum Idleness {
    /// It has been quiet for a while, and may give memory back.
    Quiet,
    /// It has been idle for its whole time.
    Over,
}

/// Counts the time since a connection's last call. A call only notes the time; the timer is set anew when it fires, if
/// there was a call meanwhile.
#[derive(Debug)]
pub(crate) struct Idle {
    timeout: Duration,
    last_busy: Instant,
    is_quiet: bool,
    timer: Pin<Box<Sleep>>,
}

impl Idle {
    pub(crate) fn new(timeout: Duration) -> Self {
        let now = Instant::now();
        Idle { timeout, last_busy: now, is_quiet: false, timer: Box::pin(sleep_until(now)) }
    }

    /// There was a call at `now`.
    pub(crate) fn busy(&mut self, now: Instant) {
        self.last_busy = now;
        self.is_quiet = false;
    }

    /// Ready when there was no call for a while, and again when there was none for the whole time-out.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Idleness> {
        loop {
            let is_last = self.is_quiet || self.timeout <= QUIET;
            let patience = if is_last { self.timeout } else { QUIET };
            // A time-out beyond the clock's range never comes.
            let Some(due) = self.last_busy.checked_add(patience) else { return Poll::Pending };
            if due <= Instant::now() {
                self.is_quiet = true;
                return Poll::Ready(if is_last { Idleness::Over } else { Idleness::Quiet });
            }
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            ready!(self.timer.as_mut().poll(cx));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_call_is_quiet_after_a_minute_and_over_when_its_time_is_up() {
        let begin = Instant::now();
        let mut idle = Idle::new(Duration::from_secs(900));
        assert_eq!(poll_fn(|cx| idle.poll(cx)).await, Idleness::Quiet);
        assert_eq!(begin.elapsed().as_secs(), 60);
        assert_eq!(poll_fn(|cx| idle.poll(cx)).await, Idleness::Over);
        assert_eq!(begin.elapsed().as_secs(), 900);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_starts_the_count_anew() {
        let begin = Instant::now();
        let mut idle = Idle::new(Duration::from_secs(5));
        sleep(Duration::from_secs(4)).await;
        idle.busy(Instant::now());
        assert_eq!(poll_fn(|cx| idle.poll(cx)).await, Idleness::Over);
        assert_eq!(begin.elapsed().as_secs(), 9);
    }
}

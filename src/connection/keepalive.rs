//! Whether the peer is still there: PING at an interval, and its answer within a time.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::{io, time::Duration};

use tokio::time::{sleep, timeout};

/// How one side of a connection makes sure of the other.
#[derive(Debug)]
pub(crate) struct Keepalive {
    /// How long the peer may give no sign of life until a PING goes out; `None` sends none.
    pub(crate) interval: Option<Duration>,
    /// How long it may give none after a PING.
    pub(crate) timeout: Duration,
    pub(crate) activity: Arc<Activity>,
    /// PING also while there is no call. Servers do; of clients they count it as abuse.
    pub(crate) without_calls: bool,
}

/// What happens on a connection, for its keepalive to look at when its timer fires.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    calls: AtomicUsize,
    /// How often the peer gave a sign of life. It may wrap.
    signs: AtomicUsize,
}

impl Activity {
    /// The connection has so many calls now.
    pub(crate) fn set_calls(&self, calls: usize) {
        self.calls.store(calls, Relaxed);
    }

    /// The peer is alive: bytes of it were read, or a socket that was full has taken bytes, since the peer has taken some.
    /// Bytes that a socket takes at once are no sign, because it takes them for a peer that is gone too.
    pub(crate) fn count_sign(&self) {
        // Only the connection's task writes it, so this need not be a single atomic step.
        self.signs.store(self.signs().wrapping_add(1), Relaxed);
    }

    /// How many signs of life there were; it may wrap.
    pub(crate) fn signs(&self) -> usize {
        self.signs.load(Relaxed)
    }
}

impl Keepalive {
    /// Ready with TimedOut when the peer does not answer a PING in time. Without an interval never ready.
    pub(crate) async fn run(self, peer: impl Pinged) -> io::Error {
        match self.interval {
            Some(interval) => self.watch(interval, peer).await,
            None => pending().await,
        }
    }

    /// Sends a PING at the end of each interval that needs it.
    ///
    /// The timer is not set anew at each sign of life, which would cost a call more than the PINGs it saves: an interval
    /// in which there was one just ends without a PING. So one goes out one to two intervals after the last sign.
    async fn watch(&self, interval: Duration, mut peer: impl Pinged) -> io::Error {
        loop {
            let before = self.activity.signs();
            sleep(interval).await;
            let is_silent = self.activity.signs() == before;
            if is_silent && self.has_reason() && self.is_unanswered(peer.ping()).await {
                let text = format!("the peer did not answer a PING within {:?}", self.timeout);
                return io::Error::new(io::ErrorKind::TimedOut, text);
            }
        }
    }

    /// Whether the answer to a PING does not come in time. Its time begins again as long as there are other signs of
    /// life: on a slow line both the PING and its answer may stand behind much data.
    async fn is_unanswered(&self, answer: impl Future<Output = ()>) -> bool {
        let mut answer = pin!(answer);
        loop {
            let before = self.activity.signs();
            if timeout(self.timeout, answer.as_mut()).await.is_ok() {
                return false;
            }
            if self.activity.signs() == before {
                return true;
            }
        }
    }

    /// Whether the connection is worth a PING.
    fn has_reason(&self) -> bool {
        self.without_calls || self.activity.calls.load(Relaxed) > 0
    }
}

/// Who answers PINGs: the peer, by h2, or a test.
pub(crate) trait Pinged: Send {
    /// Sends a PING. Ready with its answer.
    fn ping(&mut self) -> impl Future<Output = ()> + Send;
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);
    const TIMEOUT: Duration = Duration::from_secs(3);

    /// A connection whose peer answers a PING after `answer`.
    struct Fake {
        activity: Arc<Activity>,
        pings: AtomicUsize,
        answer: Duration,
    }

    impl Fake {
        fn new(answer: Duration) -> Self {
            Fake { activity: Arc::default(), pings: AtomicUsize::new(0), answer }
        }

        /// How many PINGs have gone out.
        fn pings(&self) -> usize {
            self.pings.load(Relaxed)
        }

        /// Shows a sign of life every second, for so many seconds.
        async fn lives(&self, seconds: u64) {
            for _ in 0..seconds {
                sleep(Duration::from_secs(1)).await;
                self.activity.count_sign();
            }
        }

        /// Watches the connection until the keepalive gives it up, or until `meanwhile` is over.
        async fn watch(&self, without_calls: bool, meanwhile: impl Future<Output = ()>) -> Option<io::Error> {
            let activity = Arc::clone(&self.activity);
            let keepalive = Keepalive { interval: Some(INTERVAL), timeout: TIMEOUT, activity, without_calls };
            tokio::select! {
                gone = keepalive.watch(INTERVAL, self) => Some(gone),
                () = meanwhile => None,
            }
        }
    }

    impl Pinged for &Fake {
        async fn ping(&mut self) {
            self.pings.fetch_add(1, Relaxed);
            sleep(self.answer).await;
            self.activity.count_sign();
        }
    }

    const SOON: Duration = Duration::from_millis(10);
    const NEVER: Duration = Duration::MAX;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_answer_a_ping_is_given_up_after_the_timeout() {
        for calls in [0, 1] {
            let (fake, begin) = (Fake::new(NEVER), Instant::now());
            fake.activity.set_calls(calls);
            let gone = fake.watch(calls == 0, pending()).await.unwrap();
            assert_eq!(begin.elapsed().as_secs(), 13);
            assert_eq!(gone.kind(), io::ErrorKind::TimedOut);
            assert_eq!(gone.to_string(), "the peer did not answer a PING within 3s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_does_not_ping_without_calls_unless_it_is_told_to() {
        let idle = Fake::new(NEVER);
        assert!(idle.watch(false, sleep(INTERVAL * 1000)).await.is_none());
        assert_eq!(idle.pings(), 0);
        let told = Fake::new(SOON);
        assert!(told.watch(true, sleep(Duration::from_secs(35))).await.is_none());
        assert_eq!(told.pings(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_pings_in_the_interval_after_a_call_has_begun() {
        let fake = Fake::new(SOON);
        let calling = async {
            sleep(INTERVAL * 5 / 2).await;
            fake.activity.set_calls(1);
            sleep(INTERVAL).await;
            assert_eq!(fake.pings(), 1);
            fake.activity.set_calls(0);
            sleep(INTERVAL * 10).await;
        };
        assert!(fake.watch(false, calling).await.is_none());
        assert_eq!(fake.pings(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_no_ping_while_there_are_signs_of_life() {
        let (fake, begin) = (Fake::new(NEVER), Instant::now());
        fake.activity.set_calls(1);
        let busy = async {
            fake.lives(95).await;
            assert_eq!(fake.pings(), 0);
            pending().await
        };
        assert!(fake.watch(false, busy).await.is_some());
        // The last sign is at 95 s. The interval that ends at 110 s is the first without one.
        assert_eq!(begin.elapsed().as_secs(), 113);
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_to_a_ping_may_come_late_as_long_as_there_are_signs_of_life() {
        let fake = Fake::new(TIMEOUT * 4);
        fake.activity.set_calls(1);
        let slow = async {
            sleep(INTERVAL).await;
            fake.lives(20).await;
        };
        assert!(fake.watch(false, slow).await.is_none());
        assert_eq!(fake.pings(), 1);
    }
}

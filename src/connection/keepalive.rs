//! Whether the peer is still there: PING at an interval, and its answer within a time.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::{io, time::Duration};

use h2::{Ping, PingPong};
use tokio::time::{sleep, timeout};

/// How one side of a connection makes sure of the other.
#[derive(Debug)]
pub(crate) struct Keepalive {
    /// How often a PING may go out; `None` sends none.
    pub(crate) interval: Option<Duration>,
    /// How long the answer may take.
    pub(crate) timeout: Duration,
    pub(crate) when: When,
}

/// When an interval ends with a PING.
#[derive(Debug)]
pub(crate) enum When {
    /// Always, even while frames arrive. A peer that sends an endless header block looks alive, but it can't answer,
    /// since PING must not stand between HEADERS and CONTINUATION (RFC 9113, section 6.10). This is for servers.
    Always,
    /// When nothing was read in the interval, and the connection has calls. This is for clients: servers count
    /// further PINGs as abuse.
    Silent {
        activity: Arc<Activity>,
        /// PING also while there is no call.
        without_calls: bool,
    },
}

/// What happens on a connection, for its keepalive to look at when its timer fires.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    calls: AtomicUsize,
    /// How often bytes were read from the peer. It may wrap.
    reads: AtomicUsize,
}

impl Activity {
    /// The connection has so many calls now.
    pub(crate) fn set_calls(&self, calls: usize) {
        self.calls.store(calls, Relaxed);
    }

    /// Bytes of the peer's were read.
    pub(crate) fn count_read(&self) {
        self.reads.fetch_add(1, Relaxed);
    }
}

impl Keepalive {
    /// Ready with TimedOut when the peer does not answer a PING in time. Without an interval never ready.
    pub(crate) async fn run(self, pings: Option<PingPong>) -> io::Error {
        match (self.interval, pings) {
            (Some(interval), Some(pings)) => self.watch(interval, pings).await,
            _ => pending().await,
        }
    }

    /// Sends a PING at the end of each interval that needs it.
    ///
    /// The timer is not set anew at each read, which would cost a call more than the PINGs it saves: an interval in
    /// which something was read just ends without one. So a PING goes out one to two intervals after the last read.
    async fn watch(&self, interval: Duration, mut peer: impl Pinged) -> io::Error {
        loop {
            let before = self.when.reads();
            sleep(interval).await;
            if self.when.has_reason() && self.when.reads() == before && self.is_unanswered(peer.ping()).await {
                let text = format!("the peer did not answer a PING within {:?}", self.timeout);
                return io::Error::new(io::ErrorKind::TimedOut, text);
            }
        }
    }

    /// Whether the answer to a PING does not come in time. If reads matter, its time begins again as long as
    /// something else comes: on a slow line the answer may be queued behind much data.
    async fn is_unanswered(&self, answer: impl Future<Output = ()>) -> bool {
        let mut answer = pin!(answer);
        loop {
            let before = self.when.reads();
            if timeout(self.timeout, answer.as_mut()).await.is_ok() {
                return false;
            }
            if self.when.reads() == before {
                return true;
            }
        }
    }
}

/// Who answers PINGs: the peer, by h2, or a test.
trait Pinged: Send {
    /// Sends a PING. Ready with its answer.
    fn ping(&mut self) -> impl Future<Output = ()> + Send;
}

impl Pinged for PingPong {
    async fn ping(&mut self) {
        // It fails only when the connection is over, which its own poll tells.
        let _ = PingPong::ping(self, Ping::opaque()).await;
    }
}

impl When {
    /// Whether the connection is worth a PING.
    fn has_reason(&self) -> bool {
        match self {
            When::Always => true,
            When::Silent { activity, without_calls } => *without_calls || activity.calls.load(Relaxed) > 0,
        }
    }

    /// A number that changes when something was read, if that matters.
    fn reads(&self) -> usize {
        match self {
            When::Always => 0,
            When::Silent { activity, .. } => activity.reads.load(Relaxed),
        }
    }
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

        fn silent(&self, without_calls: bool) -> When {
            When::Silent { activity: Arc::clone(&self.activity), without_calls }
        }

        /// How many PINGs have gone out.
        fn pings(&self) -> usize {
            self.pings.load(Relaxed)
        }

        /// Reads something every second, for so many seconds.
        async fn reads(&self, seconds: u64) {
            for _ in 0..seconds {
                sleep(Duration::from_secs(1)).await;
                self.activity.count_read();
            }
        }

        /// Watches the connection until the keepalive gives it up, or until `meanwhile` is over.
        async fn watch(&self, when: When, meanwhile: impl Future<Output = ()>) -> Option<io::Error> {
            let keepalive = Keepalive { interval: Some(INTERVAL), timeout: TIMEOUT, when };
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
            self.activity.count_read();
        }
    }

    const SOON: Duration = Duration::from_millis(10);
    const NEVER: Duration = Duration::MAX;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_answer_a_ping_is_given_up_after_the_timeout() {
        for calls in [0, 1] {
            let (fake, begin) = (Fake::new(NEVER), Instant::now());
            fake.activity.set_calls(calls);
            let when = if calls == 0 { When::Always } else { fake.silent(false) };
            let gone = fake.watch(when, pending()).await.unwrap();
            assert_eq!(begin.elapsed().as_secs(), 13);
            assert_eq!(gone.kind(), io::ErrorKind::TimedOut);
            assert_eq!(gone.to_string(), "the peer did not answer a PING within 3s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_pings_even_while_frames_arrive_and_they_are_no_answer() {
        let fake = Fake::new(SOON);
        assert!(fake.watch(When::Always, fake.reads(60)).await.is_none());
        assert_eq!(fake.pings(), 5);
        let (dripping, begin) = (Fake::new(NEVER), Instant::now());
        assert!(dripping.watch(When::Always, dripping.reads(60)).await.is_some());
        assert_eq!(begin.elapsed().as_secs(), 13);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_does_not_ping_without_calls_unless_it_is_told_to() {
        let idle = Fake::new(NEVER);
        assert!(idle.watch(idle.silent(false), sleep(INTERVAL * 1000)).await.is_none());
        assert_eq!(idle.pings(), 0);
        let told = Fake::new(SOON);
        assert!(told.watch(told.silent(true), sleep(Duration::from_secs(35))).await.is_none());
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
        assert!(fake.watch(fake.silent(false), calling).await.is_none());
        assert_eq!(fake.pings(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_does_not_ping_while_it_reads() {
        let (fake, begin) = (Fake::new(NEVER), Instant::now());
        fake.activity.set_calls(1);
        let busy = async {
            fake.reads(95).await;
            assert_eq!(fake.pings(), 0);
            pending().await
        };
        assert!(fake.watch(fake.silent(false), busy).await.is_some());
        // The last read is at 95 s. The interval that ends at 110 s is the first without one.
        assert_eq!(begin.elapsed().as_secs(), 113);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_waits_longer_for_an_answer_while_data_comes_before_it() {
        let fake = Fake::new(TIMEOUT * 4);
        fake.activity.set_calls(1);
        let slow = async {
            sleep(INTERVAL).await;
            fake.reads(20).await;
        };
        assert!(fake.watch(fake.silent(false), slow).await.is_none());
        assert_eq!(fake.pings(), 1);
    }
}

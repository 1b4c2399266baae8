//! When a server ends a connection: it stops, the connection is idle or old, the peer does not answer any more, or does
//! not end what it has begun.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{io, time::Duration};

use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::connection::{Activity, Idle, Idleness, Keepalive, Overdue, Pings, Unfinished};
use crate::limits::Limits;

/// What is due for a connection.
#[derive(Debug)]
pub(super) enum Due {
    /// There was no call for a while: memory can be given back.
    Rest,
    /// The peer is to be sent GOAWAY: it may make no new calls, and those in flight may end.
    GoAway,
}

/// Everything that ends a connection, other than the peer's closing it.
pub(super) struct Leave {
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_stopping: bool,
    gone: Pin<Box<dyn Future<Output = io::Error> + Send>>,
    pub(super) pings: Pings,
    overdue: Overdue,
    is_due: bool,
    idle: Idle,
    age: Option<Pin<Box<Sleep>>>,
    drain: Option<Drain>,
    drain_timeout: Duration,
    keepalive_timeout: Duration,
    grace: Option<Duration>,
}

/// The time that is left after GOAWAY. HTTP/2 itself has no timer for that: one open stream or one silent peer would
/// keep the connection for ever.
struct Drain {
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Leave {
    /// Of a connection that began at `begin`.
    pub(super) fn new(begin: Instant, stop: watch::Receiver<bool>, activity: Arc<Activity>, limits: &Limits) -> Self {
        let Limits { keepalive_interval: interval, keepalive_timeout: timeout, .. } = *limits;
        let (pings, pinger) = Pings::new();
        let keepalive = Keepalive { interval, timeout, activity, without_calls: true };
        let age = limits.max_connection_age.and_then(|age| begin.checked_add(about(age)));
        Leave {
            stop: Box::pin(stopped(stop)),
            is_stopping: false,
            gone: Box::pin(keepalive.run(pinger)),
            pings,
            overdue: Overdue::new(begin, limits.handshake_timeout, limits.header_timeout),
            is_due: false,
            idle: Idle::new(limits.idle_timeout),
            age: age.map(|age| Box::pin(sleep_until(age))),
            drain: None,
            drain_timeout: limits.drain_timeout,
            keepalive_timeout: timeout,
            grace: limits.max_connection_age_grace,
        }
    }

    /// There was a call at `now`.
    pub(super) fn busy(&mut self, now: Instant) {
        self.idle.busy(now);
    }

    /// Notes at the end of a turn what the peer has begun and not ended.
    pub(super) fn note(&mut self, unfinished: Unfinished) {
        self.is_due |= self.overdue.note(unfinished);
    }

    /// Whether [`poll`](Self::poll) is to be called though nothing woke its task for that.
    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }

    /// Ready when something is due.
    ///
    /// # Errors
    /// TimedOut when the peer does not answer PING or does not end what it has begun, or when calls did not end in time
    /// after GOAWAY.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Due>> {
        self.is_due = false;
        if let Poll::Ready(gone) = self.gone.as_mut().poll(cx) {
            return Poll::Ready(Err(gone));
        }
        if let Poll::Ready(overdue) = self.overdue.poll(cx) {
            return Poll::Ready(Err(overdue));
        }
        if !self.is_stopping && self.stop.as_mut().poll(cx).is_ready() {
            self.is_stopping = true;
            // It may be draining already, but with more time.
            if self.drain.as_ref().is_none_or(|drain| drain.ends_after(self.drain_timeout)) {
                return self.leave(Some(self.drain_timeout));
            }
        }
        if let Some(drain) = &mut self.drain {
            return drain.poll(cx).map(Err);
        }
        if self.age.as_mut().is_some_and(|age| age.as_mut().poll(cx).is_ready()) {
            return self.leave(self.grace);
        }
        match ready!(self.idle.poll(cx)) {
            Idleness::Quiet => Poll::Ready(Ok(Due::Rest)),
            // There is no call to wait for, only the peer's word that it has made none meanwhile.
            Idleness::Over => self.leave(Some(self.keepalive_timeout.min(self.drain_timeout))),
        }
    }

    /// The peer is to leave, within `patience` if that is limited.
    fn leave(&mut self, patience: Option<Duration>) -> Poll<io::Result<Due>> {
        let due = patience.and_then(|patience| Instant::now().checked_add(patience));
        let timer = due.map(|due| Box::pin(sleep_until(due)));
        self.drain = Some(Drain { patience: patience.unwrap_or(Duration::MAX), timer });
        Poll::Ready(Ok(Due::GoAway))
    }
}

impl Drain {
    fn ends_after(&self, time: Duration) -> bool {
        let due = Instant::now().checked_add(time);
        self.timer.as_ref().is_none_or(|timer| due.is_some_and(|due| due < timer.deadline()))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(timer) = &mut self.timer else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        let text = format!("the peer did not leave within {:?} after GOAWAY: cut off", self.patience);
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, text))
    }
}

/// A time that is a tenth shorter or longer by chance, so that connections which began together do not end together.
fn about(time: Duration) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * rand::random_range(0.9..=1.1)).unwrap_or(Duration::MAX)
}

/// Ready when the server stops. Never ready if the sender is dropped, since nobody can stop the server then.
async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Ready when the server has been stopping for `time`.
pub(super) async fn stopped_for(time: Duration, stop: watch::Receiver<bool>) {
    stopped(stop).await;
    sleep(time).await;
}

//! When a server ends a connection: it stops, or the peer has made no call for too long, or does not answer any more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{io, time::Duration};

use h2::PingPong;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use crate::connection::{Idle, Idleness, Keepalive, When};
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
    gone: Pin<Box<dyn Future<Output = io::Error> + Send>>,
    idle: Idle,
    drain_timeout: Duration,
    /// The time that is left after GOAWAY. HTTP/2 itself has no timer for that: one open stream or one silent peer
    /// would keep the connection for ever.
    drain: Option<Pin<Box<Sleep>>>,
}

impl Leave {
    pub(super) fn new(stop: watch::Receiver<bool>, pings: Option<PingPong>, limits: &Limits) -> Self {
        let Limits { keepalive_interval: interval, keepalive_timeout: timeout, .. } = *limits;
        let keepalive = Keepalive { interval, timeout, when: When::Always };
        Leave {
            stop: Box::pin(stopped(stop)),
            gone: Box::pin(keepalive.run(pings)),
            idle: Idle::new(limits.idle_timeout),
            drain_timeout: limits.drain_timeout,
            drain: None,
        }
    }

    /// There was a call at `now`.
    pub(super) fn busy(&mut self, now: Instant) {
        self.idle.busy(now);
    }

    /// Ready when something is due.
    ///
    /// # Errors
    /// TimedOut when the peer does not answer PING, or its calls did not end in time.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Due>> {
        if let Poll::Ready(gone) = self.gone.as_mut().poll(cx) {
            return Poll::Ready(Err(gone));
        }
        if let Some(drain) = &mut self.drain {
            ready!(drain.as_mut().poll(cx));
            let text = format!("calls did not end within {:?} after GOAWAY: cut off", self.drain_timeout);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        if self.stop.as_mut().poll(cx).is_pending() && ready!(self.idle.poll(cx)) == Idleness::Quiet {
            return Poll::Ready(Ok(Due::Rest));
        }
        self.drain = Some(Box::pin(sleep(self.drain_timeout)));
        Poll::Ready(Ok(Due::GoAway))
    }
}

/// Ready when the server stops. Never ready if the sender is dropped, since nobody can stop the server then.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

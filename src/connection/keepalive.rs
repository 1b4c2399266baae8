//! Whether the peer is still there: PING at an interval, its answer within a time, and an end to idleness.

use std::task::{Context, Poll, ready};
use std::{future::Future, io, pin::Pin, time::Duration};

use h2::{Ping, PingPong};
use tokio::time::{Instant, Sleep};

use crate::limits::Limits;

/// One timer for a connection. It pings though frames come in, since a peer that drips an endless header block
/// is active and can't answer: PING must not stand between HEADERS and CONTINUATION (RFC 9113, section 6.10).
pub(crate) struct Keepalive {
    pings: PingPong,
    timer: Pin<Box<Sleep>>,
    interval: Duration,
    /// A PING is on its way, and its answer due when the timer fires.
    waiting: bool,
    idle: Duration,
    limits: Limits,
}

/// What the connection should do.
pub(crate) enum Verdict {
    /// It has been idle for long enough: send it away.
    Idle,
    /// The peer does not answer.
    Gone(io::Error),
}

impl Keepalive {
    /// `None` when `limits` ask for no keepalive.
    pub(crate) fn new(pings: Option<PingPong>, limits: &Limits) -> Option<Self> {
        let interval = limits.keepalive_interval?;
        Some(Keepalive {
            pings: pings?,
            timer: Box::pin(tokio::time::sleep(interval)),
            interval,
            waiting: false,
            idle: Duration::ZERO,
            limits: limits.clone(),
        })
    }

    /// To be called each turn. `busy` says whether the connection has had a call since the last.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, busy: bool) -> Poll<Verdict> {
        if busy {
            self.idle = Duration::ZERO;
        }
        loop {
            if self.waiting && self.pings.poll_pong(cx).is_ready() {
                self.waiting = false;
                self.set_timer(self.interval);
            }
            ready!(self.timer.as_mut().poll(cx));
            if self.waiting {
                let text = format!("the peer did not answer a PING within {:?}", self.limits.keepalive_timeout);
                return Poll::Ready(Verdict::Gone(io::Error::new(io::ErrorKind::TimedOut, text)));
            }
            self.idle += self.interval;
            if self.idle > self.limits.idle_timeout {
                self.set_timer(self.interval);
                return Poll::Ready(Verdict::Idle);
            }
            // It fails only when the connection is over, which its own poll tells.
            self.waiting = self.pings.send_ping(Ping::opaque()).is_ok();
            self.set_timer(if self.waiting { self.limits.keepalive_timeout } else { self.interval });
        }
    }

    /// Whether the connection has had no call for an interval or more.
    pub(crate) fn is_idle(&self) -> bool {
        !self.idle.is_zero()
    }

    fn set_timer(&mut self, after: Duration) {
        self.timer.as_mut().reset(Instant::now() + after);
    }
}

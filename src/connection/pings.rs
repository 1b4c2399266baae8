//! h2's handle for PINGs, which the keepalive of a connection gets when it first needs it.
//!
//! Once the handle is taken out of a connection, h2 registers a waker for it at each frame that it reads. That is a
//! fiftieth of a unary call, and most connections are never silent for long enough to need a PING.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use h2::{Ping, PingPong};
use tokio::sync::oneshot;

use super::keepalive::Pinged;

/// The connection's end: gives the handle to its [`Pinger`].
#[derive(Debug)]
pub(crate) struct Pings {
    is_wanted: Arc<AtomicBool>,
    give: Option<oneshot::Sender<PingPong>>,
}

/// The keepalive's end: sends PINGs.
#[derive(Debug)]
pub(crate) struct Pinger {
    is_wanted: Arc<AtomicBool>,
    given: Option<oneshot::Receiver<PingPong>>,
    handle: Option<PingPong>,
}

impl Pings {
    /// Both ends.
    pub(crate) fn new() -> (Pings, Pinger) {
        let (give, given) = oneshot::channel();
        let is_wanted = Arc::<AtomicBool>::default();
        let pinger = Pinger { is_wanted: Arc::clone(&is_wanted), given: Some(given), handle: None };
        (Pings { is_wanted, give: Some(give) }, pinger)
    }

    /// Gives the keepalive what `take` takes out of the connection, if it waits for that. To be called whenever the
    /// keepalive was polled, which is woken by it.
    pub(crate) fn give(&mut self, take: impl FnOnce() -> Option<PingPong>) {
        if self.is_wanted.load(Relaxed)
            && let Some(give) = self.give.take()
            && let Some(handle) = take()
        {
            // It fails only when the keepalive is gone, and the connection with it.
            let _ = give.send(handle);
        }
    }
}

impl Pinged for Pinger {
    async fn ping(&mut self) {
        if let Some(given) = self.given.take() {
            self.is_wanted.store(true, Relaxed);
            self.handle = given.await.ok();
        }
        if let Some(handle) = &mut self.handle {
            // It fails only when the connection is over, which its own poll tells.
            let _ = handle.ping(Ping::opaque()).await;
        }
    }
}

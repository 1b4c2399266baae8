//! Whether the peer is still there: PING at an interval, its answer within a time, and an end to idleness.

use std::{io, sync::atomic::AtomicU32, sync::atomic::Ordering::Relaxed};

use h2::{Ping, PingPong};
use tokio::time::{sleep, timeout};

use crate::limits::Limits;

/// Watches over a connection for as long as `limits` allow it to live: for ever without `pings`, which are worth taking
/// only where `limits` have a keepalive interval. Ready when it has been idle for long enough.
///
/// `quiet` counts the intervals since the connection's last call; whoever sees calls sets it to 0. It pings though
/// frames come in, since a peer that drips an endless header block is active and can't answer: PING must not stand
/// between HEADERS and CONTINUATION (RFC 9113, section 6.10).
///
/// # Errors
/// TimedOut when the peer does not answer.
pub(crate) async fn keepalive(pings: Option<PingPong>, limits: &Limits, quiet: &AtomicU32) -> io::Result<()> {
    let (Some(mut pings), Some(interval)) = (pings, limits.keepalive_interval) else {
        return std::future::pending().await;
    };
    loop {
        sleep(interval).await;
        // An interval with a call in it is none of idleness.
        if interval.saturating_mul(quiet.fetch_add(1, Relaxed)) > limits.idle_timeout {
            return Ok(());
        }
        // It fails before its time only when the connection is over, which its own poll tells.
        if timeout(limits.keepalive_timeout, pings.ping(Ping::opaque())).await.is_err() {
            let text = format!("the peer did not answer a PING within {:?}", limits.keepalive_timeout);
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
    }
}

//! Whether the peer is still there: PING at an interval, and its answer within a time.

use std::{io, time::Duration};

use h2::{Ping, PingPong};
use tokio::time::{sleep, timeout};

/// Pings the peer at every `interval`. Ready with TimedOut when it does not answer `within` the given time; without an
/// interval never ready.
///
/// It pings even while frames arrive. A peer that sends an endless header block looks alive, but it can't answer, since
/// PING must not stand between HEADERS and CONTINUATION (RFC 9113, section 6.10).
pub(crate) async fn keepalive(pings: Option<PingPong>, interval: Option<Duration>, within: Duration) -> io::Error {
    let (Some(mut pings), Some(interval)) = (pings, interval) else {
        return std::future::pending().await;
    };
    loop {
        sleep(interval).await;
        // It fails before its time only when the connection is over, which its own poll tells.
        if timeout(within, pings.ping(Ping::opaque())).await.is_err() {
            let text = format!("the peer did not answer a PING within {within:?}");
            return io::Error::new(io::ErrorKind::TimedOut, text);
        }
    }
}

//! Whether the peer is still there: PING at an interval, and its answer within a time.

use std::{io, time::Duration};

use h2::{Ping, PingPong};
use tokio::time::{sleep, timeout};

/// Watches over a connection; it is ready with TimedOut when the peer does not answer `within` a time, and never without
/// an `interval`.
///
/// It pings though frames come in, since a peer that drips an endless header block is active and can't answer: PING must
/// not stand between HEADERS and CONTINUATION (RFC 9113, section 6.10).
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

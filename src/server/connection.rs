//! One connection: its handshake, and then its turns, until it ends.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, Connection};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, timeout};
use tracing::debug;

use super::heavy::{PROBATION, STRETCH};
use super::{Router, Server, dispatch::Dispatcher};
use crate::connection::{ByteStream, Calls, Keepalive, ROUNDS, Transport, Turn, Verdict};
use crate::{call::status_of, limits::Limits};

/// How many requests are taken before they are answered. Each needs some kilobytes here and in h2 until then: of a
/// thousand calls at once the processor's nearest cache holds none, and they cost half as much again as in eights.
const AT_ONCE: usize = 8;

/// Serves one connection from its first byte to its last.
///
/// All of a connection happens in one task, in turns, and a turn has three steps whose order is what makes it fast:
///
/// 1. **Take** the requests there are, up to [`AT_ONCE`], until `poll_accept` is Pending. By the time it yields a
///    request, h2 has read everything that the socket held, so a unary request's message is there too.
/// 2. **Answer**: poll the calls that are new or were woken, in this task. A unary call costs no task, no wake-up and
///    no waiting: it is over here, its head, message and trailers queued in h2.
/// 3. **Write**, once: going round again, `poll_accept` moves the answers of these calls through h2 into the
///    [`Transport`], and when nothing is left to do all leave together in one system call.
///
/// Answering between two `poll_accept` calls, or in a task a call, lets each answer leave alone: two to three
/// times the cost of the whole call. The price of this order is that a handler which computes for long, or blocks, holds
/// up its connection's other calls. It does so twice at most: when a turn took longer than [`STRETCH`], the next ones
/// time each handler, and the method whose handler it was is answered in tasks of its own from then on, on other threads
/// where the runtime has them. Handlers known to be heavy better call `tokio::task::spawn_blocking` at once.
pub(super) async fn serve<IO: ByteStream, R: Router>(
    io: IO, peer: Option<SocketAddr>, server: &Arc<Server<R>>, mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let limits = &server.limits;
    let mut stopped = pin!(async move {
        // The sender gone means that nobody will ever stop this connection.
        if stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    let transport = Transport::new(io);
    let mut h2 = tokio::select! {
        opened = timeout(limits.handshake_timeout, handshake(&transport, limits)) => opened.map_err(|_| {
            let text = format!("no HTTP/2 handshake within {:?}", limits.handshake_timeout);
            io::Error::new(io::ErrorKind::TimedOut, text)
        })??,
        () = &mut stopped => return Ok(()), // there is nothing yet that could be let end
    };

    let turn = Arc::new(Turn::default());
    let waker = Waker::from(Arc::clone(&turn));
    let dispatcher = Arc::new(Dispatcher { server: Arc::clone(server), peer, to_time: AtomicU32::new(0) });
    let mut calls = Calls::new(Arc::clone(&turn));
    let mut keepalive = Keepalive::new(h2.ping_pong(), limits);
    let mut draining: Option<Pin<Box<Sleep>>> = None;

    poll_fn(|task| {
        turn.begin(task);
        let cx = &mut Context::from_waker(&waker);
        let (start, mut busy) = (Instant::now(), !calls.is_empty());
        for _ in 0..ROUNDS {
            turn.begin_round();
            let mut room = AT_ONCE;
            while let Poll::Ready(accepted) = h2.poll_accept(cx) {
                match accepted {
                    Some(Ok((request, respond))) => {
                        if let Some(call) = dispatcher.begin(request, respond) {
                            calls.begin(dispatcher.answer(call));
                        }
                    }
                    Some(Err(error)) => return Poll::Ready(end_of(error)),
                    None => return Poll::Ready(Ok(())),
                }
                (busy, room) = (true, room - 1);
                if room == 0 {
                    cx.waker().wake_by_ref(); // there may be more
                    break;
                }
            }
            calls.poll();
            if !turn.goes_round_again() {
                break;
            }
        }
        if start.elapsed() > STRETCH {
            dispatcher.to_time.store(PROBATION, Ordering::Relaxed);
        }

        let is_stopped = draining.is_none() && stopped.as_mut().poll(cx).is_ready();
        let is_idle = match keepalive.as_mut().map(|keepalive| keepalive.poll(cx, busy)) {
            Some(Poll::Ready(Verdict::Gone(error))) => return Poll::Ready(Err(error)),
            verdict => draining.is_none() && verdict.is_some_and(|verdict| verdict.is_ready()),
        };
        if is_stopped || is_idle {
            debug!(is_stopped, is_idle, "asking the peer to leave");
            draining = Some(drain(&mut h2, limits));
            cx.waker().wake_by_ref(); // the next turn sends GOAWAY
        }
        if let Some(timer) = &mut draining
            && timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "calls did not end in time: cut off")));
        }
        let _ = transport.poll_flush(cx)?;
        if keepalive.as_ref().is_some_and(Keepalive::is_idle) {
            transport.release();
            calls.release();
        }
        turn.end(task);
        Poll::Pending
    })
    .await
}

async fn handshake<IO: ByteStream>(
    transport: &Transport<IO>, limits: &Limits,
) -> io::Result<Connection<Transport<IO>, Bytes>> {
    let mut handshake = pin!(
        Builder::new()
            .initial_window_size(limits.stream_window)
            .initial_connection_window_size(limits.connection_window)
            .data_frame_budget(limits.small_frame_budget)
            .max_concurrent_streams(limits.max_concurrent_streams)
            .max_header_list_size(limits.max_header_list)
            // Clients cancel calls, many at once when a proxy in between goes away: late frames of those must not count
            // as errors of the connection.
            .max_concurrent_reset_streams(1024)
            .handshake(transport.clone())
    );
    poll_fn(|cx| {
        let polled = handshake.as_mut().poll(cx);
        let _ = transport.poll_flush(cx)?;
        polled.map_err(|error| io::Error::other(format!("no HTTP/2 handshake: {error}")))
    })
    .await
}

/// Sends GOAWAY: no new calls, and those in flight may end within the drain time-out. HTTP/2 itself has no timer here:
/// one open stream or one silent peer would keep the connection for ever.
fn drain<IO: ByteStream>(h2: &mut Connection<Transport<IO>, Bytes>, limits: &Limits) -> Pin<Box<Sleep>> {
    h2.graceful_shutdown();
    Box::pin(tokio::time::sleep_until(Instant::now() + limits.drain_timeout))
}

/// How a connection may end properly, and how not.
fn end_of(error: h2::Error) -> io::Result<()> {
    if error.is_io() {
        let error = error.into_io().unwrap_or_else(|| io::ErrorKind::Other.into());
        return match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected => Ok(()),
            _ => Err(error),
        };
    }
    match error.reason() {
        Some(Reason::NO_ERROR) => Ok(()),
        _ => Err(io::Error::other(status_of(error, "the connection was served"))),
    }
}

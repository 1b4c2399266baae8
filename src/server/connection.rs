//! One connection: its handshake, and then its turns, until it ends.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, Connection};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::heavy::{PROBATION, STRETCH};
use super::{Router, Server, dispatch::Dispatcher};
use crate::connection::{Alarm, ByteStream, Calls, ROUNDS, Transport, Turn, keepalive};
use crate::{call::status_of, limits::Limits};

/// How many requests are taken before they are answered, at most. Each needs some kilobytes here and in h2 until then:
/// of a thousand calls at once the processor's nearest cache holds none, and they cost half as much again as in eights.
const AT_ONCE: usize = 8;

/// Serves one connection from its first byte to its last.
///
/// All of a connection happens in one task, in turns, and a turn has three steps whose order is what makes it fast:
///
/// 1. **Take** the requests there are, until `poll_accept` is Pending, or as many as the last turn had, up to
///    [`AT_ONCE`]: to learn that no other is there, h2 looks at everything that it may have to do, which is 3 % of a unary
///    call, and in step 3 it does so anyway. By the time it yields a request it has read everything that the socket held,
///    so a unary request's message is there too.
/// 2. **Answer**: poll the calls that are new or were woken, in this task. A unary call costs no task, no wake-up and
///    no waiting: it is over here, its head, message and trailers queued in h2.
/// 3. **Write**, once: going round again, `poll_accept` moves the answers of these calls through h2 into the
///    [`Transport`], and when nothing is left to do all leave together in one system call.
///
/// What seldom has something to do, timers and the server's stop, comes last, and only when its [`Alarm`] rang.
///
/// Then the task sleeps, unless a peer that is alone on this thread has asked back within [`Limits::busy_poll`] before:
/// for so long it stays awake now, and looks again and again whether anything came. Falling asleep and being woken is a
/// quarter of such a peer's wait, and costs this thread about as much as looking.
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
    let alarm = Alarm::new(&turn);
    let (quiet, leaves, mut at_once) = (AtomicU32::new(0), AtomicBool::new(false), 1);
    let pings = limits.keepalive_interval.and_then(|_| h2.ping_pong());
    let mut end = pin!(async {
        tokio::select! {
            () = stopped => debug!("the server stops: asking the peer to leave"),
            idle = keepalive(pings, limits, &quiet) => match idle {
                Ok(()) => debug!("no call for long: asking the peer to leave"),
                Err(gone) => return gone,
            },
        }
        leaves.store(true, Relaxed);
        // HTTP/2 itself has no timer here: one open stream or one silent peer would keep the connection for ever.
        sleep(limits.drain_timeout).await;
        io::Error::new(io::ErrorKind::TimedOut, "calls did not end in time: cut off")
    });

    let (mut ended, mut awake) = (Instant::now(), false);
    poll_fn(|task| {
        let (start, alone) = (Instant::now(), turn.begin(task));
        let in_vain = awake && !turn.goes_round_again();
        awake = alone && start - ended < limits.busy_poll;
        if in_vain {
            turn.end(task, awake); // once more, or to sleep
            return Poll::Pending;
        }
        let (cx, mut taken) = (&mut Context::from_waker(&waker), 0);
        for _ in 0..ROUNDS {
            turn.begin_round();
            transport.begin_round();
            let mut room = at_once;
            while let Poll::Ready(accepted) = h2.poll_accept(cx) {
                match accepted {
                    Some(Ok((request, respond))) => {
                        if let Some(call) = dispatcher.begin(request, respond) {
                            calls.begin(|| dispatcher.answer(call));
                        }
                    }
                    Some(Err(error)) => return Poll::Ready(end_of(error)),
                    None => return Poll::Ready(Ok(())),
                }
                quiet.store(0, Relaxed);
                (taken, room) = (taken + 1, room - 1);
                if room == 0 {
                    at_once = AT_ONCE.min(2 * at_once);
                    cx.waker().wake_by_ref(); // there may be more
                    break;
                }
            }
            calls.poll();
            if !turn.goes_round_again() {
                break;
            }
        }
        at_once = taken.clamp(1, AT_ONCE);
        let _ = transport.poll_flush(cx)?;
        ended = Instant::now();
        if ended - start > STRETCH {
            dispatcher.to_time.store(PROBATION, Relaxed);
        }
        if alarm.rang() {
            if !calls.is_empty() {
                quiet.store(0, Relaxed);
            }
            if let Poll::Ready(error) = end.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&alarm)))) {
                return Poll::Ready(Err(error));
            }
            if leaves.swap(false, Relaxed) {
                h2.graceful_shutdown(); // no new calls, and those in flight may end within the drain time-out
                cx.waker().wake_by_ref(); // the next turn sends GOAWAY
            }
            // An interval has passed without a call: memory can wait elsewhere for the next.
            if quiet.load(Relaxed) > 1 {
                transport.release();
                calls.release();
            }
        }
        turn.end(task, awake);
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
        transport.begin_round();
        let polled = handshake.as_mut().poll(cx);
        let _ = transport.poll_flush(cx)?;
        polled.map_err(|error| io::Error::other(format!("no HTTP/2 handshake: {error}")))
    })
    .await
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

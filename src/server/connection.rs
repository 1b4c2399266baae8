//! One connection of a server: its handshake, and then its turns, until it ends.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::{io, net::SocketAddr};

use h2::server::{Builder, Connection};
use h2::{Reason, RecvStream, server::SendResponse};
use http::Request;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::admit::{Admitted, admit};
use super::answer::Answerer;
use super::heavy::Suspicion;
use super::holding::Holding;
use super::leave::{Due, Leave, stopped_for};
use super::portion::Portion;
use super::setup::Setup;
use crate::call::{Piece, status_of};
use crate::connection::{Activity, ByteStream, Calls, Greeting, Side, Transport, Turn, drive};
use crate::limits::{Limits, SCARCE_WINDOW, SEND_BUFFER, STOPPED_HANDSHAKE};
use crate::memory::costs;

/// Serves one connection from its first byte to its last.
///
/// All of a connection happens in one task, in turns, and a turn has three steps whose order is what makes it fast:
///
/// 1. [`take`](Serving::take) the requests there are. By the time h2 yields a request it has read everything that the
///    socket held, so a unary request's message is there too.
/// 2. [`answer`](Serving::answer): poll the calls that are new or were woken, in this task. A unary call costs no task,
///    no wake-up and no waiting: it is over here, its head, message and trailers queued in h2.
/// 3. [`write`](Serving::write), once: going round again, `take` moves the answers of these calls through h2 into the
///    [`Transport`], and when nothing is left to do all leave together in one system call.
///
/// If calls were answered between two `poll_accept`, or in a task each, every answer would leave alone, and the whole
/// call would cost two to three times as much. The price of this order is that a handler which computes for long, or
/// blocks, holds up its connection's other calls: see [`heavy`](super::heavy).
pub(super) async fn serve<IO: ByteStream>(
    io: IO, peer: Option<SocketAddr>, setup: &Arc<Setup>, stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let limits = &setup.limits;
    let (begin, activity) = (Instant::now(), Arc::<Activity>::default());
    let transport = Transport::new(io, Greeting::OfClient, Arc::clone(&activity));
    let account = setup.memory().open();
    let mut h2 = tokio::select! {
        biased;
        opened = timeout(limits.handshake_timeout, handshake(&transport, limits)) => match opened {
            // A probe, which only wanted to know that the port is open.
            Ok(Err(_)) if transport.is_untouched() => return Ok(()),
            Ok(opened) => opened?,
            Err(_) => {
                let text = format!("no HTTP/2 handshake within {:?}", limits.handshake_timeout);
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
        },
        () = stopped_for(STOPPED_HANDSHAKE.min(limits.drain_timeout), stop.clone()) => return Ok(()),
    };

    let turn = Arc::new(Turn::default());
    let answerer = Arc::new(Answerer { setup: Arc::clone(setup), peer, suspicion: Suspicion::default() });
    let pings = limits.keepalive_interval.and_then(|_| h2.ping_pong());
    let leave = Leave::new(begin, stop, pings, activity, limits);
    let begin = |admitted| answerer.answer(admitted);
    let calls = Calls::new(Arc::clone(&turn));
    account.serves(Waker::from(Arc::clone(&turn)));
    let mut serving = Serving {
        transport,
        h2,
        answerer: &answerer,
        begin,
        calls,
        leave,
        portion: Portion::new(),
        holding: Holding::new(account),
        turn_began: Instant::now(),
        has_more: false,
        is_behind: false,
    };
    serving.economize(false);
    drive(turn, &mut serving).await
}

/// A connection that is open.
struct Serving<'a, IO, Begin, Answering> {
    transport: Transport<IO>,
    h2: Connection<Transport<IO>, Piece>,
    answerer: &'a Answerer,
    /// Makes a call's future.
    begin: Begin,
    calls: Calls<Answering>,
    leave: Leave,
    portion: Portion,
    holding: Holding,
    turn_began: Instant,
    /// Whether requests may be left for the next round.
    has_more: bool,
    /// Whether calls are left for the next turn.
    is_behind: bool,
}

impl<'a, IO, Begin, Answering> Serving<'a, IO, Begin, Answering>
where
    IO: ByteStream,
    Begin: Fn(Admitted<'a>) -> Answering,
    Answering: Future<Output = ()>,
{
    /// Takes the requests that have come, a [`Portion`] of them. Ready when the connection is over.
    fn take(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport.begin_round();
        self.portion.begin_round();
        self.has_more = false;
        while let Poll::Ready(accepted) = self.h2.poll_accept(cx) {
            match accepted {
                Some(Ok((request, respond))) => self.begin_call(request, respond),
                Some(Err(error)) => return Poll::Ready(end_of(error)),
                None => return Poll::Ready(Ok(())),
            }
            if self.portion.is_complete_with_this() {
                cx.waker().wake_by_ref();
                self.has_more = true;
                break;
            }
        }
        Poll::Pending
    }

    fn begin_call(&mut self, request: Request<RecvStream>, respond: SendResponse<Piece>) {
        let Answerer { setup, peer, .. } = self.answerer;
        if let Some(admitted) = admit(setup, *peer, self.holding.account(), request, respond) {
            self.calls.begin(|| (self.begin)(admitted));
        } else {
            self.holding.refused();
        }
    }

    /// Lets the peer send less, and keeps smaller buffers, as long as memory is scarce.
    fn economize(&mut self, is_short: bool) {
        let window = self.answerer.setup.limits.connection_window;
        self.h2.set_target_window_size(if is_short { window.min(SCARCE_WINDOW) } else { window });
        self.transport.economize(is_short);
        if is_short {
            self.calls.release();
        }
    }

    /// Polls the calls that are new or were woken.
    fn answer(&mut self, cx: &mut Context<'_>) {
        self.is_behind = !self.calls.poll();
        if !self.is_behind && !self.has_more && self.transport.catch_up() {
            cx.waker().wake_by_ref();
        }
    }

    /// Writes all answers to the socket.
    fn write(&mut self, cx: &mut Context<'_>) {
        let gathered = self.transport.flush(cx);
        // A call is charged when its handler yields. One that waits for the next turn has not run yet.
        let calls = self.calls.places() * costs::PLACE + self.calls.waiting() * (costs::CALL + costs::HEAD);
        if let Some(is_short) = self.holding.turn_ends(self.turn_began, gathered, calls) {
            self.economize(is_short);
        }
        self.leave.note(self.transport.unfinished());
        self.answerer.suspicion.turn_took(self.turn_began);
        if self.portion.has_taken() || !self.calls.is_empty() {
            self.leave.busy(self.turn_began);
        }
    }
}

impl<'a, IO, Begin, Answering> Side for Serving<'a, IO, Begin, Answering>
where
    IO: ByteStream,
    Begin: Fn(Admitted<'a>) -> Answering,
    Answering: Future<Output = ()>,
{
    fn begin(&mut self, now: Instant) {
        self.turn_began = now;
        self.transport.begin_turn();
        self.portion.begin_turn();
    }

    fn round(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let must_leave = self.holding.must_leave();
        if must_leave {
            self.h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        }
        let taken = self.take(cx);
        if must_leave {
            // It has to make room for others, and is told so as far as the socket takes it.
            self.transport.flush(cx);
            return Poll::Ready(Err(self.holding.sent_away()));
        }
        if let Poll::Ready(end) = taken {
            return Poll::Ready(end);
        }
        self.answer(cx);
        Poll::Pending
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        Serving::write(self, cx);
    }

    fn is_spent(&self) -> bool {
        self.is_behind || self.transport.has_read_enough()
    }

    fn is_due(&self) -> bool {
        self.leave.is_due()
    }

    fn tend(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.calls.is_empty() {
            self.leave.busy(Instant::now());
        }
        while let Poll::Ready(due) = self.leave.poll(cx)? {
            match due {
                Due::Rest => {
                    self.transport.release();
                    self.calls.release();
                }
                Due::GoAway => {
                    debug!(peer = self.answerer.peer.map(tracing::field::display), "asking the peer to leave");
                    self.h2.graceful_shutdown();
                    cx.waker().wake_by_ref(); // h2 wakes nobody: the next turn sends GOAWAY
                }
            }
        }
        Poll::Pending
    }
}

async fn handshake<IO: ByteStream>(
    transport: &Transport<IO>, limits: &Limits,
) -> io::Result<Connection<Transport<IO>, Piece>> {
    let mut handshake = pin!(
        Builder::new()
            .initial_window_size(limits.stream_window)
            .initial_connection_window_size(limits.connection_window)
            .data_frame_budget(limits.small_frame_budget)
            .max_send_buffer_size(SEND_BUFFER)
            .max_concurrent_streams(limits.max_concurrent_streams)
            .max_header_list_size(limits.max_header_list)
            // Clients cancel calls, many at once when a proxy in between goes away: late frames of those must not count
            // as errors of the connection.
            .max_concurrent_reset_streams(1024)
            .handshake(transport.clone())
    );
    poll_fn(|cx| {
        transport.begin_turn();
        transport.begin_round();
        let polled = handshake.as_mut().poll(cx);
        transport.flush(cx);
        polled.map_err(|error| match error.is_io() {
            true => error.into_io().unwrap_or_else(|| io::ErrorKind::Other.into()),
            false => io::Error::other(format!("no HTTP/2 handshake: {error}")),
        })
    })
    .await
}

/// Whether the connection ended properly. A peer that closes or resets it without a word is no error.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_calls_gives_its_buffers_back_after_a_minute() {
        let (mut peer, io) = tokio::io::duplex(1000);
        peer.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await.unwrap();
        let (setup, activity, turn) = (Arc::<Setup>::default(), Arc::default(), Arc::<Turn>::default());
        let transport = Transport::new(io, Greeting::OfClient, Arc::clone(&activity));
        let h2 = handshake(&transport, &setup.limits).await.unwrap();
        let answerer = Answerer { setup: Arc::clone(&setup), peer: None, suspicion: Suspicion::default() };
        let (_stop, stopped) = watch::channel(false);
        let mut serving = Serving {
            transport: transport.clone(),
            h2,
            answerer: &answerer,
            begin: |_| std::future::ready(()),
            calls: Calls::new(Arc::clone(&turn)),
            leave: Leave::new(Instant::now(), stopped, None, activity, &setup.limits),
            portion: Portion::new(),
            holding: Holding::new(setup.memory().open()),
            turn_began: Instant::now(),
            has_more: false,
            is_behind: false,
        };
        serving.calls.begin(|| std::future::ready(()));
        let mut driving = Box::pin(drive(turn, &mut serving));
        assert!(timeout(Duration::from_secs(59), &mut driving).await.is_err());
        assert!(transport.buffer() > 0);
        assert!(timeout(Duration::from_secs(2), &mut driving).await.is_err());
        assert_eq!(transport.buffer(), 0);
        drop(driving);
        assert_eq!(serving.calls.places(), 0);
    }
}

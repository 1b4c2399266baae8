//! One connection of a client: its handshake, and the turns that drive it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker, ready};
use std::{io, sync::Arc};

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::debug;

use crate::call::{Outlet, client::Deadline};
use crate::connection::{ByteStream, Calls, ROUNDS, Transport, Turn, keepalive};
use crate::limits::Limits;

/// A connection that calls can be opened on. Its task ends with the last handle and the last call.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// Opens streams.
    pub(super) requests: SendRequest<Bytes>,
    pub(super) streams: UnboundedSender<Pump>,
    /// The server, for error texts.
    pub(super) server: Arc<str>,
}

/// A request that is a stream, to be driven with the connection.
type Pump = (Arc<Outlet>, Option<Deadline>);

impl Live {
    /// Whether the connection's task has ended.
    pub(super) fn is_over(&self) -> bool {
        self.streams.is_closed()
    }

    /// Has the connection's task drive a streaming request: take what its sender puts in, wait for the window, end it.
    pub(super) fn drive(&self, outlet: Arc<Outlet>, deadline: Option<Deadline>) {
        // It fails only when the connection is over, and then the stream's own errors tell.
        let _ = self.streams.send((outlet, deadline));
    }
}

/// Speaks HTTP/2 over `io`, in a task of its own.
pub(super) async fn connect<IO: ByteStream>(io: IO, server: Arc<str>, limits: &Limits) -> io::Result<Live> {
    let transport = Transport::new(io);
    let (requests, h2) = Builder::new()
        .initial_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .data_frame_budget(limits.small_frame_budget)
        .max_header_list_size(limits.max_header_list)
        .max_concurrent_reset_streams(1024)
        .enable_push(false)
        .handshake(transport.clone())
        .await
        .map_err(io::Error::other)?;
    let (streams, pumps) = unbounded_channel();
    let limits = limits.clone();
    tokio::spawn(async move {
        match drive(transport, h2, pumps, &limits).await {
            Ok(()) => debug!("connection closed"),
            Err(error) => debug!(%error, "connection failed"),
        }
    });
    Ok(Live { requests, streams, server })
}

/// The connection's turns: take what the senders of streaming requests have put in, let h2 read and write, and write
/// once before going idle. Calls run in their callers' tasks; it is h2 that wakes them.
async fn drive<IO: ByteStream>(
    transport: Transport<IO>, mut h2: Connection<Transport<IO>, Bytes>, mut pumps: UnboundedReceiver<Pump>,
    limits: &Limits,
) -> io::Result<()> {
    let turn = Arc::new(Turn::default());
    let waker = Waker::from(Arc::clone(&turn));
    let (pings, quiet) = (limits.keepalive_interval.and_then(|_| h2.ping_pong()), AtomicU32::new(0));
    let mut lost = pin!(keepalive(pings, limits, &quiet));
    let mut requests = Calls::new(Arc::clone(&turn));
    poll_fn(|task| {
        turn.begin(task);
        let cx = &mut Context::from_waker(&waker);
        for _ in 0..ROUNDS {
            turn.begin_round();
            transport.begin_round();
            while let Poll::Ready(Some((outlet, deadline))) = pumps.poll_recv(cx) {
                requests.begin(|| pump(outlet, deadline));
            }
            requests.poll();
            if let Poll::Ready(ended) = Pin::new(&mut h2).poll(cx) {
                return Poll::Ready(ended.map_err(io::Error::other));
            }
            if !turn.goes_round_again() {
                break;
            }
        }
        quiet.store(0, Relaxed); // a client stays however long it is idle
        if let Poll::Ready(ended) = lost.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        let _ = transport.poll_flush(cx)?;
        turn.end(task, false);
        Poll::Pending
    })
    .await
}

/// Drives one streaming request to its end.
async fn pump(outlet: Arc<Outlet>, mut deadline: Option<Deadline>) {
    poll_fn(|cx| {
        let mut sending = outlet.lock();
        if sending.poll_request(cx).is_pending() {
            let late = ready!(Deadline::poll(&mut deadline, cx));
            sending.reset(h2::Reason::CANCEL, late);
        }
        Poll::Ready(())
    })
    .await;
}

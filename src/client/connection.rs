//! One connection of a client: its handshake, and the turns that drive it.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::debug;

use crate::call::{Deadline, Driver, Outlet, Timer};
use crate::connection::{ByteStream, Calls, Greeting, Side, Transport, Turn, drive, keepalive};
use crate::limits::ClientLimits;

/// A connection that calls can be opened on. Its task ends with the last handle and the last call.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// Opens streams.
    pub(super) requests: SendRequest<Bytes>,
    pub(super) streams: UnboundedSender<StreamingRequest>,
}

/// A request that is a stream, to be driven with the connection.
#[derive(Debug)]
pub(super) struct StreamingRequest {
    driver: Driver,
    deadline: Option<Deadline>,
}

impl Live {
    /// Whether the connection's task has ended.
    pub(super) fn is_over(&self) -> bool {
        self.streams.is_closed()
    }

    /// Has the connection's task drive a streaming request: take what its sender puts in, wait for the window, end it.
    pub(super) fn drive(&self, outlet: Arc<Outlet>, deadline: Option<Deadline>) {
        // It fails only when the connection is over, and then the driver that is dropped tells the sender.
        let _ = self.streams.send(StreamingRequest { driver: Driver::new(outlet), deadline });
    }
}

/// Speaks HTTP/2 over `io`, in a task of its own.
pub(super) async fn connect<IO: ByteStream>(io: IO, limits: &ClientLimits) -> io::Result<Live> {
    let transport = Transport::new(io, Greeting::OfServer);
    let (requests, mut h2) = Builder::new()
        .initial_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .data_frame_budget(limits.small_frame_budget)
        .max_header_list_size(limits.max_header_list)
        .max_concurrent_reset_streams(1024)
        // Until the server's SETTINGS say how many streams it allows, h2 would open any number: those beyond the limit
        // are refused. So calls wait for SETTINGS.
        .initial_max_send_streams(0)
        .enable_push(false)
        .handshake(transport.clone())
        .await
        .map_err(io::Error::other)?;
    let (streams, begun) = unbounded_channel();
    let pings = limits.keepalive_interval.and_then(|_| h2.ping_pong());
    let gone = keepalive(pings, limits.keepalive_interval, limits.keepalive_timeout);
    let turn = Arc::new(Turn::default());
    let calls = Calls::new(Arc::clone(&turn));
    let calling = Calling { transport, h2, begun, calls, pump, gone: Box::pin(gone) };
    tokio::spawn(async move {
        match drive(turn, calling).await {
            Ok(()) => debug!("connection closed"),
            Err(error) => debug!(%error, "connection failed"),
        }
    });
    Ok(Live { requests, streams })
}

/// A connection that is open. Calls run in their callers' tasks, and it is h2 that wakes them; the connection's task
/// drives the requests that are streams.
struct Calling<IO: ByteStream, Pump, Pumping> {
    transport: Transport<IO>,
    h2: Connection<Transport<IO>, Bytes>,
    begun: UnboundedReceiver<StreamingRequest>,
    calls: Calls<Pumping>,
    /// Makes the future that drives a streaming request.
    pump: Pump,
    gone: Pin<Box<dyn Future<Output = io::Error> + Send>>,
}

impl<IO, Pump, Pumping> Side for Calling<IO, Pump, Pumping>
where
    IO: ByteStream,
    Pump: Fn(StreamingRequest) -> Pumping,
    Pumping: Future<Output = ()>,
{
    /// Takes what the senders of streaming requests have put in, and has h2 read and write.
    fn round(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport.begin_round();
        while let Poll::Ready(Some(request)) = self.begun.poll_recv(cx) {
            self.calls.begin(|| (self.pump)(request));
        }
        self.calls.poll();
        Pin::new(&mut self.h2).poll(cx).map_err(io::Error::other)
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        self.transport.flush(cx);
    }

    fn tend(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.gone.as_mut().poll(cx).map(Err)
    }
}

/// Drives one streaming request to its end.
async fn pump(StreamingRequest { driver, deadline }: StreamingRequest) {
    let mut timer = Timer::new(deadline);
    poll_fn(|cx| {
        driver.begin_poll();
        if driver.poll_yield(cx).is_ready() || driver.is_over() {
            return Poll::Ready(());
        }
        let late = ready!(timer.poll(cx));
        driver.reset(h2::Reason::CANCEL, late);
        Poll::Ready(())
    })
    .await;
}

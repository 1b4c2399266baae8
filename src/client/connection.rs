//! One connection of a client: its handshake, its streams, the turns that drive it, its end.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};

use h2::client::{Builder, Connection as Http2, SendRequest};
use http::Request;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::farewell::Farewell;
use crate::call::{Attempt, Carrier, Held, Link, Outlet, Piece, Pump};
use crate::connection::{
    Activity, ByteStream, Calls, GoAway, Greeting, Keepalive, Pings, Seen, Side, Transport, Turn, drive, lock,
};
use crate::limits::ClientLimits;
use crate::wire::quoted;

/// Stream numbers end at 2^31 - 1 (RFC 9113, section 5.1.1; rule h2.stream-ids-grow). A connection that comes near is replaced.
const LAST_STREAM: u32 = 0x7fff_0000;

/// A connection that calls can be opened on. When nobody holds it any more, and its last call has ended, its task ends.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: u64,
    permits: Arc<dyn Permits>,
    link: Link,
    requests: SendRequest<Piece>,
    /// The streams that are open, and the requests among them that are streams.
    streams: Mutex<HashMap<u32, Option<Arc<Outlet>>>>,
    /// How many streams were opened so far.
    opened: AtomicU64,
    activity: Arc<Activity>,
    pumps: UnboundedSender<Pump>,
    phase: watch::Sender<Phase>,
}

/// Who counts the calls of connections.
pub(super) trait Permits: std::fmt::Debug + Send + Sync {
    /// The server of `connection` allows so many calls at once.
    fn limit(&self, connection: u64, calls: usize);

    /// A call of `connection` has ended.
    fn release(&self, connection: u64);
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The server's SETTINGS have not come.
    Opening,
    /// It takes calls, so many at once.
    Open,
    /// It takes no more calls: the server is leaving, or the connection is lost.
    Leaving,
}

/// Numbers for connections.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Speaks HTTP/2 over `io` until the server's SETTINGS have come, and then in a task of its own.
pub(super) async fn connect<IO: ByteStream>(
    io: IO, server: &str, permits: Arc<dyn Permits>, limits: &ClientLimits, until: Instant,
) -> io::Result<Arc<Connection>> {
    let activity = Arc::<Activity>::default();
    let transport = Transport::new(io, Greeting::OfServer, Arc::clone(&activity));
    let (requests, h2) = Builder::new()
        .initial_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .data_frame_budget(limits.small_frame_budget)
        .max_header_list_size(limits.max_header_list)
        .max_concurrent_reset_streams(1024)
        // Until the server's SETTINGS say how many streams it allows, h2 would open any number: those beyond the limit
        // are refused.
        .initial_max_send_streams(0)
        .enable_push(false)
        .handshake(transport.clone())
        .await
        .map_err(io::Error::other)?;
    let (pumps, begun) = unbounded_channel();
    let (phase, _) = watch::channel(Phase::Opening);
    let connection = Arc::new(Connection {
        id: NEXT.fetch_add(1, Relaxed),
        permits,
        link: Link::new(server),
        requests,
        streams: Mutex::default(),
        opened: AtomicU64::new(0),
        activity: Arc::clone(&activity),
        pumps,
        phase,
    });
    let ClientLimits { keepalive_interval: interval, keepalive_timeout: timeout, .. } = *limits;
    let without_calls = limits.keepalive_without_calls;
    let (pings, pinger) = Pings::new();
    let gone = Box::pin(Keepalive { interval, timeout, activity, without_calls }.run(pinger));
    let turn = Arc::new(Turn::default());
    let calls = Calls::new(Arc::clone(&turn));
    let this = Arc::downgrade(&connection);
    let farewell = Farewell::new(timeout);
    let calling = Calling { transport, h2, seen: Seen::default(), begun, calls, this, gone, pings, farewell };
    let mut driving = Box::pin(calling.run(turn));
    let mut phase = connection.phase.subscribe();
    let opening = timeout_at(until, phase.wait_for(|phase| *phase != Phase::Opening));
    tokio::select! {
        biased;
        error = &mut driving => Err(error),
        opened = opening => match opened {
            Ok(_) => {
                tokio::spawn(driving);
                Ok(connection)
            }
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it accepted the connection, but sent no HTTP/2 SETTINGS within {:?}", limits.connect_timeout),
            )),
        },
    }
}

impl Connection {
    /// How many calls the server allows at once.
    pub(super) fn limit(&self) -> usize {
        self.requests.current_max_send_streams()
    }

    /// Waits until it takes no more calls, and says why.
    pub(super) async fn left(&self) -> String {
        let _ = self.phase.subscribe().wait_for(|phase| *phase == Phase::Leaving).await;
        self.link.why().unwrap_or("the connection was closed").to_owned()
    }

    /// Opens a stream with the request `head`. The caller has a permit, which the stream gives back when it ends.
    ///
    /// # Errors
    /// Nothing has left then. With an I/O error or a GOAWAY, the connection takes no more calls.
    pub(super) fn open(self: &Arc<Self>, head: Request<()>) -> Result<Attempt, h2::Error> {
        let mut requests = self.requests.clone();
        // Held until the stream is noted, because the server may end it at once.
        let mut streams = lock(&self.streams);
        let (response, request) = requests.send_request(head, false)?;
        let id = u32::from(response.stream_id());
        streams.insert(id, None);
        self.activity.set_calls(streams.len());
        drop(streams);
        self.opened.fetch_add(1, Relaxed);
        if id >= LAST_STREAM {
            self.leaves("the connection has used up its stream numbers");
        }
        let carrier = Arc::clone(self) as Arc<dyn Carrier>;
        Ok(Attempt { request, response, stream: Held { carrier, id } })
    }

    /// How many calls it has carried so far.
    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Relaxed)
    }

    /// Takes no more calls, because of `why`. Those that it has go on.
    pub(super) fn leaves(&self, why: impl Into<String>) {
        self.link.leaves_because(why);
        self.leave_pool();
    }

    /// Takes no more calls, and those that it has fail because of `why`.
    fn fails(&self, why: impl Into<String>) {
        self.link.fails_because(why);
        self.leave_pool();
    }

    fn leave_pool(&self) {
        self.phase.send_if_modified(|phase| std::mem::replace(phase, Phase::Leaving) != Phase::Leaving);
    }

    /// The server's SETTINGS have come.
    fn settled(&self, limit: usize) {
        self.phase.send_if_modified(|phase| {
            let is_first = *phase == Phase::Opening;
            if is_first {
                *phase = Phase::Open;
            }
            is_first
        });
        self.permits.limit(self.id, limit);
    }

    /// The server has ended a stream with its answer.
    fn ended(&self, stream: u32) {
        if let Some(Some(request)) = self.close(stream) {
            request.answered();
        }
    }

    /// Gives back the permit of a stream that is open. What the stream's request was, if it was open.
    fn close(&self, stream: u32) -> Option<Option<Arc<Outlet>>> {
        let mut streams = lock(&self.streams);
        let closed = streams.remove(&stream);
        self.activity.set_calls(streams.len());
        drop(streams);
        if closed.is_some() {
            self.permits.release(self.id);
        }
        closed
    }
}

impl Carrier for Connection {
    fn link(&self) -> &Link {
        &self.link
    }

    fn leave(&self, stream: u32) {
        self.close(stream);
    }

    fn drive(&self, id: u32, outlet: Arc<Outlet>, pump: Pump) {
        if let Some(request) = lock(&self.streams).get_mut(&id) {
            *request = Some(outlet);
        }
        // It fails only when the connection is over, and then the pump that is dropped tells the sender.
        let _ = self.pumps.send(pump);
    }
}

/// A connection that is open. Calls run in their callers' tasks, and it is h2 that wakes them; the connection's task
/// drives the requests that are streams.
struct Calling<IO: ByteStream> {
    transport: Transport<IO>,
    h2: Http2<Transport<IO>, Piece>,
    seen: Seen,
    begun: UnboundedReceiver<Pump>,
    calls: Calls<Pump>,
    /// Weak, since h2 closes a connection on which nobody can make calls any more.
    this: Weak<Connection>,
    gone: Pin<Box<dyn Future<Output = io::Error> + Send>>,
    pings: Pings,
    farewell: Farewell,
}

impl<IO: ByteStream> Calling<IO> {
    /// Drives the connection to its end.
    async fn run(mut self, turn: Arc<Turn>) -> io::Error {
        let failure = drive(turn, &mut self).await.err();
        let has_failed = failure.is_some();
        let closed = || io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection");
        let mut error = failure.unwrap_or_else(closed);
        if let Some(connection) = self.this.upgrade() {
            match has_failed {
                true => connection.fails(error.to_string()),
                false => connection.leaves(error.to_string()),
            }
            // A server that closes may have said why before.
            if let Some(why) = connection.link.why() {
                error = io::Error::new(error.kind(), why);
            }
        }
        debug!(%error, "connection closed");
        let Calling { h2, mut calls, begun, .. } = self;
        drop((h2, begun));
        // The calls whose requests are streams learn that the connection is lost.
        while !calls.poll() {}
        error
    }

    /// Tells what h2 does not: that SETTINGS came, that the server is leaving, that it has ended streams.
    fn notice(&mut self) {
        self.transport.take_seen(&mut self.seen);
        let Some(connection) = self.this.upgrade() else { return };
        if self.seen.settings {
            connection.settled(self.h2.max_concurrent_send_streams());
        }
        self.seen.ended.iter().for_each(|stream| connection.ended(*stream));
        // h2 tells the call, which may begin again.
        self.seen.reset.iter().for_each(|stream| connection.leave(*stream));
        match &self.seen.goaway {
            Some(goaway) if goaway.code == u32::from(h2::Reason::NO_ERROR) => connection.leaves(leaving(goaway)),
            Some(goaway) => connection.fails(leaving(goaway)),
            None => {}
        }
    }
}

impl<IO: ByteStream> Side for Calling<IO> {
    fn begin(&mut self, _now: Instant) {
        self.transport.begin_turn();
    }

    fn is_spent(&self) -> bool {
        self.transport.has_read_enough()
    }

    /// Takes what the senders of streaming requests have put in, and has h2 read and write.
    fn round(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport.begin_round();
        while let Poll::Ready(Some(pump)) = self.begun.poll_recv(cx) {
            self.calls.begin(|| pump);
        }
        self.calls.poll();
        let polled = Pin::new(&mut self.h2).poll(cx).map_err(broken);
        self.notice();
        polled
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        self.transport.flush(cx);
        if self.this.strong_count() == 0 {
            self.farewell.begin();
        }
    }

    fn is_due(&self) -> bool {
        self.farewell.is_due()
    }

    fn tend(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(unread) = self.farewell.poll(cx) {
            return Poll::Ready(Err(unread));
        }
        let gone = self.gone.as_mut().poll(cx).map(Err);
        self.pings.give(|| self.h2.ping_pong());
        gone
    }
}

/// Why h2 gave up the connection: what the transport says, or which rule of HTTP/2 the server has broken.
fn broken(error: h2::Error) -> io::Error {
    match (error.reason(), error.get_io()) {
        (None, Some(io)) => io::Error::new(io.kind(), error),
        (Some(reason), _) if error.is_library() => io::Error::other(format!(
            "the server broke a rule of HTTP/2: this side closed the connection with {reason:?}"
        )),
        _ => io::Error::other(error),
    }
}

/// What a server says that leaves.
fn leaving(goaway: &GoAway) -> String {
    let code = h2::Reason::from(goaway.code);
    let debug = if goaway.debug.is_empty() { String::new() } else { format!(", {}", quoted(&goaway.debug)) };
    format!("the server closed the connection with GOAWAY {code:?}{debug}")
}

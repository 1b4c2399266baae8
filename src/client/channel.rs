//! A channel: one server, one connection to it at a time, dialled when a call needs it.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::{fmt, io};

use bytes::Bytes;
use h2::{SendStream, client::ResponseFuture};
use tokio::time::Instant;
use tracing::info;

use super::backoff;
use super::connection::{self, Live};
use super::dial::{self, Dial};
use super::endpoint::Endpoint;
use crate::call::{
    CallEnd, CallHead, CallOptions, ClientCall, Deadline, Ending, Inbound, Observer, Outbound, Outlet, ResponseSource,
    Responses, Timer, status_of,
};
use crate::codec::{self, Payload};
use crate::connection::{ByteStream, lock};
use crate::limits::ClientLimits;
use crate::metadata::Metadata;
use crate::status::Status;
use crate::wire::{head, path::Path};

/// Calls to one server. Cheap to clone, and all clones share the connection.
///
/// It dials when the first call needs it, and again when the connection was lost. While a server can't be reached,
/// calls fail at once with UNAVAILABLE and the reason; the next attempt waits for the back-off of gRPC's
/// connection-backoff.md.
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Shared>,
}

struct Shared {
    endpoint: Endpoint,
    /// The endpoint as text, for error texts.
    server: Arc<str>,
    dial: Dial,
    limits: ClientLimits,
    observer: Option<Observer>,
    state: Mutex<State>,
    /// Held while dialling, so that many calls make one connection.
    dialling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    failures: u32,
    /// When to dial next, and why not now.
    pause: Option<(Instant, Status)>,
}

impl Channel {
    /// Calls to `endpoint` over TCP. Nothing is dialled yet.
    pub fn new(endpoint: Endpoint) -> Self {
        let dial = dial::tcp(&endpoint);
        Channel::with_dial(endpoint, ClientLimits::default(), dial)
    }

    /// Calls to `endpoint` over byte streams that `connect` makes: a Unix socket, a pipe in memory, a recorder around
    /// TCP.
    pub fn with_connector<F, Fut, IO>(endpoint: Endpoint, limits: ClientLimits, connect: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<IO>> + Send + 'static,
        IO: ByteStream,
    {
        let dial = move || -> dial::Dialled {
            let connecting = connect();
            Box::pin(async move { Ok(Box::new(connecting.await?) as Box<dyn ByteStream>) })
        };
        Channel::with_dial(endpoint, limits, Arc::new(dial))
    }

    /// The same server with other limits, over a connection of its own. With limits that cannot be
    /// ([`ClientLimits::check`]) each call is INVALID_ARGUMENT.
    pub fn limits(&self, limits: ClientLimits) -> Self {
        let Shared { endpoint, dial, observer, .. } = &*self.shared;
        Channel::of(Shared::new(endpoint.clone(), Arc::clone(dial), limits, observer.clone()))
    }

    /// The same server over a connection of its own, and `observe` is told of the end of each call, however it ends,
    /// exactly once. It is called where the call's response is read or dropped, so it must not block.
    pub fn observe(&self, observe: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) -> Self {
        let Shared { endpoint, dial, limits, .. } = &*self.shared;
        let observer = Some(Observer::new(observe));
        Channel::of(Shared::new(endpoint.clone(), Arc::clone(dial), limits.clone(), observer))
    }

    fn with_dial(endpoint: Endpoint, limits: ClientLimits, dial: Dial) -> Self {
        Channel::of(Shared::new(endpoint, dial, limits, None))
    }

    fn of(shared: Shared) -> Self {
        Channel { shared: Arc::new(shared) }
    }

    /// Calls a method whose request is one message: typed clients do it by a [`Caller`](super::Caller).
    ///
    /// # Errors
    /// Why the call could not begin. The call's own status comes from the stream.
    pub async fn server_streaming<Q: Payload, R: Payload>(
        &self, path: &Path, options: &CallOptions, message: &Q,
    ) -> Result<Responses<R>, Status> {
        let frame = codec::to_frame(message)?;
        let mut ending = self.begin(path);
        let Opened { mut request, response, deadline, .. } = self.open(options, &mut ending).await?;
        ending.call.sent = frame.len() as u64;
        // It fails when the server has answered already, and then its answer counts.
        let _ = request.send_data(frame, true);
        Ok(self.responses(response, deadline, ending))
    }

    /// Calls a method whose request is a stream: typed clients do it by a [`Caller`](super::Caller).
    ///
    /// # Errors
    /// As for [`server_streaming`](Self::server_streaming).
    pub async fn bidirectional<Q: Payload, R: Payload>(
        &self, path: &Path, options: &CallOptions,
    ) -> Result<(Outbound<Q>, Responses<R>), Status> {
        let mut ending = self.begin(path);
        let Opened { request, response, live, deadline } = self.open(options, &mut ending).await?;
        let head = CallHead::new(path.clone(), Metadata::new(), deadline, None);
        let outlet = Outlet::request(request, head);
        live.drive(Arc::clone(&outlet), deadline);
        ending.call.request = Some(Arc::clone(&outlet));
        Ok((Outbound::new(outlet), self.responses(response, deadline, ending)))
    }

    /// A call begins.
    fn begin(&self, path: &Path) -> Ending<ClientCall> {
        let server = Arc::clone(&self.shared.server);
        let call = ClientCall { path: path.clone(), server, request: None, sent: 0, received: 0 };
        Ending::new(call, self.shared.observer.as_ref())
    }

    fn responses<R: Payload>(
        &self, response: ResponseFuture, deadline: Option<Deadline>, ending: Ending<ClientCall>,
    ) -> Responses<R> {
        Inbound::new(ResponseSource::new(response, deadline, ending), self.shared.limits.max_message)
    }

    /// Sends the request's head, within the call's deadline. A call that cannot begin ends here.
    async fn open(&self, options: &CallOptions, ending: &mut Ending<ClientCall>) -> Result<Opened, Status> {
        let deadline = options.timeout.map(Deadline::after);
        let mut timer = Timer::new(deadline);
        let opened = tokio::select! {
            biased;
            opened = self.open_stream(&ending.call.path, &options.metadata, deadline) => opened,
            late = poll_fn(|cx| timer.poll(cx)) => Err(late),
        };
        opened.inspect_err(|status| ending.close(status))
    }

    /// Opens a stream and sends the request's head.
    ///
    /// A connection that the server is leaving, or that was lost unnoticed, fails before the stream is open.
    /// Nothing of the call has left then, so it starts again on a new connection.
    async fn open_stream(
        &self, path: &Path, metadata: &Metadata, deadline: Option<Deadline>,
    ) -> Result<Opened, Status> {
        let Endpoint { scheme, authority } = &self.shared.endpoint;
        let mut live = self.connection().await?;
        let mut requests = match live.requests.clone().ready().await {
            Ok(requests) => requests,
            Err(_) => {
                // It opens no more streams. Another may have taken its place meanwhile.
                lock(&self.shared.state).live.take_if(|gone| gone.streams.same_channel(&live.streams));
                live = self.connection().await?;
                live.requests.clone().ready().await.map_err(|error| self.unavailable("a call was begun", error))?
            }
        };
        // What dialling and waiting took is over: the server has what is left.
        let timeout = deadline.map(|deadline| deadline.left());
        let head = head::request(scheme, authority, path, timeout, Some(metadata.as_headers()));
        let (response, request) =
            requests.send_request(head, false).map_err(|error| self.unavailable("a call was begun", error))?;
        Ok(Opened { request, response, live, deadline })
    }

    fn unavailable(&self, doing: &str, error: h2::Error) -> Status {
        status_of(error, &format!("{doing} to {}", self.shared.endpoint))
    }

    async fn connection(&self) -> Result<Live, Status> {
        if let Some(known) = lock(&self.shared.state).known() {
            return known;
        }
        let _dialling = self.shared.dialling.lock().await;
        if let Some(known) = lock(&self.shared.state).known() {
            return known;
        }
        self.shared.limits.check().map_err(|error| Status::invalid_argument(error.to_string()))?;
        let dialled = async { connection::connect((self.shared.dial)().await?, &self.shared.limits).await }.await;
        let mut state = lock(&self.shared.state);
        match dialled {
            Ok(live) => {
                info!(endpoint = %self.shared.endpoint, "connected");
                *state = State { live: Some(live.clone()), failures: 0, pause: None };
                Ok(live)
            }
            Err(error) => {
                let status = Status::unavailable(format!("can't connect to {}: {error}", self.shared.endpoint));
                let status = status.with_source(Arc::new(error));
                state.failures = state.failures.saturating_add(1);
                state.pause = Some((Instant::now() + backoff::pause(state.failures), status.clone()));
                Err(status)
            }
        }
    }
}

impl Shared {
    fn new(endpoint: Endpoint, dial: Dial, limits: ClientLimits, observer: Option<Observer>) -> Self {
        let server = endpoint.to_string().into();
        let (state, dialling) = (Mutex::default(), tokio::sync::Mutex::default());
        Shared { endpoint, server, dial, limits, observer, state, dialling }
    }
}

/// A call that has begun.
struct Opened {
    request: SendStream<Bytes>,
    response: ResponseFuture,
    live: Live,
    deadline: Option<Deadline>,
}

impl State {
    /// The connection, or why there is none for now; `None` when it is time to dial.
    fn known(&mut self) -> Option<Result<Live, Status>> {
        self.live.take_if(|live| live.is_over());
        if let Some(live) = &self.live {
            return Some(Ok(live.clone()));
        }
        let (until, status) = self.pause.as_ref()?;
        let left = until.checked_duration_since(Instant::now())?;
        Some(Err(Status::unavailable(format!("{}; the next attempt is due in {left:.1?}", status.message()))))
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Channel").field(&self.shared.endpoint).finish()
    }
}

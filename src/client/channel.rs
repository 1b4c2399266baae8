//! A channel: one server, one connection to it at a time, dialled when a call needs it.

use std::sync::{Arc, Mutex};
use std::{fmt, future::Future, io};

use bytes::Bytes;
use h2::{SendStream, client::ResponseFuture};
use http::{HeaderMap, uri::PathAndQuery};
use tokio::time::Instant;
use tracing::info;

use super::backoff;
use super::connection::{self, Live};
use super::dial::{self, Dial};
use super::endpoint::Endpoint;
use crate::connection::{ByteStream, lock};
use crate::{call::status_of, limits::Limits, status::Status, wire::head};

/// Calls to one server. Cheap to clone, and all clones share the connection.
///
/// It dials when the first call needs it, and again when the connection was lost. While a server can't be reached,
/// calls fail at once with UNAVAILABLE and the reason; the next attempt waits for the back-off of gRPC's
/// connection-backoff.md.
#[derive(Clone)]
pub struct Channel {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    endpoint: Endpoint,
    dial: Dial,
    pub(super) limits: Limits,
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
        Channel::with_dial(endpoint, Limits::client(), dial)
    }

    /// Calls to `endpoint` over byte streams that `connect` makes: a Unix socket, a pipe in memory, a recorder around
    /// TCP.
    pub fn with_connector<F, Fut, IO>(endpoint: Endpoint, limits: Limits, connect: F) -> Self
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

    /// The same server with other limits, over a connection of its own.
    pub fn limits(&self, limits: Limits) -> Self {
        Channel::with_dial(self.shared.endpoint.clone(), limits, Arc::clone(&self.shared.dial))
    }

    fn with_dial(endpoint: Endpoint, limits: Limits, dial: Dial) -> Self {
        let (state, dialling) = Default::default();
        Channel { shared: Arc::new(Shared { endpoint, dial, limits, state, dialling }) }
    }

    /// Opens a stream and sends the request's head.
    ///
    /// A connection that the server is leaving, or that was lost unnoticed, fails before the stream is open.
    /// Nothing of the call has left then, so it starts again on a new connection.
    pub(super) async fn open(
        &self, path: &PathAndQuery, timeout: Option<std::time::Duration>, metadata: &HeaderMap,
    ) -> Result<(ResponseFuture, SendStream<Bytes>, Live), Status> {
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
        let head = head::request(scheme, authority, path, timeout, Some(metadata));
        let (response, request) =
            requests.send_request(head, false).map_err(|error| self.unavailable("a call was begun", error))?;
        Ok((response, request, live))
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
        let server = self.shared.endpoint.to_string().into();
        let dialled =
            async { connection::connect((self.shared.dial)().await?, server, &self.shared.limits).await }.await;
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

//! The server: sockets in, connections, calls, and a stop that finishes what has begun.
//!
//! ```no_run
//! # async fn run(guide: impl h2grpc::server::Service) -> std::io::Result<()> {
//! use h2grpc::server::{Server, listen};
//!
//! let listener = listen("127.0.0.1:50051".parse().unwrap())?;
//! let ctrl_c = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! Server::new().add(guide).serve([listener], ctrl_c).await
//! # }
//! ```
//!
//! All calls of a connection are polled in its task, one after the other: a step of a handler, from one `.await` that
//! waits to the next, holds up the others. Streams step aside by themselves, a flow-control window at the latest. A
//! handler that computes for more than a few milliseconds, or blocks, belongs into `tokio::task::spawn_blocking`. One
//! that does neither, and has held up its connection for more than 10 ms twice, is found out: the next 1,000 calls of
//! its method run in tasks of their own, and on a runtime with several threads the connection goes on without them.
//!
//! A call passes through the room in the order of its files: `listen` accepts the socket, `connection` takes its turns,
//! `dispatch` finds the service and answers the call.

mod connection;
mod dispatch;
mod heavy;
mod listen;

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::watch};

use crate::call::{IncomingCall, Reply};
use crate::{connection::ByteStream, limits::Limits, status::Status};

pub use crate::service::{Method, Service};
pub use listen::listen;

/// Services, and what their peers are allowed.
#[derive(Debug, Default)]
pub struct Server<R = NoService> {
    router: R,
    limits: Limits,
    heavy: heavy::Heavy,
}

impl Server {
    /// A server without services: every call is UNIMPLEMENTED.
    pub fn new() -> Self {
        Server::default()
    }
}

impl<R: Router> Server<R> {
    /// Adds a service.
    pub fn add<S: Service>(self, service: S) -> Server<Route<S, R>> {
        Server { router: Route { service, others: self.router }, limits: self.limits, heavy: self.heavy }
    }

    /// Replaces the default limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves the connections that `listeners` accept until `stop` is ready. Then no connection is accepted any more,
    /// every connection is sent GOAWAY, the calls in flight end, or are cut off after [`Limits::drain_timeout`].
    ///
    /// # Errors
    /// None that a peer can cause: a connection's errors are logged, and when the process is out of
    /// file descriptors, accepting waits.
    pub async fn serve(
        self, listeners: impl IntoIterator<Item = TcpListener>, stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        listen::serve(Arc::new(self), listeners.into_iter().collect(), stop).await
    }

    /// Serves one connection over any byte stream, until it ends or `stop` turns true.
    ///
    /// # Errors
    /// What ended the connection, unless it was a proper end: the peer's errors, timeouts, I/O errors.
    pub async fn serve_connection<IO: ByteStream>(
        self: &Arc<Self>, io: IO, peer: Option<SocketAddr>, stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        connection::serve(io, peer, self, stop).await
    }
}

/// Finds the service of a call: a list of [`Route`]s, nested, so that every call's future has a known type and size,
/// and none needs a box of its own.
pub trait Router: Send + Sync + 'static {
    /// Answers one call: gives the one message that is to be sent, or none where a stream was.
    #[doc(hidden)]
    fn route(
        &self, service: &str, method: &str, call: IncomingCall,
    ) -> impl Future<Output = Result<Reply, Status>> + Send;
}

/// The end of the list.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoService;

impl Router for NoService {
    async fn route(&self, service: &str, method: &str, _: IncomingCall) -> Result<Reply, Status> {
        Err(Status::unimplemented(format!("there is no service {service} here, for /{service}/{method}")))
    }
}

/// A service, and the others to try.
#[derive(Debug)]
pub struct Route<S, R> {
    service: S,
    others: R,
}

impl<S: Service, R: Router> Router for Route<S, R> {
    async fn route(&self, service: &str, method: &str, call: IncomingCall) -> Result<Reply, Status> {
        if !self.service.serves(service) {
            return self.others.route(service, method, call).await;
        }
        match S::METHODS.iter().find(|candidate| candidate.name == method) {
            Some(method) => self.service.call(method, call).await,
            None => Err(Status::unimplemented(format!("{service} has no method {method}, for /{service}/{method}"))),
        }
    }
}

/// A service that answers to more names than its own.
#[derive(Debug)]
pub struct Named<S> {
    service: S,
    names: Vec<String>,
}

impl<S: Service> Named<S> {
    #[doc(hidden)]
    pub fn new(service: S) -> Self {
        Named { service, names: Vec::new() }
    }

    /// Answers calls to the service `name` as well.
    pub fn also_as(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }
}

impl<S: Service> Service for Named<S> {
    const METHODS: &'static [Method] = S::METHODS;

    fn serves(&self, name: &str) -> bool {
        self.service.serves(name) || self.names.iter().any(|own| own == name)
    }

    fn call(&self, method: &'static Method, call: IncomingCall) -> impl Future<Output = Result<Reply, Status>> + Send {
        self.service.call(method, call)
    }
}

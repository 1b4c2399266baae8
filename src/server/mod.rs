//! The server: sockets in, connections, calls, and a stop that finishes what has begun.
//!
//! ```no_run
//! # async fn run(guide: impl h2grpc::service::Service) -> std::io::Result<()> {
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
//! `admit` reads the head of a request, `router` finds its method, `answer` has it answered.

mod admit;
mod answer;
mod connection;
mod heavy;
mod leave;
mod listen;
mod portion;
mod router;
mod setup;

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::watch};

use crate::call::{CallEnd, Observer};
use crate::{connection::ByteStream, limits::Limits, service::Registration};

pub use crate::service::{Method, Service};
pub use listen::listen;
use setup::Setup;

/// Services, and what their peers are allowed.
#[derive(Clone, Debug, Default)]
pub struct Server {
    setup: Arc<Setup>,
}

impl Server {
    /// A server without services: every call is UNIMPLEMENTED.
    pub fn new() -> Self {
        Server::default()
    }

    /// Adds a service: what `into_service()` gives, or a [`Service`] written by hand. Of two with the same name, each
    /// method is answered by the one that was added last.
    pub fn add(mut self, service: impl Into<Registration>) -> Self {
        Arc::make_mut(&mut self.setup).router.add(service.into());
        self
    }

    /// Has `service` answer the calls to all services that were not added: for proxies. Its name and its methods do not
    /// matter, and limits for its methods are refused when the server starts.
    pub fn fallback(mut self, service: impl Into<Registration>) -> Self {
        Arc::make_mut(&mut self.setup).router.set_fallback(service.into());
        self
    }

    /// Replaces the default limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.setup).limits = limits;
        self
    }

    /// Tells `observe` of the end of each call, however it ends, exactly once: for access logs and metrics. It is called
    /// in the connection's task, so it must not block. Without an observer, calls that fail are logged.
    ///
    /// ```
    /// use h2grpc::server::Server;
    /// let server = Server::new().observe(|end| println!("{} {} {:?}", end.path, end.status.code(), end.elapsed));
    /// ```
    pub fn observe(mut self, observe: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.setup).observer = Some(Observer::new(observe));
        self
    }

    /// All services by their names, in the order in which they were added, with their methods.
    pub fn services(&self) -> impl Iterator<Item = (&str, &[Method])> {
        self.setup.router.services()
    }

    /// Serves the connections that `listeners` accept until `stop` is ready. Then no connection is accepted any more,
    /// every connection is sent GOAWAY, the calls in flight end, or are cut off after
    /// [`Limits::drain_timeout`](Limits#structfield.drain_timeout).
    ///
    /// # Errors
    /// InvalidInput for limits that would serve nobody. None that a peer can cause: a connection's errors are logged,
    /// and when the process is out of file descriptors, accepting waits.
    pub async fn serve(
        self, listeners: impl IntoIterator<Item = TcpListener>, stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        self.setup.check()?;
        listen::serve(self.setup, listeners.into_iter().collect(), stop).await
    }

    /// Serves one connection over any byte stream, until it ends or `stop` turns true.
    ///
    /// # Errors
    /// InvalidInput for limits that would serve nobody. What ended the connection, unless it was a proper end: the peer's
    /// errors, timeouts, I/O errors.
    pub async fn serve_connection<IO: ByteStream>(
        &self, io: IO, peer: Option<SocketAddr>, stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        self.setup.check()?;
        connection::serve(io, peer, &self.setup, stop).await
    }
}

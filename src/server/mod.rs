//! The server: it accepts connections, answers their calls, and stops without cutting off calls that have begun.
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
//! # Handlers that compute for long
//!
//! All calls of a connection are polled in one task, one after the other. While a handler computes between two
//! `.await`s that wait, the other calls of its connection wait. (A handler that streams its response waits from time to
//! time by itself, at the latest when the client's flow-control window is full.) A handler that computes for more than
//! a few milliseconds, or blocks, should do that in `tokio::task::spawn_blocking`.
//!
//! The server has a safety net for handlers that do not. When a method's handlers have held up a connection for more
//! than 10 ms twice, the next 1,000 calls of that method run in tasks of their own. On a runtime with several threads
//! the connection's other calls then go on meanwhile.
//!
//! # The way of a call
//!
//! A call passes through this module in the order of its files: `listen` accepts the socket, `connection` takes its
//! turns, `admit` reads the head of a request, `router` finds its method, `answer` polls its handler, `finish` ends it.

mod admit;
mod answer;
mod connection;
mod finish;
mod heavy;
mod holding;
mod leave;
mod listen;
mod patience;
mod places;
mod portion;
mod route;
mod router;
mod setup;

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::watch};

use crate::call::{CallEnd, Observer};
use crate::{connection::ByteStream, limits::Limits, service::Registration};

pub use crate::service::{Method, Service};
pub use listen::listen;
use setup::{Setup, Wrap};

/// Services, and the limits for their clients.
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

    /// Has `service` answer the calls to all services that were not added, as a proxy does. Its name and its methods do
    /// not matter, and limits for its methods are refused when the server starts.
    pub fn fallback(mut self, service: impl Into<Registration>) -> Self {
        Arc::make_mut(&mut self.setup).router.set_fallback(service.into());
        self
    }

    /// Replaces the default limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.setup).set_limits(limits);
        self
    }

    /// Tells `observe` of the end of each call, however it ends, exactly once: for access logs and metrics. It is
    /// called in the connection's task, so it must not block. Without an observer, calls that fail are logged.
    ///
    /// ```
    /// use h2grpc::server::Server;
    /// let server = Server::new().observe(|end| println!("{} {} {:?}", end.path, end.status.code(), end.elapsed));
    /// ```
    pub fn observe(mut self, observe: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.setup).observer = Some(Observer::new(observe));
        self
    }

    /// Serves each connection that is accepted on the byte stream that `wrap` makes of it: a recorder or a throttle around
    /// it. `wrap` is told the peer's address too. It must not block.
    ///
    /// ```
    /// # #[cfg(feature = "transcript")]
    /// # {
    /// use h2grpc::server::Server;
    /// use h2grpc::transcript::Recording;
    ///
    /// let recording = Recording::new(1 << 20);
    /// let recorder = recording.clone();
    /// let server = Server::new().wrap_streams(move |_, stream| recorder.server(stream));
    /// # }
    /// ```
    pub fn wrap_streams<F, IO>(mut self, wrap: F) -> Self
    where
        F: Fn(SocketAddr, Box<dyn ByteStream>) -> IO + Send + Sync + 'static,
        IO: ByteStream,
    {
        Arc::make_mut(&mut self.setup).wrap = Some(Wrap(Arc::new(move |peer, stream| Box::new(wrap(peer, stream)))));
        self
    }

    /// All services by their names, in the order in which they were added, with their methods.
    pub fn services(&self) -> impl Iterator<Item = (&str, &[Method])> {
        self.setup.router.services()
    }

    /// Serves the connections that `listeners` accept until `stop` is ready. Then it accepts no more connections, sends
    /// GOAWAY on all of them, and lets the calls in flight end. Those that last longer than
    /// [`Limits::drain_timeout`](Limits#structfield.drain_timeout) are cut off.
    ///
    /// # Errors
    /// InvalidInput for limits that would serve nobody. A peer can cause no error here: a connection's errors are
    /// logged, and when the process is out of file descriptors, accepting waits.
    pub async fn serve(
        self, listeners: impl IntoIterator<Item = TcpListener>, stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        self.setup.check()?;
        listen::serve(self.setup, listeners.into_iter().collect(), stop).await
    }

    /// Serves one connection over any byte stream, until it ends or `stop` turns true.
    ///
    /// # Errors
    /// InvalidInput for limits that would serve nobody; or what ended the connection, unless it ended properly: an
    /// error of the peer, a time-out, an I/O error.
    pub async fn serve_connection<IO: ByteStream>(
        &self, io: IO, peer: Option<SocketAddr>, stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        self.setup.check()?;
        connection::serve(io, peer, &self.setup, stop).await
    }
}

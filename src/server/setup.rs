//! What all connections of a server have in common.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::{fmt, io};

use super::router::Router;
use crate::connection::ByteStream;
use crate::{call::Observer, limits::Limits, memory::Memory};

/// A user's function that takes the byte stream of a peer, and gives the one that HTTP/2 runs on.
type Around = dyn Fn(SocketAddr, Box<dyn ByteStream>) -> Box<dyn ByteStream> + Send + Sync;

/// It, shared by all connections.
#[derive(Clone)]
pub(super) struct Wrap(pub(super) Arc<Around>);

impl fmt::Debug for Wrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrap")
    }
}

/// The services of a server, what their peers are allowed, and who is told of the end of each call.
#[derive(Clone, Debug, Default)]
pub(super) struct Setup {
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) observer: Option<Observer>,
    pub(super) wrap: Option<Wrap>,
    memory: OnceLock<Arc<Memory>>,
}

impl Setup {
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.memory = OnceLock::new();
    }

    /// What all connections may hold together.
    pub(super) fn memory(&self) -> &Arc<Memory> {
        self.memory.get_or_init(|| Memory::new(&self.limits))
    }

    /// Checks that the limits allow calls at all, and are for methods that exist.
    ///
    /// # Errors
    /// InvalidInput, with the limit that is wrong.
    pub(super) fn check(&self) -> io::Result<()> {
        self.router.check()?;
        self.limits.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }
}

//! What all connections of a server have in common.

use std::io;
use std::sync::{Arc, OnceLock};

use super::router::Router;
use crate::{call::Observer, limits::Limits, memory::Memory};

/// The services of a server, what their peers are allowed, and who is told of the end of each call.
#[derive(Clone, Debug, Default)]
pub(super) struct Setup {
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) observer: Option<Observer>,
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

//! What all connections of a server have in common.

use std::io;

use super::router::Router;
use crate::{call::Observer, limits::Limits};

/// The services of a server, what their peers are allowed, and who is told of the end of each call.
#[derive(Clone, Debug, Default)]
pub(super) struct Setup {
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) observer: Option<Observer>,
}

impl Setup {
    /// Checks that the limits allow calls at all, and are for methods that exist.
    ///
    /// # Errors
    /// InvalidInput, with the limit that is wrong.
    pub(super) fn check(&self) -> io::Result<()> {
        self.router.check()?;
        self.limits.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }
}

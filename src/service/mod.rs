//! What a service is to the server ([`Service`]), and [`service!`](crate::service!), which makes one of a declaration.

mod check;
mod compare;
mod declare;
mod include;

use std::future::Future;

use crate::call::{IncomingCall, Reply};
use crate::status::Status;

#[doc(hidden)]
pub use check::{full_name, is_declared_again};
pub use compare::{Drift, compare};

/// A set of methods under one name. [`service!`](crate::service!) implements it; by hand it is needed for proxies and
/// the like.
pub trait Service: Send + Sync + 'static {
    /// The methods, in the order of their declaration.
    const METHODS: &'static [Method];

    /// Whether calls to the service `name`, such as `routeguide.RouteGuide`, are for this one.
    fn serves(&self, name: &str) -> bool;

    /// Answers one call to `method`, which is one of [`METHODS`](Self::METHODS).
    fn call(&self, method: &'static Method, call: IncomingCall) -> impl Future<Output = Result<Reply, Status>> + Send;
}

/// One method of a service, as its declaration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name on the wire, such as `GetFeature`.
    pub name: &'static str,
    /// The declared type of the request's messages.
    pub request: &'static str,
    /// Whether the request is a stream of messages.
    pub client_streaming: bool,
    /// The declared type of the answer's messages.
    pub response: &'static str,
    /// Whether the answer is a stream of messages.
    pub server_streaming: bool,
}

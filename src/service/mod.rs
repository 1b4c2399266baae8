//! What a service is to the server ([`Service`]), and [`service!`](crate::service!), which makes one of a declaration.
//!
//! ```text
//! service! { pub service Echo("demo.Echo") client EchoClient { rpc Say as say (Text) returns (Text); } }
//!    |                                     |
//!    v                                     v
//! trait Echo, implemented by you        EchoClient, typed calls over a Channel
//!    |  into_service()
//!    v
//! Registration: a Service, its names, its limits, its interceptors  ->  Server::add
//! ```

mod check;
mod compare;
mod declare;
mod include;
mod registration;

use std::{future::Future, pin::Pin};

use crate::call::{IncomingCall, Reply};
use crate::status::Status;

#[doc(hidden)]
pub use check::{full_name, is_declared_again};
pub use compare::{Drift, compare};
pub(crate) use registration::Interceptor;
pub use registration::Registration;

/// A set of methods under one name. [`service!`](crate::service!) implements it; by hand it is needed for proxies and
/// the like, see `examples/proxy.rs`.
pub trait Service: Send + Sync + 'static {
    /// The service's full name, such as `routeguide.RouteGuide`.
    fn name(&self) -> &str;

    /// The methods, in the order of their declaration. Calls to others are UNIMPLEMENTED.
    fn methods(&self) -> &[Method];

    /// Answers one call to one of the [`methods`](Self::methods); `call.context().path()` says to which. If the future
    /// gives an error, that is the call's status.
    fn call(&self, call: IncomingCall) -> Handling<'_>;
}

/// The future that answers a call, made by `Box::pin(async move { .. })`. It is the only box that a call costs.
pub type Handling<'a> = Pin<Box<dyn Future<Output = Result<Reply, Status>> + Send + 'a>>;

/// One method of a service, as its declaration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name on the wire, such as `GetFeature`.
    pub name: &'static str,
    /// The declared type of the request's messages.
    pub request: &'static str,
    /// Whether the request is a stream of messages.
    pub client_streaming: bool,
    /// The declared type of the response's messages.
    pub response: &'static str,
    /// Whether the response is a stream of messages.
    pub server_streaming: bool,
}

//! One call on a pair of h2 streams: messages in, messages out, deadline, cancellation, the four shapes.
//!
//! ```text
//!            server                                          client
//!   request  Inbound<Q>   <- DATA <- HTTP/2 <- DATA <-       Outbound<Q>
//!   answer   Outbound<R>  -> DATA -> HTTP/2 -> DATA ->       Answers<R>
//! ```
//!
//! Both directions have real flow control: a reader that stops stops the writer, and what waits in between is bounded.

pub mod client;
mod error;
mod inbound;
mod outbound;
pub mod server;

pub use client::{Answer, Answers, CallOptions, Response};
pub(crate) use error::status_of;
pub use inbound::{Inbound, Source};
pub use outbound::Outbound;
pub(crate) use outbound::{Origin, Outlet, State};
pub use server::{CallContext, IncomingCall, Reply, Request};

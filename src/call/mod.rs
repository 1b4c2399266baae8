//! One call on a pair of HTTP/2 streams: messages in, messages out, deadline, cancellation, the four shapes.
//!
//! ```text
//!            server                                          client
//!   request  Inbound<Q>   <- DATA <- HTTP/2 <- DATA <-       Outbound<Q>
//!   response Outbound<R>  -> DATA -> HTTP/2 -> DATA ->       Responses<R>
//! ```
//!
//! Both directions have real flow control: a reader that stops stops the writer, and what waits in between is bounded.
//!
//! The files stand in layers, and each uses those below it alone:
//!
//! ```text
//!   server  client            the four shapes, on either side
//!   inbound  outbound         what users hold: messages in, messages out
//!   source  context           where the bytes come from; what is known of a call and said besides its messages
//!   driver                    whoever polls a call, and moves on what is sent
//!   outlet                    one h2 send stream: its states, its flow control
//!   queue  unasked            frames that wait for the window; what goes without asking for it
//!   head  ending              what is known of a call from its head; where it ends, exactly once
//!   error  deadline  options  how h2's errors read; when a call ends; what a caller may set
//! ```

pub mod client;
mod context;
mod deadline;
mod driver;
pub mod ending;
mod error;
mod head;
mod inbound;
mod options;
mod outbound;
mod outlet;
mod queue;
pub mod server;
mod source;
mod unasked;

pub use client::{PendingResponse, Response, Responses};
pub use context::CallContext;
pub(crate) use deadline::{Deadline, Timer};
pub(crate) use driver::Driver;
pub use ending::CallEnd;
pub(crate) use ending::{Ended, Ending, Observer};
pub(crate) use error::status_of;
pub(crate) use head::CallHead;
pub use inbound::Inbound;
pub use options::CallOptions;
pub use outbound::Outbound;
pub(crate) use outlet::Outlet;
pub use server::{IncomingCall, Reply, Request};
pub(crate) use source::ClientCall;
pub use source::{RequestSource, ResponseSource, Source};

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
//!   source                    where the bytes of an inbound message come from
//!   context  driver           what a handler knows of its call; what moves messages on to h2 and ends the stream
//!   outlet                    one h2 send stream: its states, its flow control
//!   unasked                   how much h2 is given without asking for the flow-control window
//!   queue                     frames that wait for the window
//!   head  ending              what the request head says; the report at the end of a call
//!   error  deadline  options  what an h2 error means; when a call must end; what a caller can set
//! ```

mod client;
mod context;
mod deadline;
mod driver;
mod ending;
mod error;
mod head;
mod inbound;
mod options;
mod outbound;
mod outlet;
mod queue;
mod server;
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

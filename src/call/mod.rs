//! One call on a pair of HTTP/2 streams: messages in, messages out, deadline, cancellation, the four shapes.
//!
//! ```text
//!            server                                          client
//!   request  Inbound<Q>   <- DATA <- HTTP/2 <- DATA <-       Requests<Q>
//!   response Outbound<R>  -> DATA -> HTTP/2 -> DATA ->       Responses<R>
//! ```
//!
//! Both directions have real flow control: a reader that stops stops the writer, and what waits in between is bounded.
//!
//! The files stand in layers, and each uses those below it alone:
//!
//! ```text
//!   server  client            the four shapes, on either side
//!   stream                    the halves of a call as streams, with the feature `stream`
//!   inbound                   what users hold: messages in
//!   outbound  requests        messages out, of a server and of a client
//!   sender                    how both put messages into the outlet
//!   source                    where the bytes of an inbound message come from
//!   streaming                 a client's call whose request is a stream, and its attempts
//!   begin                     a client's call as a value, which can begin again
//!   link                      a client's connection as its calls see it; an attempt
//!   context  driver           what a handler knows of its call; what moves messages on to h2 and ends the stream
//!   outlet                    one h2 send stream, as its sender and its driver hold it
//!   sending                   its states, its flow control
//!   unasked  replay           how much h2 is given without asking for the window; what is kept for another attempt
//!   queue                     frames that wait for the window
//!   head  ending              what the request head says; the report at the end of a call
//!   error  deadline  options  what an h2 error means; when a call must end; what a caller can set
//! ```
//!
//! # What goes with a call besides its messages
//!
//! A caller gives [`CallOptions`] and reads a [`Response`]; a handler finds all of it in its [`CallContext`].
//!
//! ```
//! use std::time::Duration;
//! use h2grpc::call::{CallOptions, Request};
//! use h2grpc::client::Channel;
//! use h2grpc::limits::Limits;
//! use h2grpc::metadata::Metadata;
//! use h2grpc::server::{Server, listen};
//! use h2grpc::status::Status;
//! # #[derive(Clone, PartialEq, prost::Message)] pub struct Text { #[prost(string, tag = "1")] pub text: String }
//!
//! h2grpc::service! {
//!     pub service Echo("demo.Echo") client EchoClient {
//!         rpc Say as say (Text) returns (Text);
//!     }
//! }
//!
//! struct Parrot;
//!
//! impl Echo for Parrot {
//!     async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
//!         let call = &request.context;
//!         let mut metadata = Metadata::new();
//!         metadata.insert("heard", call.metadata().get("trace-id").unwrap_or("nothing"))?;
//!         call.respond_with(&metadata)?; // in the response head
//!         call.end_with(&metadata); // in the trailers
//!         assert!(call.deadline().is_some() && call.peer().is_some());
//!         Ok(request.message)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = listen("127.0.0.1:0".parse()?)?;
//! let address = listener.local_addr()?.to_string();
//! let server = Server::new().add(Parrot.into_service()).limits(Limits::default().max_message(64 * 1024));
//! tokio::spawn(server.serve([listener], std::future::pending()));
//!
//! let mut metadata = Metadata::new();
//! metadata.insert("trace-id", "7f3a")?;
//! let options = CallOptions::new().timeout(Duration::from_secs(5)).metadata(metadata);
//! let client = EchoClient::new(Channel::new(address.parse()?)).with(options);
//! let response = client.say(Text { text: "hello".to_owned() }).await?;
//! assert_eq!(response.metadata.get("heard"), Some("7f3a"));
//! assert_eq!(response.trailers.get("heard"), Some("7f3a"));
//! # Ok(())
//! # }
//! ```

mod begin;
mod client;
mod context;
mod deadline;
mod driver;
mod ending;
mod error;
mod head;
mod inbound;
mod link;
mod options;
mod outbound;
mod outlet;
mod piece;
mod queue;
mod receiving;
mod replay;
mod requests;
mod sender;
mod sending;
mod server;
mod source;
#[cfg(feature = "stream")]
mod stream;
mod streaming;
mod unasked;

pub use crate::memory::Charge;
pub(crate) use begin::{Body, Call, Opening, Opens};
pub use client::{PendingResponse, Response, Responses};
pub use context::CallContext;
pub(crate) use deadline::{Deadline, Timer};
pub(crate) use driver::Driver;
pub use ending::CallEnd;
pub(crate) use ending::{Ended, Ending, Observer};
pub(crate) use error::status_of;
pub(crate) use head::CallHead;
pub use inbound::Inbound;
pub(crate) use link::{Attempt, Carrier, Held, Link, Pump};
pub use options::CallOptions;
pub use outbound::Outbound;
pub(crate) use outlet::Outlet;
pub(crate) use piece::Piece;
pub use requests::{CallEnded, Requests};
pub use server::{IncomingCall, Reply, Request};
pub(crate) use source::ClientCall;
pub use source::{RequestSource, ResponseSource, Source};
pub(crate) use streaming::Streaming;

//! The client: a [`Channel`] connects to a server when a call needs it, and typed clients make calls over it.
//!
//! In come a [`Target`], settings and calls; out come connections and, on them, streams of HTTP/2, each of which is an
//! attempt at a call. What happens on a stream is the business of [`call`](crate::call), and whether a failed call begins
//! again that of [`policy`](crate::policy).
//!
//! ```text
//!   a call                                                    the channel's task, which no call's deadline touches
//!
//!   caller      the four shapes                               balance      pick_first: one subchannel for all addresses;
//!     |                                                         |          round_robin: one for each
//!   channel     the call becomes a value, and then            subchannel   connects, waits out the back-off,
//!     |         a stream of a connection                        |          connects again
//!     |                                                       resolve      a target's addresses
//!     |         asks for a permit       tells what happens    dial         one address, or a race of several
//!     +---------------> hub: pool <-----------------------------+
//!                        |   which connection takes the next call, and who waits for one
//!                        v
//!                    connection   HTTP/2: handshake, streams, SETTINGS, GOAWAY, keepalive, the end
//! ```
//!
//! The files stand in layers, and each uses those below it alone:
//!
//! ```text
//!   caller                the four shapes of a call, by the names of methods
//!   channel               what users hold: makes calls, and hands out the state
//!   balance  settings     how calls are divided among addresses; what a channel is made of
//!   subchannel            the task that makes the connections of one member of the pool
//!   hub                   the pool, shared by calls, connections and the task
//!   connection  pool      one HTTP/2 connection; permits, and the queue of those who wait
//!   dial  target          one address or a race of several; a target as users give it
//!   naming                the text of a target
//!   resolve  backoff      the addresses of names; the pauses between attempts
//!   failures  state       one error of several; the states of a channel
//! ```
//!
//! What a channel shows of all this is its [`ConnectivityState`], which has a picture of its own.
//!
//! # A client
//!
//! ```no_run
//! # mod proto {
//! #     #[derive(Clone, PartialEq, prost::Message)] pub struct Text { #[prost(string, tag = "1")] pub text: String }
//! # }
//! # use proto::Text;
//! use std::time::Duration;
//!
//! use h2grpc::call::CallOptions;
//! use h2grpc::client::Channel;
//! use h2grpc::status::Status;
//!
//! h2grpc::service! {
//!     /// Says things back.
//!     service Echo("demo.Echo") client EchoClient {
//!         /// Says one thing back.
//!         rpc Say    as say    (Text) returns (Text);
//!         /// Says one thing several times.
//!         rpc Repeat as repeat (Text) returns (stream Text);
//!     }
//! }
//!
//! async fn talk() -> Result<(), Status> {
//!     let channel = Channel::new("http://localhost:50051".parse()?);
//!     let client = EchoClient::new(channel).with(CallOptions::new().timeout(Duration::from_secs(2)));
//!     let hello = Text { text: "hello".into() };
//!
//!     let response = client.say(hello.clone()).await?;
//!     println!("{} {:?}", response.message.text, response.metadata.get("server-name"));
//!
//!     let mut texts = client.repeat(hello).await?;
//!     while let Some(text) = texts.next().await? {
//!         println!("{}", text.text);
//!     }
//!     Ok(())
//! }
//! ```

mod backoff;
mod balance;
mod caller;
mod channel;
mod connection;
mod dial;
mod failures;
mod farewell;
mod hub;
mod naming;
mod pool;
mod resolve;
mod settings;
mod state;
mod subchannel;
mod target;

pub use caller::Caller;
pub use channel::Channel;
pub use state::ConnectivityState;
pub use target::Target;

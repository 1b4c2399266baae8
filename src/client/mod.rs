//! The client: a [`Channel`] connects to a server when a call needs it, and typed clients make calls over it.
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

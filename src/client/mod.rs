//! The client: a channel that dials when it is needed, and calls over it.
//!
//! ```no_run
//! # async fn run() -> Result<(), h2grpc::status::Status> {
//! use h2grpc::client::Channel;
//!
//! let channel = Channel::new("http://localhost:50051".parse()?);
//! # Ok(())
//! # }
//! ```

mod backoff;
mod caller;
mod channel;
mod connection;
mod dial;
mod endpoint;

pub use caller::Caller;
pub use channel::Channel;
pub use endpoint::Endpoint;

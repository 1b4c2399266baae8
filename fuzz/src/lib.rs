//! A whole server and a whole client of h2grpc against a peer that sends whatever the fuzzer thinks of.
//!
//! ```text
//!   server  client    what runs, and what must hold of it
//!   peer              the other side: plays steps over a pipe in memory, on a clock that stands while anybody works
//!   steps             what the peer does, read from the fuzzer's bytes
//!   answers           what a server has answered on each stream
//!   tape              the frames that went each way
//!   wire  memory      the bytes of frames; how much memory is in use
//! ```

pub mod answers;
pub mod client;
pub mod memory;
pub mod peer;
pub mod server;
pub mod steps;
pub mod tape;
pub mod wire;

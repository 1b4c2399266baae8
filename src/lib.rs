//! gRPC on the wire, by hand: a small gRPC stack built directly on the [`h2`] crate.

pub mod call;
pub mod client;
pub mod codec;
pub mod connection;
pub mod limits;
pub mod metadata;
#[cfg(feature = "route-guide")]
pub mod route_guide;
pub mod server;
mod service;
pub mod status;
#[cfg(feature = "transcript")]
pub mod transcript;
pub mod wire;

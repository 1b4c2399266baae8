//! What the servers under test, the load generator and the comparison share.
//!
//! The binaries are the servers `floor` (canned answers straight on h2) and `tonic_server`, the generator `load`, the
//! clients `h2grpc_client` and `tonic_client`, and `compare`; start at the README.

pub mod builds;
pub mod check;
pub mod data;
pub mod drive;
pub mod gather;
pub mod http2;
pub mod process;
pub mod stats;

/// The messages and tonic's service trait, generated from `proto/route_guide.proto`.
#[allow(missing_docs)]
pub mod proto {
    tonic::include_proto!("routeguide");
}

/// The flow-control window every server under test offers for a stream and for a connection, where its stack can set
/// it. 1 MiB is where larger windows stop paying.
pub const WINDOW: u32 = 1 << 20;

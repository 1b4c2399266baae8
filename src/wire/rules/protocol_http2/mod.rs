//! Rules of "gRPC over HTTP/2".

pub(super) mod requests;
pub(super) mod responses;
pub(super) mod transport;

pub use requests::*;
pub use responses::*;
pub use transport::*;

//! Rules of RFC 9113, by which the frames of a connection are read.
//!
//! Where h2 keeps a rule and the RFC names the code of the error, h2 says PROTOCOL_ERROR instead at times.

pub(super) mod flow;
pub(super) mod frames;
pub(super) mod messages;
pub(super) mod settings;
pub(super) mod streams;

pub use flow::*;
pub use frames::*;
pub use messages::*;
pub use settings::*;
pub use streams::*;

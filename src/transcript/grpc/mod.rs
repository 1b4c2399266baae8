//! gRPC: what header fields mean to a call, and the messages in its bodies.

mod body;
mod calls;
mod decompress;
pub(super) mod fields;
mod meaning;
mod role;
mod spans;

pub use body::{Message, Piece};
pub(super) use calls::{About, Calls};
pub use calls::{Call, Ended};
pub use fields::is_secret;
pub use meaning::Meaning;
pub use role::Role;
pub(super) use role::Way;
pub(super) use spans::{Known, spans};

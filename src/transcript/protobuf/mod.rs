//! Protocol Buffers' wire format, explained: `08 9a a6 8c c3 01` is field 1 as a varint, and by the .proto a latitude.

mod fields;
mod guess;
mod meaning;
mod types;
mod value;
mod values;

pub use meaning::{Meaning, Wire};
pub use types::Types;
pub use value::Value;

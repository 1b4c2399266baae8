//! Header blocks, decoded so that they can be explained: HPACK.
//!
//! ```text
//! 83                  :method: POST          indexed 3 of the static table
//! 40 02 74 65 ...     te: trailers           literal, added; new name
//! ```
//!
//! A [`Decoder`] keeps the dynamic table of one direction and knows of each entry which bytes added it. A recording that
//! begins within a connection has a table that began before it: entries that were added since are known for certain,
//! because indices count from the newest; older ones are unknown, and said to be, until newer ones have driven them out.

mod decoder;
mod fields;
mod hidden;
mod huffman;
mod integer;
mod meaning;
mod spans;
mod table;

pub use decoder::Decoder;
pub use fields::{Block, Field, Form};
pub(super) use hidden::UNDECODABLE;
pub use meaning::{Meaning, Role};
pub use table::Entry;

//! The wire made visible: every byte of a connection, both ways, with its meaning.
//!
//! A [`Recording`] of one end of a connection notes what passes. [`Transcript::read`] takes that apart: HTTP/2
//! frames ([`http2`]), header blocks ([`hpack`]), Length-Prefixed-Messages, protobuf fields ([`protobuf`]). The
//! result is a value, which [prints](Print) as text to read beside the code:
//!
//! ```text
//! -> DATA     stream 1  END_STREAM  22 bytes                              message 1
//!     00 00 16 00 01 00 00 00 01           frame header: length 22, type 0, flags 0x01, stream 1
//!     00                                   flag: 0                         not compressed
//!     00 00 00 11                          length: 17                      routeguide.Point
//!     08 9a a6 8c c3 01                    1 latitude: 409146138           VARINT int32
//!     10 96 9f 98 9c fd ff ff ff ff 01     2 longitude: -746188906         VARINT int32, negative: 10 bytes
//! ```
//!
//! The files stand in layers, and each uses those below it alone:
//!
//! ```text
//!   print                      a transcript as text
//!   read                       a whole connection becomes a transcript
//!   bodies                     the messages of a call, which go on from frame to frame
//!   blocks                     header blocks, which do too, and the calls that they open
//!   event                      one frame, the way it went, and its parts
//!   layout  hpack  protobuf    the parts of a frame, of a header block, of a message
//!   http2  huffman  types      bytes to frames; the code of strings; the names in .proto files
//!   record  part  varint       what was recorded; the smallest piece of a transcript; a kind of number
//!   columns  text              the columns of a printed line; bytes and numbers that are safe to print
//! ```
//!
//! HTTP/2 is read by code of its own and not with h2, because a transcript must explain bytes that h2 would refuse.
//! Whatever the bytes, reading never fails, and the [parts](Part) of a direction together are its bytes.

mod blocks;
mod bodies;
mod columns;
mod event;
#[cfg(test)]
mod fixtures;
pub mod hpack;
pub mod http2;
mod huffman;
mod layout;
mod part;
mod print;
pub mod protobuf;
mod read;
mod record;
mod text;
mod types;
mod varint;

pub use blocks::Call;
pub use event::Event;
pub use part::Part;
pub use print::Print;
pub use read::Transcript;
pub use record::{Direction, Recorded, Recording};
pub use text::grouped;

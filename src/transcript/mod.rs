//! The wire made visible: every byte of a connection, both ways, with its meaning.
//!
//! A [`Recording`] of one end of a connection notes what passes. [`Transcript::read`] takes that apart: HTTP/2
//! frames ([`http2`]), header blocks ([`hpack`]), Length-Prefixed-Messages, protobuf fields ([`protobuf`]). The
//! result is a value, which [prints](Print) as text to read beside the code:
//!
//! <!-- golden: get-feature.txt, stream 1, frame 2, fields -->
//! ```text
//! -> DATA     stream 1  END_STREAM  22 bytes                              message 1
//!     00 00 16 00 01 00 00 00 01           frame header: length 22, type 0, flags 0x01, stream 1
//!     00                                   compressed: no                  flag
//!     00 00 00 11                          message length: 17              routeguide.Point
//!     08 9a a6 8c c3 01                    1 latitude: 409146138           VARINT int32
//!     10 96 9f 98 9c fd ff ff ff ff 01     2 longitude: -746188906         VARINT int32, negative: 10 bytes
//! ```
//!
//! The files stand in layers, and each uses those below it alone:
//!
//! ```text
//!   json  narrate  diff        what happened, for programs and in lines of text; two recordings compared
//!   hide                       a connection without its secrets
//!   html/                      a transcript as a page for a browser
//!   print  rows                a transcript as text, and what stands on its lines
//!   parse                      the text becomes bytes again
//!   verdict/  diagnosis        which rules of the wire are broken; why something waits or fails
//!   story                      what a frame is to its call, in plain English
//!   transcript  reader         a whole connection, and one whose bytes still come
//!   event  flow                a frame and its tree of spans; how much may still be sent
//!   grpc/                      calls and the messages of their bodies
//!   hpack/  protobuf/  http2/  header blocks, messages, frames: bytes become spans
//!   span                       the one value under everything: bytes with a meaning
//!   file                       what every file of a transcript has; one without explanations
//!   record  varint             what was recorded; a kind of number
//!   columns  text              the columns of a printed line; bytes and numbers that are safe to print
//! ```
//!
//! HTTP/2 is read by code of its own and not with h2, because a transcript must explain bytes that h2 would refuse.
//! Whatever the bytes, reading never fails, and the leaves of a direction's [spans](Span) lie side by side and are its
//! bytes.

mod columns;
mod diagnosis;
mod diff;
mod event;
mod file;
#[cfg(test)]
mod fixtures;
mod flow;
pub mod grpc;
mod hide;
pub mod hpack;
pub mod html;
pub mod http2;
mod json;
mod meaning;
mod narrate;
mod parse;
mod place;
mod print;
pub mod protobuf;
mod reader;
mod record;
mod rows;
mod span;
mod story;
mod text;
#[expect(clippy::module_inception, reason = "a transcript is what the module is about")]
mod transcript;
mod varint;
mod verdict;

pub use diagnosis::{Diagnoser, Remark};
pub use diff::{Compare, Difference};
pub use event::Event;
pub use flow::Windows;
pub use grpc::{Call, Role};
pub use hide::Hider;
pub use meaning::Meaning;
pub use narrate::{Happened, HeaderField, Told};
pub use parse::ParseError;
pub use place::Place;
pub use print::Print;
pub use reader::{Keep, Reader};
pub use record::{Chunk, Direction, Recorded, Recording};
pub use rows::Detail;
pub use span::{Derived, Link, Pane, Span, What, Why};
pub use text::grouped;
pub use transcript::Transcript;
pub use verdict::{Checker, Verdict};

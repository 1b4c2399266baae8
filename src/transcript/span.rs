//! The one value under everything: bytes with a meaning, inside bytes with a wider meaning.
//!
//! ```text
//! frame                        DATA, stream 1
//!   frame header's fields        00 00 16 | 00 | 01 | 00 00 00 01
//!   message                      message 1, routeguide.Point
//!     compressed flag              00
//!     length                       00 00 00 11
//!     field                        1 latitude: 409146138
//!       tag                          08
//!       value                        9a a6 8c c3 01
//! ```
//!
//! The leaves of a frame's tree lie side by side and are all the frame's bytes. So every byte of a direction belongs to
//! exactly one leaf, whatever the bytes are.

use std::borrow::Cow;

use bytes::Bytes;

use super::meaning::Meaning;
use super::place::Place;
use super::record::Direction;
use super::{grpc, hpack, http2, protobuf};

/// Adjacent bytes with one meaning.
#[derive(Clone, Debug)]
pub struct Span {
    /// How many bytes stand before it in its direction; in a [`Pane`], how many in the pane.
    pub start: u64,
    /// Its bytes, those of its children included.
    pub bytes: Bytes,
    /// What they mean.
    pub what: What,
    /// Other bytes that they have to do with.
    pub links: Vec<Link>,
    /// What it consists of, in order and without a gap; none for a leaf.
    pub children: Vec<Span>,
    /// What the bytes become when they are decoded.
    pub pane: Option<Box<Pane>>,
}

/// What bytes mean, by the layer that says it.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Frames.
    Http2(http2::Meaning),
    /// Header blocks.
    Hpack(hpack::Meaning),
    /// The messages of calls.
    Grpc(grpc::Meaning),
    /// The fields of messages.
    Protobuf(protobuf::Meaning),
}

/// Why other bytes matter to a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// What the other bytes did.
    pub why: Why,
    /// Where they are.
    pub to: Place,
}

/// What the bytes at the other end of a [`Link`] are to the span that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// They put the entry into the dynamic table that the span refers to.
    AddedBy,
    /// They hold the SETTINGS that the span acknowledges.
    Acknowledges,
    /// They hold the PING that the span answers.
    Answers,
    /// They hold the request head of the call that the span ends.
    Ends,
    /// They are an earlier piece of the same message or header block.
    Continues,
    /// They are the DATA for which the span gives window back, or the last of it.
    Returns,
}

/// Bytes that stand nowhere on the wire, but follow from bytes that do.
#[derive(Clone, Debug)]
pub struct Pane {
    /// How they were derived.
    pub how: Derived,
    /// The derived bytes.
    pub bytes: Bytes,
    /// What they mean. Their places count from the pane's first byte.
    pub spans: Vec<Span>,
    /// The bytes that they come from, in order.
    pub from: Vec<Place>,
}

/// How a [`Pane`] comes from the bytes on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Derived {
    /// A string in HPACK's Huffman code; each span is a letter, and its [bits](hpack::Meaning::Letter) are told.
    Huffman,
    /// A header block that is cut over several frames.
    Block,
    /// A message that is cut over several DATA frames, with its prefix.
    Message,
    /// A message that was compressed; this is the `grpc-encoding`.
    Decompressed(String),
}

impl What {
    fn meaning(&self) -> &dyn Meaning {
        match self {
            What::Http2(meaning) => meaning,
            What::Hpack(meaning) => meaning,
            What::Grpc(meaning) => meaning,
            What::Protobuf(meaning) => meaning,
        }
    }
}

impl Meaning for What {
    fn name(&self) -> Cow<'_, str> {
        self.meaning().name()
    }

    fn value(&self) -> Cow<'_, str> {
        self.meaning().value()
    }

    fn note(&self) -> Cow<'_, str> {
        self.meaning().note()
    }

    fn sentence(&self) -> String {
        self.meaning().sentence()
    }

    fn rule(&self) -> Option<&'static str> {
        self.meaning().rule()
    }

    fn is_broken(&self) -> bool {
        self.meaning().is_broken()
    }
}

impl From<http2::Meaning> for What {
    fn from(meaning: http2::Meaning) -> Self {
        What::Http2(meaning)
    }
}

impl From<hpack::Meaning> for What {
    fn from(meaning: hpack::Meaning) -> Self {
        What::Hpack(meaning)
    }
}

impl From<grpc::Meaning> for What {
    fn from(meaning: grpc::Meaning) -> Self {
        What::Grpc(meaning)
    }
}

impl From<protobuf::Meaning> for What {
    fn from(meaning: protobuf::Meaning) -> Self {
        What::Protobuf(meaning)
    }
}

impl Span {
    /// A span without children, links or pane.
    pub(super) fn leaf(start: u64, bytes: Bytes, what: impl Into<What>) -> Self {
        Span { start, bytes, what: what.into(), links: Vec::new(), children: Vec::new(), pane: None }
    }

    /// The byte after its last.
    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Where it is, given the direction that it belongs to. Meaningless inside a pane.
    pub fn place(&self, direction: Direction) -> Place {
        Place { direction, start: self.start, end: self.end() }
    }

    /// Calls `visit` for itself and everything in it, in the order of the bytes, with how deep each stands. Panes are
    /// not visited.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Span, usize)) {
        self.walk_from(0, visit);
    }

    fn walk_from<'a>(&'a self, depth: usize, visit: &mut dyn FnMut(&'a Span, usize)) {
        visit(self, depth);
        self.children.iter().for_each(|child| child.walk_from(depth + 1, visit));
    }

    /// Its leaves, in order: side by side they are its bytes. A span without bytes is no leaf.
    pub fn leaves(&self) -> Vec<&Span> {
        let mut leaves = Vec::new();
        self.walk(&mut |span, _| {
            if span.children.is_empty() && !span.bytes.is_empty() {
                leaves.push(span);
            }
        });
        leaves
    }
}

/// Cuts spans off bytes from left to right, so that they lie side by side.
#[derive(Clone, Debug)]
pub(super) struct Cutter {
    pub(super) start: u64,
    pub(super) rest: Bytes,
}

impl Cutter {
    pub(super) fn new(start: u64, rest: Bytes) -> Self {
        Cutter { start, rest }
    }

    /// The next `length` bytes and where they are, if there are so many.
    pub(super) fn take(&mut self, length: usize) -> Option<(u64, Bytes)> {
        if self.rest.len() < length {
            return None;
        }
        let start = self.start;
        self.start += length as u64;
        Some((start, self.rest.split_to(length)))
    }

    /// A leaf of all that is left.
    pub(super) fn rest(&mut self, what: impl Into<What>) -> Span {
        let start = self.start;
        self.start += self.rest.len() as u64;
        Span::leaf(start, std::mem::take(&mut self.rest), what)
    }

    /// A leaf of the next `length` bytes.
    pub(super) fn leaf(&mut self, length: usize, what: impl Into<What>) -> Option<Span> {
        self.take(length).map(|(start, bytes)| Span::leaf(start, bytes, what))
    }

    /// What was cut since `before`, as a span of these children.
    pub(super) fn since(&self, before: &Cutter, what: impl Into<What>, children: Vec<Span>) -> Span {
        let length = (self.start - before.start) as usize;
        Span { children, ..Span::leaf(before.start, before.rest.slice(..length), what) }
    }
}

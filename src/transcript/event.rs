//! A frame of a connection with what its bytes mean.

use std::sync::Arc;
use std::time::Duration;

use super::flow::Windows;
use super::grpc::{self, About, Call, Piece, Role};
use super::hpack::Block;
use super::http2::{self, Cut, Frame, Layout, Meaning};
use super::place::Place;
use super::protobuf::Types;
use super::record::Direction;
use super::span::{Derived, Link, Pane, Span, What};
use super::text::grouped;

/// A frame, which way it went, and what it is to its call.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which way.
    pub direction: Direction,
    /// When its last byte passed, counted from the beginning of the recording.
    pub at: Duration,
    /// How many bytes of its direction stand before it.
    pub start: u64,
    /// The frame.
    pub frame: Frame,
    /// What its header block is to its call, if it ends one.
    pub role: Role,
    /// The header block that ends in it.
    pub block: Option<Arc<Block>>,
    /// The messages that it holds or has parts of.
    pub pieces: Vec<Piece>,
    /// What may still be sent: after DATA in its direction, after WINDOW_UPDATE and SETTINGS in the other.
    pub windows: Option<Windows>,
    /// The call that ends with it.
    pub ended: Option<Box<Call>>,
    /// Frames that it has to do with.
    pub links: Vec<Link>,
    /// Where the pieces of the header block are, if there are several.
    pub(super) fragments: Vec<Place>,
    pub(super) about: Option<Arc<About>>,
}

impl Event {
    pub(super) fn new(direction: Direction, at: Duration, cut: Cut) -> Self {
        Event {
            direction,
            at,
            start: cut.start,
            frame: cut.frame,
            role: Role::None,
            block: None,
            pieces: Vec::new(),
            windows: None,
            ended: None,
            links: Vec::new(),
            fragments: Vec::new(),
            about: None,
        }
    }

    /// Its stream, 0 for the connection as a whole.
    pub fn stream(&self) -> u32 {
        self.frame.stream()
    }

    /// Where its bytes are.
    pub fn place(&self) -> Place {
        Place { direction: self.direction, start: self.start, end: self.start + self.frame.bytes.len() as u64 }
    }

    /// What it is to its call in a few words: "request head", "messages 1 to 3"; may be empty.
    pub fn title(&self) -> String {
        match (self.pieces.first(), self.pieces.last()) {
            (Some(first), Some(last)) if first.number == last.number => format!("message {}", grouped(first.number)),
            (Some(first), Some(last)) => format!("messages {} to {}", grouped(first.number), grouped(last.number)),
            _ => self.role.to_string(),
        }
    }

    /// The name of the type of its messages, if it is known.
    pub fn message_type(&self) -> Option<&str> {
        self.about.as_ref().and_then(|about| about.kind.as_deref())
    }

    /// The `grpc-encoding` that the head of its messages has, if there is one.
    pub fn encoding(&self) -> Option<&str> {
        self.about.as_ref().and_then(|about| about.encoding.as_deref())
    }

    /// Its bytes as a tree of spans: the leaves lie side by side and are all of them.
    pub fn tree(&self, types: &Types) -> Span {
        let cut = Cut { start: self.start, frame: self.frame.clone() };
        let Layout { before, content, after } = http2::layout(&cut);
        let Some(kind) = self.frame.kind() else {
            let whole = || Span::leaf(self.start, self.frame.bytes.clone(), Meaning::Rest);
            let pieces = content.map(|(start, bytes)| Span { children: self.body(start, &bytes, types), ..whole() });
            return pieces.or_else(|| before.into_iter().next()).unwrap_or_else(whole);
        };
        let mut children = before;
        if let Some((start, bytes)) = content {
            match (&self.block, self.frame.is("DATA")) {
                (_, true) => children.extend(self.body(start, &bytes, types)),
                (Some(block), _) if self.fragments.is_empty() => children.extend(block.spans(start)),
                (block, _) => {
                    let mut fragment = Span::leaf(start, bytes, Meaning::Fragment);
                    fragment.pane = block.as_ref().map(|block| Box::new(self.gathered(block)));
                    children.push(fragment);
                }
            }
        }
        children.extend(after);
        let meaning = Meaning::Frame {
            kind,
            flags: self.frame.bytes[4],
            stream: self.frame.stream(),
            length: self.frame.length() as u32,
        };
        let links = self.links.clone();
        Span { links, children, ..Span::leaf(self.start, self.frame.bytes.clone(), meaning) }
    }

    fn body(&self, start: u64, bytes: &bytes::Bytes, types: &Types) -> Vec<Span> {
        let about = self.about.as_deref();
        if !self.pieces.is_empty() {
            let known = grpc::Known {
                types,
                kind: about.and_then(|about| about.kind.as_deref()),
                encoding: about.and_then(|about| about.encoding.as_deref()),
            };
            return grpc::spans(&self.pieces, start, bytes, known);
        }
        let text = about.filter(|about| !about.grpc).and_then(|_| std::str::from_utf8(bytes).ok());
        let meaning = text.map_or(Meaning::Content, |text| Meaning::Text(text.to_owned()));
        vec![Span::leaf(start, bytes.clone(), What::Http2(meaning))]
    }

    /// The header block that ends here, as if its pieces stood side by side.
    fn gathered(&self, block: &Block) -> Pane {
        Pane { how: Derived::Block, bytes: block.bytes().clone(), spans: block.spans(0), from: self.fragments.clone() }
    }
}

//! A frame's tree of spans as data for the page.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::super::event::Event;
use super::super::hpack;
use super::super::meaning::Meaning;
use super::super::place::Place;
use super::super::record::Direction;
use super::super::span::{Derived, Link, Pane, Span, What, Why};
use super::secrets::Secrets;
use super::table::Table;
use crate::wire::binary;

/// A span: `[meaning, length, children, links, pane]`, without what it has not at the end. Where it begins follows from
/// the lengths before.
#[derive(Debug)]
pub(super) struct Node {
    meaning: usize,
    length: usize,
    children: Vec<Node>,
    links: Vec<(u8, Spot)>,
    pane: Option<Derivation>,
}

/// Where bytes are: the number of a frame, the first byte in it, how many.
pub(super) type Spot = [u64; 3];

/// Derived bytes.
#[derive(Debug, Serialize)]
struct Derivation {
    /// Why they are there: `huffman`, `block`, `message`, or the name of a compression.
    how: usize,
    bytes: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hidden: Vec<[u64; 2]>,
    /// How many there are, if not all are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spans: Vec<Node>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<Spot>,
}

/// Bytes that are shown, and which of them are hidden.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) bytes: String,
    pub(super) hidden: Vec<[u64; 2]>,
    /// How many there are, if not all are shown.
    pub(super) of: Option<usize>,
}

/// Where each frame of a direction begins, to find a frame by its bytes.
#[derive(Debug, Default)]
pub(super) struct Frames([BTreeMap<u64, usize>; 2]);

impl Frames {
    pub(super) fn of(events: &[Event]) -> Self {
        let mut frames = Frames::default();
        for (number, event) in events.iter().enumerate() {
            frames.0[event.direction.index()].insert(event.start, number);
        }
        frames
    }

    /// The frame that has the bytes, and where they are in it.
    pub(super) fn spot(&self, place: Place) -> Option<Spot> {
        let (start, number) = self.0[place.direction.index()].range(..=place.start).next_back()?;
        Some([*number as u64, place.start - start, place.end - place.start])
    }
}

/// Makes nodes of the spans of one frame.
pub(super) struct Trees<'a> {
    pub(super) table: &'a mut Table,
    pub(super) secrets: &'a Secrets,
    pub(super) frames: &'a Frames,
    /// How many bytes are shown of a frame or pane.
    pub(super) most: usize,
}

impl Trees<'_> {
    /// The frame's tree, and its bytes.
    pub(super) fn frame(&mut self, direction: Direction, tree: &Span) -> (Node, Shown) {
        let mut part = Part { direction, from: tree.start, hidden: Vec::new(), secret: false };
        let node = self.node(tree, &mut part);
        (node, self.shown(&tree.bytes, part.hidden))
    }

    fn shown(&mut self, bytes: &[u8], hidden: Vec<[u64; 2]>) -> Shown {
        let mut shown = bytes[..bytes.len().min(self.most)].to_vec();
        for [start, end] in &hidden {
            let end = (*end as usize).min(shown.len());
            if let Some(secret) = shown.get_mut(*start as usize..end) {
                secret.fill(0);
            }
        }
        self.table.size += shown.len() * 4 / 3;
        let of = (shown.len() < bytes.len()).then_some(bytes.len());
        Shown { bytes: binary::encode(&shown), hidden, of }
    }

    fn node(&mut self, span: &Span, part: &mut Part) -> Node {
        self.table.size += 12;
        let outer = part.secret;
        part.secret |= self.secrets.hides_field(&span.what);
        let meaning = match part.secret {
            true => self.table.meaning(&self.secrets.mask(&span.what)),
            false => self.table.meaning(&span.what),
        };
        let start = span.start.saturating_sub(part.from);
        let mut children = Vec::new();
        for child in &span.children {
            if child.start.saturating_sub(part.from) >= self.most as u64 {
                break; // the page tells how many bytes are not shown
            }
            children.push(self.node(child, part));
        }
        if span.children.is_empty() {
            let hidden = self.secrets.hidden(part.direction, span, part.secret) as u64;
            let end = start + span.bytes.len() as u64;
            part.hidden.extend((hidden > 0).then_some([end - hidden, end]));
        }
        let links = span.links.iter().filter_map(|link| Some((number(link), self.frames.spot(link.to)?))).collect();
        let pane = match &span.pane {
            Some(pane) if !part.secret => Some(self.pane(pane, part.direction)),
            _ => None,
        };
        part.secret = outer;
        Node { meaning, length: span.bytes.len(), children, links, pane }
    }

    fn pane(&mut self, pane: &Pane, direction: Direction) -> Derivation {
        let how = match &pane.how {
            Derived::Huffman => "huffman",
            Derived::Block => "block",
            Derived::Message => "message",
            Derived::Decompressed(encoding) => encoding,
        };
        let how = self.table.string(how);
        let mut part = Part { direction, from: 0, hidden: Vec::new(), secret: false };
        let mut spans = &pane.spans[..];
        if pane.how == Derived::Huffman {
            // The page knows the code of each letter, and needs no span for it.
            self.table.letters.extend(letters(pane));
            spans = &[];
        }
        let spans = spans.iter().map(|span| self.node(span, &mut part)).collect();
        let Shown { bytes, hidden, of } = self.shown(&pane.bytes, part.hidden);
        let from = pane.from.iter().filter_map(|place| self.frames.spot(*place)).collect();
        Derivation { how, bytes, hidden, of, spans, from }
    }
}

/// The bytes that a tree stands on.
struct Part {
    direction: Direction,
    /// Where they begin.
    from: u64,
    hidden: Vec<[u64; 2]>,
    /// Whether the span belongs to a field whose value is hidden.
    secret: bool,
}

fn number(link: &Link) -> u8 {
    match link.why {
        Why::AddedBy => 0,
        Why::Acknowledges => 1,
        Why::Answers => 2,
        Why::Ends => 3,
        Why::Continues => 4,
        Why::Returns => 5,
    }
}

/// The code of each letter of a string, as bits.
fn letters(pane: &Pane) -> impl Iterator<Item = (u8, String)> {
    pane.spans.iter().filter_map(|span| match &span.what {
        What::Hpack(what @ hpack::Meaning::Letter { .. }) => Some((*span.bytes.first()?, what.value().into_owned())),
        _ => None,
    })
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = match self {
            Node { pane: Some(_), .. } => 5,
            Node { links, .. } if !links.is_empty() => 4,
            Node { children, .. } if !children.is_empty() => 3,
            _ => 2,
        };
        let mut node = serializer.serialize_seq(Some(parts))?;
        node.serialize_element(&self.meaning)?;
        node.serialize_element(&self.length)?;
        if parts > 2 {
            node.serialize_element(&self.children)?;
        }
        if parts > 3 {
            node.serialize_element(&self.links)?;
        }
        if parts > 4 {
            node.serialize_element(&self.pane)?;
        }
        node.end()
    }
}

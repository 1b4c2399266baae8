//! The lines of a frame: which spans stand on a line of their own.

use bytes::Bytes;

use super::grpc;
use super::hpack;
use super::http2;
use super::meaning::Meaning;
use super::protobuf;
use super::span::{Derived, Pane, Span, What};
use super::text::bytes;

/// How far bytes are taken apart on the lines of a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// A line for a field: a frame's header, a setting, a header field, a field of a message.
    #[default]
    Fields,
    /// A line for each leaf. A field of several leaves has a line without bytes before them.
    Leaves,
}

/// What stands on a line.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Bytes of the wire, or of a pane.
    pub(super) bytes: Bytes,
    /// Whether the bytes are on the wire.
    pub(super) derived: bool,
    pub(super) depth: usize,
    pub(super) name: String,
    pub(super) value: Bytes,
    pub(super) note: String,
    /// Which message of its direction of the call it belongs to.
    pub(super) message: Option<usize>,
}

/// The lines of a frame's tree.
pub(super) fn rows(tree: &Span, detail: Detail) -> Vec<Row> {
    let mut rows = Rows { detail, derived: false, message: None, rows: Vec::new() };
    if tree.children.is_empty() {
        rows.row(tree, tree.bytes.clone(), 0);
    }
    tree.children.iter().for_each(|child| rows.span(child, 0));
    rows.rows
}

struct Rows {
    detail: Detail,
    derived: bool,
    message: Option<usize>,
    rows: Vec<Row>,
}

impl Rows {
    fn span(&mut self, span: &Span, depth: usize) {
        match &span.what {
            What::Grpc(grpc::Meaning::Message { number, .. } | grpc::Meaning::Piece { number, .. }) => {
                // In a pane it is the same message.
                self.message = self.message.or(Some(*number));
                span.children.iter().for_each(|child| self.span(child, depth));
                self.pane(span, depth);
                self.message = self.message.filter(|_| self.derived);
            }
            _ if span.children.is_empty() => {
                self.row(span, span.bytes.clone(), depth);
                self.pane(span, depth);
            }
            _ if self.detail == Detail::Fields && is_field(&span.what) => self.field(span, depth),
            _ => {
                self.row(span, Bytes::new(), depth);
                span.children.iter().for_each(|child| self.span(child, depth + 1));
            }
        }
    }

    /// A line for all of a field, and those of the fields inside it.
    fn field(&mut self, span: &Span, depth: usize) {
        let inner = span.children.iter().position(|child| {
            matches!(child.what, What::Protobuf(protobuf::Meaning::Field { .. } | protobuf::Meaning::Malformed(_)))
        });
        let own = inner.map_or(span.bytes.len() as u64, |inner| span.children[inner].start - span.start);
        self.row(span, span.bytes.slice(..own as usize), depth);
        span.children.iter().skip(inner.unwrap_or(usize::MAX)).for_each(|child| self.span(child, depth + 1));
    }

    fn row(&mut self, span: &Span, bytes: Bytes, depth: usize) {
        let value = match &span.what {
            // As the bytes are: a value need not be text.
            What::Hpack(hpack::Meaning::Field { value: Some(value), .. }) => value.clone(),
            What::Hpack(hpack::Meaning::Text { text, .. }) => text.clone(),
            what => what.value().into_owned().into(),
        };
        self.rows.push(Row {
            bytes,
            derived: self.derived,
            depth,
            name: span.what.name().into_owned(),
            value,
            note: span.what.note().into_owned(),
            message: self.message,
        });
    }

    /// What was derived from a span, but for the letters of a Huffman code, which the line of their string has.
    fn pane(&mut self, span: &Span, depth: usize) {
        let Some(pane) = span.pane.as_ref().filter(|pane| pane.how != Derived::Huffman) else { return };
        let outer = std::mem::replace(&mut self.derived, true);
        self.rows.push(Row {
            bytes: Bytes::new(),
            derived: true,
            depth,
            name: headline(pane),
            value: Bytes::new(),
            note: bytes(pane.bytes.len()),
            message: self.message,
        });
        pane.spans.iter().for_each(|span| self.span(span, depth + 1));
        self.derived = outer;
    }
}

fn headline(pane: &Pane) -> String {
    match &pane.how {
        Derived::Huffman => "letters".into(),
        Derived::Block => format!("header block of {} frames", pane.from.len()),
        Derived::Message => format!("message of {} frames", pane.from.len()),
        Derived::Decompressed(encoding) => format!("unpacked by {encoding}"),
    }
}

fn is_field(what: &What) -> bool {
    matches!(
        what,
        What::Http2(http2::Meaning::Header { .. } | http2::Meaning::Setting { .. })
            | What::Hpack(hpack::Meaning::Field { .. })
            | What::Protobuf(protobuf::Meaning::Field { .. })
    )
}

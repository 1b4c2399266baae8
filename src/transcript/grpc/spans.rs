//! The content of a DATA frame as spans.

use bytes::Bytes;

use super::super::place::Place;
use super::super::protobuf::Types;
use super::super::span::{Cutter, Derived, Link, Pane, Span, Why};
use super::body::{Message, PREFIX, Piece};
use super::decompress::decompress;
use super::meaning::Meaning;

/// What is known of the messages of one direction of a call.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Known<'a> {
    pub(in super::super) types: &'a Types,
    /// The name of the messages' type.
    pub(in super::super) kind: Option<&'a str>,
    pub(in super::super) encoding: Option<&'a str>,
}

/// A span for each piece; together they are the content, which begins at `start`.
pub(in super::super) fn spans(pieces: &[Piece], start: u64, content: &Bytes, known: Known<'_>) -> Vec<Span> {
    let mut rest = Cutter::new(start, content.clone());
    pieces.iter().filter_map(|piece| span(piece, &mut rest, known)).collect()
}

fn span(piece: &Piece, rest: &mut Cutter, known: Known<'_>) -> Option<Span> {
    let before = rest.clone();
    if let Some(message) = piece.message.as_ref().filter(|_| piece.from == 0) {
        return whole(message, &before, rest, known);
    }
    let mut children = Vec::new();
    let end = piece.from + piece.at.len();
    let length = Meaning::Length { length: piece.length.unwrap_or_default(), kind: known.kind.map(str::to_owned) };
    match piece.from {
        // Flag and length are told one by one where they are whole.
        0 => {
            children.extend(rest.leaf(1, Meaning::Compressed(piece.compressed.unwrap_or_default())));
            if end >= PREFIX {
                children.extend(rest.leaf(PREFIX - 1, length));
            } else if end > 1 {
                children.extend(rest.leaf(end - 1, Meaning::Prefix { from: 1 }));
            }
        }
        1 if end >= PREFIX => children.extend(rest.leaf(PREFIX - 1, length)),
        from if from < PREFIX => children.extend(rest.leaf(end.min(PREFIX) - from, Meaning::Prefix { from })),
        _ => {}
    }
    let body = piece.at.len().saturating_sub((rest.start - before.start) as usize);
    if body > 0 {
        let from = piece.from.max(PREFIX) - PREFIX;
        children.extend(rest.leaf(body, Meaning::Body { from, of: piece.length.unwrap_or_default() }));
    }
    let of = piece.length.map(|length| PREFIX + length as usize);
    let mut span = rest.since(&before, Meaning::Piece { number: piece.number, from: piece.from, of }, children);
    if let Some(message) = &piece.message {
        let earlier = message.places.len().saturating_sub(1);
        span.links.extend(message.places.iter().take(earlier).map(|to| Link { why: Why::Continues, to: *to }));
        span.pane = message.bytes.as_ref().map(|bytes| Box::new(gathered(message, bytes, known)));
    }
    Some(span)
}

/// A message whose bytes lie side by side.
fn whole(message: &Message, before: &Cutter, rest: &mut Cutter, known: Known<'_>) -> Option<Span> {
    let kind = known.kind.map(str::to_owned);
    let mut children = Vec::from_iter(rest.leaf(1, Meaning::Compressed(message.compressed)));
    children.extend(rest.leaf(PREFIX - 1, Meaning::Length { length: message.length, kind: kind.clone() }));
    let (start, body) = rest.take(message.length as usize)?;
    if !body.is_empty() {
        children.extend(explained(message, start, body, known));
    }
    let Message { number, compressed, length, .. } = *message;
    Some(rest.since(before, Meaning::Message { number, kind, compressed, length }, children))
}

/// The fields of a message, unpacked if need be.
fn explained(message: &Message, start: u64, body: Bytes, known: Known<'_>) -> Vec<Span> {
    if message.compressed == 0 {
        return known.types.spans(known.kind, start, &body);
    }
    let unpacked =
        if message.compressed == 1 { decompress(known.encoding, &body) } else { Err("its flag is neither 0 nor 1") };
    let encoding = known.encoding.map(str::to_owned);
    let mut span = Span::leaf(start, body, Meaning::Packed { encoding, why: unpacked.as_ref().err().copied() });
    if let Ok(bytes) = unpacked {
        let spans = known.types.spans(known.kind, 0, &bytes);
        let how = Derived::Decompressed(known.encoding.unwrap_or_default().to_owned());
        span.pane = Some(Box::new(Pane { how, bytes, spans, from: Vec::<Place>::new() }));
    }
    vec![span]
}

/// A message from several frames, as if it had come in one.
fn gathered(message: &Message, bytes: &Bytes, known: Known<'_>) -> Pane {
    let before = Cutter::new(0, bytes.clone());
    let spans = whole(message, &before, &mut before.clone(), known).into_iter().collect();
    Pane { how: Derived::Message, bytes: bytes.clone(), spans, from: message.places.clone() }
}

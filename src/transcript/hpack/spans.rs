//! A decoded header block as spans.

use super::super::span::{Cutter, Derived, Link, Pane, Span, Why};
use super::fields::{Block, Field, Form};
use super::huffman;
use super::integer::Written;
use super::{Meaning, Role};

impl Block {
    /// A span for each field; together they are the block's bytes, of which the first is at `start`.
    pub fn spans(&self, start: u64) -> Vec<Span> {
        let mut rest = Cutter::new(start, self.bytes.clone());
        self.fields.iter().filter_map(|field| field.span(&mut rest)).collect()
    }
}

impl Field {
    fn span(&self, rest: &mut Cutter) -> Option<Span> {
        let meaning = Meaning::Field {
            form: self.form.clone(),
            name: self.name.clone(),
            value: self.value.clone(),
            huffman: self.written.iter().any(|string| string.huffman),
        };
        let before = rest.clone();
        let mut children = Vec::new();
        if !self.written.is_empty() {
            let strings: usize = self.written.iter().map(|string| string.prefix + string.octets.len()).sum();
            children.push(rest.leaf(self.at.len() - strings, Meaning::Form(self.form.clone()))?);
            let roles = if self.written.len() == 2 { &[Role::Name, Role::Value][..] } else { &[Role::Value] };
            for (of, written) in roles.iter().zip(&self.written) {
                written.spans(*of, rest, &mut children)?;
            }
        } else {
            rest.take(self.at.len())?;
        }
        let mut span = rest.since(&before, meaning, children);
        let entry = self.entry.iter().map(|entry| Link { why: Why::AddedBy, to: entry.added_by });
        span.links.extend(entry);
        Some(span)
    }
}

impl Written {
    /// The length and the letters.
    fn spans(&self, of: Role, rest: &mut Cutter, spans: &mut Vec<Span>) -> Option<()> {
        let Written { huffman, prefix, octets, text } = self;
        spans.push(rest.leaf(*prefix, Meaning::Length { of, huffman: *huffman, length: octets.len() })?);
        if !octets.is_empty() {
            let mut span = rest.leaf(octets.len(), Meaning::Text { of, huffman: *huffman, text: text.clone() })?;
            span.pane = huffman.then(|| Box::new(self.letters()));
            spans.push(span);
        }
        Some(())
    }

    /// The letters of a string in the Huffman code, each with its bits.
    fn letters(&self) -> Pane {
        let mut from = 0;
        let mut rest = Cutter::new(0, self.text.clone());
        let mut spans = Vec::new();
        for letter in &self.text {
            let (code, bits) = huffman::code(*letter);
            spans.extend(rest.leaf(1, Meaning::Letter { from, bits, code }));
            from += usize::from(bits);
        }
        Pane { how: Derived::Huffman, bytes: self.text.clone(), spans, from: Vec::new() }
    }
}

impl Form {
    /// Whether the field is one that may be secret, by the one who wrote it.
    pub fn is_secret(&self) -> bool {
        matches!(self, Form::NeverIndexed(_))
    }
}

//! What is not shown to everybody: credentials and cookies, and bytes that may hold them though nothing explains them.

use std::collections::HashSet;

use super::super::Transcript;
use super::super::grpc::is_secret;
use super::super::hpack::{self, Block, Form};
use super::super::http2;
use super::super::record::Direction;
use super::super::span::{Span, What};

/// What stands in place of a value.
const HIDDEN: &str = "(hidden)";

/// The bytes of a frame's header tell no secret.
const HEADER: usize = 9;

/// Decides what is hidden.
#[derive(Debug)]
pub(super) struct Secrets {
    show: bool,
    /// Where the pieces of header blocks are that are cut over several frames and have no secret.
    harmless: HashSet<(Direction, u64)>,
}

impl Secrets {
    pub(super) fn of(transcript: &Transcript, show: bool) -> Self {
        let mut harmless = HashSet::new();
        for event in &transcript.events {
            let Some(block) = event.block.as_deref().filter(|block| is_harmless(block)) else { continue };
            let fragments = if block.bytes().is_empty() { &[][..] } else { &event.fragments };
            harmless.extend(fragments.iter().map(|place| (place.direction, place.start)));
        }
        Secrets { show, harmless }
    }

    /// Whether the value of a field with this name must not be shown.
    pub(super) fn hides(&self, name: Option<&[u8]>) -> bool {
        !self.show && name.is_none_or(is_secret)
    }

    /// Whether the value of a field is hidden.
    pub(super) fn hides_field(&self, what: &What) -> bool {
        let What::Hpack(hpack::Meaning::Field { form, name, value, .. }) = what else { return false };
        !self.show && value.is_some() && (form.is_secret() || name.as_ref().is_none_or(|name| is_secret(name)))
    }

    /// How many of the last bytes of a leaf are hidden. `in_secret`: it belongs to a field whose value is hidden.
    pub(super) fn hidden(&self, direction: Direction, span: &Span, in_secret: bool) -> usize {
        use http2::Meaning::{Earlier, Foreign, Fragment, Rest, Torn};
        if self.show {
            return 0;
        }
        let all = span.bytes.len();
        match &span.what {
            What::Hpack(hpack::Meaning::Text { of: hpack::Role::Value, .. }) if in_secret => all,
            What::Hpack(hpack::Meaning::Field { form: Form::Broken(_), .. }) => all,
            What::Http2(Fragment) if !self.harmless.contains(&(direction, span.start)) => all,
            What::Http2(Earlier | Rest) => all,
            // Of DATA the content is shown, as that of whole frames is.
            What::Http2(Torn { .. }) if span.bytes.get(3) != Some(&0) => all.saturating_sub(HEADER),
            // The first line of a request tells what the peer speaks; what follows may be its header fields.
            What::Http2(Foreign(_)) => all - first_line(&span.bytes),
            _ => 0,
        }
    }

    /// A meaning without the value.
    pub(super) fn mask(&self, what: &What) -> What {
        match what {
            What::Hpack(hpack::Meaning::Field { form, name, huffman, .. }) => What::Hpack(hpack::Meaning::Field {
                form: form.clone(),
                name: name.clone(),
                value: Some(HIDDEN.into()),
                huffman: *huffman,
            }),
            What::Hpack(hpack::Meaning::Text { of: of @ hpack::Role::Value, huffman, .. }) => {
                What::Hpack(hpack::Meaning::Text { of: *of, huffman: *huffman, text: HIDDEN.into() })
            }
            other => other.clone(),
        }
    }
}

fn is_harmless(block: &Block) -> bool {
    let secret =
        |field: &hpack::Field| field.form.is_secret() || field.name.as_ref().is_none_or(|name| is_secret(name));
    block.broken().is_none()
        && !block.fields.iter().any(|field| !matches!(field.form, Form::SizeUpdate(_)) && secret(field))
}

/// How long the first line is, and not more than is needed to see what it is.
fn first_line(bytes: &[u8]) -> usize {
    const ENOUGH: usize = 64;
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    end.min(ENOUGH)
}

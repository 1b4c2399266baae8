//! The smallest piece of a transcript: a few bytes with one meaning.

use bytes::Bytes;

/// Adjacent bytes of one frame with one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes.
    pub bytes: Bytes,
    /// How deep in nested protobuf messages they are.
    pub depth: usize,
    /// What they name: a header, a protobuf field, a field of the frame.
    pub name: Bytes,
    /// The value in text; a header's or `bytes` field's as it is.
    pub value: Bytes,
    /// How it is represented, or what is wrong with it.
    pub note: String,
    /// The Length-Prefixed-Message that it belongs to, counted from 1 in its direction of the call.
    pub message: Option<usize>,
}

impl Part {
    pub(super) fn new(bytes: Bytes, name: impl Into<Bytes>, value: impl Into<Bytes>, note: impl Into<String>) -> Self {
        Self { bytes, depth: 0, name: name.into(), value: value.into(), note: note.into(), message: None }
    }
}

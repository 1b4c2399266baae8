//! Messages that are bytes already.

use std::{marker::PhantomData, ops::Range};

use bytes::{Bytes, BytesMut};

use super::Payload;
use crate::status::Status;

/// Messages of type `T` that are bytes already: encoded, each with its five-byte prefix, back to back.
///
/// What does not change between calls is encoded once, for example when a database is loaded. It is sent by
/// [`Outbound::send_encoded`](crate::call::Outbound::send_encoded) and
/// [`Requests::send_encoded`](crate::call::Requests::send_encoded), all of it or a part.
#[derive(Clone, Debug)]
pub struct Encoded<T> {
    frames: Bytes,
    message: PhantomData<fn() -> T>,
}

impl<T: Payload> Encoded<T> {
    /// Encodes `messages`.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED for a message over 4 GiB, which no prefix can announce.
    pub fn new(messages: &[T]) -> Result<Self, Status> {
        let mut frames = BytesMut::new();
        for message in messages {
            super::encode(message, &mut frames)?;
        }
        Ok(Encoded::from_frames(frames.freeze()))
    }
}

impl<T> Encoded<T> {
    /// Takes bytes that are whole frames, each holding a message of type `T`. This is the caller's word: nothing is
    /// checked.
    pub fn from_frames(frames: Bytes) -> Self {
        Encoded { frames, message: PhantomData }
    }

    /// The frames' bytes.
    pub fn frames(&self) -> &Bytes {
        &self.frames
    }

    /// Some of the frames: those that lie at these bytes, which must be whole frames.
    ///
    /// # Panics
    /// When `bytes` ends beyond the last frame, as slices do.
    pub fn slice(&self, bytes: Range<usize>) -> EncodedSlice<'_, T> {
        EncodedSlice { frames: &self.frames[bytes], owner: Some(&self.frames), message: PhantomData }
    }
}

/// A part of an [`Encoded`], borrowed, or frames that lie anywhere else.
#[derive(Clone, Copy, Debug)]
pub struct EncodedSlice<'a, T> {
    frames: &'a [u8],
    owner: Option<&'a Bytes>,
    message: PhantomData<fn() -> T>,
}

impl<'a, T> EncodedSlice<'a, T> {
    /// Bytes that are whole frames, each holding a message of type `T`. This is the caller's word: nothing is checked.
    /// They lie in a buffer that can't be shared, so they are copied when they are sent.
    pub fn copied(frames: &'a [u8]) -> Self {
        EncodedSlice { frames, owner: None, message: PhantomData }
    }

    /// The frames' bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.frames
    }

    /// The same bytes to keep: of an [`Encoded`] a reference to where they lie, else a copy.
    pub fn to_bytes(&self) -> Bytes {
        self.owner.map_or_else(|| Bytes::copy_from_slice(self.frames), |owner| owner.slice_ref(self.frames))
    }

    /// Whether [`to_bytes`](Self::to_bytes) makes no copy.
    pub(crate) fn is_shared(&self) -> bool {
        self.owner.is_some()
    }
}

impl<'a, T> From<&'a Encoded<T>> for EncodedSlice<'a, T> {
    fn from(all: &'a Encoded<T>) -> Self {
        all.slice(0..all.frames.len())
    }
}

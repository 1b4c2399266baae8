//! Message <-> frame payload: Protocol Buffers by `prost`, inside the frames of [`wire::frame`](crate::wire::frame).
//!
//! In goes a message, out come its bytes with the five-byte prefix in front; or the other way round. Called by
//! [`call`](crate::call) alone. Compression has its place here too: a compressed frame is recognised and refused with
//! the status that the specification asks for, because nothing but `identity` is offered in `grpc-accept-encoding`.
//!
//! ```text
//! 00                     flag: not compressed
//! 00 00 00 11            length: 17
//! 08 9a a6 8c c3 01 ..   Point { latitude: 409146138, .. }
//! ```

use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::status::Status;
use crate::wire::frame::{self, Frame};

/// Messages of type `T` that are bytes already: encoded, each with its five-byte prefix, back to back.
///
/// What does not change between calls is encoded once, for example when a database is loaded; sending it then copies
/// nothing.
#[derive(Clone, Debug)]
pub struct Encoded<T> {
    frames: Bytes,
    message: PhantomData<fn() -> T>,
}

impl<T: Message> Encoded<T> {
    /// Takes bytes that are whole frames, each holding a message of type `T`. This is the caller's word: nothing is
    /// checked.
    pub fn from_frames(frames: Bytes) -> Self {
        Encoded { frames, message: PhantomData }
    }

    /// Encodes `messages`.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED for a message over 4 GiB, which no prefix can announce.
    pub fn new(messages: &[T]) -> Result<Self, Status> {
        let mut frames = BytesMut::new();
        for message in messages {
            encode(message, &mut frames)?;
        }
        Ok(Encoded::from_frames(frames.freeze()))
    }

    /// The frames' bytes.
    pub fn into_frames(self) -> Bytes {
        self.frames
    }
}

/// Appends `message` to `frames` as one Length-Prefixed-Message.
pub(crate) fn encode<T: Message>(message: &T, frames: &mut BytesMut) -> Result<(), Status> {
    let length = message.encoded_len();
    Ok(frame::encode_with(frames, false, length, |payload| message.encode_raw(payload))?)
}

/// Reads the message in `frame` in place of `message`, whose allocations serve again.
///
/// # Errors
/// INTERNAL for a compressed frame ("If the Compressed-Flag is set and no grpc-encoding is there": gRPC,
/// compression.md) and for bytes that are no message of type `T`.
pub(crate) fn decode<T: Message>(frame: &Frame<'_>, message: &mut T) -> Result<(), Status> {
    if frame.compressed {
        return Err(Status::internal("a message has its Compressed-Flag set, but the call announced no grpc-encoding"));
    }
    message.clear();
    message.merge(frame.payload).map_err(|error| {
        let name = std::any::type_name::<T>();
        let name = name.rsplit("::").next().unwrap_or(name);
        Status::internal(format!("{} bytes that should be a {name} are none: {error}", frame.payload.len()))
    })
}

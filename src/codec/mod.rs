//! Message <-> frame payload, inside the frames of [`wire::frame`](crate::wire::frame).
//!
//! In goes a message, out come its bytes with the five-byte prefix in front; or the other way round. Called by
//! [`call`](crate::call) alone. What a message is, [`Payload`] says: any message of `prost`, or [`Raw`] bytes.
//! Compression has its place here too: a compressed frame is recognised and refused with the status that the
//! specification asks for, because nothing but `identity` is offered in `grpc-accept-encoding`.
//!
//! ```text
//! 00                     flag: not compressed
//! 00 00 00 11            length: 17
//! 08 9a a6 8c c3 01 ..   Point { latitude: 409146138, .. }
//! ```

mod encoded;
mod protobuf;
mod raw;

use bytes::{BufMut, Bytes, BytesMut};

pub use encoded::{Encoded, EncodedSlice};
pub use raw::Raw;

use crate::status::Status;
use crate::wire::frame::{self, Frame, TooLong};

/// What a frame can hold: every Protocol Buffers message of `prost`, and [`Raw`].
pub trait Payload: Default + Send + Sync {
    /// How many bytes [`encode`](Self::encode) appends.
    fn encoded_len(&self) -> usize;

    /// Appends the payload's bytes.
    fn encode(&self, payload: &mut impl BufMut);

    /// Reads `bytes` in place of this value, whose allocations serve again. `shared` makes a handle on the same bytes,
    /// without a copy where they lie in one chunk.
    ///
    /// # Errors
    /// INTERNAL for bytes that are no such payload.
    fn decode(&mut self, bytes: &[u8], shared: impl FnOnce() -> Bytes) -> Result<(), Status>;
}

/// Appends `message` to `frames` as one Length-Prefixed-Message.
///
/// # Errors
/// RESOURCE_EXHAUSTED for a message over 4 GiB, which no prefix can announce.
pub(crate) fn encode<T: Payload>(message: &T, frames: &mut BytesMut) -> Result<(), Status> {
    let length = message.encoded_len();
    if u32::try_from(length).is_err() {
        return Err(TooLong { length }.into()); // before it takes memory
    }
    Ok(frame::encode_with(frames, false, length, |payload| message.encode(payload))?)
}

/// `message` as one Length-Prefixed-Message, in memory of just its size.
///
/// # Errors
/// As for [`encode`].
pub(crate) fn to_frame<T: Payload>(message: &T) -> Result<Bytes, Status> {
    let length = message.encoded_len();
    let announced = u32::try_from(length).map_err(|_| TooLong { length })?;
    let mut frame = Vec::with_capacity(frame::PREFIX_LEN + length);
    frame.push(0);
    frame.extend_from_slice(&announced.to_be_bytes());
    message.encode(&mut frame);
    Ok(frame.into())
}

/// Reads the message in `frame` in place of `message`, whose allocations serve again.
///
/// # Errors
/// INTERNAL for a compressed frame ("If the Compressed-Flag is set and no grpc-encoding is there": gRPC, compression.md;
/// rule compression.flag-needs-encoding) and for bytes that are no such message (rules code.case-request-not-parsed and
/// code.case-response-not-parsed).
pub(crate) fn decode<T: Payload>(frame: &Frame<'_>, message: &mut T) -> Result<(), Status> {
    if frame.compressed {
        return Err(Status::internal("a message has its Compressed-Flag set, but the call announced no grpc-encoding"));
    }
    message.decode(frame.payload, || frame.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_by_itself_is_the_frame_among_others() {
        for payload in [&b""[..], b"hello"] {
            let message = Raw(Bytes::copy_from_slice(payload));
            let mut frames = BytesMut::new();
            encode(&message, &mut frames).unwrap();
            assert_eq!(to_frame(&message).unwrap(), frames);
        }
    }
}

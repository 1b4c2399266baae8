//! Messages coming in: chunks of DATA in, whole messages out.

use std::task::{Context, Poll, ready};
use std::{future::poll_fn, marker::PhantomData};

use bytes::Bytes;
use h2::RecvStream;
use prost::Message;

use super::server::RequestBody;
use crate::{codec, status::Status, wire::frame::Decoder};

/// The receiving half of a call, for messages of type `T`.
///
/// Reading is what keeps the peer sending: its window opens again as messages are taken, so a reader that stops stops
/// the writer, and no more than one chunk of DATA and one unfinished message is held here.
///
/// `S` is where the bytes come from: a request on a server, or a response on a client
/// ([`ResponseBody`](super::client::ResponseBody)), who cancels the call by dropping it before the end.
#[derive(Debug)]
pub struct Inbound<T, S = RequestBody> {
    pub(super) source: S,
    /// The source is known to have no further chunk.
    ended: bool,
    decoder: Decoder,
    message: PhantomData<fn() -> T>,
}

/// Where the bytes of an [`Inbound`] come from.
pub trait Source {
    /// Whose messages they are, for error texts.
    #[doc(hidden)]
    const WHAT: &'static str;

    /// The next chunk of DATA, and whether it is known to be the last; `None` once the stream has come to a good end.
    #[doc(hidden)]
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Bytes, bool)>, Status>>;
}

impl<T: Message + Default, S: Source> Inbound<T, S> {
    pub(crate) fn new(source: S, max_message: usize) -> Self {
        Inbound { source, ended: false, decoder: Decoder::new(max_message), message: PhantomData }
    }

    /// The next message; `None` at the end of the stream. On a client the end means that the call's status was OK.
    ///
    /// # Errors
    /// On a client: the status that the server ended the call with, DEADLINE_EXCEEDED, or what the loss of the stream
    /// or the connection means. On a server: the peer's cancellation. On both: INTERNAL for broken frames and
    /// messages, RESOURCE_EXHAUSTED for a message over the limit.
    pub async fn next(&mut self) -> Result<Option<T>, Status> {
        let mut message = T::default();
        Ok(self.next_into(&mut message).await?.then_some(message))
    }

    /// Reads the next message in place of `message`, whose allocations serve again; false at the end of the stream. A
    /// loop that keeps nothing of its messages reads them without allocating.
    ///
    /// # Errors
    /// As for [`next`](Self::next). What `message` is then, is not said.
    pub async fn next_into(&mut self, message: &mut T) -> Result<bool, Status> {
        poll_fn(|cx| self.poll_next(cx, message)).await
    }

    /// Reads the next message in place of `message` and gives its bytes too, as they came: to keep it, or to pass it on,
    /// without encoding it again.
    ///
    /// # Errors
    /// As for [`next_into`](Self::next_into).
    pub async fn next_encoded(&mut self, message: &mut T) -> Result<Option<&[u8]>, Status> {
        Ok(self.next_into(message).await?.then(|| self.decoder.last()))
    }

    /// The one message of a call whose method is not a stream in this direction.
    ///
    /// # Errors
    /// UNIMPLEMENTED where no message comes, or two: so the specification's list of status codes has both sides report
    /// a broken cardinality.
    pub(crate) async fn one(&mut self) -> Result<T, Status> {
        let mut message = T::default();
        if !poll_fn(|cx| self.poll_next(cx, &mut message)).await? {
            return Err(self.cardinality("none"));
        }
        let is_over = self.ended && self.decoder.buffered() == 0;
        if is_over || self.next().await?.is_none() { Ok(message) } else { Err(self.cardinality("two")) }
    }

    fn cardinality(&self, found: &str) -> Status {
        Status::unimplemented(format!("the method has exactly one {} message, but {found} came", S::WHAT))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, message: &mut T) -> Poll<Result<bool, Status>> {
        loop {
            if let Some(frame) = self.decoder.next()? {
                return Poll::Ready(codec::decode(&frame, message).map(|()| true));
            }
            match ready!(self.source.poll_chunk(cx))? {
                Some((chunk, last)) => {
                    self.decoder.push(chunk);
                    self.ended = last;
                }
                None => return Poll::Ready(self.decoder.finish().map(|()| false).map_err(Status::from)),
            }
        }
    }
}

/// The next chunk of `body`. Its room in the flow-control window is given back at once, because the decoder takes it
/// whole. But the last chunk, where it has no more than `kept` bytes and is known to be the last, leaves that to the end
/// of the call, when h2 does it anyway.
pub(super) fn poll_body(
    body: &mut RecvStream, cx: &mut Context<'_>, kept: usize,
) -> Poll<Option<Result<(Bytes, bool), h2::Error>>> {
    let Some(chunk) = ready!(body.poll_data(cx)?) else { return Poll::Ready(None) };
    let last = chunk.len() <= kept && body.is_end_stream();
    if !last {
        // It fails only when the stream is gone, and its window with it.
        let _ = body.flow_control().release_capacity(chunk.len());
    }
    Poll::Ready(Some(Ok((chunk, last))))
}

//! Messages coming in: chunks of DATA in, whole messages out.

use std::task::{Context, Poll, ready};
use std::{future::poll_fn, marker::PhantomData};

use super::context::CallContext;
use super::source::{RequestSource, ResponseSource, Source};
use crate::codec::{self, Payload};
use crate::{metadata::Metadata, status::Status, wire::frame::Decoder};

/// The receiving half of a call, for messages of type `T`.
///
/// Reading is what keeps the peer sending: its window opens again as messages are taken, so a reader that stops stops
/// the writer, and no more than one chunk of DATA and one unfinished message is held here.
///
/// `S` is where the bytes come from: a request on a server, or a response on a client, who cancels the call by dropping
/// it before the end.
#[derive(Debug)]
pub struct Inbound<T, S = RequestSource> {
    pub(super) source: S,
    decoder: Decoder,
    /// Whether the stream has given its end, or an error.
    #[cfg(feature = "stream")]
    pub(super) has_ended: bool,
    message: PhantomData<fn() -> T>,
}

impl<T: Payload, S: Source> Inbound<T, S> {
    pub(crate) fn new(source: S, max_message: usize) -> Self {
        Inbound {
            source,
            decoder: Decoder::new(max_message),
            #[cfg(feature = "stream")]
            has_ended: false,
            message: PhantomData,
        }
    }

    /// The next message; `None` at the end of the stream. On a client the end means that the call's status was OK.
    ///
    /// In `tokio::select!`: it is cancel safe. Dropped before it is ready, it has taken no message.
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
    /// loop that keeps nothing of its messages reads them without allocating. Cancel safe.
    ///
    /// # Errors
    /// As for [`next`](Self::next). The content of `message` is unspecified then.
    pub async fn next_into(&mut self, message: &mut T) -> Result<bool, Status> {
        poll_fn(|cx| self.poll_message(cx, message)).await
    }

    /// The one message of a call whose method is not a stream in this direction.
    ///
    /// # Errors
    /// UNIMPLEMENTED if no message arrives, or more than one: the specification's list of status codes gives this code
    /// for a wrong number of messages, on both sides.
    pub(crate) async fn one(&mut self) -> Result<T, Status> {
        let (mut message, mut has_come) = (T::default(), false);
        poll_fn(|cx| {
            if !has_come {
                has_come = ready!(self.poll_message(cx, &mut message))?;
            }
            if !has_come {
                return Poll::Ready(Err(self.cardinality("none")));
            }
            match ready!(self.poll_message(cx, &mut T::default()))? {
                true => Poll::Ready(Err(self.cardinality("two"))),
                false => Poll::Ready(Ok(())),
            }
        })
        .await
        .inspect_err(|status| self.source.fail(status))?;
        Ok(message)
    }

    /// Rules code.case-request-cardinality and code.case-response-cardinality.
    fn cardinality(&self, found: &str) -> Status {
        Status::unimplemented(format!("the method has exactly one {} message, but {found} came", S::WHAT))
    }

    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>, message: &mut T) -> Poll<Result<bool, Status>> {
        loop {
            let source = &mut self.source;
            let decoded = match self.decoder.next() {
                Ok(Some(frame)) => {
                    let decoded = codec::decode(&frame, message).map(|()| true);
                    self.decoder.detach();
                    decoded
                }
                Ok(None) => match source.poll_chunk(cx)? {
                    Poll::Ready(Some(chunk)) => {
                        self.decoder.push(chunk);
                        continue;
                    }
                    Poll::Ready(None) => self.decoder.finish().map(|()| false).map_err(Status::from),
                    Poll::Pending => match source.holds(self.decoder.buffered(), self.decoder.takes()) {
                        Ok(()) => return Poll::Pending,
                        Err(too_much) => Err(too_much),
                    },
                },
                Err(error) => Err(error.into()),
            };
            return Poll::Ready(decoded.inspect_err(|status| source.fail(status)));
        }
    }
}

impl<T> Inbound<T> {
    /// What is known of the call besides its messages.
    pub fn context(&self) -> &CallContext {
        &self.source.context
    }
}

impl<T> Inbound<T, ResponseSource> {
    /// The metadata of the response head: there once a message or the end has been read.
    pub fn metadata(&self) -> &Metadata {
        &self.source.metadata
    }

    /// The metadata of the trailers: there once the end has been read.
    pub fn trailers(&self) -> &Metadata {
        &self.source.trailers
    }
}

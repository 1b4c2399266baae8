//! The halves of a call as streams of `futures_core`, for the combinators of `futures-util` and `tokio-stream`.

use std::borrow::Borrow;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};

use super::client::{PendingResponse, Response, Responses};
use super::inbound::Inbound;
use super::requests::{CallEnded, Requests};
use super::source::Source;
use crate::codec::Payload;
use crate::status::Status;

/// The messages as [`next`](Inbound::next) gives them. An error is the last item.
///
/// ```
/// use futures_util::TryStreamExt;
/// use h2grpc::call::Responses;
/// use h2grpc::codec::Raw;
/// use h2grpc::status::Status;
///
/// async fn all(responses: Responses<Raw>) -> Result<Vec<Raw>, Status> {
///     responses.try_collect().await
/// }
/// ```
///
/// In `tokio::select!`: waiting for the next item is cancel safe. Dropped before it is ready, it has taken no message.
impl<T: Payload, S: Source + Unpin> Stream for Inbound<T, S> {
    type Item = Result<T, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let inbound = self.get_mut();
        if inbound.has_ended {
            return Poll::Ready(None);
        }
        let mut message = T::default();
        let item = match ready!(inbound.poll_message(cx, &mut message)) {
            Ok(true) => return Poll::Ready(Some(Ok(message))),
            Ok(false) => None,
            Err(status) => Some(Err(status)),
        };
        inbound.has_ended = true;
        Poll::Ready(item)
    }
}

impl<T: Payload, S: Source + Unpin> FusedStream for Inbound<T, S> {
    fn is_terminated(&self) -> bool {
        self.has_ended
    }
}

impl<Q: Payload> Requests<Q> {
    /// Sends all of `messages`, values or references, and then ends the request.
    ///
    /// It does not read the response, which has a window of its own: in a bidirectional call somebody must read at the
    /// same time, as [`Responses::while_sending`](Inbound::while_sending) does.
    ///
    /// In `tokio::select!`: dropped before it is ready, it cancels the call. To go on with it in the next round, pin it
    /// outside the loop and wait for `&mut` of it.
    ///
    /// # Errors
    /// [`CallEnded`], also while `messages` gives nothing: the response says how.
    pub async fn send_all(mut self, messages: impl Stream<Item: Borrow<Q>>) -> Result<(), CallEnded> {
        let mut messages = pin!(messages);
        loop {
            let next = tokio::select! {
                biased;
                next = poll_fn(|cx| messages.as_mut().poll_next(cx)) => next,
                ended = self.ended() => return Err(ended),
            };
            match next {
                Some(message) => self.send(message).await?,
                None => return self.finish().await,
            }
        }
    }
}

impl<R: Payload> PendingResponse<R> {
    /// Sends all of `messages` by `requests`, the other half of this call, and waits for the response at the same time.
    /// If the server answers early, that ends the sending, also while `messages` gives nothing.
    ///
    /// ```
    /// use futures_util::stream;
    /// use h2grpc::call::{PendingResponse, Requests};
    /// use h2grpc::codec::Raw;
    /// use h2grpc::status::Status;
    ///
    /// async fn upload(file: Vec<Raw>, chunks: Requests<Raw>, receipt: PendingResponse<Raw>) -> Result<Raw, Status> {
    ///     Ok(receipt.while_sending(chunks, stream::iter(file)).await?.message)
    /// }
    /// ```
    ///
    /// In `tokio::select!`: dropped before it is ready, it cancels the call. To go on with it in the next round, pin it
    /// outside the loop and wait for `&mut` of it.
    ///
    /// # Errors
    /// The call's status, if it is not OK.
    pub async fn while_sending<Q: Payload>(
        self, requests: Requests<Q>, messages: impl Stream<Item: Borrow<Q>>,
    ) -> Result<Response<R>, Status> {
        let mut response = pin!(self.response());
        tokio::select! {
            biased;
            response = &mut response => return response,
            // Why a call has ended is what its response says.
            _sent = requests.send_all(messages) => {}
        }
        response.await
    }
}

impl<R: Payload> Responses<R> {
    /// The responses as a stream that sends all of `messages` by `requests`, the other half of this call, at the same
    /// time. Further messages are sent only while it is polled. If the server ends the call early, the stream ends, also
    /// while `messages` gives nothing.
    ///
    /// In `tokio::select!`: waiting for the next item is cancel safe. Dropping the stream itself before its end cancels
    /// the call.
    pub fn while_sending<Q: Payload>(
        &mut self, requests: Requests<Q>, messages: impl Stream<Item: Borrow<Q>>,
    ) -> impl FusedStream<Item = Result<R, Status>> + Unpin {
        WhileSending { sending: Some(Box::pin(requests.send_all(messages))), responses: self }
    }
}

/// The responses of a call whose request is sent by `sending`.
struct WhileSending<'a, F, R> {
    sending: Option<Pin<Box<F>>>,
    responses: &'a mut Responses<R>,
}

impl<F: Future<Output = Result<(), CallEnded>>, R: Payload> Stream for WhileSending<'_, F, R> {
    type Item = Result<R, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Why a call has ended is what its response says.
        if self.sending.as_mut().is_some_and(|sending| sending.as_mut().poll(cx).is_ready()) {
            self.sending = None;
        }
        Pin::new(&mut *self.responses).poll_next(cx)
    }
}

impl<F: Future<Output = Result<(), CallEnded>>, R: Payload> FusedStream for WhileSending<'_, F, R> {
    fn is_terminated(&self) -> bool {
        self.responses.is_terminated()
    }
}

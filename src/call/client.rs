//! A call on a client: its response, which is one message or a stream.

use std::future::{Future, IntoFuture};
use std::{mem, pin::Pin};

use super::inbound::Inbound;
use super::source::ResponseSource;
use crate::codec::Payload;
use crate::{metadata::Metadata, status::Status};

/// The response to a call whose method responds with one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Response<T> {
    /// The message.
    pub message: T,
    /// The metadata of the response head.
    pub metadata: Metadata,
    /// The metadata of the trailers.
    pub trailers: Metadata,
}

/// The messages that a call's response streams.
pub type Responses<T> = Inbound<T, ResponseSource>;

/// The response to a client-streaming call. Await it after the request's messages are sent.
#[derive(Debug)]
pub struct PendingResponse<T>(pub(crate) Responses<T>);

impl<T: Payload> PendingResponse<T> {
    /// Waits for the response. The same as awaiting the value itself.
    ///
    /// In `tokio::select!`: dropped before it is ready, it cancels the call. To go on with it in the next round, pin it
    /// outside the loop and wait for `&mut` of it.
    ///
    /// # Errors
    /// The call's status, if it is not OK.
    pub async fn response(mut self) -> Result<Response<T>, Status> {
        let message = self.0.one().await;
        let source = &mut self.0.source;
        let message = message.map_err(|status| status.after_head(mem::take(&mut source.metadata)))?;
        Ok(Response { message, metadata: mem::take(&mut source.metadata), trailers: mem::take(&mut source.trailers) })
    }
}

impl<T: Payload + 'static> IntoFuture for PendingResponse<T> {
    type Output = Result<Response<T>, Status>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.response())
    }
}

//! A call on a server: what the handler is given, in the four shapes that a call can have.
//!
//! ```text
//!                      request            response
//! unary                Request<Q>         R
//! server streaming     Request<Q>         &mut Outbound<R>
//! client streaming     Inbound<Q>         R
//! bidirectional        Inbound<Q>         &mut Outbound<R>
//! ```

use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;

use super::context::CallContext;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::source::RequestSource;
use crate::codec::{self, Payload};
use crate::status::Status;

/// The one message of a request, with what is known of its call.
#[derive(Debug)]
pub struct Request<T> {
    /// The message.
    pub message: T,
    /// Metadata, deadline and peer of the call, and the metadata of its response.
    pub context: CallContext,
}

/// A call that has arrived, not yet in one of its four shapes. What [`service!`](crate::service!) writes calls the
/// method here that has the right one.
#[derive(Debug)]
pub struct IncomingCall {
    pub(crate) body: RecvStream,
    pub(crate) context: CallContext,
    pub(crate) max_message: usize,
}

impl IncomingCall {
    /// What is known of the call before a shape is chosen, for interceptors.
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// What is known of the call, to add extensions to it.
    pub fn context_mut(&mut self) -> &mut CallContext {
        &mut self.context
    }

    /// One message in, one out.
    ///
    /// # Errors
    /// As [`Inbound::next`]; UNIMPLEMENTED when the request has no message, or two.
    pub async fn unary<Q: Payload>(self) -> Result<Request<Q>, Status> {
        let source = RequestSource::of_message(self.body, self.context);
        let mut requests = Inbound::new(source, self.max_message);
        let message = requests.one().await?;
        let context = requests.source.context;
        context.outlet.head.awaits_no_message();
        Ok(Request { message, context })
    }

    /// One message in, a stream out.
    ///
    /// # Errors
    /// As for [`unary`](Self::unary).
    pub async fn server_streaming<Q: Payload, R: Payload>(self) -> Result<(Request<Q>, Outbound<R>), Status> {
        let responses = self.responses();
        Ok((self.unary().await?, responses))
    }

    /// A stream in, one message out.
    pub fn client_streaming<Q: Payload>(self) -> Inbound<Q> {
        self.context.outlet.head.awaits_no_message();
        Inbound::new(RequestSource::of_stream(self.body, self.context), self.max_message)
    }

    /// A stream in, a stream out.
    pub fn bidirectional<Q: Payload, R: Payload>(self) -> (Inbound<Q>, Outbound<R>) {
        let responses = self.responses();
        (self.client_streaming(), responses)
    }

    fn responses<R: Payload>(&self) -> Outbound<R> {
        Outbound::new(Arc::clone(&self.context.outlet))
    }
}

/// What is left to send when a handler has returned.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The one message of the response, in its frame.
    Message(Bytes),
    /// Nothing: the response was a stream, whose messages have been sent.
    Streamed,
}

impl Reply {
    /// A response of one message.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED for a message over 4 GiB, which no prefix can announce.
    pub fn message<R: Payload>(message: &R) -> Result<Reply, Status> {
        codec::to_frame(message).map(Reply::Message)
    }
}

//! A call on a server: what the handler is given, in the four shapes that a call can have.
//!
//! ```text
//!                      request            answer
//! unary                Request<Q>         R
//! server streaming     Request<Q>         &mut Outbound<R>
//! client streaming     Inbound<Q>         R
//! bidirectional        Inbound<Q>         &mut Outbound<R>
//! ```

use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use h2::RecvStream;
use prost::Message;
use tokio::time::Instant;

use super::error::status_of;
use super::inbound::{Inbound, Source, poll_body};
use super::outbound::{Outbound, Outlet};
use crate::{metadata::Metadata, status::Status};

/// One message of a client, with what is known of its call.
#[derive(Debug)]
pub struct Request<T> {
    /// The message.
    pub message: T,
    /// Metadata, deadline, peer; and the metadata of the answer.
    pub context: CallContext,
}

/// What a handler may want to know of its call, and say besides its messages.
#[derive(Debug)]
pub struct CallContext {
    outlet: Arc<Outlet>,
}

impl CallContext {
    /// The metadata that the client sent.
    pub fn metadata(&self) -> &Metadata {
        &self.outlet.origin.metadata
    }

    /// When the client stops waiting, if it said so in `grpc-timeout`. The handler is dropped then.
    pub fn deadline(&self) -> Option<Instant> {
        self.outlet.origin.deadline.as_ref().map(|deadline| deadline.at)
    }

    /// The client's address, where the connection has one.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.outlet.origin.peer
    }

    /// Adds `metadata` to the response head. It must come before the first message, and before a streaming handler
    /// first waits: the head leaves then.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when the head has left.
    pub fn respond_with(&self, metadata: &Metadata) -> Result<(), Status> {
        let mut outlet = self.outlet.lock();
        if !outlet.is_head_unsent() {
            return Err(Status::failed_precondition("response metadata comes too late: the response head is sent"));
        }
        outlet.extra().head.merge(metadata);
        Ok(())
    }

    /// Adds `metadata` to the trailers, which end the call.
    pub fn end_with(&self, metadata: &Metadata) {
        self.outlet.lock().extra().trailers.merge(metadata);
    }
}

/// A call that has arrived, not yet in one of its four shapes. `service!` makes the right one of it.
#[derive(Debug)]
pub struct IncomingCall {
    pub(crate) body: RecvStream,
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) max_message: usize,
    /// How many bytes of a request's end may keep their room in the connection's window until the call has ended, when
    /// h2 gives it back unasked: a lock less for a unary call. All calls together keep a sixteenth of it at most.
    pub(crate) kept: usize,
}

impl IncomingCall {
    /// One message in, one out.
    ///
    /// # Errors
    /// As [`Inbound::next`]; UNIMPLEMENTED when the request has no message, or two.
    pub async fn unary<Q: Message + Default>(self) -> Result<Request<Q>, Status> {
        let kept = self.kept;
        let mut requests = self.requests(kept);
        let message = requests.one().await?;
        Ok(Request { message, context: requests.source.context })
    }

    /// One message in, a stream out.
    ///
    /// # Errors
    /// As for [`unary`](Self::unary).
    pub async fn server_streaming<Q, R>(self) -> Result<(Request<Q>, Outbound<R>), Status>
    where
        Q: Message + Default,
        R: Message,
    {
        let responses = self.responses();
        Ok((self.unary().await?, responses))
    }

    /// A stream in, one message out.
    pub fn client_streaming<Q: Message + Default>(self) -> Inbound<Q> {
        self.outlet.lock().is_streaming = true;
        self.requests(0)
    }

    /// A stream in, a stream out.
    pub fn bidirectional<Q: Message + Default, R: Message>(self) -> (Inbound<Q>, Outbound<R>) {
        let responses = self.responses();
        (self.requests(0), responses)
    }

    fn requests<Q: Message + Default>(self, kept: usize) -> Inbound<Q> {
        let context = CallContext { outlet: self.outlet };
        Inbound::new(RequestBody { body: self.body, kept, context }, self.max_message)
    }

    fn responses<R: Message>(&self) -> Outbound<R> {
        self.outlet.lock().is_streaming = true;
        Outbound::new(Arc::clone(&self.outlet))
    }
}

/// What is left to send when a handler has returned: the one message of its answer in its frame; nothing where the answer
/// was a stream.
pub type Reply = Bytes;

/// The request of a call on a server, as the source of an [`Inbound`].
#[derive(Debug)]
pub struct RequestBody {
    body: RecvStream,
    /// How many bytes of its end keep their room in the window; none of a stream, where to ask for the end costs more.
    kept: usize,
    context: CallContext,
}

impl Source for RequestBody {
    const WHAT: &'static str = "request";

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Bytes, bool)>, Status>> {
        let chunk = poll_body(&mut self.body, cx, self.kept);
        if chunk.is_pending() {
            self.context.outlet.reader.store(cx.waker().data().cast_mut(), Relaxed);
        }
        let chunk = ready!(chunk).transpose();
        Poll::Ready(chunk.map_err(|error| status_of(error, "the request was read")))
    }
}

impl<T> Inbound<T> {
    /// What is known of the call besides its messages.
    pub fn context(&self) -> &CallContext {
        &self.source.context
    }
}

//! What a handler can learn of its call, and what it can send besides messages.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Extensions;
use tokio::time::Instant;

use super::outlet::Outlet;
use super::sending::Stage;
use crate::memory::Charge;
use crate::{metadata::Metadata, status::Status, wire::path::Path};

/// What a handler knows of its call. It is the same for all four shapes.
///
/// An [`IncomingCall`](super::IncomingCall) has it before a shape is chosen, a [`Request`](super::Request) and an
/// [`Inbound`](super::Inbound) have it after. Clones refer to the same call.
#[derive(Clone, Debug)]
pub struct CallContext {
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) extensions: Extensions,
}

impl CallContext {
    /// Which method of which service was called.
    pub fn path(&self) -> &Path {
        &self.outlet.head.path
    }

    /// The metadata that the client sent.
    pub fn metadata(&self) -> &Metadata {
        &self.outlet.head.metadata
    }

    /// When the client stops waiting, if it sent `grpc-timeout`. The handler is dropped then.
    pub fn deadline(&self) -> Option<Instant> {
        self.outlet.head.deadline.map(|deadline| deadline.at)
    }

    /// The client's address, where the connection has one.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.outlet.head.peer
    }

    /// Values of any type that belong to the call: what an interceptor found out, such as who the caller is. There is
    /// one value of each type.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The call's extensions, to add values to them.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Charges `bytes` that are held for this call to its connection, until the charge is dropped. A service that stores
    /// what its callers send charges it, so that all callers together cannot make it store more than the server's
    /// memory allows: see [`Limits::memory`](crate::limits::Limits#structfield.memory).
    ///
    /// ```
    /// # use h2grpc::call::Inbound;
    /// # use h2grpc::status::Status;
    /// # #[derive(Clone, PartialEq, prost::Message)]
    /// # struct Part { #[prost(bytes, tag = "1")] data: Vec<u8> }
    /// async fn whole(mut parts: Inbound<Part>) -> Result<Vec<u8>, Status> {
    ///     let mut stored = Vec::new();
    ///     let mut charge = parts.context().charge(0)?;
    ///     while let Some(part) = parts.next().await? {
    ///         charge.set(stored.len() + part.data.len())?;
    ///         stored.extend_from_slice(&part.data);
    ///     }
    ///     Ok(stored)
    /// }
    /// ```
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the connection would hold more than it may.
    pub fn charge(&self, bytes: usize) -> Result<Charge, Status> {
        let mut charge = self.outlet.charge();
        charge.set(bytes).map(|()| charge)
    }

    /// Adds `metadata` to the response head. The head leaves with the first message, at the call's end, or when
    /// [`send_head`](Self::send_head) is called: after that it is too late.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when the head has been sent, or a message was sent with which it will leave.
    pub fn respond_with(&self, metadata: &Metadata) -> Result<(), Status> {
        let mut sending = self.outlet.lock();
        if !matches!(sending.stage, Stage::Head(_)) || !sending.queue.is_empty() {
            return Err(Status::failed_precondition(
                "response metadata comes too late: the response head leaves with the first message",
            ));
        }
        sending.metadata.get_or_insert_default().head.merge(metadata);
        Ok(())
    }

    /// Adds `metadata` to the trailers, which end the call.
    pub fn end_with(&self, metadata: &Metadata) {
        self.outlet.lock().metadata.get_or_insert_default().trailers.merge(metadata);
    }

    /// Sends the response head now, before any message, for clients that wait for it. Without this it leaves with the
    /// first message, as in other gRPC implementations.
    ///
    /// # Errors
    /// FAILED_PRECONDITION while a request that is a single message has not arrived: some clients no longer send it
    /// once they have seen the head. Interceptors always get it, since a call reaches them before its shape is known.
    pub fn send_head(&self) -> Result<(), Status> {
        if self.outlet.head.awaits_message() {
            return Err(Status::failed_precondition(
                "the response head must not be sent before the request's message has arrived",
            ));
        }
        self.outlet.send_head();
        Ok(())
    }
}

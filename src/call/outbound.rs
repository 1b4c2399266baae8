//! Messages going out from a server: its handler ends the stream by returning.

use std::{borrow::Borrow, sync::Arc};

use super::outlet::Outlet;
use super::sender::Sender;
use crate::codec::{EncodedSlice, Payload};
use crate::status::Status;

/// The sending half of a call on a server, for messages of type `T`.
///
/// A handler borrows it, and ends the stream by returning.
#[derive(Debug)]
pub struct Outbound<T>(Sender<T>);

impl<T: Payload> Outbound<T> {
    pub(crate) fn new(outlet: Arc<Outlet>) -> Self {
        Outbound(Sender::new(outlet))
    }

    /// Sends `message`, a value or a reference. It waits while the client's flow-control window is full, and then
    /// memory holds one [`BATCH`](crate::limits::BATCH) that waits, one that gathers, this one message, and 4 KiB that
    /// h2 took without asking for the window.
    ///
    /// In `tokio::select!`: dropped before it is ready, it has sent the message all the same, and only the wait for room
    /// ends. So do not send the same message again.
    ///
    /// # Errors
    /// The call's status when it has ended: cancelled by the client, past its deadline, its connection lost.
    /// RESOURCE_EXHAUSTED for a message over 4 GiB, which no prefix can announce.
    pub async fn send(&mut self, message: impl Borrow<T>) -> Result<(), Status> {
        self.0.send(message).await
    }

    /// Sends messages that are encoded already, after all those sent before: few bytes are copied, many are not.
    ///
    /// In `tokio::select!`: dropped before it is ready, it has sent all of them or none.
    ///
    /// # Errors
    /// The call's status when it has ended, as for [`send`](Self::send).
    pub async fn send_encoded(&mut self, messages: impl Into<EncodedSlice<'_, T>>) -> Result<(), Status> {
        self.0.send_encoded(messages.into()).await
    }
}

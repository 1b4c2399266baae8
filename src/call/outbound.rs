//! Messages going out from a server: its handler ends the stream by returning.

use std::future::poll_fn;
use std::task::Poll;
use std::{borrow::Borrow, sync::Arc};

use super::outlet::Outlet;
use super::sender::Sender;
use crate::codec::{EncodedSlice, Payload};
use crate::limits::SENT_AT_A_STRETCH;
use crate::status::Status;

/// The sending half of a call on a server, for messages of type `T`.
///
/// A handler borrows it, and ends the stream by returning.
#[derive(Debug)]
pub struct Outbound<T> {
    sender: Sender<T>,
    /// How many bytes were sent since this last let others run.
    at_a_stretch: usize,
}

impl<T: Payload> Outbound<T> {
    pub(crate) fn new(outlet: Arc<Outlet>) -> Self {
        Outbound { sender: Sender::new(outlet), at_a_stretch: 0 }
    }

    /// Sends `message`, a value or a reference. It waits while the client's flow-control window is full, and then
    /// memory holds one [`BATCH`](crate::limits::BATCH) that waits, one that gathers, this one message, and 4 KiB that
    /// h2 took without asking for the window. It also waits a moment after each
    /// 64 KiB, so that a handler which always has something to send does not hold up the others.
    ///
    /// In `tokio::select!`: dropped before it is ready, it has sent the message all the same, and only the wait for room
    /// ends. So do not send the same message again.
    ///
    /// # Errors
    /// The call's status when it has ended: cancelled by the client, past its deadline, its connection lost.
    /// RESOURCE_EXHAUSTED for a message over 4 GiB, which no prefix can announce.
    pub async fn send(&mut self, message: impl Borrow<T>) -> Result<(), Status> {
        let bytes = self.sender.send(message).await?;
        self.count(bytes).await;
        Ok(())
    }

    /// Sends messages that are encoded already, after all those sent before: few bytes are copied, many are not if they
    /// can be shared.
    ///
    /// In `tokio::select!`: dropped before it is ready, it has sent all of them or none.
    ///
    /// # Errors
    /// The call's status when it has ended, as for [`send`](Self::send).
    pub async fn send_encoded(&mut self, messages: impl Into<EncodedSlice<'_, T>>) -> Result<(), Status> {
        let messages = messages.into();
        let bytes = messages.as_bytes().len();
        self.sender.send_encoded(messages).await?;
        self.count(bytes).await;
        Ok(())
    }

    /// Counts what was sent, and now and then lets the other calls of the connection, and other connections, run: a client
    /// whose window is large never makes a handler wait.
    async fn count(&mut self, bytes: usize) {
        self.at_a_stretch += bytes;
        if self.at_a_stretch >= SENT_AT_A_STRETCH {
            self.at_a_stretch = 0;
            let mut has_waited = false;
            poll_fn(|cx| match std::mem::replace(&mut has_waited, true) {
                true => Poll::Ready(()),
                false => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            })
            .await;
        }
    }
}

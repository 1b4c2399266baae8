//! Messages going out: gathered, handed to HTTP/2 under its flow control, ended by trailers or END_STREAM.
//!
//! Flush on yield: `send` encodes into the call's buffer. The buffer goes to h2 when it holds [`BATCH`] bytes, or when
//! the handler yields (its poll returned `Pending`) or ends, whichever is first. A burst of small messages becomes one
//! DATA frame, a lone message leaves at once, and there is neither a timer nor a setting.

use std::sync::Arc;
use std::task::ready;
use std::{borrow::Borrow, future::poll_fn, marker::PhantomData};

use super::outlet::Outlet;
use crate::codec::{self, EncodedSlice, Payload};
use crate::{limits::BATCH, status::Status};

/// Messages that are encoded already are copied if they have fewer bytes than this in all: in one DATA frame with the
/// messages before them they cost less than in a frame of their own.
const SHORT: usize = BATCH / 4;

/// The sending half of a call, for messages of type `T`.
///
/// A server's handler borrows it and ends the stream by returning. A client owns it: [`finish`](Self::finish) ends the
/// request, and dropping it half way cancels the call, so that an aborted upload never looks complete.
#[derive(Debug)]
pub struct Outbound<T> {
    outlet: Arc<Outlet>,
    message: PhantomData<fn(T)>,
}

impl<T: Payload> Outbound<T> {
    pub(crate) fn new(outlet: Arc<Outlet>) -> Self {
        Outbound { outlet, message: PhantomData }
    }

    /// Sends `message`, a value or a reference. It waits while the peer's flow-control window is full, and then memory
    /// holds one [`BATCH`] that waits, one that gathers, this one message, and 4 KiB that h2 took without asking for
    /// the window.
    ///
    /// Dropped before it is ready, as `tokio::select!` does, it has sent the message all the same: only the wait for
    /// room ends.
    ///
    /// # Errors
    /// The call's status when it has ended: cancelled by the peer, past its deadline, its connection lost. On a client
    /// the response may say more, such as the status that the server ended the call with: read it before this error.
    pub async fn send(&mut self, message: impl Borrow<T>) -> Result<(), Status> {
        match self.outlet.add(|frames| codec::encode(message.borrow(), frames))? {
            true => self.room().await,
            false => Ok(()),
        }
    }

    /// Sends messages that are encoded already, after all those sent before: few bytes are copied, many are not.
    ///
    /// Dropped before it is ready, it has sent all of them or none.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub async fn send_encoded(&mut self, messages: impl Into<EncodedSlice<'_, T>>) -> Result<(), Status> {
        let messages = messages.into();
        let bytes = messages.as_bytes();
        if bytes.len() >= SHORT {
            return self.hand_over(messages).await;
        }
        let is_full = self.outlet.add(|frames| {
            frames.extend_from_slice(bytes);
            Ok(())
        })?;
        if is_full { self.room().await } else { Ok(()) }
    }

    /// Adds all messages in one step, so that a caller who stops waiting never leaves half of a frame.
    async fn hand_over(&mut self, messages: EncodedSlice<'_, T>) -> Result<(), Status> {
        let mut waiting = Some(messages);
        poll_fn(|cx| {
            ready!(self.outlet.poll_taken(cx))?;
            if let Some(messages) = waiting.take() {
                self.outlet.put(messages.to_bytes())?;
            }
            self.outlet.poll_taken(cx)
        })
        .await
    }

    /// Ends the request: no message follows. Without it, dropping the sending half cancels the call.
    ///
    /// Dropped before it is ready, it has ended the request all the same: only the wait for the window ends.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub async fn finish(self) -> Result<(), Status> {
        self.outlet.finish();
        poll_fn(|cx| self.outlet.poll_taken(cx)).await
    }

    async fn room(&self) -> Result<(), Status> {
        poll_fn(|cx| self.outlet.poll_room(cx)).await
    }
}

impl<T> Drop for Outbound<T> {
    fn drop(&mut self) {
        if self.outlet.is_request {
            self.outlet.abandon();
        }
    }
}

//! What both sending halves have in common: messages are encoded into the call's outlet, and wait there for room.
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

/// Puts messages of type `T` into an outlet.
#[derive(Debug)]
pub(super) struct Sender<T> {
    pub(super) outlet: Arc<Outlet>,
    message: PhantomData<fn(T)>,
}

impl<T: Payload> Sender<T> {
    pub(super) fn new(outlet: Arc<Outlet>) -> Self {
        Sender { outlet, message: PhantomData }
    }

    /// Sends a message. Returns how many bytes its frame has.
    pub(super) async fn send(&self, message: impl Borrow<T>) -> Result<usize, Status> {
        let mut bytes = 0;
        let is_full = self.outlet.add(|frames| {
            let before = frames.len();
            codec::encode(message.borrow(), frames)?;
            bytes = frames.len() - before;
            Ok(())
        })?;
        if is_full {
            self.room().await?;
        }
        Ok(bytes)
    }

    pub(super) async fn send_encoded(&self, messages: EncodedSlice<'_, T>) -> Result<(), Status> {
        let bytes = messages.as_bytes();
        if bytes.len() >= SHORT && messages.is_shared() {
            return self.hand_over(messages).await;
        }
        let is_full = self.outlet.add(|frames| {
            frames.extend_from_slice(bytes);
            Ok(())
        })?;
        if is_full { self.room().await } else { Ok(()) }
    }

    /// Adds all messages in one step, so that a caller who stops waiting never leaves half of a frame.
    async fn hand_over(&self, messages: EncodedSlice<'_, T>) -> Result<(), Status> {
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

    async fn room(&self) -> Result<(), Status> {
        poll_fn(|cx| self.outlet.poll_room(cx)).await
    }
}

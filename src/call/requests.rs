//! Messages going out from a client: a request that is a stream, which `finish` ends.

use std::sync::Arc;
use std::{borrow::Borrow, error::Error, fmt, future::poll_fn};

use super::outlet::Outlet;
use super::sender::Sender;
use crate::codec::{EncodedSlice, Payload};

/// The sending half of a call on a client, for messages of type `Q`.
///
/// [`finish`](Self::finish) ends the request. Dropping it half way cancels the call, so that an aborted upload never
/// looks complete.
#[derive(Debug)]
pub struct Requests<Q> {
    sender: Sender<Q>,
}

/// The call ended before its request did, so the rest of the request is not needed. The other half of the call, its
/// response, says how it ended: the server may have answered early, with OK or with an error, or the call was
/// cancelled, its deadline passed, its connection was lost.
///
/// This is no [`Status`](crate::status::Status), and none can be made of it, because it would hide the real one. Stop
/// sending, and read the response:
///
/// ```
/// use h2grpc::call::{PendingResponse, Requests};
/// use h2grpc::codec::Raw;
/// use h2grpc::status::Status;
///
/// async fn upload(file: &[Raw], mut chunks: Requests<Raw>, receipt: PendingResponse<Raw>) -> Result<Raw, Status> {
///     for chunk in file {
///         if chunks.send(chunk).await.is_err() {
///             break; // the receipt below says why
///         }
///     }
///     let _ = chunks.finish().await;
///     Ok(receipt.await?.message)
/// }
/// ```
///
/// Where the call's status is the error, `?` does not compile:
///
/// ```compile_fail,E0277
/// use h2grpc::call::{PendingResponse, Requests};
/// use h2grpc::codec::Raw;
/// use h2grpc::status::Status;
///
/// async fn upload(file: &[Raw], mut chunks: Requests<Raw>, receipt: PendingResponse<Raw>) -> Result<Raw, Status> {
///     for chunk in file {
///         chunks.send(chunk).await?; // error: `CallEnded` cannot become a `Status`
///     }
///     let _ = chunks.finish().await;
///     Ok(receipt.await?.message)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEnded;

impl fmt::Display for CallEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call ended before its request did: read the response, which says how it ended")
    }
}

impl Error for CallEnded {}

impl<Q: Payload> Requests<Q> {
    pub(crate) fn new(outlet: Arc<Outlet>) -> Self {
        Requests { sender: Sender::new(outlet) }
    }

    /// Sends `message`, a value or a reference. It waits while the server's flow-control window is full, and then memory
    /// holds one [`BATCH`](crate::limits::BATCH) that waits, one that gathers, this one message, and 4 KiB that h2 took
    /// without asking for the window.
    ///
    /// In `tokio::select!`: dropped before it is ready, it has sent the message all the same, and only the wait for room
    /// ends. So do not send the same message again.
    ///
    /// # Errors
    /// [`CallEnded`]: the response says how. A message over 4 GiB, which no prefix can announce, ends the call too:
    /// the response is RESOURCE_EXHAUSTED then.
    pub async fn send(&mut self, message: impl Borrow<Q>) -> Result<(), CallEnded> {
        // A call that has ended already keeps its own status.
        self.sender.send(message).await.map(|_| ()).map_err(|why| {
            self.sender.outlet.cancel(why);
            CallEnded
        })
    }

    /// Sends messages that are encoded already, after all those sent before: few bytes are copied, many are not.
    ///
    /// In `tokio::select!`: dropped before it is ready, it has sent all of them or none.
    ///
    /// # Errors
    /// [`CallEnded`]: the response says how.
    pub async fn send_encoded(&mut self, messages: impl Into<EncodedSlice<'_, Q>>) -> Result<(), CallEnded> {
        self.sender.send_encoded(messages.into()).await.map_err(|_| CallEnded)
    }

    /// Ends the request: no message follows. Without it, dropping the sending half cancels the call.
    ///
    /// In `tokio::select!`: dropped before it is ready, it has ended the request all the same, and only the wait for the
    /// window ends.
    ///
    /// # Errors
    /// [`CallEnded`]: the response says how.
    pub async fn finish(self) -> Result<(), CallEnded> {
        let outlet = &self.sender.outlet;
        outlet.finish();
        poll_fn(|cx| outlet.poll_taken(cx)).await.map_err(|_| CallEnded)
    }

    /// Waits until nothing can be sent any more.
    #[cfg(feature = "stream")]
    pub(super) async fn ended(&self) -> CallEnded {
        poll_fn(|cx| self.sender.outlet.poll_over(cx)).await;
        CallEnded
    }
}

impl<Q> Drop for Requests<Q> {
    fn drop(&mut self) {
        self.sender.outlet.abandon();
    }
}

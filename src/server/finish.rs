//! From what a handler returned to the trailers.

use std::future::poll_fn;
use std::task::{Poll, ready};

use h2::Reason;

use super::patience::Patience;
use crate::call::{Driver, Reply};
use crate::status::Status;
use crate::wire::code::Code;

/// How a handler's run came to its end.
pub(super) enum Outcome {
    /// The handler returned this.
    Ended(Result<Reply, Status>),
    /// The stream or the connection is gone, so nothing can be sent any more.
    Lost(Status),
    /// The deadline passed, or the client did not go on.
    Late(Status),
}

/// Ends the call after all messages that were sent. Returns its status.
pub(super) async fn finish(outcome: Outcome, driver: &Driver, patience: &mut Patience) -> Status {
    let mut last = None;
    let status = match outcome {
        Outcome::Lost(status) => return status,
        // A message that was cut short can't be followed by trailers: the peer would take them for a broken frame.
        Outcome::Late(status) if !driver.outlet.is_empty() => {
            driver.reset(Reason::CANCEL, status.clone());
            return status;
        }
        Outcome::Late(status) | Outcome::Ended(Err(status)) => status,
        Outcome::Ended(Ok(reply)) => {
            if let Reply::Message(frame) = reply {
                last = Some(frame);
            }
            Status::new(Code::OK, "")
        }
    };
    let lost = poll_fn(|cx| {
        if let Poll::Ready(ended) = driver.poll_end(cx, &mut last, &status) {
            return Poll::Ready(ended.err());
        }
        if let Poll::Ready(lost) = driver.poll_yield(cx) {
            return Poll::Ready(Some(lost));
        }
        // The client does not read its answer, and its time is up: only a reset passes a window that is full.
        let late = ready!(patience.poll_end(&driver.outlet, cx));
        driver.reset(Reason::CANCEL, late.clone());
        Poll::Ready(Some(late))
    });
    lost.await.unwrap_or(status)
}

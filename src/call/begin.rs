//! A client's call as a value that can begin again.
//!
//! An [`Attempt`] binds the call to a stream of a connection. As long as nothing of a response came, and all that was
//! sent is still here, another attempt may follow: a free one, if the server did not process the call, or one that the
//! retry policy allows (gRFC A6).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, pin::Pin};

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::Response;
use tokio::time::{sleep, sleep_until};

use super::deadline::Deadline;
use super::link::{Attempt, Link};
use super::outlet::Outlet;
use crate::metadata::Metadata;
use crate::policy::{Attempts, Failure, RetryPolicy, Throttle};
use crate::status::Status;
use crate::wire::{code::Code, head, path::Path};

/// What opens streams for calls: a client's channel.
pub(crate) trait Opens: fmt::Debug + Send + Sync {
    /// Waits for a connection that has room, and opens a stream for `call` on it.
    fn open<'a>(&'a self, call: &'a mut Call) -> Opening<'a>;
}

pub(crate) type Opening<'a> = Pin<Box<dyn Future<Output = Result<Attempt, Status>> + Send + 'a>>;

/// Everything that it takes to make a call, once or again.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) channel: Arc<dyn Opens>,
    pub(crate) path: Path,
    pub(crate) metadata: Metadata,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) wait_for_ready: bool,
    pub(crate) retry: Option<Arc<RetryPolicy>>,
    /// What the calls of the channel may retry together.
    pub(crate) throttle: Option<Arc<Throttle>>,
    pub(crate) request: Body,
    pub(crate) attempts: Attempts,
    /// The call's place among those that wait, once it has one. It keeps it when it begins again.
    pub(crate) place: Option<u64>,
}

/// What a call sends after its head.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// The request has not been encoded yet, or is a stream that has not begun.
    None,
    /// One message, in its frame.
    One(Bytes),
    Stream(Arc<Outlet>),
}

/// A call whose response has begun, and whose end counts for its channel's throttle.
#[derive(Debug)]
pub(crate) struct Counted {
    throttle: Arc<Throttle>,
    retry: Option<Arc<RetryPolicy>>,
    attempts: Attempts,
}

impl Counted {
    /// The call has ended.
    pub(crate) fn end(mut self, result: &Result<(), Status>) {
        match result {
            Ok(()) => self.throttle.success(),
            Err(status) => {
                self.attempts.commit();
                self.attempts.after(self.retry.as_deref(), Some(&self.throttle), Failure::from(status));
            }
        }
    }
}

/// What an attempt has brought.
pub(crate) enum Outcome {
    /// A response, which may still end with any status.
    Response(Response<RecvStream>),
    Failed(Failed),
}

/// An attempt that has failed before a response began.
pub(crate) struct Failed {
    pub(crate) status: Status,
    pub(crate) failure: Failure,
}

impl From<Status> for Failed {
    fn from(status: Status) -> Failed {
        Failed { failure: Failure::from(&status), status }
    }
}

impl Call {
    /// Reads what an attempt has brought.
    pub(crate) fn outcome(&self, result: Result<Response<RecvStream>, h2::Error>, link: &Link) -> Outcome {
        match result {
            // Only a retry policy makes a difference of which status it is.
            Ok(response) if self.retry.is_none() => Outcome::Response(response),
            Ok(response) => match refused(response) {
                Ok(response) => Outcome::Response(response),
                Err(status) => Outcome::Failed(status.into()),
            },
            Err(error) => {
                let unprocessed = unprocessed(&error);
                let outlet = self.outlet().map(|outlet| &**outlet);
                let status = status(error, "its response was awaited", link, self.deadline, outlet);
                Outcome::Failed(Failed { failure: unprocessed.unwrap_or_else(|| Failure::from(&status)), status })
            }
        }
    }

    /// Whether the call may begin again after an attempt has failed, and after which pause.
    pub(crate) fn pause(&mut self, failure: Failure) -> Option<Duration> {
        if self.deadline.is_some_and(|deadline| deadline.is_past()) {
            return None;
        }
        if self.outlet().is_some_and(|outlet| !outlet.may_begin_again()) {
            return None;
        }
        self.attempts.after(self.retry.as_deref(), self.throttle.as_deref(), failure)
    }

    /// Waits between two attempts. A call whose time is up before ends then.
    pub(crate) async fn rest(&self, pause: Duration) -> Result<(), Status> {
        if pause.is_zero() {
            return Ok(());
        }
        match self.deadline {
            Some(deadline) if deadline.left() < pause => {
                sleep_until(deadline.at).await;
                Err(deadline.status())
            }
            _ => {
                sleep(pause).await;
                Ok(())
            }
        }
    }

    /// Makes another attempt after `pause`.
    pub(crate) async fn begin_again(&mut self, pause: Duration) -> Result<Attempt, Status> {
        self.rest(pause).await?;
        Arc::clone(&self.channel).open(self).await
    }

    /// The part of the call that outlives its attempts, if there is a throttle.
    pub(crate) fn counted(&self) -> Option<Counted> {
        let throttle = self.throttle.clone()?;
        Some(Counted { throttle, retry: self.retry.clone(), attempts: self.attempts.clone() })
    }

    pub(crate) fn outlet(&self) -> Option<&Arc<Outlet>> {
        match &self.request {
            Body::None | Body::One(_) => None,
            Body::Stream(outlet) => Some(outlet),
        }
    }
}

/// The response, or the status that it ends with at once.
fn refused(response: Response<RecvStream>) -> Result<Response<RecvStream>, Status> {
    let (parts, body) = response.into_parts();
    match head::read_response(&parts, body.is_end_stream()) {
        Ok(head) if head.status.as_ref().is_some_and(|status| status.code != Code::OK) => {
            Err(Status::from_trailers(parts.headers))
        }
        Ok(_) => Ok(Response::from_parts(parts, body)),
        Err(refused) => Err(refused.into()),
    }
}

/// Whether `error` says that the server has not processed the call. h2 gives a GOAWAY of the server as the
/// error of a stream only if the stream is beyond the last one that the server has processed.
fn unprocessed(error: &h2::Error) -> Option<Failure> {
    match error.reason() {
        Some(Reason::REFUSED_STREAM) if error.is_reset() && error.is_remote() => Some(Failure::RefusedStream),
        Some(_) if error.is_go_away() && error.is_remote() => Some(Failure::Goaway),
        _ => None,
    }
}

/// The status of a call whose stream or connection failed. After the deadline, a reset stream means that one side has
/// enforced that deadline: with CANCEL, or with NO_ERROR after a status that h2 drops once this side has reset the
/// stream too. After the request's sender has given up, CANCEL is our own, and the outlet knows why.
pub(crate) fn status(
    error: h2::Error, doing: &str, link: &Link, deadline: Option<Deadline>, outlet: Option<&Outlet>,
) -> Status {
    let ends_quietly = matches!(error.reason(), Some(Reason::CANCEL | Reason::NO_ERROR)) && !error.is_go_away();
    let outlet = outlet.filter(|_| error.reason() == Some(Reason::CANCEL));
    match (deadline, outlet.and_then(Outlet::cancelled)) {
        (Some(deadline), _) if ends_quietly && deadline.is_past() => deadline.status(),
        (_, Some(why)) => why,
        _ => link.status(error, doing),
    }
}

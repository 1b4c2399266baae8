//! A call on a client: its answer, and what may be said besides the messages.

use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::{fmt::Debug, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::{RecvStream, client::ResponseFuture};
use http::HeaderMap;
use prost::Message;
use tokio::time::{Instant, Sleep};

use super::inbound::{Inbound, Source, poll_body};
use super::{error::status_of, outbound::Outlet};
use crate::{metadata::Metadata, status::Status, wire::code::Code, wire::head};

/// What a call says besides its messages. The default says nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long the call may take from its start until its status; sent as `grpc-timeout`, and kept on this side too.
    pub timeout: Option<Duration>,
    /// Metadata for the request head.
    pub metadata: Metadata,
}

impl CallOptions {
    /// No deadline, no metadata.
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// Gives the call `timeout` from its start.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends `metadata` in the request head.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }
}

/// The answer to a call whose method has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Response<T> {
    /// The message.
    pub message: T,
    /// The metadata of the response head.
    pub metadata: Metadata,
    /// The metadata of the trailers.
    pub trailers: Metadata,
}

/// The stream of messages that answers a call.
pub type Answers<T> = Inbound<T, ResponseBody>;

/// The one answer to a client-streaming call, which comes when it is awaited.
#[derive(Debug)]
pub struct Answer<T>(pub(crate) Answers<T>);

impl<T: Message + Default> Answer<T> {
    /// Waits for the answer. The same as awaiting the value itself.
    ///
    /// # Errors
    /// The call's status, if it is not OK.
    pub async fn response(mut self) -> Result<Response<T>, Status> {
        let message = self.0.one().await?;
        let ResponseBody { metadata, trailers, .. } = &mut self.0.source;
        Ok(Response { message, metadata: std::mem::take(metadata), trailers: std::mem::take(trailers) })
    }
}

impl<T: Message + Default + 'static> IntoFuture for Answer<T> {
    type Output = Result<Response<T>, Status>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.response())
    }
}

/// The response of a call on a client, as the source of an [`Inbound`]. Dropped before its end it cancels the call.
#[derive(Debug)]
pub struct ResponseBody {
    stage: Stage,
    metadata: Metadata,
    trailers: Metadata,
    /// For error texts.
    server: Arc<str>,
    deadline: Option<Deadline>,
    /// The request, where it is a stream that may be running still.
    request: Option<Arc<Outlet>>,
}

/// `Response-Headers *Length-Prefixed-Message Trailers`, or Trailers-Only.
#[derive(Debug)]
enum Stage {
    Head(ResponseFuture),
    /// Messages, and the trailers after them.
    Body(RecvStream),
    Over(Result<(), Status>),
}

/// When the caller stops waiting. The timer starts when there is something to wait for.
#[derive(Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        // A time-out beyond the clock's range is none.
        let now = Instant::now();
        let at = now.checked_add(timeout).unwrap_or_else(|| now + Duration::from_secs(30 * 365 * 86_400));
        Deadline { at, timeout, timer: None }
    }

    /// The same deadline, for another task to wait for.
    pub(crate) fn again(&self) -> Self {
        Deadline { timer: None, ..*self }
    }

    pub(crate) fn status(&self) -> Status {
        Status::deadline_exceeded(format!("the call did not end within its {:?}", self.timeout))
    }

    /// Ready with DEADLINE_EXCEEDED once the time is up; never without a deadline.
    pub(crate) fn poll(deadline: &mut Option<Self>, cx: &mut Context<'_>) -> Poll<Status> {
        let Some(deadline) = deadline else { return Poll::Pending };
        let timer = deadline.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.at)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(deadline.status())
    }
}

impl ResponseBody {
    pub(crate) fn new(
        head: ResponseFuture, server: Arc<str>, deadline: Option<Deadline>, request: Option<Arc<Outlet>>,
    ) -> Self {
        let (metadata, trailers) = Default::default();
        ResponseBody { stage: Stage::Head(head), metadata, trailers, server, deadline, request }
    }

    /// Moves on to the next chunk of DATA, or to the end.
    fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Bytes, bool)>, Status>> {
        loop {
            self.stage = match &mut self.stage {
                Stage::Head(response) => match ready!(pin!(response).poll(cx)) {
                    Ok(response) => self.read_head(response),
                    Err(error) => Stage::Over(Err(self.lost(error, "its response was awaited"))),
                },
                Stage::Body(body) => match ready!(poll_body(body, cx, 0)) {
                    Some(Ok(chunk)) => return Poll::Ready(Ok(Some(chunk))),
                    Some(Err(error)) => Stage::Over(Err(self.lost(error, "its response was read"))),
                    None => match ready!(body.poll_trailers(cx)) {
                        Ok(trailers) => self.read_trailers(trailers.unwrap_or_default()),
                        Err(error) => Stage::Over(Err(self.lost(error, "its trailers were read"))),
                    },
                },
                Stage::Over(result) => return Poll::Ready(result.clone().map(|()| None)),
            };
        }
    }

    fn read_head(&mut self, response: http::Response<RecvStream>) -> Stage {
        let (parts, body) = response.into_parts();
        let head = match head::read_response(&parts) {
            Ok(head) if head.status.is_some() => return self.read_trailers(parts.headers),
            Ok(head) => head,
            Err(refused) => return Stage::Over(Err(refused.into())),
        };
        if let Some(encoding) = head.encoding.map(String::from_utf8_lossy) {
            let text = format!("the server compresses with {encoding}, which was not offered to it");
            return Stage::Over(Err(Status::internal(text)));
        }
        self.metadata = Metadata::from_headers(parts.headers);
        Stage::Body(body)
    }

    fn read_trailers(&mut self, trailers: HeaderMap) -> Stage {
        let status = Status::from_trailers(trailers);
        Stage::Over(if status.is_ok() {
            self.trailers = status.metadata().clone();
            Ok(())
        } else {
            Err(status)
        })
    }

    /// With the answer over, or given up, what the request still has to say is for nobody.
    fn end_request(&mut self) {
        if let Some(request) = self.request.take() {
            request.lock().abandon();
        }
    }

    /// A reset with CANCEL that comes when the time is up is the server's keeping of the same deadline.
    fn lost(&self, error: h2::Error, doing: &str) -> Status {
        let status = status_of(error, &format!("{doing} from {}", self.server));
        match &self.deadline {
            Some(deadline) if status.code() == Code::CANCELLED && deadline.at <= Instant::now() => deadline.status(),
            _ => status,
        }
    }
}

impl Source for ResponseBody {
    const WHAT: &'static str = "response";

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Bytes, bool)>, Status>> {
        let mut polled = self.poll_stage(cx);
        if polled.is_pending() {
            let status = ready!(Deadline::poll(&mut self.deadline, cx));
            self.stage = Stage::Over(Err(status.clone()));
            polled = Poll::Ready(Err(status));
        }
        if !matches!(polled, Poll::Ready(Ok(Some(_)))) && polled.is_ready() {
            self.end_request();
        }
        polled
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.end_request();
    }
}

impl<T> Answers<T> {
    /// The metadata of the response head: there once a message or the end has been read.
    pub fn metadata(&self) -> &Metadata {
        &self.source.metadata
    }

    /// The metadata of the trailers: there once the end has been read.
    pub fn trailers(&self) -> &Metadata {
        &self.source.trailers
    }
}

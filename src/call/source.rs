//! Where the bytes of an [`Inbound`](super::Inbound) come from: a request on a server, a response on a client.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{fmt, mem};

use bytes::Bytes;
use h2::{RecvStream, client::ResponseFuture};
use http::HeaderMap;

use super::begin::{Call, Counted, Outcome, status};
use super::context::CallContext;
use super::deadline::{Deadline, Timer};
use super::ending::{Ended, Ending};
use super::error::status_of;
use super::link::{Attempt, Held};
use super::outlet::Outlet;
use super::receiving::release;
use super::streaming::{Awaited, Begun};
use crate::memory::Charge;
use crate::metadata::Metadata;
use crate::status::Status;
use crate::wire::path::Path;
use crate::wire::{code::Code, head};

/// Where bytes come from. Nobody but this crate implements it.
pub trait Source {
    /// Whose messages they are, for error texts.
    #[doc(hidden)]
    const WHAT: &'static str;

    /// The next chunk of DATA; `None` once the stream has come to a good end.
    #[doc(hidden)]
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>>;

    /// Notes that the reader waits, and holds `bytes` of a message that is not whole, in `memory` bytes of buffers. A client
    /// notes nothing: its limits for one connection are enough.
    #[doc(hidden)]
    fn holds(&mut self, _bytes: usize, _memory: usize) -> Result<(), Status> {
        Ok(())
    }

    /// What came is of no use to its reader, who learns `why`.
    #[doc(hidden)]
    fn fail(&mut self, why: &Status);
}

/// The request of a call on a server.
#[derive(Debug)]
pub struct RequestSource {
    body: Body,
    pub(super) context: CallContext,
    /// For a message that is not whole, once there was one.
    unfinished: Option<Charge>,
}

#[derive(Debug)]
enum Body {
    /// One message, which is waited for before anything else happens.
    Message {
        body: RecvStream,
        has_ended: bool,
    },
    Stream(Reader),
}

/// The handler's part in a request that is a stream, which the connection has a hand in too.
#[derive(Debug)]
struct Reader(Arc<Outlet>);

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(mut receiving) = self.0.receiving() {
            receiving.end();
        }
    }
}

impl RequestSource {
    pub(super) fn of_message(body: RecvStream, context: CallContext) -> Self {
        RequestSource { body: Body::Message { body, has_ended: false }, context, unfinished: None }
    }

    pub(super) fn of_stream(body: RecvStream, context: CallContext) -> Self {
        context.outlet.receive(body);
        RequestSource { body: Body::Stream(Reader(Arc::clone(&context.outlet))), context, unfinished: None }
    }
}

impl Source for RequestSource {
    const WHAT: &'static str = "request";

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        let chunk = ready!(match &mut self.body {
            Body::Message { has_ended: true, .. } => Poll::Ready(None),
            Body::Message { body, has_ended } => poll_data(body, cx).map(|chunk| {
                // To ask h2 for the end costs less than to ask it for another chunk.
                *has_ended = body.is_end_stream();
                chunk
            }),
            Body::Stream(Reader(outlet)) => outlet.poll_chunk(cx),
        });
        if let Some(Ok(chunk)) = &chunk {
            self.context.outlet.head.count(chunk.len());
        }
        Poll::Ready(chunk.transpose().map_err(|error| status_of(error, "the request was read")))
    }

    fn holds(&mut self, bytes: usize, memory: usize) -> Result<(), Status> {
        self.context.outlet.head.holds(bytes);
        if memory == 0 && self.unfinished.is_none() {
            return Ok(());
        }
        self.unfinished.get_or_insert_with(|| self.context.outlet.charge()).set(memory)
    }

    /// The handler decides what becomes of its call.
    fn fail(&mut self, _why: &Status) {}
}

/// The next chunk of `body`. Its room in the flow-control window is given back at once, because the decoder takes it
/// whole.
fn poll_data(body: &mut RecvStream, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
    let chunk = ready!(body.poll_data(cx));
    if let Some(Ok(chunk)) = &chunk {
        release(body, chunk.len());
    }
    Poll::Ready(chunk)
}

/// The response of a call on a client. Dropping it before its end cancels the call.
#[derive(Debug)]
pub struct ResponseSource {
    progress: Progress,
    pub(super) metadata: Metadata,
    pub(super) trailers: Metadata,
    timer: Timer,
    ending: Ending<ClientCall>,
    counted: Option<Counted>,
    /// Whether the request is a stream that may still be sent.
    is_request_open: bool,
}

/// What a client reports of its call.
#[derive(Debug)]
pub(crate) struct ClientCall {
    pub(crate) path: Path,
    /// The request, if it is a stream.
    pub(crate) request: Option<Arc<Outlet>>,
    /// Bytes of the request's frames, where the request is one message.
    pub(crate) sent: u64,
    /// Bytes of the response's frames that have been read.
    pub(crate) received: u64,
}

impl Ended for ClientCall {
    fn path(&self) -> &Path {
        &self.path
    }

    fn peer(&self) -> Option<std::net::SocketAddr> {
        None
    }

    fn sizes(&self) -> (u64, u64) {
        (self.received, self.sent + self.request.as_ref().map_or(0, |request| request.sent()))
    }
}

/// Another attempt at a call.
type Again = Pin<Box<dyn Future<Output = (Call, Result<Attempt, Status>)> + Send>>;

/// How far a response has come: `Response-Headers *Length-Prefixed-Message Trailers`, or Trailers-Only.
#[allow(clippy::large_enum_variant)] // every call begins with the largest, and a box would cost it an allocation
enum Progress {
    /// The request is one message, and an attempt waits for the head.
    Head(Call, ResponseFuture, Held),
    /// The same, between two attempts.
    Again(Again),
    /// The request is a stream, and the connection's task waits for the head.
    Streaming(Awaited),
    /// Messages, and the trailers after them.
    Messages(RecvStream, Held),
    Over(Result<(), Status>),
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Progress::Head(..) => "Head",
            Progress::Again(_) => "Again",
            Progress::Streaming(_) => "Streaming",
            Progress::Messages(..) => "Messages",
            Progress::Over(_) => "Over",
        })
    }
}

impl ResponseSource {
    /// The response to `call`, whose request, one message, was sent in `attempt`.
    pub(crate) fn of_message(call: Call, attempt: Attempt, ending: Ending<ClientCall>) -> Self {
        let Attempt { response, stream, .. } = attempt;
        let timer = Timer::new(call.deadline);
        ResponseSource::new(Progress::Head(call, response, stream), timer, ending)
    }

    /// The response to a call whose request is a stream.
    pub(crate) fn of_stream(awaited: Awaited, deadline: Option<Deadline>, ending: Ending<ClientCall>) -> Self {
        ResponseSource::new(Progress::Streaming(awaited), Timer::new(deadline), ending)
    }

    fn new(progress: Progress, timer: Timer, ending: Ending<ClientCall>) -> Self {
        let is_request_open = ending.call.request.is_some();
        let (metadata, trailers) = (Metadata::new(), Metadata::new());
        ResponseSource { progress, metadata, trailers, timer, ending, counted: None, is_request_open }
    }

    /// Waits for the next chunk of DATA, or the end.
    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        loop {
            self.progress = match &mut self.progress {
                Progress::Head(_, response, _) => {
                    let result = ready!(pin!(response).poll(cx));
                    self.read_first(result)
                }
                Progress::Again(attempt) => match ready!(attempt.as_mut().poll(cx)) {
                    (call, Ok(Attempt { response, stream, .. })) => Progress::Head(call, response, stream),
                    (_, Err(status)) => Progress::Over(Err(status)),
                },
                Progress::Streaming(awaited) => match ready!(Pin::new(awaited).poll(cx)) {
                    Ok(Ok(Begun { response, stream, counted })) => {
                        self.counted = counted;
                        self.read_head(response, stream)
                    }
                    Ok(Err(status)) => Progress::Over(Err(status)),
                    Err(_) => {
                        let text =
                            "the connection's task has ended before the response began: its runtime was shut down";
                        Progress::Over(Err(Status::unavailable(text)))
                    }
                },
                Progress::Messages(body, stream) => match ready!(poll_data(body, cx)) {
                    Some(Ok(chunk)) => {
                        self.ending.call.received += chunk.len() as u64;
                        return Poll::Ready(Ok(Some(chunk)));
                    }
                    Some(Err(error)) => Progress::Over(Err(lost(
                        error,
                        "its response was read",
                        stream,
                        &self.timer,
                        &self.ending.call,
                    ))),
                    None => match ready!(body.poll_trailers(cx)) {
                        Ok(trailers) => self.read_trailers(trailers.unwrap_or_default()),
                        Err(error) => Progress::Over(Err(lost(
                            error,
                            "its trailers were read",
                            stream,
                            &self.timer,
                            &self.ending.call,
                        ))),
                    },
                },
                Progress::Over(result) => return Poll::Ready(result.clone().map(|()| None)),
            };
        }
    }

    /// The first of the response is there, or the stream was lost: then the call may begin again.
    fn read_first(&mut self, result: Result<http::Response<RecvStream>, h2::Error>) -> Progress {
        let nothing = Progress::Over(Ok(()));
        let Progress::Head(mut call, _, stream) = mem::replace(&mut self.progress, nothing) else {
            return Progress::Over(Err(Status::internal("a response has two heads")));
        };
        match call.outcome(result, stream.link()) {
            Outcome::Response(response) => {
                self.counted = call.counted();
                self.read_head(response, stream)
            }
            Outcome::Failed(failed) => match call.pause(failed.failure) {
                Some(pause) => Progress::Again(Box::pin(async move {
                    let attempt = call.begin_again(pause).await;
                    (call, attempt)
                })),
                None => Progress::Over(Err(failed.status)),
            },
        }
    }

    fn read_head(&mut self, response: http::Response<RecvStream>, stream: Held) -> Progress {
        let (parts, body) = response.into_parts();
        let head = match head::read_response(&parts, body.is_end_stream()) {
            Ok(head) if head.status.is_some() => return self.read_trailers(parts.headers),
            Ok(head) => head,
            Err(refused) => return Progress::Over(Err(refused.into())),
        };
        if let Some(encoding) = head.encoding.map(String::from_utf8_lossy) {
            let text = format!("the server compresses with {encoding}, which was not offered to it, expected identity");
            return Progress::Over(Err(Status::internal(text)));
        }
        self.metadata = Metadata::from_headers(parts.headers);
        Progress::Messages(body, stream)
    }

    fn read_trailers(&mut self, trailers: HeaderMap) -> Progress {
        let status = Status::from_trailers(trailers);
        Progress::Over(if status.is_ok() {
            self.trailers = status.metadata().clone();
            Ok(())
        } else {
            Err(status)
        })
    }

    /// Notes that the response is over, or was dropped. A request that is still being sent is cancelled then, because
    /// nobody waits for its response.
    fn end(&mut self) {
        if let Some(request) = self.ending.call.request.as_ref().filter(|_| self.is_request_open) {
            request.give_up();
        }
        self.is_request_open = false;
        if let Progress::Over(result) = &self.progress {
            if let Some(counted) = self.counted.take() {
                counted.end(result);
            }
            match result {
                Ok(()) => self.ending.close(&Status::new(Code::OK, "")),
                Err(status) => self.ending.close(status),
            }
        }
    }
}

/// The status of a call whose stream was lost while its response was read.
fn lost(error: h2::Error, doing: &str, stream: &Held, timer: &Timer, call: &ClientCall) -> Status {
    status(error, doing, stream.link(), timer.deadline(), call.request.as_deref())
}

impl Source for ResponseSource {
    const WHAT: &'static str = "response";

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        let mut polled = self.poll_progress(cx);
        if polled.is_pending() {
            let status = ready!(self.timer.poll(cx));
            self.progress = Progress::Over(Err(status.clone()));
            polled = Poll::Ready(Err(status));
        }
        if !matches!(polled, Poll::Ready(Ok(Some(_)))) {
            self.end();
        }
        polled
    }

    /// The call is over, and cancelled.
    fn fail(&mut self, why: &Status) {
        self.progress = Progress::Over(Err(why.clone()));
        self.end();
    }
}

impl Drop for ResponseSource {
    fn drop(&mut self) {
        self.end();
    }
}

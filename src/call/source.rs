//! Where the bytes of an [`Inbound`](super::Inbound) come from: a request on a server, a response on a client.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream, client::ResponseFuture};
use http::HeaderMap;

use super::context::CallContext;
use super::deadline::{Deadline, Timer};
use super::ending::{Ended, Ending};
use super::error::status_of;
use super::outlet::Outlet;
use crate::metadata::Metadata;
use crate::status::Status;
use crate::wire::path::Path;
use crate::wire::{code::Code, head};

/// What became of a call whose request is a stream that was dropped half way.
const UNFINISHED: &str = "the call was cancelled, since its request was dropped before finish() was called: a request \
     that is a stream must be ended by finish(), or the server could take a part of it for the whole";

/// Where bytes come from. Nobody but this crate implements it.
pub trait Source {
    /// Whose messages they are, for error texts.
    #[doc(hidden)]
    const WHAT: &'static str;

    /// The next chunk of DATA; `None` once the stream has come to a good end.
    #[doc(hidden)]
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>>;

    /// What came is of no use to its reader, who learns `why`.
    #[doc(hidden)]
    fn fail(&mut self, why: &Status);
}

/// The request of a call on a server.
#[derive(Debug)]
pub struct RequestSource {
    pub(super) body: RecvStream,
    pub(super) context: CallContext,
}

impl Source for RequestSource {
    const WHAT: &'static str = "request";

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        let chunk = ready!(poll_data(&mut self.body, cx));
        if let Some(Ok(chunk)) = &chunk {
            self.context.outlet.head.count(chunk.len());
        }
        Poll::Ready(chunk.transpose().map_err(|error| status_of(error, "the request was read")))
    }

    /// The handler decides what becomes of its call.
    fn fail(&mut self, _why: &Status) {}
}

/// The next chunk of `body`. Its room in the flow-control window is given back at once, because the decoder takes it
/// whole.
fn poll_data(body: &mut RecvStream, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
    let chunk = ready!(body.poll_data(cx));
    if let Some(Ok(chunk)) = &chunk {
        // It fails only when the stream is gone, and its window with it.
        let _ = body.flow_control().release_capacity(chunk.len());
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
    /// Whether the request is a stream that may still be sent.
    is_request_open: bool,
}

/// What a client knows of its call.
#[derive(Debug)]
pub(crate) struct ClientCall {
    pub(crate) path: Path,
    /// For error texts.
    pub(crate) server: Arc<str>,
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

/// How far a response has come: `Response-Headers *Length-Prefixed-Message Trailers`, or Trailers-Only.
#[derive(Debug)]
enum Progress {
    Head(ResponseFuture),
    /// Messages, and the trailers after them.
    Messages(RecvStream),
    Over(Result<(), Status>),
}

impl ResponseSource {
    pub(crate) fn new(head: ResponseFuture, deadline: Option<Deadline>, ending: Ending<ClientCall>) -> Self {
        let is_request_open = ending.call.request.is_some();
        ResponseSource {
            progress: Progress::Head(head),
            metadata: Metadata::new(),
            trailers: Metadata::new(),
            timer: Timer::new(deadline),
            ending,
            is_request_open,
        }
    }

    /// Waits for the next chunk of DATA, or the end.
    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        loop {
            self.progress = match &mut self.progress {
                Progress::Head(response) => match ready!(pin!(response).poll(cx)) {
                    Ok(response) => self.read_head(response),
                    Err(error) => Progress::Over(Err(self.lost(error, "its response was awaited"))),
                },
                Progress::Messages(body) => match ready!(poll_data(body, cx)) {
                    Some(Ok(chunk)) => {
                        self.ending.call.received += chunk.len() as u64;
                        return Poll::Ready(Ok(Some(chunk)));
                    }
                    Some(Err(error)) => Progress::Over(Err(self.lost(error, "its response was read"))),
                    None => match ready!(body.poll_trailers(cx)) {
                        Ok(trailers) => self.read_trailers(trailers.unwrap_or_default()),
                        Err(error) => Progress::Over(Err(self.lost(error, "its trailers were read"))),
                    },
                },
                Progress::Over(result) => return Poll::Ready(result.clone().map(|()| None)),
            };
        }
    }

    fn read_head(&mut self, response: http::Response<RecvStream>) -> Progress {
        let (parts, body) = response.into_parts();
        let head = match head::read_response(&parts, body.is_end_stream()) {
            Ok(head) if head.status.is_some() => return self.read_trailers(parts.headers),
            Ok(head) => head,
            Err(refused) => return Progress::Over(Err(refused.into())),
        };
        if let Some(encoding) = head.encoding.map(String::from_utf8_lossy) {
            let text = format!("the server compresses with {encoding}, which was not offered to it");
            return Progress::Over(Err(Status::internal(text)));
        }
        self.metadata = Metadata::from_headers(parts.headers);
        Progress::Messages(body)
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

    /// The status of a call whose stream or connection failed. After the deadline, a reset stream means that one side
    /// has enforced that deadline: with CANCEL, or with NO_ERROR after a status that h2 drops once this side has reset
    /// the stream too. After the request's sender was dropped, CANCEL is our own.
    fn lost(&self, error: h2::Error, doing: &str) -> Status {
        let ends_quietly = matches!(error.reason(), Some(Reason::CANCEL | Reason::NO_ERROR)) && !error.is_go_away();
        match (self.timer.deadline(), &self.ending.call.request) {
            (Some(deadline), _) if ends_quietly && deadline.is_past() => deadline.status(),
            (_, Some(request)) if error.reason() == Some(Reason::CANCEL) && request.is_abandoned() => {
                Status::cancelled(UNFINISHED)
            }
            _ => status_of(error, &format!("{doing} from {}", self.ending.call.server)),
        }
    }

    /// Notes that the response is over, or was dropped. A request that is still being sent is cancelled then, because
    /// nobody waits for its response.
    fn end(&mut self) {
        if let Some(request) = self.ending.call.request.as_ref().filter(|_| self.is_request_open) {
            request.give_up();
        }
        self.is_request_open = false;
        if let Progress::Over(result) = &self.progress {
            match result {
                Ok(()) => self.ending.close(&Status::new(Code::OK, "")),
                Err(status) => self.ending.close(status),
            }
        }
    }
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

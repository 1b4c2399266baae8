//! Where the bytes of an [`Inbound`](super::Inbound) come from: a request on a server, a response on a client.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{RecvStream, client::ResponseFuture};
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
        self.context.head.count(chunk.as_ref().map_or(0, |chunk| chunk.as_ref().map_or(0, Bytes::len)));
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

/// The response of a call on a client. Dropped before its end it cancels the call.
#[derive(Debug)]
pub struct ResponseSource {
    stage: Stage,
    pub(super) metadata: Metadata,
    pub(super) trailers: Metadata,
    timer: Timer,
    ending: Ending<ClientCall>,
    /// The request is a stream, which may be running still.
    is_request_open: bool,
}

/// What a client knows of its call.
#[derive(Debug)]
pub(crate) struct ClientCall {
    pub(crate) path: Path,
    /// For error texts.
    pub(crate) server: Arc<str>,
    /// The request, where it is a stream.
    pub(crate) request: Option<Arc<Outlet>>,
    /// Bytes of frames: those of a request that is one message, and those that came in.
    pub(crate) sent: u64,
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
enum Stage {
    Head(ResponseFuture),
    /// Messages, and the trailers after them.
    Messages(RecvStream),
    Over(Result<(), Status>),
}

impl ResponseSource {
    pub(crate) fn new(head: ResponseFuture, deadline: Option<Deadline>, ending: Ending<ClientCall>) -> Self {
        let is_request_open = ending.call.request.is_some();
        ResponseSource {
            stage: Stage::Head(head),
            metadata: Metadata::new(),
            trailers: Metadata::new(),
            timer: Timer::new(deadline),
            ending,
            is_request_open,
        }
    }

    /// Moves on to the next chunk of DATA, or to the end.
    fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        loop {
            self.stage = match &mut self.stage {
                Stage::Head(response) => match ready!(pin!(response).poll(cx)) {
                    Ok(response) => self.read_head(response),
                    Err(error) => Stage::Over(Err(self.lost(error, "its response was awaited"))),
                },
                Stage::Messages(body) => match ready!(poll_data(body, cx)) {
                    Some(Ok(chunk)) => {
                        self.ending.call.received += chunk.len() as u64;
                        return Poll::Ready(Ok(Some(chunk)));
                    }
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
        let head = match head::read_response(&parts, body.is_end_stream()) {
            Ok(head) if head.status.is_some() => return self.read_trailers(parts.headers),
            Ok(head) => head,
            Err(refused) => return Stage::Over(Err(refused.into())),
        };
        if let Some(encoding) = head.encoding.map(String::from_utf8_lossy) {
            let text = format!("the server compresses with {encoding}, which was not offered to it");
            return Stage::Over(Err(Status::internal(text)));
        }
        self.metadata = Metadata::from_headers(parts.headers);
        Stage::Messages(body)
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

    /// A reset with CANCEL that comes when the time is up is the server's keeping of the same deadline; after the
    /// request's sender was dropped it is ours.
    fn lost(&self, error: h2::Error, doing: &str) -> Status {
        let status = status_of(error, &format!("{doing} from {}", self.ending.call.server));
        if status.code() != Code::CANCELLED {
            return status;
        }
        match (self.timer.deadline(), &self.ending.call.request) {
            (Some(deadline), _) if deadline.is_past() => deadline.status(),
            (_, Some(request)) if request.is_abandoned() => Status::cancelled(UNFINISHED),
            _ => status,
        }
    }

    /// The response is over, or given up: what the request still has to say is for nobody.
    fn end(&mut self) {
        if let Some(request) = self.ending.call.request.as_ref().filter(|_| self.is_request_open) {
            request.abandon();
        }
        self.is_request_open = false;
        if let Stage::Over(result) = &self.stage {
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
        let mut polled = self.poll_stage(cx);
        if polled.is_pending() {
            let status = ready!(self.timer.poll(cx));
            self.stage = Stage::Over(Err(status.clone()));
            polled = Poll::Ready(Err(status));
        }
        if !matches!(polled, Poll::Ready(Ok(Some(_)))) {
            self.end();
        }
        polled
    }

    /// The call is over, and cancelled.
    fn fail(&mut self, why: &Status) {
        self.stage = Stage::Over(Err(why.clone()));
        self.end();
    }
}

impl Drop for ResponseSource {
    fn drop(&mut self) {
        self.end();
    }
}

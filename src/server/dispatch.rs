//! From a request's head to its handler, and from the handler's result to the trailers.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::{mem, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response, request};
use tokio::{task::JoinSet, time::Instant};
use tracing::info;

use super::{Router, Server, heavy::STRETCH};
use crate::call::{IncomingCall, Origin, Outlet, Reply, State};
use crate::{call::client::Deadline, limits::Limits, metadata::Metadata, status::Status, wire::code::Code, wire::head};

/// What the calls of one connection have in common.
pub(super) struct Dispatcher<R> {
    pub(super) server: Arc<Server<R>>,
    pub(super) peer: Option<SocketAddr>,
    /// How many more steps of handlers are timed, because a turn took longer than [`STRETCH`].
    pub(super) to_time: AtomicU32,
}

impl<R: Router> Dispatcher<R> {
    /// Begins a call, or refuses it where its head is not that of a call.
    pub(super) fn begin(&self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Option<IncomingCall> {
        let (parts, body) = request.into_parts();
        let (deadline, service_len) = match admit(&parts) {
            Ok(admitted) => admitted,
            Err((refusal, status)) => {
                // It fails only when the peer has reset the stream, and then nobody waits for it.
                let _ = respond.send_response(refusal, true);
                self.log(parts.uri.path(), &status);
                return None;
            }
        };
        let metadata = Metadata::from_headers(parts.headers);
        let origin = Origin { uri: parts.uri, service_len, metadata, deadline, peer: self.peer };
        let outlet = Arc::new(Outlet::response(respond, origin));
        let Limits { max_message, connection_window, max_concurrent_streams, .. } = self.server.limits;
        let kept = (connection_window / max_concurrent_streams.max(1) / 16) as usize;
        Some(IncomingCall { body, outlet, max_message, kept })
    }

    /// Answers a call, whatever comes: all that it gives back is that it is over.
    pub(super) async fn answer(self: &Arc<Self>, call: IncomingCall) {
        if self.server.heavy.takes(call.outlet.origin.uri.path()) {
            let dispatcher = Arc::clone(self);
            let mut apart = JoinSet::new(); // dropped before its end, it drops the handler too
            apart.spawn(async move { dispatcher.answer_here(call, true).await });
            apart.join_next().await;
        } else {
            self.answer_here(call, false).await;
        }
    }

    async fn answer_here(&self, call: IncomingCall, apart: bool) {
        let mut outlet = Arc::clone(&call.outlet);
        let mut deadline = outlet.origin.deadline.as_ref().map(Deadline::again);
        let outcome = {
            let (path, service_len) = (outlet.origin.uri.path(), outlet.origin.service_len);
            let (service, method) = (&path[1..=service_len], &path[service_len + 2..]); // "/service/method"
            let mut handler = pin!(self.server.router.route(service, method, call));
            poll_fn(|cx| {
                let suspected = self.to_time.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
                let start = (apart || suspected).then(Instant::now);
                let polled = poll_call(handler.as_mut(), &outlet, &mut deadline, cx);
                if start.is_some_and(|start| start.elapsed() > STRETCH) {
                    self.server.heavy.add(path);
                }
                polled
            })
            .await
        };
        let status = end(outcome, &mut outlet, &mut deadline).await;
        if !status.is_ok() {
            self.log(outlet.origin.uri.path(), &status);
        }
    }

    fn log(&self, path: &str, status: &Status) {
        info!(path, peer = self.peer.map(tracing::field::display), %status, "call failed");
    }
}

/// Checks the request's head, and gives its deadline and the length of the service's name. The answer to one that is
/// refused is all in its head too.
fn admit(parts: &request::Parts) -> Result<(Option<Deadline>, usize), (Response<()>, Status)> {
    let head = head::read_request(parts).map_err(|refusal| (head::refuse(&refusal), refusal.into()))?;
    if let Some(encoding) = head.encoding {
        // "If the message encoding is not supported, the server MUST return UNIMPLEMENTED and tell in
        // grpc-accept-encoding what it supports" (gRPC, compression.md).
        let encoding = String::from_utf8_lossy(encoding);
        let status = Status::unimplemented(format!("messages compressed with {encoding} are not read here"));
        let mut response = status.to_trailers_only();
        let identity = const { HeaderValue::from_static("identity") };
        response.headers_mut().insert(head::GRPC_ACCEPT_ENCODING, identity);
        return Err((response, status));
    }
    Ok((head.timeout.map(Deadline::after), head.service.len()))
}

/// Polls a call's handler, and each time that it yields sends on its messages and looks at the two things that end a
/// call from outside: the client's reset and the deadline.
fn poll_call(
    handler: Pin<&mut impl Future<Output = Result<Reply, Status>>>, outlet: &Outlet, deadline: &mut Option<Deadline>,
    cx: &mut Context<'_>,
) -> Poll<Outcome> {
    if let Poll::Ready(result) = poll_caught(handler, cx) {
        return Poll::Ready(Outcome::Ended(result));
    }
    if let Poll::Ready(status) = outlet.poll_yield(cx) {
        return Poll::Ready(Outcome::Lost(status));
    }
    Deadline::poll(deadline, cx).map(Outcome::Late)
}

/// Sends what follows from the outcome, after all messages: the call's status, which is returned.
async fn end(outcome: Outcome, outlet: &mut Arc<Outlet>, deadline: &mut Option<Deadline>) -> Status {
    let (status, mut answer) = match outcome {
        Outcome::Lost(status) => return status,
        // A message that was cut short can't be followed by trailers: the peer would take them for a broken frame.
        Outcome::Late(status) if !outlet.lock().is_empty() => {
            outlet.lock().reset(Reason::CANCEL, status.clone());
            return status;
        }
        Outcome::Late(status) | Outcome::Ended(Err(status)) => (status, Reply::new()),
        Outcome::Ended(Ok(answer)) => (Status::new(Code::OK, ""), answer),
    };
    let mut finish = |sending: &mut State, memory: &mut HeaderMap, cx: &mut Context<'_>| {
        if !answer.is_empty() {
            sending.set_piece(mem::take(&mut answer));
        }
        if sending.poll_finish(cx, &status, memory).is_ready() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(lost) = sending.poll_yield(cx, false) {
            return Poll::Ready(Some(lost));
        }
        // The client does not read its answer, and its time is up: only a reset passes a window that is full.
        let late = std::task::ready!(Deadline::poll(deadline, cx));
        sending.reset(Reason::CANCEL, late.clone());
        Poll::Ready(Some(late))
    };
    let lost = poll_fn(|cx| match Arc::get_mut(outlet).map(Outlet::parts) {
        // No task of the handler's holds on to the call: no lock, and the trailers take over the metadata's memory.
        Some((sending, memory)) => finish(sending, memory, cx),
        None => finish(&mut outlet.lock(), &mut HeaderMap::new(), cx),
    });
    lost.await.unwrap_or(status)
}

/// How a handler's run came to its end.
enum Outcome {
    /// The handler returned this.
    Ended(Result<Reply, Status>),
    /// The stream or the connection is gone, and nobody there to tell.
    Lost(Status),
    /// The deadline passed.
    Late(Status),
}

/// A handler that panics ends its own call, and no other.
fn poll_caught(
    handler: Pin<&mut impl Future<Output = Result<Reply, Status>>>, cx: &mut Context<'_>,
) -> Poll<Result<Reply, Status>> {
    catch_unwind(AssertUnwindSafe(|| handler.poll(cx))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        tracing::error!(panic = text, "a handler panicked");
        Poll::Ready(Err(Status::internal("the handler of this call panicked")))
    })
}

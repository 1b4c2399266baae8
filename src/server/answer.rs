//! From a call to its handler, and from what the handler returns to the trailers.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::{net::SocketAddr, sync::Arc};

use h2::Reason;
use tokio::task::JoinSet;
use tracing::info;

use super::admit::Admitted;
use super::heavy::Suspicion;
use super::router::Route;
use super::setup::Setup;
use crate::call::{CallHead, Driver, Ended, Ending, IncomingCall, Outlet, Reply, Timer};
use crate::status::Status;
use crate::wire::{code::Code, path::Path};

/// What the calls of one connection have in common.
#[derive(Debug)]
pub(super) struct Answerer {
    pub(super) setup: Arc<Setup>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) suspicion: Suspicion,
}

impl Answerer {
    /// Answers a call, whatever comes: all that it gives back is that it is over.
    pub(super) async fn answer(self: Arc<Self>, Admitted { call, route }: Admitted) {
        if route.weight.runs_apart() {
            let mut apart = JoinSet::new(); // dropped before its end, it drops the handler too
            apart.spawn(async move { self.answer_here(call, &route, true).await });
            apart.join_next().await;
        } else {
            self.answer_here(call, &route, false).await;
        }
    }

    async fn answer_here(&self, call: IncomingCall, route: &Route, apart: bool) {
        let driver = Driver::new(Arc::clone(&call.context.outlet));
        let head = Arc::clone(&call.context.head);
        let observer = self.setup.observer.as_ref();
        let mut ending = Ending::new(ServerCall { head: &head, outlet: &driver.outlet }, observer);
        let mut timer = Timer::new(head.deadline);
        let outcome = {
            let mut handler = pin!(route.call(call));
            poll_fn(|cx| {
                let step = || poll_call(handler.as_mut(), &driver, &mut timer, cx);
                self.suspicion.step(&route.weight, apart, step)
            })
            .await
        };
        let status = end(outcome, &driver, &mut timer).await;
        ending.close(&status);
        if observer.is_none() && !status.is_ok() {
            let peer = head.peer.map(tracing::field::display);
            info!(path = head.path.as_str(), peer, %status, "call failed");
        }
    }
}

/// What the guard of a call tells of it.
struct ServerCall<'a> {
    head: &'a CallHead,
    outlet: &'a Outlet,
}

impl Ended for ServerCall<'_> {
    fn path(&self) -> &Path {
        &self.head.path
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.head.peer
    }

    fn sizes(&self) -> (u64, u64) {
        (self.head.received(), self.outlet.sent())
    }
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

/// Polls a call's handler, and each time that it yields sends on its messages and looks at the two things that end a
/// call from outside: the client's reset and the deadline.
fn poll_call(
    handler: Pin<&mut impl Future<Output = Result<Reply, Status>>>, driver: &Driver, timer: &mut Timer,
    cx: &mut Context<'_>,
) -> Poll<Outcome> {
    driver.begin_poll();
    if let Poll::Ready(result) = poll_caught(handler, cx) {
        return Poll::Ready(Outcome::Ended(result));
    }
    if let Poll::Ready(status) = driver.poll_yield(cx) {
        return Poll::Ready(Outcome::Lost(status));
    }
    timer.poll(cx).map(Outcome::Late)
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

/// Sends what follows from the outcome, after all messages: the call's status, which is returned.
async fn end(outcome: Outcome, driver: &Driver, timer: &mut Timer) -> Status {
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
                driver.put(frame);
            }
            Status::new(Code::OK, "")
        }
    };
    let lost = poll_fn(|cx| {
        if driver.poll_end(cx, &status).is_ready() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(lost) = driver.poll_yield(cx) {
            return Poll::Ready(Some(lost));
        }
        // The client does not read its answer, and its time is up: only a reset passes a window that is full.
        let late = ready!(timer.poll(cx));
        driver.reset(Reason::CANCEL, late.clone());
        Poll::Ready(Some(late))
    });
    lost.await.unwrap_or(status)
}

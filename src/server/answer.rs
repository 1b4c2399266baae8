//! From a call to its handler, which is polled until it returns or the call ends from outside.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use std::{net::SocketAddr, sync::Arc};

use tokio::task::JoinSet;
use tracing::info;

use super::admit::Admitted;
use super::finish::{Outcome, finish};
use super::heavy::Suspicion;
use super::patience::Patience;
use super::route::Route;
use super::setup::Setup;
use crate::call::{Driver, Ended, Ending, IncomingCall, Outlet};
use crate::service::Handling;
use crate::status::Status;
use crate::wire::path::Path;

/// What the calls of one connection have in common.
#[derive(Debug)]
pub(super) struct Answerer {
    pub(super) setup: Arc<Setup>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) suspicion: Suspicion,
}

impl Answerer {
    /// Answers a call, to its end. Errors go to the client, the observer and the log.
    pub(super) async fn answer(self: &Arc<Self>, Admitted { call, route }: Admitted<'_>) {
        if route.weight.runs_apart() {
            let (answerer, route, outlet) = (Arc::clone(self), Arc::clone(route), Arc::clone(&call.context.outlet));
            let mut apart = JoinSet::new(); // dropped before its end, it drops the handler too
            apart.spawn(async move { answerer.answer_here(call, &route, true).await });
            poll_fn(|cx| {
                outlet.take_apart(cx);
                apart.poll_join_next(cx)
            })
            .await;
        } else {
            self.answer_here(call, route, false).await;
        }
    }

    async fn answer_here(&self, call: IncomingCall, route: &Route, apart: bool) {
        let driver = Driver::new(Arc::clone(&call.context.outlet));
        let head = &driver.outlet.head;
        let observer = self.setup.observer.as_ref();
        let mut ending = Ending::new(ServerCall(&driver.outlet), observer);
        let mut patience = Patience::new(head, &self.setup.limits);
        let outcome = match caught(|| route.call(call)).flatten() {
            Err(refused) => Outcome::Ended(Err(refused)),
            Ok(mut handler) => {
                poll_fn(|cx| {
                    let step = || poll_call(&mut handler, &driver, &mut patience, cx);
                    self.suspicion.step(&route.weight, apart, step)
                })
                .await
            }
        };
        let status = finish(outcome, &driver, &mut patience).await;
        ending.close(&status);
        if observer.is_none() && !status.is_ok() {
            let peer = head.peer.map(tracing::field::display);
            info!(path = head.path.as_str(), peer, %status, "call failed");
        }
    }
}

/// What is reported of a call at its end.
struct ServerCall<'a>(&'a Outlet);

impl Ended for ServerCall<'_> {
    fn path(&self) -> &Path {
        &self.0.head.path
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.0.head.peer
    }

    fn sizes(&self) -> (u64, u64) {
        (self.0.head.received(), self.0.sent())
    }
}

/// Polls a call's handler, and each time that it yields sends on its messages and looks at what ends a call from
/// outside: the client's reset, the deadline, and a client that does not go on.
fn poll_call(
    handler: &mut Handling<'_>, driver: &Driver, patience: &mut Patience, cx: &mut Context<'_>,
) -> Poll<Outcome> {
    driver.begin_poll();
    match caught(|| handler.as_mut().poll(cx)) {
        Ok(Poll::Ready(result)) => return Poll::Ready(Outcome::Ended(result)),
        Ok(Poll::Pending) => {}
        Err(panicked) => return Poll::Ready(Outcome::Ended(Err(panicked))),
    }
    if let Poll::Ready(status) = driver.poll_yield(cx) {
        return Poll::Ready(Outcome::Lost(status));
    }
    patience.poll(&driver.outlet, cx).map(Outcome::Late)
}

/// Runs code of users. If it panics, that ends its own call, and no other.
///
/// # Errors
/// INTERNAL if it panicked.
fn caught<T>(step: impl FnOnce() -> T) -> Result<T, Status> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        tracing::error!(panic = text, "a handler panicked");
        Status::internal("the handler of this call panicked")
    })
}

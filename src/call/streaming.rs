//! A client's call whose request is a stream, driven with its connection.
//!
//! Its caller may be sending for a long time before it reads the response. So the connection's task moves the request,
//! waits for the response's head meanwhile, and begins the call again if that may be done.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use h2::{Reason, RecvStream, client::ResponseFuture};
use http::Response;
use tokio::sync::oneshot;

use super::begin::{Call, Counted, Outcome};
use super::deadline::Timer;
use super::driver::{Driver, unfinished};
use super::link::{Attempt, Held};
use super::outlet::Outlet;
use crate::status::Status;

/// A response that has begun, and the stream that it comes on.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) response: Response<RecvStream>,
    pub(crate) stream: Held,
    pub(crate) counted: Option<Counted>,
}

/// What the reader of a response waits for.
pub(crate) type Awaited = oneshot::Receiver<Result<Begun, Status>>;

/// A call whose request is a stream, until its response has begun and its request has ended.
#[derive(Debug)]
pub(crate) struct Streaming {
    call: Call,
    driver: Driver,
    timer: Timer,
    /// The reader of the response, until it has been told how it begins.
    reader: Option<oneshot::Sender<Result<Begun, Status>>>,
}

/// A stream whose response has not begun.
struct Silent {
    response: ResponseFuture,
    stream: Held,
}

impl Streaming {
    /// Has `call`, whose request goes through `outlet`, driven by the connection of its first attempt.
    pub(crate) fn begin(call: Call, outlet: &Arc<Outlet>, attempt: Attempt) -> Awaited {
        let (reader, awaited) = oneshot::channel();
        let timer = Timer::new(call.deadline);
        let driver = Driver::new(Arc::clone(outlet));
        Streaming { call, driver, timer, reader: Some(reader) }.attempt(attempt);
        awaited
    }

    fn attempt(self, attempt: Attempt) {
        let Attempt { request, response, stream } = attempt;
        let carrier = Arc::clone(&stream.carrier);
        let (id, outlet) = (stream.id, Arc::clone(&self.driver.outlet));
        outlet.resume(request);
        carrier.drive(id, outlet, Box::pin(self.run(Silent { response, stream })));
    }

    /// Runs with the connection, until the call is over on this side or must begin again elsewhere.
    async fn run(mut self, silent: Silent) {
        let mut silent = Some(silent);
        if let Some(pause) = poll_fn(|cx| self.poll(cx, &mut silent)).await {
            drop(silent);
            tokio::spawn(self.begin_again(pause));
        }
    }

    /// Ready when the call has nothing more to do here, with the pause if it begins again.
    fn poll(&mut self, cx: &mut Context<'_>, silent: &mut Option<Silent>) -> Poll<Option<Duration>> {
        self.driver.begin_poll();
        if let Some(waiting) = silent
            && let Poll::Ready(result) = Pin::new(&mut waiting.response).poll(cx)
            && let Some(Silent { stream, .. }) = silent.take()
            && let Some(pause) = self.begun(result, stream)
        {
            return Poll::Ready(Some(pause));
        }
        if let Some(reader) = self.reader.as_mut()
            && reader.poll_closed(cx).is_ready()
        {
            self.driver.reset(Reason::CANCEL, Status::cancelled("the call is over: its response was dropped"));
            return Poll::Ready(None);
        }
        let is_over = self.driver.poll_yield(cx).is_ready() || self.driver.is_over();
        if is_over && self.reader.is_none() {
            return Poll::Ready(None);
        }
        let late = ready!(self.timer.poll(cx));
        self.driver.reset(Reason::CANCEL, late.clone());
        self.tell(Err(late));
        Poll::Ready(None)
    }

    /// The first of the response is there, or the stream was lost. The pause, if the call may begin again.
    fn begun(&mut self, result: Result<Response<RecvStream>, h2::Error>, stream: Held) -> Option<Duration> {
        match self.call.outcome(result, stream.link()) {
            Outcome::Response(response) => {
                self.driver.outlet.commit();
                let counted = self.call.counted();
                self.tell(Ok(Begun { response, stream, counted }));
            }
            Outcome::Failed(failed) => {
                if let Some(pause) = self.call.pause(failed.failure) {
                    self.driver.outlet.suspend();
                    return Some(pause);
                }
                self.driver.outlet.fail(failed.status.clone());
                self.tell(Err(failed.status));
            }
        }
        None
    }

    /// Makes another attempt, unless the call is given up meanwhile.
    async fn begin_again(mut self, pause: Duration) {
        let Streaming { call, driver, .. } = &mut self;
        let attempt = tokio::select! {
            () = poll_fn(|cx| driver.poll_given_up(cx)) => Err(unfinished()),
            attempt = call.begin_again(pause) => attempt,
        };
        match attempt {
            Ok(attempt) => self.attempt(attempt),
            Err(status) => {
                self.driver.outlet.fail(status.clone());
                self.tell(Err(status));
            }
        }
    }

    fn tell(&mut self, begun: Result<Begun, Status>) {
        if let Some(reader) = self.reader.take() {
            // It fails when the response was dropped, and then nobody waits for it.
            let _ = reader.send(begun);
        }
    }
}

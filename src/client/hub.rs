//! A channel's pool, shared by its calls, its connections and its actor.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use tokio::sync::{Notify, watch};

use super::connection::{Connection, Permits};
use super::pool::{Admission, Grant, Pool};
use super::state::ConnectivityState;
use crate::call::{Deadline, Timer};
use crate::connection::lock;
use crate::status::Status;

/// What a channel, its calls and its connections share.
#[derive(Debug)]
pub(super) struct Hub {
    pool: Mutex<Pool<Connection>>,
    state: watch::Sender<ConnectivityState>,
    /// Told whenever a call begins to wait.
    wanted: Notify,
    /// Whether the channel's actor runs: see [`drive`](Self::drive).
    is_driven: Mutex<bool>,
}

/// The right to open one stream. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    hub: &'a Hub,
    grant: Option<Grant<Connection>>,
}

impl Hub {
    pub(super) fn new() -> Arc<Self> {
        let (state, _) = watch::channel(ConnectivityState::Idle);
        Arc::new(Hub { pool: Mutex::new(Pool::new()), state, wanted: Notify::new(), is_driven: Mutex::new(false) })
    }

    pub(super) fn watch(&self) -> watch::Receiver<ConnectivityState> {
        self.state.subscribe()
    }

    /// Changes the pool, and tells those who watch the channel's state if that has changed.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Pool<Connection>) -> R) -> R {
        let mut pool = lock(&self.pool);
        let result = change(&mut pool);
        let state = pool.state();
        self.state.send_if_modified(|known| std::mem::replace(known, state) != state);
        result
    }

    /// Waits until a call begins to wait.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Ends the channel.
    pub(super) fn shut(&self) {
        self.change(Pool::shut);
    }

    /// Waits until the channel has ended.
    async fn ended(&self) {
        let _ = self.watch().wait_for(|state| *state == ConnectivityState::Shutdown).await;
    }

    /// Waits for a permit, until `deadline`. `place` is the call's place in the queue, once it has one.
    pub(super) async fn admit<A: Starts>(
        self: &Arc<Self>, waits_for_ready: bool, place: &mut Option<u64>, deadline: Option<Deadline>,
        actor: impl FnOnce() -> A,
    ) -> Result<Permit<'_>, Status> {
        let admission = lock(&self.pool).admit(waits_for_ready, *place);
        let grant = match admission {
            Admission::Now(grant) => grant,
            Admission::Never(status) => return Err(status),
            Admission::Later(number) => {
                *place = Some(number);
                let waiting = Place { hub: self, number };
                self.drive(actor());
                self.wanted.notify_waiters();
                waiting.granted(deadline).await?
            }
        };
        Ok(Permit { hub: self, grant: Some(grant) })
    }

    /// Starts the channel's actor, unless it runs. It makes the connections that calls wait for. When it has nothing to
    /// do it ends, so that an idle channel has no task, and when its runtime is shut down the next call starts another.
    pub(super) fn drive(self: &Arc<Self>, actor: impl Starts) {
        if std::mem::replace(&mut *lock(&self.is_driven), true) {
            return;
        }
        let hub = Arc::clone(self);
        let drives = Drives { hub: Arc::clone(self), rests: false };
        tokio::spawn(async move {
            tokio::select! {
                () = actor.start(drives) => {}
                () = hub.ended() => {}
            }
        });
    }
}

impl Permits for Hub {
    fn limit(&self, connection: u64, calls: usize) {
        lock(&self.pool).limit(connection, calls);
    }

    fn release(&self, connection: u64) {
        lock(&self.pool).release(connection);
    }
}

/// What makes the future that is a channel's actor.
pub(super) trait Starts: Send + 'static {
    fn start(self, drives: Drives) -> impl Future<Output = ()> + Send;
}

/// An actor's hold on its channel's pool.
#[derive(Debug)]
pub(super) struct Drives {
    pub(super) hub: Arc<Hub>,
    rests: bool,
}

impl Drives {
    /// Ends the actor if no call waits. False if one does, and the actor must go on.
    pub(super) fn rest(&mut self) -> bool {
        let mut is_driven = lock(&self.hub.is_driven);
        if lock(&self.hub.pool).is_wanted() {
            return false;
        }
        *is_driven = false;
        self.rests = true;
        true
    }
}

impl Drop for Drives {
    fn drop(&mut self) {
        if !self.rests {
            *lock(&self.hub.is_driven) = false;
            let why = "the channel's task has ended before the call left: its runtime was shut down";
            self.hub.change(|pool| pool.abandon(&Status::unavailable(why)));
        }
    }
}

/// A place in the queue, left when the call is dropped.
struct Place<'a> {
    hub: &'a Hub,
    number: u64,
}

impl Place<'_> {
    /// Waits for a permit, until `deadline`.
    async fn granted(&self, deadline: Option<Deadline>) -> Result<Grant<Connection>, Status> {
        let mut timer = Timer::new(deadline);
        poll_fn(|cx| {
            // A call whose time is nearly up takes no permit any more. Where many calls wait with the same deadline, each
            // would open a stream just to reset it, and servers close connections for that.
            if !deadline.is_some_and(|deadline| deadline.is_nearly_past())
                && let Poll::Ready(outcome) = lock(&self.hub.pool).poll_admission(self.number, cx)
            {
                return Poll::Ready(outcome);
            }
            timer.poll(cx).map(|late| Err(late.adding(&lock(&self.hub.pool).hindrance())))
        })
        .await
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(&self.hub.pool).leave(self.number);
    }
}

impl Permit<'_> {
    pub(super) fn connection(&self) -> Option<&Arc<Connection>> {
        self.grant.as_ref().map(|grant| &grant.connection)
    }

    /// The permit is used: the stream that was opened gives it back.
    pub(super) fn used(mut self) {
        self.grant = None;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(grant) = self.grant.take() {
            self.hub.release(grant.id);
        }
    }
}

//! The actor that makes the connections of one member of a pool, and replaces them.
//!
//! No call's deadline touches it: calls wait in the pool, and leave that when their time is up.

use std::sync::Arc;
use std::{future::Future, io, pin::Pin};

use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{debug, info};

use super::backoff::Backoff;
use super::connection::{self, Connection, Permits};
use super::dial::{dial, named, race};
use super::hub::{Drives, Hub};
use super::pool::Member;
use super::resolve::Address;
use super::target::Target;
use crate::call::Deadline;
use crate::connection::ByteStream;
use crate::limits::ClientLimits;
use crate::status::Status;

/// A user's function that makes byte streams.
pub(super) type Dial = Arc<dyn Fn() -> Dialled + Send + Sync>;

/// A byte stream that is being made.
pub(super) type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn ByteStream>>> + Send>>;

/// A user's function that takes the byte stream to an address, and gives the one that HTTP/2 runs on.
pub(super) type Wrap = Arc<dyn Fn(&str, Box<dyn ByteStream>) -> Box<dyn ByteStream> + Send + Sync>;

/// Where the byte streams of a member lead.
#[derive(Clone)]
pub(super) enum Route {
    /// The addresses of a target, which are looked up for each attempt and raced against each other.
    Target(Target),
    /// One address.
    Address(Address),
    /// Wherever the user's function leads.
    Custom(Dial),
}

/// One member of a pool: an address, or several that are as good as each other.
#[derive(Clone)]
pub(super) struct Subchannel {
    pub(super) hub: Arc<Hub>,
    pub(super) member: Member,
    /// Whom it leads to, for error texts.
    pub(super) server: Arc<str>,
    pub(super) route: Route,
    pub(super) wrap: Option<Wrap>,
    pub(super) limits: ClientLimits,
}

impl Subchannel {
    /// Connects, and connects again when a connection is lost, as long as calls wait. Then it rests.
    pub(super) async fn run_while_wanted(self, mut drives: Drives) {
        loop {
            self.connect().await;
            if drives.rest() {
                return;
            }
        }
    }

    /// Connects, and connects again when a connection is lost. `lost` is told each time.
    pub(super) async fn run_always(self, lost: impl Fn() + Send) {
        loop {
            let begin = Instant::now();
            self.connect().await;
            lost();
            // A server that ends its connections at once must not be called at once again, unless a call waits.
            if self.hub.change(|pool| pool.is_wanted()) {
                continue;
            }
            tokio::select! {
                () = sleep_until(Backoff::default().attempt(begin)) => {}
                () = self.hub.wanted() => {}
            }
        }
    }

    /// Attempts to connect until one succeeds, and waits until that connection takes no more calls.
    ///
    /// A server that turns a connection away before it took a call is dialled again at once, if calls wait: it may be
    /// leaving. The second time that counts as a failure.
    async fn connect(&self) {
        let mut backoff = Backoff::default();
        let mut was_turned_away = false;
        loop {
            self.hub.change(|pool| pool.connecting(self.member));
            let begin = Instant::now();
            let next = backoff.attempt(begin);
            let until = next.max(Deadline::after(self.limits.connect_timeout).at);
            match self.attempt(until).await {
                Ok(connection) => {
                    info!(server = %self.server, "connected");
                    let why = self.serve(&connection).await;
                    if connection.opened() > 0 || Instant::now() >= next || !self.hub.change(|pool| pool.is_wanted()) {
                        return;
                    }
                    if !std::mem::replace(&mut was_turned_away, true) {
                        continue;
                    }
                    self.fail(io::Error::new(io::ErrorKind::ConnectionAborted, why));
                }
                Err(error) => self.fail(error),
            }
            sleep_until(next).await;
        }
    }

    /// Notes that no connection could be made.
    pub(super) fn fail(&self, error: io::Error) {
        debug!(server = %self.server, %error, "can't connect");
        let why = Status::unavailable(format!("can't connect to {}: {error}", self.server));
        self.hub.change(|pool| pool.failed(self.member, why.with_source(Arc::new(error))));
    }

    /// One attempt, up to the server's SETTINGS.
    async fn attempt(&self, until: Instant) -> io::Result<Arc<Connection>> {
        match &self.route {
            Route::Custom(dial) => self.speak(self.within(until, "", dial()).await?, &self.server, until).await,
            Route::Address(address) => self.attempt_at(address.clone(), until).await,
            Route::Target(target) => {
                let addresses = self.within(until, "the look-up of the name: ", target.resolve()).await?;
                race(addresses, |address| self.attempt_at(address, until)).await
            }
        }
    }

    async fn speak(&self, io: Box<dyn ByteStream>, peer: &str, until: Instant) -> io::Result<Arc<Connection>> {
        let io = match &self.wrap {
            Some(wrap) => wrap(peer, io),
            None => io,
        };
        let permits = Arc::clone(&self.hub) as Arc<dyn Permits>;
        connection::connect(io, &self.server, permits, &self.limits, until).await
    }

    async fn attempt_at(&self, address: Address, until: Instant) -> io::Result<Arc<Connection>> {
        let attempt = async {
            let io = self.within(until, "", dial(&address)).await?;
            self.speak(io, &address.to_string(), until).await
        };
        attempt.await.map_err(|error| named(&address, error))
    }

    /// What `future` gives, unless it takes too long.
    async fn within<T>(&self, until: Instant, who: &str, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        timeout_at(until, future).await.unwrap_or_else(|_| {
            let text = format!("{who}no answer within {:?}", self.limits.connect_timeout);
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        })
    }

    /// Lets calls have `connection`, until it takes no more or has had none for a long time. Says why.
    async fn serve(&self, connection: &Arc<Connection>) -> String {
        let id = connection.id;
        self.hub.change(|pool| pool.ready(self.member, Arc::clone(connection), id, connection.limit()));
        loop {
            let opened = connection.opened();
            match timeout(self.limits.idle_timeout, connection.left()).await {
                Ok(why) => {
                    debug!(server = %self.server, why, "the connection takes no more calls");
                    self.hub.change(|pool| pool.lost(id));
                    return why;
                }
                Err(_) if self.hub.change(|pool| pool.retire(id, || connection.opened() == opened)) => {
                    let why = "the connection was idle";
                    debug!(server = %self.server, why);
                    return why.to_owned();
                }
                Err(_) => {}
            }
        }
    }
}

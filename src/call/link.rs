//! What a call of a client knows of the connection that carries it.

use std::sync::{Arc, OnceLock};
use std::{fmt, future::Future, pin::Pin};

use bytes::Bytes;
use h2::{SendStream, client::ResponseFuture};

use super::error::status_of;
use super::outlet::Outlet;
use crate::{status::Status, wire::code::Code};

/// A connection as its calls see it.
pub(crate) trait Carrier: fmt::Debug + Send + Sync {
    fn link(&self) -> &Link;

    /// A call of this connection no longer needs its stream.
    fn leave(&self, stream: u32);

    /// Has the connection's task poll `pump`, which moves the request that is the stream `id` out of `outlet`. The
    /// outlet is told when the server ends the stream.
    fn drive(&self, id: u32, outlet: Arc<Outlet>, pump: Pump);
}

/// What moves a streaming request on to h2.
pub(crate) type Pump = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a connection leaves behind for its calls: whom it leads to, and why it ended.
#[derive(Debug)]
pub(crate) struct Link {
    server: Box<str>,
    /// Why it takes no more calls, and why it failed.
    leaves: OnceLock<String>,
    fails: OnceLock<String>,
}

impl Link {
    pub(crate) fn new(server: &str) -> Self {
        Link { server: server.into(), leaves: OnceLock::new(), fails: OnceLock::new() }
    }

    /// Notes why the connection takes no more calls. Those that it has may go on. The first reason counts.
    pub(crate) fn leaves_because(&self, why: impl Into<String>) {
        let _ = self.leaves.set(why.into());
    }

    /// Notes why the connection fails. The first reason counts, since the others follow from it.
    pub(crate) fn fails_because(&self, why: impl Into<String>) {
        let _ = self.fails.set(why.into());
    }

    /// Why the connection failed, or else why it takes no more calls.
    pub(crate) fn why(&self) -> Option<&str> {
        self.fails.get().or(self.leaves.get()).map(String::as_str)
    }

    /// The status of a call that ended because of `error`. `doing` completes "while ..".
    ///
    /// A call whose connection has failed is UNAVAILABLE, whatever the connection's own error code: that code says
    /// nothing about the call.
    pub(crate) fn status(&self, error: h2::Error, doing: &str) -> Status {
        let doing = format!("{doing} from {}", self.server);
        let why = match self.why() {
            Some(why) if error.is_io() || error.is_go_away() => why.to_owned(),
            _ if error.is_go_away() => {
                let who = if error.is_remote() { "the server" } else { "this side" };
                format!("{who} closed the connection with {error}")
            }
            _ => return status_of(error, &doing),
        };
        Status::new(Code::UNAVAILABLE, format!("{why}, while {doing}")).with_source(Arc::new(error))
    }
}

/// One attempt at a call: a stream of a connection, whose request head has been sent.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) request: SendStream<Bytes>,
    pub(crate) response: ResponseFuture,
    pub(crate) stream: Held,
}

/// A stream that a call holds. Dropping it tells the connection that the stream is free for another call.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) id: u32,
}

impl Held {
    pub(crate) fn link(&self) -> &Link {
        self.carrier.link()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.carrier.leave(self.id);
    }
}

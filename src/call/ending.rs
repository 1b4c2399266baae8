//! The end of a call, reported exactly once however the call ends.
//!
//! Each call has an [`Ending`] on either side. The code that ends the call closes it with the call's status. An
//! `Ending` that is dropped before that reports CANCELLED, since nobody waited for the call any more. The report goes
//! to the observer of the server or the channel, for access logs and metrics.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use std::{fmt, sync::Arc};

use crate::status::Status;
use crate::wire::path::Path;

/// How a call ended: what an observer is told.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// Which method of which service was called.
    pub path: &'a Path,
    /// The other side's address, where it is known: the client's on a server.
    pub peer: Option<SocketAddr>,
    /// How the call ended.
    pub status: &'a Status,
    /// How many bytes of messages came in, prefixes included.
    pub received: u64,
    /// How many bytes of messages went out, prefixes included.
    pub sent: u64,
    /// How long the call took, from its head to its end.
    pub elapsed: Duration,
}

/// The function that is told of the end of each call.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&CallEnd<'_>) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) -> Self {
        Observer(Arc::new(observe))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// What an [`Ending`] reports of its call.
pub(crate) trait Ended {
    fn path(&self) -> &Path;
    fn peer(&self) -> Option<SocketAddr>;
    /// Bytes of messages that came in, and that went out.
    fn sizes(&self) -> (u64, u64);
}

/// A guard that reports the end of its call.
#[derive(Debug)]
pub(crate) struct Ending<C: Ended> {
    pub(crate) call: C,
    observed: Option<(Observer, Instant)>,
}

impl<C: Ended> Ending<C> {
    /// A guard for a call that begins now. Without an observer it does nothing.
    pub(crate) fn new(call: C, observer: Option<&Observer>) -> Self {
        Ending { call, observed: observer.map(|observer| (observer.clone(), Instant::now())) }
    }

    /// Reports that the call has ended with `status`. Only the first report counts.
    pub(crate) fn close(&mut self, status: &Status) {
        let Some((Observer(observe), begin)) = self.observed.take() else { return };
        let (received, sent) = self.call.sizes();
        let (path, peer) = (self.call.path(), self.call.peer());
        let end = CallEnd { path, peer, status, received, sent, elapsed: begin.elapsed() };
        // An observer that panics ends no connection, and in a call that is dropped by a panic not the process.
        let _ = catch_unwind(AssertUnwindSafe(|| observe(&end)));
    }
}

impl<C: Ended> Drop for Ending<C> {
    fn drop(&mut self) {
        if self.observed.is_some() {
            self.close(&Status::cancelled("the call was dropped before its end"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::wire::code::Code;

    struct Call(Path);

    impl Ended for Call {
        fn path(&self) -> &Path {
            &self.0
        }
        fn peer(&self) -> Option<SocketAddr> {
            None
        }
        fn sizes(&self) -> (u64, u64) {
            (7, 9)
        }
    }

    #[test]
    fn an_observer_that_panics_ends_its_own_report_alone() {
        let observer = Observer::new(|_| panic!("as asked"));
        Ending::new(Call(Path::new("a.B", "C").unwrap()), Some(&observer)).close(&Status::internal(""));
    }

    #[test]
    fn a_call_ends_once_though_it_is_closed_twice_and_dropped_or_only_dropped() {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ends);
        let observer = Observer::new(move |end| {
            seen.lock().unwrap().push((end.path.to_string(), end.status.code(), end.received, end.sent));
        });
        let call = || Call(Path::new("a.B", "C").unwrap());
        let mut ending = Ending::new(call(), Some(&observer));
        ending.close(&Status::not_found(""));
        ending.close(&Status::internal(""));
        drop(ending);
        drop(Ending::new(call(), Some(&observer)));
        let path = || "/a.B/C".to_owned();
        let expected = [(path(), Code::NOT_FOUND, 7, 9), (path(), Code::CANCELLED, 7, 9)];
        assert_eq!(*ends.lock().unwrap(), expected);
    }
}

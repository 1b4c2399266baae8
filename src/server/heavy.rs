//! Handlers that compute for long, found out, so that they are answered apart.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::connection::lock;

/// How long a handler may hold up its connection at a stretch before its method is taken for heavy: what the other
/// calls of the connection may have to wait.
pub(super) const STRETCH: Duration = Duration::from_millis(10);

/// How long suspicion lasts: for so many steps the handlers of a connection are timed after a long turn, and so many
/// calls of a heavy method run in tasks of their own until it is tried in the connection's task again. A machine that
/// was busy for a moment makes any handler look heavy.
pub(super) const PROBATION: u32 = 1000;

/// The methods that held up a connection, by their paths.
#[derive(Debug, Default)]
pub(super) struct Heavy {
    /// Whether there are any. Mostly there are none, and then this is all that is looked at.
    any: AtomicBool,
    /// How many calls of the method are still to run apart.
    paths: Mutex<HashMap<String, u32>>,
}

impl Heavy {
    pub(super) fn add(&self, path: &str) {
        let mut paths = lock(&self.paths);
        // Bounded, because a peer makes up the paths of methods that there are not.
        if paths.len() < PROBATION as usize {
            paths.insert(path.to_owned(), PROBATION);
        }
        self.any.store(true, Ordering::Relaxed);
    }

    /// Whether the next call of this path is to run apart.
    pub(super) fn takes(&self, path: &str) -> bool {
        if !self.any.load(Ordering::Relaxed) {
            return false;
        }
        let mut paths = lock(&self.paths);
        let Some(left) = paths.get_mut(path) else { return false };
        *left -= 1;
        if *left == 0 {
            paths.remove(path);
            self.any.store(!paths.is_empty(), Ordering::Relaxed);
        }
        true
    }
}

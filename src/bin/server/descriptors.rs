//! Each connection needs a file descriptor, and a process may have so many: the soft limit, which the process may raise
//! to the hard one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Descriptors for all that is no connection: the standard streams, listeners, the database, Tokio's own.
const RESERVE: u64 = 64;

/// Raises the limit as far as `connections` need it, and gives how many are possible. If these are fewer, a warning says
/// what to do: without it the server would accept connections only to fail at each.
pub fn provide(connections: usize) -> usize {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(RESERVE);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut allowed = current.unwrap_or(u64::MAX);
    let wanted = needed.min(maximum.unwrap_or(u64::MAX));
    if allowed < wanted && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok() {
        allowed = wanted;
    }
    if allowed >= needed {
        return connections;
    }
    let possible = usize::try_from(allowed.saturating_sub(RESERVE)).unwrap_or(usize::MAX).max(1);
    warn!(
        "only {possible} connections may be open, not {connections}: these need {needed} file descriptors, and this process \
        may have {allowed}; raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd) or set --max-connections {possible}"
    );
    possible
}

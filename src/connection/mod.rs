//! What a server's and a client's connection have in common: the byte stream under HTTP/2, the turns that drive
//! it, and the question whether the peer is still there.

mod calls;
mod keepalive;
mod transport;
mod turn;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use calls::Calls;
pub(crate) use keepalive::keepalive;
pub use transport::ByteStream;
pub(crate) use transport::{Transport, prepare};
pub(crate) use turn::{Alarm, ROUNDS, Turn};

/// What `mutex` holds, after a panic of another holder too: nothing here is left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

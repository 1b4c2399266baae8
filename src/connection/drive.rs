//! The one loop that drives a connection, a server's and a client's alike: see the picture in [`super`].

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::turn::{Alarm, ROUNDS, Turn};

/// What differs between the two sides of a connection.
pub(crate) trait Side {
    /// A turn begins.
    fn begin(&mut self) {}

    /// Moves everything that can move, once. If that wakes anything, another round follows in the same turn. Ready when
    /// the connection is over.
    fn round(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Writes what has gathered to the socket: once a turn, as the last thing before the task sleeps.
    fn write(&mut self, cx: &mut Context<'_>);

    /// Polls what seldom has something to do, such as timers. Ready when the connection is to be closed.
    fn tend(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Drives `side`, whose calls wake `turn`, until the connection is over.
pub(crate) async fn drive(turn: Arc<Turn>, side: &mut impl Side) -> io::Result<()> {
    let waker = Waker::from(Arc::clone(&turn));
    let alarm = Alarm::new(&turn);
    let alarm_waker = Waker::from(Arc::clone(&alarm));
    poll_fn(|task| {
        turn.begin(task);
        side.begin();
        let cx = &mut Context::from_waker(&waker);
        for _ in 0..ROUNDS {
            turn.begin_round();
            if let Poll::Ready(end) = side.round(cx) {
                return Poll::Ready(end);
            }
            if !turn.goes_round_again() {
                break;
            }
        }
        side.write(cx);
        if alarm.rang()
            && let Poll::Ready(end) = side.tend(&mut Context::from_waker(&alarm_waker))
        {
            return Poll::Ready(end);
        }
        turn.end(task);
        Poll::Pending
    })
    .await
}

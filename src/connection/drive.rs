//! The one loop that drives a connection, a server's and a client's alike: see the picture in [`super`].

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::turn::{Alarm, ROUNDS, Turn};

/// So many rounds a turn has without a look at the clock: they read, answer and write. What they do at most has bounds
/// of its own.
const SURE: usize = 2;

/// What differs between the two sides of a connection.
pub(crate) trait Side {
    /// A turn begins, at `now`.
    fn begin(&mut self, now: Instant);

    /// Moves everything that can move, once. If that wakes anything, another round follows in the same turn. Ready when
    /// the connection is over.
    fn round(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Writes what has gathered to the socket: once a turn, as the last thing before the task sleeps.
    fn write(&mut self, cx: &mut Context<'_>);

    /// Whether the turn is to end though there is more to do.
    fn is_spent(&self) -> bool;

    /// Whether [`tend`](Self::tend) is to be called though no timer rang.
    fn is_due(&self) -> bool {
        false
    }

    /// Polls what seldom has something to do, such as timers. Ready when the connection is to be closed.
    fn tend(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Drives `side`, whose calls wake `turn`, until the connection is over.
pub(crate) async fn drive(turn: Arc<Turn>, side: &mut impl Side) -> io::Result<()> {
    let waker = Waker::from(Arc::clone(&turn));
    let alarm = Alarm::new(&turn);
    let alarm_waker = Waker::from(Arc::clone(&alarm));
    poll_fn(|task| {
        side.begin(turn.begin(task));
        let cx = &mut Context::from_waker(&waker);
        for round in 1..=ROUNDS {
            turn.begin_round();
            if let Poll::Ready(end) = side.round(cx) {
                return Poll::Ready(end);
            }
            if !turn.goes_round_again() || side.is_spent() || (round >= SURE && turn.is_spent()) {
                break;
            }
        }
        side.write(cx);
        if (alarm.rang() || side.is_due())
            && let Poll::Ready(end) = side.tend(&mut Context::from_waker(&alarm_waker))
        {
            return Poll::Ready(end);
        }
        turn.end(task);
        Poll::Pending
    })
    .await
}

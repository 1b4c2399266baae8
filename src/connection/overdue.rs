//! Whether the peer takes too long to end what it has begun to say: its greeting, or a header block.
//!
//! Both come whole in nearly all cases, often in one segment. So the timer is set only when a turn ends while one of
//! them is unfinished, and a connection that is not attacked never sets it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{io, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

use super::frames::Unfinished;

/// The time that is left for what the peer has begun.
#[derive(Debug)]
pub(crate) struct Overdue {
    begin: Instant,
    handshake_timeout: Duration,
    header_timeout: Duration,
    unfinished: Unfinished,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Overdue {
    /// Of a connection that began at `begin`.
    pub(crate) fn new(begin: Instant, handshake_timeout: Duration, header_timeout: Duration) -> Self {
        Overdue { begin, handshake_timeout, header_timeout, unfinished: Unfinished::Nothing, timer: None }
    }

    /// Notes at the end of a turn what is unfinished. True if that is news, and [`poll`](Self::poll) is to be called.
    pub(crate) fn note(&mut self, unfinished: Unfinished) -> bool {
        if unfinished == self.unfinished {
            return false;
        }
        self.unfinished = unfinished;
        let due = match unfinished {
            Unfinished::Nothing => None,
            Unfinished::Greeting => self.begin.checked_add(self.handshake_timeout),
            Unfinished::HeaderBlock(_) => Instant::now().checked_add(self.header_timeout),
        };
        self.timer = due.map(|due| Box::pin(sleep_until(due)));
        self.timer.is_some()
    }

    /// Ready with TimedOut when it has taken too long.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(timer) = &mut self.timer else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        let text = match self.unfinished {
            Unfinished::HeaderBlock(_) => format!("a header block did not end within {:?}", self.header_timeout),
            _ => format!("no HTTP/2 SETTINGS within {:?}", self.handshake_timeout),
        };
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, text))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{sleep, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn overdue() -> Overdue {
        Overdue::new(Instant::now(), 10 * SECOND, 20 * SECOND)
    }

    #[tokio::test(start_paused = true)]
    async fn the_greeting_has_its_time_from_the_beginning_of_the_connection() {
        let (mut overdue, begin) = (overdue(), Instant::now());
        sleep(4 * SECOND).await;
        assert!(overdue.note(Unfinished::Greeting) && !overdue.note(Unfinished::Greeting));
        let error = poll_fn(|cx| overdue.poll(cx)).await;
        assert_eq!((error.to_string(), begin.elapsed().as_secs()), ("no HTTP/2 SETTINGS within 10s".to_owned(), 10));
    }

    #[tokio::test(start_paused = true)]
    async fn each_header_block_has_its_own_time_and_one_that_ends_has_all() {
        let (mut overdue, begin) = (overdue(), Instant::now());
        for block in 1..=3 {
            assert!(overdue.note(Unfinished::HeaderBlock(block)));
            assert!(timeout(15 * SECOND, poll_fn(|cx| overdue.poll(cx))).await.is_err());
        }
        assert!(!overdue.note(Unfinished::Nothing));
        assert!(timeout(1000 * SECOND, poll_fn(|cx| overdue.poll(cx))).await.is_err());
        assert!(overdue.note(Unfinished::HeaderBlock(4)));
        let error = poll_fn(|cx| overdue.poll(cx)).await;
        assert_eq!(error.to_string(), "a header block did not end within 20s");
        assert_eq!(begin.elapsed().as_secs(), 3 * 15 + 1000 + 20);
    }
}

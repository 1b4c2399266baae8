//! What a connection of a server holds beside its calls, and what becomes of it when memory is scarce.

use std::io;
use std::sync::Arc;

use tokio::time::Instant;

use crate::connection::Gathered;
use crate::memory::{Account, Charge, costs};

/// A connection's account, and its own part in it.
#[derive(Debug)]
pub(super) struct Holding {
    account: Arc<Account>,
    /// The buffer for writes, and the places for calls.
    charge: Charge,
    /// Calls that were refused, whose answers the peer may not have taken.
    refused: usize,
    is_short: bool,
}

impl Holding {
    pub(super) fn new(account: Arc<Account>) -> Self {
        let charge = Charge::new(Some(Arc::clone(&account)));
        Holding { account, charge, refused: 0, is_short: false }
    }

    pub(super) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Whether the connection has to make room for others.
    pub(super) fn must_leave(&self) -> bool {
        self.account.must_leave()
    }

    /// A call was refused: its answer waits in h2 until the socket takes it.
    pub(super) fn refused(&mut self) {
        self.refused += 1;
    }

    /// Charges what the connection holds at the end of a turn, `calls` bytes for its calls among it. Tells whether memory
    /// has become scarce for it, or no longer is.
    pub(super) fn turn_ends(&mut self, began: Instant, gathered: Gathered, calls: usize) -> Option<bool> {
        if gathered.is_written {
            // A head waits for no window: all have left.
            self.refused = 0;
        }
        self.charge.settle(gathered.takes + calls + self.refused * costs::REFUSED);
        self.account.turn_ends(began.into_std());
        let is_short = self.account.is_short();
        let has_changed = is_short != self.is_short;
        self.is_short = is_short;
        has_changed.then_some(is_short)
    }

    /// Why the connection has been closed.
    pub(super) fn sent_away(&self) -> io::Error {
        io::Error::new(
            io::ErrorKind::QuotaExceeded,
            format!(
                "closed with ENHANCE_YOUR_CALM: the memory for clients is used up, and of all connections this one held \
                 most, {} bytes, and moved least",
                self.account.held()
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::memory::Memory;

    const KIB: usize = 1024;

    fn holding() -> Holding {
        Holding::new(Memory::new(&Limits::default().memory(Some(64 * KIB * KIB)).connection_memory(1024 * KIB)).open())
    }

    /// A turn has ended in which so much gathered.
    fn turn(holding: &mut Holding, takes: usize, calls: usize) -> Option<bool> {
        holding.turn_ends(Instant::now(), Gathered { takes, is_written: takes == 0 }, calls)
    }

    #[tokio::test]
    async fn gathered_bytes_calls_and_answers_that_wait_are_charged() {
        let mut holding = holding();
        let before = holding.account.held();
        holding.refused();
        holding.refused();
        turn(&mut holding, 1000, 300);
        assert_eq!(holding.account.held() - before, 1000 + 300 + 2 * costs::REFUSED);
        turn(&mut holding, 0, 100);
        assert_eq!(holding.account.held() - before, 100, "the answers have left");
    }

    #[tokio::test]
    async fn a_connection_is_told_once_that_memory_is_scarce_and_once_that_it_is_not() {
        let mut holding = holding();
        let turns = [1, 600 * KIB, 700 * KIB, 1, 1].map(|takes| turn(&mut holding, takes, 0));
        assert_eq!(turns, [None, Some(true), None, Some(false), None]);
    }
}

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

    /// Charges what the connection holds at the end of a turn. Tells whether memory has become scarce for it, or no longer
    /// is.
    pub(super) fn turn_ends(&mut self, began: Instant, gathered: Gathered, places: usize) -> Option<bool> {
        if gathered.is_written {
            // A head waits for no window: all have left.
            self.refused = 0;
        }
        self.charge.settle(gathered.takes + places * costs::PLACE + self.refused * costs::REFUSED);
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

//! What h2 is given without asking for the flow-control window first.
//!
//! Asking h2 for capacity takes a lock, a look at the connection's window and often a wake-up. A small answer goes to
//! h2 without: if the window is closed, h2 keeps it until the window opens, which costs a little memory but no time.
//! Without this, a unary call costs 4 % more, a list of 100 features 2 %, and a RouteChat note 1 %.

use super::queue::Front;
use crate::limits::BATCH;

/// How many bytes of a call h2 is given before the window is asked for again.
const MOST: usize = 4 * 1024;

/// The same for messages that were encoded before, which take no new memory.
const MOST_STORED: usize = BATCH;

/// Counts the bytes that h2 was given without asking since the window was last known to be open.
#[derive(Debug, Default)]
pub(crate) struct Unasked {
    bytes: usize,
}

impl Unasked {
    /// Whether `front` may go without asking, in which case it is counted.
    pub(crate) fn allows(&mut self, front: Front) -> bool {
        let most = if front.is_stored { MOST_STORED } else { MOST };
        let is_allowed = self.bytes + front.len <= most;
        if is_allowed {
            self.bytes += front.len;
        }
        is_allowed
    }

    /// Notes that the window was asked for, and whether it is open for everything that there was to send.
    pub(crate) fn asked(&mut self, is_open: bool) {
        self.bytes = if is_open { 0 } else { MOST_STORED };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_kilobytes_go_unasked_and_none_while_the_window_is_known_to_be_full() {
        let gathered = |len| Front { len, is_stored: false };
        let stored = |len| Front { len, is_stored: true };
        let mut unasked = Unasked::default();
        assert!(unasked.allows(gathered(MOST - 1)) && unasked.allows(gathered(1)) && !unasked.allows(gathered(1)));
        assert!(unasked.allows(stored(MOST_STORED - MOST)) && !unasked.allows(stored(1)));
        unasked.asked(true);
        assert!(unasked.allows(gathered(MOST)));
        unasked.asked(false);
        assert!(!unasked.allows(stored(1)));
    }
}

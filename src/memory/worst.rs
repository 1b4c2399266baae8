//! Which connections leave when the memory is used up.

use std::cmp::Reverse;
use std::sync::Arc;

use super::account::Account;

/// Those of `accounts` that have to leave so that the others hold no more than `room`; nobody if that is the case with
/// those that are leaving already. What counts is how much a connection holds and for how long it has given nothing back:
/// twice the memory weighs as much as twice the time.
pub(super) fn worst(accounts: &[Arc<Account>], now: u64, limit: usize, room: usize) -> Vec<&Account> {
    let mut staying: Vec<&Account> =
        accounts.iter().map(AsRef::as_ref).filter(|account| !account.must_leave()).collect();
    let mut held: usize = staying.iter().map(|account| account.held()).sum();
    if held <= limit {
        return Vec::new();
    }
    staying.sort_by_cached_key(|account| Reverse(account.held() as u64 * (account.stalled(now) + 1)));
    let leaving = staying.iter().take_while(|account| {
        let is_too_much = held > room;
        held = held.saturating_sub(account.held());
        is_too_much
    });
    let leaving = leaving.count();
    staying.truncate(leaving);
    staying
}

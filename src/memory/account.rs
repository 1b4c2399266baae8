//! The memory of a server, and the accounts of its connections.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::Instant;

use super::costs::CONNECTION;
use super::machine;
use super::worst::{Standing, worst};
use crate::limits::Limits;

/// What an account takes from the server's memory at a time, so that connections on different threads seldom meet.
const STEP: usize = 16 * 1024;

/// Which part of the memory is handed out, a half. The rest is for what is not counted, for what the allocator rounds up
/// and keeps for some seconds when it was freed, and for what is taken in before those have left who must: while a
/// thousand hostile connections come and are sent away, resident memory is up to 1.9 times what is handed out.
const HANDED_OUT: usize = 2;

/// How much a connection may always hold before it counts as one that holds too much: its own buffers, and a few calls.
const LEAST_SHARE: usize = CONNECTION + 32 * 1024;

/// The memory that all peers of a server may take.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    of_connection: usize,
    /// What the accounts have taken, in steps.
    held: AtomicUsize,
    /// How many accounts there are.
    count: AtomicUsize,
    accounts: Mutex<BTreeMap<u64, Weak<Account>>>,
    next: AtomicU64,
    began: Instant,
}

/// What one connection holds.
#[derive(Debug)]
pub(crate) struct Account {
    memory: Arc<Memory>,
    number: u64,
    /// What it holds beside the DATA that h2 has.
    used: AtomicUsize,
    /// What it has taken from `memory`.
    taken: AtomicUsize,
    /// The DATA that h2 has. Together with `used` it is what the connection holds; apart, so that a frame changes one.
    queued: AtomicUsize,
    /// Calls that wait until h2 has less.
    waiting: Mutex<Vec<Waker>>,
    is_waited_for: AtomicBool,
    /// Whether anything was given back since the connection last looked.
    has_moved: AtomicBool,
    /// When it last gave something back, in seconds since the server began.
    moved: AtomicU64,
    must_leave: AtomicBool,
    task: OnceLock<Waker>,
}

impl Memory {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let memory = limits.memory.unwrap_or_else(|| machine::memory() / 4);
        Memory::of(memory / HANDED_OUT, limits.connection_memory)
    }

    fn of(limit: usize, of_connection: usize) -> Arc<Self> {
        Arc::new(Memory {
            limit,
            of_connection: of_connection.min(limit / 4),
            held: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            accounts: Mutex::default(),
            next: AtomicU64::new(0),
            began: Instant::now(),
        })
    }

    /// The account of a new connection.
    pub(crate) fn open(self: &Arc<Self>) -> Arc<Account> {
        let number = self.next.fetch_add(1, Relaxed);
        let account = Arc::new(Account {
            memory: Arc::clone(self),
            number,
            used: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            waiting: Mutex::default(),
            is_waited_for: AtomicBool::new(false),
            has_moved: AtomicBool::new(false),
            moved: AtomicU64::new(self.began.elapsed().as_secs()),
            must_leave: AtomicBool::new(false),
            task: OnceLock::new(),
        });
        lock(&self.accounts).insert(number, Arc::downgrade(&account));
        self.count.fetch_add(1, Relaxed);
        account.add(CONNECTION);
        account
    }

    /// How much each connection could hold if all held the same.
    fn share(&self) -> usize {
        (self.limit / 2 / self.count.load(Relaxed).max(1)).max(LEAST_SHARE)
    }

    /// Has connections leave until what is left is within the limit, with some room.
    #[cold]
    fn relieve(&self) {
        // Somebody else may be at it already.
        let Ok(guard) = self.accounts.try_lock() else { return };
        let mut accounts: Vec<Arc<Account>> = guard.values().filter_map(Weak::upgrade).collect();
        drop(guard); // the last holder of an account needs it
        accounts.retain(|account| !account.must_leave());
        let now = self.began.elapsed().as_secs();
        let standing = |account: &Arc<Account>| Standing { held: account.held(), stalled: account.stalled(now) };
        let standings: Vec<Standing> = accounts.iter().map(standing).collect();
        worst(&standings, self.limit, self.limit / 8 * 7).into_iter().for_each(|index| accounts[index].leave());
    }
}

impl Account {
    pub(super) fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Relaxed);
        self.grown();
    }

    /// The same within what a connection may hold. Nothing is added if it fails.
    pub(super) fn try_add(&self, bytes: usize) -> bool {
        let is_within = self.held().saturating_add(bytes) <= self.memory.of_connection;
        if is_within {
            self.add(bytes);
        }
        is_within
    }

    pub(super) fn remove(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
        self.shrunk();
    }

    #[inline]
    fn grown(&self) {
        let held = self.held();
        if held > self.taken.load(Relaxed) {
            self.take(held);
        }
    }

    #[inline]
    fn shrunk(&self) {
        self.has_moved.store(true, Relaxed);
        if self.taken.load(Relaxed) > self.held() + 2 * STEP {
            self.give_back();
        }
    }

    #[cold]
    fn take(&self, held: usize) {
        let wanted = held.next_multiple_of(STEP);
        let before = self.taken.fetch_max(wanted, Relaxed);
        let more = wanted.saturating_sub(before);
        if self.memory.held.fetch_add(more, Relaxed) + more > self.memory.limit {
            self.memory.relieve();
        }
    }

    #[cold]
    fn give_back(&self) {
        let taken = self.taken.load(Relaxed);
        let wanted = self.held().next_multiple_of(STEP) + STEP;
        if wanted < taken && self.taken.compare_exchange(taken, wanted, Relaxed, Relaxed).is_ok() {
            self.memory.held.fetch_sub(taken - wanted, Relaxed);
        }
    }

    /// What this connection holds, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.used.load(Relaxed) + self.queued.load(Relaxed)
    }

    /// The most that it may hold.
    pub(super) fn of_connection(&self) -> usize {
        self.memory.of_connection
    }

    /// For how many seconds it has given nothing back.
    fn stalled(&self, now: u64) -> u64 {
        now.saturating_sub(self.moved.load(Relaxed))
    }

    /// Whether less is to be gathered for this connection.
    #[inline]
    pub(crate) fn is_short(&self) -> bool {
        self.is_beyond(2)
    }

    /// Whether no new call is to be begun on this connection.
    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.is_beyond(3)
    }

    /// Whether the connection has taken so many quarters of what it may hold, or more than its share when the peers have
    /// taken so many quarters of the memory.
    #[inline]
    fn is_beyond(&self, quarters: usize) -> bool {
        let Memory { limit, of_connection, .. } = *self.memory;
        let held = self.held();
        held > of_connection / 4 * quarters
            || self.memory.held.load(Relaxed) > limit / 4 * quarters && held > self.memory.share()
    }

    /// Whether the connection is to end, because it holds most and moves least, and the memory is used up.
    #[inline]
    pub(crate) fn must_leave(&self) -> bool {
        self.must_leave.load(Relaxed)
    }

    fn leave(&self) {
        self.must_leave.store(true, Relaxed);
        self.task.get().into_iter().for_each(Waker::wake_by_ref);
    }

    /// Wakes `task` when the connection is to leave.
    pub(crate) fn serves(&self, task: Waker) {
        // It is called once for each connection.
        let _ = self.task.set(task);
    }

    /// Notes at the end of a turn whether the connection has given anything back.
    pub(crate) fn turn_ends(&self, now: Instant) {
        if self.has_moved.load(Relaxed) {
            self.has_moved.store(false, Relaxed);
            self.moved.store(now.saturating_duration_since(self.memory.began).as_secs(), Relaxed);
        }
    }

    /// Counts DATA that h2 is given.
    pub(super) fn queue(&self, bytes: usize) {
        self.queued.fetch_add(bytes, Relaxed);
        self.grown();
    }

    /// h2 has let go of DATA.
    pub(super) fn unqueue(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Relaxed);
        self.shrunk();
        if self.is_waited_for.load(Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let waiting = {
            let mut waiting = lock(&self.waiting);
            self.is_waited_for.store(false, Relaxed);
            std::mem::take(&mut *waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// How much DATA h2 holds for this connection.
    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Relaxed)
    }

    /// Wakes `waker` when h2 has let go of DATA.
    pub(crate) fn wait(&self, waker: &Waker) {
        let mut waiting = lock(&self.waiting);
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
        self.is_waited_for.store(true, Relaxed);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        lock(&self.memory.accounts).remove(&self.number);
        self.memory.count.fetch_sub(1, Relaxed);
        self.memory.held.fetch_sub(*self.taken.get_mut(), Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::super::{Charge, Queued};
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn memory(mib: usize) -> Arc<Memory> {
        Memory::of(mib * MIB, 1024 * MIB)
    }

    fn charged(account: &Arc<Account>, bytes: usize) -> Charge {
        let mut charge = Charge::new(Some(Arc::clone(account)));
        charge.settle(bytes);
        charge
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }

    #[test]
    fn what_is_charged_is_held_until_the_charge_and_the_account_are_gone() {
        let memory = memory(64);
        let account = memory.open();
        let before = account.held();
        let mut charge = charged(&account, MIB);
        let queued = Queued::new(&account, 1000);
        assert!(account.held() > before + MIB + 1000 && account.queued() >= 1000);
        charge.settle(10);
        drop(queued);
        assert_eq!((account.held(), account.queued()), (before + 10, 0));
        assert!(memory.held.load(Relaxed) < before + 4 * STEP, "what is free again goes back to the others");
        drop(charge);
        assert_eq!(account.held(), before);
        drop(account);
        assert_eq!((memory.held.load(Relaxed), memory.count.load(Relaxed)), (0, 0));
    }

    #[test]
    fn an_account_takes_what_it_holds_from_the_memory_and_little_more() {
        let memory = memory(64);
        let account = memory.open();
        let mut charge = charged(&account, 0);
        for bytes in [MIB, 10 * STEP + 1, 5 * STEP, 3 * MIB, STEP - 1, 0] {
            charge.settle(bytes);
            let (held, taken) = (account.held(), memory.held.load(Relaxed));
            assert!((held..=held + 2 * STEP).contains(&taken), "{taken} bytes for {held}");
        }
    }

    #[test]
    fn memory_is_scarce_for_those_alone_who_hold_more_than_their_share() {
        let memory = memory(64);
        let accounts: Vec<_> = (0..8).map(|_| memory.open()).collect();
        let mut charges: Vec<_> = accounts[..4].iter().map(|account| charged(account, 7 * MIB)).collect();
        assert!(!accounts.iter().any(|account| account.is_short()));
        charges.push(charged(&accounts[4], 5 * MIB));
        let short = |account: &Arc<Account>| (account.is_short(), account.is_exhausted());
        assert_eq!(short(&accounts[0]), (true, false));
        charges.push(charged(&accounts[5], 16 * MIB));
        assert_eq!(short(&accounts[0]), (true, true));
        // An eighth of the half that is shared is 4 MiB.
        charges.push(charged(&accounts[6], 3 * MIB));
        assert_eq!(short(&accounts[6]), (false, false));
        assert_eq!(short(&accounts[7]), (false, false));
        drop(charges);
        assert_eq!(short(&accounts[0]), (false, false));
    }

    #[test]
    fn a_connection_has_its_own_limit_which_is_a_quarter_of_all_at_most() {
        let memory = memory(64);
        let account = memory.open();
        let mut charge = charged(&account, 0);
        charge.set(15 * MIB).unwrap();
        let status = charge.set(16 * MIB).unwrap_err();
        assert!(status.message().contains(&format!("limit of {}", 16 * MIB)), "{status}");
        assert_eq!(charge.bytes(), 15 * MIB);
        let before = account.held();
        charge.set(MIB).unwrap();
        assert_eq!(account.held(), before - 14 * MIB);
        let _too_much = charged(&account, 20 * MIB);
        charge.set(MIB).expect("nothing is added");
    }

    #[test]
    fn who_holds_most_and_moves_least_leaves_and_as_many_as_it_takes() {
        let mut memory = memory(64);
        Arc::get_mut(&mut memory).unwrap().began -= std::time::Duration::from_secs(100);
        let accounts: Vec<_> = (0..6).map(|_| memory.open()).collect();
        let woken = Arc::new(Woken::default());
        accounts[1].serves(Arc::clone(&woken).into());
        // All hold 10 MiB but the first, which holds 14; the second has moved least.
        for account in &accounts {
            account.moved.store(100, Relaxed);
        }
        accounts[1].moved.store(0, Relaxed);
        let held = |index: usize| charged(&accounts[index], if index == 0 { 14 * MIB } else { 10 * MIB });
        let _most: Vec<_> = (0..6).map(held).collect();
        let leaving: Vec<bool> = accounts.iter().map(|account| account.must_leave()).collect();
        assert_eq!(leaving, [false, true, false, false, false, false]);
        assert!(woken.0.load(Relaxed), "its task is told");
        let _more = charged(&accounts[5], 15 * MIB);
        assert_eq!(accounts.iter().filter(|account| account.must_leave()).count(), 2);
    }

    #[test]
    fn what_leaves_http2_wakes_the_calls_that_wait_for_it() {
        let account = memory(64).open();
        let (queued, woken) = (Queued::new(&account, 1), Arc::new(Woken::default()));
        account.wait(&Arc::clone(&woken).into());
        assert!(!woken.0.load(Relaxed));
        drop(queued);
        assert!(woken.0.load(Relaxed));
    }
}

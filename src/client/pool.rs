//! Which connection takes the next call, and which calls wait for one.
//!
//! A channel has one pool. Its *members* are where connections may be had: all addresses together with `pick_first`, each
//! address with `round_robin`. Each has a state of gRPC's connectivity API. A connection takes as many calls as its
//! server allows at once (MAX_CONCURRENT_STREAMS), so a call needs a *permit* of a connection, and waits for one here,
//! before it costs a stream. Calls wait in the order in which they were made.
//!
//! ```text
//!   a call: admit ----> a permit is free ------------------------------> Grant
//!                  \--> none is: it waits in the queue ---- dispatch --> Grant
//!                  \--> nothing can be reached, and the call does not wait for that: UNAVAILABLE
//! ```
//!
//! This is a state machine without tasks and timers: the actors ([`subchannel`](super::subchannel)) tell it what
//! happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::state::ConnectivityState;
use crate::status::Status;

/// The number of a member of a pool.
pub(super) type Member = u64;

/// Members, their connections of type `C`, and the calls that wait for one.
#[derive(Debug)]
pub(super) struct Pool<C> {
    members: Vec<(Member, State<C>)>,
    /// The member after which the search for the next connection begins.
    last: usize,
    waiting: BTreeMap<u64, Waiting<C>>,
    /// How many of those that wait have not been granted a permit.
    queued: usize,
    next_place: u64,
    is_shut: bool,
}

/// What a member is doing.
#[derive(Debug)]
enum State<C> {
    Idle,
    Connecting,
    Ready(Open<C>),
    /// The last attempt failed. It stays so during the next attempts, until one succeeds.
    Failed(Status),
}

impl<C> State<C> {
    fn limit(&self) -> usize {
        match self {
            State::Ready(open) => open.limit,
            _ => 0,
        }
    }
}

/// A connection that takes calls.
#[derive(Debug)]
struct Open<C> {
    connection: Arc<C>,
    id: u64,
    limit: usize,
    /// How many calls have a permit.
    calls: usize,
}

#[derive(Debug)]
struct Waiting<C> {
    waits_for_ready: bool,
    waker: Option<Waker>,
    outcome: Option<Result<Grant<C>, Status>>,
}

/// The right to open one stream on a connection.
#[derive(Debug)]
pub(super) struct Grant<C> {
    pub(super) connection: Arc<C>,
    /// The number of the connection, to give the permit back with.
    pub(super) id: u64,
}

/// What a pool says to a call.
#[derive(Debug)]
pub(super) enum Admission<C> {
    Now(Grant<C>),
    /// It waits in this place.
    Later(u64),
    Never(Status),
}

impl<C> Pool<C> {
    pub(super) fn new() -> Self {
        let (members, waiting) = (Vec::new(), BTreeMap::new());
        Pool { members, last: 0, waiting, queued: 0, next_place: 0, is_shut: false }
    }

    /// Admits a call, which may have a place in the queue from before: it gets that again.
    pub(super) fn admit(&mut self, waits_for_ready: bool, place: Option<u64>) -> Admission<C> {
        if self.is_shut {
            return Admission::Never(Status::unavailable("the channel is shut down"));
        }
        if self.queued == 0
            && let Some(grant) = self.pick()
        {
            return Admission::Now(grant);
        }
        if !waits_for_ready && let Some(failure) = self.failure() {
            return Admission::Never(failure);
        }
        let place = place.unwrap_or_else(|| {
            self.next_place += 1;
            self.next_place
        });
        self.waiting.insert(place, Waiting { waits_for_ready, waker: None, outcome: None });
        self.queued += 1;
        // A call that waits in front of others takes a permit that became free since.
        self.dispatch();
        Admission::Later(place)
    }

    /// Ready when the call in `place` need not wait any more. Its place is free then.
    pub(super) fn poll_admission(&mut self, place: u64, cx: &mut Context<'_>) -> Poll<Result<Grant<C>, Status>> {
        let Some(waiting) = self.waiting.get_mut(&place) else {
            return Poll::Ready(Err(Status::internal("a call waits without a place in the queue")));
        };
        match waiting.outcome.take() {
            Some(outcome) => {
                self.waiting.remove(&place);
                Poll::Ready(outcome)
            }
            None => {
                waiting.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The call in `place` waits no longer: it was dropped, or its deadline has passed.
    pub(super) fn leave(&mut self, place: u64) {
        match self.waiting.remove(&place).map(|waiting| waiting.outcome) {
            Some(Some(Ok(grant))) => self.release(grant.id),
            Some(None) => self.queued -= 1,
            Some(Some(Err(_))) | None => {}
        }
    }

    /// A call that had a permit of the connection `id` no longer needs it.
    pub(super) fn release(&mut self, id: u64) {
        if let Some(open) = self.open(id) {
            open.calls = open.calls.saturating_sub(1);
            self.dispatch();
        }
    }

    /// The server of the connection `id` allows so many calls at once.
    pub(super) fn limit(&mut self, id: u64, limit: usize) {
        if let Some(open) = self.open(id) {
            open.limit = limit;
            self.dispatch();
        }
    }

    /// Makes `members` the members, in this order. Those that were there keep their state.
    pub(super) fn set_members(&mut self, members: impl IntoIterator<Item = Member>) {
        let mut before = std::mem::take(&mut self.members);
        for member in members {
            let known = before.iter().position(|(id, _)| *id == member);
            let state = known.map_or(State::Idle, |index| before.swap_remove(index).1);
            self.members.push((member, state));
        }
        self.fail_hopeless();
        self.dispatch();
    }

    /// The member makes a connection: calls wait for it. While attempts fail one after the other, its state stays
    /// [`State::Failed`].
    pub(super) fn connecting(&mut self, member: Member) {
        if let Some(state @ State::Idle) = self.state_of(member) {
            *state = State::Connecting;
        }
    }

    pub(super) fn ready(&mut self, member: Member, connection: Arc<C>, id: u64, limit: usize) {
        if let Some(state) = self.state_of(member) {
            *state = State::Ready(Open { connection, id, limit, calls: 0 });
        }
        self.dispatch();
    }

    pub(super) fn failed(&mut self, member: Member, why: Status) {
        if let Some(state) = self.state_of(member) {
            *state = State::Failed(why);
        }
        self.fail_hopeless();
    }

    /// The connection `id` takes no more calls. A call may find that out before its actor.
    pub(super) fn lost(&mut self, id: u64) {
        for (_, state) in &mut self.members {
            if matches!(state, State::Ready(open) if open.id == id) {
                *state = State::Idle;
            }
        }
    }

    /// Gives up the connection `id` if it has no call, and `is_quiet` says that it had none. Tells whether it did.
    pub(super) fn retire(&mut self, id: u64, is_quiet: impl FnOnce() -> bool) -> bool {
        let retires = self.open(id).is_some_and(|open| open.calls == 0) && is_quiet();
        if retires {
            self.lost(id);
        }
        retires
    }

    /// Ends the pool: nothing is admitted any more.
    pub(super) fn shut(&mut self) {
        self.is_shut = true;
        self.members.clear();
        self.fail_waiting(|_| true, &Status::unavailable("the channel is shut down"));
    }

    /// Fails every call that waits, because what drives the pool has ended.
    pub(super) fn abandon(&mut self, why: &Status) {
        self.members.clear();
        self.fail_waiting(|_| true, why);
    }

    /// Whether calls wait for a permit.
    pub(super) fn is_wanted(&self) -> bool {
        self.queued > 0
    }

    /// The state of the channel. A member that is idle comes before those that have failed, because a call makes it
    /// connect.
    pub(super) fn state(&self) -> ConnectivityState {
        let any = |is: fn(&State<C>) -> bool| self.members.iter().any(|(_, state)| is(state));
        if self.is_shut {
            ConnectivityState::Shutdown
        } else if any(|state| matches!(state, State::Ready(_))) {
            ConnectivityState::Ready
        } else if any(|state| matches!(state, State::Connecting)) {
            ConnectivityState::Connecting
        } else if self.members.is_empty() || any(|state| matches!(state, State::Idle)) {
            ConnectivityState::Idle
        } else {
            ConnectivityState::TransientFailure
        }
    }

    /// Why nothing can be reached, if that is so.
    fn failure(&self) -> Option<Status> {
        if self.state() != ConnectivityState::TransientFailure {
            return None;
        }
        self.members.iter().rev().find_map(|(_, state)| match state {
            State::Failed(why) => Some(why.clone()),
            _ => None,
        })
    }

    /// What a call waits for, for error texts.
    pub(super) fn hindrance(&self) -> String {
        let limit: usize = self.members.iter().map(|(_, state)| state.limit()).sum();
        match (self.failure(), self.state()) {
            (Some(why), _) => format!("it waited for a connection: {}", why.message()),
            (None, ConnectivityState::Ready) => {
                format!("it waited for other calls to end, since the server allows {limit} at once")
            }
            (None, _) => "it waited for a connection".to_owned(),
        }
    }

    /// A permit of the next member that has one to give.
    fn pick(&mut self) -> Option<Grant<C>> {
        let count = self.members.len();
        for step in 1..=count {
            let index = (self.last + step) % count;
            if let (_, State::Ready(open)) = &mut self.members[index]
                && open.calls < open.limit
            {
                open.calls += 1;
                self.last = index;
                return Some(Grant { connection: Arc::clone(&open.connection), id: open.id });
            }
        }
        None
    }

    /// Grants what can be granted, in the order of the places.
    fn dispatch(&mut self) {
        while self.queued > 0 {
            let Some(grant) = self.pick() else { return };
            let first = self.waiting.values_mut().find(|waiting| waiting.outcome.is_none());
            let Some(first) = first else { return };
            first.outcome = Some(Ok(grant));
            self.queued -= 1;
            first.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Fails the calls that do not wait for a connection, if none can be had.
    fn fail_hopeless(&mut self) {
        if let Some(why) = self.failure() {
            self.fail_waiting(|waiting| !waiting.waits_for_ready, &why);
        }
    }

    fn fail_waiting(&mut self, concerns: impl Fn(&Waiting<C>) -> bool, why: &Status) {
        for waiting in self.waiting.values_mut().filter(|waiting| waiting.outcome.is_none()) {
            if concerns(waiting) {
                waiting.outcome = Some(Err(why.clone()));
                self.queued -= 1;
                waiting.waker.take().into_iter().for_each(Waker::wake);
            }
        }
    }

    fn open(&mut self, id: u64) -> Option<&mut Open<C>> {
        self.members.iter_mut().find_map(|(_, state)| match state {
            State::Ready(open) if open.id == id => Some(open),
            _ => None,
        })
    }

    fn state_of(&mut self, member: Member) -> Option<&mut State<C>> {
        self.members.iter_mut().find(|(id, _)| *id == member).map(|(_, state)| state)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::task::Wake;

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }

    /// A call that waits.
    struct Call {
        number: u64,
        place: u64,
        woken: Arc<Woken>,
        /// It has been woken, but does not look why.
        sleeps: bool,
    }

    /// A pool and its calls, which look for their grant when they are woken. The connections are their own numbers.
    struct World {
        pool: Pool<u64>,
        waiting: Vec<Call>,
        begun: u64,
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Members(&'static [Member]),
        Connecting(Member),
        /// Member, connection, limit.
        Ready(Member, u64, usize),
        Failed(Member),
        Lost(u64),
        Limit(u64, usize),
        /// A call of this connection ends.
        Release(u64),
        /// A call that fails fast, and one that waits for a connection. They are numbered from 1.
        Fast,
        Patient,
        /// A call that had this place begins again.
        Again(u64),
        /// This call does not look for its grant.
        Sleep(u64),
        /// This call is dropped.
        Leave(u64),
        /// The connection was quiet, or was not.
        Retire(u64, bool),
        Shut,
        Abandon,
        /// Asks for the state of the channel.
        Is,
    }

    impl World {
        fn new() -> Self {
            World { pool: Pool::new(), waiting: Vec::new(), begun: 0 }
        }

        /// What a call learns at once: "on 7" is a grant of connection 7.
        fn begin(&mut self, waits_for_ready: bool, place: Option<u64>) -> String {
            self.begun += 1;
            match self.pool.admit(waits_for_ready, place) {
                Admission::Now(grant) => format!("on {}", grant.connection),
                Admission::Never(status) => format!("fails: {}", status.message()),
                Admission::Later(place) => {
                    let call = Call { number: self.begun, place, woken: Arc::default(), sleeps: false };
                    let told = Self::look(&mut self.pool, &call);
                    if told.is_none() {
                        self.waiting.push(call);
                    }
                    told.unwrap_or_else(|| format!("waits in {place}"))
                }
            }
        }

        fn look(pool: &mut Pool<u64>, call: &Call) -> Option<String> {
            let waker = Waker::from(Arc::clone(&call.woken));
            match pool.poll_admission(call.place, &mut Context::from_waker(&waker)) {
                Poll::Pending => None,
                Poll::Ready(Ok(grant)) => Some(format!("on {}", grant.connection)),
                Poll::Ready(Err(status)) => Some(format!("fails: {}", status.message())),
            }
        }

        /// The calls that were woken, in their order, and what they learned.
        fn woken(&mut self) -> Vec<String> {
            let mut told = Vec::new();
            for call in std::mem::take(&mut self.waiting) {
                let learns = if !call.sleeps && call.woken.0.swap(false, Relaxed) {
                    Some(Self::look(&mut self.pool, &call).unwrap_or_else(|| "is woken for nothing".to_owned()))
                } else {
                    None
                };
                match learns {
                    Some(learned) => told.push(format!("{} {learned}", call.number)),
                    None => self.waiting.push(call),
                }
            }
            told
        }

        fn leave(&mut self, index: usize) {
            let call = self.waiting.remove(index);
            self.pool.leave(call.place);
        }

        fn step(&mut self, step: Step) -> String {
            let mut told = Vec::new();
            match step {
                Step::Members(members) => self.pool.set_members(members.iter().copied()),
                Step::Connecting(member) => self.pool.connecting(member),
                Step::Ready(member, id, limit) => self.pool.ready(member, Arc::new(id), id, limit),
                Step::Failed(member) => self.pool.failed(member, Status::unavailable(format!("no {member}"))),
                Step::Lost(id) => self.pool.lost(id),
                Step::Limit(id, limit) => self.pool.limit(id, limit),
                Step::Release(id) => self.pool.release(id),
                Step::Fast => told.push(self.begin(false, None)),
                Step::Patient => told.push(self.begin(true, None)),
                Step::Again(place) => told.push(self.begin(true, Some(place))),
                Step::Sleep(number) => self.call(number, |call| call.sleeps = true),
                Step::Leave(number) => {
                    let index = self.waiting.iter().position(|call| call.number == number).unwrap();
                    self.leave(index);
                }
                Step::Retire(id, is_quiet) => told.push(self.pool.retire(id, || is_quiet).to_string()),
                Step::Shut => self.pool.shut(),
                Step::Abandon => self.pool.abandon(&Status::unavailable("abandoned")),
                Step::Is => told.push(self.pool.state().to_string()),
            }
            told.extend(self.woken());
            told.join(", ")
        }

        /// What must hold at any time.
        fn check(&self) -> Result<(), String> {
            let waits = |waiting: &Waiting<u64>| waiting.outcome.is_none();
            let queued = self.pool.waiting.values().filter(|waiting| waits(waiting)).count();
            let unfair = self.opens().any(|open| open.calls < open.limit);
            let hopeless = self.pool.waiting.values().any(|waiting| waits(waiting) && !waiting.waits_for_ready);
            let is_told = |call: &Call| {
                let waiting = self.pool.waiting.get(&call.place);
                waiting.is_some_and(|waiting| waits(waiting) || call.woken.0.load(Relaxed))
            };
            if self.pool.queued != queued || self.pool.waiting.len() != self.waiting.len() {
                Err(format!("{} are queued, and not {queued}", self.pool.queued))
            } else if queued > 0 && unfair {
                Err("a call waits while a permit is free".to_owned())
            } else if hopeless && self.pool.failure().is_some() {
                Err("a call that fails fast waits while nothing can be reached".to_owned())
            } else if !self.waiting.iter().all(is_told) {
                Err("a call was not woken".to_owned())
            } else {
                Ok(())
            }
        }

        fn opens(&self) -> impl Iterator<Item = &Open<u64>> {
            self.pool.members.iter().filter_map(|(_, state)| match state {
                State::Ready(open) => Some(open),
                _ => None,
            })
        }

        fn call(&mut self, number: u64, change: impl FnMut(&mut Call)) {
            self.waiting.iter_mut().filter(|call| call.number == number).for_each(change);
        }
    }

    /// Plays steps, each with what the calls learn from it.
    fn play(name: &str, steps: &[(Step, &str)]) {
        let mut world = World::new();
        for (at, (step, expected)) in steps.iter().enumerate() {
            assert_eq!(world.step(*step), *expected, "{name}, step {at}: {step:?}");
            world.check().unwrap_or_else(|wrong| panic!("{name}, step {at}: {step:?}: {wrong}"));
        }
    }

    use Step::*;

    /// One member whose connection 7 allows so many calls.
    const fn one(limit: usize) -> [(Step, &'static str); 2] {
        [(Members(&[1]), ""), (Ready(1, 7, limit), "")]
    }

    #[rustfmt::skip]
    #[test]
    fn calls_are_admitted_now_later_or_never() {
        play("a free permit", &[one(2)[0], one(2)[1], (Fast, "on 7"), (Patient, "on 7"), (Fast, "waits in 1")]);
        play("nothing was tried", &[(Fast, "waits in 1"), (Members(&[1]), ""), (Fast, "waits in 2"), (Is, "IDLE")]);
        play("an attempt runs", &[(Members(&[1]), ""), (Connecting(1), ""), (Fast, "waits in 1"), (Ready(1, 7, 5), "1 on 7"), (Fast, "on 7")]);
        play("a limit of 0", &[(Members(&[1]), ""), (Ready(1, 7, 0), ""), (Fast, "waits in 1"), (Limit(7, 1), "1 on 7")]);
        play("it failed", &[(Members(&[1]), ""), (Failed(1), ""), (Fast, "fails: no 1"), (Patient, "waits in 1"), (Is, "TRANSIENT_FAILURE")]);
        play("the next attempt runs", &[(Members(&[1]), ""), (Failed(1), ""), (Connecting(1), ""), (Is, "TRANSIENT_FAILURE"), (Fast, "fails: no 1")]);
        play("it came back", &[(Members(&[1]), ""), (Failed(1), ""), (Ready(1, 7, 1), ""), (Is, "READY"), (Fast, "on 7"), (Lost(7), ""), (Is, "IDLE"), (Fast, "waits in 1")]);
        play("it is shut", &[one(2)[0], one(2)[1], (Shut, ""), (Is, "SHUTDOWN"), (Fast, "fails: the channel is shut down"), (Patient, "fails: the channel is shut down")]);
    }

    #[rustfmt::skip]
    #[test]
    fn calls_that_wait_are_granted_in_their_order() {
        play("one after the other", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Patient, "waits in 2"), (Release(7), "2 on 7"), (Fast, "waits in 3"), (Release(7), "3 on 7"), (Release(7), "4 on 7"), (Release(7), ""), (Fast, "on 7")]);
        play("all at once", &[(Members(&[1]), ""), (Fast, "waits in 1"), (Fast, "waits in 2"), (Fast, "waits in 3"), (Ready(1, 7, 2), "1 on 7, 2 on 7"), (Release(7), "3 on 7")]);
        play("a place is kept", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Fast, "waits in 2"), (Release(7), "2 on 7"), (Again(1), "waits in 1"), (Release(7), "4 on 7"), (Release(7), "3 on 7")]);
        play("a permit is taken though its call has not looked", &[(Members(&[1, 2]), ""), (Ready(1, 7, 0), ""), (Fast, "waits in 1"), (Sleep(1), ""), (Ready(2, 8, 2), ""), (Fast, "on 8"), (Fast, "waits in 2")]);
    }

    #[rustfmt::skip]
    #[test]
    fn a_call_that_leaves_takes_nothing_with_it() {
        play("it waited", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Fast, "waits in 2"), (Leave(2), ""), (Release(7), "3 on 7")]);
        play("it was the last", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Leave(2), ""), (Release(7), ""), (Fast, "on 7")]);
        play("it had a permit", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Fast, "waits in 2"), (Sleep(2), ""), (Release(7), ""), (Leave(2), "3 on 7")]);
        play("it had a permit of a lost connection", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Sleep(2), ""), (Release(7), ""), (Lost(7), ""), (Ready(1, 8, 1), ""), (Leave(2), ""), (Fast, "on 8"), (Fast, "waits in 2")]);
        play("it had failed", &[(Members(&[1]), ""), (Fast, "waits in 1"), (Sleep(1), ""), (Failed(1), ""), (Leave(1), ""), (Ready(1, 7, 1), ""), (Fast, "on 7")]);
    }

    #[rustfmt::skip]
    #[test]
    fn the_limit_is_the_servers_last_word() {
        play("lowered below the open calls", &[one(3)[0], one(3)[1], (Fast, "on 7"), (Fast, "on 7"), (Fast, "on 7"), (Fast, "waits in 1"), (Limit(7, 1), ""), (Release(7), ""), (Release(7), ""), (Release(7), "4 on 7")]);
        play("raised", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Fast, "waits in 2"), (Fast, "waits in 3"), (Limit(7, 3), "2 on 7, 3 on 7"), (Release(7), "4 on 7")]);
        play("0 and back", &[one(1)[0], one(1)[1], (Limit(7, 0), ""), (Fast, "waits in 1"), (Limit(7, 1), "1 on 7")]);
        play("of a connection that is gone", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Lost(7), ""), (Limit(7, 9), ""), (Release(7), ""), (Ready(1, 8, 1), "2 on 8")]);
    }

    #[rustfmt::skip]
    #[test]
    fn a_lost_connection_fails_no_call_that_waits() {
        play("it is replaced", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Patient, "waits in 2"), (Lost(7), ""), (Is, "IDLE"), (Connecting(1), ""), (Ready(1, 8, 1), "2 on 8"), (Release(7), ""), (Release(8), "3 on 8")]);
        play("it can't be replaced", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Patient, "waits in 2"), (Lost(7), ""), (Connecting(1), ""), (Failed(1), "2 fails: no 1"), (Connecting(1), ""), (Ready(1, 8, 1), "3 on 8")]);
        play("another has failed before", &[(Members(&[1, 2]), ""), (Failed(2), ""), (Ready(1, 7, 1), ""), (Fast, "on 7"), (Fast, "waits in 1"), (Lost(7), ""), (Is, "IDLE"), (Fast, "waits in 2"), (Connecting(1), ""), (Ready(1, 8, 2), "2 on 8, 3 on 8")]);
        play("it is lost twice", &[one(1)[0], one(1)[1], (Lost(7), ""), (Ready(1, 8, 1), ""), (Lost(7), ""), (Fast, "on 8")]);
    }

    #[rustfmt::skip]
    #[test]
    fn calls_that_fail_fast_fail_when_nothing_can_be_reached() {
        play("mixed", &[(Members(&[1]), ""), (Fast, "waits in 1"), (Patient, "waits in 2"), (Fast, "waits in 3"), (Patient, "waits in 4"), (Failed(1), "1 fails: no 1, 3 fails: no 1"), (Fast, "fails: no 1"), (Ready(1, 7, 1), "2 on 7"), (Release(7), "4 on 7")]);
        play("one of two", &[(Members(&[1, 2]), ""), (Connecting(1), ""), (Connecting(2), ""), (Fast, "waits in 1"), (Failed(1), ""), (Is, "CONNECTING"), (Failed(2), "1 fails: no 2"), (Is, "TRANSIENT_FAILURE")]);
        play("one of two is ready, and full", &[(Members(&[1, 2]), ""), (Ready(1, 7, 1), ""), (Fast, "on 7"), (Fast, "waits in 1"), (Failed(2), ""), (Fast, "waits in 2"), (Release(7), "2 on 7")]);
        play("the only good member goes", &[(Members(&[1, 2]), ""), (Failed(2), ""), (Ready(1, 7, 1), ""), (Fast, "on 7"), (Fast, "waits in 1"), (Patient, "waits in 2"), (Members(&[2]), "2 fails: no 2")]);
    }

    #[rustfmt::skip]
    #[test]
    fn members_take_turns() {
        play("evenly", &[(Members(&[1, 2, 3]), ""), (Ready(1, 7, 9), ""), (Ready(2, 8, 9), ""), (Ready(3, 9, 9), ""), (Fast, "on 8"), (Fast, "on 9"), (Fast, "on 7"), (Fast, "on 8"), (Fast, "on 9"), (Fast, "on 7")]);
        play("without the full, the failed and the new", &[(Members(&[1, 2, 3, 4]), ""), (Ready(1, 7, 9), ""), (Ready(2, 8, 1), ""), (Failed(3), ""), (Connecting(4), ""), (Fast, "on 8"), (Fast, "on 7"), (Fast, "on 7"), (Release(8), ""), (Fast, "on 8")]);
        play("those that wait too", &[(Members(&[1, 2]), ""), (Ready(1, 7, 0), ""), (Ready(2, 8, 1), ""), (Fast, "on 8"), (Fast, "waits in 1"), (Fast, "waits in 2"), (Fast, "waits in 3"), (Limit(7, 2), "2 on 7, 3 on 7"), (Release(8), "4 on 8")]);
        play("after the list has changed", &[(Members(&[1, 2, 3]), ""), (Ready(3, 9, 9), ""), (Fast, "on 9"), (Members(&[3]), ""), (Fast, "on 9"), (Members(&[]), ""), (Fast, "waits in 1")]);
    }

    #[rustfmt::skip]
    #[test]
    fn members_that_stay_keep_their_state() {
        play("permits", &[(Members(&[1, 2]), ""), (Ready(1, 7, 1), ""), (Failed(2), ""), (Fast, "on 7"), (Members(&[2, 3, 1]), ""), (Fast, "waits in 1"), (Is, "READY"), (Release(7), "2 on 7")]);
        play("a failure", &[(Members(&[1, 2]), ""), (Failed(2), ""), (Members(&[2]), ""), (Is, "TRANSIENT_FAILURE"), (Fast, "fails: no 2")]);
        play("one that comes again is new", &[(Members(&[1]), ""), (Ready(1, 7, 1), ""), (Members(&[2]), ""), (Members(&[1]), ""), (Is, "IDLE"), (Release(7), ""), (Ready(9, 9, 9), ""), (Failed(9), ""), (Is, "IDLE")]);
    }

    #[rustfmt::skip]
    #[test]
    fn a_connection_retires_only_without_calls() {
        play("it was quiet", &[one(1)[0], one(1)[1], (Retire(7, true), "true"), (Is, "IDLE"), (Fast, "waits in 1")]);
        play("it was not", &[one(1)[0], one(1)[1], (Retire(7, false), "false"), (Is, "READY"), (Fast, "on 7")]);
        play("it has a call", &[one(2)[0], one(2)[1], (Fast, "on 7"), (Retire(7, true), "false"), (Fast, "on 7"), (Release(7), ""), (Release(7), ""), (Retire(7, true), "true")]);
        play("it is gone", &[one(1)[0], one(1)[1], (Lost(7), ""), (Retire(7, true), "false")]);
    }

    #[rustfmt::skip]
    #[test]
    fn the_end_is_told_to_all_that_wait() {
        play("shut", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Patient, "waits in 2"), (Shut, "2 fails: the channel is shut down, 3 fails: the channel is shut down"), (Release(7), ""), (Members(&[1]), ""), (Is, "SHUTDOWN")]);
        play("abandoned", &[one(1)[0], one(1)[1], (Fast, "on 7"), (Fast, "waits in 1"), (Patient, "waits in 2"), (Abandon, "2 fails: abandoned, 3 fails: abandoned"), (Is, "IDLE"), (Fast, "waits in 3"), (Members(&[1]), ""), (Ready(1, 8, 1), "4 on 8")]);
    }

    #[derive(Clone, Debug)]
    enum Op {
        Members(Vec<Member>),
        Connecting(Member),
        Ready(Member, usize),
        Failed(Member),
        Lost(Index),
        Limit(Index, usize),
        Begin(bool),
        /// A call begins again, in the place that it had.
        Again(Index),
        /// A call that waits looks for its grant.
        Look(Index),
        Leave(Index),
        Release(Index),
        Retire(Index, bool),
        Abandon,
        Shut,
    }

    fn op() -> impl Strategy<Value = Op> {
        let index = any::<Index>;
        prop_oneof![
            2 => prop::collection::vec(0..4u64, 0..4).prop_map(|mut members| {
                members.sort_unstable();
                members.dedup();
                Op::Members(members)
            }),
            2 => (0..4u64).prop_map(Op::Connecting),
            6 => (0..4u64, 0..4usize).prop_map(|(member, limit)| Op::Ready(member, limit)),
            2 => (0..4u64).prop_map(Op::Failed),
            2 => index().prop_map(Op::Lost),
            4 => (index(), 0..4usize).prop_map(|(connection, limit)| Op::Limit(connection, limit)),
            16 => any::<bool>().prop_map(Op::Begin),
            2 => index().prop_map(Op::Again),
            10 => index().prop_map(Op::Look),
            4 => index().prop_map(Op::Leave),
            8 => index().prop_map(Op::Release),
            1 => (index(), any::<bool>()).prop_map(|(connection, is_quiet)| Op::Retire(connection, is_quiet)),
            1 => Just(Op::Abandon),
            1 => prop_oneof![9 => Just(Op::Abandon), 1 => Just(Op::Shut)],
        ]
    }

    /// A world, and what a simple model knows of it: which permits are held.
    struct Model {
        world: World,
        held: Vec<u64>,
        connections: Vec<u64>,
        /// The places of calls that have left the queue.
        places: Vec<u64>,
    }

    impl Model {
        /// A connection that is open, or sometimes one that was.
        fn connection(&self, index: Index) -> u64 {
            let open: Vec<u64> =
                self.world.opens().map(|open| open.id).chain(self.connections.first().copied()).collect();
            if open.is_empty() { 0 } else { *index.get(&open) }
        }

        fn begin(&mut self, waits_for_ready: bool, place: Option<u64>) {
            let waited = self.world.pool.queued;
            let told = self.world.begin(waits_for_ready, place);
            if let Some(connection) = told.strip_prefix("on ") {
                assert_eq!(waited, 0, "it passed a call that waits");
                self.held.push(connection.parse().unwrap());
            }
            self.world.waiting.iter_mut().for_each(|call| call.sleeps = true);
        }

        fn look(&mut self, index: usize) {
            let Some(told) = World::look(&mut self.world.pool, &self.world.waiting[index]) else { return };
            self.places.push(self.world.waiting.remove(index).place);
            self.held.extend(told.strip_prefix("on ").map(|connection| connection.parse::<u64>().unwrap()));
        }

        fn act(&mut self, op: Op) {
            let (pool, waiting) = (&mut self.world.pool, self.world.waiting.len());
            match op {
                Op::Members(members) => pool.set_members(members),
                Op::Connecting(member) => pool.connecting(member),
                Op::Ready(member, limit) => {
                    let id = self.connections.len() as u64 + 1;
                    self.connections.push(id);
                    pool.ready(member, Arc::new(id), id, limit);
                }
                Op::Failed(member) => pool.failed(member, Status::unavailable("no")),
                Op::Lost(index) => self.world.pool.lost(self.connection(index)),
                Op::Limit(index, limit) => self.world.pool.limit(self.connection(index), limit),
                Op::Retire(index, is_quiet) => {
                    let id = self.connection(index);
                    self.world.pool.retire(id, || is_quiet);
                }
                Op::Begin(waits_for_ready) => self.begin(waits_for_ready, None),
                Op::Again(index) if !self.places.is_empty() => {
                    let place = self.places.swap_remove(index.index(self.places.len()));
                    self.begin(true, Some(place));
                }
                Op::Look(index) if waiting > 0 => self.look(index.index(waiting)),
                Op::Leave(index) if waiting > 0 => self.world.leave(index.index(waiting)),
                Op::Release(index) if !self.held.is_empty() => {
                    let id = self.held.swap_remove(index.index(self.held.len()));
                    self.world.pool.release(id);
                }
                Op::Again(_) | Op::Look(_) | Op::Leave(_) | Op::Release(_) => {}
                Op::Abandon => pool.abandon(&Status::unavailable("abandoned")),
                Op::Shut => pool.shut(),
            }
        }

        /// How many permits of a connection are held, by calls that wait to be told as well.
        fn permits(&self, id: u64) -> usize {
            let granted = self
                .world
                .pool
                .waiting
                .values()
                .filter(|waiting| matches!(&waiting.outcome, Some(Ok(grant)) if grant.id == id));
            granted.count() + self.held.iter().filter(|held| **held == id).count()
        }

        fn queue(&self) -> Vec<u64> {
            let waiting = self.world.pool.waiting.iter();
            waiting.filter(|(_, waiting)| waiting.outcome.is_none()).map(|(place, _)| *place).collect()
        }
    }

    proptest! {
        #[test]
        fn permits_are_never_too_many_and_never_lost_and_calls_are_granted_in_order(
            ops in prop::collection::vec(op(), 0..200),
        ) {
            let mut model =
                Model { world: World::new(), held: Vec::new(), connections: Vec::new(), places: Vec::new() };
            for op in ops {
                let before: BTreeMap<u64, usize> = model.world.opens().map(|open| (open.id, open.calls)).collect();
                let queue = model.queue();
                model.act(op.clone());
                prop_assert_eq!(model.world.check(), Ok(()), "{:?}", op);
                for open in model.world.opens() {
                    let most = open.limit.max(before.get(&open.id).copied().unwrap_or(0));
                    prop_assert!(open.calls <= most, "{:?}: {} permits, and {} are allowed", op, open.calls, most);
                    prop_assert_eq!(open.calls, model.permits(open.id), "{:?}: permits of {}", op, open.id);
                }
                let waits = model.queue();
                let is_granted = |place: &&u64| {
                    matches!(model.world.pool.waiting.get(place).map(|waiting| &waiting.outcome), Some(Some(Ok(_))))
                };
                let granted = queue.iter().filter(is_granted).max();
                prop_assert!(granted.zip(waits.first()).is_none_or(|(granted, waits)| granted < waits), "{:?}", op);
            }
            // Whoever still waits is granted once there is room.
            model.act(Op::Members(vec![1]));
            model.act(Op::Ready(1, usize::MAX));
            prop_assert_eq!(model.queue(), Vec::<u64>::new());
        }
    }
}

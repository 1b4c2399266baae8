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

    /// The state of the channel.
    pub(super) fn state(&self) -> ConnectivityState {
        let any = |is: fn(&State<C>) -> bool| self.members.iter().any(|(_, state)| is(state));
        if self.is_shut {
            ConnectivityState::Shutdown
        } else if any(|state| matches!(state, State::Ready(_))) {
            ConnectivityState::Ready
        } else if any(|state| matches!(state, State::Connecting)) {
            ConnectivityState::Connecting
        } else if any(|state| matches!(state, State::Failed(_))) {
            ConnectivityState::TransientFailure
        } else {
            ConnectivityState::Idle
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

//! The calls of a connection: places for futures, which are used again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::{future::Future, pin::Pin};

use super::lock::lock;
use super::turn::Turn;

/// How many calls are polled between two looks at the clock, which cost as much as a hundredth of a unary call each.
const AT_ONCE: usize = 8;

/// Futures that one task drives: each is polled when it is new, and whenever it was woken.
///
/// A call that ends leaves its place, with memory and waker, to the next one. So a call that is answered at once costs
/// neither an allocation nor a wake-up here.
pub(crate) struct Calls<F> {
    places: Vec<Place<F>>,
    vacant: Vec<usize>,
    /// The places to poll next.
    due: Vec<usize>,
    woken: Arc<Woken>,
}

struct Place<F> {
    call: Pin<Box<Option<F>>>,
    signal: Arc<Signal>,
    waker: Waker,
}

/// The places that were woken since the last poll, and the turn to wake with them.
struct Woken {
    places: Mutex<Vec<usize>>,
    turn: Arc<Turn>,
}

/// What wakes a place. A waker that outlives its call wakes the next call in that place, which does no harm.
struct Signal {
    place: usize,
    is_listed: AtomicBool,
    woken: Arc<Woken>,
}

impl<F: Future<Output = ()>> Calls<F> {
    pub(crate) fn new(turn: Arc<Turn>) -> Self {
        let woken = Arc::new(Woken { places: Mutex::default(), turn });
        Calls { places: Vec::new(), vacant: Vec::new(), due: Vec::new(), woken }
    }

    /// Adds a call. It runs from the next [`poll`](Self::poll) on.
    pub(crate) fn begin(&mut self, call: impl FnOnce() -> F) {
        let place = self.vacant.pop().unwrap_or_else(|| {
            let place = self.places.len();
            let signal = Arc::new(Signal { place, is_listed: AtomicBool::new(false), woken: Arc::clone(&self.woken) });
            let waker = Waker::from(Arc::clone(&signal));
            self.places.push(Place { call: Box::pin(None), signal, waker });
            place
        });
        let vacant = &mut self.places[place].call;
        vacant.set(None); // It is None. With this the compiler knows, and builds the call in place, without a copy.
        vacant.set(Some(call()));
        self.due.push(place);
    }

    /// Polls each call that is new or was woken, once. If that takes too long for one turn, those that are left come first
    /// in the next one: then it is false.
    pub(crate) fn poll(&mut self) -> bool {
        for place in lock(&self.woken.places).drain(..) {
            self.due.push(place);
            self.places.get(place).inspect(|place| place.signal.is_listed.store(false, Ordering::Relaxed));
        }
        let mut polled = 0;
        while let Some(&place) = self.due.get(polled) {
            if polled % AT_ONCE == AT_ONCE - 1 && self.woken.turn.is_spent() {
                self.due.drain(..polled);
                self.woken.turn.wake_by_ref();
                return false;
            }
            polled += 1;
            self.poll_place(place);
        }
        self.due.clear();
        true
    }

    fn poll_place(&mut self, place: usize) {
        let Some(Place { call, waker, .. }) = self.places.get_mut(place) else { return };
        let Some(running) = call.as_mut().as_pin_mut() else { return };
        if running.poll(&mut Context::from_waker(waker)).is_ready() {
            call.set(None);
            self.vacant.push(place);
        }
    }

    /// How many calls the last [`poll`](Self::poll) has left for the next turn.
    pub(crate) fn waiting(&self) -> usize {
        self.due.len()
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.vacant.len() == self.places.len()
    }

    /// Gives back the memory of the places, if no call is in one.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            (self.places, self.vacant) = (Vec::new(), Vec::new());
        }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut places = lock(&self.woken.places);
        if !self.is_listed.load(Ordering::Relaxed) {
            self.is_listed.store(true, Ordering::Relaxed);
            places.push(self.place);
            // The first place since the last poll wakes the turn for all of them.
            if places.len() == 1 {
                drop(places);
                self.woken.turn.wake_by_ref();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::advance;

    use super::*;
    use crate::limits::TURN;

    #[tokio::test(start_paused = true)]
    async fn calls_that_one_turn_has_no_time_for_come_first_in_the_next() {
        const COUNT: usize = 10;
        let (turn, polled) = (Arc::<Turn>::default(), RefCell::new(Vec::new()));
        let mut calls = Calls::new(Arc::clone(&turn));
        let begin = |calls: &mut Calls<_>| {
            turn.begin(&Context::from_waker(Waker::noop()));
            for number in 0..COUNT {
                let polled = &polled;
                calls.begin(move || async move { polled.borrow_mut().push(number) });
            }
        };
        begin(&mut calls);
        assert!(calls.poll(), "there is time for all");
        assert_eq!(polled.take(), Vec::from_iter(0..COUNT));

        begin(&mut calls);
        advance(TURN).await;
        let mut all = Vec::new();
        while all.len() < COUNT {
            let is_done = calls.poll();
            let part = polled.take();
            assert!((1..=AT_ONCE).contains(&part.len()), "{part:?}");
            all.extend(part);
            assert_eq!((is_done, calls.waiting()), (all.len() == COUNT, COUNT - all.len()));
        }
        assert_eq!(all, Vec::from_iter(0..COUNT));
    }
}

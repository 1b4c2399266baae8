//! How many requests a turn takes before it answers them.

/// At most so many. Each request needs some kilobytes here and in h2 until it is answered: of a thousand calls at once the
/// processor's nearest cache holds none, and they cost half as much again as in eights.
const MOST: usize = 8;

/// To learn that no further request is there, h2 looks at everything that it may have to do, which is 3 % of a unary call,
/// and when the answers are written it does so anyway. So a round takes as many requests as the last turn had, and asks
/// for more only when there were that many.
#[derive(Debug)]
pub(super) struct Portion {
    size: usize,
    /// In this round, and in this turn.
    taken: usize,
    of_turn: usize,
}

impl Portion {
    pub(super) fn new() -> Self {
        Portion { size: 1, taken: 0, of_turn: 0 }
    }

    pub(super) fn begin_turn(&mut self) {
        self.size = self.of_turn.clamp(1, MOST);
        self.of_turn = 0;
    }

    pub(super) fn begin_round(&mut self) {
        self.taken = 0;
    }

    /// A request was taken. True when the round has its portion: there may be more, for another round.
    pub(super) fn is_complete_with_this(&mut self) -> bool {
        self.taken += 1;
        self.of_turn += 1;
        let is_complete = self.taken == self.size;
        if is_complete {
            self.size = MOST.min(2 * self.size);
        }
        is_complete
    }

    /// Whether this turn took a request.
    pub(super) fn has_taken(&self) -> bool {
        self.of_turn > 0
    }
}

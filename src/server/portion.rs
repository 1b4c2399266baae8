//! How many requests a turn takes before it answers them.

/// The most requests of one round. Each needs some kilobytes here and in h2 until it is answered. A thousand calls at
/// once do not fit the processor's first cache, and cost half as much again. In portions of eight a call costs 1.5 %
/// more, because h2 is polled in each round.
const MOST: usize = 16;

/// Decides how many requests a round takes: as many as the last turn had, and more only when there are that many.
///
/// To find that there is no further request, h2 looks at everything that it may have to do. That is 3 % of a unary
/// call, and h2 does it anyway when the answers are written.
#[derive(Debug)]
pub(super) struct Portion {
    size: usize,
    /// How many this round has taken.
    taken: usize,
    /// How many this turn has taken.
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

    /// Counts a request. True when the round has its portion; further requests are for another round.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How many requests each round of a turn takes, of so many that have come.
    fn turn(portion: &mut Portion, mut waiting: usize) -> Vec<usize> {
        portion.begin_turn();
        let mut rounds = Vec::new();
        while waiting > 0 {
            portion.begin_round();
            let mut taken = 0;
            while waiting > 0 {
                taken += 1;
                waiting -= 1;
                if portion.is_complete_with_this() {
                    break;
                }
            }
            rounds.push(taken);
        }
        rounds
    }

    #[test]
    fn a_round_takes_as_many_requests_as_the_last_turn_had_and_more_only_when_there_are_more() {
        let mut portion = Portion::new();
        assert!(!portion.has_taken());
        assert_eq!(turn(&mut portion, 1), [1]);
        assert!(portion.has_taken());
        assert_eq!(turn(&mut portion, 20), [1, 2, 4, 8, 5]);
        assert_eq!(turn(&mut portion, 20), [16, 4]);
        assert_eq!(turn(&mut portion, 3), [3]);
        assert_eq!(turn(&mut portion, 4), [3, 1]);
        assert!(turn(&mut portion, 0).is_empty() && !portion.has_taken());
        assert_eq!(turn(&mut portion, 2), [1, 1]);
    }
}

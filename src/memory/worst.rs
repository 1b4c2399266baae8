//! Which connections leave when the memory is used up.

use std::cmp::Reverse;

/// What counts of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// How many bytes it holds.
    pub(super) held: usize,
    /// For how many seconds it has given nothing back.
    pub(super) stalled: u64,
}

/// Those of `standings`, by their index, that have to leave so that the others hold no more than `room`; nobody if all
/// hold no more than `limit`. Twice the memory weighs as much as twice the time.
pub(super) fn worst(standings: &[Standing], limit: usize, room: usize) -> Vec<usize> {
    let mut held: usize = standings.iter().map(|standing| standing.held).sum();
    if held <= limit {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..standings.len()).collect();
    order.sort_by_key(|&index| Reverse(standings[index].held as u64 * (standings[index].stalled + 1)));
    let leaving = order.iter().take_while(|&&index| {
        let is_too_much = held > room;
        held = held.saturating_sub(standings[index].held);
        is_too_much
    });
    let leaving = leaving.count();
    order.truncate(leaving);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_leave_as_it_takes_those_first_who_hold_most_for_longest() {
        let standing = |held, stalled| Standing { held, stalled };
        let all = [standing(10, 0), standing(30, 0), standing(10, 9), standing(20, 1)];
        assert_eq!(worst(&all, 70, 60), [0_usize; 0]);
        assert_eq!(worst(&all, 69, 60), [2]);
        assert_eq!(worst(&all, 69, 59), [2, 3]);
        assert_eq!(worst(&all, 0, 0), [2, 3, 1, 0]);
    }
}

//! The notes of one RouteChat call, found by their points.

use std::{hash::BuildHasher, iter, mem};

use bytes::{Buf, BufMut, BytesMut};
use foldhash::fast::RandomState;

use super::Point;
use crate::{status::Status, wire::frame};

/// How many bytes of notes one RouteChat call may store, and [`NOTE_OVERHEAD`] more for each point: some 50,000 short
/// notes.
pub const MAX_NOTES: usize = 4 * 1024 * 1024;

/// What a point with notes costs beside their bytes: its place in the table of its call.
pub const NOTE_OVERHEAD: usize = 24;

/// All notes of a call, one behind the other as they came, and each point's as a chain through them.
///
/// So a note costs no allocation of its own, and to find those before it few lines of the processor's cache are
/// fetched. What this costs is waiting for memory, not computing. For the same reason the table of points is not asked
/// when it need not be: whoever goes a way again comes to its points in the order of the first time, so the first look
/// is at what came next then.
///
/// ```text
/// 80 00 00 34              the first note at its point (the highest bit); where the next begins, 0 after the last
/// 18 59 7f 05 d3 a1 ..     the point
/// 00 00 00 00 1b 0a ..     the note's frame
/// ```
#[derive(Debug, Default)]
pub(super) struct Notes {
    bytes: BytesMut,
    /// Where the first note at each point begins, and in the highest bits a part of the point's hash, so that few notes
    /// are looked at in vain. Never more than half full.
    table: Vec<u32>,
    points: usize,
    hasher: RandomState,
    /// Where the note begins that came after the first one at the latest point.
    guess: usize,
}

/// The bits of an entry, or of a note's first number, that say where a note begins.
const OFFSET: u32 = (1 << 23) - 1;
const VACANT: u32 = u32::MAX;
/// Marks the first note at its point.
const FIRST: u32 = 1 << 31;

/// Where a note's point stands, and its frame.
const POINT: usize = 4;
const FRAME: usize = POINT + 8;

impl Notes {
    /// Adds an encoded note at `point`, and gives the frames of those that were there before.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the call may store no more.
    pub(super) fn add(&mut self, point: Point, note: &[u8]) -> Result<impl Iterator<Item = &[u8]>, Status> {
        let start = self.bytes.len();
        let point = u64::from(point.latitude as u32) << 32 | u64::from(point.longitude as u32); // hashes in one step
        // First of all, so that the wait for this memory and that for the other notes' are one.
        self.bytes.put_u32(0);
        self.bytes.put_u64(point);
        frame::put(&mut self.bytes, false, note)?;
        let first = self.first(point, start);
        // As long as the way that the caller goes to send them all.
        let last = self.chain(first).last().unwrap_or(first);
        let link = if first == start { FIRST } else { number(&self.bytes, last) | start as u32 };
        (&mut self.bytes[last..]).put_u32(link);
        if self.bytes.len() + self.points * NOTE_OVERHEAD > MAX_NOTES {
            return Err(Status::resource_exhausted(format!("a call may store {MAX_NOTES} bytes of notes at most")));
        }
        self.guess = first + FRAME + self.frame(first).len();
        Ok(self.chain(first).take_while(move |at| *at != start).map(|at| self.frame(at)))
    }

    /// Where the first note at `point` begins: the one at `new`, if there is no other.
    fn first(&mut self, point: u64, new: usize) -> usize {
        let guess = self.guess;
        if guess < new && number(&self.bytes, guess) & FIRST != 0 && self.point_at(guess) == point {
            return guess;
        }
        if 2 * self.points >= self.table.len() {
            self.grow();
        }
        let (place, tag) = self.place(point);
        let entry = &mut self.table[place];
        if *entry == VACANT {
            *entry = tag | new as u32;
            self.points += 1;
        }
        (*entry & OFFSET) as usize
    }

    /// Where in the table `point` is or belongs, and its tag.
    fn place(&self, point: u64) -> (usize, u32) {
        let hash = self.hasher.hash_one(point);
        let (mask, tag) = (self.table.len() - 1, (hash >> 32) as u32 & !OFFSET);
        let mut place = hash as usize & mask;
        loop {
            let entry = self.table[place];
            if entry == VACANT || entry & !OFFSET == tag && self.point_at((entry & OFFSET) as usize) == point {
                return (place, tag);
            }
            place = (place + 1) & mask;
        }
    }

    fn point_at(&self, note: usize) -> u64 {
        (&self.bytes[note + POINT..]).get_u64()
    }

    fn frame(&self, note: usize) -> &[u8] {
        let frame = &self.bytes[note + FRAME..];
        &frame[..frame::PREFIX_LEN + number(frame, 1) as usize]
    }

    /// The notes at a point, from its first one on.
    fn chain(&self, first: usize) -> impl Iterator<Item = usize> {
        let next = |at: &usize| Some((number(&self.bytes, *at) & OFFSET) as usize).filter(|next| *next != 0);
        iter::successors(Some(first), next)
    }

    fn grow(&mut self) {
        let larger = vec![VACANT; (2 * self.table.len()).max(16)];
        for entry in mem::replace(&mut self.table, larger).into_iter().filter(|entry| *entry != VACANT) {
            let (place, _) = self.place(self.point_at((entry & OFFSET) as usize));
            self.table[place] = entry;
        }
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    (&bytes[at..]).get_u32()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few points, so that many notes share one, and many, so that the table grows.
        #[test]
        fn a_note_is_answered_with_all_earlier_ones_at_its_point_in_their_order(
            sent in prop::collection::vec((0..40_i32, -3..3_i32, prop::collection::vec(any::<u8>(), 0..30)), 0..400),
        ) {
            let mut notes = Notes::default();
            for (at, (latitude, longitude, note)) in sent.iter().enumerate() {
                let point = Point { latitude: *latitude, longitude: *longitude };
                let answers: Vec<&[u8]> = notes.add(point, note).unwrap().map(|frame| &frame[frame::PREFIX_LEN..]).collect();
                let earlier = sent[..at].iter().filter(|earlier| (earlier.0, earlier.1) == (*latitude, *longitude));
                prop_assert_eq!(answers, earlier.map(|earlier| &earlier.2[..]).collect::<Vec<_>>());
            }
        }
    }
}

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

/// All notes of a call, one behind the other as they came, and each point's as a ring through them.
///
/// So a note costs no allocation of its own, and to find those before it few lines of the processor's cache are
/// fetched. What this costs is waiting for memory, not computing.
///
/// ```text
/// 00 00 00 34              where the next note at this point begins: after the last comes the first
/// 18 59 7f 05 d3 a1 ..     the point
/// 00 00 00 00 1b 0a ..     the note's frame
/// ```
#[derive(Debug, Default)]
pub(super) struct Notes {
    bytes: BytesMut,
    /// Where the last note at each point begins, and in the highest bits a part of the point's hash, so that few notes
    /// are looked at in vain. Never more than half full.
    table: Vec<u32>,
    points: usize,
    hasher: RandomState,
}

/// The bits of an entry that say where a note begins.
const OFFSET: u32 = (1 << 23) - 1;
const VACANT: u32 = u32::MAX;

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
        if 2 * self.points >= self.table.len() {
            self.grow();
        }
        let (place, tag) = self.place(point);
        let before = mem::replace(&mut self.table[place], tag | start as u32);
        self.points += usize::from(before == VACANT);
        let before = if before == VACANT { start } else { (before & OFFSET) as usize };
        let bytes = &mut self.bytes;
        bytes.put_u32(start as u32);
        bytes.put_u64(point);
        frame::put(bytes, false, note)?;
        let first = number(bytes, before); // of a point's first note: itself
        (&mut bytes[before..]).put_u32(start as u32);
        (&mut bytes[start..]).put_u32(first as u32);
        if bytes.len() + self.points * NOTE_OVERHEAD > MAX_NOTES {
            let text = format!("the notes of this call exceed the {MAX_NOTES} bytes it may store");
            return Err(Status::resource_exhausted(text));
        }
        let (bytes, mut at) = (&*self.bytes, first);
        Ok(iter::from_fn(move || {
            let frame = (at != start).then_some(at + FRAME)?;
            at = number(bytes, at);
            Some(&bytes[frame..frame + frame::PREFIX_LEN + number(bytes, frame + 1)])
        }))
    }

    /// Where in the table `point` is or belongs, and its tag.
    fn place(&self, point: u64) -> (usize, u32) {
        let hash = self.hasher.hash_one(point);
        let (mask, tag) = (self.table.len() - 1, (hash >> 32) as u32 & !OFFSET);
        let mut place = hash as usize & mask;
        loop {
            let entry = self.table[place];
            if entry == VACANT || entry & !OFFSET == tag && self.point_at(entry) == point {
                return (place, tag);
            }
            place = (place + 1) & mask;
        }
    }

    fn point_at(&self, entry: u32) -> u64 {
        (&self.bytes[(entry & OFFSET) as usize + POINT..]).get_u64()
    }

    fn grow(&mut self) {
        let larger = vec![VACANT; (2 * self.table.len()).max(16)];
        for entry in mem::replace(&mut self.table, larger).into_iter().filter(|entry| *entry != VACANT) {
            let (place, _) = self.place(self.point_at(entry));
            self.table[place] = entry;
        }
    }
}

/// The number at `at`. All are within [`MAX_NOTES`] and one message.
fn number(bytes: &[u8], at: usize) -> usize {
    (&bytes[at..]).get_u32() as usize
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

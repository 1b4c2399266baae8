//! The notes of one RouteChat call, found by their points.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use prost::Message;

use super::{Point, RouteNote};
use crate::status::Status;

/// How many bytes of notes one RouteChat call may store by default: some 40,000 notes of a few words.
pub const MAX_NOTES: usize = 16 * 1024 * 1024;

/// What a note costs beside its encoded bytes: two places in a list that may be half empty, of 40 bytes each, and 32
/// bytes that the allocation of its text may be larger than the text.
pub const NOTE_OVERHEAD: usize = 112;

/// What a point costs: its places in a hash table that is at least 7/16 full, and what its list, which begins with room
/// for four notes, takes beside them.
pub const POINT_OVERHEAD: usize = 256;

/// All notes of a call: those at the same point in a list, in the order in which they came.
#[derive(Debug)]
pub(super) struct Notes {
    at: HashMap<Point, Vec<RouteNote>, RandomState>,
    /// What the notes take, overheads included, and what they may take.
    bytes: usize,
    max: usize,
}

impl Notes {
    /// Room for `max` bytes of notes.
    pub(super) fn new(max: usize) -> Self {
        Self { at: HashMap::default(), bytes: 0, max }
    }

    /// What the notes take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Stores a note, and gives those that were at its point before.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the call may store no more.
    pub(super) fn add(&mut self, mut note: RouteNote) -> Result<&[RouteNote], Status> {
        // A peer may send a text twice in a note: the last one counts, but the memory is that of the longest.
        note.message.shrink_to_fit();
        self.bytes += note.encoded_len() + NOTE_OVERHEAD;
        let notes = self.at.entry(note.location.unwrap_or_default()).or_insert_with(|| {
            self.bytes += POINT_OVERHEAD;
            Vec::new()
        });
        if self.bytes > self.max {
            return Err(Status::resource_exhausted(format!(
                "the notes of this call take more than {} bytes, the most that a call may store \
                 (the server's setting --max-notes)",
                self.max
            )));
        }
        notes.push(note);
        Ok(notes.split_last().map_or(&[], |(_, earlier)| earlier))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note(latitude: i32, longitude: i32, message: &str) -> RouteNote {
        RouteNote { location: Some(Point { latitude, longitude }), message: message.to_owned() }
    }

    /// An allocation, with what the allocator itself needs.
    fn allocated(bytes: usize) -> usize {
        if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16).max(32) }
    }

    /// The memory that the notes take: the table, with a byte of control for each of its buckets, the lists and the texts.
    fn taken(notes: &Notes) -> usize {
        let buckets = match notes.at.capacity() {
            small @ 0..=7 => small + 1,
            capacity => capacity / 7 * 8,
        };
        let table = allocated(buckets * (size_of::<(Point, Vec<RouteNote>)>() + 1) + 16);
        let lists = notes.at.values().map(|list| {
            let texts = list.iter().map(|note| allocated(note.message.capacity()));
            allocated(list.capacity() * size_of::<RouteNote>()) + texts.sum::<usize>()
        });
        table + lists.sum::<usize>()
    }

    #[test]
    fn what_is_counted_covers_the_memory_that_the_notes_take() {
        for points in [1, 2, 3, 7, 50, 1_000, i32::MAX] {
            for length in [0, 1, 17, 24, 25, 300] {
                let mut notes = Notes::new(usize::MAX);
                for count in 1..3_000 {
                    notes.add(note(count % points, 1, &"x".repeat(length))).unwrap();
                    // The table is largest for its points when it has just grown; not all steps, for time's sake.
                    if count < 20 || count % 97 == 0 || (count + 1).count_ones() <= 3 {
                        let taken = taken(&notes);
                        assert!(
                            taken <= notes.bytes && notes.bytes <= 4 * taken,
                            "{count} notes of {length} bytes at {points} points take {taken} bytes, counted as {}",
                            notes.bytes
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_note_that_passes_the_limit_is_refused_with_the_limit_and_the_setting() {
        let long = note(1, 2, &"x".repeat(1000));
        let cost = long.encoded_len() + NOTE_OVERHEAD;
        let mut notes = Notes::new(POINT_OVERHEAD + 3 * cost);
        for earlier in 0..3 {
            assert_eq!(notes.add(long.clone()).unwrap().len(), earlier);
        }
        let status = notes.add(long).unwrap_err();
        assert_eq!(status.code(), crate::wire::code::Code::RESOURCE_EXHAUSTED);
        let limit = format!("{} bytes", POINT_OVERHEAD + 3 * cost);
        assert!(status.message().contains(&limit) && status.message().contains("--max-notes"), "{status}");
    }

    #[test]
    fn a_text_that_was_sent_twice_keeps_no_memory_of_the_first() {
        let twice = [note(1, 2, &"x".repeat(100_000)).encode_to_vec(), note(1, 2, "short").encode_to_vec()].concat();
        let mut notes = Notes::new(MAX_NOTES);
        notes.add(RouteNote::decode(&twice[..]).unwrap()).unwrap();
        assert_eq!(notes.at[&Point { latitude: 1, longitude: 2 }], [note(1, 2, "short")]);
        assert!(taken(&notes) <= notes.bytes, "{} bytes are taken, {} counted", taken(&notes), notes.bytes);
    }

    proptest! {
        /// Few points, so that many notes share one.
        #[test]
        fn a_note_is_answered_with_all_earlier_ones_at_its_point_in_their_order(
            sent in prop::collection::vec((0..40_i32, -3..3_i32, ".{0,30}"), 0..400),
        ) {
            let sent: Vec<RouteNote> = sent.iter().map(|(latitude, longitude, text)| note(*latitude, *longitude, text)).collect();
            let mut notes = Notes::new(MAX_NOTES);
            for (at, new) in sent.iter().enumerate() {
                let earlier: Vec<_> = sent[..at].iter().filter(|earlier| earlier.location == new.location).cloned().collect();
                prop_assert_eq!(notes.add(new.clone()).unwrap(), earlier);
            }
        }
    }
}

//! The notes of one RouteChat call, found by their points.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::iter;

use foldhash::fast::RandomState;
use prost::Message;

use super::features::append;
use super::{Point, RouteNote};
use crate::codec::EncodedSlice;
use crate::status::Status;
use crate::wire::frame::PREFIX_LEN;

/// How many bytes of notes one RouteChat call may store by default: some 150,000 notes of a few words.
pub const MAX_NOTES: usize = 16 * 1024 * 1024;

/// The size of the first buffer for notes, and of the largest one, unless a single note is longer.
const FIRST_BUFFER: usize = 512;
const LARGEST_BUFFER: usize = 64 * 1024;

/// All notes of a call. A note is encoded once, when it comes, and is sent from where it lies as often as it is an answer.
///
/// ```text
/// at        point -> the last note there
/// buffers   next note at the same point, 8 bytes | the note in its frame | next note .. | ..
///           (after the last the first)
/// ```
#[derive(Debug)]
pub(super) struct Notes {
    at: HashMap<Point, Place, RandomState>,
    buffers: Vec<Vec<u8>>,
    /// What the buffers take, and what all may take.
    buffered: usize,
    max: usize,
}

/// Where a note lies: in which buffer, and where it begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    buffer: u32,
    start: u32,
}

/// The bytes of a [`Place`].
const PLACE: usize = 8;

/// Those notes that were at a point before the last one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Earlier {
    first: Place,
    end: Place,
}

impl Notes {
    /// Room for `max` bytes of notes.
    pub(super) fn new(max: usize) -> Self {
        Self { at: HashMap::default(), buffers: Vec::new(), buffered: 0, max }
    }

    /// The memory that the notes take, in bytes.
    pub(super) fn takes(&self) -> usize {
        // One of the table's places in eight stays empty, and each has a byte beside it.
        let places = self.at.capacity() / 7 * 8 + 8;
        self.buffered + places * (size_of::<(Point, Place)>() + 1)
    }

    /// Stores a note. Which notes were at its point before, [`frames`](Self::frames) tells.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the call may store no more.
    pub(super) fn add(&mut self, note: &RouteNote) -> Result<Earlier, Status> {
        let place = self.store(note);
        let earlier = match self.at.entry(note.location.unwrap_or_default()) {
            Entry::Vacant(point) => {
                point.insert(place);
                self.set_next(place, place);
                Earlier { first: place, end: place }
            }
            Entry::Occupied(mut last) => {
                let last = last.insert(place);
                let first = self.next(last);
                self.set_next(last, place);
                self.set_next(place, first);
                Earlier { first, end: place }
            }
        };
        if self.takes() > self.max {
            return Err(Status::resource_exhausted(format!(
                "the notes of this call take more than {} bytes, the most that a call may store \
                 (the server's setting --max-notes)",
                self.max
            )));
        }
        Ok(earlier)
    }

    /// The notes that were at a point before, each in its frame, in the order in which they came.
    pub(super) fn frames(&self, earlier: Earlier) -> impl Iterator<Item = EncodedSlice<'_, RouteNote>> {
        let mut place = earlier.first;
        iter::from_fn(move || {
            if place == earlier.end {
                return None;
            }
            let (next, rest) = self.buffers[place.buffer as usize][place.start as usize..].split_first_chunk()?;
            place = Place::from_bytes(*next);
            let [_, length @ ..] = *rest.first_chunk::<PREFIX_LEN>()?;
            Some(EncodedSlice::copied(&rest[..PREFIX_LEN + u32::from_be_bytes(length) as usize]))
        })
    }

    /// The note that follows the one at `place`.
    fn next(&self, place: Place) -> Place {
        let next = self.buffers[place.buffer as usize][place.start as usize..].first_chunk();
        next.map_or(place, |next| Place::from_bytes(*next))
    }

    fn set_next(&mut self, place: Place, next: Place) {
        self.buffers[place.buffer as usize][place.start as usize..][..PLACE].copy_from_slice(&next.to_bytes());
    }

    /// Appends a note in its frame to the last buffer, or to a new one if it has no room there.
    fn store(&mut self, note: &RouteNote) -> Place {
        let needed = PLACE + PREFIX_LEN + note.encoded_len();
        if self.buffers.last().is_none_or(|buffer| buffer.capacity() - buffer.len() < needed) {
            let size = self.buffered.clamp(FIRST_BUFFER, LARGEST_BUFFER).max(needed);
            self.buffers.push(Vec::with_capacity(size));
            self.buffered += size + size_of::<Vec<u8>>();
        }
        let number = self.buffers.len() - 1;
        let buffer = &mut self.buffers[number];
        // A buffer that has more than one note is short, and 2^32 of them would be 256 TiB.
        let place = Place { buffer: number as u32, start: buffer.len() as u32 };
        buffer.extend_from_slice(&[0; PLACE]);
        append(note, buffer);
        place
    }
}

impl Place {
    fn to_bytes(self) -> [u8; PLACE] {
        (u64::from(self.buffer) << 32 | u64::from(self.start)).to_le_bytes()
    }

    fn from_bytes(bytes: [u8; PLACE]) -> Self {
        let both = u64::from_le_bytes(bytes);
        Place { buffer: (both >> 32) as u32, start: both as u32 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note(latitude: i32, longitude: i32, message: &str) -> RouteNote {
        RouteNote { location: Some(Point { latitude, longitude }), message: message.to_owned() }
    }

    /// Adds a note, and gives those that were at its point before.
    fn add(notes: &mut Notes, note: &RouteNote) -> Vec<RouteNote> {
        let earlier = notes.add(note).unwrap();
        let decoded = |frame: EncodedSlice<'_, _>| RouteNote::decode(&frame.as_bytes()[PREFIX_LEN..]).unwrap();
        notes.frames(earlier).map(decoded).collect()
    }

    /// The memory that the notes take: the table, with a byte of control for each of its buckets, and the buffers.
    fn taken(notes: &Notes) -> usize {
        let buckets = match notes.at.capacity() {
            0 => 0,
            small @ 1..=7 => small + 1,
            capacity => capacity / 7 * 8,
        };
        let table = buckets * (size_of::<(Point, Place)>() + 1);
        table + notes.buffers.iter().map(|buffer| buffer.capacity() + size_of::<Vec<u8>>()).sum::<usize>()
    }

    #[test]
    fn what_is_counted_covers_the_memory_that_the_notes_take() {
        for points in [1, 2, 3, 7, 50, 1_000, i32::MAX] {
            for length in [0, 1, 17, 24, 25, 300, 100_000] {
                let mut notes = Notes::new(usize::MAX);
                let mut least = 0;
                for count in 1..if length > 1_000 { 30 } else { 3_000 } {
                    let note = note(count % points, 1, &"x".repeat(length));
                    notes.add(&note).unwrap();
                    least += PLACE + PREFIX_LEN + note.encoded_len();
                    let (taken, takes) = (taken(&notes), notes.takes());
                    let told =
                        format!("{count} notes of {length} bytes at {points} points: {taken} bytes, told {takes}");
                    assert!(taken <= takes && takes <= taken + 8 * 17, "{told}");
                    // Half of each buffer may be lost, and a new one is as large as all before it.
                    let most = 4 * least + FIRST_BUFFER + size_of::<Vec<u8>>() * notes.buffers.len();
                    assert!(notes.buffered <= most, "{told}, buffers for {least}");
                }
            }
        }
    }

    #[test]
    fn the_note_that_passes_the_limit_is_refused_with_the_limit_and_the_setting() {
        let long = note(1, 2, &"x".repeat(1000));
        let mut notes = Notes::new(usize::MAX);
        for earlier in 0..3 {
            assert_eq!(add(&mut notes, &long).len(), earlier);
        }
        notes.max = notes.takes();
        // There may be room in the last buffer.
        let status = (0..10).find_map(|_| notes.add(&long).err()).unwrap();
        assert_eq!(status.code(), crate::wire::code::Code::RESOURCE_EXHAUSTED);
        let limit = format!("{} bytes", notes.max);
        assert!(status.message().contains(&limit) && status.message().contains("--max-notes"), "{status}");
    }

    #[test]
    fn a_text_that_was_sent_twice_takes_no_memory_for_the_first() {
        let twice = [note(1, 2, &"x".repeat(100_000)).encode_to_vec(), note(1, 2, "short").encode_to_vec()].concat();
        let mut notes = Notes::new(MAX_NOTES);
        notes.add(&RouteNote::decode(&twice[..]).unwrap()).unwrap();
        assert_eq!(add(&mut notes, &note(1, 2, "")), [note(1, 2, "short")]);
        assert!(notes.takes() < 1_000, "{} bytes", notes.takes());
    }

    proptest! {
        /// Few points, so that many notes share one.
        #[test]
        fn a_note_is_answered_with_all_earlier_ones_at_its_point_in_their_order(
            sent in prop::collection::vec((0..40_i32, -3..3_i32, ".{0,30}", 0..40_usize), 0..400),
        ) {
            // One in 40 is too long for the buffers of the others.
            let text = |text: &str, index| if index == 0 { text.repeat(5_000) } else { text.to_owned() };
            let sent: Vec<RouteNote> = sent
                .iter()
                .map(|(latitude, longitude, words, index)| note(*latitude, *longitude, &text(words, *index)))
                .collect();
            let mut notes = Notes::new(usize::MAX);
            for (at, new) in sent.iter().enumerate() {
                let earlier: Vec<_> = sent[..at].iter().filter(|earlier| earlier.location == new.location).cloned().collect();
                prop_assert_eq!(add(&mut notes, new), earlier);
            }
        }
    }
}

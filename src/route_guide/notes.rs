//! The notes of one RouteChat call, found by their points.

use std::{iter, mem};

use bytes::{BufMut, BytesMut};
use foldhash::HashMap;

use super::Point;
use crate::{status::Status, wire::frame};

/// How many bytes of notes one RouteChat call may store, and [`NOTE_OVERHEAD`] more for each point: some 40,000 short
/// notes.
pub const MAX_NOTES: usize = 4 * 1024 * 1024;

/// What a point with notes costs beside their bytes: its place in the map of its call.
pub const NOTE_OVERHEAD: usize = 64;

/// All notes of a call, one behind the other as they came, and each point's as a chain through them.
///
/// So a note costs no allocation of its own, and to find those before it few lines of the processor's cache are
/// fetched. What this costs is waiting for memory, not computing.
///
/// ```text
/// 00 00 00 2c              where the next note at this point begins; meaningless in the last
/// 00 00 00 23              where this one ends
/// 00 00 00 00 1b 0a ..     its frame
/// ```
#[derive(Debug, Default)]
pub(super) struct Notes {
    bytes: BytesMut,
    chains: HashMap<u64, Chain>,
}

/// Where the first and the last note at a point begin.
#[derive(Debug)]
struct Chain {
    first: u32,
    last: u32,
}

/// The length of a number between the notes.
const LINK: usize = 4;

impl Notes {
    /// Adds an encoded note at `point`, and gives the frames of those that were there before.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the call may store no more.
    pub(super) fn add(&mut self, point: Point, note: &[u8]) -> Result<impl Iterator<Item = &[u8]>, Status> {
        let start = self.bytes.len();
        self.bytes.put_bytes(0, 2 * LINK);
        frame::put(&mut self.bytes, false, note)?;
        self.link(start + LINK, self.bytes.len());
        let key = u64::from(point.latitude as u32) << 32 | u64::from(point.longitude as u32); // hashes in one step
        let chain = self.chains.entry(key).or_insert(Chain { first: start as u32, last: start as u32 });
        let (mut at, before) = (chain.first as usize, mem::replace(&mut chain.last, start as u32));
        self.link(before as usize, start); // the first note at a point has a link to itself, which nobody follows
        if self.bytes.len() + self.chains.len() * NOTE_OVERHEAD > MAX_NOTES {
            let text = format!("the notes of this call exceed the {MAX_NOTES} bytes it may store");
            return Err(Status::resource_exhausted(text));
        }
        let notes = &*self;
        Ok(iter::from_fn(move || {
            let note = (at < start).then_some(at)?;
            at = notes.linked(note);
            Some(&notes.bytes[note + 2 * LINK..notes.linked(note + LINK)])
        }))
    }

    /// Writes the number at `at`. All are within [`MAX_NOTES`] and one message.
    fn link(&mut self, at: usize, to: usize) {
        self.bytes[at..at + LINK].copy_from_slice(&(to as u32).to_be_bytes());
    }

    fn linked(&self, at: usize) -> usize {
        self.bytes[at..].first_chunk().map_or(0, |&link| u32::from_be_bytes(link) as usize)
    }
}

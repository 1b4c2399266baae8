//! Where in the frames of HTTP/2 the network splits and cuts: counted, so that the simulation can show that it does so
//! everywhere.

use std::sync::{Arc, Mutex, MutexGuard};

/// The length of a frame's head (RFC 9113, section 4.1), and that of the prefix of a gRPC message.
const HEAD: usize = 9;
const PREFIX: usize = 5;

/// The type of DATA frames.
const DATA: u8 = 0;

/// "The client connection preface starts with a sequence of 24 octets" (RFC 9113, section 3.4).
const PREFACE: usize = 24;

/// A place in one direction's bytes.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// How much of the preface is still to come.
    preface: usize,
    /// How much of the frame has come. At a frame's end it is 0.
    at: usize,
    /// Its payload's length and its type, once they have come.
    len: usize,
    kind: u8,
}

impl Place {
    pub fn before_preface() -> Place {
        Place { preface: PREFACE, ..Place::default() }
    }

    /// Goes on by `bytes`.
    pub fn pass(&mut self, mut bytes: &[u8]) {
        bytes = &bytes[take(&mut self.preface, bytes.len())..];
        while let Some(&byte) = bytes.first() {
            let step = match self.at {
                0..3 => {
                    self.len = if self.at == 0 { byte.into() } else { self.len << 8 | usize::from(byte) };
                    1
                }
                3 => {
                    self.kind = byte;
                    1
                }
                4..HEAD => 1,
                at => bytes.len().min(HEAD + self.len - at),
            };
            self.at += step;
            if self.at >= HEAD && self.at == HEAD + self.len {
                self.at = 0;
            }
            bytes = &bytes[step..];
        }
    }
}

/// Takes up to `most` off `left`, and gives what it has taken.
fn take(left: &mut usize, most: usize) -> usize {
    let taken = most.min(*left);
    *left -= taken;
    taken
}

/// What a network has done to the bytes of all its connections.
#[derive(Clone, Debug, Default)]
pub struct Places(Arc<Mutex<Counts>>);

#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Reads that have brought one byte, and those whose bytes came later than they were sent.
    pub single: u64,
    pub late: u64,
    /// Reads that have ended in a frame's head, by how much of it had come.
    pub in_head: [u64; HEAD],
    /// Those that have ended in the first bytes of a DATA frame, where a message's prefix often stands; after a head alone
    /// it is the first count.
    pub in_prefix: [u64; PREFIX],
    /// Those further behind.
    pub in_payload: u64,
    /// Directions whose last read ended in a frame's head, or behind it.
    pub lost_in_head: u64,
    pub lost_in_payload: u64,
}

impl Places {
    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap()
    }

    /// A read of `count` bytes has ended at `place`.
    pub fn read(&self, place: &Place, count: usize, is_late: bool) {
        let counts = &mut *self.counts();
        counts.single += u64::from(count == 1);
        counts.late += u64::from(is_late);
        match place.at {
            0 => {}
            at @ 1..HEAD => counts.in_head[at] += 1,
            at if place.kind == DATA && at < HEAD + PREFIX => counts.in_prefix[at - HEAD] += 1,
            _ => counts.in_payload += 1,
        }
    }

    /// Nothing is read behind `place`.
    pub fn last(&self, place: &Place) {
        let counts = &mut *self.counts();
        match place.at {
            0 => {}
            1..HEAD => counts.lost_in_head += 1,
            _ => counts.lost_in_payload += 1,
        }
    }
}

impl Counts {
    /// What there was none of.
    pub fn missing(&self) -> Vec<String> {
        let places = self.in_head[1..]
            .iter()
            .enumerate()
            .map(|(at, count)| (format!("a split after {} bytes of a head", at + 1), *count));
        let prefix =
            self.in_prefix.iter().enumerate().map(|(at, count)| (format!("a split after {at} bytes of DATA"), *count));
        let others = [
            ("a read of one byte", self.single),
            ("a read of late bytes", self.late),
            ("a split in a payload", self.in_payload),
            ("an end in a head", self.lost_in_head),
            ("an end in a payload", self.lost_in_payload),
        ];
        let others = others.map(|(what, count)| (what.to_owned(), count));
        places.chain(prefix).chain(others).filter(|(_, count)| *count == 0).map(|(what, _)| what).collect()
    }
}

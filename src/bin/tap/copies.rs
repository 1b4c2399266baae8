//! What has passed, on its way to the thread that explains it. The way is bounded: where the explanations fall behind by
//! more than that, bytes pass without a copy, and their number is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use h2grpc::transcript::{Direction, grouped};

/// What the explaining thread is told.
#[derive(Debug)]
pub enum Copy {
    Opened { about: String },
    Bytes { direction: Direction, bytes: Box<[u8]> },
    Skipped { direction: Direction, bytes: u64 },
    Closed { how: String },
    Said { text: String },
}

/// A copy of what has passed on a connection, and when.
#[derive(Debug)]
pub struct Passed {
    pub connection: u64,
    pub at: Duration,
    pub copy: Copy,
    /// How much of the bound it takes.
    cost: usize,
}

/// What a copy takes beside its bytes.
const OVERHEAD: usize = 128;

/// The sender's side.
#[derive(Clone, Debug)]
pub struct Copies {
    sender: Sender<Passed>,
    began: Instant,
    held: Arc<AtomicUsize>,
    limit: usize,
    /// How many connections could not be explained since the last that could.
    lost: Arc<AtomicUsize>,
}

/// The explaining thread's side.
#[derive(Debug)]
pub struct Arriving {
    pub receiver: Receiver<Passed>,
    held: Arc<AtomicUsize>,
}

impl Copies {
    /// A way for at most `limit` bytes.
    pub fn new(limit: usize) -> (Copies, Arriving) {
        let (sender, receiver) = mpsc::channel();
        let held = Arc::new(AtomicUsize::new(0));
        let copies =
            Copies { sender, began: Instant::now(), held: held.clone(), limit, lost: Arc::new(AtomicUsize::new(0)) };
        (copies, Arriving { receiver, held })
    }

    /// A connection begins. `None` if it cannot be explained because the explanations are too far behind.
    pub fn opened(&self, connection: u64, about: String) -> Option<Opened> {
        // What it takes covers its end, which must always be told.
        if !self.send(connection, Copy::Opened { about }, 4 * OVERHEAD) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            self.say(0, format!("{} connections before were not explained at all", grouped(lost)));
        }
        Some(Opened { copies: self.clone(), connection, skipped: Arc::default() })
    }

    /// Something to say that is about no byte.
    pub fn say(&self, connection: u64, text: String) {
        self.send(connection, Copy::Said { text }, OVERHEAD);
    }

    fn send(&self, connection: u64, copy: Copy, cost: usize) -> bool {
        let held = self.held.fetch_add(cost, Ordering::Relaxed) + cost;
        if cost > 0 && held > self.limit {
            self.held.fetch_sub(cost, Ordering::Relaxed);
            return false;
        }
        // It fails where nobody explains any more. Then nothing is held either.
        // Microseconds are what a saved transcript tells.
        let at = Duration::from_micros(self.began.elapsed().as_micros() as u64);
        self.sender.send(Passed { connection, at, copy, cost }).is_ok()
    }
}

/// A connection that is explained.
#[derive(Debug)]
pub struct Opened {
    copies: Copies,
    connection: u64,
    skipped: Skipped,
}

/// How many bytes of each direction have passed without a copy since the last that was told of.
type Skipped = Arc<[AtomicU64; 2]>;

impl Opened {
    /// For the bytes of one direction.
    pub fn way(&self, direction: Direction) -> Way {
        Way { copies: self.copies.clone(), connection: self.connection, direction, skipped: self.skipped.clone() }
    }

    /// The connection is over.
    pub fn closed(self, how: String) {
        self.copies.send(self.connection, Copy::Closed { how }, 0);
    }
}

/// One direction of a connection.
#[derive(Debug)]
pub struct Way {
    copies: Copies,
    connection: u64,
    direction: Direction,
    skipped: Skipped,
}

impl Way {
    /// Bytes pass.
    pub fn copy(&mut self, bytes: &[u8]) {
        // What was skipped the other way may be what these bytes answer, so it is told before them, too.
        let told = Direction::BOTH.into_iter().all(|direction| self.tell_skipped(direction, OVERHEAD));
        let cost = bytes.len() + OVERHEAD;
        let copy = Copy::Bytes { direction: self.direction, bytes: bytes.into() };
        if !told || !self.copies.send(self.connection, copy, cost) {
            self.skipped[self.direction.index()].fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
    }

    /// Tells how many bytes of a direction were skipped, if any were. False if that is not possible now.
    fn tell_skipped(&self, direction: Direction, cost: usize) -> bool {
        let skipped = &self.skipped[direction.index()];
        let bytes = skipped.swap(0, Ordering::Relaxed);
        let told = bytes == 0 || self.copies.send(self.connection, Copy::Skipped { direction, bytes }, cost);
        if !told {
            skipped.fetch_add(bytes, Ordering::Relaxed);
        }
        told
    }
}

impl Drop for Way {
    /// What was skipped last must be told too: it takes what the connection's beginning has paid for.
    fn drop(&mut self) {
        self.tell_skipped(self.direction, 0);
    }
}

impl Arriving {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.held.load(Ordering::Relaxed) == 0
    }

    /// The copy was dealt with.
    pub fn done(&self, passed: &Passed) {
        self.held.fetch_sub(passed.cost, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_bound_bytes_pass_without_a_copy_and_are_counted() {
        let (copies, arriving) = Copies::new(4 * OVERHEAD + 2 * (OVERHEAD + 100));
        let opened = copies.opened(1, "a".into()).unwrap();
        assert!(copies.opened(2, "b".into()).is_none());
        let mut way = opened.way(Direction::ToServer);
        for _ in 0..5 {
            way.copy(&[7; 100]);
        }
        let mut kinds = Vec::new();
        let mut take = |most: usize| {
            for _ in 0..most {
                let Ok(passed) = arriving.receiver.try_recv() else { break };
                kinds.push(match &passed.copy {
                    Copy::Bytes { bytes, .. } => format!("{} bytes", bytes.len()),
                    Copy::Skipped { bytes, .. } => format!("{bytes} skipped"),
                    other => format!("{other:?}"),
                });
                arriving.done(&passed);
            }
        };
        take(3);
        way.copy(&[8; 50]);
        drop(way);
        opened.closed("done".into());
        take(9);
        let expected = [
            "Opened { about: \"a\" }",
            "100 bytes",
            "100 bytes",
            "300 skipped",
            "50 bytes",
            "Closed { how: \"done\" }",
        ];
        assert_eq!(kinds, expected);
        assert_eq!(arriving.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_was_skipped_one_way_is_told_before_the_answer_the_other_way() {
        let (copies, arriving) = Copies::new(4 * OVERHEAD + (OVERHEAD + 100));
        let opened = copies.opened(1, "a".into()).unwrap();
        let (mut to_server, mut to_client) = (opened.way(Direction::ToServer), opened.way(Direction::ToClient));
        to_server.copy(&[1; 100]);
        to_server.copy(&[2; 100]);
        while let Ok(passed) = arriving.receiver.try_recv() {
            arriving.done(&passed);
        }
        to_client.copy(&[3; 100]);
        let copies: Vec<Copy> = std::iter::from_fn(|| Some(arriving.receiver.try_recv().ok()?.copy)).collect();
        assert!(matches!(copies[0], Copy::Skipped { direction: Direction::ToServer, bytes: 100 }), "{copies:?}");
        assert!(matches!(copies[1], Copy::Bytes { direction: Direction::ToClient, .. }), "{copies:?}");
    }
}

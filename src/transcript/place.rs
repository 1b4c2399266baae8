//! Where bytes are.

use super::record::Direction;

/// Some bytes of one direction, counted from the first byte that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which way the bytes went.
    pub direction: Direction,
    /// The first byte.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

//! Which features lie in a rectangle, without asking each one.
//!
//! All points are sorted by longitude and cut into strips of equal size; inside a strip they are sorted by latitude. A
//! rectangle meets few strips, and in each of them the points between its south and its north are neighbours, which a
//! binary search finds. Only their longitudes are left to compare:
//!
//! ```text
//! |      |    |  |        |      four strips with as many points each:
//! |    +-+----+--+---+    |      narrow ones where the points are dense
//! |    |·|····|··|···|    |
//! |    +-+----+--+---+    |      the rectangle meets all four
//! |      |    |  |        |
//! ```

use std::{iter::Peekable, ops::Range, vec};

use super::{Point, geo::Bounds};

/// A strip has this many times √n of n points. With more, wide rectangles cost less; with fewer, tall ones.
const STRIP: usize = 8;

/// A rectangle with more than one in so many of the points is found by comparing every point, so that a call whose client
/// reads slowly keeps few indexes. With one in six of them it is faster, too: what the strips hold has to be sorted.
const SCAN_SHARE: usize = 16;

/// The features inside a rectangle, as maximal runs of neighbours: ranges of database indexes in ascending order.
///
/// A run's length is its number of features; `flatten()` gives the indexes one by one. At most a sixteenth of the
/// database's indexes is kept here: a rectangle that holds more is searched run by run, as they are asked for.
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    points: &'a [Point],
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    /// The rectangle holds everything: one run.
    All(Option<Range<usize>>),
    /// The indexes that the strips gave, sorted.
    Found(Peekable<vec::IntoIter<u32>>),
    /// Every point from the index `next` on is compared.
    Scan { bounds: Bounds, next: usize },
}

impl<'a> Runs<'a> {
    /// The runs of `points` inside `bounds`; `strips` were made of these points.
    pub(super) fn new(bounds: &Bounds, strips: &Strips, points: &'a [Point]) -> Self {
        let way = if strips.0.iter().all(|strip| bounds.covers(&strip.extent)) {
            Way::All(Some(0..points.len()).filter(|run| !run.is_empty()))
        } else if let Some(found) = strips.search(bounds, points.len() / SCAN_SHARE) {
            Way::Found(found.into_iter().peekable())
        } else {
            Way::Scan { bounds: *bounds, next: 0 }
        };
        Self { points, way }
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        match &mut self.way {
            Way::All(run) => run.take(),
            Way::Found(found) => {
                let start = found.next()?;
                let mut end = start + 1;
                while found.next_if_eq(&end).is_some() {
                    end += 1;
                }
                Some(start as usize..end as usize)
            }
            Way::Scan { bounds, next } => {
                let points = &self.points[*next..];
                let outside = points.iter().position(|point| bounds.contains(point)).unwrap_or(points.len());
                let inside = points[outside..].iter().take_while(|point| bounds.contains(point)).count();
                let start = *next + outside;
                *next = start + inside;
                Some(start..*next).filter(|run| !run.is_empty())
            }
        }
    }
}

/// Every point and its database index, strip by strip from west to east.
pub(super) struct Strips(Vec<Strip>);

struct Strip {
    extent: Bounds,
    /// From south to north.
    entries: Box<[Entry]>,
}

#[derive(Clone, Copy)]
struct Entry {
    latitude: i32,
    longitude: i32,
    index: u32,
}

impl Strips {
    pub(super) fn new(points: &[Point]) -> Self {
        let entry =
            |(point, index): (&Point, u32)| Entry { latitude: point.latitude, longitude: point.longitude, index };
        let mut entries: Vec<Entry> = points.iter().zip(0..).map(entry).collect();
        entries.sort_unstable_by_key(|entry| entry.longitude);
        let size = (STRIP * points.len().isqrt()).max(1);
        Self(entries.chunks(size).map(Strip::new).collect())
    }

    /// The database indexes of the points inside, in ascending order; `None` when they are more than `limit`.
    fn search(&self, bounds: &Bounds, limit: usize) -> Option<Vec<u32>> {
        let mut found = Vec::new();
        let first = self.0.partition_point(|strip| strip.extent.east < bounds.west);
        for strip in self.0[first..].iter().take_while(|strip| strip.extent.west <= bounds.east) {
            let south = strip.entries.partition_point(|entry| entry.latitude < bounds.south);
            let (_, entries) = strip.entries.split_at(south);
            let north = entries.partition_point(|entry| entry.latitude <= bounds.north);
            let inside = |entry: &&Entry| (bounds.west..=bounds.east).contains(&entry.longitude);
            found.extend(entries[..north].iter().filter(inside).map(|entry| entry.index));
            if found.len() > limit {
                return None;
            }
        }
        found.sort_unstable();
        Some(found)
    }
}

impl Strip {
    /// A strip of `entries`, which are sorted from west to east and not empty.
    fn new(entries: &[Entry]) -> Self {
        let (west, east) = (entries[0].longitude, entries[entries.len() - 1].longitude);
        let mut entries: Box<[Entry]> = entries.into();
        entries.sort_unstable_by_key(|entry| entry.latitude);
        let (south, north) = (entries[0].latitude, entries[entries.len() - 1].latitude);
        Self { extent: Bounds { south, north, west, east }, entries }
    }
}

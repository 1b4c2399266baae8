//! The tables that a field may refer to: the static one, which all connections share, and the dynamic one of one
//! direction, which the blocks themselves fill.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;

use super::super::place::Place;

/// The static table (Appendix A), entries 1 to 61: names and values.
static STATIC: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| ENTRIES.split('|').map(|entry| entry.split_once(' ').unwrap_or((entry, ""))).collect());
const ENTRIES: &str = ":authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|\
    :status 204|:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|\
    accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|\
    content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|\
    cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|\
    last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|\
    server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate";

/// How many entries the static table has; the dynamic one follows.
pub(super) const STATIC_ENTRIES: usize = 61;

/// The size that each dynamic table begins with.
const INITIAL: usize = 4096;

/// How much is kept of a table whose capacity is not known. Indices count from the newest, so what is older than all
/// that a peer may still refer to does no harm.
const UNKNOWN: usize = 64 * 1024;

/// An entry of the dynamic table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which it is of those that the recording saw added, from 1 on.
    pub number: u64,
    /// The name; `None` where it was taken from an entry that is not known.
    pub name: Option<Bytes>,
    /// The value.
    pub value: Bytes,
    /// The bytes that added it.
    pub added_by: Place,
}

impl Entry {
    /// Section 4.1: an entry's size, with an allowance for its bookkeeping.
    pub fn size(&self) -> usize {
        self.name.as_ref().map_or(0, Bytes::len) + self.value.len() + 32
    }
}

/// What an index refers to.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Static(&'static str, &'static str),
    Dynamic(Arc<Entry>),
    /// An entry that was added before the recording began.
    Older,
}

/// One direction's dynamic table.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    entries: VecDeque<Arc<Entry>>,
    size: usize,
    /// `None` where it was decided before the recording.
    capacity: Option<usize>,
    /// Whether there may be entries that are older than all of these.
    older: bool,
    /// How many were added.
    added: u64,
}

impl Table {
    /// The table of a connection that begins.
    pub(super) fn new() -> Self {
        Table { entries: VecDeque::new(), size: 0, capacity: Some(INITIAL), older: false, added: 0 }
    }

    /// Some of what was added is not known: nothing that is known keeps its index.
    pub(super) fn lose(&mut self) -> Vec<Arc<Entry>> {
        self.older = true;
        self.capacity = None;
        self.size = 0;
        self.entries.drain(..).collect()
    }

    /// The entries, the newest first: the first of them has index 62.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter()
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn get(&self, index: usize) -> Result<Found, String> {
        let place = index.checked_sub(1).ok_or("index 0")?;
        if let Some((name, value)) = STATIC.get(place) {
            return Ok(Found::Static(name, value));
        }
        match self.entries.get(place - STATIC_ENTRIES) {
            Some(entry) => Ok(Found::Dynamic(entry.clone())),
            None if self.older => Ok(Found::Older),
            None => Err(format!("index {index}, where the tables end at {}", STATIC_ENTRIES + self.entries.len())),
        }
    }

    /// Adds an entry; returns it, and those that it drives out.
    pub(super) fn add(&mut self, name: Option<Bytes>, value: Bytes, added_by: Place) -> (Arc<Entry>, Vec<Arc<Entry>>) {
        self.added += 1;
        let entry = Arc::new(Entry { number: self.added, name, value, added_by });
        self.size += entry.size();
        self.entries.push_front(entry.clone());
        (entry, self.evict())
    }

    /// Gives the table a new size; returns the entries that no longer fit.
    pub(super) fn resize(&mut self, size: usize) -> Vec<Arc<Entry>> {
        self.capacity = Some(size);
        let evicted = self.evict();
        self.older &= size > 0;
        evicted
    }

    /// Section 4.4: the oldest entries go until the others fit; a new one that is larger than the table goes too.
    fn evict(&mut self) -> Vec<Arc<Entry>> {
        let mut evicted = Vec::new();
        while self.size > self.capacity.unwrap_or(UNKNOWN) {
            let Some(entry) = self.entries.pop_back() else { break };
            self.size -= entry.size();
            evicted.push(entry);
        }
        // What is older than an entry that had to go is gone as well.
        self.older &= evicted.is_empty() || self.capacity.is_none();
        evicted
    }
}

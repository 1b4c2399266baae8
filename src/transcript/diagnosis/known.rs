//! What is known of a call that is open, and why it does not go on.

use std::time::Duration;

use super::super::event::Event;
use super::super::record::Direction;
use super::super::text::bytes;
use super::words::{ago, side};

/// What is told of as waiting has waited so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of a call.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) deadline: Option<(String, Duration)>,
    pub(super) began: Duration,
    /// The last frame of each direction.
    pub(super) last: [Option<Duration>; 2],
    /// Windows that are empty, by the direction of the DATA: since when.
    pub(super) stalled: [Option<Duration>; 2],
    /// How many bytes each side owes of the message that it has begun.
    pub(super) owed: [Option<usize>; 2],
    pub(super) ended: [bool; 2],
    pub(super) status: bool,
}

impl Known {
    pub(super) fn seen(&mut self, event: &Event) {
        self.last[event.direction.index()] = Some(event.at);
        self.ended[event.direction.index()] |= event.frame.has("END_STREAM");
    }

    /// Why a side of the call does not go on though it has begun something.
    pub(super) fn waits(&self, stream: u32, way: Direction, now: Duration) -> Option<(Duration, String)> {
        let since = self.stalled[way.index()].filter(|since| now.saturating_sub(*since) >= PATIENCE)?;
        let owed = self.owed[way.index()].filter(|owed| *owed > 0);
        let owed = owed.map_or_else(String::new, |owed| format!(" and {} has {} for it", side(way), bytes(owed)));
        let text = format!(
            "stream {stream} waits: its window is 0{owed}; {} has not opened it for {}",
            side(way.other()),
            ago(now, since)
        );
        Some((since, text))
    }

    /// Nothing moves, and no window is to blame.
    pub(super) fn silent(&self, stream: u32, now: Duration) -> Option<(Duration, String)> {
        let since = self.last.into_iter().flatten().max().unwrap_or(self.began);
        if now.saturating_sub(since) < PATIENCE {
            return None;
        }
        let for_whom = if self.ended[0] { "the server to answer" } else { "the client or the server to go on" };
        Some((since, format!("stream {stream} waits for {for_whom}, {} after its last frame", ago(now, since))))
    }
}

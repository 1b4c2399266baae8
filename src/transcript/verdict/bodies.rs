//! Rules of bodies: whole messages, flags, and how each side ends.

use std::collections::HashMap;

use super::super::event::Event;
use super::super::record::Direction;
use super::found::{Found, who};

/// Messages that are not whole yet.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// By stream and direction: which message is open.
    open: HashMap<(u32, Direction), usize>,
}

/// More open messages than this are not followed: somebody opens calls and forgets them.
const FOLLOWED: usize = 10_000;

impl Bodies {
    pub(super) fn check(&mut self, event: &Event, found: &mut Found<'_>) {
        let (frame, direction, key) = (&event.frame, event.direction, (event.stream(), event.direction));
        for piece in &event.pieces {
            let flag = piece.compressed.filter(|_| piece.from == 0);
            found.add_if(flag.is_some_and(|flag| flag > 1), "grpc.compressed-flag", || {
                format!("{} sends a message whose compressed flag is {}", who(direction), flag.unwrap_or_default())
            });
            let encoding = event.about.as_ref().and_then(|about| about.encoding.as_deref());
            let named = encoding.is_some_and(|encoding| encoding != "identity");
            found.add_if(flag == Some(1) && !named, "compression.flag-needs-encoding", || {
                format!("{} sends a compressed message, and its head has no grpc-encoding", who(direction))
            });
        }
        if let Some(last) = event.pieces.last() {
            if last.message.is_some() {
                self.open.remove(&key);
            } else if self.open.len() < FOLLOWED {
                self.open.insert(key, last.number);
            }
        }
        let grpc = event.about.as_ref().is_some_and(|about| about.grpc);
        found.add_if(
            frame.is("DATA") && frame.has("END_STREAM") && direction == Direction::ToClient && grpc,
            "grpc.response-end",
            || "the server ends the call with DATA: a response ends with trailers".into(),
        );
        if frame.has("END_STREAM") {
            let open = self.open.remove(&key);
            found.add_if(open.is_some(), "grpc.whole-messages", || {
                format!("{} ends within message {}", who(direction), open.unwrap_or_default())
            });
        }
        if frame.is("RST_STREAM") || event.ended.is_some() {
            for way in Direction::BOTH {
                self.open.remove(&(event.stream(), way));
            }
        }
    }
}

//! Whether a body is as long as its content-length says.

use std::collections::HashMap;

use super::super::event::Event;
use super::super::grpc::Role;
use super::super::record::Direction;
use super::found::{Found, who};

/// Bodies that have a content-length and have not ended.
#[derive(Debug, Default)]
pub(super) struct Lengths(HashMap<(u32, Direction), Length>);

#[derive(Clone, Copy, Debug)]
struct Length {
    announced: u64,
    came: u64,
}

/// More bodies than this are not followed: somebody opens calls and forgets them.
const FOLLOWED: usize = 10_000;

impl Lengths {
    pub(super) fn check(&mut self, event: &Event, found: &mut Found<'_>) {
        let (frame, key) = (&event.frame, (event.stream(), event.direction));
        if let Some(announced) = announced(event).filter(|_| self.0.len() < FOLLOWED) {
            self.0.insert(key, Length { announced, came: 0 });
        }
        if let Some(length) = self.0.get_mut(&key).filter(|_| frame.is("DATA")) {
            length.came += content(event);
        }
        let ends = frame.has("END_STREAM");
        let length = self.0.get(&key).copied();
        let wrong = length.filter(|length| length.came > length.announced || ends && length.came < length.announced);
        if let Some(Length { announced, came }) = wrong {
            found.add("h2.content-length", format!("{} announces {announced} bytes and sends {came}", who(key.1)));
        }
        if ends || wrong.is_some() {
            self.0.remove(&key);
        }
        if frame.is("RST_STREAM") || event.ended.is_some() {
            for way in Direction::BOTH {
                self.0.remove(&(event.stream(), way));
            }
        }
    }
}

/// The content-length of a head. A response without a body may have that of a body it stands for, as one to HEAD has.
fn announced(event: &Event) -> Option<u64> {
    let block = event.block.as_deref()?;
    let has_body = match event.role {
        Role::RequestHead => true,
        Role::ResponseHead => !event.frame.has("END_STREAM"),
        _ => false,
    };
    let value = block.get("content-length").filter(|_| has_body)?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The bytes of a DATA frame without its padding.
fn content(event: &Event) -> u64 {
    let padding = event.frame.padding().map_or(0, |padding| 1 + padding);
    event.frame.length().saturating_sub(padding) as u64
}

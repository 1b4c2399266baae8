//! A frame of a connection with what its bytes mean.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::http2::Frame;
use super::layout::Layout;
use super::part::Part;
use super::record::Direction;

/// A frame and which way it went.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which way.
    pub direction: Direction,
    /// The frame.
    pub frame: Frame,
    /// What the frame is to its call, e.g. "request head"; may be empty.
    pub role: String,
    /// The frame's bytes, piece by piece.
    pub parts: Vec<Part>,
    /// The piece of a header block or body that no part explains yet.
    content: Bytes,
    padding: Option<Part>,
}

impl Event {
    pub(super) fn new(direction: Direction, frame: Frame) -> Self {
        let Layout { parts, content, padding } = Layout::of(&frame);
        Event { direction, frame, role: String::new(), parts, content, padding }
    }

    /// Adds what stands after the content, and names the messages that the frame has.
    pub(super) fn finish(&mut self) {
        if !self.content.is_empty() {
            let name = if self.frame.name() == "DATA" { "data" } else { "header block" };
            self.parts.push(Part::new(std::mem::take(&mut self.content), name, "", "not explained"));
        }
        self.parts.extend(self.padding.take());
        let mut messages = self.parts.iter().filter_map(|part| part.message);
        if let Some(first) = messages.next() {
            let last = messages.next_back().unwrap_or(first);
            self.role = if first == last { format!("message {first}") } else { format!("messages {first} to {last}") };
        }
    }
}

/// The content of these frames of `events` as a single string of bytes.
pub(super) fn content(events: &[Event], frames: &[usize]) -> Bytes {
    frames.iter().map(|at| &events[*at].content[..]).collect::<Vec<_>>().concat().into()
}

/// Gives the parts of a string of bytes to the frames that hold the string, cutting those that cross a border.
pub(super) fn lay(parts: Vec<Part>, events: &mut [Event], frames: &[usize]) {
    let mut left = VecDeque::from(parts);
    for at in frames {
        let Event { content, parts, .. } = &mut events[*at];
        while let Some(mut part) = left.pop_front_if(|part| part.bytes.is_empty() || !content.is_empty()) {
            if part.bytes.len() > content.len() {
                let bytes = part.bytes.split_off(content.len());
                left.push_front(Part { bytes, value: Bytes::new(), note: "continued".into(), ..part.clone() });
                part.note += "; goes on in the next frame";
            }
            content.advance(part.bytes.len());
            parts.push(part);
        }
    }
}

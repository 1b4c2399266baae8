//! What the server has said of a call, whose status at the client must be that.

use super::calls::{NUMBER, Shape};
use crate::answers::{Answer, all, answers};
use crate::tape::{Event, Tape};

/// Whether on one of its streams the server has answered the call of this shape with status 0 and these messages.
pub fn has_said(tapes: &[Tape], shape: Shape, messages: &[Vec<u8>]) -> bool {
    tapes.iter().any(|tape| {
        let answers = answers(&tape.sent.events);
        streams(tape, shape).any(|stream| answers.get(&stream).is_some_and(|answer| is_ok(answer, shape, messages)))
    })
}

/// Whether the server has given an answer to the call of this shape, with status 0.
pub fn has_answered(tapes: &[Tape], shape: Shape) -> bool {
    tapes.iter().any(|tape| {
        let answers = answers(&tape.sent.events);
        streams(tape, shape).any(|stream| answers.get(&stream).and_then(Answer::status) == Some(0))
    })
}

/// The streams on which the client has made its call of this shape. Its attempts may be several.
fn streams(tape: &Tape, shape: Shape) -> impl Iterator<Item = u32> {
    let number = (shape as usize).to_string();
    tape.received.events.iter().filter_map(move |event| match event {
        Event::Block { stream, fields, .. } => {
            all(fields, NUMBER.as_bytes()).any(|value| value == number.as_bytes()).then_some(*stream)
        }
        _ => None,
    })
}

fn is_ok(answer: &Answer, shape: Shape, messages: &[Vec<u8>]) -> bool {
    let said = answer.messages().unwrap_or_default();
    let said: Result<Vec<_>, _> = said.iter().map(|message| shape.normal(message)).collect();
    let is_one = messages.len() == 1 || !shape.has_one_response();
    answer.status() == Some(0) && is_one && said.is_ok_and(|said| said == messages)
}

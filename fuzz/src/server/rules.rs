//! What must hold of all that a server has written, whatever its client has sent.

use std::collections::BTreeSet;

use super::calls::Expected;
use crate::answers::{Answer, all, answers};
use crate::tape::{Event, Tape};
use crate::wire::*;

/// A legal call that was made, and that nothing was done to since.
#[derive(Debug)]
pub struct Made {
    pub stream: u32,
    pub expected: Expected,
}

/// Checks the frames of a whole connection.
pub fn judge(tape: &Tape, made: &[Made]) {
    let received = &tape.received.events;
    assert!(!tape.received.is_unreadable, "the server has sent what is not HTTP/2: {received:?}");
    if let Some(first) = received.first() {
        assert!(matches!(first, Event::Settings { is_ack: false, .. }), "the server begins with {first:?}");
    }
    stays_within_the_windows(tape);
    for (stream, answer) in answers(received) {
        // A frame that no stream can have may be answered by a reset.
        let is_legal = stream % 2 == 1 || answer.blocks.is_empty();
        assert!(is_legal && tape.sent.streams.contains(&stream), "nobody has opened stream {stream}: {answer:?}");
        is_well_formed(stream, &answer);
        if let Some(made) = made.iter().find(|made| made.stream == stream) {
            is_as_expected(made, &answer);
        }
    }
}

/// The stream that a frame is for.
pub fn stream_of(event: &Event) -> Option<u32> {
    match event {
        Event::Block { stream, .. } | Event::Data { stream, .. } | Event::Other { stream } => Some(*stream),
        Event::Window { stream, .. } | Event::Reset { stream, .. } => Some(*stream),
        _ => None,
    }
}

/// Whether this call has the end that it is due.
pub fn is_answered(made: &Made, answer: Option<&Answer>) -> bool {
    answer.is_some_and(|answer| match answer.reset {
        _ if answer.has_ended => true,
        Some(REFUSED_STREAM) => true,
        Some(CANCEL) => made.expected.may_be_reset,
        _ => false,
    })
}

fn is_as_expected(made: &Made, answer: &Answer) {
    let Made { stream, expected } = made;
    if !answer.has_ended {
        return;
    }
    assert_eq!(answer.status(), Some(expected.code), "stream {stream}: expected {expected:?}, found {answer:?}");
    let http = answer.blocks.first().and_then(|head| all(head, b":status").next());
    assert_eq!(http.map(|status| &status[..]), Some(expected.http.as_bytes()), "stream {stream}: {answer:?}");
    if let Some(messages) = expected.messages {
        assert_eq!(answer.messages().map(|found| found.len()), Some(messages), "stream {stream}");
    }
}

/// "Response -> (Response-Headers *Length-Prefixed-Message Trailers) / Trailers-Only" (gRPC over HTTP/2).
fn is_well_formed(stream: u32, answer: &Answer) {
    assert!(!answer.is_out_of_order, "stream {stream}: {answer:?}");
    for (at, fields) in answer.blocks.iter().enumerate() {
        let is_head = at == 0;
        let is_pseudo = |name: &[u8]| name.starts_with(b":");
        assert_eq!(fields.iter().filter(|(name, _)| is_pseudo(name)).count(), usize::from(is_head), "{fields:?}");
        assert!(!is_head || &fields[0].0[..] == b":status", "stream {stream}: {fields:?}");
        for (name, value) in fields {
            let is_legal = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:".contains(byte);
            assert!(name.iter().all(is_legal), "stream {stream}: a field is called {name:?}");
            assert!(value.iter().all(|byte| matches!(byte, 0x20..0x7f)), "stream {stream}: {name:?} is {value:?}");
        }
    }
    let status = all_statuses(answer);
    if !answer.has_ended {
        return assert_eq!(status, 0, "stream {stream} has a status before its end: {answer:?}");
    }
    let is_http = answer.blocks.first().is_some_and(|head| all(head, b":status").any(|code| &code[..] != b"200"));
    if is_http && status == 0 {
        return; // h2's own answer, such as 431 to a head that is too large
    }
    assert_eq!(status, 1, "stream {stream}: {answer:?}");
    assert!(answer.status().is_some_and(|code| code <= 16), "stream {stream}: {answer:?}");
    assert!(answer.messages().is_some(), "stream {stream} ends in the middle of a message");
}

fn all_statuses(answer: &Answer) -> usize {
    answer.blocks.iter().flat_map(|fields| all(fields, b"grpc-status")).count()
}

/// A server must not send more than its client allows. The client may have allowed less since, but never more than the
/// sum of what it ever allowed.
fn stays_within_the_windows(tape: &Tape) {
    let settings = |wanted: u16, least: u32| {
        let all = tape.sent.events.iter().filter_map(|event| match event {
            Event::Settings { settings, .. } => Some(settings),
            _ => None,
        });
        all.flatten().filter(|(id, _)| *id == wanted).map(|(_, value)| *value).max().unwrap_or(0).max(least)
    };
    let longest = settings(MAX_FRAME_SIZE, FRAME) as usize;
    assert!(tape.received.longest <= longest, "a frame has {} bytes", tape.received.longest);
    let mut streams: BTreeSet<u32> = tape.received.events.iter().filter_map(data_stream).collect();
    streams.insert(0);
    for window in streams {
        let granted = tape.sent.events.iter().map(|event| match event {
            Event::Window { stream, increment } if *stream == window => u64::from(*increment),
            _ => 0,
        });
        let used = tape.received.events.iter().map(|event| match event {
            Event::Data { stream, counted, .. } if window == 0 || *stream == window => u64::from(*counted),
            _ => 0,
        });
        let begin = if window == 0 { WINDOW } else { settings(INITIAL_WINDOW_SIZE, WINDOW) };
        let (used, granted) = (used.sum::<u64>(), granted.sum::<u64>() + u64::from(begin));
        assert!(used <= granted, "window {window}: {used} bytes came where {granted} are allowed");
    }
}

fn data_stream(event: &Event) -> Option<u32> {
    match event {
        Event::Data { stream, .. } => Some(*stream),
        _ => None,
    }
}

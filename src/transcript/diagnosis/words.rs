//! The words of the remarks.

use std::time::Duration;

use super::super::event::Event;
use super::super::http2::Foreign;
use super::super::record::Direction;
use super::super::text::grouped;

pub(super) fn foreign(event: &Event) -> String {
    let meaning = Foreign::of(&event.frame.bytes);
    let who = side(event.direction);
    match meaning {
        Foreign::Tls => format!("{who} speaks TLS: take it off before, or record above it"),
        Foreign::Http1 => format!("{who} speaks HTTP/1: gRPC needs HTTP/2 from the first byte on"),
        Foreign::Unknown => format!("{who} does not speak HTTP/2"),
    }
}

/// "the client" or "the server", by the way that its frames go.
pub(super) fn side(direction: Direction) -> &'static str {
    ["the client", "the server"][direction.index()]
}

pub(super) fn calls(count: usize) -> String {
    if count == 1 { "1 call".into() } else { format!("{} calls", grouped(count)) }
}

/// "call 7 was", "calls 7 and 9 were"; of many the first.
pub(super) fn list(streams: &[String], one: &str, many: &str) -> String {
    const SHOWN: usize = 8;
    match streams {
        [only] => format!("call {only} {one}"),
        [first @ .., last] if streams.len() <= SHOWN => format!("calls {} and {last} {many}", first.join(", ")),
        _ => format!("calls {} and {} more {many}", streams[..SHOWN].join(", "), grouped(streams.len() - SHOWN)),
    }
}

pub(super) fn ago(now: Duration, since: Duration) -> String {
    span(now.saturating_sub(since))
}

/// A time span as people say it.
pub(super) fn span(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{} µs", time.as_micros()),
        seconds if seconds < 1.0 => format!("{} ms", time.as_millis()),
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds => format!("{:.0} minutes", seconds / 60.0),
    }
}

//! Diagnoses: why something waits, and why something failed.
//!
//! A [`Diagnoser`] is shown each frame of a connection in order, and says in a sentence what a reader should know of it:
//! which calls a GOAWAY has not processed, that a window is empty and who could open it, that an answer came early and
//! is no error. [`Diagnoser::waiting`] tells what waits at a time, and [`Diagnoser::end`] what was still open when the
//! connection ended.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

mod known;
mod outcome;
mod words;

use super::event::Event;
use super::grpc::{Ended, Role};
use super::http2::{Shape, error_code};
use super::record::Direction;
use super::text::{grouped, printable};
use crate::wire::{Code, timeout};
use known::{Known, PATIENCE};
use outcome::status_of;
use words::{ago, calls, foreign, list, side, span};

/// A sentence about a stream or the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The stream, 0 for the connection.
    pub stream: u32,
    /// When it became true, counted from the beginning of the recording.
    pub at: Duration,
    /// What it says.
    pub text: String,
}

/// Follows a connection and says why things wait or fail.
#[derive(Debug, Default)]
pub struct Diagnoser {
    calls: BTreeMap<u32, Known>,
    /// The connection's windows that are empty, by the direction of the DATA: since when.
    stalled: [Option<Duration>; 2],
    /// PINGs without DATA or HEADERS in between, by their direction: when they came.
    pings: [VecDeque<Duration>; 2],
    /// SETTINGS and PINGs that wait for an answer, by their direction.
    unanswered: [VecDeque<(&'static str, Duration)>; 2],
    most: Option<u32>,
    told_most: bool,
}

/// How many PINGs are remembered.
const PINGS: usize = 100;

/// How many calls are followed; the oldest beyond are forgotten.
const CALLS: usize = 10_000;

const MAX_CONCURRENT_STREAMS: u16 = 3;

impl Diagnoser {
    /// Looks at the next frame.
    pub fn look(&mut self, event: &Event) -> Vec<Remark> {
        let mut texts = Vec::new();
        if event.frame.shape == Shape::NotHttp2 {
            texts.push(foreign(event));
        }
        self.answers(event);
        match event.frame.name() {
            "HEADERS" | "CONTINUATION" => self.head(event, &mut texts),
            "DATA" => self.data(event),
            "SETTINGS" => self.settings(event),
            "GOAWAY" => texts.push(self.goaway(event)),
            "RST_STREAM" => texts.extend(self.reset(event)),
            _ => {}
        }
        self.window(event, &mut texts);
        if let Some(call) = self.calls.get_mut(&event.stream()) {
            call.seen(event);
        }
        if let Some(call) = event.ended.as_deref().filter(|call| call.ended == Some(Ended::Closed)) {
            self.calls.remove(&call.stream);
            self.told_most = false;
        }
        while self.calls.len() > CALLS {
            self.calls.pop_first();
        }
        texts.into_iter().map(|text| Remark { stream: event.stream(), at: event.at, text }).collect()
    }

    /// What waits at this time, and for what.
    pub fn waiting(&self, now: Duration) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let long = |since: Duration| now.saturating_sub(since) >= PATIENCE;
        for direction in Direction::BOTH {
            if let Some(since) = self.stalled[direction.index()].filter(|since| long(*since)) {
                let text = format!(
                    "{} waits on all streams: the connection's window is 0, and {} has opened it last {} ago",
                    side(direction),
                    side(direction.other()),
                    ago(now, since)
                );
                remarks.push(Remark { stream: 0, at: since, text });
            }
            if let Some((what, since)) = self.unanswered[direction.index()].front().filter(|(_, since)| long(*since)) {
                let text = format!("{}'s {what} has no answer for {}", side(direction), ago(now, *since));
                remarks.push(Remark { stream: 0, at: *since, text });
            }
        }
        for (stream, call) in &self.calls {
            let text = Direction::BOTH
                .iter()
                .find_map(|way| call.waits(*stream, *way, now))
                .or_else(|| call.silent(*stream, now));
            remarks.extend(text.map(|(since, text)| Remark { stream: *stream, at: since, text }));
        }
        remarks
    }

    /// The connection has ended. What was still open?
    pub fn end(&self, now: Duration) -> Vec<Remark> {
        let open: Vec<String> =
            self.calls.iter().filter(|(_, call)| !call.status).map(|(stream, _)| stream.to_string()).collect();
        if open.is_empty() {
            return Vec::new();
        }
        let text = format!(
            "the connection ended while {} open: {} UNAVAILABLE",
            list(&open, "was", "were"),
            if open.len() == 1 { "the call is" } else { "the calls are" }
        );
        vec![Remark { stream: 0, at: now, text }]
    }

    fn answers(&mut self, event: &Event) {
        let what = match event.frame.name() {
            "SETTINGS" => "SETTINGS",
            "PING" => "PING",
            _ => return,
        };
        if event.frame.has("ACK") {
            let asked = &mut self.unanswered[event.direction.other().index()];
            if let Some(at) = asked.iter().position(|(own, _)| *own == what) {
                asked.remove(at);
            }
            return;
        }
        let asked = &mut self.unanswered[event.direction.index()];
        asked.push_back((what, event.at));
        if asked.len() > PINGS {
            asked.pop_front();
        }
        if what == "PING" {
            let pings = &mut self.pings[event.direction.index()];
            pings.push_back(event.at);
            if pings.len() > PINGS {
                pings.pop_front();
            }
        }
    }

    fn settings(&mut self, event: &Event) {
        if event.direction == Direction::ToClient {
            let most = event.frame.settings().filter(|(id, _)| *id == MAX_CONCURRENT_STREAMS).last();
            self.most = most.map(|(_, most)| most).or(self.most);
        }
    }

    fn head(&mut self, event: &Event, texts: &mut Vec<String>) {
        self.pings[event.direction.index()].clear();
        let stream = event.stream();
        if event.role == Role::RequestHead {
            let limit = event.block.as_ref().and_then(|block| block.get("grpc-timeout").cloned());
            let deadline = limit.and_then(|limit| Some((printable(&limit), timeout::parse(&limit).ok()?)));
            self.calls.insert(stream, Known { deadline, began: event.at, ..Known::default() });
            let open = self.calls.len();
            if self.most == Some(open as u32) && !self.told_most {
                self.told_most = true;
                texts.push(format!(
                    "the client has {} open, as many as the server allows (MAX_CONCURRENT_STREAMS): further calls wait",
                    calls(open)
                ));
            }
        }
        let Some(call) = self.calls.get_mut(&stream) else { return };
        let Some(block) = &event.block else { return };
        call.status |= block.get("grpc-status").is_some();
        let http = block
            .get(":status")
            .filter(|status| !matches!(&status[..], b"200" | [b'1', ..]))
            .map(|status| printable(status));
        if let Some(http) = http {
            let code = http.parse().ok().map(Code::from_http_status).and_then(Code::name).unwrap_or("UNKNOWN");
            texts.push(format!(
                "HTTP {http} instead of a gRPC answer: a proxy or a server of another kind has answered, and the call is {code} unless a grpc-status says otherwise"
            ));
        }
        if matches!(event.role, Role::Trailers | Role::TrailersOnly) && !call.ended[0] {
            texts.push(format!(
                "the server answered stream {stream} before the request had ended: not an error, an early answer"
            ));
        }
    }

    fn data(&mut self, event: &Event) {
        self.pings[event.direction.index()].clear();
        let Some(call) = self.calls.get_mut(&event.stream()) else { return };
        if let Some(last) = event.pieces.last() {
            let whole = last.length.map(|length| 5 + length as usize);
            let got = last.from + last.at.len();
            call.owed[event.direction.index()] = match last.message {
                Some(_) => None,
                None => Some(whole.unwrap_or(5).saturating_sub(got)),
            };
        }
    }

    /// Windows that become empty, or are opened again.
    fn window(&mut self, event: &Event, texts: &mut Vec<String>) {
        let Some(windows) = event.windows else { return };
        let way = windows.of.index();
        let mut changed = |slot: &mut Option<Duration>, left: i64, what: &str| match (&slot, left) {
            (None, ..=0) => *slot = Some(event.at),
            (Some(since), 1..) if event.at.saturating_sub(*since) >= PATIENCE => {
                texts.push(format!("{} waited {} for window on {what}", side(windows.of), ago(event.at, *since)));
                *slot = None;
            }
            (Some(_), 1..) => *slot = None,
            _ => {}
        };
        changed(&mut self.stalled[way], windows.connection, "the connection");
        let (stream, left) = (event.stream(), windows.stream);
        if let (Some(call), Some(left)) = (self.calls.get_mut(&stream), left) {
            // A side that has ended its part of the call waits for nothing.
            let left = if call.ended[way] { i64::MAX } else { left };
            changed(&mut call.stalled[way], left, &format!("stream {stream}"));
        }
    }

    fn goaway(&mut self, event: &Event) -> String {
        let (last, code) =
            (event.frame.last_stream().unwrap_or_default(), event.frame.error_code().unwrap_or_default());
        let who = side(event.direction);
        let debug =
            event.frame.debug_data().map(|text| format!(" (\"{}\")", printable(text.as_bytes()))).unwrap_or_default();
        let lost: Vec<String> =
            self.calls.range(last.saturating_add(1)..).map(|(stream, _)| stream.to_string()).collect();
        let streams = match () {
            () if last >= i32::MAX as u32 => "no call is turned away yet; no new ones should come".to_owned(),
            () if lost.is_empty() => format!("GOAWAY said last stream {last}: all calls so far are or were processed"),
            () => format!(
                "GOAWAY said last stream {last}: {} never processed and may be retried",
                list(&lost, "was", "were")
            ),
        };
        match error_code(code) {
            "NO_ERROR" => format!("{who} ends the connection in peace{debug}: {streams}"),
            name @ "ENHANCE_YOUR_CALM" => {
                let pings = &self.pings[event.direction.other().index()];
                let since = pings.front().map_or(Duration::ZERO, |first| event.at.saturating_sub(*first));
                let pings = match pings.len() {
                    0 => String::new(),
                    count => format!(": {} PINGs within {} without a call in between", grouped(count), span(since)),
                };
                format!("{who} ends the connection with {name}{debug}{pings}; {streams}")
            }
            name => format!("{who} ends the connection with {name}{debug}; {streams}"),
        }
    }

    fn reset(&mut self, event: &Event) -> Option<String> {
        let stream = event.stream();
        let call = self.calls.remove(&stream)?;
        self.told_most = false;
        let (name, who) = (error_code(event.frame.error_code()?), side(event.direction));
        Some(match (event.direction, name) {
            (Direction::ToClient, "NO_ERROR") if call.status => {
                format!("the server closed stream {stream} before the request ended: not an error, an early answer")
            }
            (Direction::ToClient, "REFUSED_STREAM") => {
                format!("the server refused stream {stream}: the call was never processed and may be retried")
            }
            (Direction::ToServer, "CANCEL") => match call
                .deadline
                .filter(|(_, limit)| event.at.saturating_sub(call.began) + limit.mul_f64(0.05) >= *limit)
            {
                Some((text, _)) => format!(
                    "the client gave stream {stream} up at its deadline (grpc-timeout {text}): DEADLINE_EXCEEDED"
                ),
                None => format!("the client cancelled stream {stream}"),
            },
            _ => {
                format!("{who} reset stream {stream} with {name}: the call is {}", status_of(event.frame.error_code()?))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::reader::{Keep, Reader};
    use super::super::record::Direction::*;
    use super::*;

    /// The remarks on frames that come at these seconds, and then those on what waits at the last.
    fn remarks(frames: &[(u64, Direction, Vec<u8>)], now: u64) -> Vec<String> {
        let mut reader = Reader::new(route_guide().into(), Keep::default());
        let mut diagnoser = Diagnoser::default();
        let preface = super::super::http2::PREFACE.to_vec();
        let mut remarks = Vec::new();
        for (at, direction, bytes) in [(0, ToServer, preface)].iter().chain(frames) {
            for event in reader.push(*direction, Duration::from_secs(*at), bytes) {
                remarks.extend(diagnoser.look(&event));
            }
        }
        remarks.extend(diagnoser.waiting(Duration::from_secs(now)));
        remarks.into_iter().map(|remark| remark.text).collect()
    }

    fn head(stream: u32) -> Vec<u8> {
        frame(HEADERS, 4, stream, &request_head()[9..])
    }

    /// 88: :status 200, and a content type.
    fn response(stream: u32) -> Vec<u8> {
        frame(HEADERS, 4, stream, &[&[0x88, 0x5f, 16], &b"application/grpc"[..]].concat())
    }

    #[test]
    fn an_empty_window_is_told_with_who_could_open_it() {
        let frames = [
            (0, ToServer, frame(4, 0, 0, &hex("0004 0000000a"))),
            (0, ToClient, frame(4, 1, 0, &[])),
            (0, ToServer, head(7)),
            (0, ToServer, frame(DATA, 1, 7, &[])),
            (1, ToClient, response(7)),
            (1, ToClient, frame(DATA, 0, 7, &hex("00 0000002e 0000000000"))),
        ];
        let waits = remarks(&frames, 4);
        let expected = "stream 7 waits: its window is 0 and the server has 41 bytes for it; the client has not opened it for 3.0 s";
        assert_eq!(waits, [expected]);
        let opened = [&frames[..], &[(5, ToServer, frame(8, 0, 7, &[0, 0, 1, 0]))]].concat();
        assert_eq!(remarks(&opened, 5), ["the server waited 4.0 s for window on stream 7"]);
    }

    #[test]
    fn a_goaway_names_the_calls_that_were_not_processed() {
        let calls = [5, 7, 9].map(|stream| (0, ToServer, head(stream)));
        let goaway = (0, ToClient, frame(7, 0, 0, &hex("00000005 00000000")));
        let told = remarks(&[&calls[..], &[goaway]].concat(), 0);
        assert!(
            told[0].ends_with("GOAWAY said last stream 5: calls 7 and 9 were never processed and may be retried"),
            "{told:?}"
        );
    }

    #[test]
    fn too_many_pings_are_counted() {
        let pings = [0, 60, 120].map(|at| (at, ToServer, frame(6, 0, 0, &[0; 8])));
        let goaway = (120, ToClient, frame(7, 0, 0, &[&hex("00000000 0000000b")[..], b"too_many_pings"].concat()));
        let told = remarks(&[&pings[..], &[goaway]].concat(), 120);
        assert!(told[0].contains("ENHANCE_YOUR_CALM (\"too_many_pings\"): 3 PINGs within 2 minutes"), "{told:?}");
    }

    #[test]
    fn early_answers_refusals_and_deadlines_are_told_apart() {
        let trailers = frame(HEADERS, 5, 1, &[&[0x88, 0x00, 11], &b"grpc-status"[..], &[1, b'0']].concat());
        let early = [(0, ToServer, head(1)), (0, ToClient, trailers), (0, ToClient, frame(3, 0, 1, &[0; 4]))];
        assert!(remarks(&early, 0).iter().all(|told| told.contains("not an error, an early answer")));
        let refused = [(0, ToServer, head(1)), (0, ToClient, frame(3, 0, 1, &[0, 0, 0, 7]))];
        assert!(remarks(&refused, 0)[0].contains("never processed and may be retried"));
        // 00 0c grpc-timeout 02 2S
        let limit = [&request_head()[9..], &[0x00, 12], b"grpc-timeout", &[2], b"2S"].concat();
        let late = [(0, ToServer, frame(HEADERS, 4, 1, &limit)), (2, ToServer, frame(3, 0, 1, &[0, 0, 0, 8]))];
        assert!(remarks(&late, 2)[0].contains("at its deadline (grpc-timeout 2S)"));
        let given_up = [(0, ToServer, frame(HEADERS, 4, 1, &limit)), (1, ToServer, frame(3, 0, 1, &[0, 0, 0, 8]))];
        assert_eq!(remarks(&given_up, 2), ["the client cancelled stream 1"]);
    }

    #[test]
    fn the_limit_on_open_calls_is_told_when_it_is_reached() {
        let limit = (0, ToClient, frame(4, 0, 0, &hex("0003 00000002")));
        let told = remarks(&[limit, (0, ToServer, head(1)), (0, ToServer, head(3))], 0);
        assert!(told[0].contains("2 calls open, as many as the server allows"), "{told:?}");
    }

    #[test]
    fn an_answer_of_http_and_a_foreign_peer_are_told() {
        // 48 03 503: :status 503
        let answer = frame(HEADERS, 5, 1, &[&[0x48, 3], &b"503"[..]].concat());
        let told = remarks(&[(0, ToServer, head(1)), (0, ToClient, answer)], 0);
        assert!(told[0].contains("HTTP 503") && told[0].contains("UNAVAILABLE"), "{told:?}");
        assert!(
            remarks(&[(0, ToClient, b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())], 0)[0].contains("speaks HTTP/1")
        );
    }
}

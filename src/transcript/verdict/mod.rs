//! Verdicts: which rules of the wire the two programs break.
//!
//! A [`Checker`] is shown each frame of a connection in order. It knows what each side may do at that point, and tells
//! each rule that is broken with the bytes that break it. What cannot be known is not judged: a recorder sees frames in
//! the order in which they passed it, and not in which each side saw them, so a frame that may have crossed another on
//! its way is given the benefit of the doubt.

mod bodies;
mod connection;
mod fields;
mod found;
mod heads;
mod lengths;
mod streams;

pub use found::Verdict;

use super::event::Event;
use found::Found;

/// Judges the frames of a connection.
#[derive(Debug)]
pub struct Checker {
    connection: connection::Connection,
    streams: streams::Streams,
    bodies: bodies::Bodies,
    lengths: lengths::Lengths,
}

impl Checker {
    /// A checker for a connection from its first byte on, or for a recording that begins within it.
    pub fn new(late: bool) -> Self {
        Checker {
            connection: connection::Connection::new(late),
            streams: streams::Streams::new(late),
            bodies: bodies::Bodies::default(),
            lengths: lengths::Lengths::default(),
        }
    }

    /// Judges the next frame.
    pub fn check(&mut self, event: &Event) -> Vec<Verdict> {
        let mut found = Found { event, verdicts: Vec::new() };
        self.connection.check(event, &mut found);
        self.streams.check(event, &mut found);
        heads::check(event, &mut found);
        self.bodies.check(event, &mut found);
        self.lengths.check(event, &mut found);
        found.verdicts
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::record::{Direction, Direction::*, Recorded};
    use super::super::transcript::Transcript;
    use super::*;

    fn judge(recorded: &Recorded) -> Vec<&'static str> {
        let transcript = Transcript::read(recorded, &route_guide());
        let mut checker = Checker::new(recorded.late);
        transcript.events.iter().flat_map(|event| checker.check(event)).map(|verdict| verdict.rule).collect()
    }

    const SETTINGS: u8 = 4;

    /// A connection with SETTINGS of both sides, and then these frames.
    fn connection(frames: &[(Direction, Vec<u8>)]) -> Recorded {
        let begin = [(ToServer, frame(SETTINGS, 0, 0, &[])), (ToClient, frame(SETTINGS, 0, 0, &[]))];
        record(&[&begin[..], frames].concat())
    }

    /// A header block of literals that are not added.
    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
        fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
    }

    const HEAD: [(&str, &str); 5] = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/routeguide.RouteGuide/GetFeature"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];

    /// The request head of a call, with a field more or another value, or without one where the value is empty.
    fn head_with(name: &str, value: &str) -> Vec<u8> {
        let mut fields: Vec<(&str, &str)> = HEAD.to_vec();
        match fields.iter_mut().find(|(own, _)| *own == name) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
        fields.retain(|(_, value)| !value.is_empty());
        frame(HEADERS, 4, 1, &block(&fields))
    }

    fn head() -> Vec<u8> {
        frame(HEADERS, 4, 1, &block(&HEAD))
    }

    fn response(fields: &[(&str, &str)], flags: u8) -> (Direction, Vec<u8>) {
        (ToClient, frame(HEADERS, flags, 1, &block(fields)))
    }

    const RESPONSE: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/grpc")];

    #[test]
    fn a_call_by_the_rules_has_no_verdict() {
        let recorded = connection(&[
            (ToServer, head()),
            (ToServer, frame(DATA, 1, 1, &hex(POINT))),
            response(&RESPONSE, 4),
            (ToClient, frame(DATA, 0, 1, &hex("00 00000000"))),
            response(&[("grpc-status", "0")], 5),
            (ToServer, frame(SETTINGS, 1, 0, &[])),
            (ToClient, frame(SETTINGS, 1, 0, &[])),
        ]);
        assert_eq!(judge(&recorded), [""; 0]);
    }

    #[test]
    fn what_breaks_a_rule_of_a_request_head_is_told() {
        for (name, value, rule) in [
            (":method", "GET", "grpc.method-post"),
            (":path", "/GetFeature", "grpc.path"),
            (":scheme", "ftp", "grpc.scheme"),
            ("te", "", "grpc.te-trailers"),
            ("content-type", "application/json", "grpc.content-type"),
            ("grpc-timeout", "5", "grpc.timeout"),
            ("grpc-timeout", "123456789S", "grpc.timeout-digits"),
            ("X-Upper", "a", "h2.field-names"),
            ("connection", "close", "h2.connection-fields"),
            ("x-bin", "*", "grpc.binary-base64"),
            ("x y", "a", "grpc.header-name"),
            (":extra", "a", "h2.pseudo-fields"),
        ] {
            let found = judge(&connection(&[(ToServer, head_with(name, value))]));
            assert!(found.contains(&rule), "{name}: {value} gives {found:?}");
        }
    }

    #[test]
    fn what_breaks_a_rule_of_a_response_is_told() {
        let call = |frames: &[(Direction, Vec<u8>)]| {
            judge(&connection(&[&[(ToServer, head()), (ToServer, frame(DATA, 1, 1, &hex(POINT)))], frames].concat()))
        };
        let body = |flags: u8, bytes: &str| (ToClient, frame(DATA, flags, 1, &hex(bytes)));
        for (frames, rule) in [
            (vec![response(&[(":status", "200")], 4)], "grpc.response-headers"),
            (vec![response(&RESPONSE, 5)], "grpc.status-always"),
            (vec![response(&RESPONSE, 4), response(&[("grpc-status", "x")], 5)], "grpc.status-digits"),
            (vec![response(&RESPONSE, 4), response(&[("grpc-message", "hi")], 5)], "grpc.status-always"),
            (vec![response(&RESPONSE, 4), body(1, "00 00000000")], "grpc.response-end"),
            (vec![response(&RESPONSE, 4), body(0, "02 00000000")], "grpc.compressed-flag"),
            (vec![response(&RESPONSE, 4), body(0, "01 00000001 00")], "compression.flag-needs-encoding"),
            (
                vec![response(&RESPONSE, 4), body(0, "00 0000"), response(&[("grpc-status", "0")], 5)],
                "grpc.whole-messages",
            ),
            (
                vec![response(&RESPONSE, 4), response(&[("grpc-status", "0"), ("grpc-message", "a\u{1}b")], 5)],
                "grpc.percent-plain",
            ),
            (vec![response(&[("server", "x"), (":status", "200")], 4)], "h2.pseudo-fields"),
        ] {
            let found = call(&frames);
            assert!(found.contains(&rule), "{rule}: {found:?}");
        }
    }

    #[test]
    fn what_breaks_a_rule_of_frames_and_streams_is_told() {
        let ping = frame(6, 0, 0, &[0; 8]);
        for (frames, rule) in [
            (vec![(ToServer, frame(HEADERS, 4, 2, &block(&HEAD)))], "h2.stream-ids"),
            (vec![(ToServer, frame(HEADERS, 4, 3, &block(&HEAD))), (ToServer, head())], "h2.stream-ids"),
            (vec![(ToServer, frame(DATA, 0, 1, b"x"))], "h2.stream-states"),
            (vec![(ToServer, frame(3, 0, 1, &hex("00000008")))], "h2.rst-stream-on-idle"),
            (
                vec![
                    (ToServer, head()),
                    (ToServer, frame(DATA, 1, 1, &hex("00 00000000"))),
                    (ToServer, frame(DATA, 1, 1, b"")),
                ],
                "h2.stream-states",
            ),
            (vec![(ToServer, head()), (ToServer, frame(DATA, 0, 1, &vec![0; 70_000]))], "h2.window-of-stream"),
            (vec![(ToServer, head()), (ToServer, frame(DATA, 0, 1, &[0; 16_385]))], "h2.setting-max-frame-size"),
            (vec![(ToServer, frame(8, 0, 0, &[0; 4]))], "h2.window-update"),
            (vec![(ToServer, frame(6, 0, 0, &[0; 7]))], "h2.ping"),
            (vec![(ToServer, frame(6, 0, 1, &[0; 8]))], "h2.ping"),
            (vec![(ToServer, frame(SETTINGS, 1, 0, &[])), (ToServer, frame(SETTINGS, 1, 0, &[]))], "h2.settings-ack"),
            (vec![(ToServer, frame(HEADERS, 0, 1, &block(&HEAD))), (ToServer, ping)], "h2.continuation"),
            (vec![(ToServer, frame(HEADERS, 4, 1, &[0x80]))], "h2.header-block-decoded"),
            (vec![(ToServer, frame(SETTINGS, 0, 0, &hex("0002 00000002")))], "h2.setting-enable-push"),
            (vec![(ToServer, frame(SETTINGS, 0, 0, &hex("0004 80000000")))], "h2.setting-initial-window-size"),
            (
                vec![
                    (ToClient, frame(7, 0, 0, &hex("00000001 00000000"))),
                    (ToClient, frame(7, 0, 0, &hex("00000003 00000000"))),
                ],
                "h2.goaway",
            ),
            (vec![(ToClient, frame(5, 4, 1, &hex("00000002 82")))], "h2.push-promise"),
        ] {
            let found = judge(&connection(&frames));
            assert!(found.contains(&rule), "{rule}: {found:?}");
        }
        assert_eq!(judge(&record(&[(ToServer, head())]))[0], "h2.client-preface");
        let mut foreign = Recorded::default();
        foreign.push(ToServer, b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(judge(&foreign), ["h2.client-preface"]);
    }

    #[test]
    fn a_content_length_that_is_not_that_of_the_data_is_told() {
        let (data, padded) = (hex("00 00000000"), hex("02 00 00000000 0000"));
        let request = |length: &str| (ToServer, head_with("content-length", length));
        let answer =
            [response(&[&RESPONSE[..], &[("content-length", "5")]].concat(), 4), (ToClient, frame(DATA, 0, 1, &data))];
        let status = response(&[("grpc-status", "0")], 5);
        for (frames, expected) in [
            (vec![request("5"), (ToServer, frame(DATA, 1, 1, &data))], &[""; 0][..]),
            (vec![request("5"), (ToServer, frame(DATA, 9, 1, &padded))], &[]),
            (vec![request("4"), (ToServer, frame(DATA, 1, 1, &data))], &["h2.content-length"]),
            (vec![request("6"), (ToServer, frame(DATA, 1, 1, &data))], &["h2.content-length"]),
            (
                vec![request("6"), (ToServer, frame(DATA, 0, 1, &data)), (ToServer, frame(3, 0, 1, &hex("00000008")))],
                &[],
            ),
            ([&[(ToServer, head())], &answer[..], std::slice::from_ref(&status)].concat(), &[]),
            ([&[(ToServer, head())], &answer[..1], &[status]].concat(), &["h2.content-length"]),
        ] {
            assert_eq!(judge(&connection(&frames)), expected);
        }
    }

    #[test]
    fn what_comes_on_a_stream_after_its_end_is_told_unless_it_was_on_its_way() {
        let whole = [
            (ToServer, head()),
            (ToServer, frame(DATA, 1, 1, &hex("00 00000000"))),
            response(&RESPONSE, 4),
            response(&[("grpc-status", "0")], 5),
        ];
        let reset = |by: Direction| [(ToServer, head()), (by, frame(3, 0, 1, &hex("00000008")))];
        let data = |by: Direction| (by, frame(DATA, 0, 1, &hex("00 00000000")));
        let after = |frames: &[(Direction, Vec<u8>)], last| judge(&connection(&[frames, &[last]].concat()));
        for by in Direction::BOTH {
            assert_eq!(after(&whole, data(by)), ["h2.stream-states"], "{by:?}");
            assert_eq!(after(&reset(by), data(by)), ["h2.stream-states"], "{by:?}");
            assert_eq!(after(&reset(by), data(by.other())), [""; 0], "{by:?}");
        }
        assert_eq!(after(&whole, (ToServer, head())), ["h2.stream-states"]);
    }

    #[test]
    fn a_reset_of_a_stream_that_was_opened_before_the_recording_is_no_fault() {
        for by in Direction::BOTH {
            let update = || (by, frame(8, 0, 0, &[0, 0, 1, 0]));
            let frames = [update(), update(), (by, frame(3, 0, 5, &hex("00000008"))), update(), update()];
            let recorded = Recorded { late: true, ..record(&frames) };
            let transcript = Transcript::read(&recorded, &route_guide());
            assert!(transcript.events.iter().any(|event| event.frame.is("RST_STREAM")), "{by:?}");
            assert_eq!(judge(&recorded), [""; 0], "{by:?}");
        }
    }

    #[test]
    fn more_streams_than_are_allowed_are_told_once_the_limit_is_known_to_have_arrived() {
        let limit = (ToClient, frame(SETTINGS, 0, 0, &hex("0003 00000001")));
        let calls = [1, 3].map(|stream| (ToServer, frame(HEADERS, 4, stream, &block(&HEAD))));
        let ack = (ToServer, frame(SETTINGS, 1, 0, &[]));
        let begin = [(ToServer, frame(SETTINGS, 0, 0, &[])), limit];
        let crossed = record(&[&begin[..], &calls[..]].concat());
        assert_eq!(judge(&crossed), [""; 0], "the client may not have seen the limit");
        let known = record(&[&begin[..], &[ack], &calls[..]].concat());
        assert_eq!(judge(&known), ["h2.setting-max-concurrent-streams"]);
    }
}

//! A whole connection, read from its recording.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
use super::grpc::Call;
use super::hide::Hider;
use super::http2::Shape;
use super::protobuf::Types;
use super::reader::{Keep, Reader};
use super::record::Recorded;
use super::span::Span;

/// A connection's bytes with their meaning.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// Every frame both ways, in the order in which its last byte passed the recorder.
    pub events: Vec<Event>,
    /// The streams that a client opened, by number.
    pub calls: BTreeMap<u32, Call>,
    /// How many bytes passed after the recording had stopped.
    pub missed: u64,
    /// Whether the recording begins within the connection.
    pub late: bool,
    /// The names by which its messages are explained.
    pub types: Arc<Types>,
}

impl Transcript {
    /// Reads a recording. `types` name the fields inside the messages.
    pub fn read(recorded: &Recorded, types: &Types) -> Self {
        let types = Arc::new(types.clone());
        let keep = Keep { frame: 1 << 24, ..Keep::default() };
        let mut reader = Reader::of(recorded, types.clone(), keep);
        let mut events = Vec::new();
        for chunk in &recorded.chunks {
            events.extend(reader.push(chunk.direction, chunk.at, &chunk.bytes));
        }
        let end = recorded.chunks.last().map_or(Duration::ZERO, |chunk| chunk.at);
        events.extend(reader.finish(end));
        let events = whole(events);
        let ended = events.iter().filter_map(|event| event.ended.as_deref());
        let calls = ended.chain(reader.calls()).filter(|call| call.is_known()).map(|call| (call.stream, call.clone()));
        let calls = calls.collect();
        Transcript { events, calls, missed: recorded.missed, late: recorded.late, types }
    }

    /// The same without credentials and cookies: their values are replaced, and the bytes stay as many and as readable as
    /// they were. For what is saved or sent to others.
    pub fn without_secrets(mut self) -> Self {
        let mut hider = Hider::default();
        let mut events = Vec::with_capacity(self.events.len());
        for event in std::mem::take(&mut self.events) {
            events.extend(hider.push(event));
        }
        events.extend(hider.finish());
        Transcript { events, ..self }
    }

    /// A frame's bytes as a tree of spans.
    pub fn tree(&self, event: &Event) -> Span {
        event.tree(&self.types)
    }
}

/// Of bytes that are no HTTP/2, one event for what stands side by side, however it was cut.
fn whole(events: Vec<Event>) -> Vec<Event> {
    let foreign = |event: &Event| event.frame.shape == Shape::NotHttp2;
    let mut whole: Vec<Event> = Vec::with_capacity(events.len());
    for run in events.chunk_by(|a, b| foreign(a) && foreign(b) && a.direction == b.direction) {
        let Some((last, before)) = run.split_last() else { continue };
        let mut event = Event { start: run[0].start, ..last.clone() };
        if !before.is_empty() {
            event.frame.bytes = run.iter().flat_map(|event| event.frame.bytes.clone()).collect();
        }
        whole.push(event);
    }
    whole
}

impl From<&Transcript> for Recorded {
    /// The bytes again.
    fn from(transcript: &Transcript) -> Self {
        let mut recorded = Recorded { missed: transcript.missed, late: transcript.late, ..Recorded::default() };
        for event in &transcript.events {
            recorded.push_at(event.direction, event.at, &event.frame.bytes);
        }
        recorded
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::fixtures::*;
    use super::super::grpc::Role;
    use super::super::meaning::Meaning as _;
    use super::super::print::Print;
    use super::super::record::{Direction, Direction::*, Recording};
    use super::super::rows::Detail;
    use super::super::span::{Derived, Why};
    use super::*;

    /// The bytes of all leaves of a direction, which must lie side by side.
    fn bytes(transcript: &Transcript, direction: Direction) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut end = None;
        for event in transcript.events.iter().filter(|event| event.direction == direction) {
            let tree = transcript.tree(event);
            assert_eq!(tree.place(direction), event.place());
            for leaf in tree.leaves() {
                assert_eq!(leaf.start, end.unwrap_or(leaf.start), "no gap and no overlap");
                end = Some(leaf.end());
                bytes.extend_from_slice(&leaf.bytes);
            }
        }
        bytes
    }

    /// All spans of a frame but its root, as `name: value`.
    fn told(transcript: &Transcript, at: usize) -> Vec<String> {
        let mut told = Vec::new();
        let tree = transcript.tree(&transcript.events[at]);
        tree.walk(&mut |span, _| told.push(format!("{}: {}", span.what.name(), span.what.value())));
        told
    }

    fn titles(transcript: &Transcript) -> Vec<String> {
        transcript.events.iter().map(Event::title).collect()
    }

    #[test]
    fn a_message_cut_over_frames_and_frames_of_many_messages() {
        let point = hex(POINT);
        let twice = [&point[..], &point[..], &point[..3]].concat();
        let recorded = record(&[
            (ToServer, request_head()),
            (ToServer, frame(DATA, 0, 1, &twice)),
            (ToServer, frame(DATA, 0, 1, &point[3..8])),
            (ToServer, frame(DATA, 1, 1, &point[8..])),
        ]);
        let transcript = Transcript::read(&recorded, &route_guide());
        assert_eq!(titles(&transcript), ["", "request head", "messages 1 to 3", "message 3", "message 3"]);
        assert!(told(&transcript, 3).contains(&"prefix: ".into()), "two bytes of the length");
        let last = transcript.tree(&transcript.events[4]).children.pop().unwrap();
        assert_eq!(last.links.iter().filter(|link| link.why == Why::Continues).count(), 2);
        let pane = last.pane.unwrap();
        assert_eq!((pane.how, &pane.bytes, pane.from.len()), (Derived::Message, &point, 3));
        let longitude = pane.spans[0].children.last().unwrap();
        assert_eq!((longitude.what.name(), longitude.what.value()), ("2 longitude".into(), "-746188906".into()));
        assert_eq!(bytes(&transcript, ToServer), recorded.bytes(ToServer));
    }

    #[test]
    fn a_header_block_goes_on_in_continuation_frames() {
        let head = request_head();
        let recorded = record(&[
            (ToServer, frame(HEADERS, 0, 1, &head[9..20])),
            (ToServer, frame(CONTINUATION, 0x4, 1, &head[20..])),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        assert_eq!(transcript.calls[&1].path, "/RouteGuide/GetFeature");
        assert_eq!(titles(&transcript), ["", "", "request head"], "told where the block ends");
        let pane = transcript.tree(&transcript.events[2]).children.pop().unwrap().pane.unwrap();
        assert_eq!((pane.how, pane.spans.len(), pane.from.len()), (Derived::Block, 4, 2));
        assert_eq!(bytes(&transcript, ToServer), recorded.bytes(ToServer));
    }

    #[test]
    fn an_interrupted_header_block_loses_the_dynamic_table_and_nothing_else() {
        let recorded = record(&[
            (ToServer, frame(HEADERS, 0, 1, &[0x83])),
            (ToServer, frame(6, 0, 0, &[0; 8])),
            (ToServer, request_head()),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        assert!(told(&transcript, 1).contains(&"piece of a header block: ".into()));
        assert_eq!(transcript.events[3].role, Role::RequestHead);
    }

    #[test]
    fn bodies_that_are_not_grpc_are_text() {
        // :status 415 as a literal with name 8, content-type text/plain
        let head = [&[0x48, 3], &b"415"[..], &[0x5f, 10], b"text/plain"].concat();
        let recorded = record(&[
            (ToServer, request_head()),
            (ToClient, frame(HEADERS, 4, 1, &head)),
            (ToClient, frame(DATA, 1, 1, b"no")),
        ]);
        let transcript = Transcript::read(&recorded, &route_guide());
        assert_eq!(titles(&transcript)[2], "response head");
        assert_eq!(told(&transcript, 3).last().unwrap(), "text: no");
    }

    #[test]
    fn header_blocks_are_named_by_their_place_in_the_call() {
        let early = [&[0x48, 3], &b"103"[..]].concat(); // :status 103 as a literal with name 8
        let recorded = record(&[
            (ToServer, request_head()),
            (ToClient, frame(HEADERS, 4, 1, &early)),
            (ToClient, frame(HEADERS, 5, 1, &[0x88])),
            (ToServer, frame(HEADERS, 5, 1, &[0x82])),
            (ToClient, frame(PUSH_PROMISE, 4, 1, &[0, 0, 0, 2, 0x82])),
            (ToClient, frame(HEADERS, 4, 9, &[0x88])),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        let answers = ["informational response", "Trailers-Only", "request trailers", "promised request", "of no call"];
        assert_eq!(titles(&transcript)[1..], [&["request head"], &answers[..]].concat());
    }

    #[test]
    fn trailers_that_come_after_a_reset_belong_to_a_call() {
        let recorded = record(&[
            (ToServer, request_head()),
            (ToServer, frame(3, 0, 1, &[0, 0, 0, 8])),
            (ToClient, frame(HEADERS, 5, 1, &[0x88])),
            (ToClient, frame(HEADERS, 5, 3, &[0x88])),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        let titles = titles(&transcript);
        assert_eq!(
            (&titles[1][..], &titles[3..]),
            ("request head", &["of a call that is over", "of no call"].map(String::from)[..])
        );
        assert_eq!(transcript.calls.len(), 1);
    }

    #[test]
    fn answers_to_calls_that_began_before_the_recording_are_told_as_such() {
        for (late, title) in [(false, "of no call"), (true, "of a call that began earlier")] {
            let settings = (ToClient, frame(4, 0, 0, &[]));
            let answers = [3, 3, 5].map(|stream| (ToClient, frame(HEADERS, 5, stream, &[0x88])));
            let recorded = Recorded { late, ..record(&[&[settings][..], &answers].concat()) };
            let titles = titles(&Transcript::read(&recorded, &Types::default()));
            assert_eq!(titles[titles.len() - 3..], [title; 3], "{titles:?}");
        }
    }

    #[test]
    fn frames_are_linked_to_those_that_they_answer_or_end() {
        let recorded = record(&[
            (ToServer, frame(4, 0, 0, &[])),
            (ToServer, request_head()),
            (ToClient, frame(4, 1, 0, &[])),
            (ToClient, frame(6, 0, 0, &[7; 8])),
            (ToServer, frame(6, 1, 0, &[7; 8])),
            (ToClient, frame(HEADERS, 5, 1, &[0x88])),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        let link = |at: usize| transcript.events[at].links.first().map(|link| (link.why, link.to));
        let place = |at: usize| transcript.events[at].place();
        assert_eq!(link(3), Some((Why::Acknowledges, place(1))));
        assert_eq!(link(5), Some((Why::Answers, place(4))));
        assert_eq!(link(6), Some((Why::Ends, place(2))));
    }

    #[test]
    fn windows_are_told_where_they_change() {
        let recorded = record(&[
            (ToClient, frame(4, 0, 0, &hex("0004 00000014"))),
            (ToServer, frame(4, 1, 0, &[])),
            (ToServer, request_head()),
            (ToServer, frame(DATA, 0, 1, &[0; 15])),
            (ToClient, frame(8, 0, 1, &[0, 0, 0, 9])),
            (ToClient, frame(8, 0, 0, &[0, 0, 0, 9])),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        let windows: Vec<_> = transcript.events[4..].iter().filter_map(|event| event.windows).collect();
        let told: Vec<_> = windows.iter().map(|windows| (windows.of, windows.connection, windows.stream)).collect();
        let expected = [(ToServer, 65_520, Some(5)), (ToServer, 65_520, Some(14)), (ToServer, 65_529, None)];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_recording_that_begins_within_a_connection_says_what_it_does_not_know() {
        let head = request_head();
        let mut recorded = Recorded { late: true, ..Recorded::default() };
        let pings = frame(6, 0, 0, &[0; 8]).repeat(4);
        // be: the newest entry of the table, which this recording has not seen
        recorded.push(ToServer, &[&[0xff; 5], &pings[..], &frame(HEADERS, 4, 3, &[0x83, 0xbe]), &head].concat());
        let transcript = Transcript::read(&recorded, &Types::default());
        assert_eq!(transcript.events[0].frame.name(), "EARLIER");
        let text = transcript.to_string();
        assert!(text.contains("unknown: unknown") && text.contains("added before the recording began"), "{text}");
        assert_eq!(transcript.calls[&1].path, "/RouteGuide/GetFeature");
        assert_eq!(bytes(&transcript, ToServer), recorded.bytes(ToServer));
    }

    /// A call between h2's client and server, recorded at the client's end.
    #[tokio::test]
    async fn a_call_over_h2_reads_back() {
        let (near, far) = tokio::io::duplex(1 << 16);
        let recording = Recording::new(1 << 20);
        let near = recording.client(near);
        let server = async {
            let mut connection = h2::server::handshake(far).await.unwrap();
            while let Some(accepted) = connection.accept().await {
                let (_, mut respond) = accepted.unwrap();
                let head = http::Response::builder().header("content-type", "application/grpc").body(()).unwrap();
                let mut body = respond.send_response(head, false).unwrap();
                body.send_data(Bytes::from_static(b"\0\0\0\0\x04\x0a\x02hi"), false).unwrap();
                let trailers = [("grpc-status", "5"), ("grpc-message", "no%20such")];
                let trailers = trailers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
                body.send_trailers(trailers.into_iter().collect()).unwrap();
            }
        };
        let client = async {
            let (send, connection) = h2::client::handshake(near).await.unwrap();
            let call = async {
                let mut send = send;
                for _ in 0..2 {
                    let request = http::Request::post("http://localhost/routeguide.RouteGuide/GetFeature")
                        .header("content-type", "application/grpc")
                        .header("te", "trailers")
                        .body(())
                        .unwrap();
                    send = send.ready().await.unwrap();
                    let (answer, mut body) = send.send_request(request, false).unwrap();
                    body.send_data(hex(POINT), true).unwrap();
                    let mut answer = answer.await.unwrap().into_body();
                    while let Some(data) = answer.data().await {
                        answer.flow_control().release_capacity(data.unwrap().len()).unwrap();
                    }
                    assert!(answer.trailers().await.unwrap().is_some());
                }
            };
            let (result, ()) = tokio::join!(connection, call);
            result.unwrap();
        };
        tokio::join!(server, client);

        let recorded = recording.snapshot();
        let transcript = Transcript::read(&recorded, &route_guide());
        assert_eq!(transcript.calls.len(), 2);
        for call in transcript.calls.values() {
            assert_eq!((&call.path[..], call.status.as_deref()), ("/routeguide.RouteGuide/GetFeature", Some("5")));
        }
        for stream in [1, 3] {
            let events: Vec<_> = transcript.events.iter().filter(|event| event.stream() == stream).collect();
            let roles: Vec<String> = events.iter().map(|event| event.title()).collect();
            assert_eq!(roles, ["request head", "message 1", "response head", "message 1", "trailers"]);
            let mut text = String::new();
            transcript.write_call(stream, &Print::default(), &mut text).unwrap();
            for expected in ["2 longitude: -746188906", "1 name: \"hi\"", "NOT_FOUND"] {
                assert!(text.contains(expected), "{text}");
            }
        }
        for direction in [ToServer, ToClient] {
            assert_eq!(bytes(&transcript, direction), recorded.bytes(direction));
        }
        assert!(!transcript.to_string().contains("not decoded"));
    }

    fn piece() -> impl Strategy<Value = (Direction, Vec<u8>)> {
        let direction = prop_oneof![Just(ToServer), Just(ToClient)];
        let payload = prop::collection::vec(any::<u8>(), 0..40);
        let frames = (0u8..11, any::<u8>(), 0u32..4, payload.clone())
            .prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload));
        let body = prop::collection::vec((0u8..3, any::<u8>()), 0..20).prop_map(|pairs| {
            let fields: Vec<u8> = pairs.into_iter().flat_map(|(wire, byte)| [8 | wire, byte]).collect();
            frame(DATA, 0, 1, &[&[0, 0, 0, 0, fields.len() as u8][..], &fields].concat())
        });
        (direction, prop_oneof![1 => payload, 6 => frames, 2 => Just(request_head()), 4 => body])
    }

    /// Pieces that passed at some time; `None` for a recording without its beginning or its end.
    fn recordings() -> impl Strategy<Value = Recorded> {
        let pieces = prop::collection::vec((piece(), 0u64..3), 0..24);
        let begins = prop_oneof![Just(None), any::<bool>().prop_map(Some)];
        (pieces, begins, 0u64..2).prop_map(|(pieces, begins, missed)| {
            let mut recorded = begins.map_or_else(|| record(&[]), |late| Recorded { late, ..Recorded::default() });
            recorded.missed = missed;
            let mut at = Duration::ZERO;
            for ((direction, bytes), micros) in pieces {
                at += Duration::from_micros(micros * 999_999);
                recorded.push_at(direction, at, &bytes);
            }
            recorded
        })
    }

    fn text(recorded: &Recorded, print: &Print) -> String {
        let mut text = String::new();
        Transcript::read(recorded, &route_guide()).write(print, &mut text).unwrap();
        text
    }

    proptest! {
        #[test]
        fn bytes_become_text_and_text_becomes_the_same_bytes(
            recorded in recordings(), times in any::<bool>(), offsets in any::<bool>(), fields in any::<bool>(),
        ) {
            let detail = if fields { Detail::Fields } else { Detail::Leaves };
            let print = Print { times, offsets, detail, ..Print::file() };
            let text = text(&recorded, &print);
            let parsed = Recorded::parse(&text).unwrap();
            for direction in [ToServer, ToClient] {
                prop_assert_eq!(parsed.bytes(direction), recorded.bytes(direction), "{}", &text);
            }
            prop_assert_eq!((parsed.late, parsed.missed), (recorded.late, recorded.missed));
            if times {
                prop_assert_eq!(&parsed, &Recorded::from(&Transcript::read(&recorded, &Types::default())));
            }
            prop_assert_eq!(self::text(&parsed, &print), text);
        }

        #[test]
        fn the_bare_text_becomes_the_same_recording(recorded in recordings()) {
            prop_assert_eq!(Recorded::parse(&recorded.to_string()), Ok(recorded));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_none_is_lost(pieces in prop::collection::vec(piece(), 0..24), raw in any::<bool>(), late in any::<bool>()) {
            let recorded = if raw {
                let mut recorded = Recorded { late, ..Recorded::default() };
                pieces.iter().for_each(|(direction, bytes)| recorded.push(*direction, bytes));
                recorded
            } else {
                record(&pieces)
            };
            let transcript = Transcript::read(&recorded, &route_guide());
            for direction in [ToServer, ToClient] {
                prop_assert_eq!(bytes(&transcript, direction), recorded.bytes(direction));
            }
            let text = transcript.to_string();
            prop_assert!(text.lines().all(|line| line.chars().count() <= 110 && !line.ends_with(' ')), "{}", text);
            let mut short = String::new();
            let print = Print { messages: 1, bytes: 8, colors: true, columns: 80, ..Print::default() };
            transcript.write(&print, &mut short).unwrap();
            let mut leaves = String::new();
            transcript.write(&Print { detail: Detail::Leaves, ..Print::default() }, &mut leaves).unwrap();
            for event in &transcript.events {
                transcript.tree(event).walk(&mut |span, _| assert!(!span.what.sentence().contains("  "), "{:?}", span.what.sentence()));
            }
        }
    }
}

//! A whole connection, read from its recording.

use std::collections::BTreeMap;

use super::blocks::{self, Call};
use super::event::Event;
use super::protobuf::Types;
use super::record::{Direction, Recorded};
use super::{bodies, http2};

/// A connection's bytes with their meaning.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// Every frame both ways, in the order in which its last byte passed the recorder.
    pub events: Vec<Event>,
    /// The streams that a client opened, by number.
    pub calls: BTreeMap<u32, Call>,
    /// How many bytes passed after the recording had stopped.
    pub missed: u64,
}

impl Transcript {
    /// Reads a connection that was recorded from its first byte on. `types` name the fields inside the messages.
    pub fn read(recorded: &Recorded, types: &Types) -> Self {
        let mut events = frames(recorded);
        let calls = blocks::read(&mut events);
        bodies::read(&mut events, &calls, types);
        events.iter_mut().for_each(Event::finish);
        Transcript { events, calls, missed: recorded.missed }
    }
}

/// The frames of both directions, in the order in which they were complete.
fn frames(recorded: &Recorded) -> Vec<Event> {
    let mut events = Vec::new();
    let mut readers = [Direction::ToServer, Direction::ToClient].map(|way| (way, http2::Reader::new(way)));
    for (direction, bytes) in &recorded.chunks {
        let (_, reader) = &mut readers[*direction as usize];
        reader.push(bytes);
        events.extend(std::iter::from_fn(|| reader.next_frame()).map(|frame| Event::new(*direction, frame)));
    }
    for (direction, reader) in readers {
        events.extend(reader.finish().map(|frame| Event::new(direction, frame)));
    }
    events
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::fixtures::*;
    use super::super::print::Print;
    use super::super::record::{Direction::*, Recording};
    use super::*;

    fn bytes(transcript: &Transcript, direction: Direction) -> Vec<u8> {
        let events = transcript.events.iter().filter(|event| event.direction == direction);
        events.flat_map(|event| &event.parts).flat_map(|part| part.bytes.to_vec()).collect()
    }

    fn recorded_bytes(recorded: &Recorded, direction: Direction) -> Vec<u8> {
        recorded.chunks.iter().filter(|(way, _)| *way == direction).flat_map(|(_, bytes)| bytes.clone()).collect()
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
        let roles: Vec<&str> = transcript.events.iter().map(|event| &event.role[..]).collect();
        assert_eq!(roles, ["", "request head", "messages 1 to 3", "message 3", "message 3"]);
        let last = &transcript.events[4].parts;
        assert_eq!((&last[1].name[..], &last[1].note[..]), (&b"1 latitude"[..], "continued"));
        assert_eq!((&last[2].name[..], &last[2].value[..]), (&b"2 longitude"[..], &b"-746188906"[..]));
        assert_eq!(bytes(&transcript, ToServer), recorded_bytes(&recorded, ToServer));
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
        assert!(transcript.events[1].parts.last().unwrap().note.contains("goes on in the next frame"));
        assert_eq!(bytes(&transcript, ToServer), recorded_bytes(&recorded, ToServer));
    }

    #[test]
    fn an_interrupted_header_block_makes_the_later_ones_unreadable() {
        let recorded = record(&[
            (ToServer, frame(HEADERS, 0, 1, &[0x83])),
            (ToServer, frame(6, 0, 0, &[0; 8])),
            (ToServer, request_head()),
        ]);
        let transcript = Transcript::read(&recorded, &Types::default());
        assert_eq!(transcript.events[1].parts[1].note, "not explained");
        assert!(transcript.events[3].parts[1].note.contains("earlier block was lost"));
    }

    #[test]
    fn bodies_that_are_not_grpc_stay_bytes() {
        // :status 415 as a literal with name 8, content-type text/plain
        let head = [&[0x48, 3], &b"415"[..], &[0x5f, 10], b"text/plain"].concat();
        let recorded = record(&[
            (ToServer, request_head()),
            (ToClient, frame(HEADERS, 4, 1, &head)),
            (ToClient, frame(DATA, 1, 1, b"no")),
        ]);
        let transcript = Transcript::read(&recorded, &route_guide());
        assert_eq!(
            (&transcript.events[2].role[..], &transcript.events[3].parts[1].name[..]),
            ("response head", &b"data"[..])
        );
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
        let roles: Vec<&str> = transcript.events[1..].iter().map(|event| &event.role[..]).collect();
        let answers = ["informational response", "Trailers-Only", "request trailers", "promised request", "of no call"];
        assert_eq!(roles, [&["request head"], &answers[..]].concat());
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
            let events: Vec<_> = transcript.events.iter().filter(|event| event.frame.stream() == stream).collect();
            let roles: Vec<&str> = events.iter().map(|event| &event.role[..]).collect();
            assert_eq!(roles, ["request head", "message 1", "response head", "message 1", "trailers"]);
            let longitude = events[1].parts.last().unwrap();
            assert_eq!(longitude.value, "-746188906");
            let name = events[3].parts.last().unwrap();
            assert_eq!((&name.name[..], &name.value[..]), (&b"1 name"[..], &b"\"hi\""[..]));
            assert!(
                events[4].parts.iter().any(|part| part.name == "grpc-status" && part.note.starts_with("NOT_FOUND"))
            );
        }
        for direction in [ToServer, ToClient] {
            assert_eq!(bytes(&transcript, direction), recorded_bytes(&recorded, direction));
        }
        assert!(!transcript.to_string().contains("not explained"));
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

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_none_is_lost(pieces in prop::collection::vec(piece(), 0..24), raw in any::<bool>()) {
            let recorded = if raw {
                let mut recorded = Recorded::default();
                pieces.iter().for_each(|(direction, bytes)| recorded.push(*direction, bytes));
                recorded
            } else {
                record(&pieces)
            };
            let transcript = Transcript::read(&recorded, &route_guide());
            for direction in [ToServer, ToClient] {
                prop_assert_eq!(bytes(&transcript, direction), recorded_bytes(&recorded, direction));
            }
            let text = transcript.to_string();
            prop_assert!(text.lines().all(|line| line.chars().count() <= 110 && !line.ends_with(' ')), "{}", text);
            let mut short = String::new();
            transcript.write(&Print { messages: 1, bytes: 8, colors: true, columns: 80 }, &mut short).unwrap();
        }
    }
}

//! Sections 3, 4 and 6: the beginning of a connection, the layout of frames, and what each type may hold.

use tokio::io::AsyncWriteExt;

use super::common::raw::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE,
    bytes_of, settings_of,
};
use super::*;

const PRIORITY: u8 = 2;
const PUSH_PROMISE: u8 = 5;
const PADDED: u8 = 8;
const WITH_PRIORITY: u8 = 0x20;

#[tokio::test]
async fn a_server_begins_with_settings_and_acknowledges_those_of_the_client() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    let first = raw.next().await.unwrap();
    assert_eq!((first.kind, first.flags, first.stream, first.payload.len() % 6), (SETTINGS, 0, 0, 0), "{first:?}");
    let ids: Vec<u8> = first.payload.chunks(6).map(|setting| setting[1]).collect();
    assert_eq!(ids, [3, 4, 6], "MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE: {first:?}");
    for _ in 0..3 {
        let frame = raw.next_of(SETTINGS).await;
        assert_eq!((frame.flags, frame.stream, frame.payload.len()), (ACK, 0, 0));
        raw.send(SETTINGS, 0, 0, b"").await;
    }
}

#[tokio::test]
async fn a_ping_is_answered_with_its_own_eight_bytes() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    for data in [*b"\0\0\0\0\0\0\0\0", *b"\xff\x01gRPC\x7f\x80"] {
        raw.send(PING, 0, 0, &data).await;
        let answer = raw.next_of(PING).await;
        assert_eq!((answer.flags, answer.stream, &answer.payload[..]), (ACK, 0, &data[..]));
    }
}

#[tokio::test]
async fn frames_on_a_stream_that_their_type_does_not_allow_end_the_connection() {
    let running = serve();
    for (kind, stream, payload) in [
        (DATA, 0, &b"x"[..]),
        (HEADERS, 0, b"\x83"),
        (PRIORITY, 0, b"\0\0\0\0\0"),
        (RST_STREAM, 0, b"\0\0\0\x08"),
        (CONTINUATION, 0, b"\x83"),
        (SETTINGS, 1, b""),
        (PING, 1, b"12345678"),
        (GOAWAY, 1, b"\0\0\0\0\0\0\0\0"),
    ] {
        let mut raw = Raw::connect(running.address).await;
        raw.send(kind, 0, stream, payload).await;
        assert_eq!(goaway(&mut raw).await, Some(PROTOCOL_ERROR), "a frame of type {kind} on stream {stream}");
    }
}

#[tokio::test]
async fn frames_of_a_wrong_size_are_told_as_frame_size_errors() {
    let running = serve();
    for (kind, flags, stream, len) in [
        (SETTINGS, 0, 0, 5),
        (SETTINGS, ACK, 0, 6),
        (PING, 0, 0, 7),
        (PING, 0, 0, 9),
        (RST_STREAM, 0, 1, 3),
        (RST_STREAM, 0, 1, 5),
        (WINDOW_UPDATE, 0, 0, 3),
        (WINDOW_UPDATE, 0, 1, 5),
        (GOAWAY, 0, 0, 7),
        (DATA, 0, 1, 16_385),
        (HEADERS, END_HEADERS, 3, 16_385),
    ] {
        let mut raw = Raw::connect(running.address).await;
        raw.send(HEADERS, END_HEADERS, 1, &block(&fields())).await;
        raw.send(kind, flags, stream, &vec![0; len]).await;
        ends(&mut raw, FRAME_SIZE_ERROR, &format!("a frame of type {kind} with {len} bytes")).await;
    }
}

#[tokio::test]
async fn settings_beyond_their_limits_end_the_connection_and_unknown_ones_are_ignored() {
    let running = serve();
    for (id, value, code) in [
        (2, 2, PROTOCOL_ERROR),           // ENABLE_PUSH
        (4, 1 << 31, FLOW_CONTROL_ERROR), // INITIAL_WINDOW_SIZE
        (5, 16_383, PROTOCOL_ERROR),      // MAX_FRAME_SIZE
        (5, 1 << 24, PROTOCOL_ERROR),
    ] {
        let mut raw = Raw::connect(running.address).await;
        raw.send(SETTINGS, 0, 0, &settings_of(&[(id, value)])).await;
        ends(&mut raw, code, &format!("setting {id}: {value}")).await;
    }
    let mut raw = Raw::connect(running.address).await;
    let legal = [(1, 0), (2, 0), (3, 0), (4, (1 << 31) - 1), (5, (1 << 24) - 1), (6, u32::MAX), (0x7777, 7), (0, 0)];
    raw.send(SETTINGS, 0, 0, &settings_of(&legal)).await;
    is_answered(&mut raw, 1).await;
}

#[tokio::test]
async fn what_is_unknown_or_reserved_in_a_frame_is_ignored() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send(0x20, 0xff, 0, b"a type that nobody knows").await;
    raw.send(0x20, 0, 77, b"").await;
    raw.send(PRIORITY, 0, 9, b"\0\0\0\x01\x10").await; // priorities are deprecated (5.3.2)
    raw.send(PING, 0xfe, 0, b"87654321").await; // flags that PING has not
    assert_eq!(raw.next_of(PING).await.payload, b"87654321");
    raw.send(HEADERS, END_HEADERS, 1 | 1 << 31, &block(&fields())).await; // the reserved bit (4.1)
    raw.send(DATA, END_STREAM, 1, &point()).await;
    gets_an_answer(&mut raw, 1).await;
}

#[tokio::test]
async fn padding_is_no_part_of_the_content_and_fits_its_frame() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    let head = [&[3][..], &[0x80, 0, 0, 0, 15], &block(&fields()), &[0; 3]].concat();
    raw.send(HEADERS, END_HEADERS | PADDED | WITH_PRIORITY, 1, &head).await;
    raw.send(DATA, PADDED, 1, &[&[200][..], &point()[..9], &[0; 200]].concat()).await;
    raw.send(DATA, PADDED | END_STREAM, 1, &[&[0][..], &point()[9..]].concat()).await;
    gets_an_answer(&mut raw, 1).await;
    // As long as all that follows, it would leave no room for the byte that tells its length.
    raw.send(HEADERS, END_HEADERS, 3, &block(&fields())).await;
    raw.send(DATA, PADDED, 3, &[9, 0, 0, 0, 0, 0, 0, 0, 0]).await;
    assert_eq!(goaway(&mut raw).await, Some(PROTOCOL_ERROR));
}

#[tokio::test]
async fn a_client_pushes_nothing() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send(HEADERS, END_HEADERS, 1, &block(&fields())).await;
    raw.send(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2][..], &block(&fields())].concat()).await;
    assert_eq!(goaway(&mut raw).await, Some(PROTOCOL_ERROR));
}

#[tokio::test]
async fn a_header_block_goes_on_in_continuation_frames_and_nothing_comes_between_them() {
    let running = serve();
    let block = block(&fields());
    let mut raw = Raw::connect(running.address).await;
    raw.send(HEADERS, 0, 1, &block[..7]).await;
    raw.send(CONTINUATION, 0, 1, &block[7..8]).await;
    raw.send(CONTINUATION, 0, 1, b"").await;
    raw.send(CONTINUATION, END_HEADERS, 1, &block[8..]).await;
    raw.send(DATA, END_STREAM, 1, &point()).await;
    gets_an_answer(&mut raw, 1).await;
    for (kind, flags, stream, payload) in [
        (PING, 0, 0, &b"12345678"[..]),
        (DATA, END_STREAM, 1, b""),
        (HEADERS, END_HEADERS, 1, &block),
        (0x20, 0, 0, b"unknown"),
        (CONTINUATION, END_HEADERS, 3, &block[7..]),
    ] {
        let mut raw = Raw::connect(running.address).await;
        raw.send(HEADERS, 0, 1, &block[..7]).await;
        raw.send(kind, flags, stream, payload).await;
        assert_eq!(goaway(&mut raw).await, Some(PROTOCOL_ERROR), "a frame of type {kind} on stream {stream}");
    }
    let mut raw = Raw::connect(running.address).await;
    raw.send(CONTINUATION, END_HEADERS, 1, &block).await;
    assert_eq!(goaway(&mut raw).await, Some(PROTOCOL_ERROR), "no header block goes on");
}

#[tokio::test]
async fn frames_are_no_longer_than_16_384_bytes_unless_the_client_allows_more() {
    let running = Running::route_guide(Features::from_entries(
        (0..2000).map(|index| (h2grpc::route_guide::Point { latitude: index, longitude: 7 }, "x".repeat(100))),
    ));
    for allowed in [16_384, 100_000] {
        let mut raw = Raw::connect(running.address).await;
        raw.send(SETTINGS, 0, 0, &settings_of(&[(4, 1 << 20), (5, allowed)])).await;
        raw.send_head(1, "/routeguide.RouteGuide/ListFeatures").await;
        let everything = h2grpc::route_guide::Rectangle {
            lo: Some(h2grpc::route_guide::Point { latitude: 0, longitude: 0 }),
            hi: Some(h2grpc::route_guide::Point { latitude: i32::MAX, longitude: i32::MAX }),
        };
        raw.send(DATA, END_STREAM, 1, &frame(&everything)).await;
        let mut received = 0;
        while received < 60_000 {
            let data = raw.next_of(DATA).await.payload;
            assert!(data.len() <= allowed as usize, "{} bytes in a frame", data.len());
            received += data.len();
        }
    }
}

#[tokio::test]
async fn a_preface_that_is_wrong_ends_the_connection() {
    let running = serve();
    for at in [0, 5, 23] {
        let mut preface = PREFACE.to_vec();
        preface[at] ^= 1;
        let mut raw = Raw { stream: tokio::net::TcpStream::connect(running.address).await.unwrap() };
        raw.stream.write_all(&[preface, bytes_of(SETTINGS, 0, 0, b"")].concat()).await.unwrap();
        while raw.next().await.is_some() {}
    }
}

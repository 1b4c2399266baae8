//! Section 5: the numbers and the states of streams.

use super::common::raw::{
    CANCEL, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, Raw, WINDOW_UPDATE, kinds,
};
use super::*;

#[tokio::test]
async fn streams_of_a_client_have_odd_numbers_that_grow() {
    let running = serve();
    for stream in [2, 4] {
        let mut raw = Raw::connect(running.address).await;
        raw.send(HEADERS, END_HEADERS, stream, &block(&fields())).await;
        assert_eq!(goaway(&mut raw).await, Some(PROTOCOL_ERROR), "stream {stream}");
    }
    let mut raw = Raw::connect(running.address).await;
    is_answered(&mut raw, 1).await;
    is_answered(&mut raw, 7).await;
    raw.send(HEADERS, END_HEADERS, 5, &block(&fields())).await;
    let code = goaway(&mut raw).await;
    assert!(matches!(code, Some(PROTOCOL_ERROR | STREAM_CLOSED)), "stream 5 after 7: {code:?}");
}

#[tokio::test]
async fn an_idle_stream_begins_with_headers() {
    let running = serve();
    for (kind, payload) in [(DATA, &b"x"[..]), (RST_STREAM, b"\0\0\0\x08"), (WINDOW_UPDATE, b"\0\0\0\x01")] {
        let mut raw = Raw::connect(running.address).await;
        raw.send(kind, 0, 1, payload).await;
        assert_eq!(goaway(&mut raw).await, Some(PROTOCOL_ERROR), "a frame of type {kind}");
    }
}

#[tokio::test]
async fn nothing_follows_the_end_of_a_request() {
    let running = serve();
    for (kind, flags, payload) in [
        (DATA, 0, b"x".to_vec()),
        (DATA, END_STREAM, vec![]),
        (HEADERS, END_HEADERS | END_STREAM, block(&[("a", "b")])),
    ] {
        let mut raw = Raw::connect(running.address).await;
        raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &block(&fields())).await;
        raw.send(kind, flags, 1, &payload).await;
        let code = loop {
            let frame = raw.next().await.unwrap();
            match frame.kind {
                GOAWAY => break super::code(&frame.payload[4..]),
                RST_STREAM => break super::code(&frame.payload),
                _ => {}
            }
        };
        assert!(matches!(code, PROTOCOL_ERROR | STREAM_CLOSED), "a frame of type {kind}: {code}");
    }
}

#[tokio::test]
async fn a_reset_ends_its_stream_and_no_other() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send(HEADERS, END_HEADERS, 1, &block(&fields())).await;
    raw.send(RST_STREAM, 0, 1, &CANCEL.to_be_bytes()).await;
    is_answered(&mut raw, 3).await;
    let seen = raw.until_quiet().await;
    assert_eq!(kinds(&seen, 1), [0; 0], "{seen:?}");
}

#[tokio::test]
async fn window_update_and_rst_stream_may_come_after_the_end_of_a_stream() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    is_answered(&mut raw, 1).await;
    raw.send(WINDOW_UPDATE, 0, 1, &[0, 0, 1, 0]).await;
    raw.send(RST_STREAM, 0, 1, &CANCEL.to_be_bytes()).await;
    is_answered(&mut raw, 3).await;
}

#[tokio::test]
async fn a_request_may_end_with_trailers() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send(HEADERS, END_HEADERS, 1, &block(&fields())).await;
    raw.send(DATA, 0, 1, &point()).await;
    raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[("checksum", "7")])).await;
    gets_an_answer(&mut raw, 1).await;
}

#[tokio::test]
async fn headers_after_the_head_end_the_stream() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send(HEADERS, END_HEADERS, 1, &block(&fields())).await;
    raw.send(DATA, 0, 1, &point()).await;
    raw.send(HEADERS, END_HEADERS, 1, &block(&[("checksum", "7")])).await;
    let end = raw.until_quiet_or_closed().await;
    let is_refused = end.iter().any(|frame| matches!(frame.kind, GOAWAY | RST_STREAM));
    assert!(is_refused, "{end:?}");
}

#[tokio::test]
async fn goaway_has_the_last_stream_that_was_processed() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    is_answered(&mut raw, 1).await;
    is_answered(&mut raw, 5).await;
    raw.send(DATA, 0, 99, b"x").await;
    let goaway = raw.next_of(GOAWAY).await;
    assert_eq!((goaway.stream, &goaway.payload[..8]), (0, &[0, 0, 0, 5, 0, 0, 0, 1][..]), "{goaway:?}");
}

#[tokio::test]
async fn a_server_that_leaves_says_so_first_and_takes_what_comes_meanwhile() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send(HEADERS, END_HEADERS, 1, &block(&fields())).await;
    raw.until_quiet().await;
    let stopped = running.stop();
    let first = raw.next_of(GOAWAY).await;
    assert_eq!(first.payload[..8], [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0], "the largest number, and NO_ERROR");
    raw.send(DATA, END_STREAM, 1, &point()).await;
    let mut seen = Vec::new();
    while let Some(frame) = raw.next().await {
        if frame.kind == super::common::raw::PING && frame.flags == 0 {
            raw.send(frame.kind, ACK, 0, &frame.payload).await;
        }
        seen.push(frame);
    }
    assert_eq!(kinds(&seen, 1), ANSWER, "{seen:?}");
    let last = seen.iter().rfind(|frame| frame.kind == GOAWAY).expect("a second GOAWAY");
    assert_eq!(last.payload[..8], [0, 0, 0, 1, 0, 0, 0, 0], "the last stream that it took");
    stopped.await.unwrap().unwrap();
}

//! Sections 5.2 and 6.9: flow control.

use h2grpc::route_guide::{Features, Guide, Point, Rectangle, RouteGuide};
use h2grpc::server::Server;
use tokio::io::AsyncWriteExt;

use super::common::raw::{DATA, END_STREAM, Raw, SETTINGS, WINDOW_UPDATE, bytes_of, settings_of};
use super::*;

const INITIAL_WINDOW_SIZE: u16 = 4;

/// A server with an answer of some 200 kB, and a client that has asked for it with this window for each stream.
async fn ask(window: u32) -> (Running, Raw) {
    let features = (0..2000).map(|latitude| (Point { latitude, longitude: 7 }, "x".repeat(100)));
    let running = Running::route_guide(Features::from_entries(features));
    let mut raw = Raw::connect(running.address).await;
    raw.send(SETTINGS, 0, 0, &settings_of(&[(INITIAL_WINDOW_SIZE, window)])).await;
    list(&mut raw, 1).await;
    (running, raw)
}

async fn list(raw: &mut Raw, stream: u32) {
    raw.send_head(stream, "/routeguide.RouteGuide/ListFeatures").await;
    let corner = |to| Some(Point { latitude: to, longitude: to });
    raw.send(DATA, END_STREAM, stream, &frame(&Rectangle { lo: corner(0), hi: corner(i32::MAX) })).await;
}

/// How many bytes of DATA the server sends of `stream` until it has to wait.
async fn sent(raw: &mut Raw, stream: u32) -> usize {
    let seen = raw.until_quiet().await;
    let data = seen.iter().filter(|frame| frame.kind == DATA && frame.stream == stream);
    data.map(|frame| frame.payload.len()).sum()
}

#[tokio::test]
async fn data_is_sent_as_far_as_the_window_of_its_stream_goes() {
    let (_running, mut raw) = ask(1000).await;
    assert_eq!(sent(&mut raw, 1).await, 1000);
    raw.send(WINDOW_UPDATE, 0, 1, &77_u32.to_be_bytes()).await;
    assert_eq!(sent(&mut raw, 1).await, 77);
    raw.send(WINDOW_UPDATE, 0, 0, &5000_u32.to_be_bytes()).await;
    assert_eq!(sent(&mut raw, 1).await, 0, "the connection's window is another");
}

#[tokio::test]
async fn data_is_sent_as_far_as_the_window_of_the_connection_goes() {
    let (_running, mut raw) = ask(60_000).await;
    assert_eq!(sent(&mut raw, 1).await, 60_000);
    list(&mut raw, 3).await;
    assert_eq!(sent(&mut raw, 3).await, 5535, "what streams begin with says nothing of the connection's 65,535");
    raw.send(WINDOW_UPDATE, 0, 0, &100_u32.to_be_bytes()).await;
    assert_eq!(sent(&mut raw, 3).await, 100);
}

#[tokio::test]
async fn a_new_initial_window_changes_the_windows_of_open_streams() {
    let (_running, mut raw) = ask(1000).await;
    assert_eq!(sent(&mut raw, 1).await, 1000);
    raw.send(SETTINGS, 0, 0, &settings_of(&[(INITIAL_WINDOW_SIZE, 400)])).await;
    assert_eq!(sent(&mut raw, 1).await, 0, "600 below nothing");
    raw.send(WINDOW_UPDATE, 0, 1, &700_u32.to_be_bytes()).await;
    assert_eq!(sent(&mut raw, 1).await, 100);
    raw.send(SETTINGS, 0, 0, &settings_of(&[(INITIAL_WINDOW_SIZE, 450)])).await;
    assert_eq!(sent(&mut raw, 1).await, 50);
}

#[tokio::test]
async fn a_window_update_of_nothing_is_an_error_of_what_it_is_for() {
    let (_running, mut raw) = ask(0).await;
    raw.send(WINDOW_UPDATE, 0, 1, &[0; 4]).await;
    let end = raw.until_quiet_or_closed().await;
    let ends = |frame: &Frame| matches!(frame.kind, GOAWAY | RST_STREAM);
    let end = end.iter().find(|frame| ends(frame)).expect("an error");
    assert_eq!(end.payload[end.payload.len() - 4..].last(), Some(&1), "PROTOCOL_ERROR: {end:?}");
    let (_running, mut raw) = ask(0).await;
    raw.send(WINDOW_UPDATE, 0, 0, &[0; 4]).await;
    assert_eq!(goaway(&mut raw).await, Some(PROTOCOL_ERROR));
}

#[tokio::test]
async fn a_window_beyond_its_largest_size_is_a_flow_control_error() {
    let largest = ((1_u32 << 31) - 1).to_be_bytes();
    let (_running, mut raw) = ask(1).await;
    raw.send(WINDOW_UPDATE, 0, 1, &largest).await;
    raw.send(WINDOW_UPDATE, 0, 1, &largest).await;
    let end = raw.until_quiet_or_closed().await;
    let end = end.iter().find(|frame| matches!(frame.kind, GOAWAY | RST_STREAM)).expect("an error");
    let code = if end.kind == GOAWAY { &end.payload[4..8] } else { &end.payload[..] };
    assert_eq!((end.kind, super::code(code)), (RST_STREAM, FLOW_CONTROL_ERROR), "{end:?}");
    let (_running, mut raw) = ask(0).await;
    raw.send(WINDOW_UPDATE, 0, 0, &largest).await;
    assert_eq!(goaway(&mut raw).await, Some(FLOW_CONTROL_ERROR));
}

#[tokio::test]
async fn headers_need_no_window() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send(SETTINGS, 0, 0, &settings_of(&[(INITIAL_WINDOW_SIZE, 0)])).await;
    raw.send_head(1, "/routeguide.RouteGuide/Nothing").await;
    let head = raw.next_of(HEADERS).await;
    assert_eq!((head.stream, head.flags), (1, END_HEADERS | END_STREAM), "a status alone");
}

#[tokio::test]
async fn padding_counts_for_the_window() {
    let narrow = common::limits(|limits| limits.stream_window = 20_000);
    let running = Running::start(Server::new().add(Guide::new(Features::embedded()).into_service()).limits(narrow));
    let mut raw = Raw::connect(running.address).await;
    raw.next_of(SETTINGS).await;
    raw.send(SETTINGS, ACK, 0, b"").await;
    raw.send_head(1, "/routeguide.RouteGuide/RecordRoute").await;
    // 19,800 bytes of data, and with the padding 20,312. They come at once, before the first is read.
    let padded = bytes_of(DATA, 8, 1, &[&[255][..], &[0; 9900], &[0; 255]].concat());
    raw.stream.write_all(&padded.repeat(2)).await.unwrap();
    assert_eq!(end(&mut raw, 1).await, End::Stream(FLOW_CONTROL_ERROR));
}

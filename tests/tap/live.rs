//! What a tap tells of the connections that it passes on.

use std::io::{Read, pipe};
use std::process::Stdio;

use h2grpc::route_guide::{Point, RouteNote};

use super::common::raw::{END_HEADERS, END_STREAM, HEADERS, Raw};
use super::common::{Running, frame_of};
use super::{PROTO, TRAIL, Tap, call_with, events, server, tour};

#[tokio::test(flavor = "multi_thread")]
async fn the_four_calls_are_shown_with_names_values_and_status() {
    let server = server();
    let tap = Tap::start(server.address, &["--proto", PROTO, "--connections", "1"]);
    tour(&tap.client()).await;
    let output = tap.ended();
    assert!(output.succeeded(), "{output}");
    for expected in [
        "-> call /routeguide.RouteGuide/GetFeature, to 127.0.0.1:",
        "-> Point {latitude: 409146138, longitude: -746188906}",
        "<- Feature {name: \"Berkshire Valley Management Area Trail, Jefferson, NJ, USA\", location: {latitude: 409146138, ",
        "-> Rectangle {lo: {latitude: 400000000, longitude: -750000000}, hi: {latitude: 420000000, longitude: -730000000}}",
        "<- RouteSummary {point_count: 10, feature_count: 10, distance: ",
        "-> RouteNote {location: {longitude: 1}, message: \"Second message\"}",
        "<- RouteNote {location: {}, message: \"First message\"}",
    ] {
        assert!(output.stdout.contains(expected), "{expected} is not in {output}");
    }
    let ends: Vec<&str> = output.stdout.lines().filter(|line| line.contains(" OK after ")).collect();
    assert_eq!(ends.len(), 5, "{output}");
    assert!(ends[0].contains("-> 1 message, 22 bytes; <- 1 message, 84 bytes"), "{}", ends[0]);
    assert!(ends[3].contains("-> 10 messages, "), "{}", ends[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_at_once_are_told_apart() {
    let server = server();
    let tap = Tap::start(server.address, &["--json", "--connections", "20"]);
    let calls = (0..20).map(|number| {
        let client = tap.client();
        async move {
            let point = Point { latitude: number, longitude: 7 };
            client.get_feature(point).await.unwrap();
        }
    });
    futures_util::future::join_all(calls).await;
    let output = tap.ended();
    let mut requests: Vec<(u64, i64)> = events(&output.stdout, "message")
        .iter()
        .filter(|message| message["direction"] == "to_server")
        .map(|message| (message["connection"].as_u64().unwrap(), message["message"]["1"].as_i64().unwrap_or(0)))
        .collect();
    requests.sort_by_key(|(connection, _)| *connection);
    assert!(requests.iter().map(|(connection, _)| *connection).eq(1..=20), "{requests:?}");
    requests.sort_by_key(|(_, latitude)| *latitude);
    assert!(requests.iter().map(|(_, latitude)| *latitude).eq(0..20), "{requests:?}");
    assert_eq!(events(&output.stdout, "closed").len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_is_told_with_its_status_and_its_text() {
    let server = server();
    let tap = Tap::start(server.address, &["--connections", "1"]);
    tap.client().named("elsewhere.Guide").get_feature(TRAIL).await.unwrap_err();
    let output = tap.ended();
    assert!(output.stdout.contains(" UNIMPLEMENTED \""), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_open_at_the_end_are_told_too() {
    let server = server();
    let mut tap = Tap::start(server.address, &[]);
    let (mut notes, _answers) = tap.client().route_chat().await.unwrap();
    let note = RouteNote { location: None, message: "hello".into() };
    notes.send(&note).await.unwrap();
    tap.until("hello");
    let output = tap.stop();
    assert!(output.succeeded(), "{output}");
    assert!(output.stdout.contains(" not ended after "), "{output}");
    assert!(output.stdout.contains("connection was open when the tap ended"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_why_a_call_failed() {
    let server = server();
    let mut tap = Tap::start(server.address, &[]);
    let mut client = Raw::connect(tap.address).await;
    client.send_head(1, "/routeguide.RouteGuide/RouteChat").await;
    client.send(super::common::raw::RST_STREAM, 0, 1, &super::common::raw::CANCEL.to_be_bytes()).await;
    let line = tap.until("cancelled");
    assert!(line.contains("1.1 ") && line.contains("the client cancelled stream 1"), "{line}");
    tap.until("reset by the client: CANCEL after ");
}

#[tokio::test(flavor = "multi_thread")]
async fn explanations_that_fall_behind_skip_bytes_and_recover_and_bytes_pass_all_the_same() {
    let server = server();
    let (mut reader, writer) = pipe().unwrap();
    let tap = Tap::start_into(server.address, &["--lag", "1", "--bytes"], Stdio::from(writer));
    let client = tap.client();
    // Nobody reads what is printed, and ten times as much passes as may wait.
    for _ in 0..20 {
        let (mut notes, answers) = client.route_chat().await.unwrap();
        let note = RouteNote { location: None, message: "x".repeat(512 * 1024) };
        notes.send(&note).await.unwrap();
        notes.finish().await.unwrap();
        drop(answers);
    }
    let resident = std::fs::read_to_string(format!("/proc/{}/status", tap.process.id())).unwrap();
    let most = resident.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    assert!(most.parse::<u64>().unwrap() < 96 * 1024, "{most} kB");
    let reading = std::thread::spawn(move || {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    // As soon as somebody reads, what passes now is explained.
    for number in 0.. {
        call_with(&client, "x-late", "yes").await;
        client.get_feature(Point { latitude: 1_000_000 + number, longitude: 1 }).await.unwrap();
        if number > 20 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // What is said for the first time now: metadata and a path. A status stays unknown, as the name of its field is an
    // old entry.
    call_with(&client, "x-new", "now").await;
    client.clone().named("elsewhere.Guide").get_feature(TRAIL).await.unwrap_err();
    tap.stop();
    let text = reading.join().unwrap();
    assert!(text.contains("bytes were not explained: the explanations could not keep up"));
    let gap = text.rfind("bytes were not explained").unwrap();
    for expected in ["1: 10000", "call /elsewhere.Guide/GetFeature", "x-new: now"] {
        assert!(text[gap..].contains(expected), "it has not recovered: {expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_judges_by_the_exit_code() {
    let server = server();
    let tap = Tap::start(server.address, &["--check", "--connections", "1"]);
    tour(&tap.client()).await;
    let output = tap.ended();
    assert_eq!(output.code(), Some(0), "{output}");
    assert!(output.stdout.contains("no rule was broken"), "{output}");

    for (check, code) in [(&["--check"][..], 1), (&[], 0)] {
        let arguments = [check, &["--json", "--connections", "1"]].concat();
        let tap = Tap::start(server.address, &arguments);
        let mut client = Raw::connect(tap.address).await;
        // No te: trailers, and a message that is shorter than its prefix says.
        let block = [&[0x83, 0x86, 0x04, 2], &b"/a"[..]].concat();
        client.send(HEADERS, END_HEADERS, 1, &block).await;
        client.send(0, END_STREAM, 1, &frame_of(0, b"abc")[..6]).await;
        client.until_quiet().await;
        drop(client);
        let output = tap.ended();
        assert_eq!(output.code(), Some(code), "{output}");
        let broken = events(&output.stdout, "broken");
        let has = |rule: &str| broken.iter().any(|verdict| verdict["rule"] == rule);
        assert_eq!(has("grpc.te-trailers"), code == 1, "{broken:?}");
        let words = |verdict: &serde_json::Value| verdict["text"].to_string().contains("gRPC over HTTP/2, Requests: ");
        assert_eq!(broken.iter().any(words), code == 1, "with the specification's words: {broken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_closes_the_pipe_ends_it_quietly() {
    let server: Running = server();
    let (reader, writer) = pipe().unwrap();
    let tap = Tap::start_into(server.address, &[], Stdio::from(writer));
    drop(reader);
    let _ = tap.client().get_feature(TRAIL).await;
    let output = tap.ended();
    assert_eq!(output.code(), Some(0), "{output}");
    assert_eq!(output.stderr.lines().count(), 1, "{output}");
}

//! Each setting of the tap between a client and a server is applied.

use h2grpc::transcript::{Direction, Recorded, Transcript, protobuf::Types};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::common::soon;
use super::{Folder, PROTO, TRAIL, Tap, call_with, events, server, tour};

/// What is printed of one GetFeature with these arguments.
async fn shown(arguments: &[&str]) -> String {
    let server = server();
    let tap = Tap::start(server.address, &[&["--connections", "1"], arguments].concat());
    tap.client().get_feature(TRAIL).await.unwrap();
    tap.ended().stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_from_proto_files_from_descriptors_or_from_nowhere() {
    let named = "-> Point {latitude: 409146138, longitude: -746188906}";
    assert!(shown(&["--proto", PROTO]).await.contains(named));
    let folder = Folder::new();
    let descriptors = folder.write("descriptors", h2grpc::route_guide::FILE_DESCRIPTOR_SET);
    assert!(shown(&["--descriptor-set", &descriptors]).await.contains(named));
    let numbers = shown(&[]).await;
    assert!(numbers.contains("-> {1: 409146138, 2: 18446744072963362710}"), "{numbers}");

    // The import is found in a folder that --include names.
    let common = std::fs::read_to_string(PROTO).unwrap();
    let (head, rest) = common.split_once("message Point").unwrap();
    let point = format!("message Point{}", rest.split_inclusive('}').next().unwrap());
    let parts = Folder::new();
    parts.write("point.proto", format!("syntax = \"proto3\";\npackage routeguide;\n{point}"));
    let rest = common.replace(&point, "");
    let guide = folder
        .write("guide.proto", rest.replacen("package routeguide;", "package routeguide;\nimport \"point.proto\";", 1));
    assert!(head.contains("package routeguide;"));
    let include = ["--proto", &guide, "--include", parts.0.to_str().unwrap(), "--include", folder.0.to_str().unwrap()];
    assert!(shown(&include).await.contains(named));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_shows_each_frame_with_its_bytes() {
    let with = shown(&["--bytes"]).await;
    assert!(with.contains("50 52 49 20 2a 20 48 54 54 50 2f 32  preface"), "{with}");
    assert!(with.contains("08 9a a6 8c c3 01                    1 unknown: 409146138"), "{with}");
    assert!(!shown(&[]).await.contains("preface"));
    let json = shown(&["--bytes", "--json"]).await;
    let frames = events(&json, "frame");
    assert_eq!(frames[0]["type"].as_str().map(|kind| kind == "PREFACE" || kind == "SETTINGS"), Some(true));
    let data = frames.iter().find(|frame| frame["type"] == "DATA" && frame["direction"] == "to_server").unwrap();
    assert!(data["bytes"].as_str().unwrap().ends_with("089aa68cc30110969f989cfdffffffff01"), "{data}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_an_object_for_each_event() {
    let json = shown(&["--json", "--proto", PROTO]).await;
    let one = |name: &str, direction: &str| {
        let events = events(&json, name);
        events.into_iter().find(|event| direction.is_empty() || event["direction"] == direction).expect(&json)
    };
    assert_eq!(one("opened", "")["connection"], 1);
    let call = one("call", "to_server");
    assert_eq!((&call["service"], &call["method"]), (&"routeguide.RouteGuide".into(), &"GetFeature".into()));
    assert!(call["headers"].as_array().unwrap().contains(&serde_json::json!(["te", "trailers"])), "{call}");
    let request = one("message", "to_server");
    assert_eq!(request["message"], serde_json::json!({"latitude": 409_146_138, "longitude": -746_188_906}));
    assert_eq!((&request["type"], &request["bytes"]), (&"routeguide.Point".into(), &17.into()));
    assert_eq!(one("message", "to_client")["message"]["location"], request["message"]);
    one("response_head", "to_client");
    one("trailers", "to_client");
    let end = one("call_end", "");
    assert_eq!((&end["status"], &end["status_name"], &end["stream"]), (&0.into(), &"OK".into(), &1.into()));
    assert_eq!(end["bytes"], serde_json::json!({"to_server": 22, "to_client": 84}));
    one("closed", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_show_the_calls_for_which_they_hold() {
    let server = server();
    for (filter, expected) in [
        (&["path=*/RouteChat"][..], &["RouteChat"][..]),
        (&["service=elsewhere.Guide"], &["Elsewhere"]),
        (&["method=GetFeature"], &["GetFeature", "With", "Elsewhere"]),
        (&["method!=GetFeature"], &["RouteChat"]),
        (&["status=12"], &["Elsewhere"]),
        (&["status=UNIMPLEMENTED"], &["Elsewhere"]),
        (&["status!=OK", "method=GetFeature"], &["Elsewhere"]),
        (&["metadata:x-id=7"], &["With"]),
        (&["metadata:x-id=8"], &[]),
        (&["metadata:X-ID=*"], &["With"]),
        (&["metadata:x-id!=7", "status=0"], &["GetFeature", "RouteChat"]),
        (&["connection=2"], &[]),
        (&["stream=1"], &["GetFeature"]),
    ] {
        let mut arguments = vec!["--json", "--connections", "1"];
        filter.iter().for_each(|filter| arguments.extend(["--filter", filter]));
        let tap = Tap::start(server.address, &arguments);
        let client = tap.client();
        client.get_feature(TRAIL).await.unwrap();
        call_with(&client, "x-id", "7").await;
        client.clone().named("elsewhere.Guide").get_feature(TRAIL).await.unwrap_err();
        h2grpc::route_guide::tour::route_chat(&client, &mut Vec::new()).await.unwrap();
        drop(client);
        let output = tap.ended();
        let calls = events(&output.stdout, "call");
        let name = |call: &serde_json::Value| match call["path"].as_str().unwrap() {
            path if path.starts_with("/elsewhere") => "Elsewhere".to_owned(),
            _ if call["headers"].to_string().contains("x-id") => "With".to_owned(),
            path => path.rsplit('/').next().unwrap().to_owned(),
        };
        let mut calls: Vec<String> = calls.iter().map(name).collect();
        calls.sort_by_key(|call| expected.iter().position(|own| own == call));
        assert_eq!(calls, expected, "{filter:?}: {output}");
        assert_eq!(events(&output.stdout, "call_end").len(), expected.len(), "{filter:?}: {output}");
        // The call that no server knows may be refused before its message is sent.
        let sends = expected.iter().any(|call| *call != "Elsewhere");
        assert!(!sends || !events(&output.stdout, "message").is_empty(), "{filter:?}: {output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_shown_to_those_alone_who_ask() {
    let server = server();
    let folder = Folder::new();
    for (show, json) in [(false, false), (false, true), (true, false), (true, true)] {
        let saved = folder.path("saved.txt");
        let mut arguments = vec!["--connections", "1", "--bytes", "--save", &saved];
        arguments.extend(show.then_some("--show-secrets"));
        arguments.extend(json.then_some("--json"));
        let tap = Tap::start(server.address, &arguments);
        let client = tap.client();
        for name in ["authorization", "cookie"] {
            call_with(&client, name, "Bearer letmein").await;
            call_with(&client, name, "Bearer letmein").await;
        }
        drop(client);
        let printed = tap.ended().stdout;
        let file = std::fs::read_to_string(&saved).unwrap();
        let recorded = Recorded::parse(&file).unwrap();
        let transcript = Transcript::read(&recorded, &Types::default());
        let blocks = transcript.events.iter().filter_map(|event| event.block.clone());
        let values: Vec<_> = blocks.filter_map(|block| block.get("authorization").cloned()).collect();
        assert_eq!((values.len(), transcript.calls.len()), (2, 4), "the saved file can be read in either case");
        for text in [&printed, &file] {
            assert_eq!(text.contains("letmein"), show, "{text}");
        }
        assert_eq!(values.iter().all(|value| value == "Bearer letmein"), show, "{values:?}");
        assert!(printed.contains("uthorization"), "the name is shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn save_writes_a_file_for_each_connection_up_to_a_limit() {
    let server = server();
    let folder = Folder::new();
    let first = folder.path("calls.txt");
    let tap = Tap::start(server.address, &["--connections", "2", "--save", &first, "--save-limit", "1"]);
    tour(&tap.client()).await;
    let client = tap.client();
    let (mut notes, mut answers) = client.route_chat().await.unwrap();
    let note = h2grpc::route_guide::RouteNote { location: None, message: "x".repeat(1_000_000) };
    notes.send(&note).await.unwrap();
    notes.finish().await.unwrap();
    assert!(answers.next().await.unwrap().is_none());
    drop((client, answers));
    assert!(tap.ended().succeeded());
    let read = |name: &str| Recorded::parse(&std::fs::read_to_string(folder.path(name)).unwrap()).unwrap();
    let (first, second) = (read("calls.txt"), read("calls-2.txt"));
    let calls = |recorded: &Recorded| Transcript::read(recorded, &Types::default()).calls.len();
    assert_eq!((calls(&first), first.missed), (5, 0));
    let sent =
        second.missed as usize + second.bytes(Direction::ToServer).len() + second.bytes(Direction::ToClient).len();
    assert!(calls(&second) == 1 && second.missed > 0 && sent > 1_000_000, "{} missed, {sent} bytes", second.missed);
    let written: u64 =
        ["calls.txt", "calls-2.txt"].map(|name| std::fs::metadata(folder.path(name)).unwrap().len()).iter().sum();
    assert!(written < 1024 * 1024 + 100, "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_connections_may_be_open_and_further_ones_wait() {
    let server = server();
    let mut tap = Tap::start(server.address, &["--max-connections", "1"]);
    let first = TcpStream::connect(tap.address).await.unwrap();
    tap.until("connection from");
    let mut second = TcpStream::connect(tap.address).await.unwrap();
    let mut byte = [0; 1];
    // The server's SETTINGS come to those who are connected with it.
    let mut through = first;
    soon(through.read(&mut [0; 1])).await.unwrap();
    let none = second.try_read(&mut byte).unwrap_err();
    assert_eq!(none.kind(), std::io::ErrorKind::WouldBlock);
    drop(through);
    soon(second.read(&mut byte)).await.unwrap();
}

#[test]
fn help_tells_how_it_is_used() {
    let help = super::run(&["--help"]);
    for words in ["tap --listen 50052 --to localhost:50051", "replay", "--show-secrets", "KEY=PATTERN", "exit code"] {
        assert!(help.stdout.contains(words), "{words} is not in {help}");
    }
}

//! `tap --check` between our own programs finds nothing, however their calls end.

use std::process::{Command, Stdio};
use std::time::Duration;

use h2grpc::call::CallOptions;
use h2grpc::route_guide::{Point, RouteGuideClient, RouteNote};
use h2grpc::wire::Code;

use super::common::soon;
use super::process::{self, Output};
use super::served::{self, Served};
use super::{PATIENCE, TRAIL, Tap, events};

const LARGEST: usize = 2_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_nothing_between_our_programs_however_their_calls_end() {
    let served = Served::start_as(served::command().args(["--max-message", &LARGEST.to_string()]), Stdio::piped());
    let tap = Tap::start(served.address(), &["--check", "--json"]);
    programs(&tap);
    let client = served::client(tap.address);
    ends(&client).await;
    drain(&client, served).await;
    drop(client);
    let output = tap.stop();
    assert_eq!(events(&output.stdout, "broken"), [serde_json::Value::Null; 0], "{output}");
    assert_eq!(output.code(), Some(0), "{output}");
    let ended = events(&output.stdout, "call_end");
    // Which side ends a call first whose deadline passes is chance.
    for status in ["OK", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"] {
        assert!(ended.iter().any(|call| call["status_name"] == status), "no call ends {status}: {ended:?}");
    }
}

/// What the `client` program does: all four calls, and one that the server does not know.
fn programs(tap: &Tap) {
    let client = |arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
        command.args(["--addr", &tap.address.to_string()]).args(arguments);
        process::run(&mut command, PATIENCE).unwrap()
    };
    let all = client(&["--deadline", "60", "all"]);
    assert!(all.succeeded(), "{all}");
    let unknown = client(&["--service", "elsewhere.Guide", "get-feature", "1", "2"]);
    assert!(unknown.stderr.contains("UNIMPLEMENTED"), "{unknown}");
}

fn note(length: usize) -> RouteNote {
    RouteNote { location: Some(Point { latitude: 1, longitude: length as i32 }), message: "x".repeat(length) }
}

/// Calls with messages that fill the windows and with one that is too large, a call that its client gives up, and one
/// whose deadline passes.
async fn ends(client: &RouteGuideClient) {
    let (mut notes, mut answers) = client.route_chat().await.unwrap();
    notes.send(note(1_000_000)).await.unwrap();
    notes.send(note(1_000_000)).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), Some(note(1_000_000)));
    // The server may have ended the call before all of it was sent.
    let _ = notes.send(note(LARGEST + 1)).await;
    assert_eq!(soon(answers.next()).await.unwrap_err().code(), Code::RESOURCE_EXHAUSTED);

    let (mut notes, answers) = client.route_chat().await.unwrap();
    notes.send(note(1)).await.unwrap();
    drop((notes, answers));

    let short = client.clone().with(CallOptions::new().timeout(Duration::from_millis(200)));
    let (_notes, mut answers) = short.route_chat().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap_err().code(), Code::DEADLINE_EXCEEDED);
}

/// A server that is told to stop lets the call in flight end.
async fn drain(client: &RouteGuideClient, served: Served) {
    client.get_feature(TRAIL).await.unwrap();
    let (mut notes, mut answers) = client.route_chat().await.unwrap();
    notes.send(note(2)).await.unwrap();
    notes.send(note(2)).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), Some(note(2)));
    served.terminate().await;
    notes.finish().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), None);
    served.ended_well().await;
}

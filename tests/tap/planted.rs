//! `tap --check` finds each fault that a peer of bare frames plants, and nothing else.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::common::raw::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, PREFACE, SETTINGS,
    WINDOW_UPDATE, bytes_of, field, settings_of,
};
use super::common::raw_server::response_head;
use super::common::{frame_of, soon};
use super::{Tap, events};

const PUSH_PROMISE: u8 = 5;
const ENABLE_PUSH: u16 = 2;

/// Who sends a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Client,
    Server,
}

use By::{Client, Server};

/// A frame and its sender.
type Step = (By, Vec<u8>);

/// A conversation whose last frame breaks a rule.
struct Planted {
    name: &'static str,
    /// What comes after the preface and SETTINGS of both sides.
    steps: Vec<Step>,
    rule: &'static str,
}

fn planted(name: &'static str, rule: &'static str, steps: impl IntoIterator<Item = Step>) -> Planted {
    Planted { name, steps: steps.into_iter().collect(), rule }
}

/// The same where the call of [`call`] comes before.
fn in_call(name: &'static str, rule: &'static str, steps: impl IntoIterator<Item = Step>) -> Planted {
    planted(name, rule, call().into_iter().chain(steps))
}

fn client(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Step {
    (Client, bytes_of(kind, flags, stream, payload))
}

fn server(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Step {
    (Server, bytes_of(kind, flags, stream, payload))
}

const HEAD: [(&str, &str); 5] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/routeguide.RouteGuide/GetFeature"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
];

fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

fn head(stream: u32) -> Step {
    client(HEADERS, END_HEADERS, stream, &block(&HEAD))
}

/// A head without `name`.
fn head_without(name: &str) -> Step {
    let fields: Vec<_> = HEAD.into_iter().filter(|(own, _)| *own != name).collect();
    client(HEADERS, END_HEADERS, 1, &block(&fields))
}

/// A head in which `name` has `value`, whether it had one before or not.
fn head_with(name: &str, value: &str) -> Step {
    let mut fields = HEAD.to_vec();
    match fields.iter_mut().find(|(own, _)| *own == name) {
        Some(field) => field.1 = value,
        None => fields.push((name, value)),
    }
    client(HEADERS, END_HEADERS, 1, &block(&fields))
}

/// A head and then these bytes of HPACK.
fn head_and(bytes: &[u8]) -> Step {
    client(HEADERS, END_HEADERS, 1, &[&block(&HEAD), bytes].concat())
}

/// A request that is whole.
fn call() -> Vec<Step> {
    vec![head(1), client(DATA, END_STREAM, 1, &frame_of(0, b""))]
}

fn response() -> Step {
    server(HEADERS, END_HEADERS, 1, &response_head())
}

fn trailers(fields: &[(&str, &str)]) -> Step {
    server(HEADERS, END_HEADERS | END_STREAM, 1, &block(fields))
}

fn faults() -> Vec<Planted> {
    let mut faults = faults_of_heads();
    faults.extend(faults_of_bodies());
    faults.extend(faults_of_streams());
    faults.extend(faults_of_frames());
    faults
}

fn faults_of_heads() -> Vec<Planted> {
    vec![
        planted("te is missing", "grpc.te-trailers", [head_without("te")]),
        planted("content-type is another", "grpc.content-type", [head_with("content-type", "application/json")]),
        planted("the path has no slash", "grpc.path", [head_with(":path", "GetFeature")]),
        planted("the method is GET", "grpc.method-post", [head_with(":method", "GET")]),
        planted("a timeout of nine digits", "grpc.timeout-digits", [head_with("grpc-timeout", "123456789S")]),
        planted("a timeout without unit", "grpc.timeout", [head_with("grpc-timeout", "12")]),
        planted("an upper-case name", "h2.field-names", [head_with("X-Upper", "a")]),
        planted("a field of HTTP/1", "h2.connection-fields", [head_with("connection", "close")]),
        planted("a value that is no base64", "grpc.binary-base64", [head_with("x-bin", "*")]),
        planted("a pseudo-header field after others", "h2.pseudo-fields", [head_with(":authority", "localhost")]),
        planted("an index beyond the table", "h2.header-block-decoded", [head_and(&[0xfe])]),
        planted(
            "a table larger than the setting allows",
            "h2.header-block-decoded",
            [client(HEADERS, END_HEADERS, 1, &[&[0x3f, 0xe2, 0x1f], &block(&HEAD)[..]].concat())],
        ),
        in_call(
            "content-type of a response is missing",
            "grpc.response-headers",
            [server(HEADERS, END_HEADERS, 1, &block(&[(":status", "200")]))],
        ),
        in_call("no grpc-status", "grpc.status-always", [response(), trailers(&[("x-other", "1")])]),
        in_call("a grpc-status in letters", "grpc.status-digits", [response(), trailers(&[("grpc-status", "OK")])]),
    ]
}

fn faults_of_bodies() -> Vec<Planted> {
    vec![
        planted("flag 2", "grpc.compressed-flag", [head(1), client(DATA, 0, 1, &frame_of(2, b"x"))]),
        planted(
            "compressed without encoding",
            "compression.flag-needs-encoding",
            [head(1), client(DATA, 0, 1, &frame_of(1, b"x"))],
        ),
        planted(
            "the request ends inside a message",
            "grpc.whole-messages",
            [head(1), client(DATA, END_STREAM, 1, &frame_of(0, b"abc")[..6])],
        ),
        in_call(
            "the response ends inside a message",
            "grpc.whole-messages",
            [response(), server(DATA, 0, 1, &[0, 0, 0]), trailers(&[("grpc-status", "0")])],
        ),
        in_call(
            "the response ends with DATA",
            "grpc.response-end",
            [response(), server(DATA, END_STREAM, 1, &frame_of(0, b""))],
        ),
        in_call(
            "a message after the trailers",
            "h2.stream-states",
            [response(), trailers(&[("grpc-status", "0")]), server(DATA, 0, 1, &frame_of(0, b""))],
        ),
    ]
}

fn faults_of_streams() -> Vec<Planted> {
    let beyond = (0..4).map(|number| {
        let mut payload = vec![0; 16_384];
        // One message of 128 KiB.
        payload[..5].copy_from_slice(if number == 0 { &[0, 0, 2, 0, 0] } else { &[0; 5] });
        client(DATA, 0, 1, &payload)
    });
    vec![
        planted("DATA beyond the window", "h2.window-of-stream", [head(1)].into_iter().chain(beyond)),
        planted("an even stream of the client", "h2.stream-ids", [head(2)]),
        planted("streams that go backwards", "h2.stream-ids", [head(3), head(1)]),
        planted("DATA on a stream that nobody opened", "h2.stream-states", [client(DATA, 0, 1, b"x")]),
        in_call("DATA after END_STREAM", "h2.stream-states", [client(DATA, 0, 1, &frame_of(0, b""))]),
        in_call(
            "HEADERS on a closed stream",
            "h2.stream-states",
            [response(), trailers(&[("grpc-status", "0")]), head(1)],
        ),
        in_call("a pushed stream", "h2.push-promise", [server(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82])]),
    ]
}

fn faults_of_frames() -> Vec<Planted> {
    let goaway = |last: u8| server(GOAWAY, 0, 0, &[0, 0, 0, last, 0, 0, 0, 0]);
    vec![
        planted(
            "an acknowledgement with a payload",
            "h2.settings-ack",
            [server(SETTINGS, 0, 0, b""), client(SETTINGS, ACK, 0, &[0; 6])],
        ),
        planted("an acknowledgement of nothing", "h2.settings-ack", [client(SETTINGS, ACK, 0, b"")]),
        planted("SETTINGS on a stream", "h2.settings", [client(SETTINGS, 0, 1, b"")]),
        planted("SETTINGS that are cut", "h2.settings", [client(SETTINGS, 0, 0, &[0; 5])]),
        planted("PING of seven bytes", "h2.ping", [client(PING, 0, 0, &[0; 7])]),
        planted("PING on a stream", "h2.ping", [server(PING, 0, 1, &[0; 8])]),
        planted("WINDOW_UPDATE by 0", "h2.window-update", [client(WINDOW_UPDATE, 0, 0, &[0; 4])]),
        planted(
            "a frame over MAX_FRAME_SIZE",
            "h2.setting-max-frame-size",
            [head(1), client(DATA, 0, 1, &frame_of(0, &[0; 16_380]))],
        ),
        planted(
            "PING within a header block",
            "h2.continuation",
            [client(HEADERS, 0, 1, &block(&HEAD)), client(PING, 0, 0, &[0; 8])],
        ),
        planted("CONTINUATION of nothing", "h2.continuation", [client(CONTINUATION, END_HEADERS, 1, b"")]),
        planted(
            "a server that enables push",
            "h2.setting-enable-push",
            [server(SETTINGS, 0, 0, &settings_of(&[(ENABLE_PUSH, 1)]))],
        ),
        planted(
            "a window of 2 GiB",
            "h2.setting-initial-window-size",
            [client(SETTINGS, 0, 0, &settings_of(&[(INITIAL_WINDOW_SIZE, 1 << 31)]))],
        ),
        planted("GOAWAY that rises", "h2.goaway", [goaway(1), goaway(3)]),
    ]
}

/// How a connection begins that breaks no rule.
fn beginning() -> Vec<Step> {
    vec![
        (Client, [PREFACE, &bytes_of(SETTINGS, 0, 0, b"")].concat()),
        server(SETTINGS, 0, 0, b""),
        client(SETTINGS, ACK, 0, b""),
        server(SETTINGS, ACK, 0, b""),
    ]
}

/// Plays the steps through a tap that checks, one after the other. Its exit code, and the rules that were broken.
async fn played(steps: &[Step]) -> (Option<i32>, Vec<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tap = Tap::start(listener.local_addr().unwrap(), &["--check", "--json", "--connections", "1"]);
    let mut client = TcpStream::connect(tap.address).await.unwrap();
    let (mut server, _) = soon(listener.accept()).await.unwrap();
    for (by, bytes) in steps {
        let (from, to) = if *by == Client { (&mut client, &mut server) } else { (&mut server, &mut client) };
        let mut arrived = vec![0; bytes.len()];
        let (sent, read) = soon(async { tokio::join!(from.write_all(bytes), to.read_exact(&mut arrived)) }).await;
        sent.unwrap();
        read.unwrap();
        assert_eq!(&arrived, bytes, "the tap passes on what it finds wrong");
    }
    drop((client, server));
    let output = tokio::task::spawn_blocking(|| tap.ended()).await.unwrap();
    (output.code(), events(&output.stdout, "broken"))
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_each_planted_fault_with_its_side_and_its_bytes_and_nothing_else() {
    let mut wrong = Vec::new();
    let faults = faults();
    for fault in &faults {
        let steps = [beginning(), fault.steps.clone()].concat();
        let (code, broken) = played(&steps).await;
        let ((by, last), before) = steps.split_last().unwrap();
        let offset: usize = before.iter().filter(|(own, _)| own == by).map(|(_, bytes)| bytes.len()).sum();
        let direction = if *by == Client { "to_server" } else { "to_client" };
        let expected = json!([fault.rule, direction, offset, last.len()]);
        let found: Vec<Value> = broken
            .iter()
            .map(|verdict| json!([verdict["rule"], verdict["direction"], verdict["offset"], verdict["bytes"]]))
            .collect();
        if code != Some(1) || found != [expected.clone()] {
            wrong.push(format!("{}: expected {expected}, found {found:?}, exit code {code:?}", fault.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(faults.len() >= 40, "{} faults", faults.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_nothing_in_a_conversation_without_a_fault() {
    let answer = [response(), server(DATA, 0, 1, &frame_of(0, b"")), trailers(&[("grpc-status", "0")])];
    let steps = [beginning(), call(), answer.to_vec()].concat();
    assert_eq!(played(&steps).await, (Some(0), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_a_connection_that_does_not_begin_with_settings() {
    let begin = [PREFACE, &bytes_of(PING, 0, 0, &[0; 8])].concat();
    let (code, broken) = played(&[(Client, begin)]).await;
    assert_eq!((code, broken.len()), (Some(1), 1), "{broken:?}");
    assert_eq!((&broken[0]["rule"], &broken[0]["offset"]), (&"h2.client-preface".into(), &24.into()));
}

//! The program `client` as people run it, option by option: where it connects to, how it calls, what it shows.
#![cfg(target_os = "linux")]

mod common;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use common::checked::{Ours, at_server};
use common::peer::{self, ok_head, trailers};
use common::raw::{ACK, NO_ERROR, PING, SETTINGS};
use common::raw_server::RawServer;
use common::{Running, frame};
use h2grpc::route_guide::{Feature, Features, Guide, RouteGuide};
use h2grpc::server::Server;
use h2grpc::transcript::{Direction, Recorded};
use process::{Output, Process};
use served::{PATIENCE, Scratch, Served};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

/// The program with these arguments, in an environment that says nothing about colours and columns.
fn client(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "CI"] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// Runs the program beside a server of this process.
async fn run(arguments: &[&str]) -> Output {
    let mut command = client(arguments);
    tokio::task::spawn_blocking(move || process::run(&mut command, PATIENCE).unwrap()).await.unwrap()
}

async fn succeeds(arguments: &[&str]) -> Output {
    let output = run(arguments).await;
    assert!(output.succeeded(), "{output}");
    output
}

async fn fails(arguments: &[&str]) -> Output {
    let output = run(arguments).await;
    assert_eq!(output.code(), Some(1), "{output}");
    let errors = output.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "one line tells the error: {output}");
    output
}

/// An address that is taken, but where nobody listens until somebody does.
struct Reserved {
    socket: socket2::Socket,
    address: SocketAddr,
}

impl Reserved {
    fn new() -> Reserved {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        Reserved { socket, address }
    }

    fn listen(self) -> TcpListener {
        self.socket.listen(128).unwrap();
        self.socket.set_nonblocking(true).unwrap();
        TcpListener::from_std(self.socket.into()).unwrap()
    }
}

/// A server that refuses its first `failures` calls with UNAVAILABLE, and answers the others with a feature. It counts
/// all.
async fn refusing(failures: usize) -> (String, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let address = peer::server(move |_, mut respond| {
        if counted.fetch_add(1, SeqCst) < failures {
            let mut head = ok_head();
            *head.headers_mut() = trailers(&[("content-type", "application/grpc"), ("grpc-status", "14")]);
            respond.send_response(head, true).unwrap();
            return;
        }
        let mut stream = respond.send_response(ok_head(), false).unwrap();
        stream.send_data(feature("here"), false).unwrap();
        stream.send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
    })
    .await;
    (address.to_string(), calls)
}

fn feature(name: &str) -> Bytes {
    frame(&named(name))
}

fn named(name: &str) -> Feature {
    Feature { name: name.to_owned(), location: None }
}

const ONE: [&str; 3] = ["get-feature", "1", "2"];

// Where it connects to.

#[tokio::test]
async fn a_target_is_any_form_of_grpcs_naming() {
    let running = Running::route_guide_for_ours(Features::embedded());
    let port = running.address.port();
    for target in [
        format!("dns:///127.0.0.1:{port}"),
        format!("ipv4:127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("127.0.0.1:{port}"),
    ] {
        let output = succeeds(&["--target", &target, "get-feature"]).await;
        assert!(output.stdout.contains("Berkshire Valley"), "{output}");
    }
    let output = succeeds(&["get-feature", "--target", &format!("dns:///127.0.0.1:{port}")]).await;
    assert!(output.stdout.contains("Berkshire Valley"), "{output}");
}

#[tokio::test]
async fn a_wrong_target_or_authority_is_told_with_what_is_wrong_in_it() {
    for (arguments, words) in [
        (
            ["--target", "dns:///localhost", "get-feature"],
            "\"dns:///localhost\" is no server address: there is no port",
        ),
        (["--target", "xds:///a:1", "get-feature"], "the scheme xds is not supported"),
        (["--target", "", "get-feature"], "is no server address"),
        (["--authority", "a b", "get-feature"], "\"a b\" is no authority"),
    ] {
        let output = fails(&arguments).await;
        assert!(output.stderr.contains(words), "{words} in {output}");
    }
}

#[tokio::test]
async fn the_second_address_is_called_when_the_first_is_dead() {
    let running = Running::route_guide_for_ours(Features::embedded());
    let dead = Reserved::new();
    let (first, second) = (dead.address.to_string(), running.address.to_string());
    let output = succeeds(&["--addr", &first, "--addr", &second, "get-feature"]).await;
    assert!(output.stdout.contains("Berkshire Valley"), "{output}");

    let output = fails(&["--addr", &first, "get-feature"]).await;
    assert!(output.stderr.contains("is the server running? To start one: cargo run"), "{output}");
}

#[tokio::test]
async fn addresses_that_would_not_count_are_refused() {
    let wrong_use = |output: Output, words: &str| {
        assert_eq!(output.code(), Some(2), "{output}");
        assert!(output.stderr.contains(words), "{words} in {output}");
    };
    let both = "--target <TARGET>' cannot be used with '--addr";
    wrong_use(run(&["--target", "a:1", "--addr", "b:1", "all"]).await, both);
    wrong_use(run(&["--target", "a:1", "all", "--addr", "b:1"]).await, "--target and --addr can't be used together");
    wrong_use(run(&["--addr", "a:1", "all", "--addr=b:1"]).await, "give every --addr on the same side");
}

/// Each server answers its first call when the client has connected to both.
#[tokio::test]
async fn round_robin_gives_every_address_calls() {
    let both = Arc::new(Barrier::new(2));
    let mut arguments = vec!["--round-robin".to_owned()];
    for name in ["one", "two"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        arguments.extend(["--addr".to_owned(), listener.local_addr().unwrap().to_string()]);
        let both = Arc::clone(&both);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            answer_when_both_are_known(stream, name, &both).await;
        });
    }
    arguments.push("get-feature".to_owned());
    let output = succeeds(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(output.stdout.contains("\"one\"") && output.stdout.contains("\"two\""), "{output}");
}

async fn answer_when_both_are_known(stream: TcpStream, name: &str, both: &Barrier) -> Option<()> {
    let mut server = RawServer::accept(at_server(stream, Ours::Client), &[]).await?;
    loop {
        let frame = server.next().await?;
        if frame.kind == SETTINGS && frame.flags & ACK != 0 {
            both.wait().await;
        }
        if server.gather(&frame).is_some() {
            server.answer(frame.stream, &named(name)).await;
        }
    }
}

#[tokio::test]
async fn the_authority_is_what_calls_name_the_server_as() {
    let running = Running::route_guide_for_ours(Features::embedded());
    let address = running.address.to_string();
    let output = succeeds(&["--addr", &address, "--authority", "guide.example", "--wire", "get-feature"]).await;
    assert!(output.stdout.contains(":authority: guide.example"), "{output}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_the_connect_timeout() {
    let silent = Reserved::new().listen();
    let address = silent.local_addr().unwrap().to_string();
    let output = fails(&["--addr", &address, "--connect-timeout", "0.2", "get-feature"]).await;
    assert!(output.stderr.contains("sent no HTTP/2 SETTINGS within 200ms"), "{output}");
}

#[tokio::test]
async fn a_silent_connection_is_asked_by_ping_with_keepalive() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut server = RawServer::accept(at_server(stream, Ours::Client), &[]).await?;
        let call = server.next_head().await?;
        while server.next().await?.kind != PING {}
        server.refuse(call, 9, "after a PING").await;
        server.until_closed().await;
        Some(())
    });
    let output = fails(&["--addr", &address, "--keepalive", "0.2", "--deadline", "20", "get-feature"]).await;
    assert!(output.stderr.contains("after a PING"), "{output}");
}

#[tokio::test]
async fn times_beyond_the_clock_are_as_good_as_none() {
    let running = Running::route_guide_for_ours(Features::embedded());
    let address = running.address.to_string();
    for option in ["--connect-timeout", "--deadline", "--keepalive"] {
        succeeds(&["--addr", &address, option, "1e19", "get-feature"]).await;
    }
}

// How it calls.

#[tokio::test]
async fn a_call_is_tried_again_with_retry_and_not_without() {
    let (address, calls) = refusing(1).await;
    let output = fails(&["--addr", &address, ONE[0], ONE[1], ONE[2]]).await;
    assert!(output.stderr.contains("GetFeature failed: UNAVAILABLE"), "{output}");
    assert_eq!(calls.load(SeqCst), 1);

    let (address, calls) = refusing(2).await;
    let output = succeeds(&["--addr", &address, "--retry", ONE[0], ONE[1], ONE[2]]).await;
    assert!(output.stdout.contains("\"here\""), "{output}");
    assert_eq!(calls.load(SeqCst), 3);

    let (address, calls) = refusing(usize::MAX).await;
    fails(&["--addr", &address, "--retry=2", ONE[0], ONE[1], ONE[2]]).await;
    assert_eq!(calls.load(SeqCst), 2);
}

#[tokio::test]
async fn a_call_that_waits_for_ready_waits_for_a_server_that_starts_later() {
    let later = Reserved::new();
    let address = later.address.to_string();
    let mut command = client(&["--addr", &address, "--wait-for-ready", "--watch", "get-feature"]);
    let mut process = Process::spawn(&mut command).unwrap();
    let process = tokio::task::spawn_blocking(move || {
        let failed = |line: &str| (line == "state: TRANSIENT_FAILURE").then_some(());
        process.wait_for_error_line(PATIENCE, "a first failure", failed).unwrap();
        process
    });
    let process = process.await.unwrap();
    let guide = Guide::new(Features::embedded()).into_service();
    let server = Server::new().add(guide).wrap_streams(|_, stream| at_server(stream, Ours::Both));
    tokio::spawn(server.serve([later.listen()], std::future::pending()));
    let output = tokio::task::spawn_blocking(move || process.wait(PATIENCE).unwrap()).await.unwrap();
    assert!(output.succeeded() && output.stdout.contains("Berkshire Valley"), "{output}");
    assert_eq!(states(&output), ["IDLE", "CONNECTING", "TRANSIENT_FAILURE", "READY", "SHUTDOWN"], "{output}");
}

#[tokio::test]
async fn a_call_that_waits_for_ready_ends_at_its_deadline() {
    let dead = Reserved::new().address.to_string();
    let output = fails(&["--addr", &dead, "--wait-for-ready", "--deadline", "0.3", "get-feature"]).await;
    assert!(output.stderr.contains("DEADLINE_EXCEEDED"), "{output}");
}

#[tokio::test]
async fn a_service_config_sets_retries() {
    let file = Scratch::new("config.json");
    let config = r#"{ "methodConfig": [{
        "name": [{ "service": "routeguide.RouteGuide" }],
        "retryPolicy": { "maxAttempts": 3, "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 2,
                         "retryableStatusCodes": ["UNAVAILABLE"] } }] }"#;
    std::fs::write(&file.0, config).unwrap();
    let (address, calls) = refusing(2).await;
    succeeds(&["--addr", &address, "--service-config", file.path(), ONE[0], ONE[1], ONE[2]]).await;
    assert_eq!(calls.load(SeqCst), 3);
}

#[tokio::test]
async fn a_wrong_service_config_is_told_with_its_file_and_the_place_in_it() {
    let file = Scratch::new("wrong-config.json");
    for (config, words) in [
        (r#"{ "methodConfig": [{ "name": [{}], "timeout": "2 min" }] }"#, "methodConfig[0].timeout"),
        ("{", "not JSON"),
        ("[]", "expected an object"),
        (r#"{ "loadBalancingConfig": [{ "grpclb": {} }] }"#, "loadBalancingConfig"),
    ] {
        std::fs::write(&file.0, config).unwrap();
        let output = fails(&["--service-config", file.path(), "get-feature"]).await;
        assert!(output.stderr.contains(&format!("error: {}: ", file.path())), "{output}");
        assert!(output.stderr.contains(words), "{words} in {output}");
    }
    let output = fails(&["--service-config", "no/such/file.json", "get-feature"]).await;
    let words = "error: can't read the service config no/such/file.json: No such file or directory";
    assert!(output.stderr.starts_with(words), "{output}");
    let output = fails(&["--service-config", "/dev/zero", "get-feature"]).await;
    assert_eq!(output.stderr, "error: the service config /dev/zero has more than 1048576 bytes\n");
}

#[tokio::test]
async fn wrong_values_are_refused_with_what_was_expected() {
    for (argument, words) in [
        ("--retry=1", "2..=5"),
        ("--retry=6", "2..=5"),
        ("--retry=x", "invalid digit"),
        ("--connect-timeout=0", "expected a positive number of seconds"),
        ("--connect-timeout=-1", "expected a positive number of seconds"),
        ("--keepalive=nan", "expected a positive number of seconds"),
        ("--wire=x", "invalid digit"),
        ("--wire=-1", "invalid digit"),
        ("--watch=1", "--watch"),
        ("--wait-for-ready=yes", "--wait-for-ready"),
        ("--round-robin=1", "--round-robin"),
    ] {
        let output = run(&[argument, "get-feature"]).await;
        assert_eq!(output.code(), Some(2), "{output}");
        assert!(output.stderr.contains(words) && output.stdout.is_empty(), "{words} in {output}");
    }
}

// What it shows.

fn states(output: &Output) -> Vec<&str> {
    output.stderr.lines().filter_map(|line| line.strip_prefix("state: ")).collect()
}

#[tokio::test]
async fn watch_tells_the_states_of_the_channel_as_they_change() {
    let served = Served::start(&[]);
    let output = succeeds(&["--addr", &served.address().to_string(), "--watch", "all"]).await;
    assert_eq!(states(&output), ["IDLE", "CONNECTING", "READY", "SHUTDOWN"], "{output}");

    let dead = Reserved::new();
    let output = fails(&["--addr", &dead.address.to_string(), "--watch", "get-feature"]).await;
    assert_eq!(states(&output), ["IDLE", "CONNECTING", "TRANSIENT_FAILURE", "SHUTDOWN"], "{output}");
    assert!(output.stderr.lines().last().unwrap().starts_with("error: "), "the error comes last: {output}");
}

/// Checks that `parts` stand in `text` one after the other.
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part} is missing after the others in {text}")).1;
    }
}

#[tokio::test]
async fn wire_shows_the_bytes_of_a_call_after_its_result() {
    let served = Served::start(&[]);
    let address = served.address().to_string();
    let output = succeeds(&["--addr", &address, "--wire", "get-feature", "40.9146138", "-74.6188906"]).await;
    let parts = [
        "Feature called \"Berkshire Valley",
        &format!("\n\nOn the wire, connection 1 to {address}:\n\n"),
        "-> PREFACE", // perhaps after the server's SETTINGS
        "-> SETTINGS stream 0",
        "-> HEADERS  stream 1  END_HEADERS",
        ":path: /routeguide.RouteGuide/GetFeature",
        "-> DATA     stream 1  END_STREAM",
        "1 latitude: 409146138",
        "<- HEADERS  stream 1  END_HEADERS",
        "<- DATA     stream 1",
        "1 name: \"Berkshire Valley",
        "<- HEADERS  stream 1  END_STREAM  END_HEADERS",
        "grpc-status: 0",
        "-> GOAWAY   stream 0",
    ];
    in_order(&output.stdout, &parts);
    assert!(output.stderr.is_empty(), "{output}");
}

#[tokio::test]
async fn record_writes_a_file_that_becomes_the_same_bytes() {
    let served = Served::start(&[]);
    let file = Scratch::new("recorded.txt");
    let address = served.address().to_string();
    let output =
        succeeds(&["--addr", &address, "--record", file.path(), "get-feature", "40.9146138", "-74.6188906"]).await;
    assert!(!output.stdout.contains("->"), "the bytes go to the file: {output}");
    let text = std::fs::read_to_string(file.path()).unwrap();
    in_order(&text, &["h2grpc transcript 1", ":path: /routeguide.RouteGuide/GetFeature", "1 latitude: 409146138"]);
    let recorded = Recorded::parse(&text).unwrap();
    assert!(recorded.bytes(Direction::ToServer).starts_with(b"PRI * HTTP/2.0"));

    let dead = Reserved::new();
    let output = fails(&["--addr", &dead.address.to_string(), "--record", file.path(), "get-feature"]).await;
    assert!(output.stderr.contains("UNAVAILABLE"), "the call's failure is what is told: {output}");
}

#[tokio::test]
async fn wire_shows_the_bytes_of_a_call_that_failed() {
    let address = peer::answering(Vec::new(), &[("grpc-status", "5"), ("grpc-message", "no such place")]).await;
    let output = fails(&["--addr", &address.to_string(), "--wire", "get-feature"]).await;
    in_order(
        &output.stdout,
        &["-> HEADERS  stream 1", "-> DATA     stream 1", "<- HEADERS  stream 1", "grpc-status: 5"],
    );
    assert_eq!(output.stderr, "error: GetFeature failed: NOT_FOUND: no such place\n");

    let dead = Reserved::new();
    let output = fails(&["--addr", &dead.address.to_string(), "--wire", "get-feature"]).await;
    assert_eq!(output.stdout, "\nOn the wire: nothing, because no connection was made.\n", "{output}");
}

/// The last bytes leave when the call is over for its caller.
#[tokio::test]
async fn wire_shows_how_a_call_is_given_up_at_its_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        RawServer::accept(at_server(stream, Ours::Client), &[]).await.unwrap().until_closed().await;
    });
    let output = fails(&["--addr", &address, "--deadline", "0.3", "--wire", "get-feature"]).await;
    in_order(&output.stdout, &["-> HEADERS  stream 1", "-> DATA     stream 1", "-> RST_STREAM stream 1", "-> GOAWAY"]);
    assert!(output.stderr.contains("DEADLINE_EXCEEDED"), "{output}");
}

#[tokio::test]
async fn wire_shows_every_connection_of_a_call_that_began_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut leaving = RawServer::accept(at_server(stream, Ours::Client), &[]).await.unwrap();
        leaving.next_request().await.unwrap();
        leaving.go_away(0, NO_ERROR, "moved").await;
        let (stream, _) = listener.accept().await.unwrap();
        let mut staying = RawServer::accept(at_server(stream, Ours::Client), &[]).await.unwrap();
        let (call, _) = staying.next_request().await.unwrap();
        staying.answer(call, &named("here")).await;
        staying.until_closed().await;
    });
    let output = succeeds(&["--addr", &address, "--wire", ONE[0], ONE[1], ONE[2]]).await;
    let second = format!("On the wire, connection 2 to {address}:");
    in_order(&output.stdout, &["\"here\"", "connection 1 to", "<- GOAWAY", &second, "grpc-status: 0"]);
}

#[tokio::test]
async fn wire_counts_the_messages_and_bytes_that_it_does_not_show() {
    let served = Served::start(&[]);
    let address = served.address().to_string();
    let output = succeeds(&["--addr", &address, "--wire", "record-route"]).await;
    assert!(output.stdout.contains("\u{2026} 7 more messages"), "{output}");
    let output = succeeds(&["--addr", &address, "--wire=10", "record-route"]).await;
    assert!(!output.stdout.contains("more messages"), "{output}");
    let output = fails(&["--addr", &address, "--wire", "record-route", "--points", "100000"]).await;
    assert!(output.stdout.contains("The recording reached its limit here; "), "the output ends: {output}");
}

//! The `server` program: its log whose reader is slow, gone or absent, and whose volume peers would like to decide; its
//! signals; and each of its settings, which must be applied.
#![cfg(target_os = "linux")]

mod common;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use common::raw::{ACK, GOAWAY, MAX_CONCURRENT_STREAMS, PING, Raw, SETTINGS};
use common::{Answer, call, frame, head, read, soon};
use h2::client::SendRequest;
use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, Point, Rectangle, RouteNote};
use h2grpc::status::Code;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Recorded, Transcript};
use process::{Output, Process};
use rustix::process::{Pid, Signal, kill_process};
use served::{PATIENCE, Served, command, refusal};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const GET: &str = "/routeguide.RouteGuide/GetFeature";
const CHAT: &str = "/routeguide.RouteGuide/RouteChat";
const LIST: &str = "/routeguide.RouteGuide/ListFeatures";

fn point(latitude: i32, longitude: i32) -> Point {
    Point { latitude, longitude }
}

fn note(text: impl Into<String>) -> RouteNote {
    RouteNote { location: Some(point(1, 2)), message: text.into() }
}

/// A server with the log level that is the default.
fn logging(arguments: &[&str]) -> Command {
    let mut command = command();
    command.env("RUST_LOG", "info").args(arguments);
    command
}

/// A pipe that is full, and that is not read as long as its reader is there.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let error = loop {
        if let Err(error) = writer.write(b"x") {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer.into())
}

/// A pipe whose reader is gone.
fn broken_pipe() -> Stdio {
    let (_, writer) = io::pipe().unwrap();
    writer.into()
}

/// A disk that has no room left.
fn full_disk() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn send(served: &Served, signal: Signal) {
    let id = Pid::from_raw(served.process.id().try_into().unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}

/// Sends a signal that stops the server, and waits until it takes no new connection.
async fn stop(served: &Served, signal: Signal) {
    send(served, signal);
    served.until_no_longer_accepting().await;
}

async fn ended(served: Served) -> Output {
    tokio::task::spawn_blocking(|| served.process.wait(PATIENCE)).await.unwrap().unwrap()
}

async fn unary(requests: &mut SendRequest<Bytes>, path: &str) -> Answer {
    soon(call(requests, head(path).body(()).unwrap(), [frame(&point(0, 0))])).await.unwrap()
}

/// Lines of the log that contain `words`, and how many more the log says there were.
fn logged(log: &str, words: &str) -> (u64, u64) {
    let (mut lines, mut more) = (0, 0);
    for line in log.lines().filter(|line| line.contains(words)) {
        match line.split_once(": and ").and_then(|(_, rest)| rest.split_once(" more like it")) {
            Some((number, _)) => more += number.replace(',', "").parse::<u64>().unwrap(),
            None => lines += 1,
        }
    }
    (lines, more)
}

// A log that nobody reads.

#[tokio::test]
async fn calls_are_answered_and_sigterm_works_while_standard_error_is_a_full_pipe() {
    let (reader, stderr) = full_pipe();
    let served = Served::start_as(&mut logging(&["--log-calls"]), stderr);
    let mut requests = served.connect().await;
    for _ in 0..1000 {
        assert_eq!(unary(&mut requests, "/no.Service/Method").await.code(), 12);
        assert_eq!(unary(&mut requests, GET).await.code(), 0);
    }
    let mut another = served.connect().await;
    assert_eq!(unary(&mut another, GET).await.code(), 0);
    drop((requests, another));
    stop(&served, Signal::TERM).await;
    served.ended_well().await;
    drop(reader);
}

#[tokio::test]
async fn lines_that_standard_error_did_not_take_are_counted_once_it_is_read_again() {
    const CALLS: usize = 12_000;
    let (reader, stderr) = full_pipe();
    let served = Served::start_as(&mut logging(&["--log-calls", "--log-format", "json"]), stderr);
    let mut requests = served.connect().await;
    // Each makes a line of more than 200 bytes: together more than may wait.
    for _ in 0..CALLS / 100 {
        let calls = (0..100).map(|_| {
            let mut requests = requests.clone();
            async move { unary(&mut requests, GET).await.code() }
        });
        assert!(futures_util::future::join_all(calls).await.iter().all(|&code| code == 0));
    }
    let (told, has_told) = oneshot::channel();
    let reading = tokio::task::spawn_blocking(move || read_lines(reader, told));
    soon(has_told).await.expect("a notice of dropped lines");
    assert_eq!(unary(&mut requests, GET).await.code(), 0);
    drop(requests);
    stop(&served, Signal::TERM).await;
    served.ended_well().await;
    let log = soon(reading).await.unwrap();
    let log = log.trim_start_matches('x');
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |line: &serde_json::Value| {
        let (number, _) = line["message"].as_str()?.split_once(" log lines were dropped")?;
        number.replace(',', "").parse::<usize>().ok()
    };
    let dropped: usize = lines.iter().filter_map(told).sum();
    assert!(dropped > 0, "nothing was dropped of {} bytes", log.len());
    let notices = lines.iter().filter(|line| told(line).is_some()).count();
    // A line for each call, and some of the connections and the stop.
    let all = lines.len() - notices + dropped;
    assert!((CALLS + 1..CALLS + 40).contains(&all), "{all} lines: {} read, {dropped} dropped", lines.len());
}

/// Reads to the end, and tells when a line has come that says how many were dropped.
fn read_lines(reader: PipeReader, told: oneshot::Sender<()>) -> String {
    let (mut log, mut told) = (String::new(), Some(told));
    for line in BufReader::new(reader).lines() {
        let line = line.unwrap();
        if line.contains("log lines were dropped") {
            told.take().map(|told| told.send(()));
        }
        log += &line;
        log.push('\n');
    }
    log
}

#[tokio::test]
async fn calls_are_answered_and_sigterm_works_while_standard_error_is_closed() {
    let mut shell = Command::new("sh");
    shell.env("RUST_LOG", "info").args(["-c", "exec \"$0\" \"$@\" 2>&-", env!("CARGO_BIN_EXE_server")]);
    let served = Served::start_as(&mut shell, Stdio::piped());
    let mut requests = served.connect().await;
    for _ in 0..100 {
        assert_eq!(unary(&mut requests, "/no.Service/Method").await.code(), 12);
    }
    assert_eq!(unary(&mut requests, GET).await.code(), 0);
    drop(requests);
    stop(&served, Signal::TERM).await;
    served.ended_well().await;
}

#[tokio::test]
async fn a_server_whose_standard_output_is_a_full_pipe_says_so_in_its_log_serves_and_stops() {
    let (reader, stdout) = full_pipe();
    let mut process =
        Process::spawn_into(logging(&[]).args(["--addr", "127.0.0.1:0"]), stdout, Stdio::piped()).unwrap();
    let told = process.wait_for_error_line(PATIENCE, "the server's addresses", |line| {
        let (line, error) = line.split_once(" error=")?;
        Some((served::addresses(line)?, error.to_owned()))
    });
    let ((features, addresses), error) = told.unwrap();
    assert!(error.contains("standard output does not take this line"), "{error}");
    let served = Served { process, features, addresses };
    assert_eq!(unary(&mut served.connect().await, GET).await.code(), 0);
    stop(&served, Signal::TERM).await;
    served.ended_well().await;
    drop(reader);
}

#[tokio::test]
async fn an_error_at_the_start_ends_the_program_while_standard_error_is_a_full_pipe() {
    let (reader, stderr) = full_pipe();
    let mut command = command();
    command.args(["--addr", "127.0.0.1:0", "--db", "no/such/file.json"]);
    let process = Process::spawn_into(&mut command, Stdio::piped(), stderr).unwrap();
    let output = tokio::task::spawn_blocking(|| process.wait(PATIENCE)).await.unwrap().unwrap();
    assert_eq!(output.code(), Some(1), "{output}");
    drop(reader);
}

// A log whose volume is ours.

#[tokio::test]
async fn a_flood_of_unknown_methods_with_long_paths_is_logged_in_few_short_lines_and_counted() {
    const CALLS: u64 = 3000;
    let served = Served::start_as(&mut logging(&[]), Stdio::piped());
    let mut requests = served.connect().await;
    let path = format!("/no.Service/{}", "x".repeat(3800));
    for _ in 0..CALLS {
        assert_eq!(unary(&mut requests, &path).await.code(), 12);
    }
    drop(requests);
    stop(&served, Signal::TERM).await;
    let output = ended(served).await;
    assert!(output.succeeded(), "{output}");
    let (lines, more) = logged(&output.stderr, "call refused");
    assert_eq!(lines + more, CALLS, "{lines} lines, and {more} more");
    assert!(more > 0 && lines < CALLS, "{lines} lines, and {more} more");
    let longest = output.stderr.lines().map(str::len).max().unwrap();
    assert!(longest < 600 && output.stderr.contains("xxx.."), "{longest} bytes in a line");
}

#[tokio::test]
async fn a_flood_of_failed_calls_is_logged_in_few_lines_and_counted() {
    const CALLS: u64 = 1000;
    let served = Served::start_as(&mut logging(&["--max-message", "10"]), Stdio::piped());
    let mut requests = served.connect().await;
    for _ in 0..CALLS {
        let body = [frame(&point(i32::MIN, i32::MIN))];
        let answer = soon(call(&mut requests, head(GET).body(()).unwrap(), body)).await.unwrap();
        assert_eq!(answer.code(), 8);
    }
    drop(requests);
    stop(&served, Signal::TERM).await;
    let output = ended(served).await;
    let (lines, more) = logged(&output.stderr, "call failed");
    assert_eq!(lines + more, CALLS, "{lines} lines, and {more} more: {output}");
    assert!(lines >= 20 && more > 0, "{lines} lines, and {more} more");
}

/// Sends PINGs' answers that nobody asked for; the server's log.
async fn after_acknowledgements(level: &str, count: u64) -> String {
    let served = Served::start_as(logging(&[]).env("RUST_LOG", level), Stdio::piped());
    let mut raw = served::raw(served.address()).await;
    for number in 0..count {
        raw.send(PING, ACK, 0, &number.to_be_bytes()).await;
    }
    raw.until_quiet().await;
    drop(raw);
    stop(&served, Signal::TERM).await;
    ended(served).await.stderr
}

#[tokio::test]
async fn a_flood_of_unasked_ping_acknowledgements_writes_nothing() {
    let log = after_acknowledgements("info", 500).await;
    assert!(log.contains("connection closed"), "{log}");
    assert!(!log.contains("h2::") && !log.contains("WARN"), "{log}");
    let log = after_acknowledgements("debug", 500).await;
    assert!(log.contains("connection closed") && !log.contains("h2::"), "{log}");
}

#[tokio::test]
async fn where_lines_of_h2_are_wanted_a_flood_of_ping_acknowledgements_is_counted() {
    let log = after_acknowledgements("info,h2=warn", 500).await;
    let (lines, more) = logged(&log, "h2::proto::ping_pong");
    assert_eq!(lines + more, 500, "{lines} lines, and {more} more: {log}");
    assert!(more > 0, "{log}");
}

// Signals.

/// The server with SIGHUP as it is by default, though the tests may run under `nohup`, which has it ignored.
fn hearing_hangups() -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_server")]).env("RUST_LOG", "warn");
    command
}

#[tokio::test]
async fn sigterm_sigint_and_sighup_let_calls_in_flight_end() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let served = Served::start_as(&mut hearing_hangups(), Stdio::piped());
        let (mut notes, mut answers) = served.client().route_chat().await.unwrap();
        notes.send(note("one")).await.unwrap();
        notes.send(note("two")).await.unwrap();
        assert_eq!(soon(answers.next()).await.unwrap(), Some(note("one")));
        stop(&served, signal).await;
        // When a terminal goes away there may be two of them.
        send(&served, Signal::HUP);
        notes.send(note("three")).await.unwrap();
        for text in ["one", "two"] {
            assert_eq!(soon(answers.next()).await.unwrap(), Some(note(text)), "{signal:?}");
        }
        notes.finish().await.unwrap();
        assert_eq!(soon(answers.next()).await.unwrap(), None, "{signal:?}");
        served.ended_well().await;
    }
}

/// Stops a server with a call in flight by two signals; how it ended.
async fn cut_off(first: Signal, second: Signal, stderr: Stdio) -> Output {
    let served = Served::start_as(hearing_hangups().args(["--drain-timeout", "36000"]), stderr);
    let (mut notes, mut answers) = served.client().route_chat().await.unwrap();
    notes.send(note("one")).await.unwrap();
    notes.send(note("two")).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), Some(note("one")));
    stop(&served, first).await;
    send(&served, second);
    assert_eq!(soon(answers.next()).await.unwrap_err().code(), Code::UNAVAILABLE);
    ended(served).await
}

#[tokio::test]
async fn a_second_sigterm_or_sigint_cuts_calls_off_at_once() {
    for (first, second) in [(Signal::TERM, Signal::TERM), (Signal::INT, Signal::INT), (Signal::HUP, Signal::TERM)] {
        let output = cut_off(first, second, Stdio::piped()).await;
        assert_eq!(output.code(), Some(1), "{first:?}, {second:?}: {output}");
        assert!(output.stderr.contains("stopped at once: calls in flight were cut off"), "{output}");
    }
}

#[tokio::test]
async fn a_second_sigterm_works_when_standard_error_is_full_or_broken() {
    let (reader, full) = full_pipe();
    for stderr in [full, broken_pipe(), full_disk()] {
        let output = cut_off(Signal::TERM, Signal::TERM, stderr).await;
        assert_eq!(output.code(), Some(1), "{output}");
    }
    drop(reader);
}

#[tokio::test]
async fn a_sighup_that_is_ignored_at_the_start_stays_ignored() {
    let ignored = |served: &Served| {
        let status = fs::read_to_string(format!("/proc/{}/status", served.process.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1 // SIGHUP is the first signal
    };
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_server")]);
    let served = Served::start_as(&mut shell, Stdio::piped());
    assert!(ignored(&served));
    send(&served, Signal::HUP);
    assert_eq!(unary(&mut served.connect().await, GET).await.code(), 0);
    stop(&served, Signal::TERM).await;
    served.ended_well().await;
}

// Settings.

#[tokio::test]
async fn drain_timeout_is_applied() {
    for (seconds, told) in [("0", "within 0ns"), ("1", "within 1s"), ("1.5", "within 1.5s")] {
        let served = Served::start(&["--drain-timeout", seconds]);
        let (mut notes, mut answers) = served.client().route_chat().await.unwrap();
        notes.send(note("one")).await.unwrap();
        notes.send(note("two")).await.unwrap();
        assert_eq!(soon(answers.next()).await.unwrap(), Some(note("one")));
        stop(&served, Signal::TERM).await;
        assert_eq!(soon(answers.next()).await.unwrap_err().code(), Code::UNAVAILABLE);
        let output = ended(served).await;
        assert!(output.succeeded(), "{output}");
        assert!(output.stderr.contains(&format!("did not leave {told} after GOAWAY")), "{output}");
    }
}

#[tokio::test]
async fn idle_timeout_is_applied() {
    let served = Served::start(&["--idle-timeout", "0.5"]);
    let mut raw = served::raw(served.address()).await;
    let goaway = raw.next_of(GOAWAY).await; // long before a minute is over, where the default is fifteen
    assert_eq!(goaway.payload[4..8], [0; 4], "NO_ERROR is expected: {goaway:?}");
}

#[tokio::test]
async fn max_message_is_applied() {
    let served = Served::start(&["--max-message", "100"]);
    let mut requests = served.connect().await;
    // A note takes 6 bytes around its text: field 1 of a location of 4 bytes has 2, and field 2 another 2.
    for (length, code) in [(92, 0), (93, 8)] {
        let note = note("x".repeat(length));
        assert_eq!(prost::Message::encoded_len(&note), length + 8);
        let answer = soon(call(&mut requests, head(CHAT).body(()).unwrap(), [frame(&note)])).await.unwrap();
        assert_eq!(answer.code(), code, "{answer:?}");
    }
}

#[tokio::test]
async fn max_memory_is_applied() {
    // Half of it is handed out, and a quarter of that is for one connection: 1 MiB.
    let served = Served::start(&["--max-memory", "8M"]);
    for (count, code) in [(5, 0), (11, 8)] {
        let notes = (0..count).map(|latitude| {
            let location = Some(Point { latitude, longitude: 0 });
            frame(&RouteNote { location, message: "x".repeat(100_000) })
        });
        let mut requests = served.connect().await;
        let answer = soon(call(&mut requests, head(CHAT).body(()).unwrap(), notes)).await.unwrap();
        assert_eq!(answer.code(), code, "{count} notes: {answer:?}");
        assert!(code == 0 || answer.trailer("grpc-message").contains("limit of 1048576"), "{answer:?}");
    }
}

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn record_writes_each_connection_to_a_file_without_its_secrets() {
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-record", std::process::id())));
    let served = Served::start(&["--record", folder.0.to_str().unwrap()]);
    let mut requests = served.connect().await;
    let asked = head(GET).header("authorization", "Bearer geheim").body(()).unwrap();
    let answer = soon(call(&mut requests, asked, [frame(&Point::default())])).await.unwrap();
    assert_eq!(answer.code(), 0);
    drop(requests);
    served.terminate().await;
    served.ended_well().await;
    let text = fs::read_to_string(folder.0.join("connection-1.txt")).unwrap();
    let recorded = Recorded::parse(&text).unwrap();
    let transcript = Transcript::read(&recorded, &Types::decode(FILE_DESCRIPTOR_SET).unwrap());
    let call = transcript.calls.values().next().unwrap();
    assert_eq!((&call.path[..], call.status.as_deref()), (GET, Some("0")));
    assert!(!transcript.to_string().contains("geheim") && transcript.to_string().contains("authorization"), "{text}");
}

#[tokio::test]
async fn recorded_connections_that_close_at_once_are_written_one_at_a_time() {
    const CONNECTIONS: usize = 8;
    let corner = |sign: i32| Some(Point { latitude: sign * 900_000_000, longitude: sign * 1_800_000_000 });
    let everywhere = Rectangle { lo: corner(-1), hi: corner(1) };
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-records", std::process::id())));
    let served = Served::start(&["--record", folder.0.to_str().unwrap()]);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut requests = served.connect().await;
        for _ in 0..60 {
            assert_eq!(
                soon(call(&mut requests, head(LIST).body(()).unwrap(), [frame(&everywhere)])).await.unwrap().code(),
                0
            );
        }
        connections.push(requests);
    }
    drop(connections);
    soon(async {
        while fs::read_dir(&folder.0).unwrap().count() < CONNECTIONS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    // Each takes some 25 MiB while it is written.
    assert!(served.most_resident() < 100 << 20, "{} bytes", served.most_resident());
}

#[tokio::test]
async fn max_streams_is_applied() {
    let served = Served::start(&["--max-streams", "7"]);
    let settings = served::raw(served.address()).await.next_of(SETTINGS).await.payload;
    let [high, low] = MAX_CONCURRENT_STREAMS.to_be_bytes();
    assert!(settings.chunks(6).any(|setting| setting == [high, low, 0, 0, 0, 7]), "{settings:?}");
}

#[tokio::test]
async fn max_connections_is_applied() {
    let served = Served::start_as(&mut logging(&["--max-connections", "2"]), Stdio::piped());
    let (mut first, mut second) = (served.connect().await, served.connect().await);
    assert_eq!(unary(&mut first, GET).await.code(), 0);
    assert_eq!(unary(&mut second, GET).await.code(), 0);
    let address = served.address();
    let third = tokio::spawn(async move { unary(&mut served::connect(address).await, GET).await.code() });
    // Had the third been accepted, it would have been before these are answered.
    for _ in 0..200 {
        assert_eq!(unary(&mut second, GET).await.code(), 0);
    }
    assert!(!third.is_finished());
    drop(first);
    assert_eq!(soon(third).await.unwrap(), 0);
    drop(second);
    stop(&served, Signal::TERM).await;
    let log = ended(served).await.stderr;
    let opened = |line: &&str| line.contains("connection opened");
    let before_the_third = log.lines().take_while(|line| !line.contains("connection closed")).filter(opened).count();
    assert_eq!(before_the_third, 2, "{log}");
}

#[tokio::test]
async fn max_connections_per_address_is_applied() {
    let served = Served::start(&["--max-connections-per-address", "1"]);
    let mut first = served::raw(served.address()).await;
    first.until_quiet().await;
    // Nothing is sent, so that the answer can't be lost in a reset.
    let mut second = Raw { stream: TcpStream::connect(served.address()).await.unwrap() };
    let goaway = second.next_of(GOAWAY).await;
    assert_eq!(goaway.payload[4..8], *b"\0\0\0\x0b", "ENHANCE_YOUR_CALM is expected: {goaway:?}");
    first.until_quiet().await;
}

#[tokio::test]
async fn max_connection_age_is_applied() {
    let served = Served::start(&["--max-connection-age", "0.3"]);
    let mut raw = served::raw(served.address()).await;
    raw.send_head(1, CHAT).await; // not idle
    let goaway = raw.next_of(GOAWAY).await;
    assert_eq!(goaway.payload[4..8], [0; 4], "NO_ERROR is expected: {goaway:?}");
}

#[tokio::test]
async fn max_connection_age_grace_is_applied() {
    let served = Served::start(&["--max-connection-age", "0.3", "--max-connection-age-grace", "0"]);
    let mut raw = served::raw(served.address()).await;
    raw.send_head(1, CHAT).await; // by default the connection would last as long as this call
    while raw.next().await.is_some() {}
}

#[tokio::test]
async fn call_idle_timeout_is_applied() {
    let served = Served::start(&["--call-idle-timeout", "0.3"]);
    let mut requests = served.connect().await;
    let (response, _open) = requests.send_request(head(CHAT).body(()).unwrap(), false).unwrap();
    let answer = soon(read(response)).await.unwrap();
    assert_eq!(answer.code(), 4, "DEADLINE_EXCEEDED is expected: {answer:?}");
}

#[tokio::test]
async fn workers_is_applied() {
    for (workers, threads) in [("1", 0), ("3", 3)] {
        let served = Served::start(&["--workers", workers]);
        assert_eq!(unary(&mut served.connect().await, GET).await.code(), 0);
        let tasks = fs::read_dir(format!("/proc/{}/task", served.process.id())).unwrap();
        let names = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")).unwrap());
        let names: Vec<String> = names.filter(|name| name.starts_with("tokio-")).collect();
        assert_eq!(names.len(), threads, "{names:?}");
    }
}

/// The soft limit of file descriptors.
fn descriptors(served: &Served) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{}/limits", served.process.id())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// A server that is started under limits of file descriptors.
fn limited(limit: &str, arguments: &[&str]) -> Served {
    let mut shell = Command::new("sh");
    let script = format!("{limit} && exec \"$0\" \"$@\"");
    shell.env("RUST_LOG", "warn").args(["-c", &script, env!("CARGO_BIN_EXE_server")]).args(arguments);
    Served::start_as(&mut shell, Stdio::piped())
}

#[tokio::test]
async fn the_limit_of_descriptors_is_raised_for_max_connections() {
    let served = limited("ulimit -Sn 100", &["--max-connections", "300"]);
    assert_eq!(descriptors(&served), 364);
    stop(&served, Signal::TERM).await;
    let output = ended(served).await;
    assert!(output.succeeded() && output.stderr.is_empty(), "{output}");
    let served = limited("ulimit -Sn 100", &["--max-connections", "30"]);
    assert_eq!(descriptors(&served), 100, "there is no need to");
}

#[tokio::test]
async fn a_limit_of_descriptors_too_low_for_max_connections_is_told_and_kept() {
    let served = limited("ulimit -n 100", &["--max-connections", "300"]);
    let mut connections = Vec::new();
    for _ in 0..36 {
        let mut connection = served.connect().await;
        assert_eq!(unary(&mut connection, GET).await.code(), 0);
        connections.push(connection);
    }
    // One more waits, and the server is not short of descriptors.
    let address = served.address();
    let waiting = tokio::spawn(async move { unary(&mut served::connect(address).await, GET).await.code() });
    for _ in 0..200 {
        assert_eq!(unary(&mut connections[0], GET).await.code(), 0);
    }
    assert!(!waiting.is_finished());
    drop(connections);
    assert_eq!(soon(waiting).await.unwrap(), 0);
    stop(&served, Signal::TERM).await;
    let log = ended(served).await.stderr;
    for words in ["only 36 connections may be open, not 300", "364 file descriptors", "--max-connections 36"] {
        assert!(log.contains(words), "{words} in {log}");
    }
    assert!(!log.contains("could not be accepted"), "{log}");
}

#[test]
fn numbers_that_would_serve_nobody_or_overflow_are_refused_by_name() {
    for (setting, value) in [
        ("--max-connections", "0"),
        ("--max-connections", "18446744073709551615"),
        ("--max-streams", "0"),
        ("--max-message", "0"),
        ("--workers", "0"),
        ("--idle-timeout", "0"),
    ] {
        let told = refusal(&[setting, value]);
        assert!(told.contains(setting) && told.contains(value), "{told}");
    }
}

#[tokio::test]
async fn the_largest_numbers_are_taken() {
    let most = u64::MAX.to_string();
    let arguments = [
        ["--max-message", &most],
        ["--max-streams", "4294967295"],
        ["--idle-timeout", "1e19"],
        ["--drain-timeout", "1e19"],
        ["--max-notes", &most],
    ]
    .concat();
    let served = Served::start(&arguments);
    assert_eq!(unary(&mut served.connect().await, GET).await.code(), 0);
    stop(&served, Signal::TERM).await;
    served.ended_well().await;
}

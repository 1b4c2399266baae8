//! `server`, `client` and `tour` as people and machines run them: outputs that are closed or full, terminals of any
//! kind, servers that send what they should not, and command lines that are wrong.
#![cfg(target_os = "linux")]

mod common;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use common::peer::answering;
use common::{Running, frame, soon};
use h2grpc::limits::Limits;
use h2grpc::route_guide::{Feature, Features, Guide, Point, RouteGuide, RouteNote, tour};
use h2grpc::server::Server;
use h2grpc::status::{Code, Status};
use process::{Output, Process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use served::{PATIENCE, Scratch, Served, refusal};

const SERVER: &str = env!("CARGO_BIN_EXE_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_client");
const TOUR: &str = env!("CARGO_BIN_EXE_tour");

/// A program in an environment that says nothing about logs, colours and columns.
fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    for name in ["RUST_LOG", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "CI"] {
        command.env_remove(name);
    }
    // Where the tour writes its page.
    command.env("TMPDIR", env!("CARGO_TARGET_TMPDIR")).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.env("TERM", "xterm-256color");
    command
}

fn client(address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = program(CLIENT);
    command.args(["--addr", &address.to_string()]).args(arguments);
    command
}

fn run(command: &mut Command) -> Output {
    process::run(command, PATIENCE).unwrap()
}

/// Runs a program whose output goes elsewhere.
fn run_into(mut command: Command, stdout: Stdio, stderr: Stdio) -> Output {
    Process::spawn_into(&mut command, stdout, stderr).unwrap().wait(PATIENCE).unwrap()
}

/// A disk that has no room left.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// A pipe whose reader is gone.
fn closed() -> Stdio {
    let (_, writer) = io::pipe().unwrap();
    writer.into()
}

/// A terminal of so many columns: its own end, and that of a program.
fn terminal(columns: u16) -> (File, File) {
    let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&own).unwrap();
    unlockpt(&own).unwrap();
    let name = ptsname(&own, Vec::new()).unwrap();
    let program = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    tcsetwinsize(&program, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (own.into(), program)
}

/// What a terminal shows until its programs have ended.
fn shown(mut terminal: File) -> String {
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    // Linux ends it with an error, EIO.
    while let Ok(length @ 1..) = terminal.read(&mut some) {
        all.extend_from_slice(&some[..length]);
    }
    String::from_utf8(all).unwrap().replace("\r\n", "\n")
}

/// Runs a program whose standard output is a terminal. It prints less than the terminal holds back, or is read here.
fn run_in_terminal(columns: u16, mut command: Command) -> String {
    let (own, its) = terminal(columns);
    let reader = std::thread::spawn(move || shown(own));
    let process = Process::spawn_into(&mut command, its.into(), Stdio::piped()).unwrap();
    drop(command); // which holds the program's end open, too
    let output = process.wait(PATIENCE).unwrap();
    assert!(output.succeeded(), "{output}");
    reader.join().unwrap()
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap()
}

fn point(latitude: i32, longitude: i32) -> Point {
    Point { latitude, longitude }
}

// Outputs that are closed or full.

#[test]
fn server_serves_on_when_its_line_cannot_be_written_and_says_so_in_its_log() {
    for (stdout, why) in [(full(), "No space left on device"), (closed(), "Broken pipe")] {
        let mut command = program(SERVER);
        command.args(["--addr", "127.0.0.1:0"]);
        let mut process = Process::spawn_into(&mut command, stdout, Stdio::piped()).unwrap();
        let told = process.wait_for_error_line(PATIENCE, "the server's addresses", |line| {
            let (line, error) = line.split_once(" error=")?;
            Some((served::addresses(line)?.1[0], format!("{line}{error}")))
        });
        let (address, line) = told.unwrap_or_else(|error| panic!("{error}"));
        assert!(line.contains("WARN") && line.contains("cannot write to standard output") && line.contains(why));
        let answered = run(&mut client(address, &["get-feature"]));
        assert!(answered.succeeded(), "{answered}");
        process.terminate().unwrap();
        let output = process.wait(PATIENCE).unwrap();
        assert!(output.succeeded() && !output.stderr.contains("panicked"), "{output}");
    }
}

#[tokio::test]
async fn server_serves_on_when_its_log_cannot_be_written() {
    for stderr in [full(), closed()] {
        let served = Served::start_as(&mut program(SERVER), stderr);
        for _ in 0..3 {
            soon(served.client().get_feature(point(0, 0))).await.unwrap();
        }
        served.terminate().await;
        served.ended_well().await;
    }
}

#[tokio::test]
async fn client_and_tour_end_with_an_error_when_the_disk_is_full() {
    let running = Running::route_guide_for_ours(Features::embedded());
    let commands = [program(TOUR), client(running.address, &["all"]), client(running.address, &["get-feature"])];
    for command in commands {
        let output = run_in_thread(move || run_into(command, full(), Stdio::piped())).await;
        assert_eq!(output.code(), Some(1), "{output}");
        assert_eq!(
            output.stderr, "error: cannot write to standard output: No space left on device (os error 28)\n",
            "{output}"
        );
    }
}

#[tokio::test]
async fn client_and_tour_end_quietly_when_nobody_reads_any_more() {
    let running = Running::route_guide_for_ours(Features::embedded());
    for command in [program(TOUR), client(running.address, &["all"])] {
        let output = run_in_thread(move || run_into(command, closed(), Stdio::piped())).await;
        assert_eq!((output.code(), &output.stderr[..]), (Some(0), ""), "{output}");
    }
}

#[test]
fn a_program_whose_error_cannot_be_told_ends_with_its_exit_code() {
    for stderr in [full, closed] {
        let database = ["--addr", "127.0.0.1:0", "--db", "no/such/file.json"];
        let mut server = program(SERVER);
        server.args(database);
        assert_eq!(run_into(server, full(), stderr()).code(), Some(1));
        assert_eq!(run_into(program(TOUR), full(), stderr()).code(), Some(1));
        assert_eq!(run_into(client(unused(), &["all"]), full(), stderr()).code(), Some(1));
        assert_eq!(run_into(client(unused(), &["--deadline", "x", "all"]), full(), stderr()).code(), Some(2));
    }
}

#[tokio::test]
async fn a_chat_whose_lines_cannot_be_written_ends_and_does_not_wait_for_the_server() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let running = Running::route_guide_for_ours(Features::embedded());
    let error = soon(tour::route_chat(&running.client(), &mut Full)).await.unwrap_err();
    assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::StorageFull);
}

/// Runs something that blocks, beside a server of this process.
async fn run_in_thread<T: Send + 'static>(block: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(block).await.unwrap()
}

/// An address where nobody listens.
fn unused() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

// What a server sends.

#[tokio::test]
async fn nothing_that_a_server_sends_controls_the_terminal() {
    let text = "\u{1b}[2J\r\nGr\u{fc}\u{df}e\u{9b}31m\u{202e}";
    let escaped = "\"\\u{1b}[2J\\r\\nGr\u{fc}\u{df}e\\u{9b}31m\\u{202e}\" at 0.0000001, 0.0000002\n";
    let feature = frame(&Feature { name: text.to_owned(), location: Some(point(1, 2)) });
    let address = answering(vec![feature], &[("grpc-status", "0")]).await;
    for ask in ["get-feature", "list-features"] {
        let output = run_in_thread(move || run(&mut client(address, &[ask]))).await;
        assert!(output.stdout.contains(&format!("Feature called {escaped}")), "{output}");
    }
    let note = frame(&RouteNote { message: text.to_owned(), location: Some(point(1, 2)) });
    let address = answering(vec![note], &[("grpc-status", "0")]).await;
    let output = run_in_thread(move || run(&mut client(address, &["route-chat"]))).await;
    assert!(output.stdout.contains(&format!("Received message {escaped}")), "{output}");
}

#[tokio::test]
async fn a_status_message_with_line_breaks_and_escapes_is_one_harmless_line() {
    let end = &[("grpc-status", "5"), ("grpc-message", "one%0D%0Atwo%1B[31m Gr%C3%BC%C3%9Fe")];
    let address = answering(Vec::new(), end).await;
    let output = run_in_thread(move || run(&mut client(address, &["get-feature"]))).await;
    assert_eq!(output.code(), Some(1), "{output}");
    let line = "error: GetFeature failed: NOT_FOUND: one\\r\\ntwo\\u{1b}[31m Gr\u{fc}\u{df}e\n";
    assert_eq!(output.stderr, line);
}

// Terminals.

#[test]
fn the_tour_is_coloured_on_a_terminal_unless_that_is_dumb_or_the_user_wants_none() {
    let with = |name: &str, value: &str| {
        let mut tour = program(TOUR);
        tour.env(name, value);
        run_in_terminal(100, tour)
    };
    assert!(with("TERM", "xterm").contains("\u{1b}[1;34m->"));
    for (name, value) in [("TERM", "dumb"), ("NO_COLOR", "1"), ("CLICOLOR", "0")] {
        let text = with(name, value);
        assert!(text.contains("-> HEADERS") && !text.contains('\u{1b}'), "{name}={value}: {text}");
    }
    assert!(!run(&mut program(TOUR)).stdout.contains('\u{1b}'), "a pipe");
}

#[tokio::test]
async fn the_log_and_errors_are_not_coloured_on_a_dumb_terminal() {
    for (name, value, coloured) in [("TERM", "xterm", true), ("TERM", "dumb", false), ("NO_COLOR", "1", false)] {
        let (own, its) = terminal(100);
        let mut command = program(SERVER);
        command.env(name, value);
        let served = Served::start_as(&mut command, its.into());
        drop(command);
        served.terminate().await;
        served.ended_well().await;
        let log = shown(own);
        assert!(log.contains("stopping") && log.contains('\u{1b}') == coloured, "{name}={value}: {log}");

        let (own, its) = terminal(100);
        let mut wrong = client(unused(), &["--deadline", "x", "all"]);
        wrong.env(name, value);
        run_into(wrong, Stdio::piped(), its.into());
        let told = shown(own);
        assert!(told.contains("error:") && told.contains('\u{1b}') == coloured, "{name}={value}: {told}");
    }
}

#[test]
fn the_tour_fits_into_the_terminal() {
    let tour = |columns: Option<&str>| {
        let mut tour = program(TOUR);
        tour.env("TERM", "dumb");
        if let Some(columns) = columns {
            tour.env("COLUMNS", columns);
        }
        tour
    };
    for columns in [80, 100, 132] {
        let text = run_in_terminal(columns, tour(None));
        assert!(widest(&text) <= columns.into(), "{columns} columns, {} used: {text}", widest(&text));
    }
    assert!(widest(&run_in_terminal(132, tour(Some("80")))) <= 80, "COLUMNS goes before the terminal");
    assert!(widest(&run(&mut tour(Some("80"))).stdout) <= 80, "COLUMNS counts for a pipe, too");
    let piped = run(&mut tour(None)).stdout;
    assert!((101..=110).contains(&widest(&piped)), "a pipe has room for everything: {}", widest(&piped));
    assert!(piped.contains("    83                                   :method: POST                   indexed 3 of"));
}

#[test]
fn the_tour_waits_after_each_screen_where_a_person_sits_and_q_ends_it() {
    let read_with = |answers: &[u8]| {
        let (own, its) = terminal(100);
        let mut keyboard = own.try_clone().unwrap();
        let page = Scratch::new("tour.html");
        let mut tour = program(TOUR);
        tour.env("TERM", "dumb").args(["--html", page.path()]);
        tour.stdin(its.try_clone().unwrap()).stdout(its).stderr(Stdio::null());
        // The end of the input comes last, so that it never waits for more.
        keyboard.write_all(&[answers, b"\x04"].concat()).unwrap();
        let mut process = tour.spawn().unwrap();
        drop(tour);
        let shown = shown(own);
        assert!(process.wait().unwrap().success(), "{shown}");
        assert!(std::fs::read_to_string(&page.0).unwrap().starts_with("<!DOCTYPE html>"));
        shown
    };
    let ended = read_with(b"\nq\n");
    assert_eq!(ended.matches("Enter goes on, q and Enter end").count(), 2, "{ended}");
    assert!(!ended.contains("RouteChat") && ended.contains("The same for a browser"), "{ended}");
    let whole = read_with(&b"\n".repeat(200));
    // The terminal shows first what was typed before the program began.
    let screens = whole.trim_start().split("Enter goes on, q and Enter end").map(|screen| screen.lines().count());
    assert!(screens.max() <= Some(26), "24 lines and the answers: {whole}");
    assert!(whole.contains("RouteChat"));
}

// Addresses.

#[test]
fn a_client_is_told_what_is_wrong_in_its_address() {
    for (address, why) in [
        ("http://localhost:99999", "the port 99999 is not within 1 to 65535"),
        ("http://u:p@localhost:1", "user info, the part before the @, is not allowed"),
        ("xds:///localhost:1", "the scheme xds is not supported, only http, dns, ipv4, ipv6, unix, unix-abstract"),
        ("http://localhost", "there is no port"),
        ("https://localhost:50051", "TLS is not supported yet"),
    ] {
        let output = run(program(CLIENT).args(["--addr", address, "get-feature"]));
        assert_eq!(output.code(), Some(1), "{output}");
        assert!(output.stderr.contains(why) && output.stderr.contains("expected http://host:port"), "{output}");
    }
}

#[test]
fn a_client_that_finds_no_server_asks_whether_it_runs_and_says_how_to_start_it() {
    let address = unused();
    let output = run(&mut client(address, &["get-feature"]));
    assert_eq!(output.code(), Some(1), "{output}");
    for words in ["UNAVAILABLE", &address.to_string(), "is the server running?", "cargo run --release --bin server"] {
        assert!(output.stderr.contains(words), "{words} in {output}");
    }
}

#[tokio::test]
async fn server_listens_on_names_and_on_ports_alone() {
    for (wanted, ip) in
        [("localhost:0", "127.0.0.1"), (":0", "127.0.0.1"), ("0", "127.0.0.1"), ("127.0.0.1:0", "127.0.0.1")]
    {
        let served = Served::start(&["--addr", wanted]);
        let ip: std::net::IpAddr = ip.parse().unwrap();
        let listening = &served.addresses;
        assert!(listening.iter().all(|address| address.ip().is_loopback() && address.port() != 0), "{listening:?}");
        assert_eq!(listening[0].ip(), ip, "{wanted}");
        for &address in listening {
            soon(served::client(address).get_feature(point(0, 0))).await.unwrap();
        }
        served.terminate().await;
        served.ended_well().await;
    }
}

#[test]
fn server_is_told_what_is_wrong_in_its_address() {
    for (address, why) in [
        ("localhost", "there is no port; expected IP:PORT, HOST:PORT or PORT"),
        ("127.0.0.1:99999", "the port 99999 is not within 0 to 65535"),
        ("http://localhost:50051", "a scheme has no meaning here"),
        ("::1:50051", "an IPv6 address needs brackets"),
        ("192.0.2.1:0", "can't listen on 192.0.2.1:0"),
    ] {
        let told = refusal(&["--addr", address]);
        assert!(told.contains(address) && told.contains(why), "{told}");
    }
}

#[tokio::test]
async fn ipv4_clients_reach_a_server_on_all_addresses_of_ipv6_and_not_one_on_its_loopback() {
    if let Err(error) = TcpListener::bind("[::1]:0") {
        println!("this machine has no IPv6 ({error}): the server says so");
        assert!(refusal(&["--addr", "[::]:0"]).contains("can't listen on [::]:0"));
        return;
    }
    let mut command = program(SERVER);
    command.args(["--addr", "[::]:0", "--addr", "[::1]:0"]);
    let mut served = Served::start_as(&mut command, Stdio::piped());
    let (all, loopback) = (served.addresses[0].port(), served.addresses[1].port());
    for address in ["127.0.0.1", "[::1]"] {
        let address = format!("{address}:{all}").parse().unwrap();
        soon(served::client(address).get_feature(point(0, 0))).await.unwrap();
    }
    let peer = |line: &str| line.contains("peer=127.0.0.1:").then_some(());
    served.process.wait_for_error_line(PATIENCE, "the IPv4 client's own address", peer).unwrap();
    soon(served::client(format!("[::1]:{loopback}").parse().unwrap()).get_feature(point(0, 0))).await.unwrap();
    assert_eq!(TcpStream::connect(("127.0.0.1", loopback)).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    served.process.terminate().unwrap();
    served.ended_well().await;
}

#[test]
fn all_addresses_of_ipv6_beside_those_of_ipv4_are_refused_with_the_reason() {
    let Ok(taken) = TcpListener::bind("0.0.0.0:0") else { panic!("IPv4 is everywhere") };
    let address = format!("[::]:{}", taken.local_addr().unwrap().port());
    let told = refusal(&["--addr", &address]);
    assert!(told.contains(&format!("can't listen on {address}")), "{told}");
    if TcpListener::bind("[::1]:0").is_ok() {
        assert!(told.contains("[::] takes the port for IPv4 too"), "{told}");
    }
}

// Arguments.

#[tokio::test]
async fn coordinates_are_degrees_or_units() {
    let running = Running::route_guide_for_ours(Features::embedded());
    let ask = |arguments: &'static [&'static str]| {
        let mut command = client(running.address, arguments);
        run_in_thread(move || run(&mut command))
    };
    let trail = "Berkshire Valley Management Area Trail, Jefferson, NJ, USA";
    for arguments in [&["get-feature", "40.9146138", "-74.6188906"], &["get-feature", "409146138", "-746188906"]] {
        let output = ask(arguments).await;
        assert!(output.succeeded() && output.stdout.contains(trail), "{output}");
    }
    let everything = ask(&["list-features"]).await.stdout;
    assert_eq!(ask(&["list-features", "40.0", "-75.0", "4.2e1", "-73.0"]).await.stdout, everything);
    assert_eq!(ask(&["list-features", "400000000", "-750000000", "42.", "-730000000"]).await.stdout, everything);
    for number in ["40,91", "x", "nan"] {
        let mut command = client(running.address, &["get-feature", number, "-74.6"]);
        let output = run_in_thread(move || run(&mut command)).await;
        assert_eq!(output.code(), Some(2), "{output}");
        assert!(output.stderr.contains(&format!("'{number}'")), "{output}");
        assert!(output.stderr.contains("40.9146138") && output.stderr.contains("409146138"), "{output}");
    }
    let output = ask(&["list-features", "0", "0", "0", "214.8"]).await;
    assert!(output.stderr.contains("'214.8'") && output.stderr.contains("int32"), "{output}");
}

#[test]
fn a_wrong_number_of_seconds_is_refused_in_plain_words() {
    for value in ["-1", "x", "1e400", "nan", "0", ""] {
        let output = run(&mut client(unused(), &["--deadline", value, "get-feature"]));
        let words =
            format!("invalid value '{value}' for '--deadline <SECONDS>': expected a positive number of seconds");
        assert_eq!(output.code(), Some(2), "{output}");
        assert!(output.stderr.contains(&words) || value.is_empty(), "{output}");
        assert!(output.stderr.contains("--deadline"), "{output}");
    }
    for (setting, value) in [("--drain-timeout", "-1"), ("--drain-timeout", "nan"), ("--idle-timeout", "0")] {
        let told = refusal(&[setting, value]);
        assert!(told.contains(&format!("invalid value '{value}' for '{setting}")), "{told}");
        assert!(told.contains("expected a positive number of seconds, such as 1.5"), "{told}");
    }
}

#[test]
fn settings_that_would_serve_nobody_are_refused_by_name() {
    for (setting, value) in
        [("--max-connections", "0"), ("--max-streams", "0"), ("--max-connections", "18446744073709551615")]
    {
        let told = refusal(&[setting, value]);
        assert!(told.contains(setting) && told.contains(value), "{told}");
    }
}

#[test]
fn help_tells_the_defaults_of_the_library() {
    let help = run(program(SERVER).arg("--help")).stdout;
    let limits = Limits::default();
    for default in [limits.idle_timeout.as_secs(), limits.drain_timeout.as_secs()] {
        assert!(help.contains(&format!("[default: {default}]")), "{help}");
    }
}

// The log.

#[test]
fn a_log_level_that_does_not_exist_is_refused() {
    for (level, quoted) in
        [("bogus", "\"bogus\""), ("info,debg", "\"debg\""), ("h2grpc=loud", "\"h2grpc=loud\""), ("info,", "\"\"")]
    {
        let output = run(program(SERVER).env("RUST_LOG", level).args(["--addr", "127.0.0.1:0"]));
        assert_eq!(output.code(), Some(1), "{output}");
        assert!(output.stderr.starts_with(&format!("error: RUST_LOG is \"{level}\": ")), "{output}");
        for words in [quoted, "off, error, warn, info, debug or trace"] {
            assert!(output.stderr.contains(words), "{words} in {output}");
        }
    }
}

#[tokio::test]
async fn log_levels_by_source_are_taken() {
    for level in ["", "off", "INFO", "warn,h2=debug", "h2grpc", "server=info,other_program=warn"] {
        let mut command = program(SERVER);
        command.env("RUST_LOG", level);
        let served = Served::start_as(&mut command, Stdio::piped());
        served.process.terminate().unwrap();
        served.ended_well().await;
    }
}

/// Starts a server, has it serve a call and stop; its log.
fn log_of(arguments: &[&str]) -> String {
    let mut command = program(SERVER);
    let mut served = Served::start_as(command.args(arguments), Stdio::piped());
    let output = run(&mut client(served.address(), &["get-feature"]));
    assert!(output.succeeded(), "{output}");
    let closed = |line: &str| line.contains("connection closed").then_some(());
    served.process.wait_for_error_line(PATIENCE, "the end of the connection", closed).unwrap();
    served.process.terminate().unwrap();
    let output = served.process.wait(PATIENCE).unwrap();
    assert!(output.succeeded(), "{output}");
    output.stderr
}

#[test]
fn the_log_says_that_the_server_stops_and_has_stopped() {
    let log = log_of(&[]);
    let lines: Vec<&str> = log.lines().rev().take(2).collect();
    assert!(lines[1].contains(" INFO ") && lines[1].contains("stopping"), "{log}");
    assert!(lines[0].contains(" INFO ") && lines[0].contains("stopped"), "{log}");
}

#[test]
fn the_log_is_json_on_request() {
    let log = log_of(&["--log-format", "json"]);
    let mut messages = BTreeSet::new();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        assert_eq!(line["level"], "INFO");
        assert!(line["timestamp"].is_string() && line["target"].as_str().unwrap().starts_with("h2grpc"), "{line}");
        let message = line["message"].as_str().unwrap();
        messages.insert(message.split(':').next().unwrap().to_owned());
        if message == "connection opened" {
            assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
        }
    }
    let expected = ["connection closed", "connection opened", "stopped", "stopping"].map(str::to_owned);
    assert_eq!(messages, BTreeSet::from(expected), "{log}");
}

#[tokio::test]
async fn a_tcp_probe_is_no_warning_and_half_a_preface_is_one() {
    let served = Served::start_as(&mut program(SERVER), Stdio::piped());
    let descriptors = served.descriptors();
    for _ in 0..3 {
        drop(TcpStream::connect(served.address()).unwrap());
    }
    let aborted = TcpStream::connect(served.address()).unwrap();
    socket2::SockRef::from(&aborted).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(aborted);
    // A later connection has been answered, so the probes were accepted.
    soon(served.client().get_feature(point(0, 0))).await.unwrap();
    served.until_descriptors(descriptors).await;
    let log = served.process.so_far().stderr;
    assert!(log.contains("INFO") && !log.contains("WARN"), "{log}");

    let mut broken = TcpStream::connect(served.address()).unwrap();
    broken.write_all(b"PRI * HTTP").unwrap();
    drop(broken);
    let mut served = served;
    let warned = |line: &str| (line.contains("WARN") && line.contains("connection failed")).then_some(());
    served.process.wait_for_error_line(PATIENCE, "a warning", warned).unwrap();
    served.process.terminate().unwrap();
    served.ended_well().await;
}

#[tokio::test]
async fn the_log_says_what_a_client_speaks_that_speaks_no_http2() {
    let mut served = Served::start_as(&mut program(SERVER), Stdio::piped());
    for (bytes, words) in [
        (&b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"[..], "the client speaks HTTP/1.1, but gRPC needs HTTP/2"),
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", "the client speaks TLS, but this connection is in cleartext"),
        (b"\x00\x01\x02", r#"its first bytes are "\x00\x01\x02""#),
    ] {
        let mut stream = TcpStream::connect(served.address()).unwrap();
        stream.write_all(bytes).unwrap();
        let peer = stream.local_addr().unwrap().to_string();
        let find = |line: &str| line.contains(&peer).then(|| line.to_owned()).filter(|line| line.contains("failed"));
        let line = served.process.wait_for_error_line(PATIENCE, words, find).unwrap();
        assert!(line.contains("WARN") && line.contains(words), "{line}");
    }
    served.process.terminate().unwrap();
    served.ended_well().await;
}

/// Starts a server that logs its calls, has it answer some, and gives their lines.
fn calls_in_the_log(arguments: &[&str]) -> Vec<String> {
    let mut command = program(SERVER);
    let mut served =
        Served::start_as(command.args(["--log-calls", "--max-notes", "100"]).args(arguments), Stdio::piped());
    for ask in ["get-feature", "route-chat"] {
        run(&mut client(served.address(), &[ask]));
    }
    let is_call = |line: &str| line.contains("/routeguide.RouteGuide/");
    let last = |line: &str| (is_call(line) && line.contains("RouteChat")).then_some(());
    served.process.wait_for_error_line(PATIENCE, "the last call", last).unwrap();
    served.process.terminate().unwrap();
    let output = served.process.wait(PATIENCE).unwrap();
    assert!(output.succeeded(), "{output}");
    output.stderr.lines().filter(|line| is_call(line)).map(str::to_owned).collect()
}

#[test]
fn calls_are_logged_on_request_one_line_each_with_status_time_sizes_and_peer() {
    let lines = calls_in_the_log(&[]);
    let [first, second, failed] = &lines[..] else { panic!("three calls are expected: {lines:#?}") };
    for line in [first, second] {
        for words in ["INFO", "path=\"/routeguide.RouteGuide/GetFeature\"", "peer=127.0.0.1:", "status=OK", "time=\""] {
            assert!(line.contains(words), "{words} in {line}");
        }
    }
    assert!(first.contains("received=22 sent=84"), "{first}");
    for words in ["path=\"/routeguide.RouteGuide/RouteChat\"", "status=RESOURCE_EXHAUSTED: ", "--max-notes", "sent=0"] {
        assert!(failed.contains(words), "{words} in {failed}");
    }
}

#[test]
fn calls_are_logged_as_json_on_request() {
    let lines = calls_in_the_log(&["--log-format", "json"]);
    let lines: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [first, _, failed] = &lines[..] else { panic!("three calls are expected: {lines:#?}") };
    assert_eq!((&first["path"], &first["status"]), (&"/routeguide.RouteGuide/GetFeature".into(), &"OK".into()));
    assert_eq!((&first["received"], &first["sent"]), (&22.into(), &84.into()));
    assert!(first["peer"].as_str().unwrap().starts_with("127.0.0.1:") && first["time"].is_string(), "{first}");
    assert!(failed["status"].as_str().unwrap().starts_with("RESOURCE_EXHAUSTED: "), "{failed}");
}

#[test]
fn without_the_request_only_calls_that_fail_are_logged() {
    let mut command = program(SERVER);
    let mut served = Served::start_as(command.args(["--max-notes", "100"]), Stdio::piped());
    run(&mut client(served.address(), &["get-feature"]));
    run(&mut client(served.address(), &["route-chat"]));
    let failed = |line: &str| line.contains("call failed").then(|| line.to_owned());
    let line = served.process.wait_for_error_line(PATIENCE, "the call that failed", failed).unwrap();
    assert!(line.contains("RouteChat") && line.contains("RESOURCE_EXHAUSTED"), "{line}");
    assert!(!served.process.so_far().stderr.contains("GetFeature"));
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_status_message_with_line_breaks_is_one_line_of_the_log() {
    let kept = Kept::default();
    let writer = kept.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(log);
    let guide = Guide::new(Features::embedded()).into_service();
    let guide = guide.intercept(|_| Err(Status::aborted("one\r\ntwo\u{1b}[31m\nFAKE INFO all is well")));
    let running = Running::start(Server::new().add(guide));
    soon(running.client().get_feature(point(0, 0))).await.unwrap_err();
    soon(running.stop()).await.unwrap().unwrap();
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("one") || line.contains("FAKE")).collect();
    let [line] = &lines[..] else { panic!("one line is expected: {log}") };
    assert!(line.contains("call failed") && line.contains("ABORTED: one\\r\\ntwo\\u{1b}[31m\\nFAKE INFO"), "{line}");
}

#[tokio::test]
async fn a_chat_stores_as_much_as_max_notes_says_and_its_error_names_the_setting() {
    let served = Served::start(&["--max-notes", "5000"]);
    let (mut notes, mut answers) = served.client().route_chat().await.unwrap();
    let note = |length| RouteNote { location: Some(point(1, 2)), message: "x".repeat(length) };
    for _ in 0..2 {
        notes.send(note(1000)).await.unwrap();
    }
    assert_eq!(soon(answers.next()).await.unwrap(), Some(note(1000)));
    notes.send(note(4000)).await.unwrap();
    let status = soon(answers.next()).await.unwrap_err();
    assert_eq!(status.code(), Code::RESOURCE_EXHAUSTED);
    assert!(status.message().contains("5000 bytes") && status.message().contains("--max-notes"), "{status}");
    // Six notes of 1 MB at one point pass by default.
    let served = Served::start(&[]);
    let (mut notes, mut answers) = served.client().route_chat().await.unwrap();
    for earlier in 0..6 {
        notes.send(note(1_000_000)).await.unwrap();
        for _ in 0..earlier {
            assert_eq!(soon(answers.next()).await.unwrap().unwrap().message.len(), 1_000_000);
        }
    }
    notes.finish().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), None);
}

#[tokio::test]
async fn a_database_with_places_beyond_the_globe_is_served_with_a_warning() {
    let scratch = served::Scratch::new("beyond.json");
    let beyond = r#"[{"location":{"latitude":900000001,"longitude":2},"name":"Beyond the pole"}]"#;
    std::fs::write(&scratch.0, beyond).unwrap();
    let mut command = program(SERVER);
    let mut served = Served::start_as(command.args(["--db", scratch.path()]), Stdio::piped());
    let warning = |line: &str| line.contains("WARN").then(|| line.to_owned());
    let line = served.process.wait_for_error_line(PATIENCE, "a warning", warning).unwrap();
    assert!(line.contains("90") && line.contains("1 of 1"), "{line}");
    let feature = soon(served.client().get_feature(point(900_000_001, 2))).await.unwrap().message;
    assert_eq!(feature.name, "Beyond the pole");
}

#[test]
fn debug_lines_are_logged_where_they_are_asked_for() {
    let mut command = program(SERVER);
    command.env("RUST_LOG", "debug,h2=debug");
    let mut served = Served::start_as(&mut command, Stdio::piped());
    assert!(run(&mut client(served.address(), &["get-feature"])).succeeded());
    let closed = |line: &str| line.contains("connection closed").then_some(());
    served.process.wait_for_error_line(PATIENCE, "the end of the connection", closed).unwrap();
    let log = served.process.so_far().stderr;
    assert!(log.contains("DEBUG") && !log.contains("this build has no log lines"), "{log}");
}

// All of it.

#[test]
fn client_makes_all_four_calls_to_a_server() {
    let served = Served::start(&[]);
    let output = run(&mut client(served.address(), &["all"]));
    assert!(output.succeeded() && output.stderr.is_empty(), "{output}");
    for words in [
        "-- GetFeature --",
        "Feature called \"Berkshire Valley Management Area Trail, Jefferson, NJ, USA\" at 40.9146138, -74.6188906",
        "Found no feature at 0.0000000, 0.0000000",
        "-- ListFeatures --",
        "-- RecordRoute --",
        "Finished trip with 10 points",
        "-- RouteChat --",
        "Received message \"First message\" at 0.0000000, 0.0000000",
    ] {
        assert!(output.stdout.contains(words), "{words} in {output}");
    }
}

//! Recordings that begin within a connection, or have a gap.

use h2grpc::transcript::Direction::{self, *};

use super::captures::{Wire, pcap};
use super::common::frame_of;
use super::common::raw::{DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, bytes_of};
use super::{Folder, PROTO, run};
use crate::process::Output;

/// `latitude: 5`.
const POINT: &[u8] = &[8, 5];

/// HPACK's literal that is added to the dynamic table, with a name of the static table or one in letters.
fn added(name: Result<u8, &str>, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let name = name.map_or_else(|name| [vec![0x40], text(name)].concat(), |index| vec![0x40 | index]);
    [name, text(value)].concat()
}

/// A call as a peer writes it that adds all it says to its tables: the path, `x-id`, the status.
fn call_that_adds(stream: u32, path: &str, id: &str) -> [Vec<u8>; 2] {
    let request = [vec![0x83, 0x86], added(Ok(4), path), added(Err("x-id"), id), added(Ok(31), "application/grpc")];
    let (head, trailers) = (added(Ok(31), "application/grpc"), added(Err("grpc-status"), "0"));
    call(stream, &request.concat(), &[&[0x88], &head[..]].concat(), &trailers)
}

/// A call that takes all of it from the tables: the newest entry has index 62.
fn call_that_refers(stream: u32) -> [Vec<u8>; 2] {
    call(stream, &[0x83, 0x86, 0xc0, 0xbf, 0xbe], &[0x88, 0xbf], &[0xbe])
}

/// What the client and the server send for a call.
fn call(stream: u32, request: &[u8], head: &[u8], trailers: &[u8]) -> [Vec<u8>; 2] {
    let client =
        [bytes_of(HEADERS, END_HEADERS, stream, request), bytes_of(DATA, END_STREAM, stream, &frame_of(0, POINT))];
    let server = [
        bytes_of(HEADERS, END_HEADERS, stream, head),
        bytes_of(DATA, 0, stream, &frame_of(0, b"\x0a\x02hi")),
        bytes_of(HEADERS, END_HEADERS | END_STREAM, stream, trailers),
    ];
    [client.concat(), server.concat()]
}

const GET: &str = "/routeguide.RouteGuide/GetFeature";

/// Three calls after a first one, each in packets of its own; the second one repeats the first.
fn conversation(wire: &mut Wire) {
    for [client, server] in [call_that_refers(3), call_that_adds(5, GET, "eight"), call_that_refers(7)] {
        wire.bytes(ToServer, &client);
        wire.bytes(ToClient, &server);
    }
}

fn read(wire: &Wire, from: usize) -> Output {
    let folder = Folder::new();
    let file = folder.write("late.pcap", pcap(&wire.packets[from..]));
    let read = run(&["read", &file, "--proto", PROTO]);
    assert!(read.succeeded(), "{read}");
    read
}

/// The lines about the call of a stream, without time and place.
fn lines(read: &Output, stream: u32) -> Vec<String> {
    let place = format!(" 1.{stream} ");
    let lines = read.stdout.lines().filter(|line| line.contains(&place));
    lines.map(|line| line.split_once(&place).unwrap().1.trim().split(" after ").next().unwrap().to_owned()).collect()
}

const UNKNOWN: [&str; 6] = [
    "-> call of an unknown method: its path was added before the recording began, or in a gap of it; 3 fields are unknown",
    "-> {1: 5}",
    "<- response head :status: 200, 1 field is unknown",
    "<- {1: \"hi\"}",
    "<- trailers 1 field is unknown",
    "status unknown (added before the recording began, or in a gap of it)",
];

fn known(id: &str) -> [String; 4] {
    let head = format!("-> call {GET}, x-id: {id}");
    [head, "-> Point {latitude: 5}".into(), "<- Feature {name: \"hi\"}".into(), "OK".into()]
}

#[test]
fn a_capture_that_begins_within_a_frame_says_what_is_unknown_and_recovers() {
    let mut wire = Wire::new();
    let [client, server] = call_that_adds(1, GET, "seven");
    let cut = |bytes: &[u8]| bytes.len() - 5;
    // What is not in the capture.
    wire.bytes(ToServer, &[PREFACE, &bytes_of(SETTINGS, 0, 0, &[]), &client[..cut(&client)]].concat());
    wire.bytes(ToClient, &[&bytes_of(SETTINGS, 0, 0, &[])[..], &server[..cut(&server)]].concat());
    let from = wire.packets.len();
    wire.bytes(ToServer, &client[cut(&client)..]);
    wire.bytes(ToClient, &server[cut(&server)..]);
    conversation(&mut wire);
    let read = read(&wire, from);
    assert_eq!(lines(&read, 3), UNKNOWN, "{read}");
    assert_eq!(lines(&read, 5), known("eight"), "{read}");
    assert_eq!(lines(&read, 7), known("eight"), "{read}");
}

#[test]
fn after_a_gap_it_says_what_is_unknown_and_recovers() {
    let mut wire = Wire::new();
    wire.handshake();
    let [client, server] = call_that_adds(1, GET, "seven");
    wire.bytes(ToServer, &[PREFACE, &bytes_of(SETTINGS, 0, 0, &[])].concat());
    wire.bytes(ToClient, &bytes_of(SETTINGS, 0, 0, &[]));
    let lost = |wire: &mut Wire, direction: Direction, bytes: &[u8]| {
        wire.bytes(direction, bytes);
        wire.packets.pop();
    };
    lost(&mut wire, ToServer, &client);
    lost(&mut wire, ToClient, &server);
    conversation(&mut wire);
    let read = read(&wire, 0);
    assert_eq!(read.stdout.matches("bytes were not explained").count(), 2, "{read}");
    assert_eq!(lines(&read, 3), UNKNOWN, "{read}");
    assert_eq!(lines(&read, 5), known("eight"), "{read}");
    assert_eq!(lines(&read, 7), known("eight"), "{read}");
}

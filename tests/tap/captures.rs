//! Network captures.

use etherparse::PacketBuilder;
use h2grpc::transcript::{Direction, Recorded};

use super::{Folder, PROTO, Tap, events, run, server, tour};

/// A packet: when in microseconds, its bytes, and how many of them are in the capture.
pub type Packet = (u64, Vec<u8>, usize);

/// The TCP segments of a connection from 10.0.0.1:40000 to 10.0.0.2:50051.
pub struct Wire {
    next: [u32; 2],
    pub packets: Vec<Packet>,
    time: u64,
}

const SERVER: u16 = 50051;

impl Wire {
    pub fn new() -> Wire {
        // Numbers that wrap around soon.
        Wire { next: [u32::MAX - 100, 7], packets: Vec::new(), time: 1_700_000_000_000_000 }
    }

    fn packet(&mut self, direction: Direction, flags: &str, number: u32, bytes: &[u8]) {
        let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let (from, to, ports) = match direction {
            Direction::ToServer => (client, server, (40_000, SERVER)),
            Direction::ToClient => (server, client, (SERVER, 40_000)),
        };
        let mut tcp = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64).tcp(ports.0, ports.1, number, 60_000);
        if flags.contains('S') {
            tcp = tcp.syn();
        }
        if flags.contains('F') {
            tcp = tcp.fin();
        }
        if flags.contains('A') {
            tcp = tcp.ack(self.next[direction.other().index()]);
        }
        let mut packet = Vec::new();
        tcp.write(&mut packet, bytes).unwrap();
        self.time += 10;
        let length = packet.len();
        self.packets.push((self.time, packet, length));
    }

    pub fn handshake(&mut self) {
        self.packet(Direction::ToServer, "S", self.next[0], b"");
        self.next[0] = self.next[0].wrapping_add(1);
        self.packet(Direction::ToClient, "SA", self.next[1], b"");
        self.next[1] = self.next[1].wrapping_add(1);
        self.packet(Direction::ToServer, "A", self.next[0], b"");
    }

    pub fn bytes(&mut self, direction: Direction, bytes: &[u8]) {
        for piece in bytes.chunks(1000) {
            let number = self.next[direction.index()];
            self.packet(direction, "A", number, piece);
            self.next[direction.index()] = number.wrapping_add(piece.len() as u32);
        }
    }

    fn end(&mut self) {
        for direction in Direction::BOTH {
            let number = self.next[direction.index()];
            self.packet(direction, "FA", number, b"");
        }
    }
}

/// The four calls of the tutorial as packets, with what goes before and after.
pub fn wire(recorded: &Recorded) -> Wire {
    let mut wire = Wire::new();
    wire.handshake();
    recorded.chunks.iter().for_each(|chunk| wire.bytes(chunk.direction, &chunk.bytes));
    wire.end();
    wire
}

pub fn pcap(packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(
        [0xa1b2_c3d4_u32.to_le_bytes(), [2, 0, 4, 0], [0; 4], [0; 4], 262_144_u32.to_le_bytes(), 1_u32.to_le_bytes()]
            .concat(),
    );
    for (time, bytes, kept) in packets {
        let head = [time / 1_000_000, time % 1_000_000, *kept as u64, bytes.len() as u64];
        head.iter().for_each(|number| file.extend((*number as u32).to_le_bytes()));
        file.extend(&bytes[..*kept]);
    }
    file
}

fn pcapng(packets: &[Packet]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let body = [body, &vec![0; (4 - body.len() % 4) % 4]].concat();
        let length = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &length, &body, &length].concat()
    };
    let mut file = block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    // An interface for Ethernet whose times are in nanoseconds (option 9).
    file.extend(block(1, &[&[1, 0, 0, 0, 0, 0, 4, 0], &[9, 0, 1, 0, 9, 0, 0, 0][..], &[0; 4]].concat()));
    for (time, bytes, kept) in packets {
        let time = time * 1000;
        let head = [0, (time >> 32) as u32, time as u32, *kept as u32, bytes.len() as u32];
        let head: Vec<u8> = head.iter().flat_map(|number| number.to_le_bytes()).collect();
        file.extend(block(6, &[&head[..], &bytes[..*kept]].concat()));
    }
    file
}

/// What passes with the four calls.
pub async fn recorded() -> Recorded {
    let (server, folder) = (server(), Folder::new());
    let file = folder.path("saved.txt");
    let tap = Tap::start(server.address, &["--connections", "1", "--save", &file]);
    tour(&tap.client()).await;
    assert!(tap.ended().succeeded());
    Recorded::parse(&std::fs::read_to_string(&file).unwrap()).unwrap()
}

/// The lines about calls, without their times.
fn calls(text: &str) -> Vec<String> {
    let about = text.lines().filter(|line| line.contains("-> ") || line.contains("<- "));
    about.map(|line| line[17..].split(" after ").next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_of_either_format_is_explained_like_a_connection_that_passes() {
    let (recorded, folder) = (recorded().await, Folder::new());
    let saved = folder.write("saved.txt", recorded.to_string());
    let live = run(&["show", &saved, "--proto", PROTO]);
    let packets = wire(&recorded).packets;
    for file in [folder.write("a.pcap", pcap(&packets)), folder.write("a.pcapng", pcapng(&packets))] {
        let read = run(&["read", &file, "--proto", PROTO, "--check"]);
        assert_eq!(read.code(), Some(0), "{read}");
        assert!(read.stdout.contains("connection from 10.0.0.1:40000 to 10.0.0.2:50051"), "{read}");
        assert_eq!(calls(&read.stdout), calls(&live.stdout));
        let last = read.stdout.lines().rev().nth(1).unwrap();
        assert!(last.trim_start().starts_with("0.00") && last.ends_with("connection closed"), "{last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_out_of_order_and_sent_twice_make_no_difference() {
    let (recorded, folder) = (recorded().await, Folder::new());
    let mut wire = wire(&recorded);
    let plain = run(&["read", &folder.write("plain", pcap(&wire.packets)), "--json"]);
    // Each second pair of the same direction in turned order, and each third segment twice.
    for at in (4..wire.packets.len() - 3).step_by(2) {
        if wire.packets[at].1[26..30] == wire.packets[at + 1].1[26..30] {
            wire.packets.swap(at, at + 1);
        }
    }
    let twice: Vec<Packet> = (4..wire.packets.len() - 2).step_by(3).map(|at| wire.packets[at].clone()).collect();
    wire.packets.splice(wire.packets.len() - 2..wire.packets.len() - 2, twice);
    let turned = run(&["read", &folder.write("turned", pcap(&wire.packets)), "--json"]);
    let messages = |text: &str| {
        let messages = events(text, "message").into_iter();
        let mut messages: Vec<_> =
            messages.map(|message| (message["direction"].to_string(), message["message"].to_string())).collect();
        messages.sort();
        messages
    };
    assert_eq!(messages(&turned.stdout), messages(&plain.stdout));
    assert_eq!(events(&turned.stdout, "gap").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_captured_is_told_and_what_follows_is_read() {
    let (recorded, folder) = (recorded().await, Folder::new());
    let wire = wire(&recorded);
    let large = wire.packets.iter().position(|(_, bytes, _)| bytes.len() > 1000).unwrap();
    for cut in [false, true] {
        let mut packets = wire.packets.clone();
        if cut {
            packets[large].2 = 100;
        } else {
            packets.remove(large);
        }
        let read = run(&["read", &folder.write("gap", pcap(&packets)), "--json"]);
        assert_eq!(read.code(), Some(0), "{read}");
        let gaps = events(&read.stdout, "gap");
        assert_eq!((gaps.len(), &gaps[0]["direction"]), (1, &"to_client".into()), "{read}");
        assert_eq!(gaps[0]["bytes"], if cut { 954 } else { 1000 }, "{read}");
        assert!(read.stdout.contains("Third message"), "{read}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_begins_within_the_connection_is_read_from_there_on() {
    let (recorded, folder) = (recorded().await, Folder::new());
    let packets = wire(&recorded).packets;
    let file = folder.write("late.pcap", pcap(&packets[packets.len() / 2..]));
    let read = run(&["read", &file, "--json"]);
    assert_eq!(read.code(), Some(0), "{read}");
    assert_eq!(events(&read.stdout, "opened")[0]["late"], true, "{read}");
    assert!(events(&read.stdout, "opened")[0]["text"].to_string().contains("to 10.0.0.2:50051"), "{read}");
    assert!(read.stdout.contains("Third message"), "{read}");
}

#[test]
fn captures_without_http2_and_broken_ones_are_told_in_one_line() {
    let folder = Folder::new();
    let mut other = Wire::new();
    other.handshake();
    other.bytes(Direction::ToServer, b"SSH-2.0-OpenSSH\r\n");
    other.end();
    let whole = pcap(&other.packets);
    for (name, bytes, why) in [
        (
            "text",
            b"hello, world, this is no capture".to_vec(),
            "is no capture: it does not begin as pcap or pcapng does",
        ),
        ("empty", Vec::new(), "is no capture"),
        ("ssh.pcap", whole.clone(), "none of its 1 TCP connections is HTTP/2 in cleartext"),
        ("none.pcap", pcap(&[]), "the capture has no packets"),
        ("cut.pcap", whole[..whole.len() - 5].to_vec(), "is cut off: its last packet begins at byte "),
    ] {
        let file = folder.write(name, bytes);
        let output = run(&["read", &file]);
        assert_eq!(output.code(), Some(2), "{output}");
        assert_eq!(output.stderr.lines().count(), 1, "{output}");
        assert!(output.stderr.contains(why), "{output}");
    }
    // By its port it is explained, whatever it is.
    let file = folder.path("ssh.pcap");
    let read = run(&["read", &file, "--port", "50051"]);
    assert!(read.stdout.contains("the client speaks no HTTP/2, it begins with SSH-2.0-OpenSSH"), "{read}");
    let wrong = run(&["read", &file, "--port", "80"]);
    assert!(wrong.stderr.contains("the capture has no TCP connection of port 80"), "{wrong}");
}

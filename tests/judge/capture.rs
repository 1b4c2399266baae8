//! A capture file (pcap) of connections that never were on a network: IPv4 and TCP around recorded bytes.
//!
//! ```text
//! a1 b2 c3 d4 00 02 00 04 ...   file header: magic number, version 2.4, link type 101 (raw IP)
//! seconds, microseconds, length, length    before each packet, four bytes each
//! 45 00 ...                     IPv4 header, 20 bytes
//! 9c 40 c3 83 ...               TCP header, 20 bytes: ports, sequence number, acknowledgement, flags
//! ```

use h2grpc::transcript::Direction;

/// The server's port.
pub const PORT: u16 = 50051;

/// The client's port of the first connection; the others follow.
pub const FIRST_PORT: u16 = 40000;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PUSH: u8 = 0x08;

/// A capture that is written packet by packet.
pub struct Capture {
    bytes: Vec<u8>,
    packets: u32,
}

/// A connection of it.
pub struct Connection {
    port: u16,
    /// The next sequence number of each direction.
    next: [u32; 2],
}

impl Capture {
    pub fn new() -> Self {
        let numbers = [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65_535, 101];
        Capture { bytes: numbers.iter().flat_map(|number| number.to_be_bytes()).collect(), packets: 0 }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Opens the connection of this number with TCP's three packets.
    pub fn open(&mut self, number: u16) -> Connection {
        let mut connection = Connection { port: FIRST_PORT + number, next: [1000, 2000] };
        self.packet(&connection, Direction::ToServer, SYN, b"");
        connection.next[0] += 1;
        self.packet(&connection, Direction::ToClient, SYN | ACK, b"");
        connection.next[1] += 1;
        self.packet(&connection, Direction::ToServer, ACK, b"");
        connection
    }

    /// Adds bytes to a connection, in packets of their own.
    pub fn data(&mut self, connection: &mut Connection, direction: Direction, bytes: &[u8]) {
        for part in bytes.chunks(60_000) {
            self.packet(connection, direction, PUSH | ACK, part);
            connection.next[direction.index()] += part.len() as u32;
        }
    }

    fn packet(&mut self, connection: &Connection, direction: Direction, flags: u8, payload: &[u8]) {
        let (way, back) = (direction.index(), direction.other().index());
        let addresses = [[10, 0, 0, 1], [10, 0, 0, 2]];
        let ports = [connection.port, PORT];
        let acknowledged = if flags & ACK == 0 { 0 } else { connection.next[back] };
        let tcp = [
            &ports[way].to_be_bytes()[..],
            &ports[back].to_be_bytes(),
            &connection.next[way].to_be_bytes(),
            &acknowledged.to_be_bytes(),
            &[5 << 4, flags], // five words of header
            &65_535_u16.to_be_bytes(),
            &[0; 4], // checksum, which nobody asks for, and no urgent data
        ];
        let length = 20 + 20 + payload.len();
        // Version 4, five words of header; no fragments; 64 hops, TCP.
        let ip = [
            &[0x45, 0][..],
            &(length as u16).to_be_bytes(),
            &[0, 0, 0x40, 0, 64, 6, 0, 0],
            &addresses[way],
            &addresses[back],
        ];
        self.packets += 1;
        for number in [0, self.packets, length as u32, length as u32] {
            self.bytes.extend(number.to_be_bytes());
        }
        self.bytes.extend(ip.concat());
        self.bytes.extend(tcp.concat());
        self.bytes.extend_from_slice(payload);
    }
}

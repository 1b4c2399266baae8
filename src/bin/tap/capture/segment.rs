//! The TCP segment in a packet.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::Linktype;

use super::packets::Packet;

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub number: u32,
    /// The next byte that the sender expects from the other side.
    pub acknowledged: Option<u32>,
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    pub bytes: &'a [u8],
    /// How many bytes of it were cut off when it was captured.
    pub cut: usize,
}

/// What a packet holds.
#[derive(Clone, Copy, Debug)]
pub enum Held<'a> {
    Segment(Segment<'a>),
    /// A piece of an IP packet, which has to be put together first.
    Fragment,
    /// A kind of link that is not known here.
    UnknownLink(Linktype),
    Other,
}

/// Takes a packet apart.
pub fn segment<'a>(packet: &Packet<'a>) -> Held<'a> {
    let bytes = packet.bytes;
    // The protocol's number at a place, and the packet after the link's header.
    let ether = |at: usize, header: usize| {
        let kind = bytes.get(at..at + 2).map(|kind| EtherType(u16::from_be_bytes([kind[0], kind[1]])))?;
        Some(LaxSlicedPacket::from_ether_type(kind, bytes.get(header..)?))
    };
    let ip = |from: usize| bytes.get(from..).and_then(|bytes| LaxSlicedPacket::from_ip(bytes).ok());
    let sliced = match packet.link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(bytes).ok(),
        // What Linux captures on all interfaces together.
        Linktype::LINUX_SLL => ether(14, 16),
        Linktype::LINUX_SLL2 => ether(0, 20),
        // 12 is what BSD writes for raw IP.
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12) => ip(0),
        Linktype::NULL | Linktype::LOOP => ip(4),
        link => return Held::UnknownLink(link),
    };
    let Some(sliced) = sliced else { return Held::Other };
    let (from, to, fragmented) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let ends: [IpAddr; 2] = [header.source_addr().into(), header.destination_addr().into()];
            (ends[0], ends[1], ip.is_payload_fragmented())
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            let ends: [IpAddr; 2] = [header.source_addr().into(), header.destination_addr().into()];
            (ends[0], ends[1], ip.is_payload_fragmented())
        }
        _ => return Held::Other,
    };
    match &sliced.transport {
        _ if fragmented => Held::Fragment,
        Some(TransportSlice::Tcp(tcp)) => Held::Segment(Segment {
            from: SocketAddr::new(from, tcp.source_port()),
            to: SocketAddr::new(to, tcp.destination_port()),
            number: tcp.sequence_number(),
            acknowledged: tcp.ack().then(|| tcp.acknowledgment_number()),
            syn: tcp.syn(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            bytes: tcp.payload(),
            cut: packet.cut,
        }),
        _ => Held::Other,
    }
}

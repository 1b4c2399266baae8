//! The packets of a capture file, pcap or pcapng.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

/// A packet as it was captured.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When, since 1970.
    pub at: Duration,
    pub link: Linktype,
    pub bytes: &'a [u8],
    /// How many bytes of it were cut off when it was captured.
    pub cut: usize,
}

/// How much of the file is held at once: first, and at most. The largest packets have 256 KiB.
const HELD: usize = 1024 * 1024;
const HELD_AT_MOST: usize = 64 * 1024 * 1024;

/// What the file has said so far.
struct Said {
    interfaces: Vec<Interface>,
    nanoseconds: bool,
    last: Duration,
}

struct Interface {
    link: Linktype,
    /// How many units of its times are a second.
    resolution: u64,
    offset: i64,
}

/// Why not all packets were taken.
#[derive(Debug)]
pub enum Stopped {
    /// The file is none or is broken: where, and what to do.
    File(String),
    /// What was made of a packet cannot be written.
    Output(io::Error),
}

/// Calls `take` for each packet in the order of the file. Where the file is broken, the packets before that are taken.
pub fn each(file: &Path, mut take: impl FnMut(&Packet<'_>) -> io::Result<()>) -> Result<(), Stopped> {
    let name = file.display();
    let opened = File::open(file).map_err(|error| Stopped::File(format!("cannot read {name}: {error}")))?;
    let mut reader = create_reader(HELD, opened).map_err(|error| match error {
        PcapError::ReadError => Stopped::File(format!("cannot read {name}")),
        _ => Stopped::File(format!(
            "{name} is no capture: it does not begin as pcap or pcapng does; expected a file of tcpdump -w"
        )),
    })?;
    let mut said = Said { interfaces: Vec::new(), nanoseconds: false, last: Duration::ZERO };
    let mut held = HELD;
    loop {
        let (at, exhausted) = (reader.consumed(), reader.reader_exhausted());
        match reader.next() {
            Ok((length, block)) => {
                if let Some(packet) = said.packet(&block) {
                    take(&packet).map_err(Stopped::Output)?;
                }
                reader.consume(length);
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) if !exhausted => {
                reader.refill().map_err(|_| Stopped::File(format!("cannot read {name} from byte {at} on")))?;
            }
            Err(PcapError::BufferTooSmall) if held < HELD_AT_MOST => {
                held *= 2;
                reader.grow(held);
            }
            Err(PcapError::Incomplete(_) | PcapError::UnexpectedEof) => {
                let why = format!("{name} is cut off: its last packet begins at byte {at} and is not whole");
                return Err(Stopped::File(why));
            }
            Err(_) => {
                let why = format!("{name} is broken at byte {at}: what stands there is no packet");
                return Err(Stopped::File(why));
            }
        }
    }
}

impl Said {
    fn packet<'a>(&mut self, block: &'a PcapBlockOwned<'_>) -> Option<Packet<'a>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.interfaces = vec![Interface { link: header.network, resolution: 1, offset: 0 }];
                self.nanoseconds = header.is_nanosecond_precision();
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let unit = if self.nanoseconds { 1 } else { 1000 };
                let nanoseconds = u64::from(packet.ts_usec) * unit;
                let at = Duration::from_secs(packet.ts_sec.into()) + Duration::from_nanos(nanoseconds);
                let cut = packet.origlen.saturating_sub(packet.caplen) as usize;
                Some(Packet { at, link: self.interfaces.first()?.link, bytes: packet.data, cut })
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                let resolution = interface.ts_resolution().filter(|units| *units > 0).unwrap_or(1_000_000);
                self.interfaces.push(Interface { link: interface.linktype, resolution, offset: interface.ts_offset() });
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = self.interfaces.get(packet.if_id as usize)?;
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let whole = (units / interface.resolution).saturating_add_signed(interface.offset);
                let part = (units % interface.resolution) as f64 / interface.resolution as f64;
                self.last = Duration::from_secs(whole) + Duration::from_secs_f64(part);
                let cut = packet.origlen.saturating_sub(packet.caplen) as usize;
                Some(Packet { at: self.last, link: interface.link, bytes: packet.packet_data(), cut })
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let bytes = packet.packet_data();
                let cut = (packet.origlen as usize).saturating_sub(bytes.len());
                Some(Packet { at: self.last, link: self.interfaces.first()?.link, bytes, cut })
            }
            PcapBlockOwned::NG(_) => None,
        }
    }
}

//! tshark as a judge: its fields of each packet become lines.

use std::path::Path;
use std::process::Command;

use super::capture::{FIRST_PORT, PORT};
use super::{Direction, Lines, source};

/// Separates several values of one field: no header field has it.
const AND: char = '\u{1}';

/// What is asked of each packet.
const FIELDS: [&str; 13] = [
    "tcp.srcport",
    "tcp.dstport",
    "http2.type",
    "http2.flags",
    "http2.streamid",
    "http2.length",
    "http2.header.name",
    "http2.header.value",
    "grpc.compressed_flag",
    "grpc.message_length",
    "protobuf.field.name",
    "protobuf.field.value.int32",
    "protobuf.field.value.string",
];

/// Reads a capture whose server speaks HTTP/2 on its port.
pub fn command(capture: &Path) -> Command {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture).args(["-n", "-d", &format!("tcp.port=={PORT},http2"), "-T", "fields"]);
    let protos = source("proto");
    command.args(["-o", &format!("uat:protobuf_search_paths:\"{}\",\"TRUE\"", protos.display())]);
    command.args(["-E", "occurrence=a", "-E", &format!("aggregator={AND}"), "-E", "separator=/t"]);
    FIELDS.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    command
}

/// Its answer, by the names of the connections in their order.
pub fn lines(output: &str, names: &[&str]) -> Result<Lines, String> {
    let mut lines = Lines::new();
    for packet in output.lines() {
        let cells: Vec<&str> = packet.split('\t').collect();
        let [source, target, kind, flags, stream, length, name, told, compressed, size, inside, value, text] =
            cells[..]
        else {
            return Err(format!("tshark has answered something else than {} fields: {packet}", FIELDS.len()));
        };
        let to_server = target == PORT.to_string();
        let (direction, port) = if to_server { (Direction::ToServer, source) } else { (Direction::ToClient, target) };
        let number = port.parse::<u16>().ok().and_then(|port| port.checked_sub(FIRST_PORT));
        let connection = number.and_then(|number| names.get(usize::from(number)));
        let connection = connection.ok_or_else(|| format!("tshark tells of port {port}: {packet}"))?;
        let of = lines.entry(connection.to_string()).or_default().entry(direction.arrow().into()).or_default();
        for (((kind, flags), stream), length) in all(kind).zip(all(flags)).zip(all(stream)).zip(all(length)) {
            of.push(format!("type {kind} flags {flags} stream {stream} length {length}"));
        }
        of.extend(all(name).zip(all(told)).map(|(name, value)| format!("  field {name}: {value}")));
        let messages = all(compressed).zip(all(size));
        of.extend(messages.map(|(flag, length)| format!("  message compressed {flag} length {length}")));
        of.extend(all(inside).map(|name| format!("  inside {name}")));
        of.extend(all(value).map(|value| format!("  int32 {value}")));
        of.extend(all(text).map(|text| format!("  string {text}")));
    }
    Ok(lines)
}

/// The values of a field, none where it is not there.
fn all(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(AND).filter(move |_| !cell.is_empty())
}

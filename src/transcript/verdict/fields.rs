//! Rules of single header fields and of their order.

use super::super::hpack::Block;
use super::super::text::printable;
use super::found::Found;
use crate::wire::binary;

const PSEUDO: [&[u8]; 6] = [b":method", b":scheme", b":path", b":authority", b":status", b":protocol"];

/// Fields that say something of one connection of HTTP/1, and have no place in HTTP/2.
const CONNECTION: [&[u8]; 5] = [b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"];

pub(super) fn check(block: &Block, who: &str, found: &mut Found<'_>) {
    let mut regular = false;
    for (name, value) in block.pairs() {
        let shown = printable(name);
        if name.starts_with(b":") {
            let known = PSEUDO.iter().any(|known| name == *known);
            found.add_if(!known, "h2.pseudo-fields", || format!("{who} sends {shown}, which HTTP/2 does not define"));
            found.add_if(regular, "h2.pseudo-fields", || format!("{who} sends {shown} after other fields"));
            continue;
        }
        regular = true;
        let upper = name.iter().any(u8::is_ascii_uppercase);
        found.add_if(upper, "h2.field-names", || format!("{who} sends the name {shown}: names are lower case"));
        let letter = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' | b'.');
        found.add_if(name.is_empty() || !name.iter().all(letter), "grpc.header-name", || {
            format!("{who} sends the name \"{shown}\": letters, digits, _, - and . make a name")
        });
        let forbidden = CONNECTION.iter().any(|own| name == *own) || name == "te" && value != "trailers";
        found.add_if(forbidden, "h2.connection-fields", || {
            format!("{who} sends {shown}, which belongs to a single connection of HTTP/1")
        });
        if name.ends_with(b"-bin") {
            let broken = binary::split(value).any(|value| binary::decode(value).is_err());
            found
                .add_if(broken, "grpc.binary-base64", || format!("{who} sends {shown} with a value that is no base64"));
        } else {
            let plain = |byte: &u8| matches!(byte, 0x20..=0x7e);
            found.add_if(name != "grpc-message" && !value.iter().all(plain), "grpc.ascii-value", || {
                format!("{who} sends {shown} with bytes that are no printable ASCII: such values need a name with -bin")
            });
        }
    }
}

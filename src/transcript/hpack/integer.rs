//! Integers and strings as HPACK writes them (RFC 7541, section 5; rules hpack.integer and hpack.string).

use bytes::{Buf, Bytes};

use super::super::varint::varint;
use super::huffman;

/// What a field ends with that is not whole.
const CUT_SHORT: &str = "the block ends inside a field";

/// Section 5.1: what does not fit the first octet's `prefix` bits follows in groups of seven, the lowest first.
pub(super) fn integer(rest: &mut Bytes, prefix: u32) -> Result<usize, String> {
    let full = (1 << prefix) - 1;
    let value = rest.try_get_u8().map_err(|_| CUT_SHORT)? as usize & full;
    if value < full {
        return Ok(value);
    }
    let why = if rest.len() < 4 { CUT_SHORT } else { "an integer of more than five octets" };
    Ok(value + varint(rest, 4).ok_or(why)? as usize)
}

/// A string and how it stands in the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Whether its letters are in the Huffman code.
    pub(super) huffman: bool,
    /// How many octets its length takes.
    pub(super) prefix: usize,
    /// Its octets as they stand there.
    pub(super) octets: Bytes,
    /// Its letters.
    pub(super) text: Bytes,
}

/// Section 5.2: a bit for Huffman, the length, the octets.
pub(super) fn string(rest: &mut Bytes) -> Result<Written, String> {
    let before = rest.len();
    let huffman = rest.first().is_some_and(|octet| octet & 0x80 != 0);
    let length = integer(rest, 7)?;
    if length > rest.len() {
        return Err(format!("a string of {length} octets, where the block has {} more", rest.len()));
    }
    let prefix = before - rest.len();
    let octets = rest.split_to(length);
    let text = if huffman { huffman::decode(&octets)?.into() } else { octets.clone() };
    Ok(Written { huffman, prefix, octets, text })
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::hex;
    use super::*;

    #[test]
    fn appendix_c_1_integers() {
        for (bytes, prefix, value) in [("0a", 5, 10), ("1f 9a 0a", 5, 1337), ("2a", 8, 42)] {
            assert_eq!(integer(&mut hex(bytes), prefix), Ok(value));
        }
    }
}

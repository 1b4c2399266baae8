//! HPACK's Huffman code (RFC 7541, section 5.2 and Appendix B; rule hpack.huffman).
//!
//! The code is canonical: codes of one length are consecutive numbers in the order of their symbols, and the first
//! code of the next length follows the last of this one. So the lengths alone say everything.

use std::{collections::HashMap, sync::LazyLock};

/// The length in bits of each symbol's code: octets 0 to 255, then the end of the string.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26, 30,
];

/// Decodes a string; the error says which rule of section 5.2 it breaks.
pub(super) fn decode(octets: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut text = Vec::with_capacity(octets.len() * 8 / 5);
    let (mut code, mut length) = (0, 0);
    for bit in octets.iter().flat_map(|octet| (0..8).rev().map(move |place| octet >> place & 1)) {
        code = code << 1 | u32::from(bit);
        length += 1;
        let Some(&symbol) = CODES.get(&(length, code)) else { continue };
        text.push(u8::try_from(symbol).map_err(|_| "the Huffman code of the end of the string inside a string")?);
        (code, length) = (0, 0);
    }
    match length {
        8.. => Err("a Huffman string padded by more than seven bits"),
        _ if code != (1 << length) - 1 => Err("a Huffman string padded with bits that are not ones"),
        _ => Ok(text),
    }
}

/// The code of a letter, and how many bits it has.
pub(super) fn code(letter: u8) -> (u32, u8) {
    static LETTERS: LazyLock<HashMap<u16, (u32, u8)>> =
        LazyLock::new(|| CODES.iter().map(|((length, code), symbol)| (*symbol, (*code, *length))).collect());
    LETTERS.get(&u16::from(letter)).copied().unwrap_or_default()
}

/// A text in the code, its last octet padded with ones.
pub(super) fn encode(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let (mut waiting, mut bits) = (0_u64, 0);
    for letter in text {
        let (code, length) = code(*letter);
        waiting = waiting << length | u64::from(code);
        bits += length;
        while bits >= 8 {
            bits -= 8;
            octets.push((waiting >> bits) as u8);
        }
    }
    if bits > 0 {
        octets.push((waiting << (8 - bits)) as u8 | 0xff >> bits);
    }
    octets
}

/// The symbol of each pair of a length and a code.
static CODES: LazyLock<HashMap<(u8, u32), u16>> = LazyLock::new(|| {
    let mut code = 0;
    let mut codes = HashMap::new();
    for length in 0..=30 {
        code <<= 1;
        for symbol in (0..).zip(LENGTHS).filter(|(_, own)| *own == length).map(|(symbol, _)| symbol) {
            codes.insert((length, code), symbol);
            code += 1;
        }
    }
    codes
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_appendix_c() {
        let name = [0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f];
        assert_eq!(decode(&name).unwrap(), b"custom-key");
        assert_eq!(decode(&[]).unwrap(), b"");
        assert_eq!(encode(b"custom-key"), name);
    }

    #[test]
    fn padding_is_at_most_seven_bits_all_ones() {
        assert_eq!(decode(&[0x1f]).unwrap(), b"a", "00011, then three ones");
        assert!(decode(&[0x1e]).unwrap_err().contains("not ones"));
        assert!(decode(&[0x1f, 0xff]).unwrap_err().contains("more than seven"));
    }

    #[test]
    fn end_of_string_is_an_error_inside_a_string() {
        assert!(decode(&[0xff; 4]).unwrap_err().contains("end of the string"));
    }

    #[test]
    fn the_longest_codes_are_the_last_of_the_table() {
        // Appendix B: LF is |11111111|11111111|11111111|111100, padded by 11.
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xf3]).unwrap(), b"\n");
    }
}

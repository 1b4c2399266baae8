//! Binary metadata: names that end in `-bin` have base64 values.
//!
//! "Implementations MUST accept padded and un-padded values and should emit un-padded values. Implementations must
//! split Binary-Headers on ',' before decoding" (gRPC over HTTP/2, section Requests). The alphabet is that of RFC 4648,
//! section 4.
//!
//! ```text
//! bytes     fb ff 01          11111011 11111111 00000001
//! sextets   62 63 60 1        111110 111111 111100 000001
//! value     2b 2f 38 42       +/8B
//! ```

use std::fmt;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// No sextet: the byte is not in the alphabet.
const NONE: u8 = 0xff;
const SEXTETS: [u8; 256] = {
    let mut sextets = [NONE; 256];
    let mut sextet = 0;
    while sextet < 64 {
        sextets[ALPHABET[sextet] as usize] = sextet as u8;
        sextet += 1;
    }
    sextets
};

/// Base64 without padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(encoded_len(bytes.len()));
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let sextets = [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]));
        text.extend(&sextets[..=group.len()]);
    }
    text
}

/// How many characters [`encode`] makes of `len` bytes.
pub const fn encoded_len(len: usize) -> usize {
    len / 3 * 4 + [0, 2, 3][len % 3]
}

/// Reads base64, padded or not. Bits left over in the last character are ignored, as most peers do.
pub fn decode(value: &[u8]) -> Result<Vec<u8>, BinaryError> {
    let text = match value {
        [text @ .., b'=', b'='] | [text @ .., b'='] if value.len().is_multiple_of(4) => text,
        _ => value,
    };
    if text.len() % 4 == 1 {
        return Err(BinaryError::Length(value.len()));
    }
    let sextet = |character: &u8| SEXTETS[usize::from(*character)];
    if let Some(at) = text.iter().position(|character| sextet(character) == NONE) {
        return Err(BinaryError::Character { found: text[at], at });
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let bits = group.iter().fold(0, |bits, character| bits << 6 | u32::from(sextet(character)));
        let whole = (bits << (6 * (4 - group.len()))).to_be_bytes();
        bytes.extend_from_slice(&whole[1..group.len()]);
    }
    Ok(bytes)
}

/// The values of one header line, which may be several joined by commas, each without the white space around it.
pub fn split(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// A `-bin` value that is not base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BinaryError {
    /// A byte outside the alphabet.
    Character {
        /// The byte.
        found: u8,
        /// Its offset in the value.
        at: usize,
    },
    /// A value of this many characters, of which the last belongs to no byte.
    Length(usize),
}

impl fmt::Display for BinaryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BinaryError::Character { found, at } => {
                let found = found.escape_ascii();
                write!(f, "not base64: '{found}' at offset {at}; expected A-Z a-z 0-9 + / and = at the end only")
            }
            BinaryError::Length(len) => write!(f, "not base64: {len} characters leave one that belongs to no byte"),
        }
    }
}

impl std::error::Error for BinaryError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_sent_without_padding() {
        for (bytes, value) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), value);
            assert_eq!(decode(value.as_bytes()), Ok(bytes.as_bytes().to_vec()));
        }
        assert_eq!(encode(&[0xfb, 0xff, 0x01]), "+/8B");
    }

    #[test]
    fn padded_values_are_accepted() {
        for (value, bytes) in [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9vYg==", "foob")] {
            assert_eq!(decode(value.as_bytes()), Ok(bytes.as_bytes().to_vec()));
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        assert_eq!(decode(b"Zm9v-g"), Err(BinaryError::Character { found: b'-', at: 4 }));
        assert_eq!(decode(b"Zg="), Err(BinaryError::Character { found: b'=', at: 2 }));
        assert_eq!(decode(b"Zg==Zg=="), Err(BinaryError::Character { found: b'=', at: 2 }));
        assert_eq!(decode(b"Z==="), Err(BinaryError::Character { found: b'=', at: 1 }));
        assert_eq!(decode(b"Zm9vY"), Err(BinaryError::Length(5)));
        assert_eq!(decode(b"===="), Err(BinaryError::Character { found: b'=', at: 0 }));
    }

    #[test]
    fn an_error_says_what_was_found_where_and_what_was_expected() {
        for (value, text) in [
            (&b"Zm9v\ng"[..], "not base64: '\\n' at offset 4; expected A-Z a-z 0-9 + / and = at the end only"),
            (b"Zm9vY", "not base64: 5 characters leave one that belongs to no byte"),
        ] {
            assert_eq!(decode(value).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn comma_joined_values_are_split_before_decoding() {
        let values: Vec<_> = split(b"Zg==,Zm8 ,\tZm9v,").map(decode).collect();
        assert_eq!(values, [Ok(b"f".to_vec()), Ok(b"fo".to_vec()), Ok(b"foo".to_vec()), Ok(vec![])]);
    }

    proptest! {
        #[test]
        fn any_bytes_survive_with_and_without_padding(bytes: Vec<u8>) {
            let mut value = encode(&bytes);
            prop_assert_eq!(value.len(), encoded_len(bytes.len()));
            prop_assert_eq!(decode(value.as_bytes()), Ok(bytes.clone()));
            while !value.len().is_multiple_of(4) {
                value.push('=');
            }
            prop_assert_eq!(decode(value.as_bytes()), Ok(bytes));
        }
    }
}

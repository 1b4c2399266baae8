//! Percent-encoding, for the text of a status.
//!
//! "Status-Message -> `grpc-message` Percent-Encoded; Percent-Byte-Unencoded -> 1*( %x20-%x24 / %x26-%x7E ) ; space and
//! VCHAR, except %" (gRPC over HTTP/2, section Responses; rules grpc.status-message and grpc.percent-plain). The text is
//! UTF-8; every other byte is `%` and two hex digits (rule grpc.percent-hex).
//!
//! ```text
//! no café:    6e 6f 20 63 61 66 c3 a9
//! on the wire: n  o sp  c  a  f %C3 %A9     grpc-message: no caf%C3%A9
//! ```

use std::borrow::Cow;

/// Text as a header value holds it: printable ASCII, borrowed when nothing had to be encoded.
///
/// A space at either end is encoded too: it is legal in the specification's grammar, but a field value must not start
/// or end with white space (RFC 9113, section 8.2.1; rule h2.field-values).
pub fn encode(text: &str) -> Cow<'_, str> {
    encode_within(text, usize::MAX)
}

/// [`encode`] for the longest start of `text` that takes at most `max_len` bytes and ends with a whole character.
pub fn encode_within(text: &str, max_len: usize) -> Cow<'_, str> {
    if text.len() <= max_len && text.bytes().all(is_plain) && !text.starts_with(' ') && !text.ends_with(' ') {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len().min(max_len) + 16);
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let at_edge = at == 0 || end == text.len();
        let whole = encoded.len();
        for byte in text[at..end].bytes() {
            let plain = is_plain(byte) && !(byte == b' ' && at_edge);
            if plain { encoded.push(char::from(byte)) } else { encoded += &format!("%{byte:02X}") }
        }
        if encoded.len() > max_len {
            encoded.truncate(whole);
            encoded.truncate(encoded.trim_end().len());
            break;
        }
    }
    Cow::Owned(encoded)
}

/// Whether the byte stands for itself on the wire.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'%'
}

/// The text of a header value, borrowed when nothing was encoded.
///
/// "When decoding invalid values, implementations MUST NOT error or throw away the message" (rule
/// grpc.percent-lenient): a `%` that two hex digits do not follow stands for itself, and what is not UTF-8 becomes U+FFFD.
pub fn decode(value: &[u8]) -> Cow<'_, str> {
    if !value.contains(&b'%') {
        return String::from_utf8_lossy(value);
    }
    let hex = |digit: u8| char::from(digit).to_digit(16);
    let mut pieces = value.split(|byte| *byte == b'%');
    let mut bytes = pieces.next().unwrap_or_default().to_vec();
    for piece in pieces {
        let escaped = piece.first_chunk().and_then(|[high, low]| Some((hex(*high)? << 4 | hex(*low)?) as u8));
        bytes.push(escaped.unwrap_or(b'%'));
        bytes.extend(&piece[escaped.map_or(0, |_| 2)..]);
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn printable_ascii_except_percent_stays_as_it_is() {
        for byte in 0x20..=0x7e_u8 {
            let text = format!("a{}b", char::from(byte));
            let expected = if byte == b'%' { "a%25b" } else { &text };
            assert_eq!(encode(&text), expected);
        }
        assert!(matches!(encode("no such place"), Cow::Borrowed(_)));
        assert!(matches!(decode(b"no such place"), Cow::Borrowed(_)));
    }

    #[test]
    fn everything_else_becomes_percent_and_two_hex_digits() {
        assert_eq!(encode("100% caf\u{e9}\r\n\u{7f}"), "100%25 caf%C3%A9%0D%0A%7F");
        assert_eq!(decode(b"100%25 caf%C3%a9%0d%0A"), "100% caf\u{e9}\r\n");
    }

    #[test]
    fn a_space_at_either_end_is_encoded() {
        assert_eq!(encode(" a b "), "%20a b%20");
        assert_eq!(encode(" "), "%20");
    }

    #[test]
    fn a_cut_text_ends_with_a_whole_character() {
        assert_eq!(encode_within("caf\u{e9} au lait", 8), "caf");
        assert_eq!(encode_within("caf\u{e9} au lait", 9), "caf%C3%A9");
        assert_eq!(encode_within("caf\u{e9} au lait", 10), "caf%C3%A9");
        assert_eq!(encode_within("plain", 4), "plai");
        assert_eq!(encode_within("plain", 0), "");
    }

    #[test]
    fn broken_sequences_are_kept() {
        for value in ["%", "a%", "a%4", "%zz", "%4g", "%+1", "%%", "% 41"] {
            assert_eq!(decode(value.as_bytes()), value);
        }
        assert_eq!(decode(b"%%41"), "%A");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(decode(b"a%FFb"), "a\u{fffd}b");
        assert_eq!(decode(b"a\xffb"), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn any_text_survives_the_wire_as_a_valid_header_value(text in "\\PC*|(?s).*") {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(encoded.trim(), encoded.as_ref());
            prop_assert_eq!(decode(encoded.as_bytes()), text.as_str());
        }
    }
}

//! Bytes and numbers as text that is safe to print.

use std::iter::repeat_n;

/// Text as it is; anything that would not show as itself on a terminal is escaped.
pub(super) fn printable(bytes: &[u8]) -> String {
    let plain = |c: char| matches!(c, '"' | '\'' | '\\') || c.escape_debug().count() == 1;
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(plain) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}

/// The same for a sentence, where spaces at the ends, and several in a row, could not be seen.
pub(super) fn quotable(bytes: &[u8]) -> String {
    let text = printable(bytes);
    let inner = text.trim_matches(' ');
    let (before, after) = text.split_once(inner).unwrap_or_default();
    [before.replace(' ', "\\x20"), inner.replace("  ", "\\x20\\x20"), after.replace(' ', "\\x20")].concat()
}

/// A number as people read it: with a comma before every three digits.
///
/// ```
/// use h2grpc::transcript::grouped;
/// assert_eq!(grouped(4212), "4,212");
/// ```
pub fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let place = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    digits.char_indices().flat_map(|(at, digit)| repeat_n(',', place(at).into()).chain([digit])).collect()
}

/// A number of bytes: "1 byte", "4,212 bytes".
pub(super) fn bytes(number: impl ToString) -> String {
    let number = grouped(number);
    let unit = if number == "1" { "byte" } else { "bytes" };
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_comma_for_each_thousand() {
        let texts = [0, 999, 1204, 20_000, 1_000_000].map(grouped);
        assert_eq!(texts, ["0", "999", "1,204", "20,000", "1,000,000"]);
    }

    #[test]
    fn nothing_a_peer_sends_reaches_the_terminal_as_a_control_character() {
        assert_eq!(printable(b"plain \"text\" \xc3\xa9"), "plain \"text\" \u{e9}");
        assert_eq!(printable(b"\x1b[2J"), "\\x1b[2J");
        assert_eq!(printable(b"\xff"), "\\xff");
        assert_eq!(quotable(b"one two"), "one two");
        assert_eq!(quotable(b" one  two   three "), "\\x20one\\x20\\x20two\\x20\\x20 three\\x20");
        assert_eq!(quotable(b"  "), "\\x20\\x20");
        assert_eq!(printable("\u{202e}".as_bytes()), "\\xe2\\x80\\xae");
    }
}

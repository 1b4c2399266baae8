//! A transcript file becomes the bytes that it shows. `docs/transcript-format.md` specifies the format.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::file::FIRST_LINE;
use super::record::{Direction, Recorded};

/// Why a text is no transcript file: where, what is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    column: usize,
    wrong: String,
}

impl ParseError {
    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The character of the line, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.wrong)
    }
}

impl std::error::Error for ParseError {}

impl Recorded {
    /// Reads a transcript file: [annotated](super::Print::file) or bare. The annotations are ignored.
    ///
    /// # Errors
    /// The text is no transcript file, or some of its bytes were left out.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { recorded: Recorded::default(), passed: [0; 2], event: None };
        let mut lines = text.lines().zip(1..);
        let first = lines.next().map_or("", |(line, _)| line.trim_end());
        first_line(first).map_err(|wrong| wrong.on(first, 1))?;
        for (line, number) in lines {
            parser.line(line.trim_end()).map_err(|wrong| wrong.on(line, number))?;
        }
        Ok(parser.recorded)
    }
}

impl FromStr for Recorded {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Recorded::parse(text)
    }
}

/// What is wrong with a line, at a byte of it.
struct Wrong {
    at: usize,
    what: String,
}

impl Wrong {
    fn new(at: usize, what: impl Into<String>) -> Self {
        Wrong { at, what: what.into() }
    }

    fn on(self, text: &str, line: usize) -> ParseError {
        let before = text.char_indices().take_while(|(at, _)| *at < self.at).count();
        ParseError { line, column: before + 1, wrong: self.what }
    }
}

fn first_line(line: &str) -> Result<(), Wrong> {
    if line == FIRST_LINE {
        return Ok(());
    }
    let name = FIRST_LINE.trim_end_matches('1');
    Err(match line.strip_prefix(name) {
        Some(version) => Wrong::new(
            name.len(),
            format!("version {} of the format is not known, expected 1; read it with a newer h2grpc", shown(version)),
        ),
        None => Wrong::new(
            0,
            format!(
                "expected \"{FIRST_LINE}\", found {}; this is no transcript file, or its first line is missing",
                shown(line)
            ),
        ),
    })
}

struct Parser {
    recorded: Recorded,
    /// How many bytes of each direction came so far.
    passed: [u64; 2],
    /// What the bytes that follow belong to.
    event: Option<(Direction, Duration)>,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), Wrong> {
        if let Some(bytes) = line.strip_prefix("    ") {
            return self.bytes(bytes, 4);
        }
        for direction in Direction::BOTH {
            if let Some(rest) = line.strip_prefix(direction.arrow()) {
                return self.event(direction, rest);
            }
        }
        match line.split_once(' ').unwrap_or((line, "")) {
            ("", "") => {}
            (comment, _) if comment.starts_with('#') => {}
            ("late", "") => self.recorded.late = true,
            ("missed", count) => self.recorded.missed = number(count, 7, "the number of bytes that were missed")?,
            _ => return Err(self.foreign(line)),
        }
        Ok(())
    }

    /// `-> [0.000123 +24] HEADERS ...`: of what follows the arrow, only time and offset matter.
    fn event(&mut self, direction: Direction, rest: &str) -> Result<(), Wrong> {
        let at = direction.arrow().len();
        if rest.trim_start().starts_with('…') {
            return Err(Wrong::new(at + 1, "messages were left out here; write the file with all of them"));
        }
        let last = self.event.map_or(Duration::ZERO, |(_, at)| at);
        let mut event = (direction, last);
        if let Some((told, _)) = rest.strip_prefix(" [").and_then(|rest| rest.split_once(']')) {
            let mut column = at + 2;
            for word in told.split(' ') {
                match word.strip_prefix('+') {
                    Some(offset) => self.offset(direction, offset, column + 1)?,
                    None => event.1 = time(word, column)?,
                }
                column += word.len() + 1;
            }
        }
        self.event = Some(event);
        Ok(())
    }

    fn offset(&self, direction: Direction, text: &str, at: usize) -> Result<(), Wrong> {
        let (told, passed) = (number(text, at, "an offset")?, self.passed[direction.index()]);
        if told != passed {
            let what = format!(
                "offset {told} says that so many bytes stand before this frame in its direction, but there are {passed}; \
                 put the missing lines back, or remove the offsets"
            );
            return Err(Wrong::new(at, what));
        }
        Ok(())
    }

    /// Pairs of hexadecimal digits with one space between them. Two spaces end them.
    fn bytes(&mut self, text: &str, column: usize) -> Result<(), Wrong> {
        let pairs = text.split("  ").next().unwrap_or_default();
        // An annotation without bytes, or bytes that were derived from others.
        if pairs.is_empty() || pairs.starts_with([' ', '|']) {
            return Ok(());
        }
        if pairs.starts_with('…') {
            return Err(Wrong::new(column, "bytes were left out here; write the file with all of them, secrets too"));
        }
        let Some((direction, at)) = self.event else {
            return Err(Wrong::new(column, "bytes of no direction; a line that begins with -> or <- must come first"));
        };
        let mut bytes = Vec::with_capacity(pairs.len() / 3 + 1);
        let mut column = column;
        for pair in pairs.split(' ') {
            bytes.push(byte(pair).ok_or_else(|| {
                let found = shown(pair);
                Wrong::new(
                    column,
                    format!("expected a byte as two hexadecimal digits, found {found}; two spaces end the bytes"),
                )
            })?);
            column += pair.len() + 1;
        }
        self.passed[direction.index()] += bytes.len() as u64;
        self.recorded.push_at(direction, at, &bytes);
        Ok(())
    }

    fn foreign(&self, line: &str) -> Wrong {
        let column = line.len() - line.trim_start().len();
        let what = if column > 0 {
            "bytes stand after exactly four spaces; write the file with columns of the full width"
        } else {
            "expected an arrow (-> or <-), four spaces and bytes, late, missed or a comment (#); correct or remove the line"
        };
        Wrong::new(column, what)
    }
}

/// Two hexadecimal digits.
fn byte(pair: &str) -> Option<u8> {
    let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
}

/// Decimal digits alone: no sign.
fn number(text: &str, at: usize, of: &str) -> Result<u64, Wrong> {
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| Wrong::new(at, format!("expected {of} in decimal digits, found {}; correct it", shown(text))))
}

/// Seconds with six digits after the point, which are microseconds.
fn time(text: &str, at: usize) -> Result<Duration, Wrong> {
    let parts = text.split_once('.').filter(|(_, micros)| micros.len() == 6);
    let Some((seconds, micros)) = parts else {
        let found = shown(text);
        return Err(Wrong::new(
            at,
            format!("expected a time in seconds such as 0.000123, found {found}; correct or remove it"),
        ));
    };
    let micros = number(micros, at + seconds.len() + 1, "microseconds")?;
    Ok(Duration::from_secs(number(seconds, at, "seconds")?) + Duration::from_micros(micros))
}

/// A text as part of an error: quoted, printable and short.
fn shown(text: &str) -> String {
    const MOST: usize = 24;
    let short: String = text.chars().take(MOST).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::super::record::Chunk;
    use super::*;

    const WHOLE: &str = "\
h2grpc transcript 1
# A comment, with    00 inside.
late
missed 12

-> [0.000123 +0] PING     stream 0  ACK  8 bytes
    00 00 08 06 01 00 00 00 00           frame header: length 8
                                         a word about no bytes
    | 61 62                              derived bytes
    00 01 02 03 04 05 06 07
<- [1.500000 +0]
    FF
-> [1.500000 +17]
    0a  text
";

    #[test]
    fn of_a_transcript_file_only_the_bytes_the_directions_and_the_times_count() {
        let chunk = |direction, micros, bytes: &[u8]| Chunk {
            direction,
            at: Duration::from_micros(micros),
            bytes: bytes.to_vec(),
        };
        let ping = [0, 0, 8, 6, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7];
        let expected = Recorded {
            chunks: vec![
                chunk(Direction::ToServer, 123, &ping),
                chunk(Direction::ToClient, 1_500_000, &[0xff]),
                chunk(Direction::ToServer, 1_500_000, &[0x0a]),
            ],
            missed: 12,
            late: true,
        };
        assert_eq!(Recorded::parse(WHOLE), Ok(expected.clone()));
        assert_eq!(WHOLE.replace('\n', "\r\n").parse(), Ok(expected));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_place_and_a_remedy() {
        for (lines, place, told) in [
            ("GET / HTTP/1.1", (1, 1), "is no transcript file"),
            ("", (1, 1), "found \"\""),
            ("h2grpc transcript 2", (1, 19), "version \"2\" of the format is not known, expected 1"),
            ("h2grpc transcript 1\n    00", (2, 5), "bytes of no direction; a line that begins with"),
            (
                "h2grpc transcript 1\n-> X\n    00 0g 01",
                (3, 8),
                "expected a byte as two hexadecimal digits, found \"0g\"",
            ),
            ("h2grpc transcript 1\n-> X\n    00 01 text", (3, 11), "two spaces end the bytes"),
            ("h2grpc transcript 1\n-> X\n    +1", (3, 5), "found \"+1\""),
            ("h2grpc transcript 1\n-> X\n  00 01", (3, 3), "exactly four spaces"),
            ("h2grpc transcript 1\n-> X\n    … 20 bytes, hidden", (3, 5), "bytes were left out here"),
            ("h2grpc transcript 1\n-> … 5 more messages", (2, 4), "messages were left out here"),
            ("h2grpc transcript 1\nsome text", (2, 1), "expected an arrow"),
            ("h2grpc transcript 1\nmissed many", (2, 8), "decimal digits, found \"many\""),
            ("h2grpc transcript 1\n-> [1.5] X", (2, 5), "expected a time in seconds such as 0.000123"),
            ("h2grpc transcript 1\n-> [0.000001 +9] X", (2, 15), "there are 0; put the missing lines back"),
            (
                "h2grpc transcript 1\n<- [18446744073709551615.000001 +x] X",
                (2, 34),
                "expected an offset in decimal digits",
            ),
        ] {
            let error = Recorded::parse(lines).unwrap_err();
            assert_eq!((error.line(), error.column()), place, "{lines}: {error}");
            assert!(error.to_string().contains(told), "{lines}: {error}");
        }
    }

    #[test]
    fn any_line_is_read_or_refused() {
        for line in
            ["->", "<-[", "-> []", "-> [+]", "-> [0.00000é]", "    é", "   é", "    0é", "missed", "late 1", "#"]
        {
            let _ = Recorded::parse(&format!("{FIRST_LINE}\n-> X\n{line}"));
        }
    }
}

//! A transcript as text: the bytes at the left, what they mean beside them, in as many columns as there are.

use std::fmt::{self, Write};
use std::{collections::BTreeMap, mem};

use super::columns::{Cell, Columns, wrapped};
use super::event::Event;
use super::file;
use super::grpc::is_secret;
use super::http2::header;
use super::protobuf::Types;
use super::record::Direction;
use super::rows::{Detail, Row, rows};
use super::story;
use super::text::{grouped, printable};
use super::transcript::Transcript;

/// What is printed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    /// How many messages of each direction of a call are shown; the others are counted.
    pub messages: usize,
    /// How many bytes of a single field are shown. Limit it where a peer is not trusted: one byte of a header block
    /// can stand for a value of 4 KiB.
    pub bytes: usize,
    /// Whether to colour the text by a terminal's escape sequences (ECMA-48, SGR).
    pub colors: bool,
    /// How wide a line may be. More than 110 columns are not used, and fewer than 70 are not enough.
    pub columns: usize,
    /// How far the bytes are taken apart.
    pub detail: Detail,
    /// Whether to tell when each frame passed.
    pub times: bool,
    /// Whether to tell how many bytes of its direction stand before each frame.
    pub offsets: bool,
    /// Whether to show credentials and cookies.
    pub secrets: bool,
    /// Whether to tell of each frame, in a sentence or two, what it is to its call.
    pub prose: bool,
    /// Whether to write a file that [can be read back](super::Recorded::parse): with a first line that tells the
    /// format's version, and with what else has to be known.
    pub file: bool,
}

impl Default for Print {
    /// Everything, without colours.
    fn default() -> Self {
        Self {
            messages: usize::MAX,
            bytes: usize::MAX,
            colors: false,
            columns: Columns::WIDE.width,
            detail: Detail::Fields,
            times: false,
            offsets: false,
            secrets: true,
            prose: false,
            file: false,
        }
    }
}

impl Print {
    /// A file that can be read back: each leaf on a line of its own, all bytes, no colours. Without `secrets` it is only
    /// for people: some bytes are hidden.
    pub fn file() -> Self {
        Self { detail: Detail::Leaves, file: true, ..Self::default() }
    }
}

impl Transcript {
    /// Writes the frames of one call in order; of stream 0, those of the connection itself.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_call(&self, stream: u32, print: &Print, out: &mut dyn Write) -> fmt::Result {
        let events = self.events.iter().filter(|event| event.stream() == stream);
        self.write_events(events, print, out)
    }

    /// Writes every frame of the connection, in order.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, print: &Print, out: &mut dyn Write) -> fmt::Result {
        if print.file {
            file::head(self.late, self.missed, out)?;
        }
        self.write_events(self.events.iter(), print, out)?;
        match self.missed {
            0 => Ok(()),
            _ if print.file => Ok(()),
            missed => writeln!(out, "The recording reached its limit here; {} bytes followed.", grouped(missed)),
        }
    }

    fn write_events<'a>(
        &'a self, events: impl Iterator<Item = &'a Event>, print: &Print, out: &mut dyn Write,
    ) -> fmt::Result {
        let mut left_out: BTreeMap<(u32, Direction), LeftOut> = BTreeMap::new();
        for event in events {
            let left = left_out.entry((event.stream(), event.direction)).or_default();
            let beyond = |number: usize| number > print.messages;
            let hidden = event.pieces.iter().filter(|piece| beyond(piece.number));
            if !event.pieces.is_empty() && event.pieces.iter().all(|piece| beyond(piece.number)) {
                left.frames += 1;
                left.end |= event.frame.has("END_STREAM");
            } else {
                print.left_out(event.direction, mem::take(left), out)?;
                print.title(event, out)?;
                let tree = event.tree(&self.types);
                if print.prose {
                    print.prose(&story::of(event, &tree).prose, out)?;
                }
                let rows = rows(&tree, print.detail);
                let shown = rows.iter().filter(|row| !row.message.is_some_and(beyond));
                shown.into_iter().try_for_each(|row| print.row(row, out))?;
            }
            for piece in hidden {
                left.messages += usize::from(piece.message.is_some());
                left.bytes += piece.at.len();
            }
        }
        left_out.into_iter().try_for_each(|((_, direction), left_out)| print.left_out(direction, left_out, out))
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&Print::default(), out)
    }
}

/// What was left out since the last line of this direction of a call.
#[derive(Default)]
struct LeftOut {
    messages: usize,
    bytes: usize,
    frames: usize,
    end: bool,
}

impl Print {
    fn left_out(&self, direction: Direction, left_out: LeftOut, out: &mut dyn Write) -> fmt::Result {
        let LeftOut { messages, bytes, frames, end } = left_out;
        if bytes == 0 && frames == 0 {
            return Ok(());
        }
        let end = if end { ", END_STREAM" } else { "" };
        let (messages, bytes, frames) = (grouped(messages), grouped(bytes), grouped(frames));
        let text = format!("… {messages} more messages, {bytes} bytes, {frames} more DATA frames{end}");
        self.arrow(direction, &text, out)
    }

    /// Writes one frame of a connection.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_event(&self, event: &Event, types: &Types, out: &mut dyn Write) -> fmt::Result {
        self.title(event, out)?;
        rows(&event.tree(types), self.detail).iter().try_for_each(|row| self.row(row, out))
    }

    /// Writes a line that begins with its direction, in the direction's colour.
    fn arrow(&self, direction: Direction, text: &str, out: &mut dyn Write) -> fmt::Result {
        let color = ["\x1b[1;34m", "\x1b[1;32m"][direction.index()];
        writeln!(out, "{}", self.color(color, format!("{} {text}", direction.arrow()).trim_end()))
    }

    fn color(&self, color: &'static str, text: &str) -> String {
        if self.colors && !color.is_empty() && !text.is_empty() { format!("{color}{text}\x1b[0m") } else { text.into() }
    }

    fn title(&self, event: &Event, out: &mut dyn Write) -> fmt::Result {
        let Event { frame, .. } = event;
        let stream = frame.kind().map_or(String::new(), |_| format!("stream {}  ", frame.stream()));
        let mut title = self.when(event) + &format!("{:<8} {stream}", frame.name());
        frame.flags().for_each(|flag| title += &format!("{flag}  "));
        title += &format!("{} bytes", grouped(frame.bytes.len() - frame.kind().map_or(0, |_| header::LENGTH)));
        let Columns { text, note, .. } = Columns::within(self.columns);
        let width = text + note - "->  ".len() - 2;
        self.arrow(event.direction, &format!("{title:<width$}  {}", event.title()), out)
    }

    /// Writes sentences in as many lines as they take.
    fn prose(&self, text: &str, out: &mut dyn Write) -> fmt::Result {
        const INDENT: &str = "   ";
        let width = Columns::within(self.columns).width - INDENT.len();
        let letters: Vec<Cell> = printable(text.as_bytes()).chars().map(|letter| (letter, "")).collect();
        for row in wrapped(&letters, width) {
            let row: String = row.iter().map(|(letter, _)| *letter).collect();
            writeln!(out, "{INDENT}{}", row.trim_end())?;
        }
        Ok(())
    }

    /// When a frame passed, and how many bytes stand before it: `[0.000123 +24] `.
    fn when(&self, event: &Event) -> String {
        let time = self.times.then(|| file::seconds(event.at));
        let offset = self.offsets.then(|| format!("+{}", event.start));
        let told: Vec<String> = time.into_iter().chain(offset).collect();
        if told.is_empty() { String::new() } else { format!("[{}] ", told.join(" ")) }
    }

    fn row(&self, row: &Row, out: &mut dyn Write) -> fmt::Result {
        let secret = !self.secrets && is_secret(row.name.as_bytes());
        let most = if secret { 0 } else { self.bytes };
        let shown = &row.bytes[..most.min(row.bytes.len())];
        let Columns { indent, row_bytes, text, .. } = Columns::within(self.columns);
        let mut rows: Vec<String> = shown.chunks(row_bytes - usize::from(row.derived)).map(file::pairs).collect();
        if secret && !row.bytes.is_empty() {
            rows.push(format!("… {} bytes, hidden", grouped(row.bytes.len())));
        } else if shown.len() < row.bytes.len() {
            rows.push(format!("… {} more bytes", grouped(row.bytes.len() - shown.len())));
        }
        // What is not on the wire is marked, so that a reader of the text does not take it for bytes of the wire.
        if row.derived {
            rows.resize(rows.len().max(1), String::new());
            rows.iter_mut().for_each(|row| row.insert_str(0, "| "));
        }
        let meaning = self.meaning(row, secret);
        for at in 0..rows.len().max(meaning.len()) {
            let row = rows.get(at).map_or("", String::as_str);
            let gap = text.saturating_sub(indent + row.chars().count());
            let meaning = meaning.get(at).map_or("", String::as_str);
            let line = format!("{:indent$}{}{:gap$}{meaning}", "", self.color(BYTES, row), "");
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// `name: value  note` in as many rows as it takes.
    fn meaning(&self, row: &Row, secret: bool) -> Vec<String> {
        let value = match secret {
            true => "(hidden)".to_owned(),
            false => printable(&row.value[..self.bytes.min(row.value.len())]),
        };
        let colon = if value.is_empty() { "" } else { ": " };
        let more = if !secret && row.value.len() > self.bytes { "…" } else { "" };
        let mut text = vec![(' ', ""); (2 * row.depth).min(24)];
        for (color, piece) in [(NAME, &printable(row.name.as_bytes())[..]), ("", colon), (VALUE, &value), ("", more)] {
            text.extend(piece.chars().map(|c| (c, color)));
        }
        let columns = Columns::within(self.columns);
        let limit = columns.width - columns.text;
        let mut rows = wrapped(&text, limit);
        let note: Vec<Cell> = row.note.chars().map(|c| (c, FAINT)).collect();
        let beside = rows.last().map_or(0, |row| row.len() + 2).max(columns.note);
        match rows.last_mut() {
            _ if note.is_empty() => {}
            Some(row) if beside + note.len() <= limit => {
                row.resize(beside, (' ', ""));
                row.extend(note);
            }
            _ => {
                let below = columns.note.min(limit.saturating_sub(note.len()));
                rows.extend(wrapped(&note, limit).into_iter().map(|row| [vec![(' ', ""); below], row].concat()));
            }
        }
        let run = |run: &[Cell]| self.color(run[0].1, &run.iter().map(|cell| cell.0).collect::<String>());
        rows.iter().map(|row| row.chunk_by(|a, b| a.1 == b.1).map(run).collect()).collect()
    }
}

const BYTES: &str = "\x1b[33m";
const NAME: &str = "\x1b[36m";
const VALUE: &str = "\x1b[1m";
const FAINT: &str = "\x1b[2m";

#[cfg(test)]
mod tests {
    use super::super::fixtures::{frame, hex, record, request_head, route_guide};
    use super::super::record::Direction::*;
    use super::*;

    fn call() -> Transcript {
        // Settings: MAX_CONCURRENT_STREAMS 100. Request: flag, length 17, Point { latitude, longitude }.
        let settings = frame(4, 0, 0, &hex("0003 00000064"));
        let request = frame(0, 1, 1, &hex("00 00000011 08 9aa68cc301 10 969f989cfdffffffff01"));
        // Response head: 88 is :status 200; 5f 8b and a Huffman-coded application/grpc.
        let response_head = frame(1, 4, 1, &hex("88 5f 8b 1d75d0620d263d4c4d6564"));
        // Feature: 0a 04 "Here", 12 02 and a Point inside.
        let answer = frame(0, 0, 1, &hex("00 0000000a 0a 04 48657265 12 02 08 05"));
        // Trailers: 40, a new name of 11 octets "grpc-status", a value of 1 octet.
        let trailers = frame(1, 5, 1, &[&[0x40, 11][..], b"grpc-status", &[1, b'0']].concat());
        let recorded = record(&[
            (ToClient, settings),
            (ToServer, request_head()),
            (ToServer, request),
            (ToClient, response_head),
            (ToClient, answer),
            (ToClient, trailers),
        ]);
        Transcript::read(&recorded, &route_guide())
    }

    const GET_FEATURE: &str = r#"-> PREFACE  24 bytes
    50 52 49 20 2a 20 48 54 54 50 2f 32  preface: PRI * HTTP/2.0 ... SM  the client speaks HTTP/2
    2e 30 0d 0a 0d 0a 53 4d 0d 0a 0d 0a
<- SETTINGS stream 0  6 bytes
    00 00 06 04 00 00 00 00 00           frame header: length 6, type 4, flags 0x00, stream 0
    00 03 00 00 00 64                    MAX_CONCURRENT_STREAMS: 100     setting 3
-> HEADERS  stream 1  END_HEADERS  44 bytes                             request head
    00 00 2c 01 04 00 00 00 01           frame header: length 44, type 1, flags 0x04, stream 1
    83                                   :method: POST                   indexed 3 of the static table
    86                                   :scheme: http                   indexed 6 of the static table
    44 16 2f 52 6f 75 74 65 47 75 69 64  :path: /RouteGuide/GetFeature   literal, added; name 4
    65 2f 47 65 74 46 65 61 74 75 72 65
    5f 10 61 70 70 6c 69 63 61 74 69 6f  content-type: application/grpc  literal, added; name 31
    6e 2f 67 72 70 63
-> DATA     stream 1  END_STREAM  22 bytes                              message 1
    00 00 16 00 01 00 00 00 01           frame header: length 22, type 0, flags 0x01, stream 1
    00                                   compressed: no                  flag
    00 00 00 11                          message length: 17              routeguide.Point
    08 9a a6 8c c3 01                    1 latitude: 409146138           VARINT int32
    10 96 9f 98 9c fd ff ff ff ff 01     2 longitude: -746188906         VARINT int32, negative: 10 bytes
<- HEADERS  stream 1  END_HEADERS  14 bytes                             response head
    00 00 0e 01 04 00 00 00 01           frame header: length 14, type 1, flags 0x04, stream 1
    88                                   :status: 200                    indexed 8 of the static table
    5f 8b 1d 75 d0 62 0d 26 3d 4c 4d 65  content-type: application/grpc  literal, added; name 31; Huffman
    64
<- DATA     stream 1  15 bytes                                          message 1
    00 00 0f 00 00 00 00 00 01           frame header: length 15, type 0, flags 0x00, stream 1
    00                                   compressed: no                  flag
    00 00 00 0a                          message length: 10              routeguide.Feature
    0a 04 48 65 72 65                    1 name: "Here"                  LEN string, 4 bytes
    12 02                                2 location: routeguide.Point    LEN message, 2 bytes
    08 05                                  1 latitude: 5                 VARINT int32
<- HEADERS  stream 1  END_STREAM  END_HEADERS  15 bytes                 trailers
    00 00 0f 01 05 00 00 00 01           frame header: length 15, type 1, flags 0x05, stream 1
    40 0b 67 72 70 63 2d 73 74 61 74 75  grpc-status: 0                  OK; literal, added; new name
    73 01 30
"#;

    #[test]
    fn a_call_is_printed_byte_by_byte() {
        assert_eq!(call().to_string(), GET_FEATURE);
    }

    #[test]
    fn a_call_of_many_messages_is_cut_short() {
        let point = hex("00 00000004 08 01 10 02");
        let recorded = record(&[
            (ToServer, request_head()),
            (ToServer, frame(0, 0, 1, &point.repeat(3))),
            (ToServer, frame(0, 0, 1, &point.repeat(150))),
            (ToServer, frame(0, 1, 1, &point.repeat(400))),
        ]);
        let transcript = Transcript::read(&recorded, &route_guide());
        let mut text = String::new();
        transcript.write_call(1, &Print { messages: 2, ..Print::default() }, &mut text).unwrap();
        let (shown, left_out) = text.split_once("-> … ").unwrap();
        assert_eq!(left_out, "551 more messages, 4,959 bytes, 2 more DATA frames, END_STREAM\n");
        assert_eq!(shown.matches("routeguide.Point").count(), 2, "{shown}");
        assert_eq!(shown.matches("-> DATA").count(), 1, "{shown}");
    }

    const LONG: &str = "    78 78 78 78 78 78 78 78 78 78 78 78  1 name: xxxxxxxxxxxxxx…         LEN string, 100 bytes
    78 78
    … 86 more bytes
    78 78 78 78 78 78 78 78 78 78 78 78  1 name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    78 78 78 78 78 78 78 78 78 78 78 78  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  LEN string, 100 bytes
    78 78 78 78 78 78 78 78 78 78 78 78
    78 78 78 78 78 78 78 78 78 78 78 78
    78 78 78 78 78 78 78 78 78 78 78 78
    78 78 78 78 78 78 78 78 78 78 78 78
    78 78 78 78 78 78 78 78 78 78 78 78
    78 78 78 78 78 78 78 78 78 78 78 78
    78 78 78 78
    \x1b[33m78\x1b[0m                                   \
    \x1b[36m1 name\x1b[0m: \x1b[1mx\x1b[0m…                      \x1b[2mLEN string, 100 bytes\x1b[0m
    \x1b[33m… 99 more bytes\x1b[0m
";

    #[test]
    fn long_fields_are_cut_short_and_long_texts_wrapped() {
        let part = Row {
            bytes: vec![b'x'; 100].into(),
            derived: false,
            depth: 0,
            name: "1 name".into(),
            value: vec![b'x'; 100].into(),
            note: "LEN string, 100 bytes".into(),
            message: None,
        };
        let mut text = String::new();
        Print { bytes: 14, ..Print::default() }.row(&part, &mut text).unwrap();
        Print::default().row(&part, &mut text).unwrap();
        Print { colors: true, bytes: 1, ..Print::default() }.row(&part, &mut text).unwrap();
        assert_eq!(text, LONG);
    }

    #[test]
    fn lines_fit_into_the_columns_that_there_are() {
        let transcript = call();
        for columns in [70, 80, 100, 109, 110, 500] {
            let mut text = String::new();
            transcript.write(&Print { columns, ..Print::default() }, &mut text).unwrap();
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= columns.min(110), "{widest} columns of {columns}:\n{text}");
            // Narrow or wide, the same is told.
            let told =
                |text: &str| text.split_whitespace().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
            assert_eq!(told(&text), told(GET_FEATURE));
        }
    }

    const NARROW: &str = "\
-> HEADERS  stream 1  END_HEADERS  44 bytes   request head
  00 00 2c 01 04 00 00 00  frame header: length 44, type 1, flags 0x04, stream 1
  01
  83                       :method: POST       indexed 3 of the static table
  86                       :scheme: http       indexed 6 of the static table
  44 16 2f 52 6f 75 74 65  :path: /RouteGuide/GetFeature  literal, added; name 4
  47 75 69 64 65 2f 47 65
  74 46 65 61 74 75 72 65
  5f 10 61 70 70 6c 69 63  content-type: application/grpc
  61 74 69 6f 6e 2f 67 72                      literal, added; name 31
  70 63
";

    #[test]
    fn a_narrow_terminal_has_shorter_rows_of_bytes_and_notes_below() {
        let transcript = Transcript::read(&record(&[(ToServer, request_head())]), &route_guide());
        let mut text = String::new();
        transcript.write_call(1, &Print { columns: 80, ..Print::default() }, &mut text).unwrap();
        assert_eq!(text, NARROW);
    }
}

//! A transcript as text: the bytes at the left, what they mean beside them, at most 110 columns.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    iter::repeat_n,
};

use super::{Direction, Event, Part, Transcript};

/// What is printed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    /// How many messages of each direction of a call are shown; the others are counted.
    pub messages: usize,
    /// How many bytes of a single field are shown.
    pub bytes: usize,
    /// The colours.
    pub style: Style,
}

impl Default for Print {
    /// Everything, without colours.
    fn default() -> Self {
        Self { messages: usize::MAX, bytes: usize::MAX, style: Style::PLAIN }
    }
}

/// What to write before a piece of text to colour it, and after it to end that. Whether there should be colours at
/// all is for the caller to decide.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the fields say which piece of the text they colour")]
pub struct Style {
    pub to_server: &'static str,
    pub to_client: &'static str,
    pub bytes: &'static str,
    pub name: &'static str,
    pub value: &'static str,
    pub note: &'static str,
    pub reset: &'static str,
}

impl Style {
    /// No colours.
    pub const PLAIN: Self = Self { to_server: "", to_client: "", bytes: "", name: "", value: "", note: "", reset: "" };
    /// The colours of a terminal by its escape sequences (ECMA-48, SGR).
    pub const ANSI: Self = Self {
        to_server: "\x1b[1;34m",
        to_client: "\x1b[1;32m",
        bytes: "\x1b[33m",
        name: "\x1b[36m",
        value: "\x1b[1m",
        note: "\x1b[2m",
        reset: "\x1b[0m",
    };
}

impl Transcript {
    /// Writes the frames of one call in order; of stream 0, those of the connection itself.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_call(&self, stream: u32, print: &Print, out: &mut dyn Write) -> fmt::Result {
        print.events(self.events.iter().filter(|event| event.frame.stream() == stream), out)
    }

    /// Writes every frame of the connection, in order.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, print: &Print, out: &mut dyn Write) -> fmt::Result {
        print.events(self.events.iter(), out)?;
        match self.missed {
            0 => Ok(()),
            missed => writeln!(out, "The recording reached its limit here; {} bytes followed.", grouped(missed)),
        }
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
    latest: usize,
    messages: u64,
    bytes: u64,
    frames: u64,
    end_stream: bool,
}

impl Print {
    fn events<'a>(&self, events: impl Iterator<Item = &'a Event>, out: &mut dyn Write) -> fmt::Result {
        let mut left_out: BTreeMap<(u32, Direction), LeftOut> = BTreeMap::new();
        for event in events {
            let left_out = left_out.entry((event.frame.stream(), event.direction)).or_default();
            let (hidden, shown): (Vec<_>, Vec<_>) =
                event.parts.iter().partition(|part| part.message > Some(self.messages));
            let all = !hidden.is_empty() && shown.iter().all(|part| part.message.is_none());
            if !all {
                self.left_out(event.direction, left_out, out)?;
                self.title(event, out)?;
                shown.into_iter().try_for_each(|part| self.part(part, out))?;
            }
            left_out.frames += u64::from(all);
            left_out.end_stream |= all && event.frame.has("END_STREAM");
            for part in hidden {
                left_out.bytes += part.bytes.len() as u64;
                left_out.messages += u64::from(part.message > Some(left_out.latest));
                left_out.latest = part.message.unwrap_or_default();
            }
        }
        left_out.iter_mut().try_for_each(|((_, direction), left_out)| self.left_out(*direction, left_out, out))
    }

    fn left_out(&self, direction: Direction, left_out: &mut LeftOut, out: &mut dyn Write) -> fmt::Result {
        let LeftOut { latest, messages, bytes, frames, end_stream } = std::mem::take(left_out);
        left_out.latest = latest;
        if bytes == 0 {
            return Ok(());
        }
        let (arrow, color) = self.arrow(direction);
        let [messages, bytes, frames] = [messages, bytes, frames].map(grouped);
        let end = if end_stream { ", END_STREAM" } else { "" };
        let reset = self.style.reset;
        writeln!(out, "{color}{arrow}{reset} … {messages} more messages, {bytes} bytes, {frames} more DATA frames{end}")
    }

    fn arrow(&self, direction: Direction) -> (&'static str, &'static str) {
        match direction {
            Direction::ToServer => ("->", self.style.to_server),
            Direction::ToClient => ("<-", self.style.to_client),
        }
    }

    fn title(&self, event: &Event, out: &mut dyn Write) -> fmt::Result {
        let (arrow, color) = self.arrow(event.direction);
        let Event { frame, role, .. } = event;
        let mut title = format!("{arrow} {:<8} ", frame.name());
        if frame.kind().is_some() {
            title += &format!("stream {}  ", frame.stream());
        }
        frame.flags().for_each(|flag| title += &format!("{flag}  "));
        let payload = frame.bytes.len() - frame.kind().map_or(0, |_| 9);
        title += &format!("{} {}", grouped(payload as u64), if payload == 1 { "byte" } else { "bytes" });
        let gap = if role.is_empty() { 0 } else { NOTE.saturating_sub(title.chars().count()).max(2) };
        writeln!(out, "{color}{title}{:gap$}{role}{}", "", self.style.reset)
    }

    fn part(&self, part: &Part, out: &mut dyn Write) -> fmt::Result {
        let shown = &part.bytes[..self.bytes.min(part.bytes.len())];
        let mut rows: Vec<String> = shown
            .chunks(BYTES_IN_ROW)
            .map(|row| row.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "))
            .collect();
        if shown.len() < part.bytes.len() {
            rows.push(format!("… {} more bytes", grouped((part.bytes.len() - shown.len()) as u64)));
        }
        let meaning = self.meaning(part);
        for at in 0..rows.len().max(meaning.len()) {
            let row = rows.get(at).map_or("", String::as_str);
            write!(out, "    {}{row}{}", self.style.bytes, self.style.reset)?;
            if let Some(text) = meaning.get(at) {
                write!(out, "{:gap$}{text}", "", gap = TEXT - 4 - row.chars().count())?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// `name: value  note` in as many rows as it takes.
    fn meaning(&self, part: &Part) -> Vec<String> {
        let Style { name, value, note, reset, .. } = self.style;
        let indent = (2 * part.depth).min(24);
        let mut text = Column { rows: vec![" ".repeat(indent)], width: indent, indent: indent + 2, reset };
        text.push(name, &printable(&part.name));
        if !part.value.is_empty() {
            let shown = printable(&part.value[..self.bytes.min(part.value.len())]);
            text.push("", ": ");
            text.push(value, &shown);
            text.push("", if part.value.len() > self.bytes { "…" } else { "" });
        }
        let length = part.note.chars().count();
        let column = (text.width + 2).max(NOTE - TEXT);
        match column + length {
            _ if length == 0 => {}
            ..=LIMIT => text.pad(column),
            _ => {
                text.row();
                text.pad((NOTE - TEXT).min(LIMIT.saturating_sub(length)).max(text.indent));
            }
        }
        text.push(note, &part.note);
        text.rows
    }
}

const BYTES_IN_ROW: usize = 12;
/// The columns where the meaning and the note start, and how wide both together may be, up to column 110.
const TEXT: usize = 41;
const NOTE: usize = 73;
const LIMIT: usize = 110 - TEXT;

/// Text in rows of limited width. Colours take no room, and end with their row.
struct Column {
    rows: Vec<String>,
    width: usize,
    indent: usize,
    reset: &'static str,
}

impl Column {
    fn push(&mut self, color: &str, mut text: &str) {
        while !text.is_empty() {
            if self.width == LIMIT {
                self.row();
            }
            let end = text.char_indices().nth(LIMIT - self.width).map_or(text.len(), |(end, _)| end);
            let reset = if color.is_empty() { "" } else { self.reset };
            self.add(&format!("{color}{}{reset}", &text[..end]));
            self.width += text[..end].chars().count();
            text = &text[end..];
        }
    }

    fn pad(&mut self, column: usize) {
        self.add(&" ".repeat(column.saturating_sub(self.width)));
        self.width = self.width.max(column);
    }

    fn row(&mut self) {
        self.rows.push(" ".repeat(self.indent));
        self.width = self.indent;
    }

    fn add(&mut self, text: &str) {
        self.rows.last_mut().into_iter().for_each(|row| row.push_str(text));
    }
}

/// Text as it is; anything that would not show as itself on a terminal is escaped.
fn printable(bytes: &[u8]) -> String {
    let plain = |c: char| matches!(c, '"' | '\'' | '\\') || c.escape_debug().count() == 1;
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(plain) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}

/// 4212 as 4,212.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let place = |at: usize| at > 0 && (digits.len() - at) % 3 == 0;
    digits.char_indices().flat_map(|(at, digit)| repeat_n(',', place(at).into()).chain([digit])).collect()
}

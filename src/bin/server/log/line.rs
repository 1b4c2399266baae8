//! One line of the log, for people or as JSON. Whatever is in it, it is short and cannot control a terminal: much of it
//! comes from peers.

use std::fmt::{self, Write};

use clap::ValueEnum;
use h2grpc::route_guide::program::printable;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// How many characters of a message or a field are logged.
const MAX_CHARS: usize = 300;

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// What a line says.
pub struct Line {
    pub level: Level,
    pub target: &'static str,
    pub message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Line {
    /// A line without fields.
    pub fn new(level: Level, target: &'static str, message: String) -> Self {
        Line { level, target, message, fields: Vec::new() }
    }

    /// The line of an event.
    pub fn of(event: &Event<'_>, format: Format) -> Self {
        let metadata = event.metadata();
        let mut fields = Fields { line: Line::new(*metadata.level(), metadata.target(), String::new()), format };
        event.record(&mut fields);
        fields.line
    }

    /// With the time and a line break, as `format` says.
    pub fn written(&self, format: Format, colours: bool) -> String {
        let mut time = String::new();
        // A system whose clock cannot be read logs without the time.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        match format {
            Format::Text => self.text(&time, colours),
            Format::Json => self.json(time),
        }
    }

    fn text(&self, time: &str, colours: bool) -> String {
        let Line { level, target, message, fields } = self;
        let colour = match *level {
            Level::ERROR => "31",
            Level::WARN => "33",
            Level::INFO => "32",
            Level::DEBUG => "34",
            Level::TRACE => "35",
        };
        let mut line = match colours {
            true => format!("\x1b[2m{time}\x1b[0m \x1b[{colour}m{level:>5}\x1b[0m \x1b[2m{target}:\x1b[0m {message}"),
            false => format!("{time} {level:>5} {target}: {message}"),
        };
        for (name, value) in fields {
            line += &match value {
                Value::String(text) => format!(" {name}={text}"),
                other => format!(" {name}={other}"),
            };
        }
        line.push('\n');
        line
    }

    fn json(&self, time: String) -> String {
        let Line { level, target, message, fields } = self;
        let mut line = format!(r#"{{"timestamp":{},"level":"{level}""#, Value::from(time));
        line += &format!(r#","message":{}"#, Value::from(message.as_str()));
        fields.iter().for_each(|(name, value)| line += &format!(",{}:{value}", Value::from(*name)));
        line += &format!(r#","target":{}}}"#, Value::from(*target));
        line.push('\n');
        line
    }
}

/// Gathers the fields of an event.
struct Fields {
    line: Line,
    format: Format,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.line.message = text,
            (name, value) => self.line.fields.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, short(format_args!("{value:?}")).into());
    }

    /// A text stands in quotes, except in a message.
    fn record_str(&mut self, field: &Field, value: &str) {
        let quoted = self.format == Format::Text && field.name() != "message";
        let text = if quoted { short(format_args!("{value:?}")) } else { short(format_args!("{value}")) };
        self.add(field, text.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
}

/// The first characters of a text, on one line and escaped. What is cut off is not even formatted.
fn short(text: fmt::Arguments<'_>) -> String {
    let mut beginning = Beginning { text: String::new(), room: MAX_CHARS };
    let is_whole = write!(beginning, "{text}").is_ok();
    let end = if is_whole { "" } else { ".." };
    printable(&beginning.text).into_owned() + end
}

/// Takes text, and fails once it has enough.
struct Beginning {
    text: String,
    room: usize,
}

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(char);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_and_what_is_cut_off_is_marked() {
        let whole = "\u{e9}".repeat(MAX_CHARS);
        assert_eq!(short(format_args!("{whole}")), whole);
        assert_eq!(short(format_args!("{whole}more")), format!("{whole}.."));
    }

    #[test]
    fn a_text_is_on_one_line_and_escaped() {
        assert_eq!(short(format_args!("a\r\n\u{1b}[2J\u{202e}b")), "a\\r\\n\\u{1b}[2J\\u{202e}b");
    }

    #[test]
    fn a_line_is_text_or_json() {
        let mut line = Line::new(Level::WARN, "server", "it says \"no\"".to_owned());
        line.fields = vec![("peer", "127.0.0.1:1".into()), ("sent", 5.into())];
        assert_eq!(line.text("now", false), "now  WARN server: it says \"no\" peer=127.0.0.1:1 sent=5\n");
        let json = r#"{"timestamp":"now","level":"WARN","message":"it says \"no\"","peer":"127.0.0.1:1","sent":5,"target":"server"}"#;
        assert_eq!(line.json("now".to_owned()), format!("{json}\n"));
        assert!(line.text("now", true).contains("\u{1b}[33m WARN\u{1b}[0m"));
    }
}

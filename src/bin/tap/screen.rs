//! What is printed: lines of text or of JSON, of the calls that the filter lets through.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use h2grpc::route_guide::program::{Stdout, columns};
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Direction, Event, Happened, Print, Told, grouped};
use serde_json::{Map, Value as Json, json};

use super::filter::{Clause, Decision};
use super::options::Shown;

/// Standard output.
pub struct Screen {
    out: io::BufWriter<Stdout>,
    json: bool,
    bytes: bool,
    colors: bool,
    /// How long a line may be.
    limit: usize,
    print: Print,
    secrets: bool,
    filter: Vec<Clause>,
    /// The calls of which the filter has to be asked, by connection and stream.
    calls: BTreeMap<(u64, u32), Call>,
    /// How many bytes of lines wait for the filter.
    held: usize,
}

/// The lines of a call that wait for the filter's decision.
struct Call {
    decision: Decision,
    lines: Vec<String>,
    dropped: u64,
}

/// A line is cut here where no terminal says how wide it may be.
const LONGEST: usize = 4096;

/// What stands before the second row of a line that is too long, as wide as the time and the place.
const INDENT: &str = "                 ";

/// So many bytes of lines may wait for the filter: of one call, and of all.
const HELD_OF_CALL: usize = 256 * 1024;
const HELD: usize = 32 * 1024 * 1024;

/// So many calls may wait for the filter; the oldest beyond are forgotten.
const CALLS: usize = 10_000;

impl Screen {
    pub fn new(shown: &Shown) -> Self {
        let colors = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        let columns = columns();
        let print = Print {
            bytes: 1024,
            colors,
            columns: columns.unwrap_or(Print::default().columns),
            times: true,
            offsets: true,
            secrets: shown.show_secrets,
            ..Print::default()
        };
        Screen {
            out: io::BufWriter::new(Stdout::new()),
            json: shown.json,
            bytes: shown.bytes,
            colors,
            limit: columns.unwrap_or(LONGEST).max(40),
            print,
            secrets: shown.show_secrets,
            filter: shown.filter.clone(),
            calls: BTreeMap::new(),
            held: 0,
        }
    }

    /// Passes on what was printed.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Shows a frame and what happened with it, but for the end of a call.
    pub fn event(&mut self, connection: u64, event: &Event, types: &Types) -> io::Result<()> {
        let told = event.told(types, self.secrets).into_iter();
        told.filter(|told| !told.is_end()).try_for_each(|told| self.told(connection, &told))?;
        // Frames of the connection belong to no call, and so to none that was asked for.
        if self.bytes && (self.filter.is_empty() || event.stream() > 0) {
            let text = if self.json { object(connection, event.json(types)) } else { self.frame(event, types) };
            self.line(connection, event.stream(), text)?;
        }
        Ok(())
    }

    /// Shows the end of a call, if a frame is one.
    pub fn end(&mut self, connection: u64, event: &Event) -> io::Result<()> {
        event.ended.iter().try_for_each(|call| self.told(connection, &Told::end(event.at, call)))
    }

    /// Shows something that happened.
    pub fn told(&mut self, connection: u64, told: &Told) -> io::Result<()> {
        let key = (connection, told.stream);
        if told.stream > 0 && !self.filter.is_empty() {
            if matches!(told.what, Happened::Call { .. }) {
                self.forget(key);
            }
            let filter = &self.filter;
            let call = self.calls.entry(key).or_insert_with(|| Call::new(filter));
            call.decision.hear(filter, connection, told);
        }
        if self.json {
            self.line(connection, told.stream, object(connection, told.json()))?;
        } else if told.is_notable() {
            let head = head(told.at, connection, told.stream);
            let text = told.line(self.limit.saturating_sub(head.len() + 1));
            let text = self.colored(told, &text);
            self.line(connection, told.stream, format!("{head} {text}\n"))?;
        }
        if matches!(told.what, Happened::End(_)) {
            self.forget(key);
        }
        Ok(())
    }

    /// Shows something about a connection as a whole, or about the stream of a call: `event` names it for programs.
    pub fn note(&mut self, at: Duration, place: (u64, u32), event: &str, text: &str, more: Json) -> io::Result<()> {
        let (connection, stream) = place;
        if stream == 0 && !self.filter.is_empty() && ["opened", "closed", "remark"].contains(&event) {
            return Ok(());
        }
        let line = if self.json {
            let mut object = Map::from_iter([("event".to_owned(), Json::from(event))]);
            object.insert("time".to_owned(), json!(at.as_micros() as f64 / 1e6));
            object.insert("text".to_owned(), text.into());
            if stream > 0 {
                object.insert("stream".to_owned(), stream.into());
            }
            if let Json::Object(more) = more {
                object.extend(more);
            }
            self::object(connection, object)
        } else {
            let text = format!("{} {text}", head(at, connection, stream));
            let rows = textwrap::wrap(&text, textwrap::Options::new(self.limit).subsequent_indent(INDENT));
            let color = |row: &str| if self.colors { format!("\x1b[33m{row}\x1b[0m\n") } else { format!("{row}\n") };
            rows.iter().map(|row| color(row)).collect()
        };
        self.line(connection, stream, line)
    }

    /// A connection is gone: nothing of it waits any more.
    pub fn closed(&mut self, connection: u64) {
        let calls: Vec<_> = self.calls.range((connection, 0)..=(connection, u32::MAX)).map(|(key, _)| *key).collect();
        calls.into_iter().for_each(|key| self.forget(key));
    }

    fn frame(&self, event: &Event, types: &Types) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.print.write_event(event, types, &mut text);
        text
    }

    /// Prints a line if the filter lets its call through, or keeps it until that is known.
    fn line(&mut self, connection: u64, stream: u32, text: String) -> io::Result<()> {
        let key = (connection, stream);
        let Some(call) = self.calls.get_mut(&key).filter(|_| stream > 0 && !self.filter.is_empty()) else {
            let is_shown = self.filter.is_empty() || stream == 0;
            return if is_shown { self.out.write_all(text.as_bytes()) } else { Ok(()) };
        };
        match call.decision.is_shown() {
            Some(true) => {
                let lines = std::mem::take(&mut call.lines);
                let dropped = std::mem::take(&mut call.dropped);
                self.held -= lines.iter().map(String::len).sum::<usize>();
                lines.iter().try_for_each(|line| self.out.write_all(line.as_bytes()))?;
                if dropped > 0 && !self.json {
                    writeln!(self.out, "{:>12} … {} lines of this call were not kept", "", grouped(dropped))?;
                }
                self.out.write_all(text.as_bytes())
            }
            Some(false) => {
                self.held -= call.lines.drain(..).map(|line| line.len()).sum::<usize>();
                Ok(())
            }
            None => {
                let own: usize = call.lines.iter().map(String::len).sum();
                if own + text.len() > HELD_OF_CALL || self.held + text.len() > HELD {
                    call.dropped += 1;
                } else {
                    self.held += text.len();
                    call.lines.push(text);
                }
                if self.calls.len() > CALLS {
                    let oldest = self.calls.keys().next().copied();
                    oldest.into_iter().for_each(|key| self.forget(key));
                }
                Ok(())
            }
        }
    }

    fn forget(&mut self, key: (u64, u32)) {
        if let Some(call) = self.calls.remove(&key) {
            self.held -= call.lines.iter().map(String::len).sum::<usize>();
        }
    }

    fn colored(&self, told: &Told, text: &str) -> String {
        let color = match (&told.what, told.direction) {
            _ if !self.colors => return text.to_owned(),
            (Happened::End(call), _) if call.status.as_deref() == Some("0") => "\x1b[32m",
            (Happened::End(_) | Happened::GoAway { .. } | Happened::Unread { .. }, _) => "\x1b[31m",
            (Happened::Call { .. }, _) => "\x1b[1;34m",
            (_, Some(Direction::ToServer)) => "\x1b[34m",
            _ => "\x1b[36m",
        };
        format!("{color}{text}\x1b[0m")
    }
}

impl Call {
    fn new(filter: &[Clause]) -> Self {
        Call { decision: Decision::new(filter), lines: Vec::new(), dropped: 0 }
    }
}

/// The time, the connection, and the stream if it is one's: "  0.001234 1.5".
fn head(at: Duration, connection: u64, stream: u32) -> String {
    let place = if connection == 0 {
        String::new()
    } else if stream == 0 {
        connection.to_string()
    } else {
        format!("{connection}.{stream}")
    };
    format!("{:>10.6} {place:<5}", at.as_secs_f64())
}

fn object(connection: u64, mut object: Map<String, Json>) -> String {
    object.insert("connection".to_owned(), connection.into());
    format!("{}\n", Json::Object(object))
}

//! A connection told in short: a call begins, a message passes, the call ends. Each is a value, with a line of text.

use std::fmt::{self, Display, Write};
use std::time::Duration;

use super::event::Event;
use super::grpc::{Call, Ended, Role, is_secret};
use super::hpack::Block;
use super::http2::{Shape, error_code};
use super::protobuf::{Types, Value};
use super::record::Direction;
use super::text::{bytes, grouped, printable};
use crate::wire::Code;

/// Something that happened in a connection.
#[derive(Clone, Debug)]
pub struct Told {
    /// When, counted from the beginning of the recording.
    pub at: Duration,
    /// The stream of its call, 0 for the connection as a whole.
    pub stream: u32,
    /// Which way it went; `None` for the end of a call, which is about both.
    pub direction: Option<Direction>,
    /// What it was.
    pub what: Happened,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Happened {
    /// A call begins.
    Call {
        /// Its `:path`; empty where that is not known or not there.
        path: String,
        /// The fields of its head.
        fields: Vec<HeaderField>,
    },
    /// A response begins.
    Head {
        /// The fields of its head.
        fields: Vec<HeaderField>,
    },
    /// A message has passed.
    Message {
        /// Which of its direction of the call, from 1 on.
        number: usize,
        /// The name of its type, if it is known.
        kind: Option<String>,
        /// How many bytes it had on the wire, without its prefix.
        length: u32,
        /// Whether it was compressed.
        compressed: bool,
        /// What it says, or why that cannot be told.
        value: Result<Value, &'static str>,
    },
    /// The response's trailers, whose status the end of the call tells too.
    Trailers {
        /// Their fields.
        fields: Vec<HeaderField>,
    },
    /// A call ended, or the recording did.
    End(Box<Call>),
    /// One side takes no more calls.
    GoAway {
        /// The error code.
        code: u32,
        /// The last stream that was or may be processed.
        last_stream: u32,
        /// What else was said.
        debug: String,
    },
    /// Bytes that are no frames.
    Unread {
        /// How many.
        bytes: usize,
        /// How many of the direction stand before them.
        start: u64,
        /// What they are.
        why: String,
    },
}

/// A field of a head or of trailers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderField {
    /// The name; "unknown" where it was said before the recording began.
    pub name: String,
    /// The value; "unknown" as for the name, and "(hidden)" for one that must not be shown.
    pub value: String,
    /// Whether both are those of an HPACK entry that the recording does not have.
    is_unknown: bool,
}

/// What to call a name or a value of an HPACK entry that the recording does not have.
const UNKNOWN: &str = "unknown";

/// A call whose path is such an entry.
const NO_PATH: &str = "call of an unknown method: its path was added before the recording began, or in a gap of it";

/// The end of a call whose status is such an entry.
const NO_STATUS: &str = "status unknown (added before the recording began, or in a gap of it)";

/// What to call a value that must not be shown.
const HIDDEN: &str = "(hidden)";

impl Event {
    /// What happened with this frame. `secrets` says whether credentials and cookies are shown.
    pub fn told(&self, types: &Types, secrets: bool) -> Vec<Told> {
        let told = |what| Told { at: self.at, stream: self.stream(), direction: Some(self.direction), what };
        let fields = || self.block.as_deref().map(|block| fields(block, secrets)).unwrap_or_default();
        let mut all = Vec::new();
        match self.role {
            Role::RequestHead => {
                let path = self.block.as_deref().and_then(|block| block.get(":path"));
                let path = path.map(|path| lossy(path)).unwrap_or_default();
                all.push(told(Happened::Call { path, fields: fields() }));
            }
            Role::ResponseHead | Role::Informational => all.push(told(Happened::Head { fields: fields() })),
            Role::Trailers | Role::TrailersOnly => all.push(told(Happened::Trailers { fields: fields() })),
            _ => {}
        }
        for message in self.pieces.iter().filter_map(|piece| piece.message.as_ref()) {
            let value = message.payload(self.encoding()).map(|bytes| types.value(self.message_type(), &bytes));
            all.push(told(Happened::Message {
                number: message.number,
                kind: self.message_type().map(str::to_owned),
                length: message.length,
                compressed: message.compressed != 0,
                value,
            }));
        }
        if let (Some(code), Some(last_stream)) = (self.frame.error_code(), self.frame.last_stream()) {
            let debug = self.frame.debug_data().unwrap_or_default();
            all.push(told(Happened::GoAway { code, last_stream, debug }));
        }
        if let Some(why) = unread(self) {
            let bytes = self.frame.bytes.len();
            all.push(told(Happened::Unread { bytes, start: self.start, why }));
        }
        if let Some(call) = &self.ended {
            all.push(Told::end(self.at, call));
        }
        all
    }
}

impl Told {
    /// The end of a call; of one that has not [ended](Call::ended), the end of what is known of it.
    pub fn end(at: Duration, call: &Call) -> Told {
        Told { at, stream: call.stream, direction: None, what: Happened::End(Box::new(call.clone())) }
    }

    /// Whether it is the end of a call.
    pub fn is_end(&self) -> bool {
        matches!(self.what, Happened::End(_))
    }

    /// Whether it is worth a line of text. A response's head and trailers are, where they have fields of the application
    /// or are no success; of a GOAWAY a [`Diagnoser`](super::Diagnoser) says more.
    pub fn is_notable(&self) -> bool {
        match &self.what {
            Happened::Head { fields } | Happened::Trailers { fields } => {
                fields.iter().any(|field| field.is_custom() || (field.name == ":status" && field.value != "200"))
            }
            Happened::GoAway { .. } => false,
            _ => true,
        }
    }

    /// It as one line of text, of at most about `limit` bytes.
    pub fn line(&self, limit: usize) -> String {
        let mut line = self.direction.map_or(String::new(), |direction| format!("{} ", direction.arrow()));
        let left = limit.saturating_sub(line.len());
        line += &match &self.what {
            Happened::Call { path, fields } => call(path, fields),
            Happened::Head { fields } => format!("response head {}", custom(fields)),
            Happened::Trailers { fields } => format!("trailers {}", custom(fields)),
            Happened::Message { number, kind, length, compressed, value } => {
                let kind = kind.as_deref().map_or("", |kind| kind.rsplit('.').next().unwrap_or(kind));
                let packed = if *compressed { format!(" (compressed, {})", bytes(length)) } else { String::new() };
                match value {
                    Ok(value) => {
                        let text = value.compact(left.saturating_sub(kind.len() + packed.len() + 1));
                        format!("{kind}{packed} {text}").trim_start().to_owned()
                    }
                    Err(why) => format!("message {} of {}: {why}", grouped(number), bytes(length)),
                }
            }
            Happened::End(call) => end(call, self.at),
            Happened::GoAway { code, last_stream, debug } => {
                let debug = if debug.is_empty() { String::new() } else { format!(", {:?}", debug) };
                format!("GOAWAY {}: no call after stream {last_stream} was taken{debug}", error_code(*code))
            }
            Happened::Unread { bytes: many, start, why } => {
                format!("{} from byte {} on: {why}", bytes(many), grouped(start))
            }
        };
        cut(line, limit)
    }
}

impl HeaderField {
    /// Whether it is metadata of the application, and not of HTTP/2 or gRPC.
    pub fn is_custom(&self) -> bool {
        let known = ["te", "content-type", "user-agent", "date", "server", "accept-encoding", "content-length"];
        !self.name.starts_with(':') && !self.name.starts_with("grpc-") && !known.contains(&self.name.as_str())
    }
}

impl Display for HeaderField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable(self.name.as_bytes()), printable(self.value.as_bytes()))
    }
}

fn fields(block: &Block, secrets: bool) -> Vec<HeaderField> {
    let known = block.fields.iter().filter(|field| field.is_field());
    let field = known.map(|field| {
        let hidden = !secrets && field.name.as_ref().is_none_or(|name| is_secret(name)) && field.value.is_some();
        let text = |bytes: Option<&bytes::Bytes>| bytes.map_or_else(|| UNKNOWN.to_owned(), |bytes| lossy(bytes));
        let value = if hidden { HIDDEN.to_owned() } else { text(field.value.as_ref()) };
        HeaderField {
            name: text(field.name.as_ref()),
            value,
            is_unknown: field.name.is_none() && field.value.is_none(),
        }
    });
    field.collect()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What bytes are that are no frames.
fn unread(event: &Event) -> Option<String> {
    let first = &event.frame.bytes;
    let side = ["client", "server"][event.direction.index()];
    match event.frame.shape {
        Shape::NotHttp2 if event.start > 0 => None,
        Shape::NotHttp2 if first.starts_with(&[0x16, 3]) || first.starts_with(&[0x15, 3]) => {
            Some(format!("the {side} speaks TLS: have it speak in cleartext here (\"insecure\", \"plaintext\")"))
        }
        Shape::NotHttp2 if is_http1(first) => {
            let line = first.split(|byte| *byte == b'\r' || *byte == b'\n').next().unwrap_or_default();
            let line = printable(&line[..line.len().min(80)]);
            Some(format!("the {side} speaks HTTP/1.1 ({line}), and gRPC needs HTTP/2 by prior knowledge"))
        }
        Shape::NotHttp2 => {
            let shown = printable(&first[..first.len().min(16)]);
            Some(format!("the {side} speaks no HTTP/2, it begins with {shown}: is it a gRPC {side}?"))
        }
        Shape::Before => Some("they belong to frames that began before".to_owned()),
        Shape::Torn => Some("the direction ends inside a frame".to_owned()),
        _ => None,
    }
}

fn is_http1(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\r' || *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"HTTP/") || line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

fn call(path: &str, fields: &[HeaderField]) -> String {
    let unknown = unknown(fields);
    let mut line = match path {
        "" if unknown.is_some() => NO_PATH.to_owned(),
        "" => "call without a path".to_owned(),
        path => format!("call {}", printable(path.as_bytes())),
    };
    for (name, says) in
        [(":authority", "to"), ("user-agent", "by"), ("grpc-timeout", "timeout"), ("grpc-encoding", "compressed with")]
    {
        if let Some(field) = fields.iter().find(|field| field.name == name) {
            let _ = write!(line, ", {says} {}", printable(field.value.as_bytes()));
        }
    }
    let told = fields.iter().filter(|field| field.is_custom() && !field.is_unknown);
    told.for_each(|field| line += &format!(", {field}"));
    line += &unknown.map_or_else(String::new, |unknown| format!("; {unknown}"));
    line
}

fn custom(fields: &[HeaderField]) -> String {
    let known = fields.iter().filter(|field| !field.is_unknown);
    let told = known.filter(|field| field.is_custom() || field.name == ":status").map(HeaderField::to_string);
    told.chain(unknown(fields)).collect::<Vec<_>>().join(", ")
}

/// How many fields are not known, where there are such.
fn unknown(fields: &[HeaderField]) -> Option<String> {
    match fields.iter().filter(|field| field.is_unknown).count() {
        0 => None,
        1 => Some("1 field is unknown".to_owned()),
        many => Some(format!("{} fields are unknown", grouped(many))),
    }
}

fn end(call: &Call, at: Duration) -> String {
    let took = at.saturating_sub(call.began);
    let messages = |number: u64| if number == 1 { "1 message".to_owned() } else { grouped(number) + " messages" };
    let way = |way: Direction| {
        let index = way.index();
        format!("{} {}, {}", way.arrow(), messages(call.messages[index]), bytes(call.bytes[index]))
    };
    let sizes = format!("{}; {}", way(Direction::ToServer), way(Direction::ToClient));
    format!("{} after {}; {sizes}", call.ending(), time(took))
}

impl Call {
    /// How it ended in a few words: `OK`, `NOT_FOUND "no such place"`, "reset by the client: CANCEL".
    pub fn ending(&self) -> String {
        let message = self.message.as_ref().filter(|message| !message.is_empty());
        let message = message.map_or_else(String::new, |message| format!(" {message:?}"));
        let reset = match self.ended {
            Some(Ended::Reset { by, code }) => {
                let side = ["client", "server"][by.index()];
                Some(format!("reset by the {side}: {}", error_code(code)))
            }
            _ => None,
        };
        match (&self.status, reset, &self.http_status) {
            (Some(status), reset, _) => {
                let code = status.parse().ok().map(Code::from_u32);
                let name = code.and_then(Code::name).map_or_else(|| printable(status.as_bytes()), str::to_owned);
                let reset = reset.map_or_else(String::new, |reset| format!(", {reset}"));
                format!("{name}{message}{reset}")
            }
            (None, Some(reset), _) => reset,
            (None, None, _) if self.ended.is_none() => "not ended".to_owned(),
            (None, None, _) if self.unknown_status => NO_STATUS.to_owned(),
            (None, None, Some(http)) => format!("no grpc-status, HTTP status {}", printable(http.as_bytes())),
            (None, None, None) => "no answer".to_owned(),
        }
    }
}

/// A time as people read it: "0.87 ms", "3.2 s".
fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.1 => format!("{:.2} ms", seconds * 1e3),
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}

/// The beginning of a text that is too long, and "…".
fn cut(mut text: String, limit: usize) -> String {
    if text.chars().nth(limit).is_some() {
        text = text.chars().take(limit.saturating_sub(1)).collect();
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::record::Direction::*;
    use super::super::transcript::Transcript;
    use super::*;

    fn lines(frames: &[(Direction, Vec<u8>)], limit: usize) -> Vec<String> {
        let transcript = Transcript::read(&record(frames), &route_guide());
        let told = transcript.events.iter().flat_map(|event| event.told(&transcript.types, false));
        told.filter(Told::is_notable).map(|told| told.line(limit)).collect()
    }

    /// A header block of literals that are not added.
    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
        fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
    }

    #[test]
    fn a_call_is_a_line_at_its_beginning_one_a_message_and_one_at_its_end() {
        let head = [(":path", "/RouteGuide/GetFeature"), ("content-type", "application/grpc"), ("grpc-timeout", "5S")];
        let more = [("authorization", "secret"), ("x-id", "7")];
        let status = [("grpc-status", "5"), ("grpc-message", "no%20such\u{1b}")];
        let frames = [
            (ToServer, frame(HEADERS, 4, 1, &block(&[&head[..], &more].concat()))),
            (ToServer, frame(DATA, 1, 1, &hex(POINT))),
            (ToClient, frame(HEADERS, 5, 1, &block(&status))),
        ];
        let told = lines(&frames, 1000);
        assert_eq!(
            told,
            [
                "-> call /RouteGuide/GetFeature, timeout 5S, authorization: (hidden), x-id: 7",
                "-> Point {latitude: 409146138, longitude: -746188906}",
                "NOT_FOUND \"no such\\u{1b}\" after 0.00 ms; -> 1 message, 22 bytes; <- 0 messages, 0 bytes",
            ]
        );
        assert!(lines(&frames, 30).iter().all(|line| line.chars().count() == 30));
    }

    #[test]
    fn a_call_without_a_path_is_told_from_one_whose_path_is_not_known() {
        let head = |block: &[u8]| lines(&[(ToServer, frame(HEADERS, 4, 1, block))], 1000);
        assert_eq!(head(&[0x83, 0x86]), ["-> call without a path"]);
        let unknown = HeaderField { name: UNKNOWN.into(), value: UNKNOWN.into(), is_unknown: true };
        assert_eq!(call("", &[unknown]), format!("{NO_PATH}; 1 field is unknown"));
        // 00, literal with a new name, twice the seven letters
        let named = [&[0x83, 0x86, 0x00, 7][..], b"unknown", &[7], b"unknown"].concat();
        assert_eq!(head(&named), ["-> call without a path, unknown: unknown"]);
    }

    #[test]
    fn a_call_may_end_in_many_ways() {
        let reset = |by| Some(Ended::Reset { by, code: 8 });
        let call = |status: Option<&str>, http: Option<&str>, ended| Call {
            status: status.map(str::to_owned),
            http_status: http.map(str::to_owned),
            ended,
            ..Call::default()
        };
        for (call, told) in [
            (call(Some("0"), Some("200"), Some(Ended::Closed)), "OK"),
            (call(Some("99"), None, Some(Ended::Closed)), "99"),
            (call(Some("0"), None, reset(ToClient)), "OK, reset by the server: CANCEL"),
            (call(None, Some("200"), reset(ToServer)), "reset by the client: CANCEL"),
            (call(None, Some("503"), Some(Ended::Closed)), "no grpc-status, HTTP status 503"),
            (call(None, None, Some(Ended::Closed)), "no answer"),
            (Call { unknown_status: true, ..call(None, Some("200"), Some(Ended::Closed)) }, NO_STATUS),
            (call(None, Some("200"), None), "not ended"),
        ] {
            assert_eq!(call.ending(), told);
        }
    }

    #[test]
    fn times_have_the_unit_that_people_read() {
        let told = [870, 99_000, 250_000, 3_240_000].map(|micros| time(Duration::from_micros(micros)));
        assert_eq!(told, ["0.87 ms", "99.00 ms", "250 ms", "3.2 s"]);
    }
}

//! What a frame is to its call, for a reader who has never seen HTTP/2.

use super::event::Event;
use super::grpc::{self, Role};
use super::http2;
use super::meaning::Meaning;
use super::protobuf;
use super::record::Direction;
use super::span::{Span, What};
use super::text::{bytes, grouped, printable};
use crate::wire::{Code, timeout};

/// A frame in a few words, and in a few sentences.
#[derive(Debug)]
pub(super) struct Told {
    /// What stands on its arrow: "/routeguide.RouteGuide/GetFeature", "latitude 409146138".
    pub(super) brief: String,
    pub(super) prose: String,
}

/// Tells a frame.
pub(super) fn of(event: &Event, tree: &Span) -> Told {
    let own = || tree.what.sentence();
    let (brief, prose) = match (event.role, event.frame.name()) {
        (Role::RequestHead, _) => request(event),
        (Role::ResponseHead, _) => (status_line(event), RESPONSE.into()),
        (Role::Trailers, _) => {
            let (status, told) = status(event);
            (status, format!("{told} The status comes last, after all messages: a server knows it only at the end."))
        }
        (Role::TrailersOnly, _) => {
            let (status, told) = status(event);
            (status, format!("The server answers without any message, so head and trailers are one frame. {told}"))
        }
        (Role::Informational, _) => {
            (status_line(event), "A sign of life; the response itself is still to come.".into())
        }
        (Role::RequestTrailers, _) => {
            ("trailers".into(), "The client sends trailers. gRPC has none in requests.".into())
        }
        (_, "PREFACE") => ("HTTP/2".into(), own()),
        (_, "DATA") => data(event, tree),
        (_, "SETTINGS") if event.frame.has("ACK") => ("ACK".into(), own()),
        (_, "SETTINGS") => settings(event, tree),
        (_, "PING") if event.frame.has("ACK") => ("ACK".into(), own()),
        (_, "WINDOW_UPDATE") => window(event),
        (_, "RST_STREAM" | "GOAWAY") => ended(event, tree),
        _ if event.frame.kind().is_none() => (tree.what.note().into_owned(), own()),
        _ => (String::new(), own()),
    };
    let broken = broken(tree);
    let prose = if prose.is_empty() { own() } else { prose };
    let told = if broken.is_empty() || prose.contains(&broken) { prose } else { format!("{prose} {broken}") };
    Told { brief: cut(&brief, BRIEF), prose: cut(&told, PROSE) }
}

const RESPONSE: &str = "The server takes the call and begins to answer. Status 200 only says that HTTP worked: whether \
    the call succeeds is told at its very end, in the trailers.";

fn side(direction: Direction) -> &'static str {
    ["client", "server"][direction.index()]
}

fn field(event: &Event, name: &str) -> Option<String> {
    event.block.as_ref()?.get(name).map(|value| printable(value))
}

fn request(event: &Event) -> (String, String) {
    let path = field(event, ":path").unwrap_or_default();
    let stream = event.stream();
    let asked = match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if !method.contains('/') => format!("{method} of the service {service}"),
        _ if path.is_empty() => "a method that is not known".to_owned(),
        _ => format!("{path}, which names no method"),
    };
    let limit = limit(event).map_or_else(String::new, |limit| format!(" It waits for at most {limit}."));
    let more = match event.frame.has("END_STREAM") {
        true => " The request ends here, without a message.",
        false => " This is only the envelope: the message follows in DATA frames.",
    };
    (path, format!("The client opens stream {stream} for a call: it asks for {asked}.{limit}{more}"))
}

/// The deadline that a request head sets, as people say it.
pub(super) fn limit(event: &Event) -> Option<String> {
    let value = event.block.as_ref()?.get("grpc-timeout")?;
    timeout::parse(value).ok().map(span_of_time)
}

/// A time as people read it: "1.2 ms".
pub(super) fn span_of_time(time: std::time::Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0 if time.is_zero() => "0 µs".into(),
        0..1000 => format!("{micros} µs"),
        1000..1_000_000 => format!("{} ms", rounded(micros as f64 / 1e3)),
        _ => format!("{} s", rounded(micros as f64 / 1e6)),
    }
}

/// Three digits, and no more zeros than needed.
fn rounded(number: f64) -> String {
    let digits = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn status_line(event: &Event) -> String {
    field(event, ":status").map_or_else(String::new, |status| format!("HTTP {status}"))
}

fn status(event: &Event) -> (String, String) {
    let message = event.block.as_ref().and_then(|block| block.get("grpc-message"));
    let message = message.map(|message| printable(crate::wire::percent::decode(message).as_bytes()));
    let said = message.as_ref().map_or_else(String::new, |message| format!(" It says: \"{message}\"."));
    let Some(status) = field(event, "grpc-status") else {
        // In a recording that begins late, it may be among the fields that nobody knows.
        let is_unknown = event.block.as_ref().is_some_and(|block| !block.is_known() && block.broken().is_none());
        let told = match is_unknown {
            true => "The status is not known: it was added before the recording began, or in a gap of it.",
            false => "The answer ends without a grpc-status, so the call has failed.",
        };
        return (status_line(event), told.into());
    };
    let name = status.parse().ok().map(Code::from_u32).and_then(|code| code.name().map(str::to_owned));
    let name = name.unwrap_or_else(|| format!("status {status}"));
    match &status[..] {
        "0" => (name, "The call has succeeded: its status is 0, OK.".into()),
        _ => {
            let brief = message.map_or_else(|| name.clone(), |message| format!("{name}: {message}"));
            (brief, format!("The call has failed: its status is {status}, {name}.{said}"))
        }
    }
}

fn data(event: &Event, tree: &Span) -> (String, String) {
    let who = side(event.direction);
    let last = event.frame.has("END_STREAM");
    let end = if last { format!(" It is the last that the {who} sends on this stream.") } else { String::new() };
    let prose = match &event.pieces[..] {
        [] if event.frame.length() == 0 && last => {
            format!("The {who} has sent everything on stream {}: an empty frame that only says so.", event.stream())
        }
        [] => return (summary(tree), format!("{}{end}", tree.what.sentence())),
        [piece] => {
            let kind = event.about.as_ref().and_then(|about| about.kind.as_deref());
            let kind = kind.map_or_else(String::new, |kind| format!(", a {kind}"));
            let (number, length) = (grouped(piece.number), piece.length.map(bytes));
            let length = length.map_or_else(String::new, |length| format!(" of {length}"));
            match (piece.from, &piece.message) {
                (0, Some(_)) => format!(
                    "The {who} sends message {number} of the call{kind}{length}. Five bytes stand before it: whether it is \
                    compressed, and how long it is.{end}"
                ),
                (0, None) => {
                    format!("The {who} begins message {number}{kind}{length}. It goes on in later frames.{end}")
                }
                (_, Some(_)) => format!("Message {number}{kind}, is whole now: it began in an earlier frame.{end}"),
                (_, None) => format!("More of message {number}{kind}, which is not whole yet.{end}"),
            }
        }
        [first, .., last] => format!(
            "The {who} sends messages {} to {} of the call in one frame: frames and messages need not match.{end}",
            grouped(first.number),
            grouped(last.number)
        ),
    };
    let brief = summary(tree);
    (if brief.is_empty() { bytes(event.frame.length()) } else { brief }, prose)
}

/// The first fields of the first whole message: "latitude 409146138, longitude -746188906".
fn summary(tree: &Span) -> String {
    const FIELDS: usize = 3;
    let mut told = Vec::new();
    let whole = |span: &Span| matches!(span.what, What::Grpc(grpc::Meaning::Message { .. }));
    let pane = tree.children.iter().find_map(|span| span.pane.as_ref());
    let gathered = pane.and_then(|pane| pane.spans.first()).filter(|span| whole(span));
    let message = tree.children.iter().find(|span| whole(span)).or(gathered);
    for span in message.map_or(&[][..], |message| &message.children) {
        if let What::Protobuf(protobuf::Meaning::Field { number, name, value, .. }) = &span.what {
            let name = name.clone().unwrap_or_else(|| format!("field {number}"));
            told.push(format!("{} {}", printable(name.as_bytes()), printable(value.as_bytes())));
        }
    }
    let more = if told.len() > FIELDS { ", …" } else { "" };
    told.truncate(FIELDS);
    told.join(", ") + more
}

fn settings(event: &Event, tree: &Span) -> (String, String) {
    let count = event.frame.settings().count();
    let brief = match count {
        0 => "no settings".to_owned(),
        1 => "1 setting".to_owned(),
        _ => format!("{count} settings"),
    };
    let who = side(event.direction);
    let announced =
        tree.children.iter().filter(|span| matches!(span.what, What::Http2(http2::Meaning::Setting { .. })));
    let names: Vec<String> = announced.map(|span| format!("{} {}", span.what.name(), span.what.value())).collect();
    let list = if names.is_empty() { "nothing but the defaults".to_owned() } else { names.join(", ") };
    (brief, format!("The {who} tells what the other side may do on this connection: {list}. An ACK must come back."))
}

fn window(event: &Event) -> (String, String) {
    let more = bytes(event.frame.increment().unwrap_or_default());
    let (who, other) = (side(event.direction), side(event.direction.other()));
    let place = match event.stream() {
        0 => "the connection as a whole".to_owned(),
        stream => format!("stream {stream}"),
    };
    let prose = format!("The {who} has room again: the {other} may send {more} more on {place} than before.");
    (format!("+{more}"), prose)
}

fn ended(event: &Event, tree: &Span) -> (String, String) {
    let code = event.frame.error_code().map(http2::error_code).unwrap_or_default();
    let mut prose = tree.what.sentence();
    for child in &tree.children {
        if let What::Http2(http2::Meaning::LastStream(_) | http2::Meaning::ErrorCode(_)) = child.what {
            prose += &format!(" {}", child.what.sentence());
        }
    }
    if let Some(text) = event.frame.debug_data() {
        prose += &format!(" It says: \"{}\".", printable(text.as_bytes()));
    }
    let last = event.frame.last_stream().map_or_else(String::new, |stream| format!(", last stream {stream}"));
    (format!("{code}{last}"), prose)
}

/// What is wrong with a frame, by the first span that says so.
fn broken(tree: &Span) -> String {
    let mut told = String::new();
    tree.walk(&mut |span, _| {
        if told.is_empty() && span.what.is_broken() {
            told = span.what.sentence();
        }
    });
    told
}

/// The longest texts. Peers may send longer ones.
const BRIEF: usize = 120;
const PROSE: usize = 1_000;

/// The first letters of a long text.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

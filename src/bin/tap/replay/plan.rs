//! What a recorded client is to send again, step by step.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use h2grpc::transcript::http2::{PREFACE, Shape};
use h2grpc::transcript::{Direction, Event, Role, Transcript};

/// One thing to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its stream, 0 for the connection.
    pub stream: u32,
    /// How many answers of the server on this stream came before it, in the recording.
    pub after: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Whole frames, as they were.
    Frames(Bytes),
    /// The content of a DATA frame, and whether it ends the stream: the server's window may be another now.
    Data(Bytes, bool),
}

/// The largest payload that every server takes (RFC 9113, section 4.2; rule h2.frame-size).
pub const LARGEST: usize = 16_384;

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;

/// What the client sent, without what answered the recorded server's own frames. Of one call alone, or where the
/// recording does not begin with the connection, header blocks are written anew: theirs may refer to earlier ones.
pub fn plan(transcript: &Transcript, only: Option<u32>) -> Result<Vec<Step>, String> {
    let anew = transcript.late || only.is_some();
    let mut steps = vec![Step { stream: 0, after: 0, what: What::Frames(Bytes::from_static(PREFACE)) }];
    if transcript.late {
        steps.push(Step { stream: 0, after: 0, what: What::Frames(frame(SETTINGS, 0, 0, b"")) });
    }
    let mut answered: BTreeMap<u32, usize> = BTreeMap::new();
    let mut end_stream = false;
    for event in &transcript.events {
        let stream = event.stream();
        if event.direction == Direction::ToClient {
            *answered.entry(stream).or_default() += answers(event);
            continue;
        }
        if event.frame.shape == Shape::NotHttp2 {
            return Err("its client speaks no HTTP/2, so there is nothing to replay".to_owned());
        }
        // What belongs to no call that is sent, and what answered the other server.
        let is_call = transcript.calls.contains_key(&stream);
        let is_left_out = event.frame.shape != Shape::Frame || event.frame.has("ACK") || event.frame.is("GOAWAY");
        if is_left_out || (stream > 0 && !is_call) {
            continue;
        }
        // Of a block that goes on in CONTINUATION frames, the first says whether the stream ends.
        if event.frame.is("HEADERS") {
            end_stream = event.frame.has("END_STREAM");
        }
        let what = match event.frame.name() {
            "DATA" => What::Data(content(event), event.frame.has("END_STREAM")),
            "HEADERS" | "CONTINUATION" if anew => match head(event, end_stream)? {
                Some(frames) => What::Frames(frames),
                None => continue,
            },
            _ => What::Frames(event.frame.bytes.clone()),
        };
        let after = answered.get(&stream).copied().unwrap_or_default();
        steps.push(Step { stream, after, what });
    }
    if transcript.calls.is_empty() {
        return Err("it has no call whose beginning is known, so there is nothing to replay".to_owned());
    }
    Ok(steps)
}

/// How many answers a frame brings: a head, messages, trailers.
pub fn answers(event: &Event) -> usize {
    let block = matches!(event.role, Role::ResponseHead | Role::Trailers | Role::TrailersOnly);
    usize::from(block) + event.pieces.iter().filter(|piece| piece.message.is_some()).count()
}

/// The bytes of a frame with a payload that is not too long.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    bytes.put_slice(&[kind, flags]);
    bytes.put_u32(stream);
    bytes.put_slice(payload);
    bytes.freeze()
}

/// A DATA frame's payload without its padding.
fn content(event: &Event) -> Bytes {
    let payload = event.frame.payload();
    match event.frame.padding() {
        Some(padding) => payload.slice(1..payload.len().saturating_sub(padding).max(1)),
        None => payload,
    }
}

/// The header block that ends in this frame, written without reference to any other. `None` where it goes on.
fn head(event: &Event, end_stream: bool) -> Result<Option<Bytes>, String> {
    if !event.frame.has("END_HEADERS") {
        return Ok(None);
    }
    let stream = event.stream();
    let block = event.block.as_deref().filter(|block| block.broken().is_none());
    let fields = block.map(|block| block.fields.iter().filter(|field| field.is_field()).collect::<Vec<_>>());
    let fields = fields.ok_or_else(|| format!("the head of stream {stream} cannot be decoded"))?;
    let mut written = BytesMut::new();
    for field in fields {
        let (Some(name), Some(value)) = (&field.name, &field.value) else {
            return Err(format!(
                "the head of stream {stream} has a field that was said before the recording began; choose another call \
                 with --stream"
            ));
        };
        // Literal without indexing, or never indexed (RFC 7541, sections 6.2.2 and 6.2.3; rules hpack.literal-not-added and
        // hpack.literal-never-indexed).
        written.put_u8(if field.form.is_secret() { 0x10 } else { 0 });
        string(name, &mut written);
        string(value, &mut written);
    }
    let mut frames = BytesMut::new();
    let pieces: Vec<&[u8]> = written.chunks(LARGEST).collect();
    for (at, piece) in pieces.iter().enumerate() {
        let kind = if at == 0 { HEADERS } else { CONTINUATION };
        let flags = u8::from(at == 0 && end_stream) | if at + 1 == pieces.len() { 4 } else { 0 };
        frames.put_slice(&frame(kind, flags, stream, piece));
    }
    Ok(Some(frames.freeze()))
}

/// Section 5.2: the length, with seven bits in the first octet, and the octets.
fn string(text: &[u8], out: &mut BytesMut) {
    const FULL: usize = 0x7f;
    if text.len() < FULL {
        out.put_u8(text.len() as u8);
    } else {
        out.put_u8(FULL as u8);
        let mut rest = text.len() - FULL;
        while rest >= 0x80 {
            out.put_u8(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.put_u8(rest as u8);
    }
    out.put_slice(text);
}

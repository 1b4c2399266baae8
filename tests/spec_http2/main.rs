//! The rules of HTTP/2 (RFC 9113) and HPACK (RFC 7541) that this stack and h2 keep together, told to a server by a client
//! of bare frames. Numbers in comments are sections.

mod blocks;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod flow;
mod frames;
mod heads;
mod streams;

use common::raw::{ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PREFACE, RST_STREAM, Raw, field};
use common::{Running, frame};
use h2grpc::route_guide::{Features, Point};

const GET: &str = "/routeguide.RouteGuide/GetFeature";

/// Error codes (section 7).
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;

/// What an answer with a message is made of.
const ANSWER: [u8; 3] = [HEADERS, DATA, HEADERS];

fn serve() -> Running {
    Running::route_guide(Features::embedded())
}

/// The message of a request.
fn point() -> Vec<u8> {
    frame(&Point { latitude: 409_146_138, longitude: -746_188_906 }).to_vec()
}

/// The fields of a proper request's head.
fn fields() -> Vec<(&'static str, &'static str)> {
    vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":path", GET),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]
}

fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// Makes a proper call on `stream`, which must get its answer.
async fn is_answered(raw: &mut Raw, stream: u32) {
    raw.send(HEADERS, END_HEADERS, stream, &block(&fields())).await;
    raw.send(DATA, END_STREAM, stream, &point()).await;
    gets_an_answer(raw, stream).await;
}

/// The call on `stream` must get an answer with a message.
async fn gets_an_answer(raw: &mut Raw, stream: u32) {
    let mut kinds = Vec::new();
    loop {
        let frame = raw.next().await.unwrap_or_else(|| panic!("closed after {kinds:?} on stream {stream}"));
        assert_ne!(frame.kind, GOAWAY, "{frame:?}");
        if frame.stream == stream {
            kinds.push(frame.kind);
            if frame.flags & END_STREAM != 0 && frame.kind != RST_STREAM {
                break;
            }
        }
    }
    assert_eq!(kinds, ANSWER, "on stream {stream}");
}

/// The code of the GOAWAY with which the server ends the connection.
async fn goaway(raw: &mut Raw) -> Option<u32> {
    loop {
        let frame = raw.next().await?;
        if frame.kind == GOAWAY {
            return Some(code(&frame.payload[4..]));
        }
    }
}

/// The server must end the connection with this code. h2 is less exact at times, and says PROTOCOL_ERROR.
async fn ends(raw: &mut Raw, code: u32, what: &str) {
    let told = goaway(raw).await;
    assert!(told == Some(code) || told == Some(PROTOCOL_ERROR), "{what}: GOAWAY {told:?}, expected {code}");
}

/// How a server ends a stream, or the connection with it.
#[derive(Debug, PartialEq)]
enum End {
    Stream(u32),
    Connection(u32),
}

/// The code with which the server resets `stream`, or ends the connection.
async fn end(raw: &mut Raw, stream: u32) -> End {
    loop {
        let frame = raw.next().await.expect("an error, and then the end");
        match frame.kind {
            GOAWAY => return End::Connection(code(&frame.payload[4..])),
            RST_STREAM if frame.stream == stream => return End::Stream(code(&frame.payload)),
            HEADERS if frame.stream == stream => panic!("an answer: {frame:?}"),
            _ => {}
        }
    }
}

fn code(payload: &[u8]) -> u32 {
    u32::from_be_bytes([payload[0], payload[1], payload[2], payload[3]])
}

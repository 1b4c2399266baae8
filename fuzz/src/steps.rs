//! What a peer does, step by step, read from the fuzzer's bytes.
//!
//! A step is a byte that says which, and its arguments. The format is simple on purpose, so that a recorded connection can
//! be written as steps: [`Seed`].

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use h2grpc::transcript::http2::{Frame, Shape};

use crate::wire::{self, *};

/// How many steps are played at most.
const MOST: usize = 100;

/// One thing that a peer does.
#[derive(Clone, Debug)]
pub enum Step {
    /// A frame of a legal length, its payload as it comes.
    Frame {
        kind: u8,
        flags: u8,
        stream: Stream,
        payload: Vec<u8>,
    },
    /// Waits until the other side has nothing more to do, and reads what it has written.
    Settle,
    /// A whole call or a whole answer, legal unless `case` says otherwise.
    Exchange {
        case: u8,
        count: u8,
        cut: u8,
    },
    /// A header block of fields from a list, legal and illegal ones.
    Head {
        stream: Stream,
        shape: u8,
        fields: Vec<u8>,
    },
    /// A DATA frame with a prefix, legal or broken.
    Data {
        stream: Stream,
        shape: u8,
        length: u8,
    },
    /// Bytes that need not be a frame.
    Raw(Vec<u8>),
    Settings(Vec<(u16, u32)>),
    Window {
        stream: Stream,
        increment: u32,
    },
    Ping {
        flags: u8,
    },
    GoAway {
        last: Stream,
        code: u8,
    },
    Reset {
        stream: Stream,
        code: u8,
    },
    Priority {
        stream: Stream,
        on: Stream,
    },
    Pause(Duration),
    /// Whether it reads from now on.
    Read(bool),
    /// Sends no more; and reads no more either.
    Close {
        whole: bool,
    },
    /// On a server: it stops. On a client: the peer's next connection begins.
    Next,
}

/// A stream's number, or one that is relative to the latest that was opened.
#[derive(Clone, Copy, Debug)]
pub struct Stream(u8);

impl Stream {
    pub fn number(self, latest: u32) -> u32 {
        match self.0 {
            240 => latest,
            241..=249 => latest.saturating_add(2 * u32::from(self.0 - 240)) & 0x7fff_ffff,
            250 => latest.saturating_sub(2),
            254 => 0x7fff_ffff,
            255 => 0xffff_ffff, // with the reserved bit
            number => u32::from(number),
        }
    }
}

/// Numbers at which something may change.
const NUMBERS: [u32; 16] = [
    0,
    1,
    2,
    5,
    100,
    255,
    16_383,
    16_384,
    65_535,
    65_536,
    0x00ff_ffff,
    0x0100_0000,
    0x7fff_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];

/// Milliseconds, to the time-outs of a connection and beyond.
const PAUSES: [u64; 8] = [1, 50, 999, 2_500, 11_000, 21_000, 61_000, 200_000];

/// The steps that there are bytes for.
pub fn steps(u: &mut Unstructured<'_>) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    while !u.is_empty() && steps.len() < MOST {
        steps.push(Step::arbitrary(u)?);
    }
    Ok(steps)
}

impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match byte(u)? % 16 {
            0 => Step::Frame { kind: byte(u)?, flags: byte(u)?, stream: stream(u)?, payload: long(u)? },
            1 => Step::Settle,
            2 => Step::Exchange { case: byte(u)?, count: byte(u)?, cut: byte(u)? },
            3 => Step::Head { stream: stream(u)?, shape: byte(u)?, fields: short(u, 16)? },
            4 => Step::Data { stream: stream(u)?, shape: byte(u)?, length: byte(u)? },
            5 => Step::Raw(short(u, 255)?),
            6 => Step::Settings(short(u, 16)?.chunks_exact(2).map(setting).collect()),
            7 => Step::Window { stream: stream(u)?, increment: number(u)? },
            8 => Step::Ping { flags: byte(u)? },
            9 => Step::GoAway { last: stream(u)?, code: byte(u)? },
            10 => Step::Reset { stream: stream(u)?, code: byte(u)? },
            11 => Step::Priority { stream: stream(u)?, on: stream(u)? },
            12 => Step::Pause(Duration::from_millis(PAUSES[usize::from(byte(u)?) % PAUSES.len()])),
            13 => Step::Read(byte(u)? & 1 == 0),
            14 => Step::Close { whole: byte(u)? & 1 == 1 },
            _ => Step::Next,
        })
    }
}

pub fn byte(u: &mut Unstructured<'_>) -> Result<u8> {
    u.arbitrary()
}

fn stream(u: &mut Unstructured<'_>) -> Result<Stream> {
    byte(u).map(Stream)
}

fn number(u: &mut Unstructured<'_>) -> Result<u32> {
    byte(u).map(|at| NUMBERS[usize::from(at) % NUMBERS.len()])
}

fn setting(pair: &[u8]) -> (u16, u32) {
    (u16::from(pair[0] % 10), NUMBERS[usize::from(pair[1]) % NUMBERS.len()])
}

/// A byte that says how many follow, `most` at most.
fn short(u: &mut Unstructured<'_>, most: usize) -> Result<Vec<u8>> {
    let count = usize::from(byte(u)?).min(most);
    Ok(u.bytes(count.min(u.len()))?.to_vec())
}

/// The same with two bytes.
fn long(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let count = usize::from(u16::from_be_bytes([byte(u)?, byte(u)?]));
    Ok(u.bytes(count.min(u.len()))?.to_vec())
}

impl Step {
    /// What goes over the wire; nothing for what is no frame. `fields` are those that heads are made of, the first
    /// `legal` of which are a legal head.
    pub fn bytes(&self, latest: u32, fields: &[(&str, &str)], legal: usize) -> Vec<u8> {
        let at = |stream: &Stream| stream.number(latest);
        match self {
            Step::Frame { kind, flags, stream, payload } => frame(*kind, *flags, at(stream), payload),
            Step::Head { stream, shape, fields: chosen } => {
                let first = if shape & 0x80 == 0 { &fields[..legal] } else { &[] };
                let chosen = chosen.iter().map(|field| fields[usize::from(*field) % fields.len()]);
                let block = wire::block(&first.iter().copied().chain(chosen).collect::<Vec<_>>());
                odd_head(at(stream), *shape, &block)
            }
            Step::Data { stream, shape, length } => data(at(stream), *shape, usize::from(*length)),
            Step::Raw(bytes) => bytes.clone(),
            Step::Settings(settings) => frame(SETTINGS, 0, 0, &wire::settings(settings)),
            Step::Window { stream, increment } => frame(WINDOW_UPDATE, 0, at(stream), &increment.to_be_bytes()),
            Step::Ping { flags } => frame(PING, *flags, 0, b"fuzzing!"),
            Step::GoAway { last, code } => {
                let payload = [&at(last).to_be_bytes()[..], &u32::from(*code).to_be_bytes(), b"why"].concat();
                frame(GOAWAY, 0, 0, &payload)
            }
            Step::Reset { stream, code } => frame(RST_STREAM, 0, at(stream), &u32::from(*code).to_be_bytes()),
            Step::Priority { stream, on } => {
                frame(PRIORITY, 0, at(stream), &[&at(on).to_be_bytes()[..], &[7]].concat())
            }
            _ => Vec::new(),
        }
    }
}

/// A head that may end its stream, be padded or cut, depend on another stream, or lack its end.
fn odd_head(stream: u32, shape: u8, block: &[u8]) -> Vec<u8> {
    let ends = shape & 1 != 0;
    match shape >> 1 & 0x7 {
        0 => frame(HEADERS, u8::from(ends), stream, block),
        1 => frame(HEADERS, u8::from(ends) | END_HEADERS | PADDED, stream, &[&[3], block, &[0; 3]].concat()),
        2 => {
            let payload = [&[0, 0, 0, 3, 16], block].concat();
            frame(HEADERS, u8::from(ends) | END_HEADERS | WITH_PRIORITY, stream, &payload)
        }
        3 => wire::head(stream, block, ends, 1),
        4 => wire::head(stream, block, ends, 30),
        _ => wire::head(stream, block, ends, 0),
    }
}

/// DATA with a message, or with what is none.
fn data(stream: u32, shape: u8, length: usize) -> Vec<u8> {
    let ends = u8::from(shape & 1 != 0);
    let prefix = |flag: u8, length: u32| [&[flag], &length.to_be_bytes()[..]].concat();
    let payload = vec![0x08; length & !1]; // field 1, a varint of 8: it is a Point
    let whole = wire::message(&payload);
    let content = match shape >> 1 & 0xf {
        0 => whole,
        1 => prefix(0, length as u32),
        2 => payload,
        3 => whole[..whole.len() - whole.len().min(3)].to_vec(),
        4 => [prefix(1, payload.len() as u32), payload].concat(),
        5 => [prefix(2, payload.len() as u32), payload].concat(),
        6 => prefix(0, u32::MAX),
        7 => prefix(0, 5000),
        8 => vec![0; length % 5],
        9 => wire::message(&vec![0xff; length]),
        10 => vec![0; length * 60],
        11 => return frame(DATA, ends | PADDED, stream, &[&[4], &whole[..], &[0; 4]].concat()),
        12 => return frame(DATA, ends | PADDED, stream, &[200]),
        _ => Vec::new(),
    };
    frame(DATA, ends, stream, &content)
}

/// A recorded connection as the steps of one of its sides.
#[derive(Debug)]
pub struct Seed(Vec<u8>);

impl Seed {
    /// What comes before the steps.
    pub fn new(setup: &[u8]) -> Self {
        Seed(setup.to_vec())
    }

    /// A frame as it was. Streams beyond 239 and what is no frame are left out.
    pub fn frame(&mut self, frame: &Frame) {
        let (Shape::Frame, Ok(stream @ ..240)) = (frame.shape, u8::try_from(frame.stream())) else { return };
        let length = (frame.bytes.len() - 9) as u16;
        self.0.extend([0, frame.bytes[3], frame.bytes[4], stream]);
        self.0.extend(length.to_be_bytes());
        self.0.extend_from_slice(&frame.bytes[9..]);
    }

    /// A pause until the other side has answered.
    pub fn settle(&mut self) {
        self.0.push(1);
    }

    /// A whole call or answer.
    pub fn exchange(&mut self, case: u8, count: u8, cut: u8) {
        self.0.extend([2, case, count, cut]);
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

//! The client's side of an HTTP/2 connection (RFC 9113), just enough of it to drive servers at their limit: frames out,
//! events in, no streams and no queues. What h2 does for a call costs as much on the client as on the server; this does
//! not, so that one generator can keep any server busy.

use std::io;

use fluke_hpack::Decoder;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// What both sides may send before anyone has said otherwise.
const DEFAULT_WINDOW: u32 = 65_535;
const DEFAULT_FRAME: usize = 16_384;

/// Frames to be written.
pub struct Sender {
    /// The bytes to write next.
    pub out: Vec<u8>,
    /// How much DATA the server lets this connection send.
    pub window: i64,
    /// How much DATA the server lets a new stream send.
    pub stream_window: i64,
    /// The largest payload of a frame.
    pub max_frame: usize,
    /// How many streams the server lets a client have open.
    pub max_streams: usize,
    /// The server's SETTINGS have come.
    pub ready: bool,
    next_stream: u32,
    path: &'static str,
}

impl Sender {
    /// Queues the preface. The server may then send `window` bytes a stream and `connection_window` in all.
    pub fn new(path: &'static str, window: u32, connection_window: u32) -> Self {
        let mut sender = Self {
            out: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            window: DEFAULT_WINDOW.into(),
            stream_window: DEFAULT_WINDOW.into(),
            max_frame: DEFAULT_FRAME,
            max_streams: usize::MAX,
            ready: false,
            next_stream: 1,
            path,
        };
        let settings: [(u16, u32); 3] = [(0x2, 0), (0x3, 0), (0x4, window)];
        sender.head(settings.len() * 6, SETTINGS, 0, 0);
        for (id, value) in settings {
            sender.out.extend_from_slice(&id.to_be_bytes());
            sender.out.extend_from_slice(&value.to_be_bytes());
        }
        if connection_window > DEFAULT_WINDOW {
            sender.window_update(0, connection_window - DEFAULT_WINDOW);
        }
        sender
    }

    /// Opens a stream with the head of a gRPC request and returns its identifier.
    pub fn open(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        let mut block = vec![0x83, 0x86]; // :method POST, :scheme http
        if stream == 1 {
            // Literals with incremental indexing; the names come from the static table where it has them.
            literal(&mut block, 4, "", self.path);
            literal(&mut block, 1, "", "localhost");
            literal(&mut block, 31, "", "application/grpc");
            literal(&mut block, 0, "te", "trailers");
            literal(&mut block, 58, "", "peers-load/0.1");
        } else {
            block.extend_from_slice(&[0x80 | 66, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62]);
        }
        self.head(block.len(), HEADERS, END_HEADERS, stream);
        self.out.extend_from_slice(&block);
        stream
    }

    /// Queues one DATA frame; the caller has looked at the windows.
    pub fn data(&mut self, stream: u32, payload: &[u8], end: bool) {
        self.window -= payload.len() as i64;
        self.head(payload.len(), DATA, if end { END_STREAM } else { 0 }, stream);
        self.out.extend_from_slice(payload);
    }

    /// Lets the server send `more` bytes on a stream, or on the connection (stream 0).
    pub fn window_update(&mut self, stream: u32, more: u32) {
        self.head(4, WINDOW_UPDATE, 0, stream);
        self.out.extend_from_slice(&more.to_be_bytes());
    }

    fn head(&mut self, len: usize, kind: u8, flags: u8, stream: u32) {
        let [_, a, b, c] = (len as u32).to_be_bytes();
        self.out.extend_from_slice(&[a, b, c, kind, flags]);
        self.out.extend_from_slice(&stream.to_be_bytes());
    }
}

/// A literal header field with incremental indexing (RFC 7541, section 6.2.1); `index` 0 says that `name` is new.
fn literal(block: &mut Vec<u8>, index: u8, name: &str, value: &str) {
    block.push(0x40 | index);
    for text in [name, value].iter().skip(usize::from(index != 0)) {
        block.push(text.len() as u8); // all shorter than 127 bytes, not Huffman-coded
        block.extend_from_slice(text.as_bytes());
    }
}

/// What a server said about one of the streams, or all of them.
#[derive(Debug)]
pub enum Event<'a> {
    /// A HEADERS frame: the `grpc-status` in it, if any.
    Head {
        stream: u32,
        grpc_status: Option<u32>,
        end: bool,
    },
    Data {
        stream: u32,
        payload: &'a [u8],
        end: bool,
    },
    Reset {
        stream: u32,
        code: u32,
    },
    /// The server lets a stream send more.
    Window {
        stream: u32,
        more: i64,
    },
    /// The server has changed the window of all streams.
    AllWindows {
        more: i64,
    },
    GoAway {
        code: u32,
        debug: &'a [u8],
    },
}

/// Bytes that came, cut into events.
pub struct Receiver {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    hpack: Decoder<'static>,
    /// How much DATA the server may send on the connection, and how much of it came since it was last told.
    window: u32,
    unacknowledged: u32,
}

impl Receiver {
    pub fn new(connection_window: u32) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            hpack: Decoder::new(),
            window: connection_window.max(DEFAULT_WINDOW),
            unacknowledged: 0,
        }
    }

    /// Where the next bytes go; tell [`Receiver::filled`] how many came.
    pub fn space(&mut self, at_least: usize) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < self.end + at_least {
            self.buffer.resize(self.end + at_least, 0);
        }
        &mut self.buffer[self.end..]
    }

    pub fn filled(&mut self, len: usize) {
        self.end += len;
    }

    /// The next event, or None when more bytes are needed. Answers SETTINGS and PING, and gives the connection's window
    /// back, by itself.
    pub fn next(&mut self, sender: &mut Sender) -> io::Result<Option<Event<'_>>> {
        loop {
            let have = &self.buffer[self.start..self.end];
            let Some(&[a, b, c, kind, flags, s0, s1, s2, s3]) = have.first_chunk::<9>() else { return Ok(None) };
            let len = u32::from_be_bytes([0, a, b, c]) as usize;
            if have.len() < 9 + len {
                return Ok(None);
            }
            let at = self.start + 9;
            self.start = at + len;
            let stream = u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]);
            let end = flags & END_STREAM != 0;
            match kind {
                DATA => {
                    self.unacknowledged += len as u32;
                    if self.unacknowledged >= self.window / 2 {
                        sender.window_update(0, std::mem::take(&mut self.unacknowledged));
                    }
                    let payload = unpadded(&self.buffer[at..at + len], flags);
                    return Ok(Some(Event::Data { stream, payload, end }));
                }
                HEADERS => {
                    let block = unpadded(&self.buffer[at..at + len], flags);
                    let block = if flags & 0x20 != 0 { block.get(5..).unwrap_or_default() } else { block };
                    if flags & END_HEADERS == 0 {
                        return Err(io::Error::other("a header block in several frames is not read"));
                    }
                    let mut grpc_status = None;
                    let decoded = self.hpack.decode_with_cb(block, |name, value| {
                        if *name == *b"grpc-status" {
                            grpc_status = std::str::from_utf8(&value).ok().and_then(|v| v.parse().ok());
                        }
                    });
                    decoded.map_err(|e| io::Error::other(format!("the server's header block: {e:?}")))?;
                    return Ok(Some(Event::Head { stream, grpc_status, end }));
                }
                RST_STREAM => return Ok(Some(Event::Reset { stream, code: number(&self.buffer[at..]) })),
                WINDOW_UPDATE if stream == 0 => sender.window += i64::from(number(&self.buffer[at..])),
                WINDOW_UPDATE => {
                    let more = number(&self.buffer[at..]).into();
                    return Ok(Some(Event::Window { stream, more }));
                }
                SETTINGS if flags & ACK == 0 => {
                    let before = sender.stream_window;
                    for setting in self.buffer[at..at + len].chunks_exact(6) {
                        let value = number(&setting[2..]);
                        // Both bytes of the identifier: gRPC's C core sends one of its own, 0xfe03.
                        match u16::from_be_bytes([setting[0], setting[1]]) {
                            0x3 => sender.max_streams = value as usize,
                            0x4 => sender.stream_window = value.into(),
                            0x5 => sender.max_frame = value as usize,
                            _ => {}
                        }
                    }
                    sender.ready = true;
                    sender.head(0, SETTINGS, ACK, 0);
                    return Ok(Some(Event::AllWindows { more: sender.stream_window - before }));
                }
                PING if flags & ACK == 0 => {
                    sender.head(len, PING, ACK, 0);
                    sender.out.extend_from_slice(&self.buffer[at..at + len]);
                }
                GOAWAY => {
                    let (code, debug) = (number(&self.buffer[at + 4..]), &self.buffer[at + 8..at + len]);
                    return Ok(Some(Event::GoAway { code, debug }));
                }
                CONTINUATION => return Err(io::Error::other("a header block in several frames is not read")),
                _ => {}
            }
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |b| u32::from_be_bytes(*b))
}

/// The payload without its padding (flag 0x8).
fn unpadded(payload: &[u8], flags: u8) -> &[u8] {
    match payload.split_first() {
        Some((&pad, rest)) if flags & 0x8 != 0 => &rest[..rest.len().saturating_sub(pad.into())],
        _ => payload,
    }
}

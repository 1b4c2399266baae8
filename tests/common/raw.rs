//! A client of bare frames, for what h2 neither sends nor shows: when each frame comes, and GOAWAY itself.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// Types of frames (RFC 9113, section 6).
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

/// Settings (RFC 9113, section 6.5.2).
pub const MAX_CONCURRENT_STREAMS: u16 = 3;
pub const INITIAL_WINDOW_SIZE: u16 = 4;
pub const MAX_HEADER_LIST_SIZE: u16 = 6;

/// Error codes (RFC 9113, section 7).
pub const NO_ERROR: u32 = 0;
pub const PROTOCOL_ERROR: u32 = 1;
pub const FLOW_CONTROL_ERROR: u32 = 3;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// Flags.
pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// A frame as it was on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose client decides about each frame.
pub struct Raw<IO = TcpStream> {
    pub stream: IO,
}

impl Raw {
    /// Connects, and says the preface with empty SETTINGS.
    pub async fn connect(address: SocketAddr) -> Raw {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Raw::begin(stream).await
    }
}

/// The next frame of a byte stream; `None` when the peer has closed.
pub async fn read_frame(io: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut head = [0; 9];
    io.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    io.read_exact(&mut payload).await.ok()?;
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
    Some(Frame { kind: head[3], flags: head[4], stream, payload })
}

/// The payload of SETTINGS.
pub fn settings_of(settings: &[(u16, u32)]) -> Vec<u8> {
    let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    settings.iter().flat_map(entry).collect()
}

/// A header field as a literal that is not indexed (RFC 7541, section 6.2.2). Both are shorter than 127 bytes.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0x00, name.len() as u8];
    block.extend_from_slice(name.as_bytes());
    block.push(value.len() as u8);
    block.extend_from_slice(value.as_bytes());
    block
}

/// The bytes of a frame.
pub fn bytes_of(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Raw<IO> {
    /// Says the preface with empty SETTINGS over `stream`.
    pub async fn begin(stream: IO) -> Raw<IO> {
        let mut raw = Raw { stream };
        raw.stream.write_all(PREFACE).await.unwrap();
        raw.send(SETTINGS, 0, 0, b"").await;
        raw
    }

    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.stream.write_all(&bytes_of(kind, flags, stream, payload)).await.unwrap();
    }

    /// The head of a proper call to `path`, without its end.
    pub async fn send_head(&mut self, stream: u32, path: &str) {
        self.send_head_with(stream, path, &[]).await;
    }

    /// The same with more fields.
    pub async fn send_head_with(&mut self, stream: u32, path: &str, fields: &[(&str, &str)]) {
        let mut block = vec![0x83, 0x86]; // :method: POST, :scheme: http (RFC 7541, appendix A)
        block.extend_from_slice(&[0x04, path.len() as u8]); // :path, literal
        block.extend_from_slice(path.as_bytes());
        for (name, value) in [("te", "trailers"), ("content-type", "application/grpc")].iter().chain(fields) {
            block.extend_from_slice(&field(name, value));
        }
        self.send(HEADERS, END_HEADERS, stream, &block).await;
    }

    /// The next frame; `None` when the server has closed.
    pub async fn next(&mut self) -> Option<Frame> {
        soon(self.next_whenever()).await
    }

    /// The next frame, however long it takes: for tests that stop the clock.
    pub async fn next_whenever(&mut self) -> Option<Frame> {
        read_frame(&mut self.stream).await
    }

    /// The next frame of this type.
    pub async fn next_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("the server closed before a frame of type {kind}"));
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Everything that the server sends until it has done what there was to do: it has then answered two PINGs. The
    /// first is read with what came before it, and what that caused is written before the answer to the second.
    pub async fn until_quiet(&mut self) -> Vec<Frame> {
        let mut seen = Vec::new();
        for number in 0..2_u64 {
            self.send(PING, 0, 0, &number.to_be_bytes()).await;
            loop {
                let frame = self.next().await.unwrap_or_else(|| panic!("the server closed after {seen:?}"));
                if (frame.kind, frame.flags, &frame.payload[..]) == (PING, ACK, &number.to_be_bytes()) {
                    break;
                }
                seen.push(frame);
            }
        }
        seen
    }

    /// The same, but the server may also close the connection.
    pub async fn until_quiet_or_closed(&mut self) -> Vec<Frame> {
        let mut seen = Vec::new();
        for number in 2..4_u64 {
            let _ = self.stream.write_all(&bytes_of(PING, 0, 0, &number.to_be_bytes())).await;
            while let Some(frame) = self.next().await {
                if (frame.kind, frame.flags, &frame.payload[..]) == (PING, ACK, &number.to_be_bytes()) {
                    break;
                }
                seen.push(frame);
            }
        }
        seen
    }
}

/// The frames of `stream`, by their types.
pub fn kinds(frames: &[Frame], stream: u32) -> Vec<u8> {
    frames.iter().filter(|frame| frame.stream == stream).map(|frame| frame.kind).collect()
}

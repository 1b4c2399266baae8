//! A server of bare frames over any byte stream, for what h2's server never does: answers without RST_STREAM, GOAWAY
//! with any code and last stream, silence at any moment.

use std::collections::HashMap;

use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::frame;
use super::raw::{
    self, ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, field,
};

const MOST: u32 = (1 << 31) - 1;

/// A connection whose server decides about each frame.
pub struct RawServer<IO> {
    io: IO,
    /// What has come of each request's body.
    bodies: HashMap<u32, Vec<u8>>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> RawServer<IO> {
    /// Reads the client's preface, and sends SETTINGS. `None` when the client is gone before.
    pub async fn accept(mut io: IO, settings: &[(u16, u32)]) -> Option<Self> {
        io.read_exact(&mut [0; raw::PREFACE.len()]).await.ok()?;
        let mut server = RawServer { io, bodies: HashMap::new() };
        server.settings(settings).await;
        Some(server)
    }

    /// Sends SETTINGS, the first ones or others later.
    pub async fn settings(&mut self, settings: &[(u16, u32)]) {
        self.send(SETTINGS, 0, 0, &raw::settings_of(settings)).await;
    }

    /// The same with flow-control windows that never fill.
    pub async fn accept_wide(io: IO, settings: &[(u16, u32)]) -> Option<Self> {
        let mut server = RawServer::accept(io, &[settings, &[(INITIAL_WINDOW_SIZE, MOST)]].concat()).await?;
        server.send(WINDOW_UPDATE, 0, 0, &(MOST - 65_535).to_be_bytes()).await;
        Some(server)
    }

    /// Sends a frame. That the client is gone shows when the next one is read.
    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let _ = self.io.write_all(&raw::bytes_of(kind, flags, stream, payload)).await;
    }

    /// The next frame; `None` when the client has closed. SETTINGS and PING are answered.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = raw::read_frame(&mut self.io).await?;
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => self.send(SETTINGS, ACK, 0, b"").await,
            PING if frame.flags & ACK == 0 => self.send(PING, ACK, 0, &frame.payload).await,
            _ => {}
        }
        Some(frame)
    }

    /// The stream of the next request, as soon as its head is there.
    pub async fn next_head(&mut self) -> Option<u32> {
        loop {
            let frame = self.next().await?;
            if frame.kind == HEADERS {
                return Some(frame.stream);
            }
        }
    }

    /// The next request that is whole: its stream and its body.
    pub async fn next_request(&mut self) -> Option<(u32, Vec<u8>)> {
        loop {
            let frame = self.next().await?;
            if let Some(body) = self.gather(&frame) {
                return Some((frame.stream, body));
            }
        }
    }

    /// Adds `frame` to its request's body, and gives that when it is whole.
    pub fn gather(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        if frame.kind == DATA {
            self.bodies.entry(frame.stream).or_default().extend_from_slice(&frame.payload);
        }
        let ends = matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0;
        ends.then(|| self.bodies.remove(&frame.stream).unwrap_or_default())
    }

    /// Sends the head of a response.
    pub async fn answer_head(&mut self, stream: u32) {
        self.send(HEADERS, END_HEADERS, stream, &response_head()).await;
    }

    /// Sends a response of one message.
    pub async fn answer(&mut self, stream: u32, message: &impl Message) {
        self.answer_head(stream).await;
        self.send(DATA, 0, stream, &frame(message)).await;
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &field("grpc-status", "0")).await;
    }

    /// Sends a response of a status alone.
    pub async fn refuse(&mut self, stream: u32, code: u32, message: &str) {
        self.refuse_with(stream, code, &[("grpc-message", message)]).await;
    }

    /// The same with more fields.
    pub async fn refuse_with(&mut self, stream: u32, code: u32, fields: &[(&str, &str)]) {
        let mut block = [response_head(), field("grpc-status", &code.to_string())].concat();
        fields.iter().for_each(|(name, value)| block.extend_from_slice(&field(name, value)));
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &block).await;
    }

    pub async fn reset(&mut self, stream: u32, code: u32) {
        self.send(RST_STREAM, 0, stream, &code.to_be_bytes()).await;
    }

    pub async fn go_away(&mut self, last: u32, code: u32, debug: &str) {
        let payload = [&last.to_be_bytes()[..], &code.to_be_bytes()[..], debug.as_bytes()].concat();
        self.send(GOAWAY, 0, 0, &payload).await;
    }

    /// Sends no more, as a server that closes, and reads until the client closes too.
    pub async fn close(&mut self) {
        let _ = self.io.shutdown().await;
        self.until_closed().await;
    }

    /// Reads what the client still sends, until it closes.
    pub async fn until_closed(&mut self) {
        while self.next().await.is_some() {}
    }
}

pub fn response_head() -> Vec<u8> {
    let mut block = vec![0x88]; // :status: 200 (RFC 7541, appendix A)
    block.extend_from_slice(&field("content-type", "application/grpc"));
    block
}

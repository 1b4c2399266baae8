//! A peer that sends whatever it likes on many connections, and never reads.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::raw::{ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PING, SETTINGS};

/// The frame that opens a flow-control window, and the setting for those of streams (RFC 9113, section 6).
const WINDOW_UPDATE: u8 = 8;
const INITIAL_WINDOW_SIZE: u16 = 4;

const MOST: u32 = (1 << 31) - 1;

/// What one connection sends after its greeting: bytes that are written in advance.
#[derive(Clone, Default)]
pub struct Script {
    pub bytes: Vec<u8>,
}

impl Script {
    /// The preface, and flow-control windows that never fill.
    fn greeting() -> Script {
        let mut script = Script { bytes: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec() };
        let window = [&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &MOST.to_be_bytes()].concat();
        script.frame(SETTINGS, 0, 0, &window);
        script.frame(WINDOW_UPDATE, 0, 0, &(MOST - 65_535).to_be_bytes());
        script
    }

    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
        self.bytes.extend_from_slice(&[kind, flags]);
        self.bytes.extend_from_slice(&stream.to_be_bytes());
        self.bytes.extend_from_slice(payload);
    }

    /// The head of a call.
    pub fn head(&mut self, stream: u32, path: &str) {
        let mut block = vec![0x83, 0x86, 0x04, path.len() as u8]; // POST, http, and the path (RFC 7541, appendix A)
        block.extend_from_slice(path.as_bytes());
        for (name, value) in [("te", "trailers"), ("content-type", "application/grpc")] {
            block.extend_from_slice(&[0x00, name.len() as u8]);
            block.extend_from_slice(name.as_bytes());
            block.push(value.len() as u8);
            block.extend_from_slice(value.as_bytes());
        }
        self.frame(HEADERS, END_HEADERS, stream, &block);
    }

    /// Bytes of a call's body, in as few frames as every server takes.
    pub fn data(&mut self, stream: u32, bytes: &[u8], ends: bool) {
        let mut left = bytes.chunks(16 * 1024).peekable();
        while let Some(piece) = left.next() {
            let flags = if ends && left.peek().is_none() { END_STREAM } else { 0 };
            self.frame(DATA, flags, stream, piece);
        }
    }

    /// Takes back what was granted: no stream may send a byte more, and none that is new.
    pub fn close_windows(&mut self) {
        self.frame(SETTINGS, 0, 0, &[&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &[0; 4]].concat());
    }
}

/// Connections that have sent their scripts, as far as the server took them, and are held open.
pub struct Held {
    pub streams: Vec<TcpStream>,
    /// How many bytes were sent in all.
    pub sent: usize,
}

/// Sends `script` on `count` connections, a hundred at a time. A server that takes no more is given up on after a while.
pub async fn attack(address: SocketAddr, count: usize, script: &Script) -> Held {
    let mut held = Held { streams: Vec::new(), sent: 0 };
    let mut running = JoinSet::new();
    for _ in 0..count {
        if running.len() == 100 {
            held.keep(running.join_next().await.unwrap().unwrap());
        }
        let bytes = script.bytes.clone();
        running.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&Script::greeting().bytes).await.unwrap();
            let mut sent = 0;
            // The server's windows count once it has told them, and has seen that they were read.
            if timeout(Duration::from_secs(30), greeted(&mut stream)).await.is_ok_and(|greeted| greeted.is_ok()) {
                while sent < bytes.len() {
                    match timeout(Duration::from_secs(1), stream.write(&bytes[sent..])).await {
                        Ok(Ok(written)) => sent += written,
                        Ok(Err(_)) | Err(_) => break,
                    }
                }
            }
            (stream, sent)
        });
    }
    while let Some(sent) = running.join_next().await {
        held.keep(sent.unwrap());
    }
    held
}

/// Reads the server's SETTINGS, which are acknowledged, and its window.
async fn greeted(stream: &mut TcpStream) -> std::io::Result<()> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await?;
        match (head[3], head[4]) {
            (SETTINGS, 0) => {
                let mut ack = Script::default();
                ack.frame(SETTINGS, ACK, 0, b"");
                stream.write_all(&ack.bytes).await?;
            }
            (WINDOW_UPDATE, _) => return Ok(()),
            _ => {}
        }
    }
}

impl Held {
    fn keep(&mut self, (stream, sent): (TcpStream, usize)) {
        self.streams.push(stream);
        self.sent += sent;
    }

    /// Reads what there is on each connection, for as long as it comes, and answers with PING ACKs to any PING.
    pub async fn read_some(&mut self) {
        let mut ack = Script::default();
        ack.frame(PING, ACK, 0, &[0; 8]);
        let mut room = vec![0; 64 * 1024];
        for stream in &mut self.streams {
            while let Ok(Ok(1..)) = timeout(Duration::from_millis(1), stream.read(&mut room)).await {}
            let _ = stream.try_write(&ack.bytes);
        }
    }
}

//! A connection that sends whatever it likes, and counts what the server says to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::frames::{ACK, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, settings};
use crate::common::raw::{PREFACE, read_frame};
use crate::common::{over, soon};
use crate::counted::Counted;

/// How long a server may take nothing until an attacker has filled all there is to fill.
pub const FULL: Duration = Duration::from_millis(500);

/// What stands in the PING that asks whether the server has read everything before it.
const ASKED: &[u8; 8] = b"all read";

/// What the server has said to an attacker.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many frames of each type, acknowledgements aside.
    pub frames: BTreeMap<u8, usize>,
    /// How many acknowledgements of each type.
    pub acks: BTreeMap<u8, usize>,
    /// How many RST_STREAM of each code.
    pub resets: BTreeMap<u32, usize>,
    /// The code of GOAWAY, and its words.
    pub goaway: Option<(u32, String)>,
    /// The longest header block.
    pub longest_head: usize,
    pub closed: bool,
    /// How many of our questions are answered.
    answered: usize,
}

impl Seen {
    pub fn count(&self, kind: u8) -> usize {
        self.frames.get(&kind).copied().unwrap_or_default()
    }

    /// Asserts that the server has sent GOAWAY with this code and these words.
    #[track_caller]
    pub fn was_sent_away(&self, code: u32, words: &str) {
        assert_eq!(self.goaway, Some((code, words.to_owned())), "{self:?}");
    }

    /// Asserts that the server found nothing wrong with the connection.
    #[track_caller]
    pub fn may_stay(&self) {
        assert!(self.goaway.is_none() && !self.closed, "{self:?}");
    }
}

/// The connection. Dropping it closes it.
pub struct Attacker {
    out: Counted<OwnedWriteHalf>,
    seen: watch::Receiver<Seen>,
    reader: JoinHandle<()>,
    asked: usize,
}

impl Attacker {
    /// Greets the server with these settings, and reads all the time.
    pub async fn connect(address: SocketAddr, with: &[(u16, u32)]) -> Attacker {
        let (out, input) = greet(address, with).await;
        let (seen, receiver) = watch::channel(Seen::default());
        Attacker { out, seen: receiver, reader: tokio::spawn(read(input, seen)), asked: 0 }
    }

    /// The same, but it never reads.
    pub async fn deaf(address: SocketAddr, with: &[(u16, u32)]) -> Attacker {
        let (out, input) = greet(address, with).await;
        let reader = tokio::spawn(async move {
            let _open = input;
            std::future::pending::<()>().await;
        });
        Attacker { out, seen: watch::channel(Seen::default()).1, reader, asked: 0 }
    }

    /// Sends some bytes. False when the server has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        soon(self.out.write_all(bytes)).await.is_ok()
    }

    /// Sends these bytes so many times, some of them at once, or fewer if the server closes the connection.
    pub async fn flood(&mut self, bytes: &[u8], times: usize) {
        let batch = (64 * 1024 / bytes.len()).clamp(1, times);
        let many = bytes.repeat(batch);
        for _ in 0..times.div_ceil(batch) {
            if !self.send(&many).await {
                return;
            }
        }
    }

    /// Sends these bytes so many times, or fewer if the server takes no more, or closes the connection: then true. This is
    /// for attackers that do not read.
    pub async fn fill(&mut self, bytes: &[u8], times: usize) -> bool {
        let many = bytes.repeat((64 * 1024 / bytes.len()).clamp(1, times));
        for _ in 0..times.div_ceil(many.len() / bytes.len()) {
            if !matches!(timeout(FULL, self.out.write_all(&many)).await, Ok(Ok(()))) {
                return true;
            }
        }
        false
    }

    /// What the server has said once it has done what there was to do, or has closed the connection. It has then answered
    /// two PINGs: the first is read with what came before it, and what that caused is written before the second answer.
    pub async fn all_read(&mut self) -> Seen {
        let mut seen = Seen::default();
        for _ in 0..2 {
            self.asked += 1;
            let asked = self.asked;
            self.send(&frame(PING, 0, 0, ASKED)).await;
            let answered = soon(self.seen.wait_for(|seen| seen.closed || seen.answered >= asked)).await;
            seen = answered.map(|seen| seen.clone()).unwrap_or_default();
        }
        seen
    }
}

impl Attacker {
    /// Waits until the server has answered `heads` calls in all, or has closed the connection. A turn of the server may
    /// end before it has answered all that it has read.
    pub async fn heads(&mut self, heads: usize) -> Seen {
        let answered = soon(self.seen.wait_for(|seen| seen.closed || seen.count(HEADERS) >= heads)).await;
        answered.map(|seen| seen.clone()).unwrap_or_default()
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A connection of h2 itself.
pub async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = Counted::connect(address).await;
    stream.0.set_nodelay(true).unwrap();
    over(stream, &h2::client::Builder::new()).await
}

/// A connection on which both sides know each other's settings, and the server has opened the connection's window.
async fn greet(address: SocketAddr, with: &[(u16, u32)]) -> (Counted<OwnedWriteHalf>, OwnedReadHalf) {
    let (mut input, out) = TcpStream::connect(address).await.unwrap().into_split();
    let mut out = Counted(out);
    soon(async {
        out.write_all(&[PREFACE, &settings(with)].concat()).await.unwrap();
        let mut kind = None;
        while kind != Some(WINDOW_UPDATE) {
            let next = read_frame(&mut input).await.unwrap();
            if next.kind == SETTINGS && next.flags & ACK == 0 {
                out.write_all(&frame(SETTINGS, ACK, 0, b"")).await.unwrap();
            }
            kind = Some(next.kind);
        }
    })
    .await;
    (out, input)
}

async fn read(mut input: OwnedReadHalf, seen: watch::Sender<Seen>) {
    let mut bytes = Vec::new();
    while input.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
        let mut frames = &bytes[..];
        let mut news = seen.borrow().clone();
        while let Some((head, payload, rest)) = split(frames) {
            news.note(head, payload);
            frames = rest;
        }
        bytes = frames.to_vec();
        seen.send_replace(news);
    }
    seen.send_modify(|seen| seen.closed = true);
}

/// The first frame, its head and its payload apart, and what stands behind it.
fn split(bytes: &[u8]) -> Option<([u8; 9], &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<9>()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((*head, payload, rest))
}

impl Seen {
    fn note(&mut self, head: [u8; 9], payload: &[u8]) {
        let [_, _, _, kind, flags, ..] = head;
        let code = |at| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        match kind {
            PING if flags & ACK != 0 && payload == ASKED => self.answered += 1,
            _ if kind != HEADERS && kind != 0 && flags & ACK != 0 => *self.acks.entry(kind).or_default() += 1,
            _ => *self.frames.entry(kind).or_default() += 1,
        }
        match kind {
            RST_STREAM => *self.resets.entry(code(0)).or_default() += 1,
            GOAWAY => self.goaway = Some((code(4), String::from_utf8_lossy(&payload[8..]).into_owned())),
            HEADERS => self.longest_head = self.longest_head.max(payload.len()),
            _ => {}
        }
    }
}

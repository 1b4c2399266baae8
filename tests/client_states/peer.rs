//! The server at the other end of a pipe: it sends what the test tells it to, and remembers what it saw.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use h2::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::common::raw::{
    ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, PING,
    PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, bytes_of, field, read_frame, settings_of,
};
use crate::common::raw_server::response_head;
use crate::common::{frame, text};
use crate::net::lock;

/// Room for everything that a row sends.
const WIDE: u32 = 1 << 24;

/// The server of one connection.
pub struct Peer {
    writer: AsyncMutex<WriteHalf<DuplexStream>>,
    cut: Mutex<Option<oneshot::Sender<()>>>,
    seen: Mutex<Seen>,
    /// Whether PINGs are not answered any more.
    is_mute: AtomicBool,
    /// Whether each request is answered at once.
    is_obliging: AtomicBool,
}

/// What a peer saw and did.
#[derive(Default)]
struct Seen {
    requests: BTreeMap<u32, Request>,
    goaway: Option<Reason>,
    is_closed: bool,
    /// How many bytes of its first SETTINGS it has sent. All of them are [`usize::MAX`].
    settings: usize,
}

#[derive(Default)]
struct Request {
    is_whole: bool,
    reset: Option<Reason>,
    head_sent: bool,
    messages_sent: usize,
    is_answered: bool,
}

impl Peer {
    pub fn new(writer: WriteHalf<DuplexStream>, cut: oneshot::Sender<()>) -> Self {
        Peer {
            writer: AsyncMutex::new(writer),
            cut: Mutex::new(Some(cut)),
            seen: Mutex::default(),
            is_mute: AtomicBool::new(false),
            is_obliging: AtomicBool::new(false),
        }
    }

    pub fn seen(&self) -> String {
        lock(&self.seen).to_string()
    }

    /// Whether the client has closed its end.
    pub fn is_closed(&self) -> bool {
        lock(&self.seen).is_closed
    }

    /// Reads until the client closes.
    pub async fn read(self: Arc<Self>, mut reader: ReadHalf<DuplexStream>) {
        if reader.read_exact(&mut [0; PREFACE.len()]).await.is_ok() {
            while let Some(frame) = read_frame(&mut reader).await {
                self.note(&frame);
                match frame.kind {
                    PING if frame.flags & ACK == 0 && !self.is_mute.load(Relaxed) => {
                        self.send(PING, ACK, 0, &frame.payload).await;
                    }
                    HEADERS | DATA if self.is_obliging.load(Relaxed) => self.answer_whole().await,
                    _ => {}
                }
            }
        }
        lock(&self.seen).is_closed = true;
    }

    fn note(&self, frame: &Frame) {
        let mut seen = lock(&self.seen);
        let code = |at: usize| {
            let bytes = frame.payload.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            Some(Reason::from(bytes.map_or(u32::MAX, u32::from_be_bytes)))
        };
        match frame.kind {
            HEADERS | DATA => seen.requests.entry(frame.stream).or_default().is_whole |= frame.flags & END_STREAM != 0,
            RST_STREAM => seen.requests.entry(frame.stream).or_default().reset = code(0),
            GOAWAY => seen.goaway = code(4),
            _ => {}
        }
    }

    /// The last stream that the client has opened.
    pub fn last_stream(&self) -> u32 {
        lock(&self.seen).requests.keys().last().copied().unwrap_or(0)
    }

    /// The last stream that waits for its answer.
    pub fn last_open(&self) -> u32 {
        let seen = lock(&self.seen);
        let open = seen.requests.iter().rev().find(|(_, request)| !request.is_answered && request.reset.is_none());
        *open.expect("an open stream").0
    }

    pub async fn bytes(&self, bytes: &[u8]) {
        // That the client is gone shows in what it sends.
        let _ = self.writer.lock().await.write_all(bytes).await;
    }

    pub async fn send(&self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.bytes(&bytes_of(kind, flags, stream, payload)).await;
    }

    /// Sends SETTINGS that allow so many streams, or what is left of the first ones.
    pub async fn settle(&self, limit: u32) {
        let sent = std::mem::replace(&mut lock(&self.seen).settings, usize::MAX);
        let bytes = settings(MAX_CONCURRENT_STREAMS, limit);
        self.bytes(bytes.get(sent..).unwrap_or(&bytes)).await;
        if sent != usize::MAX {
            self.send(SETTINGS, ACK, 0, b"").await;
        }
    }

    /// Sends the first bytes of the first SETTINGS.
    pub async fn begin_settings(&self, count: usize) {
        lock(&self.seen).settings = count;
        self.bytes(&settings(MAX_CONCURRENT_STREAMS, 100)[..count]).await;
    }

    pub async fn send_head(&self, stream: u32) {
        if !self.of(stream, |request| std::mem::replace(&mut request.head_sent, true)) {
            self.send(HEADERS, END_HEADERS, stream, &response_head()).await;
        }
    }

    pub async fn send_message(&self, stream: u32) {
        self.send_head(stream).await;
        self.of(stream, |request| request.messages_sent += 1);
        self.send(DATA, 0, stream, &frame(&text("answer"))).await;
    }

    /// Ends a response with OK, and has sent one message at least.
    pub async fn answer(&self, stream: u32) {
        if self.of(stream, |request| request.messages_sent == 0) {
            self.send_message(stream).await;
        }
        self.end(stream, 0, "").await;
    }

    /// Ends a response with a status, in a head of its own if none was sent.
    pub async fn end(&self, stream: u32, code: u32, message: &str) {
        let head_sent = self.of(stream, |request| {
            request.is_answered = true;
            request.head_sent
        });
        let mut fields = if head_sent { Vec::new() } else { response_head() };
        fields.extend(field("grpc-status", &code.to_string()));
        fields.extend(field("grpc-message", message));
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &fields).await;
    }

    pub async fn reset(&self, stream: u32, reason: Reason) {
        self.of(stream, |request| request.is_answered = true);
        self.send(RST_STREAM, 0, stream, &u32::from(reason).to_be_bytes()).await;
    }

    pub async fn go_away(&self, last: u32, reason: Reason, debug: &str) {
        let payload = [&last.to_be_bytes()[..], &u32::from(reason).to_be_bytes(), debug.as_bytes()].concat();
        self.send(GOAWAY, 0, 0, &payload).await;
    }

    /// Sends no more, as a server that closes.
    pub async fn close(&self) {
        let _ = self.writer.lock().await.shutdown().await;
    }

    pub fn cut(&self) {
        if let Some(cut) = lock(&self.cut).take() {
            let _ = cut.send(());
        }
    }

    pub fn mute(&self) {
        self.is_mute.store(true, Relaxed);
    }

    /// Answers everything that waits, and whatever comes.
    pub async fn oblige(&self) {
        self.is_obliging.store(true, Relaxed);
        self.is_mute.store(false, Relaxed);
        self.settle(100).await;
        self.bytes(&settings(INITIAL_WINDOW_SIZE, WIDE)).await;
        self.send(WINDOW_UPDATE, 0, 0, &WIDE.to_be_bytes()).await;
        self.answer_whole().await;
    }

    /// Answers each request that is whole.
    async fn answer_whole(&self) {
        let waits = |request: &Request| request.is_whole && !request.is_answered && request.reset.is_none();
        let requests: Vec<u32> = {
            let seen = lock(&self.seen);
            seen.requests.iter().filter(|(_, request)| waits(request)).map(|(stream, _)| *stream).collect()
        };
        for stream in requests {
            self.answer(stream).await;
        }
    }

    /// Looks at what is known of a request, or changes it.
    fn of<T>(&self, stream: u32, change: impl FnOnce(&mut Request) -> T) -> T {
        change(lock(&self.seen).requests.entry(stream).or_default())
    }
}

impl fmt::Display for Seen {
    /// `1` is a stream that was opened, `1.` one whose request was ended, `1!CANCEL` one that the client has reset.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (stream, Request { is_whole, reset, .. }) in &self.requests {
            let reset = reset.map(|reason| format!("!{reason:?}")).unwrap_or_default();
            parts.push(format!("{stream}{}{reset}", if *is_whole { "." } else { "" }));
        }
        parts.extend(
            self.goaway.filter(|reason| *reason != Reason::NO_ERROR).map(|reason| format!("GOAWAY {reason:?}")),
        );
        parts.extend(self.is_closed.then(|| "closed".to_owned()));
        f.write_str(&if parts.is_empty() { "nothing".to_owned() } else { parts.join(" ") })
    }
}

fn settings(setting: u16, value: u32) -> Vec<u8> {
    bytes_of(SETTINGS, 0, 0, &settings_of(&[(setting, value)]))
}

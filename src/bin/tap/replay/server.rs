//! The server that gets what a recorded client sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Direction, Event, Keep, Reader, Recorded, Transcript};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::plan::{LARGEST, Step, What, answers, frame};

/// A connection to the server, and what is known of it.
pub struct Server {
    writer: OwnedWriteHalf,
    arriving: mpsc::Receiver<Bytes>,
    reader: Reader,
    /// What has passed, both ways.
    pub recorded: Recorded,
    began: Instant,
    patience: Duration,
    /// How many answers came on each stream.
    answered: BTreeMap<u32, usize>,
    /// The streams that are over.
    over: BTreeSet<u32>,
    closed: bool,
}

const DATA: u8 = 0;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;

/// The server gets more window before less than this is left, so that it can say more than it said in the recording.
const LEAST: i64 = 32 * 1024;
const MORE: u32 = 1024 * 1024;

/// How many chunks of answers wait at most.
const WAITING: usize = 256;

impl Server {
    pub async fn connect(to: &str, patience: Duration) -> Result<Server, String> {
        let connected = timeout(patience, TcpStream::connect(to)).await;
        let connected = connected.map_err(|_| format!("no server at {to}: no answer within {patience:?}"))?;
        let stream =
            connected.map_err(|error| format!("no server at {to}: {error}; is it started, and is --to right?"))?;
        let _ = stream.set_nodelay(true);
        let (mut from, writer) = stream.into_split();
        let (sender, arriving) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut buffer = vec![0; LARGEST];
            while let Ok(taken @ 1..) = from.read(&mut buffer).await {
                if sender.send(Bytes::copy_from_slice(&buffer[..taken])).await.is_err() {
                    break;
                }
            }
        });
        Ok(Server {
            writer,
            arriving,
            reader: Reader::new(Arc::new(Types::default()), Keep::default()),
            recorded: Recorded::default(),
            began: Instant::now(),
            patience,
            answered: BTreeMap::new(),
            over: BTreeSet::new(),
            closed: false,
        })
    }

    /// Sends all steps, each when the server has said what it had said before it in the recording, and waits for the
    /// ends of the calls.
    pub async fn play(&mut self, steps: &[Step], before: &Transcript) -> Result<(), String> {
        for Step { stream, after, what } in steps {
            self.until(|server| server.is_over(*stream) || server.answered(*stream) >= *after).await?;
            if self.closed {
                break;
            }
            match what {
                _ if self.is_over(*stream) => {}
                What::Frames(bytes) => self.send(bytes).await?,
                What::Data(content, end) => self.data(*stream, content.clone(), *end).await?,
            }
        }
        let mut due: BTreeMap<u32, usize> = BTreeMap::new();
        for event in before.events.iter().filter(|event| event.direction == Direction::ToClient) {
            *due.entry(event.stream()).or_default() += answers(event);
        }
        for (stream, call) in &before.calls {
            let due = due.get(stream).copied().unwrap_or_default();
            let ended = call.ended.is_some();
            self.until(|server| server.is_over(*stream) || (!ended && server.answered(*stream) >= due)).await?;
        }
        Ok(())
    }

    fn answered(&self, stream: u32) -> usize {
        self.answered.get(&stream).copied().unwrap_or_default()
    }

    fn is_over(&self, stream: u32) -> bool {
        self.over.contains(&stream)
    }

    /// Sends the content of a DATA frame, as the server's windows allow.
    async fn data(&mut self, stream: u32, mut content: Bytes, end: bool) -> Result<(), String> {
        loop {
            let room = |server: &Server| {
                let windows = server.reader.windows(Direction::ToServer, stream);
                usize::try_from(windows.connection.min(windows.stream.unwrap_or_default())).unwrap_or(0)
            };
            if !content.is_empty() {
                self.until(|server| room(server) > 0 || server.is_over(stream)).await?;
            }
            if self.is_over(stream) || self.closed {
                return Ok(());
            }
            let room = room(self);
            if room == 0 && !content.is_empty() {
                return Err(format!("the server gives stream {stream} no window for {:?}", self.patience));
            }
            let piece = content.split_to(content.len().min(room).min(LARGEST));
            let last = content.is_empty();
            self.send(&frame(DATA, u8::from(end && last), stream, &piece)).await?;
            if last {
                return Ok(());
            }
        }
    }

    /// Reads until this holds, or the server has said nothing for too long, or has closed.
    async fn until(&mut self, holds: impl Fn(&Server) -> bool) -> Result<(), String> {
        while !self.closed && !holds(self) {
            match timeout(self.patience, self.arriving.recv()).await {
                Ok(Some(bytes)) => self.arrived(&bytes).await?,
                Ok(None) => self.closed = true,
                Err(_) => break,
            }
        }
        Ok(())
    }

    async fn arrived(&mut self, bytes: &Bytes) -> Result<(), String> {
        let at = self.now();
        self.recorded.push_at(Direction::ToClient, at, bytes);
        let events = self.reader.push(Direction::ToClient, at, bytes);
        for event in &events {
            self.heard(event);
            if let Some(answer) = self.answer(event) {
                self.send(&answer).await?;
            }
        }
        Ok(())
    }

    fn heard(&mut self, event: &Event) {
        if event.direction == Direction::ToClient {
            *self.answered.entry(event.stream()).or_default() += answers(event);
        }
        if let Some(call) = &event.ended {
            self.over.insert(call.stream);
        }
    }

    /// What a client must say to a frame.
    fn answer(&self, event: &Event) -> Option<Bytes> {
        let (said, stream) = (&event.frame, event.stream());
        match said.name() {
            "SETTINGS" if !said.has("ACK") => Some(frame(SETTINGS, ACK, 0, b"")),
            "PING" if !said.has("ACK") => Some(frame(PING, ACK, 0, &said.payload())),
            "DATA" => {
                let windows = self.reader.windows(Direction::ToClient, stream);
                let update = |stream| frame(WINDOW_UPDATE, 0, stream, &MORE.to_be_bytes());
                let connection = (windows.connection < LEAST).then(|| update(0));
                let own =
                    (windows.stream.is_some_and(|left| left < LEAST) && !self.is_over(stream)).then(|| update(stream));
                let both = [connection, own].into_iter().flatten().collect::<Vec<_>>().concat();
                Some(Bytes::from(both)).filter(|bytes| !bytes.is_empty())
            }
            _ => None,
        }
    }

    async fn send(&mut self, bytes: &Bytes) -> Result<(), String> {
        let at = self.now();
        self.recorded.push_at(Direction::ToServer, at, bytes);
        let events = self.reader.push(Direction::ToServer, at, bytes);
        events.iter().for_each(|event| self.heard(event));
        match timeout(self.patience, self.writer.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            // What it has said before that is read still.
            Ok(Err(_)) => {
                while let Ok(Some(bytes)) = timeout(self.patience, self.arriving.recv()).await {
                    let at = self.now();
                    self.recorded.push_at(Direction::ToClient, at, &bytes);
                }
                self.closed = true;
                Ok(())
            }
            Err(_) => Err(format!("the server takes no bytes for {:?}", self.patience)),
        }
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.began.elapsed().as_micros() as u64)
    }
}

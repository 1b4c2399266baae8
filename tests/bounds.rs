//! Bounds of a server that its other tests would not miss, one test each: for places, streams, frames and windows.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::raw::{
    ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, Raw, SETTINGS, bytes_of, kinds,
};
use common::{Running, Text, frame, limits, soon, text};
use h2grpc::call::{Inbound, IncomingCall, Request};
use h2grpc::limits::Limits;
use h2grpc::server::Server;
use h2grpc::service::{Handling, Method, Service};
use h2grpc::status::Status;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

h2grpc::service! {
    /// Calls that wait, and calls that do not.
    pub service Bounds("test.v1.Bounds") client BoundsClient {
        /// Many times the text.
        rpc Large  as large  (Text)        returns (Text);
        /// The number of texts.
        rpc Count  as count  (stream Text) returns (Text);
        /// Never reads, and never answers.
        rpc Ignore as ignore (stream Text) returns (Text);
    }
}

#[derive(Clone, Default)]
struct Handlers {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// One handler, as long as it runs.
struct Guard(Handlers);

impl Handlers {
    fn begin(&self) -> Guard {
        let running = self.running.fetch_add(1, Relaxed) + 1;
        self.most.fetch_max(running, Relaxed);
        Guard(self.clone())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

impl Bounds for Handlers {
    async fn large(&self, request: Request<Text>) -> Result<Text, Status> {
        Ok(text(request.message.text.repeat(10_000)))
    }

    async fn count(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        let _running = self.begin();
        let mut count = 0;
        while texts.next().await?.is_some() {
            count += 1;
        }
        Ok(text(count.to_string()))
    }

    async fn ignore(&self, _texts: Inbound<Text>) -> Result<Text, Status> {
        let _running = self.begin();
        std::future::pending().await
    }
}

/// A service by hand that never looks at a request: what comes of it stays where it is.
struct Deaf;

impl Service for Deaf {
    fn name(&self) -> &str {
        "test.v1.Deaf"
    }

    fn methods(&self) -> &[Method] {
        &[Method { name: "Wait", request: "Text", client_streaming: true, response: "Text", server_streaming: false }]
    }

    fn call(&self, call: IncomingCall) -> Handling<'_> {
        Box::pin(async move {
            let _unread = call;
            std::future::pending().await
        })
    }
}

const LARGE: &str = "/test.v1.Bounds/Large";
const COUNT: &str = "/test.v1.Bounds/Count";
const IGNORE: &str = "/test.v1.Bounds/Ignore";
const WAIT: &str = "/test.v1.Deaf/Wait";

fn start(change: impl FnOnce(&mut Limits)) -> (Running, Handlers) {
    let handlers = Handlers::default();
    let server = Server::new().add(handlers.clone().into_service()).add(Deaf);
    (Running::start(server.limits(limits(change))), handlers)
}

fn client(running: &Running) -> BoundsClient {
    BoundsClient::new(running.channel())
}

#[tokio::test]
async fn a_connection_beyond_max_connections_waits_until_another_has_left() {
    let (running, _) = start(|limits| limits.max_connections = 1);
    let first = client(&running);
    soon(first.large(text("."))).await.unwrap();
    let other = client(&running);
    let mut waiting = tokio::spawn(async move { other.large(text(".")).await.map(drop) });
    for _ in 0..200 {
        soon(first.large(text("."))).await.unwrap();
    }
    assert!(!waiting.is_finished(), "the second of one connection was served");
    drop(first);
    soon(&mut waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_beyond_those_of_its_address_is_turned_away_with_a_reason_and_another_may_come_when_one_has_left()
{
    let (running, _) = start(|limits| limits.max_connections_per_address = 2);
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(running.address).await;
        raw.until_quiet().await;
        open.push(raw);
    }
    // Nothing is sent, so that the answer can't be lost in a reset.
    let mut refused = Raw { stream: TcpStream::connect(running.address).await.unwrap() };
    assert_eq!(soon(refused.next()).await.unwrap().kind, SETTINGS);
    let goaway = soon(refused.next()).await.unwrap();
    let reason = [&b"\0\0\0\0\0\0\0\x0b"[..], b"too many connections from this address"].concat();
    assert_eq!((goaway.kind, goaway.payload), (GOAWAY, reason));
    assert_eq!(soon(refused.next()).await, None);
    open.pop();
    soon(async {
        let welcome = || async {
            let mut raw = Raw { stream: TcpStream::connect(running.address).await.unwrap() };
            raw.stream.write_all(&[PREFACE, &bytes_of(SETTINGS, 0, 0, b"")].concat()).await.ok()?;
            while let Some(frame) = raw.next().await {
                match (frame.kind, frame.flags) {
                    (GOAWAY, _) => return None,
                    (SETTINGS, ACK) => return Some(raw),
                    _ => {}
                }
            }
            None
        };
        while welcome().await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_beyond_max_concurrent_streams_is_refused_and_the_others_and_the_connection_live() {
    let (running, handlers) = start(|limits| limits.max_concurrent_streams = 2);
    let mut raw = Raw::connect(running.address).await;
    for stream in [1, 3, 5] {
        raw.send_head(stream, COUNT).await;
    }
    let seen = raw.until_quiet().await;
    assert_eq!((kinds(&seen, 1), kinds(&seen, 3), kinds(&seen, 5)), (vec![], vec![], vec![RST_STREAM]), "{seen:?}");
    let reset = seen.iter().find(|frame| frame.stream == 5).unwrap();
    assert_eq!(reset.payload, b"\0\0\0\x07", "REFUSED_STREAM (RFC 9113, section 7)");
    assert_eq!(handlers.most.load(Relaxed), 2);
    raw.send(DATA, END_STREAM, 1, &frame(&text(""))).await;
    assert_eq!(raw.next_of(HEADERS).await.stream, 1);
    raw.until_quiet().await;
    raw.send_head(7, COUNT).await;
    raw.send(DATA, END_STREAM, 7, b"").await;
    assert_eq!(raw.next_of(HEADERS).await.stream, 7, "there is a place again");
}

#[tokio::test]
async fn calls_that_are_reset_leave_no_handler_running() {
    let (running, handlers) = start(|_| ());
    let mut raw = Raw::connect(running.address).await;
    // CVE-2023-44487: as many as one likes, since a reset makes room for the next. Some are reset at once; h2 takes more than 20 of
    // those in a burst for an attack, and ends the connection.
    for round in 0..20 {
        let streams: Vec<u32> = (0..50).map(|call| 2 * (50 * round + call) + 1).collect();
        let (later, at_once) = streams.split_at(40);
        for &stream in later {
            raw.send_head(stream, IGNORE).await;
        }
        for &stream in at_once {
            raw.send_head(stream, IGNORE).await;
            raw.send(RST_STREAM, 0, stream, b"\0\0\0\x08").await;
        }
        raw.until_quiet().await; // the handlers have begun
        for &stream in later {
            raw.send(RST_STREAM, 0, stream, b"\0\0\0\x08").await;
        }
    }
    raw.until_quiet().await;
    assert!((40..=100).contains(&handlers.most.load(Relaxed)), "{} handlers at once", handlers.most.load(Relaxed));
    assert_eq!(handlers.running.load(Relaxed), 0, "handlers run on for calls that were reset");
    soon(client(&running).large(text("."))).await.unwrap();
}

#[tokio::test]
async fn late_frames_of_calls_that_the_server_has_ended_are_no_errors() {
    let (running, _) = start(|_| ());
    let mut raw = Raw::connect(running.address).await;
    let streams: Vec<u32> = (0..20).map(|call| 2 * call + 1).collect();
    for &stream in &streams {
        raw.send_head(stream, COUNT).await;
        // A frame with a flag that means nothing: the handler ends the call, and the server resets the stream.
        raw.send(DATA, 0, stream, b"\x07\0\0\0\0").await;
    }
    let seen = raw.until_quiet().await;
    assert!(streams.iter().all(|&stream| kinds(&seen, stream).contains(&HEADERS)), "{seen:?}");
    for &stream in &streams {
        raw.send(DATA, 0, stream, b"late").await;
        raw.send(DATA, END_STREAM, stream, b"later").await;
    }
    let seen = raw.until_quiet().await;
    assert!(seen.iter().all(|frame| ![RST_STREAM, GOAWAY].contains(&frame.kind)), "{seen:?}");
}

#[tokio::test]
async fn small_frames_for_a_stream_whose_handler_does_not_read_are_kept_together_and_cost_nothing() {
    let (running, _) = start(|limits| limits.small_frame_budget = 50_000);
    let mut raw = Raw::connect(running.address).await;
    raw.send_head(1, IGNORE).await;
    for _ in 0..100 {
        raw.stream.write_all(&bytes_of(DATA, 0, 1, b"\0").repeat(50)).await.unwrap();
        let seen = raw.until_quiet().await;
        assert!(seen.iter().all(|frame| frame.kind != GOAWAY), "{seen:?}");
    }
}

#[tokio::test]
async fn small_frames_that_nobody_reads_end_their_connection_when_their_budget_is_spent() {
    let (running, _) = start(|limits| limits.small_frame_budget = 50_000);
    let mut raw = Raw::connect(running.address).await;
    raw.send_head(1, WAIT).await;
    let mut sent = 0;
    let code = 'flood: loop {
        assert!(sent < 10_000, "{sent} frames of a byte are held");
        for _ in 0..20 {
            if raw.stream.write_all(&bytes_of(DATA, 0, 1, b"\0")).await.is_err() {
                break;
            }
            sent += 1;
        }
        // It may be closed already: what it said before that is read.
        let _ = raw.stream.write_all(&bytes_of(PING, 0, 0, b"and then")).await;
        while let Some(frame) = raw.next().await {
            match frame.kind {
                PING => continue 'flood,
                GOAWAY => break 'flood frame.payload[7],
                _ => {}
            }
        }
        panic!("closed without GOAWAY after {sent} frames");
    };
    assert_eq!(code, 11, "ENHANCE_YOUR_CALM (RFC 9113, section 7)");
    assert!((190..=260).contains(&sent), "{sent} frames of a byte count for 255 bytes each");
}

#[tokio::test]
async fn a_header_list_that_is_far_beyond_its_limit_ends_the_connection() {
    let (running, _) = start(|_| ());
    let mut raw = Raw::connect(running.address).await;
    // An HPACK bomb: a field of 3,900 bytes is put into the table once, and named in a byte each time (RFC 7541, 6.1, 6.2.1).
    let stored = [&b"\x40\x01x\x7f\xbd\x1d"[..], &[b'x'; 3900]].concat();
    let block = [&b"\x83\x86\x84"[..], &stored, &[0xbe; 30]].concat();
    raw.send(HEADERS, END_HEADERS, 1, &block).await;
    let goaway = raw.next_of(GOAWAY).await;
    assert_eq!(goaway.payload[4..8], *b"\0\0\0\x0b", "ENHANCE_YOUR_CALM (RFC 9113, section 7)");
}

#[tokio::test]
async fn bytes_beyond_the_window_of_a_call_reset_that_call_alone() {
    let (running, _) = start(|limits| limits.stream_window = 20_000);
    let mut raw = Raw::connect(running.address).await;
    raw.next_of(SETTINGS).await;
    raw.send(SETTINGS, ACK, 0, b"").await; // until then the server's window is the 65,535 that every peer begins with
    raw.send_head(1, IGNORE).await;
    raw.send_head(3, COUNT).await;
    for _ in 0..2 {
        raw.send(DATA, 0, 1, &[0; 16_000]).await;
    }
    let reset = raw.next_of(RST_STREAM).await;
    assert_eq!((reset.stream, &reset.payload[..]), (1, &b"\0\0\0\x03"[..]), "FLOW_CONTROL_ERROR (RFC 9113, section 7)");
    raw.send(DATA, END_STREAM, 3, &frame(&text(""))).await;
    assert_eq!(raw.next_of(HEADERS).await.stream, 3, "the other call is answered");
}

#[tokio::test]
async fn bytes_beyond_the_window_of_a_connection_end_it() {
    let (running, _) = start(|limits| limits.connection_window = 65_535);
    let mut raw = Raw::connect(running.address).await;
    raw.send_head(1, IGNORE).await;
    for _ in 0..5 {
        raw.send(DATA, 0, 1, &[0; 16_000]).await;
    }
    let goaway = raw.next_of(GOAWAY).await;
    assert_eq!(goaway.payload[4..8], *b"\0\0\0\x03", "FLOW_CONTROL_ERROR (RFC 9113, section 7)");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_call_whose_last_answer_waits_for_the_window() {
    let (mut io, server) = tokio::io::duplex(64 * 1024);
    tokio::spawn(common::pipes::serve(Server::new().add(Handlers::default().into_service()), server));
    io.write_all(PREFACE).await.unwrap();
    let mut raw = Raw { stream: io };
    raw.send(SETTINGS, 0, 0, b"\x00\x04\x00\x00\x00\x00").await; // INITIAL_WINDOW_SIZE: none
    raw.send_head_with(1, LARGE, &[("grpc-timeout", "3S")]).await;
    raw.send(DATA, END_STREAM, 1, &frame(&text("much"))).await;
    let begin = tokio::time::Instant::now();
    let reset = raw.next_of(RST_STREAM).await;
    assert_eq!((reset.stream, &reset.payload[..]), (1, &b"\0\0\0\x08"[..]), "CANCEL");
    assert_eq!(begin.elapsed().as_secs(), 3);
}

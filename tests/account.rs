//! What a server does as the memory for its clients grows scarce, step by step: windows shrink, new calls are refused, and
//! in the end the connection leaves that holds most and moves least.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use common::raw::{
    ACK, DATA, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, PREFACE, Raw, SETTINGS, WINDOW_UPDATE, bytes_of,
    settings_of,
};
use common::{Answer, Running, Text, call, connect, connect_with, frame, head, limits, read, soon, text};
use h2::client::SendRequest;
use h2grpc::call::{Charge, Inbound, Outbound, Request};
use h2grpc::limits::{Limits, SEND_BUFFER, WRITE_BUFFER};
use h2grpc::server::Server;
use h2grpc::status::Status;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::sleep;

h2grpc::service! {
    /// Calls that hold memory, and calls that do not.
    pub service Holds("test.v1.Holds") client HoldsClient {
        /// Charges as many bytes as the text says, answers, and holds them as long as it lasts.
        rpc Hold  as hold  (Text)        returns (stream Text);
        /// The number of texts.
        rpc Count as count (stream Text) returns (Text);
        /// Answers without end.
        rpc Pour  as pour  (Text)        returns (stream Text);
        /// Reads one text and answers. It reads the others, and tells their number, when it is told to.
        rpc Keep  as keep  (stream Text) returns (stream Text);
    }
}

#[derive(Clone, Default)]
struct Handlers {
    poured: Arc<AtomicUsize>,
    may_read: Arc<watch::Sender<bool>>,
}

impl Holds for Handlers {
    async fn hold(&self, request: Request<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        let bytes = request.message.text.parse().map_err(|_| Status::invalid_argument("expected a number of bytes"))?;
        let _held: Charge = request.context.charge(bytes)?;
        answers.send(text("held")).await?;
        std::future::pending().await
    }

    async fn count(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        let mut count = 0;
        while texts.next().await?.is_some() {
            count += 1;
        }
        Ok(text(count.to_string()))
    }

    async fn pour(&self, _request: Request<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        loop {
            answers.send(text("x".repeat(1000))).await?;
            self.poured.fetch_add(1000, Relaxed);
        }
    }

    async fn keep(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        let mut count = u32::from(texts.next().await?.is_some());
        answers.send(text("one")).await?;
        let mut may_read = self.may_read.subscribe();
        may_read.wait_for(|may| *may).await.map_err(|_| Status::cancelled("the test is over"))?;
        while let Some(text) = texts.next().await? {
            count += 1;
            if text.text.is_empty() {
                break;
            }
        }
        drop(texts);
        answers.send(text(count.to_string())).await?;
        std::future::pending().await
    }
}

const HOLD: &str = "/test.v1.Holds/Hold";
const COUNT: &str = "/test.v1.Holds/Count";
const POUR: &str = "/test.v1.Holds/Pour";
const KEEP: &str = "/test.v1.Holds/Keep";

const KIB: usize = 1024;

fn start(change: impl FnOnce(&mut Limits)) -> (Running, Handlers) {
    let handlers = Handlers::default();
    (Running::start(Server::new().add(handlers.clone().into_service()).limits(limits(change))), handlers)
}

/// A call that holds `bytes`: dropped, it ends.
async fn hold(requests: &mut SendRequest<Bytes>, bytes: usize) -> h2::RecvStream {
    let (response, mut stream) = requests.send_request(head(HOLD).body(()).unwrap(), false).unwrap();
    stream.send_data(frame(&text(bytes.to_string())), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert!(soon(body.data()).await.is_some(), "the call that holds {bytes} bytes has failed");
    *requests = soon(requests.clone().ready()).await.unwrap();
    body
}

/// A call whose handler has read the first text, which came by itself, and nothing of the `rest`. None if it was refused.
async fn keep(
    requests: &mut SendRequest<Bytes>, first: &Bytes, rest: &Bytes,
) -> Option<(h2::SendStream<Bytes>, h2::RecvStream)> {
    let (response, mut stream) = requests.send_request(head(KEEP).body(()).unwrap(), false).unwrap();
    stream.send_data(first.clone(), false).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await?.unwrap(), frame(&text("one")));
    stream.send_data(rest.clone(), false).unwrap();
    *requests = soon(requests.clone().ready()).await.unwrap();
    Some((stream, body))
}

/// Waits until a call is answered with `code`.
async fn until_counts(requests: &mut SendRequest<Bytes>, code: u32) {
    soon(async {
        while count(requests).await.code() != code {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn count(requests: &mut SendRequest<Bytes>) -> Answer {
    soon(call(requests, head(COUNT).body(()).unwrap(), [frame(&text("one"))])).await.unwrap()
}

#[tokio::test]
async fn new_calls_of_a_connection_that_has_three_quarters_of_its_memory_are_refused_with_push_back() {
    let (running, _) = start(|limits| limits.connection_memory = 1024 * KIB);
    let mut requests = connect(running.address).await;
    let held = hold(&mut requests, 800 * KIB).await;
    let refused = count(&mut requests).await;
    assert!(refused.trailers_only, "{refused:?}");
    assert_eq!((refused.code(), refused.trailer("grpc-retry-pushback-ms")), (8, "1000"), "{refused:?}");
    assert!(refused.trailer("grpc-message").contains("memory"), "{refused:?}");
    assert_eq!(count(&mut connect(running.address).await).await.code(), 0, "a call on another connection");
    drop(held);
    until_counts(&mut requests, 0).await;
}

#[tokio::test]
async fn what_came_for_handlers_that_do_not_read_is_charged_until_it_is_read_or_they_need_no_more() {
    let (running, handlers) = start(|limits| limits.connection_memory = 1024 * KIB);
    let mut requests = connect(running.address).await;
    assert_eq!(count(&mut requests).await.code(), 0);
    let texts = frame(&text("x".repeat(995))).repeat(220);
    // One that ends its reading, and behind it so much as it was sent before.
    let rest = [&texts[..], &frame(&text("")), &texts[..1000]].concat().into();
    let mut kept = Vec::new();
    for _ in 0..4 {
        kept.push(keep(&mut requests, &frame(&text("first")), &rest).await.expect("there is memory"));
    }
    until_counts(&mut requests, 8).await;
    handlers.may_read.send_replace(true);
    for (_, body) in &mut kept {
        assert_eq!(soon(body.data()).await.unwrap().unwrap(), frame(&text("222")));
    }
    until_counts(&mut requests, 0).await;
}

#[tokio::test]
async fn answers_that_wait_for_the_window_are_charged() {
    let (running, _) = start(|limits| limits.connection_memory = 1024 * KIB);
    let mut requests = connect_with(running.address, h2::client::Builder::new().initial_window_size(0)).await;
    let mut calls = Vec::new();
    while calls.len() < 50 {
        let (response, mut stream) = requests.send_request(head(POUR).body(()).unwrap(), false).unwrap();
        stream.send_data(frame(&text("")), true).unwrap();
        let body = soon(response).await.unwrap().into_body();
        if body.is_end_stream() {
            break;
        }
        calls.push(body);
        requests = soon(requests.ready()).await.unwrap();
    }
    assert!((15..40).contains(&calls.len()), "{} calls were begun", calls.len());
}

#[tokio::test]
async fn a_handler_that_stops_in_the_middle_of_a_chunk_is_charged_for_it_unless_it_is_short() {
    for (rest, is_charged) in [(100, false), (16_000, true)] {
        let (running, _) = start(|limits| limits.connection_memory = 2048 * KIB);
        let mut requests = connect(running.address).await;
        let first = [&frame(&text("first"))[..], &frame(&text("x".repeat(rest)))[..rest]].concat().into();
        let mut kept = Vec::new();
        while kept.len() < 80
            && let Some(call) = keep(&mut requests, &first, &Bytes::new()).await
        {
            kept.push(call);
        }
        assert_eq!(kept.len() < 80, is_charged, "{} calls with {rest} bytes each", kept.len());
    }
}

#[tokio::test]
async fn the_window_shrinks_before_any_call_is_refused() {
    let (running, _) = start(|limits| limits.connection_memory = 1024 * KIB);
    // What two calls send: more than half of the connection's window, of which it would be given more by then.
    let parts = vec![frame(&text("x".repeat(10_000))); 60];
    for (held, is_given_more) in [(0, true), (600 * KIB, false)] {
        let mut raw = Raw::connect(running.address).await;
        raw.next_of(SETTINGS).await;
        raw.send(SETTINGS, ACK, 0, b"").await; // until then the windows of calls are those that every peer begins with
        raw.send_head(1, HOLD).await;
        raw.send(DATA, END_STREAM, 1, &frame(&text(held.to_string()))).await;
        raw.next_of(DATA).await;
        let mut given = 0;
        for stream in [3, 5] {
            raw.send_head(stream, COUNT).await;
            for part in &parts {
                raw.send(DATA, 0, stream, part).await;
            }
            raw.send(DATA, END_STREAM, stream, b"").await;
            // It is counted, and answered: not refused.
            loop {
                let seen = soon(raw.next()).await.unwrap();
                match seen.kind {
                    WINDOW_UPDATE if seen.stream == 0 => given += 1,
                    DATA if seen.stream == stream => break,
                    HEADERS => assert!(!seen.payload.ends_with(b"8"), "{seen:?}"),
                    _ => {}
                }
            }
        }
        assert_eq!(given > 0, is_given_more, "{held} bytes are held");
    }
}

#[tokio::test]
async fn a_charge_beyond_the_memory_of_a_connection_ends_its_call_alone() {
    let (running, _) = start(|limits| limits.connection_memory = 1024 * KIB);
    let mut requests = connect(running.address).await;
    let too_much = call(&mut requests, head(HOLD).body(()).unwrap(), [frame(&text("1048576"))]);
    let answer = soon(too_much).await.unwrap();
    assert_eq!(answer.code(), 8);
    let told = answer.trailer("grpc-message");
    assert!(told.contains("limit of 1048576") && told.contains("connection_memory"), "{told}");
    assert_eq!(count(&mut requests).await.code(), 0);
}

#[tokio::test]
async fn a_message_beyond_the_memory_of_a_connection_ends_its_call_alone() {
    let (running, _) = start(|limits| limits.connection_memory = 1024 * KIB);
    let mut requests = connect(running.address).await;
    let (response, mut stream) = requests.send_request(head(COUNT).body(()).unwrap(), false).unwrap();
    stream.send_data(frame(&text("x".repeat(3000 * KIB))).slice(..2000 * KIB), false).unwrap();
    assert_eq!(soon(read(response)).await.unwrap().code(), 8);
    drop(stream);
    let mut requests = soon(requests.ready()).await.unwrap();
    assert_eq!(count(&mut requests).await.code(), 0);
}

/// Sends PINGs, whose answers are read, until the server says goodbye; the error code that it says.
async fn pings_until_goodbye(mut raw: Raw) -> u8 {
    loop {
        // It may be closed already: what it said before that is read.
        let _ = raw.stream.write_all(&bytes_of(PING, 0, 0, b"still on")).await;
        loop {
            let frame = raw.next().await.expect("GOAWAY comes before the end");
            match frame.kind {
                GOAWAY => return frame.payload[7],
                PING => break,
                _ => {}
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_holds_for_long_and_takes_nothing_leaves_with_enhance_your_calm_though_it_answers_pings() {
    // 2 MiB are handed out, of which a connection may have a quarter.
    let (running, _) = start(|limits| limits.memory = Some(4096 * KIB));
    let mut idle = Raw::connect(running.address).await;
    idle.send(SETTINGS, 0, 0, &settings_of(&[(INITIAL_WINDOW_SIZE, 0)])).await;
    idle.send_head(1, HOLD).await;
    idle.send(DATA, END_STREAM, 1, &frame(&text((370 * KIB).to_string()))).await;
    idle.next_of(HEADERS).await;
    let goodbye = tokio::spawn(pings_until_goodbye(idle));
    sleep(Duration::from_secs(3)).await;
    assert!(!goodbye.is_finished(), "nobody needs the memory yet");
    let mut others = Vec::new();
    for _ in 0..4 {
        let mut requests = connect(running.address).await;
        let held = hold(&mut requests, 375 * KIB).await;
        others.push((requests, held));
    }
    assert_eq!(soon(goodbye).await.unwrap(), 11, "ENHANCE_YOUR_CALM (RFC 9113, section 7)");
    for (requests, _held) in &mut others {
        // Each holds more, but not for as long. New calls may be refused, but their connections stay.
        assert!([0, 8].contains(&count(requests).await.code()));
    }
}

#[tokio::test]
async fn what_http2_holds_of_a_call_whose_answers_are_not_read_is_bounded() {
    let handlers = Handlers::default();
    let (mut io, server) = tokio::io::duplex(KIB);
    tokio::spawn(common::pipes::serve(Server::new().add(handlers.clone().into_service()), server));
    io.write_all(PREFACE).await.unwrap();
    let mut raw = Raw { stream: io };
    raw.send(SETTINGS, 0, 0, &settings_of(&[(INITIAL_WINDOW_SIZE, (1 << 31) - 1)])).await;
    raw.send(WINDOW_UPDATE, 0, 0, &((1_u32 << 31) - 1 - 65_535).to_be_bytes()).await;
    raw.send_head(1, POUR).await;
    raw.send(DATA, END_STREAM, 1, &frame(&text(""))).await;
    let mut before = usize::MAX;
    soon(async {
        // Until no more is sent.
        while before != handlers.poured.load(Relaxed) || before == 0 {
            before = handlers.poured.load(Relaxed);
            sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    let most = SEND_BUFFER + WRITE_BUFFER + 64 * KIB;
    assert!((SEND_BUFFER..=most).contains(&before), "{before} bytes are held, expected up to {most}");
}

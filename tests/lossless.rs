//! What a client must not lose: calls while a connection is dialled, replaced, refused, full, silent or killed. Each
//! test is named after the fault that it keeps away.
//!
//! The peers are at the other ends of pipes in memory, and the clock is stopped: time passes only while everybody waits.

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::pipes::{self, Dials};
use common::raw::{
    ACK, DATA, END_HEADERS, ENHANCE_YOUR_CALM, Frame, GOAWAY, HEADERS, MAX_CONCURRENT_STREAMS, NO_ERROR, PING,
    PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, WINDOW_UPDATE, field,
};
use common::raw_server::{RawServer, response_head};
use common::{Text, checked, soon, text};
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use h2grpc::call::{CallContext, CallOptions, Inbound, Outbound, Request};
use h2grpc::client::Channel;
use h2grpc::limits::{ClientLimits, Limits};
use h2grpc::metadata::Metadata;
use h2grpc::policy::{Balance, MethodConfig, ServiceConfig};
use h2grpc::server::{Server, listen};
use h2grpc::status::Status;
use h2grpc::wire::Code;
use prost::Message;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

h2grpc::service! {
    /// Says back what is said.
    service Echo("test.v1.Echo") client EchoClient {
        rpc Say  as say  (Text)        returns (Text);
        rpc Join as join (stream Text) returns (Text);
        rpc Chat as chat (stream Text) returns (stream Text);
    }
}

#[derive(Clone)]
struct Parrot;

impl Echo for Parrot {
    /// Says it back. "fail": fails with metadata in head and trailers. "slow": after three seconds. "left": says how
    /// much time the caller has given, in milliseconds.
    async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
        match request.message.text.as_str() {
            "fail" => fail(&request.context),
            "slow" => {
                sleep(Duration::from_secs(3)).await;
                Ok(request.message)
            }
            "left" => {
                let left = request.context.deadline().map(|deadline| deadline - Instant::now());
                Ok(text(left.unwrap_or_default().as_millis().to_string()))
            }
            _ => Ok(request.message),
        }
    }

    async fn join(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        let context = texts.context().clone();
        while texts.next().await?.is_some() {}
        fail(&context)
    }

    async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        while let Some(next) = texts.next().await? {
            answers.send(next).await?;
        }
        Ok(())
    }
}

fn fail(context: &CallContext) -> Result<Text, Status> {
    let (mut head, mut trailers) = (Metadata::new(), Metadata::new());
    head.insert("where", "head")?;
    head.insert("of-head", "1")?;
    trailers.insert("where", "trailers")?;
    trailers.insert("of-trailers", "1")?;
    context.respond_with(&head)?;
    context.send_head()?;
    context.end_with(&trailers);
    Err(Status::failed_precondition("as asked"))
}

fn within(time: Duration) -> CallOptions {
    CallOptions::new().timeout(time)
}

/// A client of raw servers: `serve` gets each connection with its number.
fn raw<Fut: Future<Output = Option<()>> + Send + 'static>(
    serve: impl Fn(usize, DuplexStream) -> Fut + Send + Sync + 'static,
) -> (EchoClient, Dials) {
    let (channel, dials) = pipes::raw(serve);
    (EchoClient::new(channel), dials)
}

/// The first word of the message in a request's body.
fn first_word(body: &[u8]) -> String {
    let message = Text::decode(&body[5..]).unwrap();
    message.text.split(' ').next().unwrap().to_owned()
}

/// Answers each request with its first word until the client closes.
async fn answer_all(server: &mut RawServer<DuplexStream>) -> Option<()> {
    loop {
        let (stream, body) = server.next_request().await?;
        server.answer(stream, &text(first_word(&body))).await;
    }
}

fn code<T>(result: &Result<T, Status>) -> Code {
    result.as_ref().map_or_else(|status| status.code(), |_| Code::OK)
}

// ---- Dialling.

#[tokio::test(start_paused = true)]
async fn failed_handshake_keeps_the_kind_of_its_error_for_the_calls_source() {
    let connect = || async { std::io::Result::Ok(tokio::io::duplex(64).0) };
    let channel =
        checked::calling(Channel::with_connector("test.invalid:1".parse().unwrap(), ClientLimits::default(), connect));
    let status = soon(EchoClient::new(channel).say(text("hello"))).await.unwrap_err();
    let source = std::error::Error::source(&status).and_then(|source| source.downcast_ref::<std::io::Error>());
    assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::BrokenPipe), "{status:?}");
}

#[tokio::test(start_paused = true)]
async fn dial_that_is_slower_than_the_deadlines_is_finished_and_serves_later_calls() {
    let dials = Dials::default();
    let told = dials.clone();
    let connect = move || {
        told.add();
        async {
            sleep(Duration::from_millis(300)).await;
            let (client, server) = tokio::io::duplex(64 * 1024);
            tokio::spawn(pipes::serve(Server::new().add(Parrot.into_service()), server));
            std::io::Result::Ok(client)
        }
    };
    let channel =
        checked::calling(Channel::with_connector("test.invalid:1".parse().unwrap(), ClientLimits::default(), connect));
    let client = EchoClient::new(channel).with(within(Duration::from_millis(200)));
    let mut codes = Vec::new();
    for _ in 0..10 {
        codes.push(code(&soon(client.say(text("hello"))).await));
    }
    assert_eq!(codes[0], Code::DEADLINE_EXCEEDED, "the dial takes longer than its deadline");
    assert!(codes[1..].iter().all(|code| *code == Code::OK), "{codes:?}");
    assert_eq!(dials.count(), 1);
}

/// Calls every 100 ms for a minute against a peer that closes, and checks when it was dialled.
async fn dials_of_a_minute(client: EchoClient, dials: Dials) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        let called = timeout(Duration::from_secs(30), client.say(text("hello"))).await;
        let status = called.expect("a call fails with the attempt to connect").unwrap_err();
        assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
        sleep(Duration::from_millis(100)).await;
    }
    let times = dials.times();
    for (number, pair) in times.windows(2).enumerate() {
        let (pause, gap) = (1.6_f64.powi(number as i32), (pair[1] - pair[0]).as_secs_f64());
        let (least, most) = (pause * 0.79, pause * 1.21 + 0.2);
        assert!((least..most).contains(&gap), "{gap} s after dial {number}, not {least} to {most}");
    }
    // 0, 1, 2.6, 5.2, 9.3, 15.8, 26.3, 43.1 s, each pause give or take a fifth.
    assert!((7..=10).contains(&times.len()), "{} dials in a minute", times.len());
}

#[tokio::test(start_paused = true)]
async fn peer_that_accepts_and_closes_is_dialled_as_the_back_off_says() {
    let (client, dials) = raw(|_, io| async {
        drop(io);
        None
    });
    dials_of_a_minute(client, dials).await;
}

#[tokio::test(start_paused = true)]
async fn peer_that_takes_the_preface_and_closes_without_settings_is_dialled_as_the_back_off_says() {
    let (client, dials) = raw(|_, mut io| async move {
        let mut preface = [0; 24];
        tokio::io::AsyncReadExt::read_exact(&mut io, &mut preface).await.ok()?;
        sleep(Duration::from_millis(1)).await;
        None
    });
    dials_of_a_minute(client, dials).await;
}

#[tokio::test(start_paused = true)]
async fn call_that_waits_for_a_connection_may_be_made_while_none_can_be_had() {
    let begin = Instant::now();
    let connect = move || async move {
        if begin.elapsed() < Duration::from_secs(10) {
            return Err(std::io::ErrorKind::ConnectionRefused.into());
        }
        let (client, server) = tokio::io::duplex(64 * 1024);
        tokio::spawn(pipes::serve(Server::new().add(Parrot.into_service()), server));
        std::io::Result::Ok(client)
    };
    let channel =
        checked::calling(Channel::with_connector("test.invalid:1".parse().unwrap(), ClientLimits::default(), connect));
    let client = EchoClient::new(channel);
    assert_eq!(code(&soon(client.say(text("hello"))).await), Code::UNAVAILABLE);
    let waiting = client.with(CallOptions::new().wait_for_ready(true));
    assert_eq!(code(&soon(waiting.say(text("hello"))).await), Code::OK);
}

// ---- Calls that the server has not processed.

/// Takes 20 calls of each connection and none of the later ones, and remembers how often it answered each.
async fn twenty_of_each_connection(io: DuplexStream, answered: Arc<Mutex<BTreeMap<String, u32>>>) -> Option<()> {
    let mut server = RawServer::accept_wide(io, &[]).await?;
    let (mut begun, mut last) = (0, u32::MAX);
    loop {
        let frame = server.next().await?;
        if frame.kind == HEADERS {
            begun += 1;
            if begun == 20 {
                last = frame.stream;
                server.go_away(last, NO_ERROR, "").await;
            }
        }
        if let Some(body) = server.gather(&frame)
            && frame.stream <= last
        {
            let word = first_word(&body);
            *answered.lock().unwrap().entry(word.clone()).or_default() += 1;
            server.answer(frame.stream, &text(word)).await;
        }
    }
}

/// 500 unary calls, 50 at once, against a server that leaves each connection after 20.
async fn calls_across_goaways(size: usize) {
    let answered = Arc::new(Mutex::new(BTreeMap::new()));
    let counted = Arc::clone(&answered);
    let (client, _) = raw(move |_, io| twenty_of_each_connection(io, Arc::clone(&counted)));
    let client = client.with(within(Duration::from_secs(30)));
    let padding = "x".repeat(size);
    let calls = stream::iter(0..500).map(|number| {
        let call = client.say(text(format!("{number} {padding}")));
        async move { (number, call.await) }
    });
    let ended = soon(calls.buffer_unordered(50).collect::<Vec<_>>()).await;
    let lost: Vec<_> = ended.iter().filter_map(|(_, result)| result.as_ref().err()).collect();
    assert!(lost.is_empty(), "{} of 500 lost, such as {}", lost.len(), lost[0]);
    for (number, result) in &ended {
        assert_eq!(result.as_ref().unwrap().message.text, number.to_string());
    }
    let answered = answered.lock().unwrap();
    assert!(answered.len() == 500 && answered.values().all(|times| *times == 1), "each call is processed once");
}

#[tokio::test(start_paused = true)]
async fn goaway_every_20_calls_loses_none_of_500_small_ones() {
    calls_across_goaways(10).await;
}

#[tokio::test(start_paused = true)]
async fn goaway_every_20_calls_loses_none_of_500_with_272_kb() {
    calls_across_goaways(272_000).await;
}

/// A server that refuses the first `times` requests with REFUSED_STREAM; and how many it has seen.
fn refusing(times: usize) -> (EchoClient, Arc<Mutex<usize>>) {
    let seen = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&seen);
    let (client, _) = raw(move |_, io| {
        let seen = Arc::clone(&counted);
        async move {
            let mut server = RawServer::accept_wide(io, &[]).await?;
            loop {
                let (stream, body) = server.next_request().await?;
                let number = {
                    let mut seen = seen.lock().unwrap();
                    *seen += 1;
                    *seen
                };
                if number > 20 {
                    return std::future::pending().await; // or a client that never gives up would run for ever
                }
                match number <= times {
                    true => server.reset(stream, REFUSED_STREAM).await,
                    false => server.answer(stream, &text(first_word(&body))).await,
                }
            }
        }
    });
    (client.with(within(Duration::from_secs(30))), seen)
}

#[tokio::test(start_paused = true)]
async fn call_that_is_refused_once_is_tried_again() {
    let (client, seen) = refusing(1);
    let answer = soon(client.say(text("hello"))).await.unwrap();
    assert_eq!((answer.message.text.as_str(), *seen.lock().unwrap()), ("hello", 2));
}

#[tokio::test(start_paused = true)]
async fn call_that_is_always_refused_is_unavailable_after_two_attempts() {
    let (client, seen) = refusing(usize::MAX);
    let status = soon(client.say(text("hello"))).await.unwrap_err();
    assert_eq!((status.code(), *seen.lock().unwrap()), (Code::UNAVAILABLE, 2), "{status}");
    assert!(status.message().contains("REFUSED_STREAM"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_drains_while_another_takes_its_port_loses_no_call() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap().into_std().unwrap();
    let address = listener.local_addr().unwrap();
    let start = || {
        // They share the socket, so there is no moment at which nobody listens.
        let listener = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = checked::serving(Server::new().add(Parrot.into_service()));
        let serving = tokio::spawn(server.serve([listener], async {
            let _ = stopped.await;
        }));
        (stop, serving)
    };
    let client = EchoClient::new(common::channel(address));
    let (mut stop, mut serving) = start();
    let mut lost = Vec::new();
    for _ in 0..6 {
        let next = start();
        let calls = (0..1000).map(|number| {
            let client = client.clone();
            async move { tokio::spawn(async move { client.say(text(number.to_string())).await }).await.unwrap() }
        });
        let mut calls = stream::iter(calls).buffer_unordered(50);
        let mut ended = 0;
        let mut asked = Some(stop);
        while let Some(result) = soon(calls.next()).await {
            ended += 1;
            if ended == 500 {
                let _ = asked.take().unwrap().send(());
            }
            lost.extend(result.err());
        }
        soon(serving).await.unwrap().unwrap();
        (stop, serving) = next;
    }
    assert!(lost.is_empty(), "{} of 6000 lost, such as {}", lost.len(), lost[0]);
    drop(stop);
    serving.abort();
}

// ---- Calls that wait for a stream.

/// A server that allows `limit` streams and answers nothing but "answer"; and the frames that it has seen.
fn silent(limit: u32) -> (EchoClient, Dials, Arc<Mutex<Vec<Frame>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let (client, dials) = raw(move |_, io| {
        let seen = Arc::clone(&told);
        async move {
            let mut server = RawServer::accept_wide(io, &[(MAX_CONCURRENT_STREAMS, limit)]).await?;
            loop {
                let frame = server.next().await?;
                if let Some(body) = server.gather(&frame)
                    && first_word(&body) == "answer"
                {
                    server.answer(frame.stream, &text("answered")).await;
                }
                seen.lock().unwrap().push(frame);
            }
        }
    });
    (client, dials, seen)
}

#[tokio::test(start_paused = true)]
async fn calls_whose_deadline_passes_while_they_wait_open_no_stream() {
    let (client, dials, seen) = silent(10);
    let hasty = client.with(within(Duration::from_millis(500)));
    let begin = Instant::now();
    let ended = soon(join_all((0..1000).map(|_| hasty.say(text("hello"))))).await;
    let mut codes = BTreeMap::<String, usize>::new();
    let why = "it waited for other calls to end, since the server allows 10 at once";
    let waited =
        ended.iter().filter_map(|result| result.as_ref().err()).filter(|status| status.message().ends_with(why));
    assert_eq!(waited.count(), 990);
    for result in &ended {
        *codes.entry(code(result).to_string()).or_default() += 1;
    }
    assert_eq!(codes, BTreeMap::from([("DEADLINE_EXCEEDED".to_owned(), 1000)]));
    assert!(begin.elapsed() < Duration::from_millis(600), "{:?}", begin.elapsed());
    sleep(Duration::from_secs(1)).await;
    let opened = seen.lock().unwrap().iter().filter(|frame| frame.kind == HEADERS).count();
    assert_eq!(opened, 10, "streams that the server has seen");
    // The connection is alive, and its places are free again.
    let answer = timeout(Duration::from_secs(5), client.say(text("answer"))).await.expect("a free place");
    assert_eq!((answer.unwrap().message.text.as_str(), dials.count()), ("answered", 1));
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_while_they_wait_open_no_stream() {
    let (client, dials, seen) = silent(1);
    let mut calls: Vec<_> = (0..100).map(|_| Box::pin(client.say(text("hello")))).collect();
    let _ = timeout(Duration::from_secs(1), join_all(calls.iter_mut())).await;
    calls.clear();
    sleep(Duration::from_secs(1)).await;
    let opened = seen.lock().unwrap().iter().filter(|frame| frame.kind == HEADERS).count();
    assert_eq!(opened, 1, "streams that the server has seen");
    let answer = timeout(Duration::from_secs(5), client.say(text("answer"))).await.expect("a free place");
    assert_eq!((answer.unwrap().message.text.as_str(), dials.count()), ("answered", 1));
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_servers_limit_of_streams_pass_in_the_order_in_which_they_were_made() {
    for limit in [1, 10, 100] {
        let order = Arc::new(Mutex::new(BTreeMap::new()));
        let told = Arc::clone(&order);
        let (client, dials) = raw(move |_, io| {
            let order = Arc::clone(&told);
            async move {
                let mut server = RawServer::accept_wide(io, &[(MAX_CONCURRENT_STREAMS, limit)]).await?;
                loop {
                    let (stream, body) = server.next_request().await?;
                    let word = first_word(&body);
                    order.lock().unwrap().insert(stream, word.clone());
                    server.answer(stream, &text(word)).await;
                }
            }
        });
        let ended = soon(join_all((0..1000).map(|number| client.say(text(number.to_string()))))).await;
        for (number, result) in ended.into_iter().enumerate() {
            assert_eq!(result.unwrap().message.text, number.to_string(), "limit {limit}");
        }
        let order: Vec<_> = std::mem::take(&mut *order.lock().unwrap()).into_values().collect();
        let made: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
        assert!(order == made, "with a limit of {limit} the server saw {order:?}");
        assert_eq!(dials.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_when_their_connection_is_lost_are_made_on_the_next() {
    let (client, dials) = raw(|_, io| async {
        let mut server = RawServer::accept_wide(io, &[(MAX_CONCURRENT_STREAMS, 1)]).await?;
        let (stream, body) = server.next_request().await?;
        // In this order no call that waits gets the place on this connection.
        server.go_away(stream, NO_ERROR, "").await;
        sleep(Duration::from_millis(1)).await;
        server.answer(stream, &text(first_word(&body))).await;
        server.close().await;
        None
    });
    let ended = soon(join_all((0..10).map(|number| client.say(text(number.to_string()))))).await;
    for (number, result) in ended.into_iter().enumerate() {
        assert_eq!(result.unwrap().message.text, number.to_string());
    }
    assert_eq!(dials.count(), 10);
}

#[tokio::test(start_paused = true)]
async fn call_that_is_refused_before_it_leaves_gives_its_place_to_the_next() {
    let limits = Limits::default().max_concurrent_streams(1);
    let (channel, _) = pipes::channel_to(Server::new().limits(limits).add(Parrot.into_service()));
    let short = ServiceConfig::new().default_method(MethodConfig::new().max_request_message_bytes(100));
    let client = EchoClient::new(channel.service_config(short)).with(within(Duration::from_secs(5)));
    for _ in 0..3 {
        let long = soon(client.say(text("x".repeat(1000)))).await;
        assert_eq!(code(&long), Code::RESOURCE_EXHAUSTED);
    }
    assert_eq!(code(&soon(client.say(text("hello"))).await), Code::OK);
}

#[tokio::test(start_paused = true)]
async fn limit_of_streams_that_the_server_lowers_or_raises_is_followed() {
    let at_once = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&at_once);
    let (client, _) = raw(move |_, io| {
        let at_once = Arc::clone(&told);
        async move {
            let mut server = RawServer::accept_wide(io, &[(MAX_CONCURRENT_STREAMS, 4)]).await?;
            for next in [2, 6, 100] {
                let mut open = Vec::new();
                while let Ok(request) = timeout(Duration::from_secs(1), server.next_request()).await {
                    open.push(request?.0);
                }
                at_once.lock().unwrap().push(open.len());
                server.settings(&[(MAX_CONCURRENT_STREAMS, next)]).await;
                for stream in open {
                    server.answer(stream, &text("hello")).await;
                }
            }
            answer_all(&mut server).await
        }
    });
    let ended = soon(join_all((0..20).map(|_| client.say(text("hello"))))).await;
    assert!(ended.iter().all(Result::is_ok));
    assert_eq!(*at_once.lock().unwrap(), [4, 2, 6], "requests at once");
}

#[tokio::test(start_paused = true)]
async fn grpc_timeout_is_what_waiting_for_a_stream_has_left_of_the_deadline() {
    let limits = Limits::default().max_concurrent_streams(1);
    let (channel, _) = pipes::channel_to(Server::new().limits(limits).add(Parrot.into_service()));
    let client = EchoClient::new(channel).with(within(Duration::from_secs(5)));
    let (slow, left) = soon(async { tokio::join!(client.say(text("slow")), client.say(text("left"))) }).await;
    assert_eq!(slow.unwrap().message.text, "slow");
    let left: u64 = left.unwrap().message.text.parse().unwrap();
    assert!((1900..=2000).contains(&left), "{left} ms");
}

// ---- Peers that say nothing.

#[tokio::test(start_paused = true)]
async fn peer_that_accepts_and_stays_silent_is_unavailable_after_the_connect_timeout() {
    let (client, _) = raw(|_, io| async {
        let _silent = io;
        std::future::pending().await
    });
    let begin = Instant::now();
    let called = timeout(Duration::from_secs(60), client.say(text("hello"))).await;
    let status = called.expect("the handshake has a time-out").unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
    assert!(status.message().contains("20s"), "it says after which time: {status}");
    assert!((20.0..20.5).contains(&begin.elapsed().as_secs_f64()), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn peer_that_stops_is_found_out_by_keepalive_and_dialled_again() {
    let limits = ClientLimits::default().keepalive_interval(Some(Duration::from_secs(10)));
    let (channel, dials) = pipes::channel(limits, |number, io| async move {
        let Some(mut server) = RawServer::accept_wide(io, &[]).await else { return };
        if number > 0 {
            answer_all(&mut server).await;
        }
        server.next_request().await;
        std::future::pending().await // and reads no more
    });
    let client = EchoClient::new(channel);
    let called = timeout(Duration::from_secs(50), client.say(text("hello"))).await;
    let status = called.expect("keepalive ends the connection").unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
    assert!(status.message().contains("did not answer a PING within 20s"), "{status}");
    let answer = timeout(Duration::from_secs(5), client.say(text("again"))).await.expect("a new connection");
    assert_eq!((answer.unwrap().message.text.as_str(), dials.count()), ("again", 2));
}

#[tokio::test(start_paused = true)]
async fn keepalive_sends_no_ping_without_calls() {
    let limits = ClientLimits::default().keepalive_interval(Some(Duration::from_secs(10)));
    let pings = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&pings);
    let (channel, _) = pipes::channel(limits, move |_, io| {
        let pings = Arc::clone(&counted);
        async move {
            let Some(mut server) = RawServer::accept_wide(io, &[]).await else { return };
            while let Some(frame) = server.next().await {
                if frame.kind == PING && frame.flags & ACK == 0 {
                    *pings.lock().unwrap() += 1;
                }
                if let Some(body) = server.gather(&frame)
                    && first_word(&body) == "answer"
                {
                    server.answer(frame.stream, &text("answered")).await;
                }
            }
        }
    });
    let client = EchoClient::new(channel);
    soon(client.say(text("answer"))).await.unwrap();
    sleep(Duration::from_secs(100)).await;
    assert_eq!(*pings.lock().unwrap(), 0, "PINGs of an idle client");
    let _ = timeout(Duration::from_secs(35), client.say(text("hello"))).await;
    assert!((2..=4).contains(&*pings.lock().unwrap()), "a call of 35 s has its PINGs");
}

#[tokio::test(start_paused = true)]
async fn connection_with_a_call_is_not_idle_however_long_that_takes() {
    let limits = ClientLimits::default().idle_timeout(Duration::from_secs(1));
    let (channel, dials) = pipes::channel(limits, |_, io| pipes::serve(Server::new().add(Parrot.into_service()), io));
    let client = EchoClient::new(channel);
    let later = async {
        sleep(Duration::from_millis(2500)).await;
        client.say(text("hello")).await
    };
    let (slow, hello) = soon(async { tokio::join!(client.say(text("slow")), later) }).await;
    assert_eq!((code(&slow), code(&hello), dials.count()), (Code::OK, Code::OK, 1));
}

#[tokio::test(start_paused = true)]
async fn connection_without_a_call_is_closed_after_the_idle_timeout_and_the_next_call_dials_again() {
    let limits = ClientLimits::default().idle_timeout(Duration::from_secs(10));
    let closed = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&closed);
    let (channel, dials) = pipes::channel(limits, move |_, io| {
        let told = Arc::clone(&told);
        async move {
            let Some(mut server) = RawServer::accept(io, &[]).await else { return };
            answer_all(&mut server).await;
            told.lock().unwrap().push(Instant::now());
        }
    });
    let client = EchoClient::new(channel);
    soon(client.say(text("one"))).await.unwrap();
    let begin = Instant::now();
    sleep(Duration::from_secs(30)).await;
    let idle: Vec<u64> = closed.lock().unwrap().iter().map(|&end| (end - begin).as_secs()).collect();
    assert!(matches!(idle[..], [9..=20]), "closed after {idle:?} s");
    soon(client.say(text("two"))).await.unwrap();
    assert_eq!(dials.count(), 2);
}

// ---- What a client allows its server.

#[tokio::test(start_paused = true)]
async fn windows_and_the_longest_header_list_are_told_to_the_server_at_once() {
    let limits = ClientLimits::default().stream_window(100_000).connection_window(200_000).max_header_list(5000);
    let frames = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&frames);
    let (channel, _) = pipes::channel(limits, move |_, io| {
        let told = Arc::clone(&told);
        async move {
            let Some(mut server) = RawServer::accept(io, &[]).await else { return };
            while let Some(frame) = server.next().await {
                if let Some(body) = server.gather(&frame) {
                    server.answer(frame.stream, &text(first_word(&body))).await;
                }
                told.lock().unwrap().push(frame);
            }
        }
    });
    soon(EchoClient::new(channel).say(text("hello"))).await.unwrap();
    let frames = frames.lock().unwrap();
    let settings: Vec<&[u8]> = frames[0].payload.chunks(6).collect();
    // SETTINGS_INITIAL_WINDOW_SIZE and SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113, section 6.5.2).
    for (setting, value) in [(4_u16, 100_000_u32), (6, 5000)] {
        let expected = [&setting.to_be_bytes()[..], &value.to_be_bytes()].concat();
        assert!(settings.contains(&&expected[..]), "setting {setting} is not {value}: {settings:?}");
    }
    let update = frames.iter().find(|frame| (frame.kind, frame.stream) == (WINDOW_UPDATE, 0)).unwrap();
    assert_eq!(update.payload, (200_000_u32 - 65_535).to_be_bytes(), "every connection begins with 65,535");
}

/// What a server is told that answers the call "large" with `large`, which is more than its client allows: the codes of
/// RST_STREAM. The caller is told `code`, and the connection lives on.
async fn told_of_too_much(limits: ClientLimits, large: Vec<(u8, u8, Vec<u8>)>, expected: Code) -> Vec<u8> {
    let resets = Arc::new(Mutex::new(Vec::new()));
    let (told, large) = (Arc::clone(&resets), Arc::new(large));
    let (channel, dials) = pipes::channel(limits, move |_, io| {
        let (told, large) = (Arc::clone(&told), Arc::clone(&large));
        async move {
            let Some(mut server) = RawServer::accept(io, &[]).await else { return };
            while let Some(frame) = server.next().await {
                if frame.kind == RST_STREAM {
                    told.lock().unwrap().push(frame.payload[3]);
                }
                match server.gather(&frame).map(|body| first_word(&body)).as_deref() {
                    Some("large") => {
                        for (kind, flags, payload) in large.iter() {
                            server.send(*kind, *flags, frame.stream, payload).await;
                        }
                    }
                    Some(word) => server.answer(frame.stream, &text(word)).await,
                    None => {}
                }
            }
        }
    });
    let client = EchoClient::new(channel);
    let status = soon(client.say(text("large"))).await.unwrap_err();
    assert_eq!(status.code(), expected, "{status}");
    soon(client.say(text("small"))).await.unwrap();
    assert_eq!(dials.count(), 1);
    resets.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn response_whose_metadata_is_over_the_limit_ends_its_call_alone() {
    let head = [response_head(), field("x-large", &"x".repeat(120))].concat();
    let limits = ClientLimits::default().max_header_list(200);
    let told = told_of_too_much(limits, vec![(HEADERS, END_HEADERS, head)], Code::INTERNAL).await;
    assert_eq!(told, [PROTOCOL_ERROR as u8]);
}

#[tokio::test(start_paused = true)]
async fn response_whose_message_is_over_the_limit_ends_its_call_alone_before_it_has_come() {
    let large = vec![(HEADERS, END_HEADERS, response_head()), (DATA, 0, b"\0\0\0\x03\xe9".to_vec())];
    let limits = ClientLimits::default().max_message(1000);
    let told = told_of_too_much(limits, large, Code::RESOURCE_EXHAUSTED).await;
    assert_eq!(told, [8], "CANCEL");
}

#[tokio::test(start_paused = true)]
async fn small_frames_that_the_caller_does_not_read_end_their_connection_when_their_budget_is_spent() {
    let limits = ClientLimits::default().small_frame_budget(50_000);
    let goaways = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&goaways);
    let (channel, _) = pipes::channel(limits, move |_, io| {
        let told = Arc::clone(&told);
        async move {
            let Some(mut server) = RawServer::accept(io, &[]).await else { return };
            let Some(stream) = server.next_head().await else { return };
            server.answer_head(stream).await;
            for _ in 0..300 {
                server.send(DATA, 0, stream, b"\0\0\0\0\0").await; // counts for 251 bytes
            }
            while let Some(frame) = server.next().await {
                if frame.kind == GOAWAY {
                    told.lock().unwrap().push(frame.payload[7]);
                }
            }
        }
    });
    let (_texts, mut answers) = soon(EchoClient::new(channel).chat()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*goaways.lock().unwrap(), [ENHANCE_YOUR_CALM as u8]);
    let status = loop {
        match soon(answers.next()).await {
            Ok(answer) => assert_eq!(answer, Some(text(""))),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
    assert!(status.message().contains("ENHANCE_YOUR_CALM"), "{status}");
}

// ---- Calls that end early.

#[tokio::test(start_paused = true)]
async fn sender_that_waits_for_the_window_learns_of_an_answer_without_rst_stream() {
    let (client, _) = raw(|_, io| async {
        let mut server = RawServer::accept(io, &[]).await?;
        let stream = server.next_head().await?;
        sleep(Duration::from_secs(1)).await; // the sender waits by now
        server.refuse(stream, 7, "not you").await;
        server.until_closed().await; // and gives the window no more room
        None
    });
    let (mut texts, response) = soon(client.join()).await.unwrap();
    let long = text("x".repeat(50_000));
    soon(async { while texts.send(long.clone()).await.is_ok() {} }).await;
    let status = soon(response.response()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::PERMISSION_DENIED, "not you"));
}

#[tokio::test(start_paused = true)]
async fn call_of_a_connection_that_the_server_kills_is_unavailable_with_the_servers_reason() {
    for (reason, name) in [(ENHANCE_YOUR_CALM, "ENHANCE_YOUR_CALM"), (PROTOCOL_ERROR, "PROTOCOL_ERROR")] {
        let (client, dials) = raw(move |number, io| async move {
            let mut server = RawServer::accept_wide(io, &[]).await?;
            if number > 0 {
                return answer_all(&mut server).await;
            }
            let (stream, _) = server.next_request().await?;
            server.go_away(stream + 2, reason, "too_many_pings").await;
            server.close().await;
            None
        });
        let status = soon(client.say(text("hello"))).await.unwrap_err();
        assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
        assert!(status.message().contains(name), "the code: {status}");
        assert!(status.message().contains("too_many_pings"), "the debug data: {status}");
        let answer = soon(client.say(text("again"))).await.unwrap();
        assert_eq!((answer.message.text.as_str(), dials.count()), ("again", 2));
    }
}

#[tokio::test(start_paused = true)]
async fn failed_call_keeps_the_metadata_of_the_response_head() {
    let (channel, _) = pipes::channel_to(Server::new().add(Parrot.into_service()));
    let client = EchoClient::new(channel);
    let unary = soon(client.say(text("fail"))).await.unwrap_err();
    let (texts, response) = soon(client.join()).await.unwrap();
    soon(texts.finish()).await.unwrap();
    let streaming = soon(response.response()).await.unwrap_err();
    for status in [unary, streaming] {
        assert_eq!((status.code(), status.message()), (Code::FAILED_PRECONDITION, "as asked"));
        let (head, trailers) = (status.head_metadata(), status.metadata());
        assert_eq!((head.get("of-head"), head.get("of-trailers")), (Some("1"), None), "{head:?}");
        assert_eq!((trailers.get("of-head"), trailers.get("of-trailers")), (None, Some("1")), "{trailers:?}");
        assert_eq!((head.get("where"), trailers.get("where")), (Some("head"), Some("trailers")));
    }
}

#[tokio::test]
async fn server_of_a_divided_channel_that_ends_its_connections_at_once_is_dialled_as_the_back_off_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = common::channel(format!("ipv4:{}", listener.local_addr().unwrap()));
    let channel = channel.service_config(ServiceConfig::new().load_balancing(Balance::RoundRobin));
    let dials = Dials::default();
    let told = dials.clone();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            told.add();
            let Some(mut server) = RawServer::accept(io, &[]).await else { continue };
            sleep(Duration::from_millis(20)).await;
            server.go_away(0, NO_ERROR, "").await;
            server.close().await;
        }
    });
    soon(channel.connect()).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    assert!(dials.count() <= 2, "{} dials", dials.count());
}

#[test]
fn channel_goes_on_when_the_runtime_of_its_task_is_shut_down() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let dials = Dials::default();
    let told = dials.clone();
    // The first dial never ends.
    let connect = move || {
        told.add();
        let number = told.count();
        async move {
            if number == 1 {
                std::future::pending::<()>().await;
            }
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(pipes::serve(Server::new().add(Parrot.into_service()), theirs));
            std::io::Result::Ok(ours)
        }
    };
    let channel =
        checked::calling(Channel::with_connector("test.invalid:1".parse().unwrap(), ClientLimits::default(), connect));
    let client = EchoClient::new(channel);
    let dialling = client.clone();
    let _waits = first.spawn(async move { dialling.say(text("hello")).await });
    first.block_on(async {
        while dials.count() == 0 {
            tokio::task::yield_now().await;
        }
    });
    second.block_on(async {
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { client.say(text("hello")).await }
        });
        tokio::task::yield_now().await;
        first.shutdown_background();
        let status = soon(waiting).await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::UNAVAILABLE);
        assert!(status.message().contains("its runtime was shut down"), "{status}");
        assert_eq!(soon(client.say(text("hello"))).await.unwrap().message, text("hello"));
    });
}

#[tokio::test(start_paused = true)]
async fn connection_closes_when_its_channel_is_dropped_after_a_call_with_a_stream_of_requests() {
    let (over, mut is_over) = watch::channel(false);
    let over = Arc::new(over);
    let (client, _) = raw(move |_, io| {
        let over = Arc::clone(&over);
        async move {
            let mut server = RawServer::accept_wide(io, &[]).await?;
            let (stream, _) = server.next_request().await?;
            server.answer(stream, &text("hello")).await;
            server.until_closed().await;
            over.send_replace(true);
            None
        }
    });
    let (mut texts, response) = soon(client.join()).await.unwrap();
    soon(texts.send(text("hello"))).await.unwrap();
    soon(texts.finish()).await.unwrap();
    soon(response.response()).await.unwrap();
    drop(client);
    soon(is_over.wait_for(|over| *over)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn connection_of_a_dropped_channel_is_cut_when_its_server_reads_nothing_of_what_is_left() {
    let (last, mut lasts) = watch::channel(None);
    let last = Arc::new(last);
    let (client, _) = raw(move |_, io| {
        let last = Arc::clone(&last);
        async move {
            let mut server = RawServer::accept_wide(io, &[]).await?;
            server.next_head().await?;
            sleep(Duration::from_secs(100)).await;
            let mut frames = Vec::new();
            while let Some(frame) = server.next().await {
                frames.push(frame.kind);
            }
            last.send_replace(Some(frames));
            None
        }
    });
    let (mut texts, response) = soon(client.join()).await.unwrap();
    let endless = async { while texts.send(text("x".repeat(1000))).await.is_ok() {} };
    assert!(timeout(Duration::from_secs(1), endless).await.is_err(), "the server reads nothing");
    drop((texts, response, client));
    sleep(Duration::from_secs(90)).await;
    let frames = soon(lasts.wait_for(Option::is_some)).await.unwrap().clone().unwrap();
    assert!(!frames.is_empty() && frames.iter().all(|kind| *kind == DATA), "{frames:?}");
}

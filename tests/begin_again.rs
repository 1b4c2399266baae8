//! What a call that begins again sends, and which calls must not begin again: those that were given up, those that a
//! server may have processed. What the retry policy decides is in retries.rs.
//!
//! The servers are at the other ends of pipes in memory, and the clock is stopped.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::pipes::{self, Dials};
use common::raw::DATA;
use common::raw_server::RawServer;
use common::{Text, frame, soon, text};
use h2grpc::call::{CallOptions, Inbound, Outbound, Request};
use h2grpc::client::Channel;
use h2grpc::codec::Encoded;
use h2grpc::limits::ClientLimits;
use h2grpc::policy::{MethodConfig, RetryPolicy, RetryThrottling, ServiceConfig};
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::Code;
use h2grpc::wire::path::Path;
use http::HeaderMap;
use tokio::time::{Instant, sleep, timeout};

h2grpc::service! {
    /// Does what it is told to, or fails.
    service Flaky("test.v1.Flaky") client FlakyClient {
        rpc Say    as say    (Text)        returns (Text);
        rpc Repeat as repeat (Text)        returns (stream Text);
        rpc Join   as join   (stream Text) returns (Text);
    }
}

/// A server that fails some attempts with UNAVAILABLE, and notes all of them.
#[derive(Clone)]
struct Weak {
    /// Whether it fails an attempt, by its number: they are counted from 1.
    fails: fn(usize) -> bool,
    attempts: Arc<AtomicUsize>,
}

impl Weak {
    fn new(fails: fn(usize) -> bool) -> Weak {
        Weak { fails, attempts: Arc::default() }
    }

    /// How many attempts have come.
    fn count(&self) -> usize {
        self.attempts.load(Relaxed)
    }

    /// A client of this server whose calls have four attempts.
    fn client(&self) -> FlakyClient {
        FlakyClient::new(self.channel().service_config(retried())).with(CallOptions::new().timeout(MINUTE))
    }

    fn channel(&self) -> Channel {
        pipes::channel_to(Server::new().add(self.clone().into_service()).observe(|_| ())).0
    }

    /// Counts an attempt. The error of one that is to fail.
    fn begin(&self) -> Result<(), Status> {
        let number = self.attempts.fetch_add(1, Relaxed) + 1;
        if (self.fails)(number) { Err(Status::unavailable("not now")) } else { Ok(()) }
    }
}

impl Flaky for Weak {
    async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
        self.begin()?;
        Ok(request.message)
    }

    /// Fails after its response has begun.
    async fn repeat(&self, request: Request<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        let outcome = self.begin();
        answers.send(request.message).await?;
        sleep(Duration::from_millis(1)).await;
        outcome
    }

    /// Fails after the third message; else answers with all of them.
    async fn join(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        let outcome = self.begin();
        let mut all = Vec::new();
        while let Some(text) = texts.next().await? {
            all.push(text.text);
            if all.len() == 3 {
                outcome.clone()?;
            }
        }
        outcome?;
        Ok(text(all.join(" ")))
    }
}

const MINUTE: Duration = Duration::from_secs(60);

fn policy() -> RetryPolicy {
    RetryPolicy::default().max_attempts(4)
}

/// A policy whose pauses are longer than a call's patience.
fn slow() -> CallOptions {
    CallOptions::new().retry(policy().initial_backoff(MINUTE / 2).max_backoff(MINUTE))
}

fn retried() -> ServiceConfig {
    ServiceConfig::new().default_method(MethodConfig::new().retry(policy()))
}

/// A client of raw servers, with no policy.
fn raw<Fut: Future<Output = Option<()>> + Send + 'static>(
    serve: impl Fn(usize, tokio::io::DuplexStream) -> Fut + Send + Sync + 'static,
) -> (FlakyClient, Dials) {
    let (channel, dials) = pipes::raw(serve);
    (FlakyClient::new(channel).with(CallOptions::new().timeout(MINUTE)), dials)
}

// ---- Again.

#[tokio::test(start_paused = true)]
async fn free_attempt_does_not_count_as_a_previous_one() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let (channel, _) = pipes::channel(ClientLimits::default(), move |_, io| {
        let seen = Arc::clone(&noted);
        async move {
            let mut server = h2::server::handshake(io).await.unwrap();
            while let Some(Ok((request, mut respond))) = server.accept().await {
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.headers().get("grpc-previous-rpc-attempts").cloned());
                    seen.len()
                };
                if number == 1 {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                    continue;
                }
                let mut stream = respond.send_response(common::peer::ok_head(), false).unwrap();
                stream.send_data(frame(&text("hello")), false).unwrap();
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", 0.into());
                stream.send_trailers(trailers).unwrap();
            }
        }
    });
    soon(FlakyClient::new(channel.service_config(retried())).say(text("hello"))).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [None, None]);
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_last_of_a_goaway_begin_again_for_free_whatever_its_code_is() {
    for code in [0, 7] {
        let (client, dials) = raw(move |number, io| async move {
            let mut server = RawServer::accept_wide(io, &[]).await?;
            let (stream, _) = server.next_request().await?;
            if number < 3 {
                server.go_away(0, code, "").await;
            } else {
                server.answer(stream, &text("hello")).await;
            }
            server.until_closed().await;
            None
        });
        soon(client.say(text("hello"))).await.unwrap_or_else(|status| panic!("code {code}: {status}"));
        assert_eq!(dials.count(), 4, "code {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn stream_is_sent_again_from_its_beginning_with_what_was_added_since() {
    let server = Weak::new(|attempt| attempt <= 2);
    let (mut texts, response) = soon(server.client().join()).await.unwrap();
    for number in 0..20 {
        soon(texts.send(text(number.to_string()))).await.unwrap();
        // The first attempt fails after the third message; some messages are added before the next begins.
        sleep(Duration::from_millis(15)).await;
    }
    let (finished, response) = soon(async { tokio::join!(texts.finish(), response.response()) }).await;
    finished.unwrap();
    let numbers: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!((response.unwrap().message.text, server.count()), (numbers.join(" "), 3));
}

#[tokio::test(start_paused = true)]
async fn messages_that_wait_when_their_stream_is_lost_are_sent_by_the_next_attempt() {
    // The first connection gives the request no room beyond its window, and is cut.
    let server = Weak::new(|_| false);
    let serving = server.clone();
    let (channel, dials) = pipes::channel(ClientLimits::default(), move |number, io| {
        let serving = serving.clone();
        async move {
            if number > 0 {
                return pipes::serve(Server::new().add(serving.into_service()), io).await;
            }
            let Some(mut server) = RawServer::accept(io, &[]).await else { return };
            server.next_head().await;
            let _ = timeout(Duration::from_secs(1), server.until_closed()).await;
        }
    });
    let client = FlakyClient::new(channel.service_config(retried()));
    let (mut texts, response) = soon(client.join()).await.unwrap();
    let words: Vec<_> = ["a", "b", "c"].iter().map(|letter| letter.repeat(50_000)).collect();
    let sending = async {
        for word in &words {
            texts.send(text(word)).await.unwrap();
        }
        texts.finish().await.unwrap();
    };
    let ((), response) = soon(async { tokio::join!(sending, response.response()) }).await;
    assert!(response.unwrap().message.text == words.join(" "), "the request came whole");
    assert_eq!(dials.count(), 2);
}

// ---- Not again.

#[tokio::test(start_paused = true)]
async fn stream_of_which_one_message_could_not_be_kept_is_not_sent_again_without_it() {
    let server = Weak::new(|attempt| attempt == 1);
    let limits = ClientLimits::default().retry_buffer(1000);
    let client = FlakyClient::new(server.channel().limits(limits).service_config(retried()));
    let (mut texts, response) = soon(client.join()).await.unwrap();
    for length in [10, 2000, 10] {
        soon(texts.send(text("x".repeat(length)))).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    let (_, response) = soon(async { tokio::join!(texts.finish(), response.response()) }).await;
    assert_eq!((response.unwrap_err().message(), server.count()), ("not now", 1));
}

/// Makes a call whose response begins before it ends, and reads it all.
async fn repeat(client: &FlakyClient) {
    let mut texts = soon(client.repeat(text("hello"))).await.unwrap();
    soon(async { while let Ok(Some(_)) = texts.next().await {} }).await;
}

#[tokio::test(start_paused = true)]
async fn end_of_a_call_whose_response_has_begun_counts_for_the_throttle() {
    let throttling = RetryThrottling::default().max_tokens(4).token_ratio(1.0);
    let server = Weak::new(|attempt| attempt <= 3 || attempt == 7);
    let client = FlakyClient::new(server.channel().service_config(retried().retry_throttling(throttling)));
    repeat(&client).await;
    repeat(&client).await;
    // Two of four tokens are gone: the next failure is not tried again.
    let status = soon(client.say(text("hello"))).await.unwrap_err();
    assert_eq!((status.message(), server.count()), ("not now", 3));
    // Three successes give all of them back: the next failure is.
    for _ in 0..3 {
        repeat(&client).await;
    }
    soon(client.say(text("hello"))).await.unwrap();
    assert_eq!(server.count(), 8);
}

#[tokio::test(start_paused = true)]
async fn connection_that_the_client_itself_closes_is_no_sign_that_its_calls_were_not_processed() {
    let seen = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&seen);
    let (client, _) = raw(move |_, io| {
        let seen = Arc::clone(&counted);
        async move {
            let mut server = RawServer::accept_wide(io, &[]).await?;
            server.next_request().await?;
            *seen.lock().unwrap() += 1;
            // DATA belongs to a stream: the client must close the connection (RFC 9113, section 6.1).
            server.send(DATA, 0, 0, b"x").await;
            server.until_closed().await;
            None
        }
    });
    let status = soon(client.say(text("hello"))).await.unwrap_err();
    assert_eq!((status.code(), *seen.lock().unwrap()), (Code::UNAVAILABLE, 1), "{status}");
}

#[tokio::test(start_paused = true)]
async fn failure_that_came_in_time_is_told_even_if_it_is_read_after_the_deadline() {
    let server = Weak::new(|_| true);
    let path = Path::new("test.v1.Flaky", "Say").unwrap();
    let options = CallOptions::new().timeout(Duration::from_secs(1)).retry(policy());
    let channel = server.channel();
    let mut texts = soon(channel.server_streaming::<Text, Text>(&path, &options, &text("hello"))).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let status = soon(texts.next()).await.unwrap_err();
    assert_eq!((status.code(), status.message(), server.count()), (Code::UNAVAILABLE, "not now", 1));
}

/// A streaming call that is between its first two attempts.
macro_rules! between_attempts {
    ($server:ident, $texts:ident, $response:ident) => {
        let $server = Weak::new(|attempt| attempt == 1);
        let (mut $texts, $response) = soon($server.client().with(slow()).join()).await.unwrap();
        for _ in 0..3 {
            soon($texts.send(text("x"))).await.unwrap();
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!($server.count(), 1);
    };
}

#[tokio::test(start_paused = true)]
async fn call_whose_request_is_dropped_between_attempts_ends_at_once() {
    between_attempts!(server, texts, response);
    let begin = Instant::now();
    drop(texts);
    let status = soon(response.response()).await.unwrap_err();
    assert_eq!((status.code(), begin.elapsed().as_secs()), (Code::CANCELLED, 0), "{status}");
    sleep(2 * MINUTE).await;
    assert_eq!(server.count(), 1, "no attempt follows");
}

#[tokio::test(start_paused = true)]
async fn call_whose_response_is_dropped_between_attempts_ends_at_once() {
    between_attempts!(server, texts, response);
    drop(response);
    let begin = Instant::now();
    soon(async { while texts.send(text("x".repeat(100_000))).await.is_ok() {} }).await;
    assert_eq!(begin.elapsed().as_secs(), 0);
    sleep(2 * MINUTE).await;
    assert_eq!(server.count(), 1, "no attempt follows");
}

/// Bytes that tell when nobody holds them any more.
struct Owned(Vec<u8>, Arc<AtomicBool>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.1.store(true, Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn request_is_kept_until_its_response_begins_and_no_longer() {
    let (client, _) = raw(|_, io| async {
        let mut server = RawServer::accept_wide(io, &[]).await?;
        let stream = server.next_head().await?;
        let _ = timeout(Duration::from_secs(2), server.until_closed()).await;
        server.answer_head(stream).await;
        server.until_closed().await;
        None
    });
    let (mut texts, _response) = soon(client.join()).await.unwrap();
    let is_free = Arc::new(AtomicBool::new(false));
    let bytes = Bytes::from_owner(Owned(frame(&text("x".repeat(100_000))).to_vec(), Arc::clone(&is_free)));
    soon(texts.send_encoded(&Encoded::<Text>::from_frames(bytes))).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(!is_free.load(Relaxed), "it may have to be sent again");
    sleep(Duration::from_secs(2)).await;
    assert!(is_free.load(Relaxed), "its response has begun");
}

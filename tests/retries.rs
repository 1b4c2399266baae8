//! When a call begins again by its retry policy (gRFC A6), and when it does not.
//!
//! The peers are at the other ends of pipes in memory, and the clock is stopped: time passes only while everybody waits.

mod common;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::pipes::{self, Dials};
use common::raw::{MAX_CONCURRENT_STREAMS, NO_ERROR};
use common::raw_server::RawServer;
use common::{Text, checked, soon, text};
use h2grpc::call::{CallContext, CallOptions, Inbound, Outbound, Request};
use h2grpc::client::Channel;
use h2grpc::limits::ClientLimits;
use h2grpc::policy::{MethodConfig, RetryPolicy, RetryThrottling, ServiceConfig};
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::Code;
use tokio::time::{Instant, sleep};

const UNAVAILABLE: u32 = 14;

h2grpc::service! {
    /// Fails a number of times before it does what it should.
    service Moody("test.v1.Moody") client MoodyClient {
        rpc Say  as say  (Text)        returns (Text);
        rpc Tell as tell (Text)        returns (stream Text);
        rpc Join as join (stream Text) returns (Text);
        rpc Chat as chat (stream Text) returns (stream Text);
    }
}

/// What the server saw of each attempt: `grpc-previous-rpc-attempts`.
type Seen = Arc<Mutex<Vec<Option<String>>>>;

#[derive(Clone)]
struct Mood {
    /// How many attempts fail before one succeeds.
    failures: usize,
    code: Code,
    seen: Seen,
}

impl Mood {
    /// Notes an attempt, and fails the first ones.
    fn attempt(&self, context: &CallContext) -> Result<(), Status> {
        let previous = context.metadata().as_headers().get("grpc-previous-rpc-attempts");
        let mut seen = self.seen.lock().unwrap();
        seen.push(previous.map(|value| value.to_str().unwrap().to_owned()));
        if seen.len() <= self.failures { Err(Status::new(self.code, "in a bad mood")) } else { Ok(()) }
    }
}

impl Moody for Mood {
    async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
        self.attempt(&request.context)?;
        Ok(request.message)
    }

    async fn tell(&self, request: Request<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        if request.message.text == "head first" {
            request.context.send_head()?;
        }
        self.attempt(&request.context)?;
        answers.send(request.message).await
    }

    async fn join(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        // Half of the request is read before the attempt fails.
        let mut all = texts.next().await?.unwrap_or_default().text;
        self.attempt(texts.context())?;
        while let Some(next) = texts.next().await? {
            all.push_str(&next.text);
        }
        Ok(text(all))
    }

    async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        self.attempt(texts.context())?;
        while let Some(next) = texts.next().await? {
            answers.send(next).await?;
        }
        Ok(())
    }
}

fn moody(failures: usize, code: Code) -> (MoodyClient, Seen) {
    let seen = Seen::default();
    let mood = Mood { failures, code, seen: Arc::clone(&seen) };
    let (channel, _) = pipes::channel_to(Server::new().add(mood.into_service()));
    (MoodyClient::new(channel), seen)
}

fn retrying() -> CallOptions {
    CallOptions::new().retry(RetryPolicy::default())
}

fn attempts(seen: &Seen) -> usize {
    seen.lock().unwrap().len()
}

/// A client of raw servers: `serve` gets each connection with its number.
fn raw<Fut: Future<Output = Option<()>> + Send + 'static>(
    serve: impl Fn(usize, RawServer<tokio::io::DuplexStream>) -> Fut + Send + Sync + 'static,
) -> (MoodyClient, Dials) {
    let serve = Arc::new(serve);
    let (channel, dials) = pipes::raw(move |number, io| {
        let serve = Arc::clone(&serve);
        async move { serve(number, RawServer::accept_wide(io, &[]).await?).await }
    });
    (MoodyClient::new(checked::calling(channel)), dials)
}

#[tokio::test(start_paused = true)]
async fn each_shape_begins_again_until_it_succeeds_and_says_which_attempt_it_is() {
    for shape in ["unary", "server streaming", "client streaming", "bidirectional"] {
        let (client, seen) = moody(3, Code::UNAVAILABLE);
        let client = client.with(retrying());
        let answer = match shape {
            "unary" => soon(client.say(text("abc"))).await.unwrap().message,
            "server streaming" => {
                let mut answers = soon(client.tell(text("abc"))).await.unwrap();
                soon(answers.next()).await.unwrap().unwrap()
            }
            "client streaming" => {
                let (mut texts, response) = soon(client.join()).await.unwrap();
                for part in ["a", "b", "c"] {
                    soon(texts.send(text(part))).await.unwrap();
                }
                soon(texts.finish()).await.unwrap();
                soon(response.response()).await.unwrap().message
            }
            _ => {
                let (mut texts, mut answers) = soon(client.chat()).await.unwrap();
                soon(texts.send(text("abc"))).await.unwrap();
                soon(answers.next()).await.unwrap().unwrap()
            }
        };
        assert_eq!(answer, text("abc"), "{shape}");
        let told: Vec<_> = seen.lock().unwrap().iter().map(|told| told.clone().unwrap_or_default()).collect();
        assert_eq!(told, ["", "1", "2", "3"], "{shape}");
    }
}

#[tokio::test(start_paused = true)]
async fn sender_that_waits_goes_on_sending_to_the_next_attempt() {
    let (client, seen) = moody(2, Code::UNAVAILABLE);
    let (mut texts, response) = soon(client.with(retrying()).join()).await.unwrap();
    soon(texts.send(text("a"))).await.unwrap();
    // The first two attempts fail meanwhile.
    sleep(Duration::from_secs(5)).await;
    for _ in 0..1000 {
        soon(texts.send(text("x".repeat(1000)))).await.unwrap();
    }
    soon(texts.finish()).await.unwrap();
    assert_eq!(soon(response.response()).await.unwrap().message.text.len(), 1_000_001);
    assert_eq!(attempts(&seen), 3);
}

#[tokio::test(start_paused = true)]
async fn call_ends_with_its_last_failure_when_its_attempts_are_used_up() {
    let (client, seen) = moody(usize::MAX, Code::UNAVAILABLE);
    let status = soon(client.with(retrying()).say(text("abc"))).await.unwrap_err();
    assert_eq!((status.code(), status.message(), attempts(&seen)), (Code::UNAVAILABLE, "in a bad mood", 5));
}

#[tokio::test(start_paused = true)]
async fn status_that_the_policy_does_not_name_is_not_retried() {
    let (client, seen) = moody(usize::MAX, Code::INTERNAL);
    let status = soon(client.with(retrying()).say(text("abc"))).await.unwrap_err();
    assert_eq!((status.code(), attempts(&seen)), (Code::INTERNAL, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_no_status_is_retried() {
    let (client, seen) = moody(usize::MAX, Code::UNAVAILABLE);
    let status = soon(client.say(text("abc"))).await.unwrap_err();
    assert_eq!((status.code(), attempts(&seen)), (Code::UNAVAILABLE, 1));
}

#[tokio::test(start_paused = true)]
async fn call_whose_response_head_has_come_is_not_retried() {
    let (client, seen) = moody(usize::MAX, Code::UNAVAILABLE);
    let mut answers = soon(client.with(retrying()).tell(text("head first"))).await.unwrap();
    let status = soon(answers.next()).await.unwrap_err();
    assert_eq!((status.code(), attempts(&seen)), (Code::UNAVAILABLE, 1));
}

#[tokio::test(start_paused = true)]
async fn request_that_is_longer_than_the_buffer_is_not_sent_again() {
    for (length, expected) in [(200_000, 4), (300_000, 1)] {
        let (client, seen) = moody(3, Code::UNAVAILABLE);
        let (mut texts, response) = soon(client.with(retrying()).join()).await.unwrap();
        // The server fails the call when it has read the first message, so the send may fail as well.
        let _ = soon(texts.send(text("x".repeat(length)))).await;
        let _ = soon(texts.finish()).await;
        let response = soon(response.response()).await;
        assert_eq!((response.is_ok(), attempts(&seen)), (expected == 4, expected), "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_between_attempts_grow_as_the_policy_says() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&times);
    let (client, _) = raw(move |_, mut server| {
        let times = Arc::clone(&told);
        async move {
            loop {
                let (stream, _) = server.next_request().await?;
                times.lock().unwrap().push(Instant::now());
                server.refuse(stream, UNAVAILABLE, "later").await;
            }
        }
    });
    soon(client.with(retrying()).say(text("abc"))).await.unwrap_err();
    let times = times.lock().unwrap();
    let pauses: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert_eq!(pauses.len(), 4);
    for (pause, expected) in pauses.iter().zip([100, 300, 900, 1000]) {
        assert!((expected * 79 / 100..=expected * 122 / 100).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn servers_push_back_decides_when_the_call_begins_again() {
    for (push_back, expected) in [("5000", 2), ("0", 2), ("-1", 1), ("soon", 1)] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let (client, _) = raw(move |_, mut server| {
            let count = Arc::clone(&counted);
            async move {
                loop {
                    let (stream, _) = server.next_request().await?;
                    match count.fetch_add(1, Relaxed) {
                        0 => server.refuse_with(stream, UNAVAILABLE, &[("grpc-retry-pushback-ms", push_back)]).await,
                        _ => server.answer(stream, &text("ok")).await,
                    }
                }
            }
        });
        let begin = Instant::now();
        let result = soon(client.with(retrying()).say(text("abc"))).await;
        assert_eq!((result.is_ok(), count.load(Relaxed)), (expected == 2, expected), "{push_back}");
        let waited = begin.elapsed().as_millis();
        assert_eq!(waited >= 5000, push_back == "5000", "{push_back}: {waited} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn pause_ends_at_the_deadline() {
    let (client, seen) = moody(usize::MAX, Code::UNAVAILABLE);
    let policy = RetryPolicy::default().initial_backoff(Duration::from_secs(60)).max_backoff(Duration::from_secs(60));
    let client = client.with(CallOptions::new().retry(policy).timeout(Duration::from_secs(2)));
    let begin = Instant::now();
    let status = soon(client.say(text("abc"))).await.unwrap_err();
    assert_eq!((status.code(), attempts(&seen)), (Code::DEADLINE_EXCEEDED, 1));
    assert_eq!(begin.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn pause_ends_at_the_deadline_whatever_the_attempt_has_failed_of() {
    let policy = RetryPolicy::default().initial_backoff(Duration::from_secs(60)).max_backoff(Duration::from_secs(60));
    let options = CallOptions::new().retry(policy).timeout(Duration::from_secs(2));
    let begin = Instant::now();
    // No server can be reached.
    let (client, _) = refused_at_first(usize::MAX);
    let status = soon(client.with(options.clone()).say(text("abc"))).await.unwrap_err();
    assert_eq!((status.code(), begin.elapsed().as_secs()), (Code::DEADLINE_EXCEEDED, 2));
    // The request is a stream, and nobody reads the response meanwhile.
    let (client, seen) = moody(usize::MAX, Code::UNAVAILABLE);
    let (mut texts, response) = soon(client.with(options).join()).await.unwrap();
    while soon(texts.send(text("a"))).await.is_ok() {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(begin.elapsed().as_secs(), 4);
    assert_eq!(soon(response.response()).await.unwrap_err().code(), Code::DEADLINE_EXCEEDED);
    assert_eq!(attempts(&seen), 1);
}

#[tokio::test(start_paused = true)]
async fn call_that_is_dropped_in_a_pause_begins_no_more() {
    let (client, seen) = moody(usize::MAX, Code::UNAVAILABLE);
    let policy = RetryPolicy::default().initial_backoff(Duration::from_secs(1));
    let client = client.with(CallOptions::new().retry(policy));
    let (mut texts, response) = soon(client.join()).await.unwrap();
    soon(texts.send(text("a"))).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    drop(response);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(attempts(&seen), 1);
    assert!(soon(texts.send(text("b"))).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn request_that_is_dropped_in_a_pause_cancels_the_call() {
    let (client, seen) = moody(usize::MAX, Code::UNAVAILABLE);
    let policy = RetryPolicy::default().initial_backoff(Duration::from_secs(1));
    let (mut texts, response) = soon(client.with(CallOptions::new().retry(policy)).join()).await.unwrap();
    soon(texts.send(text("a"))).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    drop(texts);
    let status = soon(response.response()).await.unwrap_err();
    assert_eq!((status.code(), attempts(&seen)), (Code::CANCELLED, 1), "{status}");
    assert!(status.message().contains("finish()"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn throttle_stops_the_retries_of_a_channel_while_too_many_calls_fail() {
    let seen = Seen::default();
    let mood = Mood { failures: usize::MAX, code: Code::UNAVAILABLE, seen: Arc::clone(&seen) };
    let (channel, _) = pipes::channel_to(Server::new().add(mood.into_service()));
    let config = ServiceConfig::new()
        .default_method(MethodConfig::new().retry(RetryPolicy::default()))
        .retry_throttling(RetryThrottling::default().max_tokens(10).token_ratio(0.1));
    let client = MoodyClient::new(channel.service_config(config));
    for _ in 0..10 {
        soon(client.say(text("abc"))).await.unwrap_err();
    }
    // The first call fails five times, and leaves 5 of 10 tokens: no more retries.
    assert_eq!(attempts(&seen), 5 + 9);
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_method_hold_for_its_calls_alone() {
    let seen = Seen::default();
    let mood = Mood { failures: 1, code: Code::UNAVAILABLE, seen: Arc::clone(&seen) };
    let (channel, _) = pipes::channel_to(Server::new().add(mood.into_service()));
    let config = ServiceConfig::from_json(
        r#"{ "methodConfig": [ {
            "name": [ { "service": "test.v1.Moody", "method": "Say" } ],
            "retryPolicy": { "maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
                             "retryableStatusCodes": [ "UNAVAILABLE" ] },
            "maxRequestMessageBytes": 100
        } ] }"#,
    );
    let client = MoodyClient::new(channel.service_config(config.unwrap()));
    assert_eq!(soon(client.say(text("abc"))).await.unwrap().message, text("abc"));
    // Its tag and its length have a byte each.
    soon(client.say(text("x".repeat(98)))).await.expect("a message of 100 bytes");
    let status = soon(client.say(text("x".repeat(99)))).await.unwrap_err();
    assert_eq!(status.code(), Code::RESOURCE_EXHAUSTED);
    assert!(status.message().contains("max_request_message_bytes"), "{status}");
    seen.lock().unwrap().clear();
    let mut answers = soon(client.tell(text("abc"))).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap_err().code(), Code::UNAVAILABLE);
}

/// A channel whose first `failures` dials are refused.
fn refused_at_first(failures: usize) -> (MoodyClient, Arc<AtomicUsize>) {
    let mood = Mood { failures: 0, code: Code::OK, seen: Seen::default() };
    let server = Server::new().add(mood.into_service());
    let dials = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dials);
    let limits = ClientLimits::default();
    let channel = Channel::with_connector("test.invalid:1".parse().unwrap(), limits, move || {
        let number = counted.fetch_add(1, Relaxed);
        let server = server.clone();
        async move {
            if number < failures {
                return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
            }
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(pipes::serve(server, theirs));
            Ok(ours)
        }
    });
    (MoodyClient::new(checked::calling(channel)), dials)
}

#[tokio::test(start_paused = true)]
async fn policy_bridges_the_time_in_which_no_server_can_be_reached() {
    let policy = RetryPolicy::default().max_attempts(5).initial_backoff(Duration::from_secs(1));
    let (client, dials) = refused_at_first(1);
    let client = client.with(CallOptions::new().retry(policy.max_backoff(Duration::from_secs(5))));
    assert_eq!(soon(client.say(text("abc"))).await.unwrap().message, text("abc"));
    assert_eq!(dials.load(Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn call_that_waits_for_a_connection_outlasts_failed_dials() {
    let (client, dials) = refused_at_first(5);
    let answer = soon(client.with(CallOptions::new().wait_for_ready(true)).say(text("abc"))).await;
    assert_eq!((answer.unwrap().message, dials.load(Relaxed)), (text("abc"), 6));
    let (client, dials) = refused_at_first(5);
    let status = soon(client.say(text("abc"))).await.unwrap_err();
    assert_eq!((status.code(), dials.load(Relaxed)), (Code::UNAVAILABLE, 1));
}

#[tokio::test(start_paused = true)]
async fn deadline_of_a_call_that_waits_for_a_connection_says_why_there_is_none() {
    let (client, _) = refused_at_first(usize::MAX);
    let options = CallOptions::new().wait_for_ready(true).timeout(Duration::from_secs(5));
    let status = soon(client.with(options).say(text("abc"))).await.unwrap_err();
    assert_eq!(status.code(), Code::DEADLINE_EXCEEDED);
    assert_eq!(
        status.message(),
        "the call did not end within its 5s; it waited for a connection: can't connect to http://test.invalid:1: \
         connection refused"
    );
}

#[tokio::test(start_paused = true)]
async fn server_that_turns_every_connection_away_is_dialled_as_the_back_off_says() {
    let (client, dials) = raw(|_, mut server| async move {
        server.go_away(0, NO_ERROR, "not today").await;
        server.close().await;
        None
    });
    let options = CallOptions::new().wait_for_ready(true).timeout(Duration::from_secs(60));
    let status = soon(client.with(options).say(text("abc"))).await.unwrap_err();
    assert_eq!(status.code(), Code::DEADLINE_EXCEEDED);
    assert!(status.message().contains("GOAWAY NO_ERROR") && status.message().contains("not today"), "{status}");
    // 0, 0, 1.6, 4.2, 8.3, 14.8, 25.3, 42.1 s, each pause give or take a fifth
    assert!((7..=10).contains(&dials.count()), "{} dials", dials.count());
}

#[tokio::test(start_paused = true)]
async fn server_that_leaves_before_it_takes_a_call_is_dialled_as_the_back_off_says() {
    let (channel, dials) = pipes::raw(|_, io| async move {
        let mut server = RawServer::accept(io, &[(MAX_CONCURRENT_STREAMS, 0)]).await?;
        sleep(Duration::from_millis(10)).await;
        server.go_away(0, NO_ERROR, "not today").await;
        server.close().await;
        None
    });
    let options = CallOptions::new().wait_for_ready(true).timeout(Duration::from_secs(60));
    let status = soon(MoodyClient::new(channel).with(options).say(text("abc"))).await.unwrap_err();
    assert_eq!(status.code(), Code::DEADLINE_EXCEEDED);
    assert!((7..=10).contains(&dials.count()), "{} dials", dials.count());
}

#[tokio::test(start_paused = true)]
async fn policy_that_cannot_be_is_refused_by_name() {
    let (client, seen) = moody(0, Code::OK);
    let client = client.with(CallOptions::new().retry(RetryPolicy::default().max_attempts(1)));
    let status = soon(client.say(text("abc"))).await.unwrap_err();
    assert_eq!((status.code(), attempts(&seen)), (Code::INVALID_ARGUMENT, 0));
    assert!(status.message().contains("retry.max_attempts"), "{status}");
}

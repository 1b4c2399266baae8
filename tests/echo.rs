//! A service of one's own, through the whole stack: the four shapes, metadata, deadlines, cancellation, panics.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Running, Text, call, checked, connect, connect_with, frame, frame_of, head, limits, read, soon, text};
use h2grpc::call::{CallEnded, CallOptions, Inbound, Outbound, Request};
use h2grpc::codec::Encoded;
use h2grpc::limits::{BATCH, ClientLimits};
use h2grpc::metadata::Metadata;
use h2grpc::server::Server;
use h2grpc::status::{Doing, Status};
use h2grpc::wire::Code;
use prost::Message;
use tokio::sync::Notify;

h2grpc::service! {
    /// Says things back.
    service Echo("test.v1.Echo") client EchoClient {
        /// Says one thing back; some words have a meaning.
        rpc Say    as say    (Text)        returns (Text);
        /// Says one thing as often as its number says.
        rpc Repeat as repeat (Text)        returns (stream Text);
        /// Joins many things.
        rpc Join   as join   (stream Text) returns (Text);
        /// Says each thing back as it comes.
        rpc Chat   as chat   (stream Text) returns (stream Text);
    }
}

/// Counts what is running, so that a test sees when a handler was dropped.
#[derive(Clone, Default)]
struct Parrot {
    running: Arc<AtomicUsize>,
    /// How many bytes of answers `Repeat` could send.
    sent: Arc<AtomicUsize>,
    changed: Arc<Notify>,
    gate: Arc<std::sync::Mutex<()>>,
}

struct Running1(Parrot);

impl Parrot {
    fn enter(&self) -> Running1 {
        self.running.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
        Running1(self.clone())
    }

    async fn until(&self, count: usize) {
        soon(async {
            while self.running.load(Ordering::SeqCst) != count {
                let _ = tokio::time::timeout(Duration::from_millis(20), self.changed.notified()).await;
            }
        })
        .await;
    }
}

impl Drop for Running1 {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Echo for Parrot {
    async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
        let _running = self.enter();
        match request.message.text.as_str() {
            "panic" => panic!("as asked"),
            "sleep" => std::future::pending::<()>().await,
            "yield" => tokio::task::yield_now().await,
            "fail" => {
                let mut status = Status::not_found("nothing of that name: \u{1F99C}").with_details(&b"\x08\x05"[..]);
                status.metadata_mut().insert("hint", "look elsewhere")?;
                return Err(status);
            }
            "metadata" => {
                let mut metadata = Metadata::new();
                metadata.insert("seen", request.context.metadata().get("ask").unwrap_or("nothing"))?;
                metadata.insert_bin("seen-bin", &request.context.metadata().get_bin("ask-bin").unwrap_or_default())?;
                request.context.respond_with(&metadata)?;
                request.context.end_with(&metadata);
            }
            "deadline" => {
                let left = request.context.deadline().map(|at| at.duration_since(tokio::time::Instant::now()));
                return Ok(text(format!("{}", left.is_some_and(|left| left.as_secs() >= 90 && left.as_secs() <= 100))));
            }
            "file" => drop(std::fs::read("no/such/file").doing("reading the list of words")?),
            "reserved" => Metadata::new().insert("grpc-status", "0")?,
            said => {
                if let Some(number) = said.strip_prefix("number ") {
                    number.parse::<u8>().doing("reading the number")?;
                }
            }
        }
        Ok(request.message)
    }

    async fn repeat(&self, request: Request<Text>, texts: &mut Outbound<Text>) -> Result<(), Status> {
        let _running = self.enter();
        let (count, end) = request.message.text.split_once(' ').unwrap_or((&request.message.text, ""));
        for index in 0..count.parse::<usize>().map_err(|_| Status::invalid_argument("no number"))? {
            let text = text(if end == "encoded" { format!("{index:6000}") } else { index.to_string() });
            match end {
                "encoded" => texts.send_encoded(&Encoded::new(std::slice::from_ref(&text))?).await?,
                _ => texts.send(&text).await?,
            }
            self.sent.fetch_add(5 + text.encoded_len(), Ordering::SeqCst);
        }
        match end {
            "fail" => Err(Status::aborted("after the messages")),
            "panic" => panic!("after the messages"),
            "block" => {
                std::thread::sleep(Duration::from_millis(50));
                drop(self.gate.lock());
                Ok(())
            }
            "sleep" => std::future::pending().await,
            _ => Ok(()),
        }
    }

    async fn join(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        let _running = self.enter();
        let mut all = String::new();
        while let Some(Text { text }) = texts.next().await? {
            if text == "stop" {
                return Err(Status::out_of_range("enough"));
            }
            if text == "elsewhere" {
                tokio::spawn(async move { while texts.next().await.is_ok_and(|text| text.is_some()) {} });
                return std::future::pending().await;
            }
            all += &text;
        }
        Ok(text(all))
    }

    async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        let _running = self.enter();
        while let Some(text) = texts.next().await? {
            answers.send(text).await?;
        }
        Ok(())
    }
}

fn serve() -> (Running, Parrot, EchoClient) {
    let parrot = Parrot::default();
    let running = Running::start(Server::new().add(parrot.clone().into_service()));
    let client = EchoClient::new(running.channel());
    (running, parrot, client)
}

async fn collect(mut texts: h2grpc::call::Responses<Text>) -> Result<Vec<String>, Status> {
    let mut all = Vec::new();
    while let Some(text) = soon(texts.next()).await? {
        all.push(text.text);
    }
    Ok(all)
}

#[tokio::test]
async fn a_handler_ahead_of_its_reader_is_held_up_and_nothing_is_lost() {
    // What h2 took unasked, a batch that waits and one that gathers, and what was counted when it was sent.
    held_up("20000", &text("19999"), 4096 + 2 * BATCH + 20).await;
}

#[tokio::test]
async fn a_handler_ahead_of_its_reader_is_held_up_with_messages_encoded_before_too() {
    // Of these h2 takes a batch unasked, and none gathers.
    held_up("40 encoded", &text(format!("{:6000}", 39)), BATCH).await;
}

/// Has `Repeat` say `what` to a client that does not read until the handler stands still: `held` bytes besides the
/// window's may be sent by then.
async fn held_up(what: &str, last: &Text, held: usize) {
    let (running, parrot, _) = serve();
    const WINDOW: u32 = 1000;
    let mut requests = connect_with(running.address, h2::client::Builder::new().initial_window_size(WINDOW)).await;
    let head = head("/test.v1.Echo/Repeat").body(()).unwrap();
    let (response, mut request) = requests.send_request(head, false).unwrap();
    request.send_data(frame(&text(what)), true).unwrap();
    let sent = || parrot.sent.load(Ordering::SeqCst);
    let mut before = usize::MAX;
    while before != sent() || before == 0 {
        before = sent();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(sent() <= WINDOW as usize + held, "{} bytes are sent, {held} should be held", sent());
    let answer = read(response).await.unwrap();
    assert_eq!((answer.code(), answer.body.len()), (0, sent()));
    assert!(answer.body.ends_with(&frame(last)));
}

#[tokio::test]
async fn unary_gives_a_value_for_a_value() {
    let (_running, _, client) = serve();
    for said in ["", "hello", "yield", &"long ".repeat(200_000)] {
        assert_eq!(soon(client.say(text(said))).await.unwrap().message.text, said);
    }
}

#[tokio::test]
async fn server_streaming_gives_messages_in_order_and_then_the_end() {
    let (_running, _, client) = serve();
    for count in [0, 1, 2, 100_000] {
        let texts = collect(client.repeat(text(count.to_string())).await.unwrap()).await.unwrap();
        assert!(texts.iter().map(|text| text.parse::<usize>().unwrap()).eq(0..count));
    }
}

#[tokio::test]
async fn client_streaming_sends_many_and_gets_one() {
    let (_running, _, client) = serve();
    for count in [0, 1, 2, 100_000] {
        let (mut texts, answer) = client.join().await.unwrap();
        for _ in 0..count {
            soon(texts.send(text("ab"))).await.unwrap();
        }
        texts.finish().await.unwrap();
        assert_eq!(soon(answer.response()).await.unwrap().message.text, "ab".repeat(count));
    }
}

#[tokio::test]
async fn bidirectional_answers_before_the_request_ends() {
    let (_running, _, client) = serve();
    let (mut texts, mut answers) = client.chat().await.unwrap();
    for index in 0..1000 {
        texts.send(text(index.to_string())).await.unwrap();
        assert_eq!(soon(answers.next()).await.unwrap().unwrap().text, index.to_string());
    }
    texts.finish().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), None);
}

#[tokio::test]
async fn a_long_chat_whose_answers_are_read_late_loses_nothing() {
    let (_running, _, client) = serve();
    let (mut texts, answers) = client.chat().await.unwrap();
    let reading = tokio::spawn(collect(answers));
    for index in 0..50_000 {
        texts.send(text(index.to_string())).await.unwrap();
    }
    texts.finish().await.unwrap();
    assert!(soon(reading).await.unwrap().unwrap().iter().map(|text| text.parse::<usize>().unwrap()).eq(0..50_000));
}

#[tokio::test]
async fn a_status_arrives_whole() {
    let (_running, _, client) = serve();
    let status = client.say(text("fail")).await.unwrap_err();
    assert_eq!(status.code(), Code::NOT_FOUND);
    assert_eq!(status.message(), "nothing of that name: \u{1F99C}");
    assert_eq!(status.details(), &b"\x08\x05"[..]);
    assert_eq!(status.metadata().get("hint"), Some("look elsewhere"));
}

#[tokio::test]
async fn messages_before_an_error_arrive_before_the_status() {
    let (_running, _, client) = serve();
    let mut texts = client.repeat(text("3 fail")).await.unwrap();
    for _ in 0..3 {
        assert!(soon(texts.next()).await.unwrap().is_some());
    }
    assert_eq!(soon(texts.next()).await.unwrap_err().code(), Code::ABORTED);
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    let (_running, _, client) = serve();
    let mut metadata = Metadata::new();
    metadata.insert("ask", "a question").unwrap();
    metadata.insert_bin("ask-bin", &[0, 255]).unwrap();
    let client = client.with(CallOptions::new().metadata(metadata));
    let response = client.say(text("metadata")).await.unwrap();
    for metadata in [&response.metadata, &response.trailers] {
        assert_eq!(metadata.get("seen"), Some("a question"));
        assert_eq!(metadata.get_bin("seen-bin").as_deref(), Some(&[0, 255][..]));
    }
}

#[tokio::test]
async fn options_that_are_added_keep_those_that_were_there() {
    let (_running, _, client) = serve();
    let named = |name: &str| {
        let mut metadata = Metadata::new();
        metadata.insert(name, "told").unwrap();
        CallOptions::new().metadata(metadata)
    };
    let client = client.with(CallOptions::new().timeout(Duration::from_secs(100)));
    let client = client.with(named("ask")).with(named("other"));
    assert_eq!(client.say(text("deadline")).await.unwrap().message.text, "true", "the deadline is kept");
    let response = client.say(text("metadata")).await.unwrap();
    assert_eq!(response.metadata.get("seen"), Some("told"), "the metadata that was added first is kept");
}

#[tokio::test]
async fn errors_that_are_common_in_handlers_become_statuses() {
    let (_running, _, client) = serve();
    for (said, code, words) in [
        ("number 256", Code::INVALID_ARGUMENT, "reading the number: "),
        ("file", Code::NOT_FOUND, "reading the list of words: "),
        ("reserved", Code::INTERNAL, "grpc-status"),
    ] {
        let status = soon(client.say(text(said))).await.unwrap_err();
        assert_eq!(status.code(), code, "{said}: {status}");
        assert!(status.message().contains(words), "{said}: {status}");
    }
    assert_eq!(soon(client.say(text("number 255"))).await.unwrap().message, text("number 255"));
}

#[tokio::test]
async fn the_handler_knows_the_deadline() {
    let (_running, _, client) = serve();
    assert_eq!(client.say(text("deadline")).await.unwrap().message.text, "false");
    let client = client.with(CallOptions::new().timeout(Duration::from_secs(100)));
    assert_eq!(client.say(text("deadline")).await.unwrap().message.text, "true");
}

#[tokio::test]
async fn deadline_expiry_is_deadline_exceeded_and_drops_the_handler() {
    let (_running, parrot, client) = serve();
    let client = client.with(CallOptions::new().timeout(Duration::from_millis(50)));
    let status = soon(client.say(text("sleep"))).await.unwrap_err();
    assert_eq!(status.code(), Code::DEADLINE_EXCEEDED, "{status}");
    parrot.until(0).await;
    let (mut texts, answers) = client.chat().await.unwrap();
    assert_eq!(collect(answers).await.unwrap_err().code(), Code::DEADLINE_EXCEEDED);
    let sent = soon(async {
        while texts.send(text("late")).await.is_ok() {
            tokio::task::yield_now().await
        }
    });
    sent.await;
    parrot.until(0).await;
}

#[tokio::test]
async fn dropping_a_call_drops_its_handler() {
    let (_running, parrot, client) = serve();
    let saying = tokio::spawn({
        let client = client.clone();
        async move { client.say(text("sleep")).await }
    });
    parrot.until(1).await;
    saying.abort();
    parrot.until(0).await;

    let mut texts = client.repeat(text("1 sleep")).await.unwrap();
    assert!(soon(texts.next()).await.unwrap().is_some());
    drop(texts);
    parrot.until(0).await;
}

#[tokio::test]
async fn calls_that_come_together_all_begin_though_none_is_answered() {
    let (_running, parrot, client) = serve();
    let calls: Vec<_> = std::iter::repeat_with(|| {
        let client = client.clone();
        tokio::spawn(async move { client.say(text("sleep")).await })
    })
    .take(100)
    .collect();
    parrot.until(100).await;
    calls.iter().for_each(|call| call.abort());
    parrot.until(0).await;
}

#[tokio::test]
async fn an_upload_dropped_half_way_is_cancelled_and_never_looks_complete() {
    let (_running, parrot, client) = serve();
    let (mut texts, answer) = client.join().await.unwrap();
    texts.send(text("half")).await.unwrap();
    parrot.until(1).await;
    drop(texts);
    assert_eq!(soon(answer.response()).await.unwrap_err().code(), Code::CANCELLED);
    parrot.until(0).await;
}

#[tokio::test]
async fn a_request_that_is_dropped_before_finish_says_what_happened_and_what_to_do() {
    let (_running, _, client) = serve();
    let (mut texts, answer) = client.join().await.unwrap();
    texts.send(text("half")).await.unwrap();
    drop(texts);
    let status = soon(answer.response()).await.unwrap_err();
    assert_eq!(status.code(), Code::CANCELLED);
    for words in ["its request was dropped before finish() was called", "must be ended by finish()"] {
        assert!(status.message().contains(words), "{status}");
    }
    let (texts, answers) = client.chat().await.unwrap();
    drop(texts);
    let status = collect(answers).await.unwrap_err();
    assert!(status.message().contains("finish()"), "{status}");
}

#[tokio::test]
async fn a_sender_whose_response_was_dropped_is_told_so() {
    let (_running, parrot, client) = serve();
    let (mut texts, answers) = client.chat().await.unwrap();
    texts.send(text("one")).await.unwrap();
    parrot.until(1).await;
    drop(answers);
    soon(async {
        while texts.send(text("more")).await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await;
    assert_eq!(soon(texts.finish()).await, Err(CallEnded));
    parrot.until(0).await;
}

#[tokio::test]
async fn a_reset_ends_a_call_whose_request_is_read_in_another_task() {
    let (_running, parrot, client) = serve();
    let (mut texts, answer) = client.join().await.unwrap();
    texts.send(text("elsewhere")).await.unwrap();
    parrot.until(1).await;
    texts.send(text("and on")).await.unwrap();
    drop(texts);
    assert_eq!(soon(answer.response()).await.unwrap_err().code(), Code::CANCELLED);
    parrot.until(0).await;
}

#[tokio::test]
async fn a_server_that_answers_early_is_heard() {
    let (_running, _, client) = serve();
    let (mut texts, answer) = client.join().await.unwrap();
    texts.send(text("stop")).await.unwrap();
    // The sender may learn that nobody listens any more; the answer says why.
    soon(async {
        while texts.send(text("more".repeat(1000))).await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await;
    let status = soon(answer.response()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::OUT_OF_RANGE, "enough"));
}

#[tokio::test]
async fn a_panicking_handler_ends_its_own_call_with_internal_and_the_connection_lives_on() {
    let (_running, parrot, client) = serve();
    let (mut texts, mut answers) = client.chat().await.unwrap();
    texts.send(text("before")).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap().unwrap().text, "before");
    assert_eq!(soon(client.say(text("panic"))).await.unwrap_err().code(), Code::INTERNAL);
    assert_eq!(collect(client.repeat(text("2 panic")).await.unwrap()).await.unwrap_err().code(), Code::INTERNAL);
    texts.send(text("after")).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap().unwrap().text, "after");
    drop(texts);
    parrot.until(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_handler_that_blocks_its_thread_holds_up_its_connection_twice_at_most() {
    let (_running, parrot, client) = serve();
    for _ in 0..2 {
        assert_eq!(collect(client.repeat(text("1 block")).await.unwrap()).await.unwrap(), ["0"]);
    }
    let gate = parrot.gate.clone();
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel();
    let holder = std::thread::spawn(move || {
        let _closed = gate.lock().unwrap();
        locked.send(()).unwrap();
        released.recv().unwrap();
    });
    is_locked.await.unwrap();

    let blocked = client.repeat(text("1 block")).await.unwrap();
    parrot.until(1).await;
    for _ in 0..100 {
        assert_eq!(soon(client.say(text("quick"))).await.unwrap().message, text("quick"));
    }
    assert_eq!(parrot.running.load(Ordering::SeqCst), 1, "the handler that blocks still does");

    release.send(()).unwrap();
    assert_eq!(collect(blocked).await.unwrap(), ["0"]);
    holder.join().unwrap();
}

/// A request of some 900 bytes that says `word`: the rest is a field that nobody knows.
fn padded(word: &str) -> bytes::Bytes {
    let mut message = text(word).encode_to_vec();
    prost::encoding::bytes::encode(9, &vec![0_u8; 900], &mut message);
    frame_of(0, &message)
}

#[tokio::test]
async fn small_requests_give_their_room_in_the_window_back_when_their_calls_end() {
    let narrow = limits(|limits| (limits.connection_window, limits.max_concurrent_streams) = (65_535, 2));
    let running = Running::start(Server::new().add(Parrot::default().into_service()).limits(narrow));
    let mut requests = connect(running.address).await;
    for path in ["/test.v1.Echo/Say", "/test.v1.Echo/Join"] {
        for _ in 0..100 {
            let answer = call(&mut requests, head(path).body(()).unwrap(), [padded("go on")]);
            assert_eq!(soon(answer).await.unwrap().code(), 0);
        }
    }
}

#[tokio::test]
async fn requests_that_keep_their_room_while_they_are_answered_leave_the_others_their_window() {
    let narrow = limits(|limits| limits.connection_window = 65_535);
    let parrot = Parrot::default();
    let running = Running::start(Server::new().add(parrot.clone().into_service()).limits(narrow));
    let mut requests = connect(running.address).await;
    let mut asleep = Vec::new();
    for _ in 0..99 {
        requests = requests.ready().await.unwrap();
        let (answer, mut request) = requests.send_request(head("/test.v1.Echo/Say").body(()).unwrap(), false).unwrap();
        request.send_data(padded("sleep"), true).unwrap();
        asleep.push((answer, request));
    }
    soon(parrot.until(99)).await;
    let many = (0..200).map(|_| padded("x"));
    let answer = soon(call(&mut requests, head("/test.v1.Echo/Join").body(()).unwrap(), many)).await.unwrap();
    assert_eq!((answer.code(), answer.body.len()), (0, 5 + 3 + 200));
}

/// They may take over its memory.
#[tokio::test]
async fn nothing_of_the_requests_metadata_comes_back_in_the_trailers() {
    let (running, _, _) = serve();
    let mut requests = connect(running.address).await;
    for path in ["/test.v1.Echo/Say", "/test.v1.Echo/Repeat"] {
        let request = head(path).header("trace-id", "7f3a").header("trace-id", "7f3b").header("token-bin", "+/8");
        let answer = call(&mut requests, request.body(()).unwrap(), [frame(&text("3"))]).await.unwrap();
        assert_eq!((answer.code(), answer.trailers.len()), (0, 1), "{answer:?}");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_resource_exhausted_on_either_side() {
    let parrot = Parrot::default();
    let small = limits(|limits| limits.max_message = 1000);
    let running = Running::start(Server::new().add(parrot.into_service()).limits(small));
    let client = EchoClient::new(running.channel());
    let status = soon(client.say(text("x".repeat(2000)))).await.unwrap_err();
    assert_eq!(status.code(), Code::RESOURCE_EXHAUSTED);
    assert!(status.message().contains("2003") && status.message().contains("1000"), "{status}");

    let (_running, _, _) = serve();
    let client = EchoClient::new(_running.channel().limits(ClientLimits::default().max_message(1000)));
    assert_eq!(soon(client.say(text("x".repeat(2000)))).await.unwrap_err().code(), Code::RESOURCE_EXHAUSTED);
}

#[tokio::test]
async fn a_handler_that_does_not_read_stops_its_client_and_no_other() {
    let (_running, parrot, client) = serve();
    // `Chat` stops reading when its answers are not read.
    let (mut texts, answers) = client.chat().await.unwrap();
    let mut sent = 0;
    let message = text("x".repeat(10_000));
    while let Ok(result) = tokio::time::timeout(Duration::from_millis(500), texts.send(&message)).await {
        result.unwrap();
        sent += 10_000;
        assert!(sent < 64 << 20, "nothing stops the sender");
        soon(client.say(text("others go on"))).await.unwrap();
    }
    drop((texts, answers));
    parrot.until(0).await;
}

#[tokio::test]
async fn a_server_without_the_service_says_so() {
    let running = Running::start(Server::new());
    let status = EchoClient::new(running.channel()).say(text("hello")).await.unwrap_err();
    assert_eq!(status.code(), Code::UNIMPLEMENTED);
    assert!(status.message().contains("/test.v1.Echo/Say"), "{status}");
}

#[tokio::test]
async fn a_channel_dials_again_after_its_connection_was_lost() {
    let (running, parrot, client) = serve();
    soon(client.say(text("one"))).await.unwrap();
    let address = running.address;
    soon(running.stop()).await.unwrap().unwrap();
    let status = soon(client.say(text("two"))).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
    assert!(status.message().contains(&address.to_string()), "{status}");
    let listener = h2grpc::server::listen(address).unwrap();
    let server = checked::serving(Server::new().add(parrot.into_service()));
    tokio::spawn(server.serve([listener], std::future::pending()));
    let again = soon(async {
        loop {
            match client.say(text("three")).await {
                Ok(response) => break response.message.text,
                Err(status) => assert_eq!(status.code(), Code::UNAVAILABLE, "{status}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert_eq!(again.await, "three");
}

#[tokio::test]
async fn a_stop_lets_calls_in_flight_end_and_refuses_new_connections() {
    let (running, parrot, client) = serve();
    let (mut texts, mut answers) = client.chat().await.unwrap();
    texts.send(text("before")).await.unwrap();
    assert!(soon(answers.next()).await.unwrap().is_some());
    parrot.until(1).await;
    let address = running.address;
    let stopped = running.stop();
    soon(async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await;
    texts.send(text("after")).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap().unwrap().text, "after");
    texts.finish().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), None);
    soon(stopped).await.unwrap().unwrap();
}

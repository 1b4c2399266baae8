//! When the response head leaves: with the first message, at the end, or when the handler asks; and what may be said in
//! it until then.

mod common;

use std::sync::{Arc, Mutex};

use common::raw::{DATA, END_STREAM, HEADERS, Raw, kinds};
use common::{Running, Text, call, connect, frame, frame_of, head, soon, text};
use h2grpc::call::{CallContext, Inbound, Outbound, Request};
use h2grpc::client::Channel;
use h2grpc::metadata::Metadata;
use h2grpc::route_guide::{Features, Point, Rectangle, RouteNote};
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::Code;
use tokio::sync::mpsc;

h2grpc::service! {
    /// What is done depends on the request's metadata `do`, which is known before any message.
    service Heads("test.v1.Heads") client HeadsClient {
        rpc One  as one  (Text)        returns (Text);
        rpc Many as many (Text)        returns (stream Text);
        rpc Join as join (stream Text) returns (Text);
        rpc Chat as chat (stream Text) returns (stream Text);
    }
}

struct Handlers;

/// No frame of a stream.
const NOTHING: [u8; 0] = [];

fn word(said: &str) -> Result<Metadata, Status> {
    let mut metadata = Metadata::new();
    metadata.insert("said", said)?;
    Ok(metadata)
}

/// Sends the head before any message, where the caller wants that.
fn begin(context: &CallContext) -> Result<(), Status> {
    if context.metadata().get("do") == Some("send-head") {
        context.respond_with(&word("early")?)?;
        context.send_head()?;
    }
    Ok(())
}

impl Heads for Handlers {
    async fn one(&self, request: Request<Text>) -> Result<Text, Status> {
        begin(&request.context)?;
        Ok(request.message)
    }

    async fn many(&self, request: Request<Text>, texts: &mut Outbound<Text>) -> Result<(), Status> {
        let context = &request.context;
        match context.metadata().get("do") {
            Some("respond-after-await") => {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                context.respond_with(&word(&request.message.text)?)?;
                texts.send(&request.message).await
            }
            Some("respond-after-message") => {
                texts.send(&request.message).await?;
                context.respond_with(&word("late")?)
            }
            Some("respond-after-message-and-await") => {
                texts.send(&request.message).await?;
                tokio::task::yield_now().await;
                context.respond_with(&word("late")?)
            }
            _ => begin(context),
        }
    }

    async fn join(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        begin(texts.context())?;
        let mut all = String::new();
        while let Some(text) = texts.next().await? {
            all += &text.text;
        }
        Ok(text(all))
    }

    async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        begin(texts.context())?;
        let mut is_first = true;
        while let Some(text) = texts.next().await? {
            if is_first && texts.context().metadata().get("do") == Some("respond-with-the-first") {
                texts.context().respond_with(&word(&text.text)?)?;
            }
            is_first = false;
            answers.send(text).await?;
        }
        Ok(())
    }
}

fn serve() -> Running {
    Running::start(Server::new().add(Handlers.into_service()))
}

/// A client whose calls say what is to be done.
fn client(channel: Channel, what: &str) -> HeadsClient {
    let mut metadata = Metadata::new();
    metadata.insert("do", what).unwrap();
    HeadsClient::new(channel).with(h2grpc::call::CallOptions::new().metadata(metadata))
}

#[tokio::test]
async fn no_head_leaves_before_the_first_message_of_the_request_has_come() {
    let running = Running::route_guide(Features::embedded());
    let point = Some(Point { latitude: 1, longitude: 2 });
    let note = |text: &str| frame(&RouteNote { location: point, message: text.to_owned() });
    for (method, message) in [
        ("GetFeature", frame(&Point::default())),
        ("ListFeatures", frame(&Rectangle { lo: point, hi: point })),
        ("RecordRoute", frame(&Point::default())),
        ("RouteChat", [note("one"), note("two")].concat().into()),
    ] {
        let mut raw = Raw::connect(running.address).await;
        raw.send_head(1, &format!("/routeguide.RouteGuide/{method}")).await;
        assert_eq!(kinds(&raw.until_quiet().await, 1), NOTHING, "{method}, before its message");
        raw.send(DATA, END_STREAM, 1, &message).await;
        let head = raw.next_of(HEADERS).await;
        assert_eq!(head.stream, 1, "{method}");
    }
}

#[tokio::test]
async fn a_stream_that_answers_nothing_yet_has_sent_no_head() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    for (stream, path) in [(1, "/test.v1.Heads/Join"), (3, "/test.v1.Heads/Chat")] {
        raw.send_head(stream, path).await;
        assert_eq!(kinds(&raw.until_quiet().await, stream), NOTHING, "{path}");
    }
    raw.send(DATA, 0, 1, &frame(&text("read, not answered"))).await;
    assert_eq!(kinds(&raw.until_quiet().await, 1), NOTHING);
    raw.send(DATA, 0, 3, &frame(&text("answered"))).await;
    assert_eq!(kinds(&raw.until_quiet().await, 3), [HEADERS, DATA], "head and message, and the call goes on");
}

#[tokio::test]
async fn send_head_sends_the_head_before_any_message_of_a_streaming_request() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for path in ["/test.v1.Heads/Join", "/test.v1.Heads/Chat"] {
        requests = soon(requests.ready()).await.unwrap();
        let request = head(path).header("do", "send-head").body(()).unwrap();
        let (response, mut stream) = requests.send_request(request, false).unwrap();
        let response = soon(response).await.unwrap(); // it comes though nothing was sent
        assert_eq!(response.headers()["said"], "early", "{path}");
        stream.send_data(frame(&text("now")), true).unwrap();
        let mut body = response.into_body();
        assert_eq!(soon(body.data()).await.unwrap().unwrap(), frame(&text("now")), "{path}");
        assert_eq!(soon(body.trailers()).await.unwrap().unwrap()["grpc-status"], "0", "{path}");
    }
}

#[tokio::test]
async fn send_head_sends_the_head_of_a_response_without_messages() {
    let running = serve();
    for path in ["/test.v1.Heads/One", "/test.v1.Heads/Many"] {
        let request = head(path).header("do", "send-head").body(()).unwrap();
        let answer = call(&mut connect(running.address).await, request, [frame(&text("x"))]).await.unwrap();
        assert!(!answer.trailers_only && answer.code() == 0, "{answer:?}");
        assert_eq!(answer.head["said"], "early");
    }
}

#[tokio::test]
async fn send_head_is_a_failed_precondition_while_the_one_message_of_a_request_is_due_and_nothing_leaves() {
    let results = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&results);
    let service = Handlers.into_service().intercept(move |call| {
        seen.lock().unwrap().push(call.context().send_head().map_err(|status| status.code()));
        Ok(())
    });
    let running = Running::start(Server::new().add(service));
    let mut raw = Raw::connect(running.address).await;
    for (stream, path) in [(1, "/test.v1.Heads/One"), (3, "/test.v1.Heads/Many")] {
        raw.send_head(stream, path).await;
        assert_eq!(kinds(&raw.until_quiet().await, stream), NOTHING, "{path}");
        assert_eq!(results.lock().unwrap().pop(), Some(Err(Code::FAILED_PRECONDITION)), "{path}");
        raw.send(DATA, END_STREAM, stream, &frame(&text("now"))).await;
        assert_eq!(raw.next_of(HEADERS).await.stream, stream, "{path}");
    }
}

#[tokio::test]
async fn a_context_that_was_cloned_before_the_message_came_sends_the_head_after_it() {
    let (contexts, mut kept) = mpsc::unbounded_channel::<CallContext>();
    let service = Handlers
        .into_service()
        .intercept(move |call| contexts.send(call.context().clone()).map_err(|_| Status::internal("the test is over")));
    let running = Running::start(Server::new().add(service));
    let mut requests = connect(running.address).await;
    let (response, mut stream) = requests.send_request(head("/test.v1.Heads/Chat").body(()).unwrap(), false).unwrap();
    let context = soon(kept.recv()).await.unwrap();
    soon(async {
        while context.send_head().is_err() {
            tokio::task::yield_now().await; // until the handler has chosen the shape
        }
    })
    .await;
    assert_eq!(soon(response).await.unwrap().status(), 200);
    stream.send_data(frame(&text("x")), true).unwrap();
}

#[tokio::test]
async fn metadata_may_depend_on_the_first_message() {
    let running = serve();
    let (mut texts, mut answers) = client(running.channel(), "respond-with-the-first").chat().await.unwrap();
    for said in ["one", "two"] {
        texts.send(text(said)).await.unwrap();
        assert_eq!(soon(answers.next()).await.unwrap(), Some(text(said)));
    }
    assert_eq!(answers.metadata().get("said"), Some("one"));
    texts.finish().await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap(), None);
}

#[tokio::test]
async fn respond_with_works_in_a_server_streaming_handler_after_it_has_waited() {
    let running = serve();
    let client = client(running.channel(), "respond-after-await");
    for number in 0..300 {
        let said = text(number.to_string());
        let mut texts = client.many(said.clone()).await.unwrap();
        assert_eq!(soon(texts.next()).await.unwrap(), Some(said.clone()));
        assert_eq!(texts.metadata().get("said"), Some(&said.text[..]));
        assert_eq!(soon(texts.next()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn respond_with_after_the_first_message_is_a_failed_precondition_whatever_its_size() {
    let running = serve();
    for what in ["respond-after-message", "respond-after-message-and-await"] {
        for length in [1, 20_000] {
            let mut texts = client(running.channel(), what).many(text("x".repeat(length))).await.unwrap();
            assert!(soon(texts.next()).await.unwrap().is_some());
            let status = soon(texts.next()).await.unwrap_err();
            assert_eq!(status.code(), Code::FAILED_PRECONDITION, "{what}, {length}: {status}");
            assert_eq!(texts.metadata().get("said"), None, "{what}, {length}");
        }
    }
}

/// An empty message is a message.
#[tokio::test]
async fn an_empty_message_has_the_head_leave_too() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send_head(1, "/test.v1.Heads/Chat").await;
    raw.send(DATA, 0, 1, &frame_of(0, b"")).await;
    assert_eq!(kinds(&raw.until_quiet().await, 1), [HEADERS, DATA]);
}

//! The halves of a call as streams, and what happens to a stream that is sent when the server answers early.

mod common;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use common::peer::{answering, ok_head, server, trailers};
use common::{Running, Text, frame, frame_of, soon, text};
use futures_util::stream::{self, FusedStream, StreamExt, TryStreamExt};
use h2grpc::call::{CallEnded, Inbound, Outbound, Request};
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::Code;
use tokio::sync::Semaphore;

h2grpc::service! {
    service Echo("test.v1.Echo") client EchoClient {
        rpc Repeat as repeat (Text)        returns (stream Text);
        rpc Join   as join   (stream Text) returns (Text);
        rpc Chat   as chat   (stream Text) returns (stream Text);
    }
}

/// Answers "stop" early, with ABORTED.
#[derive(Clone)]
struct Parrot {
    /// A permit for each call whose request was cut off.
    cut_off: Arc<Semaphore>,
}

impl Parrot {
    async fn next(&self, texts: &mut Inbound<Text>) -> Result<Option<Text>, Status> {
        // Through `Stream`, as a handler may read too.
        match StreamExt::next(texts).await.transpose() {
            Ok(Some(text)) if text.text == "stop" => Err(Status::aborted("it said stop")),
            read => read.inspect_err(|_| self.cut_off.add_permits(1)),
        }
    }
}

impl Echo for Parrot {
    async fn repeat(&self, request: Request<Text>, texts: &mut Outbound<Text>) -> Result<(), Status> {
        for number in 0..3 {
            texts.send(text(format!("{} {number}", request.message.text))).await?;
        }
        Ok(())
    }

    async fn join(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
        let mut all = Text::default();
        while let Some(next) = self.next(&mut texts).await? {
            all.text += &next.text;
        }
        Ok(all)
    }

    async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        while let Some(next) = self.next(&mut texts).await? {
            answers.send(next).await?;
        }
        Ok(())
    }
}

fn serve() -> (Running, Parrot, EchoClient) {
    let parrot = Parrot { cut_off: Arc::new(Semaphore::new(0)) };
    let running = Running::start(Server::new().add(parrot.clone().into_service()));
    let client = EchoClient::new(running.channel());
    (running, parrot, client)
}

fn client_of(address: SocketAddr) -> EchoClient {
    EchoClient::new(common::channel(address))
}

fn texts(of: &[&str]) -> Vec<Text> {
    of.iter().map(|&one| text(one)).collect()
}

#[tokio::test]
async fn responses_are_a_stream_of_results() {
    let (_running, _, client) = serve();
    let mut responses = soon(client.repeat(text("again"))).await.unwrap();
    let all: Vec<Text> = soon((&mut responses).try_collect()).await.unwrap();
    assert_eq!(all, texts(&["again 0", "again 1", "again 2"]));
    assert!(responses.is_terminated());
    assert!(soon(StreamExt::next(&mut responses)).await.is_none());
}

#[tokio::test]
async fn stream_is_terminated_when_it_has_given_its_last_item_and_not_before() {
    let (_running, _, client) = serve();
    let mut responses = soon(client.repeat(text("again"))).await.unwrap();
    for _ in 0..3 {
        assert!(!responses.is_terminated());
        assert!(soon(StreamExt::next(&mut responses)).await.is_some());
    }
    assert!(soon(StreamExt::next(&mut responses)).await.is_none() && responses.is_terminated());

    let (requests, mut responses) = soon(client.chat()).await.unwrap();
    let mut answers = responses.while_sending(requests, stream::iter(texts(&["a", "b"])));
    for answer in ["a", "b"] {
        assert!(!answers.is_terminated());
        assert_eq!(soon(answers.next()).await.unwrap().unwrap(), text(answer));
    }
    assert!(soon(answers.next()).await.is_none() && answers.is_terminated());
}

#[tokio::test]
async fn stream_of_responses_ends_after_an_error() {
    let failing = answering(vec![frame(&text("one"))], &[("grpc-status", "13")]).await;
    let broken = answering(vec![frame(&text("one")), frame_of(7, b"")], &[("grpc-status", "0")]).await;
    for address in [failing, broken] {
        let responses = soon(client_of(address).repeat(text("again"))).await.unwrap();
        let items: Vec<Result<Text, Code>> = soon(responses.map_err(|status| status.code()).collect()).await;
        assert_eq!(items, [Ok(text("one")), Err(Code::INTERNAL)]);
    }
}

#[tokio::test]
async fn send_all_sends_values_and_references_and_ends_the_request() {
    let (_running, _, client) = serve();
    let parts = texts(&["a", "b", "c"]);
    let (requests, response) = soon(client.join()).await.unwrap();
    assert_eq!(soon(requests.send_all(stream::iter(&parts))).await, Ok(()));
    assert_eq!(soon(response.response()).await.unwrap().message, text("abc"));
    let (requests, response) = soon(client.join()).await.unwrap();
    assert_eq!(soon(requests.send_all(stream::iter(parts))).await, Ok(()));
    assert_eq!(soon(response.response()).await.unwrap().message, text("abc"));
}

#[tokio::test]
async fn send_all_of_a_stream_that_has_nothing_more_yet_ends_when_the_server_answers_early() {
    let (_running, _, client) = serve();
    let (requests, response) = soon(client.join()).await.unwrap();
    let messages = stream::iter(texts(&["a", "stop"])).chain(stream::pending());
    assert_eq!(soon(requests.send_all(messages)).await, Err(CallEnded));
    assert_eq!(soon(response.response()).await.unwrap_err().code(), Code::ABORTED);
}

#[tokio::test]
async fn send_all_of_a_stream_without_end_ends_when_the_server_answers_early() {
    let (_running, _, client) = serve();
    let (requests, response) = soon(client.join()).await.unwrap();
    let messages = stream::iter(texts(&["stop"])).chain(stream::repeat(text("x".repeat(10_000))));
    assert_eq!(soon(requests.send_all(messages)).await, Err(CallEnded));
    assert_eq!(soon(response.response()).await.unwrap_err().code(), Code::ABORTED);
}

#[tokio::test]
async fn send_all_that_is_dropped_half_way_cancels_the_call() {
    let (_running, parrot, client) = serve();
    let (requests, response) = soon(client.join()).await.unwrap();
    let (given, is_given) = tokio::sync::oneshot::channel();
    let messages = stream::iter(texts(&["a"])).chain(stream::once(async {
        given.send(()).unwrap();
        std::future::pending().await
    }));
    tokio::select! {
        _ = requests.send_all(messages) => panic!("the stream has no end"),
        _ = is_given => {}
    }
    let status = soon(response.response()).await.unwrap_err();
    assert_eq!(status.code(), Code::CANCELLED, "{status}");
    assert!(status.message().contains("finish()"), "{status}");
    soon(parrot.cut_off.acquire()).await.unwrap().forget();
}

#[tokio::test]
async fn send_all_that_is_dropped_half_way_resets_the_stream_with_cancel() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let has_come = std::sync::Arc::new(tokio::sync::Notify::new());
    let comes = std::sync::Arc::clone(&has_come);
    let address = server(move |request, mut respond| {
        let tell = tell.clone();
        comes.notify_one();
        tokio::spawn(async move {
            let _unread = request;
            let reason = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
            let _ = tell.send(reason.unwrap());
        });
    })
    .await;
    let (requests, _response) = soon(client_of(address).join()).await.unwrap();
    let sending = tokio::spawn(requests.send_all(stream::repeat(text("x".repeat(1000)))));
    soon(has_come.notified()).await;
    sending.abort();
    assert_eq!(soon(told.recv()).await, Some(h2::Reason::CANCEL));
}

#[tokio::test]
async fn response_while_sending_is_the_response_to_all_messages() {
    let (_running, _, client) = serve();
    let (requests, response) = soon(client.join()).await.unwrap();
    let parts = texts(&["a", "b", "c"]);
    let response = soon(response.while_sending(requests, stream::iter(&parts))).await.unwrap();
    assert_eq!(response.message, text("abc"));
}

#[tokio::test]
async fn response_while_sending_does_not_wait_for_a_stream_that_gives_nothing() {
    let (_running, _, client) = serve();
    let (requests, response) = soon(client.join()).await.unwrap();
    let messages = stream::iter(texts(&["stop"])).chain(stream::pending());
    let status = soon(response.while_sending(requests, messages)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::ABORTED, "it said stop"));
}

/// A server that ends the stream with its answer, and does not reset what it has not read.
#[tokio::test]
async fn response_while_sending_comes_from_a_server_that_leaves_the_request_open() {
    let address = server(|request, mut respond| {
        tokio::spawn(async move {
            let mut stream = respond.send_response(ok_head(), false).unwrap();
            stream.send_data(frame(&text("enough")), false).unwrap();
            stream.send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
            let _never_dropped = (request, stream);
            std::future::pending::<()>().await
        });
    })
    .await;
    for messages in [stream::pending().boxed(), stream::repeat(text("x".repeat(1000))).boxed()] {
        let (requests, response) = soon(client_of(address).join()).await.unwrap();
        let response = soon(response.while_sending(requests, messages)).await.unwrap();
        assert_eq!(response.message, text("enough"));
    }
}

#[tokio::test]
async fn response_while_sending_that_is_dropped_half_way_cancels_the_call() {
    let (_running, parrot, client) = serve();
    let (requests, response) = soon(client.join()).await.unwrap();
    let (given, is_given) = tokio::sync::oneshot::channel();
    let messages = stream::once(async {
        given.send(()).unwrap();
        text("a")
    });
    tokio::select! {
        _ = response.while_sending(requests, messages.chain(stream::pending())) => panic!("the stream has no end"),
        _ = is_given => {}
    }
    soon(parrot.cut_off.acquire()).await.unwrap().forget();
}

/// More than both windows hold, so that it ends only if both directions move.
#[tokio::test]
async fn responses_while_sending_are_read_and_requests_sent_in_turn() {
    let (_running, _, client) = serve();
    let (requests, mut responses) = soon(client.chat()).await.unwrap();
    let long = text("x".repeat(100_000));
    let answers = responses.while_sending(requests, stream::repeat(&long).take(300));
    let count = soon(answers.try_fold(0, async |count, answer| {
        assert!(answer == long, "answer {count}");
        Ok(count + 1)
    }));
    assert_eq!(count.await.unwrap(), 300);
    assert!(responses.trailers().is_empty());
}

#[tokio::test]
async fn responses_while_sending_end_with_the_status_of_an_early_end() {
    let (_running, _, client) = serve();
    let (requests, mut responses) = soon(client.chat()).await.unwrap();
    let messages = stream::iter(texts(&["a", "stop"])).chain(stream::pending());
    let answers = responses.while_sending(requests, messages).map_err(|status| status.code());
    assert_eq!(soon(answers.collect::<Vec<_>>()).await, [Ok(text("a")), Err(Code::ABORTED)]);
}

#[tokio::test]
async fn responses_while_sending_that_are_dropped_half_way_cancel_the_call() {
    let (_running, parrot, client) = serve();
    let (requests, mut responses) = soon(client.chat()).await.unwrap();
    let messages = stream::iter(texts(&["a"])).chain(stream::pending());
    {
        let mut answers = pin!(responses.while_sending(requests, messages));
        assert_eq!(soon(answers.next()).await.unwrap().unwrap(), text("a"));
    }
    soon(parrot.cut_off.acquire()).await.unwrap().forget();
    assert_eq!(soon(responses.next()).await.unwrap_err().code(), Code::CANCELLED);
}

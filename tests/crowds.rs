//! A thousand calls at once to our own server over TCP, which allows fewer.

mod common;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Running, Text, limits, soon, text};
use futures_util::future::join_all;
use h2grpc::call::{CallOptions, Request};
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::Code;

h2grpc::service! {
    /// Notes what it is called with.
    service Desk("test.v1.Desk") client DeskClient {
        rpc Note as note (Text) returns (Text);
    }
}

#[derive(Clone, Default)]
struct Notes {
    texts: Arc<Mutex<Vec<String>>>,
    peers: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

impl Desk for Notes {
    /// Answers all but "wait".
    async fn note(&self, request: Request<Text>) -> Result<Text, Status> {
        self.texts.lock().unwrap().push(request.message.text.clone());
        self.peers.lock().unwrap().extend(request.context.peer());
        if request.message.text == "wait" {
            std::future::pending::<()>().await;
        }
        Ok(request.message)
    }
}

/// A server that allows `most` calls at once on a connection, and what it notes.
fn desk(most: u32) -> (Running, Notes) {
    let notes = Notes::default();
    let server = Server::new().add(notes.clone().into_service());
    (Running::start(server.limits(limits(|limits| limits.max_concurrent_streams = most))), notes)
}

/// Makes a thousand calls at once, `runs` times, all of which must pass. `check` is told which order the handler saw.
async fn thousands(most: u32, runs: usize, check: impl Fn(usize, &[String])) {
    let (running, notes) = desk(most);
    for run in 0..runs {
        // A fresh connection, whose server has not told its limit yet.
        let client = DeskClient::new(running.channel());
        let ended = soon(join_all((0..1000).map(|number| client.note(text(number.to_string()))))).await;
        for (number, result) in ended.into_iter().enumerate() {
            assert_eq!(result.unwrap().message.text, number.to_string(), "run {run} with a limit of {most}");
        }
        check(run, &std::mem::take(&mut *notes.texts.lock().unwrap()));
    }
    assert_eq!(notes.peers.lock().unwrap().len(), runs, "connections with a limit of {most}");
}

/// Calls that are open together may change places on a busy machine, where the server gives handlers tasks of their own.
/// But none overtakes a call that still waits for its stream.
#[tokio::test]
async fn a_thousand_calls_at_once_pass_in_order_whatever_the_servers_limit_in_20_of_20_runs() {
    for most in [1, 10, 100] {
        let check = |run, seen: &[String]| {
            for (place, text) in seen.iter().enumerate() {
                let number: usize = text.parse().unwrap();
                let is_near = number.abs_diff(place) < most as usize;
                assert!(is_near, "run {run} with a limit of {most}: call {number} came in place {place}");
            }
        };
        thousands(most, 20, check).await;
    }
}

/// Where several threads share the work, the message of a call may come to the server after that of the next call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_pass_on_several_threads_too() {
    for most in [1, 10, 100] {
        thousands(most, 4, |_, seen| assert_eq!(seen.len(), 1000)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_whose_deadline_passes_leave_the_connection_alive() {
    let (running, notes) = desk(10);
    let client = DeskClient::new(running.channel());
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(500)));
    for _ in 0..3 {
        let ended = soon(join_all((0..1000).map(|_| hasty.note(text("wait"))))).await;
        for result in ended {
            let status = result.unwrap_err();
            assert_eq!(status.code(), Code::DEADLINE_EXCEEDED, "{status}");
        }
        let answer = soon(client.note(text("still there?"))).await.unwrap();
        assert_eq!(answer.message.text, "still there?");
    }
    assert_eq!(notes.peers.lock().unwrap().len(), 1, "connections");
}

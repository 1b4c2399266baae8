//! What calls hold that wait for a stream: their messages, and little besides. In a program of its own, whose memory
//! nothing else changes.
#![cfg(target_os = "linux")]

mod common;

use std::time::Duration;

use common::raw::MAX_CONCURRENT_STREAMS;
use common::raw_server::RawServer;
use common::{Text, pipes, text};
use futures_util::future::join_all;
use h2grpc::limits::ClientLimits;
use tokio::time::timeout;

h2grpc::service! {
    /// Takes what is said.
    service Echo("test.v1.Echo") client EchoClient {
        rpc Say as say (Text) returns (Text);
    }
}

const CALLS: usize = 10_000;
const MESSAGE: usize = 100_000;

/// The resident memory of this process in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_hold_little_more_than_their_messages() {
    let (channel, _) = pipes::channel(ClientLimits::default(), |_, io| async {
        let Some(mut server) = RawServer::accept_wide(io, &[(MAX_CONCURRENT_STREAMS, 1)]).await else { return };
        server.until_closed().await;
    });
    let client = EchoClient::new(channel);
    let before = resident();
    let mut calls = Box::pin(join_all((0..CALLS).map(|_| client.say(text("x".repeat(MESSAGE))))));
    let waited = timeout(Duration::from_secs(1), &mut calls).await;
    assert!(waited.is_err(), "they all wait");
    let (held, own) = (resident() - before, CALLS * MESSAGE);
    println!("{CALLS} waiting calls hold {held} bytes, of which {own} are their messages'");
    assert!(held * 10 <= own * 12, "{CALLS} waiting calls hold {held} bytes, their messages have {own}");
}

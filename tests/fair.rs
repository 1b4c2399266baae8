//! Connections of one thread share it: whoever always has something to do, does a part of it, and then others run. What
//! is done meanwhile is counted, and no time is measured.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::raw::{DATA, END_STREAM, PREFACE, Raw, SETTINGS, WINDOW_UPDATE};
use common::{Text, frame, pipes, soon, text};
use h2grpc::call::{Inbound, Outbound, Request};
use h2grpc::server::Server;
use h2grpc::status::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

const CALLS: usize = 40;
const NOTES: usize = 600;

h2grpc::service! {
    /// A chat like RouteChat, in which all are at the same point.
    pub service Chats("test.v1.Chats") client ChatsClient {
        /// The same text.
        rpc Say  as say  (Text)        returns (Text);
        /// To each text all that came before.
        rpc Chat as chat (stream Text) returns (stream Text);
    }
}

struct Counted {
    /// How many calls have read their texts.
    ready: watch::Sender<usize>,
    /// Turns true when they may answer.
    gate: watch::Receiver<bool>,
    answers: Arc<AtomicUsize>,
}

impl Chats for Counted {
    async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
        Ok(request.message)
    }

    async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
        let mut all = Vec::new();
        while let Some(text) = texts.next().await? {
            all.push(text);
        }
        self.ready.send_modify(|ready| *ready += 1);
        self.gate.clone().wait_for(|open| *open).await.map_err(|_| Status::cancelled("the test is over"))?;
        for count in 0..all.len() {
            for earlier in &all[..count] {
                self.answers.fetch_add(1, Relaxed);
                answers.send(earlier).await?;
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_call_on_another_connection_is_answered_while_forty_chats_with_open_windows_have_most_of_their_answers_to_send()
 {
    let (open, gate) = watch::channel(false);
    let (ready, mut are_ready) = watch::channel(0);
    let answers = Arc::new(AtomicUsize::new(0));
    let server = Server::new().add(Counted { ready, gate, answers: Arc::clone(&answers) }.into_service());

    let (channel, _) = pipes::channel_to(server.clone());
    let canary = ChatsClient::new(channel);
    assert_eq!(soon(canary.say(text("first"))).await.unwrap().message, text("first"));

    let (mut client, io) = tokio::io::duplex(64 * 1024);
    tokio::spawn(pipes::serve(server, io));
    client.write_all(PREFACE).await.unwrap();
    let mut raw = Raw { stream: client };
    // The largest window there is (setting 4), for each call and for the connection.
    let most = ((1_u32 << 31) - 1).to_be_bytes();
    raw.send(SETTINGS, 0, 0, &[&b"\x00\x04"[..], &most].concat()).await;
    raw.send(WINDOW_UPDATE, 0, 0, &((1_u32 << 31) - 1 - 65_535).to_be_bytes()).await;
    let texts = frame(&text("twelve bytes")).repeat(NOTES);
    for call in 0..CALLS as u32 {
        raw.send_head(2 * call + 1, "/test.v1.Chats/Chat").await;
        raw.send(DATA, END_STREAM, 2 * call + 1, &texts).await;
    }
    soon(are_ready.wait_for(|ready| *ready == CALLS)).await.unwrap();

    open.send(true).unwrap(); // it wakes the connection of the chats first
    assert_eq!(soon(canary.say(text("meanwhile"))).await.unwrap().message, text("meanwhile"));
    let (done, all) = (answers.load(Relaxed), CALLS * NOTES * (NOTES - 1) / 2);
    println!("{done} of {all} answers before the call's");
    assert!(done < all / 10, "{done} of {all} answers came before that of the other connection");

    // Nothing is lost by that: read after all, the chats come to their ends.
    let mut room = vec![0; 256 * 1024];
    while answers.load(Relaxed) < all {
        assert_ne!(soon(raw.stream.read(&mut room)).await.unwrap(), 0);
    }
}

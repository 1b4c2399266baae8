//! RouteChats, each of whose notes is answered with all earlier ones at its place: a little makes much.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::CHAT;
use crate::common::{call, connect, frame as framed, head as head_h2};
use crate::frames::{DATA, END_STREAM, INITIAL_WINDOW_SIZE, frame, head, window_update};
use crate::harness::Attack;
use crate::messages::note;
use crate::peer::Attacker;
use h2grpc::route_guide::{Point, RouteNote};

/// How long a call beside unread RouteChats may take without optimization, where each answer costs thirty times as much.
const UNOPTIMIZED: Duration = Duration::from_secs(5);

/// So many calls on each of so many connections, whose answers nobody reads.
async fn unread(address: SocketAddr, connections: usize, calls: usize, notes: &[u8]) -> Vec<Attacker> {
    let mut attackers = Vec::new();
    for _ in 0..connections {
        let mut attacker = Attacker::deaf(address, &[(INITIAL_WINDOW_SIZE, (1 << 31) - 1)]).await;
        attacker.send(&window_update(0, (1 << 31) - 1 - 65_535)).await;
        for stream in (1..).step_by(2).take(calls) {
            let parts: Vec<u8> = notes.chunks(16_384).flat_map(|part| frame(DATA, 0, stream, part)).collect();
            attacker.send(&[head(stream, CHAT), parts, frame(DATA, END_STREAM, stream, b"")].concat()).await;
        }
        attackers.push(attacker);
    }
    attackers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn route_chats_quadratic_answers() {
    // 420 notes of 5 bytes each are 88,000 answers of 5 bytes.
    let attack = Attack { answered: UNOPTIMIZED, ..Attack::USUAL };
    attack.run(|address| async move { unread(address, 8, 10, &note("").repeat(420)).await }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn route_chats_whose_answers_are_not_read() {
    // 100 notes of 100 bytes each are 500 KB of answers.
    let attack = Attack { arguments: &["--max-memory", "64M"], ..Attack::USUAL };
    attack.run(|address| async move { unread(address, 5, 100, &note(&"x".repeat(93)).repeat(100)).await }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_without_end() {
    let attack = Attack { arguments: &["--max-notes", "1000000"], ..Attack::USUAL };
    attack
        .run(|address| async move {
            let mut requests = connect(address).await;
            let notes = (0..10_000).flat_map(|latitude| {
                let location = Some(Point { latitude, longitude: 0 });
                framed(&RouteNote { location, message: String::new() })
            });
            let notes = Bytes::from(notes.collect::<Vec<u8>>());
            let answer = call(&mut requests, head_h2(CHAT).body(()).unwrap(), [notes]).await.unwrap();
            assert_eq!(answer.code(), 8);
            assert!(answer.trailer("grpc-message").contains("--max-notes"));
        })
        .await;
}

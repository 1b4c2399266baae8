//! RouteChats, each of whose notes is answered with all earlier ones at its place: a little makes much.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::common::{call, frame as framed, head as head_h2};
use crate::frames::{CHAT, DATA, END_STREAM, INITIAL_WINDOW_SIZE, frame, head, window_update};
use crate::messages::note;
use crate::peer::{Attacker, connect};
use h2grpc::route_guide::{Point, RouteNote};

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

pub async fn route_chats_quadratic_answers(address: SocketAddr) -> Vec<Attacker> {
    // 420 notes of 5 bytes each are 88,000 answers of 5 bytes.
    unread(address, 8, 10, &note("").repeat(420)).await
}

pub async fn route_chats_whose_answers_are_not_read(address: SocketAddr) -> Vec<Attacker> {
    // 100 notes of 100 bytes each are 500 KB of answers.
    unread(address, 5, 100, &note(&"x".repeat(93)).repeat(100)).await
}

pub async fn notes_without_end(address: SocketAddr) {
    let mut requests = connect(address).await;
    let notes = (0..100_000).flat_map(|latitude| {
        let location = Some(Point { latitude, longitude: 0 });
        framed(&RouteNote { location, message: String::new() })
    });
    let notes = Bytes::from(notes.collect::<Vec<u8>>());
    let answer = call(&mut requests, head_h2(CHAT).body(()).unwrap(), [notes]).await.unwrap();
    assert_eq!(answer.code(), 8);
    assert!(answer.trailer("grpc-message").contains("--max-notes"));
}

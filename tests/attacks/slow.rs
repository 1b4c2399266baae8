//! Peers that do everything slowly, or that never do what others wait for.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::raw::PREFACE;
use crate::common::soon;
use crate::counted::Counted;
use crate::frames::{
    CONTINUATION, DATA, GET, HEADERS, INITIAL_WINDOW_SIZE, LIST, RECORD, block, call, frame, head, settings,
    window_update,
};
use crate::messages::{everything, message};
use crate::peer::Attacker;

pub async fn slow_heads(address: SocketAddr) -> Vec<Counted<TcpStream>> {
    let begin = [PREFACE, &settings(&[])].concat();
    let block = block(RECORD, &[]);
    // Some never get beyond the preface, some send a header block in one frame, some in frames of a byte.
    let whole = [begin.clone(), frame(HEADERS, 0, 1, &block)].concat();
    let bytes = block.iter().skip(1).take(5).flat_map(|byte| frame(CONTINUATION, 0, 1, &[*byte])).collect();
    let pieces = [begin, frame(HEADERS, 0, 1, &block[..1]), bytes].concat();
    let mut peers = Vec::new();
    for index in 0..600 {
        let peer = Counted::connect(address).await;
        peer.0.set_nodelay(true).unwrap();
        peers.push((peer, [&whole[..20], &whole, &pieces][index % 3]));
    }
    for at in 0..pieces.len().max(whole.len()) {
        for (peer, bytes) in &mut peers {
            if let Some(byte) = bytes.get(at) {
                let _ = peer.write_all(&[*byte]).await; // The server may have closed.
            }
        }
    }
    // Those without a preface have no more than the time for a handshake.
    for (peer, _) in peers.iter_mut().step_by(3) {
        while !matches!(soon(peer.read(&mut [0; 64])).await, Ok(0) | Err(_)) {}
    }
    peers.into_iter().map(|(peer, _)| peer).collect::<Vec<_>>()
}

pub async fn slow_bodies(address: SocketAddr) -> Vec<Attacker> {
    let mut attackers = Vec::new();
    for _ in 0..10 {
        let mut attacker = Attacker::connect(address, &[]).await;
        for stream in (1..).step_by(2).take(100) {
            // A message of 4,194,304 bytes is announced.
            attacker.send(&[head(stream, RECORD), frame(DATA, 0, stream, b"\x00\x00\x40\x00\x00")].concat()).await;
        }
        attackers.push(attacker);
    }
    for _ in 0..20 {
        for attacker in &mut attackers {
            let bytes: Vec<u8> =
                (1..).step_by(2).take(100).flat_map(|stream| frame(DATA, 0, stream, b"\x08")).collect();
            attacker.send(&bytes).await;
            attacker.all_read().await.may_stay();
        }
    }
    attackers
}

pub async fn slow_readers(address: SocketAddr) -> Vec<Attacker> {
    let mut attackers = Vec::new();
    for _ in 0..10 {
        let mut attacker = Attacker::connect(address, &[(INITIAL_WINDOW_SIZE, 1)]).await;
        for stream in (1..).step_by(2).take(100) {
            attacker.send(&call(stream, LIST, &everything())).await;
        }
        attackers.push(attacker);
    }
    // The window grows by a byte at a time, so each byte comes in a frame of its own.
    for _ in 0..20 {
        for attacker in &mut attackers {
            let more: Vec<u8> = (1..).step_by(2).take(100).flat_map(|stream| window_update(stream, 1)).collect();
            attacker.send(&more).await;
            attacker.all_read().await.may_stay();
        }
    }
    for attacker in &mut attackers {
        assert!(attacker.all_read().await.count(DATA) >= 2_000);
    }
    attackers
}

/// Calls of every kind whose answers nobody lets through, on so many connections.
async fn unread(address: SocketAddr, connections: usize, window: u32) -> Vec<Attacker> {
    let mut attackers = Vec::new();
    for _ in 0..connections {
        let mut attacker = Attacker::deaf(address, &[(INITIAL_WINDOW_SIZE, window)]).await;
        attacker.send(&window_update(0, (1 << 31) - 1 - 65_535)).await;
        for stream in (1..).step_by(4).take(50) {
            attacker.send(&call(stream, LIST, &everything())).await;
            attacker.send(&call(stream + 2, GET, &message(b""))).await;
        }
        attackers.push(attacker);
    }
    attackers
}

pub async fn zero_window_with_many_streams(address: SocketAddr) -> Vec<Attacker> {
    unread(address, 50, 0).await
}

pub async fn window_open_and_socket_never_read(address: SocketAddr) -> Vec<Attacker> {
    unread(address, 50, (1 << 31) - 1).await
}

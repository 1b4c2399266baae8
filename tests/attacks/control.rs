//! Floods of frames that concern the connection, and not a call.

use std::net::SocketAddr;

use crate::frames::{
    ACK, FLOW_CONTROL_ERROR, INITIAL_WINDOW_SIZE, PING, PRIORITY, RECORD, SETTINGS, frame, head, settings,
    window_update,
};
use crate::peer::Attacker;

pub async fn settings_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    attacker.flood(&settings(&[(INITIAL_WINDOW_SIZE, 65_535), (INITIAL_WINDOW_SIZE, 0)]), 100_000).await;
    let seen = attacker.all_read().await;
    seen.may_stay();
    assert!(seen.acks[&SETTINGS] >= 100_000, "{seen:?}");
}

pub async fn settings_flood_whose_acknowledgements_are_not_read(address: SocketAddr) {
    let mut attacker = Attacker::deaf(address, &[]).await;
    assert!(attacker.fill(&settings(&[]), 4_000_000).await, "the server reads though nobody takes its answers");
}

pub async fn ping_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    attacker.flood(&frame(PING, 0, 0, b"flooding"), 100_000).await;
    let seen = attacker.all_read().await;
    seen.may_stay();
    assert!(seen.acks[&PING] >= 100_000, "{seen:?}");
}

pub async fn ping_flood_whose_answers_are_not_read(address: SocketAddr) {
    let mut attacker = Attacker::deaf(address, &[]).await;
    let full = attacker.fill(&frame(PING, 0, 0, b"flooding"), 2_000_000).await;
    assert!(full, "the server reads though nobody takes its answers");
}

pub async fn ping_ack_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    attacker.flood(&frame(PING, ACK, 0, b"unasked!"), 100_000).await;
    attacker.all_read().await.may_stay();
}

pub async fn priority_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    for stream in 0..1_000 {
        // Depends on another stream each time, with weight 16.
        let priority = [&(stream * 2 + 3_u32).to_be_bytes()[..], &[15]].concat();
        attacker.flood(&frame(PRIORITY, 0, stream * 2 + 1, &priority), 100).await;
    }
    attacker.all_read().await.may_stay();
}

pub async fn window_update_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    attacker.send(&head(1, RECORD)).await;
    attacker.flood(&[window_update(0, 1), window_update(1, 1)].concat(), 50_000).await;
    attacker.all_read().await.may_stay();
    attacker.send(&window_update(0, (1 << 31) - 1)).await;
    let seen = attacker.all_read().await;
    assert_eq!(seen.goaway.as_ref().map(|(code, _)| *code), Some(FLOW_CONTROL_ERROR), "{seen:?}");
}

pub async fn unknown_frame_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    attacker.flood(&frame(0xbe, 0xff, 0, b""), 100_000).await;
    attacker.flood(&frame(0xbe, 0xff, 1, &[0; 16_384]), 1_000).await;
    attacker.all_read().await.may_stay();
}

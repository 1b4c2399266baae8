//! Streams that are opened, spoilt and left by the thousand.

use std::net::SocketAddr;

use crate::frames::{
    CHAT, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, GET, HEADERS,
    INITIAL_WINDOW_SIZE, LIST, PRIORITY, PROTOCOL_ERROR, RECORD, REFUSED_STREAM, call, frame, head, reset,
    window_update,
};
use crate::messages::everything;
use crate::peer::Attacker;

/// The numbers of the streams that a client opens.
fn streams() -> impl Iterator<Item = u32> {
    (1..).step_by(2)
}

pub async fn rapid_reset(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    let calls: Vec<u8> =
        streams().take(10_000).flat_map(|stream| [head(stream, GET), reset(stream)].concat()).collect();
    attacker.send(&calls).await;
    attacker.all_read().await.was_sent_away(ENHANCE_YOUR_CALM, "too_many_resets");
}

pub async fn resets_of_handlers_that_run(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    // 16 KiB of a message that never ends in each of 5,000 calls, all of which have begun when they are reset.
    let begun = [&b"\x00\x00\x20\x00\x00"[..], &[b'x'; 16_379]].concat();
    for first in streams().step_by(50).take(100) {
        for stream in (first..).step_by(2).take(50) {
            attacker.send(&head(stream, CHAT)).await;
            attacker.send(&frame(DATA, 0, stream, &begun)).await;
        }
        attacker.all_read().await.may_stay();
        for stream in (first..).step_by(2).take(50) {
            attacker.send(&reset(stream)).await;
        }
    }
    attacker.all_read().await.may_stay();
}

pub async fn resets_of_handlers_that_wait(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    for (number, first) in streams().step_by(100).take(100).enumerate() {
        let group = || (first..).step_by(2).take(100);
        attacker.send(&group().flat_map(|stream| call(stream, LIST, &everything())).collect::<Vec<u8>>()).await;
        attacker.heads(100 * (number + 1)).await.may_stay();
        attacker.send(&group().flat_map(reset).collect::<Vec<u8>>()).await;
        attacker.all_read().await.may_stay();
    }
    let seen = attacker.all_read().await;
    assert_eq!((seen.count(HEADERS), seen.count(DATA)), (10_000, 0), "{seen:?}");
}

/// Makes the server reset streams, as many as it does.
async fn made_to_reset(address: SocketAddr, code: u32, offence: impl Fn(u32) -> Vec<u8>) {
    let mut attacker = Attacker::connect(address, &[]).await;
    for stream in streams().take(10_000) {
        if !attacker.send(&[head(stream, RECORD), offence(stream)].concat()).await {
            break;
        }
        if stream % 50 == 1 && attacker.all_read().await.closed {
            break;
        }
    }
    let seen = attacker.all_read().await;
    seen.was_sent_away(ENHANCE_YOUR_CALM, "too_many_internal_resets");
    assert!((900..=1_024).contains(&seen.resets[&code]), "{seen:?}");
}

pub async fn made_you_reset(address: SocketAddr) {
    made_to_reset(address, FLOW_CONTROL_ERROR, |stream| window_update(stream, (1 << 31) - 1)).await;
    // A stream that depends on itself.
    let on_itself = |stream: u32| [&stream.to_be_bytes()[..], &[15]].concat();
    made_to_reset(address, PROTOCOL_ERROR, |stream| frame(PRIORITY, 0, stream, &on_itself(stream))).await;
    // DATA after the end ends the connection at once.
    let mut attacker = Attacker::connect(address, &[]).await;
    let ended = [head(1, RECORD), frame(DATA, END_STREAM, 1, b""), frame(DATA, 0, 1, b"more")].concat();
    attacker.send(&ended).await;
    attacker.all_read().await.was_sent_away(PROTOCOL_ERROR, "");
}

pub async fn made_you_reset_and_the_resets_are_not_read(address: SocketAddr) {
    let mut attacker = Attacker::deaf(address, &[]).await;
    let calls = streams().take(100_000).flat_map(|stream| frame(HEADERS, END_HEADERS, stream, b"\x83"));
    attacker.fill(&calls.collect::<Vec<u8>>(), 1).await;
}

pub async fn empty_headers_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    let calls = streams().take(10_000).flat_map(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, b""));
    attacker.send(&calls.collect::<Vec<u8>>()).await;
    attacker.all_read().await.was_sent_away(ENHANCE_YOUR_CALM, "too_many_internal_resets");
}

pub async fn empty_data_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    attacker.send(&head(1, RECORD)).await;
    attacker.flood(&frame(DATA, 0, 1, b""), 200_000).await;
    attacker.all_read().await.was_sent_away(ENHANCE_YOUR_CALM, "too_many_data_frames");
}

pub async fn continuation_flood(address: SocketAddr) {
    // Of nothing, of a byte each, and of much: the start of a field whose value is announced as very long.
    for part in [&b""[..], b"\x83", &[b'x'; 16_384]] {
        let mut attacker = Attacker::connect(address, &[]).await;
        attacker.send(&frame(HEADERS, 0, 1, b"\x83\x00\x01x\x7f\x80\x80\x80\x7f")).await;
        attacker.flood(&frame(CONTINUATION, 0, 1, part), 20_000).await;
        attacker.all_read().await.was_sent_away(ENHANCE_YOUR_CALM, "too_many_continuations");
    }
}

pub async fn streams_beyond_the_limit(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    let calls: Vec<u8> = streams().take(10_000).flat_map(|stream| head(stream, RECORD)).collect();
    attacker.send(&calls).await;
    let seen = attacker.all_read().await;
    seen.was_sent_away(ENHANCE_YOUR_CALM, "too_many_internal_resets");
    assert!(seen.resets[&REFUSED_STREAM] > 900, "{seen:?}");
}

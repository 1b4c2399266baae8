//! Messages that are not what their length says, that are too deep, too small, or too dear to answer.

use std::net::SocketAddr;

use bytes::Bytes;
use prost::Message;

use crate::common::{call as call_h2, frame as framed, head as head_h2};
use crate::frames::{CHAT, DATA, GET, INITIAL_WINDOW_SIZE, RECORD, frame, head};
use crate::peer::{Attacker, connect};
use h2grpc::route_guide::{Point, Rectangle, RouteNote};

/// A message in its frame.
pub fn message(bytes: &[u8]) -> Vec<u8> {
    crate::common::frame_of(0, bytes).to_vec()
}

/// The rectangle with all features.
pub fn everything() -> Vec<u8> {
    let corner = |degrees| Some(Point { latitude: degrees, longitude: degrees });
    framed(&Rectangle { lo: corner(i32::MIN), hi: corner(i32::MAX) }).to_vec()
}

/// A note at a place, framed.
pub fn note(text: &str) -> Vec<u8> {
    message(&RouteNote { location: None, message: text.to_owned() }.encode_to_vec())
}

/// The status codes of unary calls with this body, and the words of the last.
async fn refused(address: SocketAddr, calls: usize, body: &[u8]) -> (Vec<u32>, String) {
    let mut requests = connect(address).await;
    let (mut codes, mut words) = (Vec::new(), String::new());
    for _ in 0..calls {
        let head = head_h2(GET).body(()).unwrap();
        let answer = call_h2(&mut requests, head, [Bytes::copy_from_slice(body)]).await.unwrap();
        codes.push(answer.code());
        words = answer.trailer("grpc-message").to_owned();
    }
    codes.dedup();
    (codes, words)
}

pub async fn huge_length_prefix(address: SocketAddr) {
    let (codes, words) = refused(address, 200, b"\x00\xff\xff\xff\xff\x08").await;
    assert_eq!(codes, [8], "{words}");
    assert!(words.contains("4294967295") && words.contains("4194304"), "{words}");
}

pub async fn lengths_that_are_just_allowed_and_never_come(address: SocketAddr) -> Vec<Attacker> {
    let mut attackers = Vec::new();
    for _ in 0..20 {
        let mut attacker = Attacker::connect(address, &[]).await;
        for stream in (1..).step_by(2).take(100) {
            attacker.send(&head(stream, RECORD)).await;
            attacker.send(&frame(DATA, 0, stream, b"\x00\x00\x40\x00\x00\x08")).await;
        }
        attacker.all_read().await.may_stay();
        attackers.push(attacker);
    }
    attackers
}

pub async fn deep_nesting(address: SocketAddr) {
    // Field 15 opens a group (wire type 3), again and again; then the same with every group closed (wire type 4).
    let open = vec![0x7b; 1_000_000];
    let (codes, words) = refused(address, 10, &message(&open)).await;
    assert_eq!(codes, [13], "{words}");
    let closed = [open, vec![0x7c; 1_000_000]].concat();
    let (codes, words) = refused(address, 10, &message(&closed)).await;
    assert_eq!(codes, [13], "{words}");
    // Field 15 with a length, each around the next: an unknown field, which is skipped as a whole.
    let mut nested = Vec::new();
    for _ in 0..5_000 {
        let mut outer = vec![0x7a];
        prost::encoding::encode_varint(nested.len() as u64, &mut outer);
        outer.append(&mut nested);
        nested = outer;
    }
    let (codes, words) = refused(address, 10, &message(&nested)).await;
    assert_eq!(codes, [0], "{words}");
}

pub async fn small_frame_flood(address: SocketAddr) {
    // The answers can't leave, so the handler soon reads no more.
    let mut attacker = Attacker::connect(address, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    attacker.send(&head(1, CHAT)).await;
    attacker.send(&frame(DATA, 0, 1, &note("").repeat(2_000))).await;
    attacker.flood(&frame(DATA, 0, 1, b"\x00"), 500_000).await;
    attacker.all_read().await.may_stay();
}

pub async fn small_frames_that_are_read(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    attacker.send(&head(1, RECORD)).await;
    // A message of 4 MiB, in frames of a byte.
    attacker.send(&frame(DATA, 0, 1, b"\x00\x00\x40\x00\x00")).await;
    attacker.flood(&frame(DATA, 0, 1, b"\x7a"), 200_000).await;
    attacker.all_read().await.may_stay();
}

//! Heads that are large, many, or only look small.

use std::net::SocketAddr;

use crate::common::call as call_h2;
use crate::frames::{
    END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GET, HEADERS, MAX_HEADER_LIST_SIZE, PROTOCOL_ERROR, RECORD, block,
    call, field, frame, string,
};
use crate::peer::{Attacker, Seen, connect};

/// Makes calls from stream `first` on, no more at once than a connection may have, and gives what has been seen then.
async fn in_turn(attacker: &mut Attacker, first: u32, calls: usize, call: impl Fn(u32) -> Vec<u8>) -> Seen {
    let mut streams = (first..).step_by(2).take(calls).peekable();
    let mut heads = attacker.all_read().await.count(HEADERS);
    while streams.peek().is_some() {
        let some: Vec<Vec<u8>> = streams.by_ref().take(100).map(&call).collect();
        attacker.send(&some.concat()).await;
        heads += some.len();
        attacker.heads(heads).await;
    }
    attacker.all_read().await
}

/// A head whose fields, after those of a proper call, are references to the newest entry of the dynamic table.
fn bomb(references: usize) -> Vec<u8> {
    [block(GET, &[]), vec![0xbe; references]].concat()
}

pub async fn hpack_bomb(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    let mut first = block(GET, &[]);
    field(0x40, "x", &"x".repeat(4_000), &mut first);
    attacker.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &first)).await;
    attacker.all_read().await.may_stay();
    // 40,000 bytes of fields each: beyond the limit, and not far beyond.
    let seen =
        in_turn(&mut attacker, 3, 1_000, |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &bomb(10))).await;
    seen.may_stay();
    assert!(seen.count(HEADERS) > 900, "they are answered with 431: {seen:?}");
    // 64,000,000 bytes of fields.
    attacker.send(&frame(HEADERS, END_HEADERS | END_STREAM, 9_001, &bomb(16_000))).await;
    attacker.all_read().await.was_sent_away(ENHANCE_YOUR_CALM, "header_list_way_too_large");
}

pub async fn fields_without_names(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    let names = [block(GET, &[]), b"\x00\x00\x00".repeat(400)].concat();
    for stream in (1..).step_by(2).take(5_000) {
        attacker.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &names)).await;
    }
    let seen = attacker.all_read().await;
    seen.was_sent_away(PROTOCOL_ERROR, "");
}

/// Opens calls whose heads are as large as they may be, and that go on.
async fn with_metadata(address: SocketAddr, calls: u32, fields: &[(&str, &str)]) -> Attacker {
    let mut attacker = Attacker::connect(address, &[]).await;
    for stream in (1..).step_by(2).take(calls as usize) {
        attacker.send(&frame(HEADERS, END_HEADERS, stream, &block(RECORD, fields))).await;
    }
    attacker.all_read().await.may_stay();
    attacker
}

pub async fn metadata_flood(address: SocketAddr) -> Vec<Attacker> {
    let (long, many) = ("x".repeat(15_000), vec![("a", ""); 400]);
    let mut attackers = Vec::new();
    for _ in 0..6 {
        attackers.push(with_metadata(address, 100, &[("a", &long)]).await);
        attackers.push(with_metadata(address, 100, &many).await);
    }
    attackers
}

pub async fn statuses_beyond_the_peers_header_limit(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[(MAX_HEADER_LIST_SIZE, 100)]).await;
    // The status of an unknown method quotes its path, and each byte of it may take three.
    let path = format!("/a/{}", "%\"".repeat(7_000));
    let seen = in_turn(&mut attacker, 1, 1_000, |stream| call(stream, &path, b"")).await;
    seen.may_stay();
    assert!(seen.count(HEADERS) > 900, "{seen:?}");
    assert!(seen.longest_head <= 8 * 1024, "{seen:?}");
}

pub async fn log_flood(address: SocketAddr) {
    let mut attacker = Attacker::connect(address, &[]).await;
    // The path, of 3,900 bytes, stands in the dynamic table after the first call.
    let mut first = vec![0x83, 0x86, 0x44];
    string(&format!("/no.Such/{}", "x".repeat(3_900)), &mut first);
    let mut rest = Vec::new();
    field(0x00, "te", "trailers", &mut rest);
    field(0x00, "content-type", "application/grpc", &mut rest);
    attacker.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &[first, rest.clone()].concat())).await;
    let again = [&[0x83, 0x86, 0xbe][..], &rest].concat();
    let seen =
        in_turn(&mut attacker, 3, 10_000, |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &again)).await;
    seen.may_stay();
    // Now and then one is refused that comes while those before it are not quite over.
    assert!(seen.count(HEADERS) > 9_500, "{seen:?}");
}

pub async fn heads_over_the_limit_are_answered_with_431(address: SocketAddr) {
    let mut requests = connect(address).await;
    for _ in 0..100 {
        let head = crate::common::head(GET).header("a", "x".repeat(20_000)).body(()).unwrap();
        let answer = call_h2(&mut requests, head, []).await.unwrap();
        assert_eq!(answer.status, 431);
    }
}

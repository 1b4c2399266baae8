//! Clients that are allowed what few do, or that do what is not allowed.

use h2grpc::transcript::Recorded;

use crate::common::frame;
use crate::common::raw::{CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, field};
use crate::heads::request_block;
use crate::stage::{Hand, TRAIL, guide};
use crate::turns::quiet;

pub async fn unknown_frames() -> Recorded {
    const PRIORITY: u8 = 2;
    const UNKNOWN_TYPE: u8 = 0x2a;
    const UNKNOWN_SETTING: u16 = 0x2a2a;
    const UNKNOWN_FLAG: u8 = 0x80;
    const RESERVED_BIT: u32 = 1 << 31;
    let mut hand = Hand::begin(guide(), &[(UNKNOWN_SETTING, 7)]).await;
    hand.raw.send(UNKNOWN_TYPE, 0, 0, b"whatever").await;
    hand.raw.send(HEADERS, END_HEADERS | UNKNOWN_FLAG, 1, &request_block()).await;
    hand.raw.send(PRIORITY, 0, 1, &[0, 0, 0, 0, 15]).await;
    hand.raw.send(DATA, END_STREAM, 1 | RESERVED_BIT, &frame(&TRAIL)).await;
    hand.end().await
}

pub async fn small_table() -> Recorded {
    const HEADER_TABLE_SIZE: u16 = 1;
    let mut hand = Hand::begin(guide(), &[(HEADER_TABLE_SIZE, 0)]).await;
    for stream in [1, 3] {
        hand.raw.send(HEADERS, END_HEADERS, stream, &request_block()).await;
        hand.raw.send(DATA, END_STREAM, stream, &frame(&TRAIL)).await;
        quiet().await;
    }
    hand.end().await
}

pub async fn protocol_errors() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    for (stream, content_length) in [(1, "23"), (3, "22")] {
        let head = [request_block(), field("content-length", content_length)].concat();
        hand.raw.send(HEADERS, END_HEADERS, stream, &head).await;
        hand.raw.send(DATA, END_STREAM, stream, &frame(&TRAIL)).await;
        quiet().await;
    }
    hand.raw.send(RST_STREAM, 0, 5, &CANCEL.to_be_bytes()).await;
    hand.end().await
}

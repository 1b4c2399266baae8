//! Length-Prefixed-Messages: where they are cut, and those that are refused.

use h2grpc::transcript::Recorded;

use crate::common::raw::{DATA, END_STREAM};
use crate::common::{frame, frame_of};
use crate::stage::{GET_FEATURE, Hand, RECORD_ROUTE, TRAIL, guide};

/// A Point of the tutorial, packed by gzip.
#[rustfmt::skip]
const GZIPPED: [u8; 36] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, // no name, no time, the best compression, made on Unix
    0xe3, 0x98, 0xb5, 0xac, 0xe7, 0x30, 0xa3, 0xc0, 0xb4, 0xf9, 0x33, 0xe6, 0xfc, 0xfd, 0x0f, 0x04, 0x8c, 0x00,
    0x55, 0x17, 0x94, 0x53, // CRC-32
    17, 0, 0, 0, // how long it is when unpacked
];

pub async fn message_in_many_frames() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    hand.raw.send_head(1, GET_FEATURE).await;
    let message = frame(&TRAIL);
    hand.raw.send(DATA, 0, 1, &message[..3]).await;
    hand.raw.send(DATA, 0, 1, &message[3..8]).await;
    hand.raw.send(DATA, END_STREAM, 1, &message[8..]).await;
    hand.end().await
}

pub async fn many_messages_in_a_frame() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    hand.raw.send_head(1, RECORD_ROUTE).await;
    hand.raw.send(DATA, END_STREAM, 1, &frame(&TRAIL).repeat(4)).await;
    hand.end().await
}

pub async fn compressed() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    hand.raw.send_head_with(1, GET_FEATURE, &[("grpc-encoding", "gzip")]).await;
    hand.raw.send(DATA, END_STREAM, 1, &frame_of(1, &GZIPPED)).await;
    hand.end().await
}

pub async fn compressed_without_encoding() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    hand.raw.send_head(1, GET_FEATURE).await;
    hand.raw.send(DATA, END_STREAM, 1, &frame_of(1, &GZIPPED)).await;
    hand.end().await
}

pub async fn oversize() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    hand.raw.send_head(1, GET_FEATURE).await;
    // 5 MiB are announced, and the first bytes of them come.
    hand.raw.send(DATA, 0, 1, &[0, 0x00, 0x50, 0x00, 0x00, 8, 1, 16, 2]).await;
    hand.end().await
}

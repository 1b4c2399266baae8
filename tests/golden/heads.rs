//! Header blocks: when they come, how they are cut, and what they carry.

use std::time::Duration;

use h2grpc::call::CallOptions;
use h2grpc::limits::ClientLimits;
use h2grpc::metadata::Metadata;
use h2grpc::route_guide::Rectangle;
use h2grpc::status::Status;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Direction, Recorded, Transcript};
use h2grpc::wire::Code;

use crate::common::frame;
use crate::common::raw::{CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, field};
use crate::stage::{GET_FEATURE, Hand, TRAIL, Told, feature, guide, ours, server_by_hand};
use crate::turns::quiet;

pub async fn late_head() -> Recorded {
    let slow = Told { wait: Duration::from_secs(2), features: 2, end: Ok(()) };
    let (line, client, _stop) = ours(slow.server());
    let mut features = client.list_features(Rectangle::default()).await.unwrap();
    while let Some(answer) = features.next().await.unwrap() {
        assert_eq!(answer, feature());
    }
    line.end().await
}

pub async fn informational() -> Recorded {
    let (line, client, mut server) = server_by_hand(ClientLimits::default(), &[]).await;
    let call = tokio::spawn(async move { client.get_feature(TRAIL).await });
    let (stream, _) = server.next_request().await.unwrap();
    let early = [field(":status", "103"), field("link", "</style.css>; rel=preload")].concat();
    server.send(HEADERS, END_HEADERS, stream, &early).await;
    quiet().await;
    server.answer(stream, &feature()).await;
    assert_eq!(call.await.unwrap().unwrap().message, feature());
    line.end().await
}

/// The header block of a request, with every field as a literal.
pub fn request_block() -> Vec<u8> {
    let names = [field(":path", GET_FEATURE), field("te", "trailers"), field("content-type", "application/grpc")];
    [&[0x83, 0x86][..], &names.concat()].concat() // :method: POST, :scheme: http (RFC 7541, appendix A)
}

pub async fn continuation() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    let block = request_block();
    hand.raw.send(HEADERS, 0, 1, &block[..20]).await;
    hand.raw.send(CONTINUATION, 0, 1, &block[20..60]).await;
    hand.raw.send(CONTINUATION, END_HEADERS, 1, &block[60..]).await;
    hand.raw.send(DATA, END_STREAM, 1, &frame(&TRAIL)).await;
    hand.end().await
}

pub async fn padding() -> Recorded {
    const PADDED: u8 = 0x08;
    const PRIORITY: u8 = 0x20;
    let mut hand = Hand::begin(guide(), &[]).await;
    // Six bytes of padding; no dependency, weight 16.
    let head = [&[6, 0, 0, 0, 0, 15][..], &request_block(), &[0; 6]].concat();
    hand.raw.send(HEADERS, END_HEADERS | PADDED | PRIORITY, 1, &head).await;
    let body = [&[10][..], &frame(&TRAIL), &[0; 10]].concat();
    hand.raw.send(DATA, END_STREAM | PADDED, 1, &body).await;
    hand.end().await
}

pub async fn binary_metadata() -> Recorded {
    let end = Err(Status::failed_precondition("see the details").with_details(vec![8, 9]));
    let (line, client, _stop) = ours(Told { wait: Duration::ZERO, features: 0, end }.server());
    let mut metadata = Metadata::new();
    metadata.insert("request-id", "42").unwrap();
    metadata.append_bin("token-bin", &[0xff, 0xfe, 0xfd, 0xfc]).unwrap();
    let status = client.with(CallOptions::new().metadata(metadata)).get_feature(TRAIL).await.unwrap_err();
    assert_eq!((status.code(), &status.details()[..]), (Code::FAILED_PRECONDITION, &[8, 9][..]));
    // Others pad their base64, and join values by commas.
    let mut fields = http::HeaderMap::new();
    fields.insert("token-bin", "AQ==,//79/A".parse().unwrap());
    let metadata = Metadata::from_headers(fields);
    assert_eq!(metadata.get_all_bin("token-bin").count(), 2);
    client.with(CallOptions::new().metadata(metadata)).get_feature(TRAIL).await.unwrap_err();
    line.end().await
}

/// What is left of a conversation when its recording begins in the middle of the second call's request head.
pub async fn late_recording() -> Recorded {
    let (line, client, _stop) = ours(guide());
    for _ in 0..5 {
        client.get_feature(TRAIL).await.unwrap();
    }
    let whole = line.end().await;
    let transcript = Transcript::read(&whole, &Types::default());
    let begin = |direction| {
        let mut events = transcript.events.iter().filter(|event| event.direction == direction && event.stream() == 3);
        events.next().unwrap().start + 7
    };
    let mut left = Direction::BOTH.map(begin);
    let mut late = Recorded { late: true, ..Recorded::default() };
    for chunk in &whole.chunks {
        let left = &mut left[chunk.direction.index()];
        let skipped = (*left).min(chunk.bytes.len() as u64);
        *left -= skipped;
        late.push_at(chunk.direction, chunk.at, &chunk.bytes[skipped as usize..]);
    }
    late
}

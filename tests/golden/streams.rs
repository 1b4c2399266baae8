//! One call's stream: how its sides close, and how it is cut off.

use std::time::Duration;

use h2grpc::call::CallOptions;
use h2grpc::limits::{ClientLimits, Limits};
use h2grpc::route_guide::Rectangle;
use h2grpc::transcript::Recorded;
use h2grpc::wire::Code;

use crate::common::frame;
use crate::common::raw::{
    CANCEL, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, MAX_CONCURRENT_STREAMS, REFUSED_STREAM, field,
};
use crate::stage::{GET_FEATURE, Hand, RECORD_ROUTE, TRAIL, Told, feature, guide, ours, server_by_hand};
use crate::turns::quiet;

pub async fn half_close_on_headers() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    let names = [field(":path", RECORD_ROUTE), field("te", "trailers"), field("content-type", "application/grpc")];
    let block = [&[0x83, 0x86][..], &names.concat()].concat(); // :method: POST, :scheme: http (RFC 7541, appendix A)
    hand.raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &block).await;
    hand.end().await
}

pub async fn half_close_by_empty_data() -> Recorded {
    let (line, client, _stop) = ours(guide());
    let (mut points, summary) = client.record_route().await.unwrap();
    points.send(TRAIL).await.unwrap();
    quiet().await;
    points.finish().await.unwrap();
    assert_eq!(summary.response().await.unwrap().message.point_count, 1);
    line.end().await
}

pub async fn deadline() -> Recorded {
    let slow = Told { wait: Duration::from_secs(10), features: 0, end: Ok(()) };
    let (line, client, _stop) = ours(slow.server());
    let hurried = client.with(CallOptions::new().timeout(Duration::from_millis(500)));
    let status = hurried.get_feature(TRAIL).await.unwrap_err();
    assert_eq!(status.code(), Code::DEADLINE_EXCEEDED);
    line.end().await
}

pub async fn cancel() -> Recorded {
    let slow = Told { wait: Duration::from_secs(1), features: 10, end: Ok(()) };
    let (line, client, _stop) = ours(slow.server());
    let mut features = client.list_features(Rectangle::default()).await.unwrap();
    assert_eq!(features.next().await.unwrap(), Some(feature()));
    drop(features);
    line.end().await
}

pub async fn rst_stream() -> Recorded {
    const INTERNAL_ERROR: u32 = 2;
    let (line, client, mut server) = server_by_hand(ClientLimits::default(), &[]).await;
    for (error, code) in
        [(INTERNAL_ERROR, Code::INTERNAL), (CANCEL, Code::CANCELLED), (ENHANCE_YOUR_CALM, Code::RESOURCE_EXHAUSTED)]
    {
        let client = client.clone();
        let call = tokio::spawn(async move { client.get_feature(TRAIL).await });
        let (stream, _) = server.next_request().await.unwrap();
        server.reset(stream, error).await;
        assert_eq!(call.await.unwrap().unwrap_err().code(), code);
    }
    let call = tokio::spawn(async move { client.get_feature(TRAIL).await });
    let (stream, _) = server.next_request().await.unwrap();
    server.reset(stream, REFUSED_STREAM).await;
    let (again, _) = server.next_request().await.unwrap();
    server.answer(again, &feature()).await;
    assert_eq!(call.await.unwrap().unwrap().message, feature());
    line.end().await
}

pub async fn refused_stream() -> Recorded {
    let mut hand = Hand::begin(guide().limits(Limits::default().max_concurrent_streams(1)), &[]).await;
    hand.raw.send_head(1, GET_FEATURE).await;
    hand.raw.send_head(3, GET_FEATURE).await;
    quiet().await;
    hand.raw.send(DATA, END_STREAM, 1, &frame(&TRAIL)).await;
    quiet().await;
    hand.raw.send_head(5, GET_FEATURE).await;
    hand.raw.send(DATA, END_STREAM, 5, &frame(&TRAIL)).await;
    hand.end().await
}

pub async fn max_concurrent_streams() -> Recorded {
    let (line, client, mut server) = server_by_hand(ClientLimits::default(), &[(MAX_CONCURRENT_STREAMS, 1)]).await;
    quiet().await;
    let calls: Vec<_> = (0..2)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get_feature(TRAIL).await })
        })
        .collect();
    for call in calls {
        let (stream, _) = server.next_request().await.unwrap();
        quiet().await;
        server.answer(stream, &feature()).await;
        assert_eq!(call.await.unwrap().unwrap().message, feature());
    }
    line.end().await
}

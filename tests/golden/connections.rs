//! What concerns a connection as a whole: windows, its end, and signs of life.

use std::time::Duration;

use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::Rectangle;
use h2grpc::transcript::Recorded;
use h2grpc::wire::Code;

use crate::common::frame;
use crate::common::raw::{ACK, DATA, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, INITIAL_WINDOW_SIZE, PING, WINDOW_UPDATE};
use crate::stage::{GET_FEATURE, Hand, LIST_FEATURES, TRAIL, Told, guide, server_by_hand};
use crate::turns::quiet;

pub async fn flow_control() -> Recorded {
    let server = Told { wait: Duration::ZERO, features: 2, end: Ok(()) }.server();
    let mut hand = Hand::begin(server, &[(INITIAL_WINDOW_SIZE, 40)]).await;
    hand.raw.send_head(1, LIST_FEATURES).await;
    hand.raw.send(DATA, END_STREAM, 1, &frame(&Rectangle::default())).await;
    quiet().await;
    hand.raw.send(WINDOW_UPDATE, 0, 1, &10_u32.to_be_bytes()).await;
    quiet().await;
    hand.raw.send(WINDOW_UPDATE, 0, 1, &100_u32.to_be_bytes()).await;
    hand.end().await
}

pub async fn goaway() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    hand.raw.send_head(1, GET_FEATURE).await;
    quiet().await;
    hand.stop.send(true).unwrap();
    let ping = hand.until(PING).await;
    // A call that was under way before the client knew.
    hand.raw.send_head(3, GET_FEATURE).await;
    hand.raw.send(DATA, END_STREAM, 3, &frame(&TRAIL)).await;
    hand.raw.send(PING, ACK, 0, &ping.payload).await;
    hand.until(GOAWAY).await;
    quiet().await;
    hand.raw.send(DATA, END_STREAM, 1, &frame(&TRAIL)).await;
    hand.end().await
}

pub async fn keepalive() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    let ping = hand.until(PING).await;
    hand.raw.send(PING, ACK, 0, &ping.payload).await;
    // To the second PING it says nothing, and the server closes the connection.
    while hand.raw.next_whenever().await.is_some() {}
    hand.end().await
}

pub async fn too_many_pings() -> Recorded {
    let limits = ClientLimits::default().keepalive_interval(Some(Duration::from_secs(10)));
    let (line, client, mut server) = server_by_hand(limits, &[]).await;
    let call = tokio::spawn(async move { client.get_feature(TRAIL).await });
    let (stream, _) = server.next_request().await.unwrap();
    for _ in 0..3 {
        while server.next().await.unwrap().kind != PING {}
    }
    server.go_away(stream, ENHANCE_YOUR_CALM, "too_many_pings").await;
    server.close().await;
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::UNAVAILABLE);
    line.end().await
}

//! How calls end: statuses, and answers that are no gRPC.

use std::time::Duration;

use h2grpc::call::CallOptions;
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::{Feature, Rectangle};
use h2grpc::status::Status;
use h2grpc::transcript::Recorded;
use h2grpc::wire::Code;
use h2grpc::wire::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::raw::{DATA, END_HEADERS, END_STREAM, HEADERS, field};
use crate::stage::{Hand, TRAIL, Told, client, feature, guide, ours, serve, server_by_hand};
use crate::turns::{Line, quiet};

fn failing(features: usize, status: Status) -> Told {
    Told { wait: Duration::ZERO, features, end: Err(status) }
}

pub async fn trailers_only() -> Recorded {
    let (line, client, _stop) = ours(failing(0, Status::not_found("no feature there")).server());
    let status = client.get_feature(TRAIL).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NOT_FOUND, "no feature there"));
    line.end().await
}

pub async fn trailers() -> Recorded {
    let (line, client, _stop) = ours(failing(1, Status::data_loss("the rest is lost")).server());
    let mut features = client.list_features(Rectangle::default()).await.unwrap();
    assert_eq!(features.next().await.unwrap(), Some(feature()));
    assert_eq!(features.next().await.unwrap_err().code(), Code::DATA_LOSS);
    line.end().await
}

pub async fn percent_encoding() -> Recorded {
    let told = "100 % of Zürich\nis missing";
    let (line, client, _stop) = ours(failing(0, Status::not_found(told)).server());
    assert_eq!(client.get_feature(TRAIL).await.unwrap_err().message(), told);
    line.end().await
}

pub async fn unknown_method() -> Recorded {
    let (line, near, far) = Line::new();
    let _stop = serve(guide(), far);
    let path = Path::new("routeguide.RouteGuide", "GetWeather").unwrap();
    let channel = client(near, ClientLimits::default());
    let mut answer = channel.server_streaming::<_, Feature>(&path, &CallOptions::new(), &TRAIL).await.unwrap();
    assert_eq!(answer.next().await.unwrap_err().code(), Code::UNIMPLEMENTED);
    line.end().await
}

pub async fn not_grpc() -> Recorded {
    let mut hand = Hand::begin(guide(), &[]).await;
    let block = [
        &[0x83, 0x86][..], // :method: POST, :scheme: http (RFC 7541, appendix A)
        &field(":path", crate::stage::GET_FEATURE),
        &field("content-type", "application/json"),
    ];
    hand.raw.send(HEADERS, END_HEADERS, 1, &block.concat()).await;
    hand.raw.send(DATA, END_STREAM, 1, b"{\"latitude\": 409146138}").await;
    hand.end().await
}

pub async fn proxy_error() -> Recorded {
    let (line, client, mut server) = server_by_hand(ClientLimits::default(), &[]).await;
    let call = tokio::spawn(async move { client.get_feature(TRAIL).await });
    let (stream, _) = server.next_request().await.unwrap();
    let head = [field(":status", "503"), field("content-type", "text/html")].concat();
    server.send(HEADERS, END_HEADERS, stream, &head).await;
    server.send(DATA, END_STREAM, stream, b"<h1>No healthy upstream</h1>").await;
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::UNAVAILABLE);
    line.end().await
}

pub async fn http1_server() -> Recorded {
    let (line, near, mut far) = Line::new();
    let channel = client(near, ClientLimits::default());
    let connecting = tokio::spawn(async move { channel.connect().await });
    far.read_exact(&mut [0; 24]).await.unwrap();
    far.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    quiet().await;
    connecting.abort();
    line.end().await
}

pub async fn tls_client() -> Recorded {
    let (line, mut near, far) = Line::new();
    let _stop = serve(guide(), far);
    near.write_all(&client_hello()).await.unwrap();
    near.read_to_end(&mut Vec::new()).await.unwrap(); // the server closes
    line.end().await
}

/// The least that TLS 1.2 says first: a record of type 22 with a ClientHello in it, which offers one cipher suite.
fn client_hello() -> Vec<u8> {
    let random = [0x5a; 32];
    let suites_and_compression = [0, 0, 2, 0xc0, 0x2f, 1, 0];
    let hello = [&[3, 3][..], &random, &suites_and_compression].concat();
    let message = [&[1, 0, 0, hello.len() as u8][..], &hello].concat();
    [&[22, 3, 1, 0, message.len() as u8][..], &message].concat()
}

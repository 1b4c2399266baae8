//! What a client says first, and how it numbers its calls, told by a server of bare frames.

use std::time::Duration;

use h2grpc::call::CallOptions;
use h2grpc::route_guide::{Feature, Point, RouteGuideClient};
use h2grpc::wire::Code;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use super::common::raw::{
    ACK, CANCEL, DATA, END_STREAM, Frame, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, read_frame,
};
use super::common::raw_server::RawServer;
use super::common::{self, pipes, soon};
use super::*;

async fn listen() -> (TcpListener, RouteGuideClient) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = common::channel(listener.local_addr().unwrap());
    (listener, RouteGuideClient::new(channel))
}

async fn accept(listener: &TcpListener) -> RawServer<TcpStream> {
    let (stream, _) = soon(listener.accept()).await.unwrap();
    RawServer::accept_wide(stream, &[]).await.unwrap()
}

/// The next frame that is one of a call.
async fn next(server: &mut RawServer<TcpStream>) -> Frame {
    loop {
        let frame = soon(server.next()).await.expect("a frame");
        if frame.stream > 0 {
            return frame;
        }
    }
}

#[tokio::test]
async fn a_client_begins_with_the_preface_and_with_settings_that_forbid_push() {
    let (listener, client) = listen().await;
    let calling = tokio::spawn(async move { client.get_feature(Point::default()).await });
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let mut preface = [0; PREFACE.len()];
    soon(stream.read_exact(&mut preface)).await.unwrap();
    assert_eq!(preface, PREFACE);
    let first = soon(read_frame(&mut stream)).await.unwrap();
    assert_eq!((first.kind, first.flags, first.stream), (SETTINGS, 0, 0), "{first:?}");
    assert!(first.payload.chunks(6).any(|setting| setting == [0, 2, 0, 0, 0, 0]), "ENABLE_PUSH 0: {first:?}");
    calling.abort();
}

#[tokio::test]
async fn calls_have_the_odd_stream_numbers_one_after_the_other() {
    let (listener, client) = listen().await;
    let answering = tokio::spawn(async move {
        let mut server = accept(&listener).await;
        let mut streams = Vec::new();
        while streams.len() < 4 {
            let (stream, _) = soon(server.next_request()).await.unwrap();
            server.answer(stream, &Feature::default()).await;
            streams.push(stream);
        }
        streams
    });
    for _ in 0..4 {
        soon(client.get_feature(Point::default())).await.unwrap();
    }
    assert_eq!(soon(answering).await.unwrap(), [1, 3, 5, 7]);
}

#[tokio::test]
async fn settings_and_pings_of_a_server_are_acknowledged() {
    let (listener, client) = listen().await;
    let calling = tokio::spawn(async move { client.get_feature(Point::default()).await });
    let mut server = accept(&listener).await;
    server.send(PING, 0, 0, b"what now").await;
    let (mut settings, mut ping) = (0, None);
    while settings < 1 || ping.is_none() {
        let frame = soon(server.next()).await.unwrap();
        match (frame.kind, frame.flags) {
            (SETTINGS, ACK) => settings += 1,
            (PING, ACK) => ping = Some(frame.payload),
            _ => {}
        }
    }
    assert_eq!(ping.as_deref(), Some(&b"what now"[..]));
    calling.abort();
}

#[tokio::test]
async fn a_request_stream_that_is_finished_ends_with_an_empty_data_frame() {
    let (listener, client) = listen().await;
    let opening = tokio::spawn(async move { client.record_route().await.unwrap() });
    let mut server = accept(&listener).await;
    let (mut points, summary) = soon(opening).await.unwrap();
    let (has_come, come) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let head = next(&mut server).await;
        assert_eq!((head.kind, head.flags & END_STREAM), (HEADERS, 0), "the end is not known yet");
        let data = next(&mut server).await;
        assert_eq!((data.kind, data.flags & END_STREAM), (DATA, 0));
        has_come.send(()).unwrap();
        let end = next(&mut server).await;
        assert_eq!((end.kind, end.flags, end.payload.len()), (DATA, END_STREAM, 0), "{end:?}");
        server.refuse(1, 7, "as asked").await;
        server.until_closed().await;
    });
    points.send(Point::default()).await.unwrap();
    soon(come).await.unwrap(); // the message has left alone
    points.finish().await.unwrap();
    assert_eq!(soon(summary.response()).await.unwrap_err().code(), Code::PERMISSION_DENIED);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_passes_is_reset_with_cancel() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (channel, _) = pipes::raw(move |_, io| {
        let tell = tell.clone();
        async move {
            let mut server = RawServer::accept_wide(io, &[]).await?;
            loop {
                let frame = server.next().await?;
                if frame.kind == RST_STREAM {
                    tell.send((frame.stream, frame.payload)).ok()?;
                }
            }
        }
    });
    let client = RouteGuideClient::new(channel).with(CallOptions::new().timeout(Duration::from_secs(3)));
    let status = soon(client.get_feature(Point::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::DEADLINE_EXCEEDED, "{status}");
    assert_eq!(soon(told.recv()).await, Some((1, CANCEL.to_be_bytes().to_vec())));
}

#[tokio::test]
async fn a_server_that_pushes_breaks_a_rule() {
    let (listener, client) = listen().await;
    let calling = tokio::spawn(async move { client.get_feature(Point::default()).await });
    let mut server = accept(&listener).await;
    let stream = soon(server.next_head()).await.unwrap();
    let promise = [&2_u32.to_be_bytes()[..], &block(&fields())].concat();
    server.send(5, END_HEADERS, stream, &promise).await;
    let status = soon(calling).await.unwrap().unwrap_err();
    assert!(status.message().contains("the server broke a rule of HTTP/2"), "{status}");
}

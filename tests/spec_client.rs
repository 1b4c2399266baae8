//! The client's rules of "gRPC over HTTP/2", one test each, told to it by a server of bare h2.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use common::peer::{answering, ok_head, server, trailers};
use common::raw;
use common::raw_server::RawServer;
use common::{checked, frame, frame_of, soon};
use futures_util::future::join_all;
use h2grpc::call::{CallEnded, CallOptions};
use h2grpc::client::Channel;
use h2grpc::codec::Payload;
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::{Feature, Features, Guide, Point, Rectangle, RouteGuide, RouteGuideClient, RouteNote};
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::{Code, path::Path};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn get_feature(address: SocketAddr) -> Result<Feature, Status> {
    let client = RouteGuideClient::new(common::channel(address));
    Ok(soon(client.get_feature(Point { latitude: 1, longitude: 2 })).await?.message)
}

fn feature() -> Feature {
    Feature { name: "A place".to_owned(), location: Some(Point { latitude: 1, longitude: 2 }) }
}

#[tokio::test]
async fn request_head_has_what_the_specification_asks_for() {
    let address = server(|request, mut respond| {
        let head = request.headers();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri().path(), "/routeguide.RouteGuide/GetFeature");
        assert!(request.uri().authority().is_some());
        assert_eq!(
            (&head["te"], &head["content-type"]),
            (&"trailers".parse().unwrap(), &"application/grpc".parse().unwrap())
        );
        assert!(head["user-agent"].to_str().unwrap().starts_with("h2grpc/"));
        let head = ok_head();
        let mut stream = respond.send_response(head, false).unwrap();
        stream.send_data(frame(&feature()), false).unwrap();
        stream.send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
    })
    .await;
    assert_eq!(get_feature(address).await.unwrap(), feature());
}

#[tokio::test]
async fn status_is_read_from_trailers() {
    let address = answering(vec![], &[("grpc-status", "5"), ("grpc-message", "no%20such place %F0%9F%A6%9C")]).await;
    let status = get_feature(address).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NOT_FOUND, "no such place \u{1F99C}"));
}

#[tokio::test]
async fn status_is_read_from_trailers_only() {
    let address = server(|_, mut respond| {
        let mut head = ok_head();
        head.headers_mut().extend(trailers(&[("grpc-status", "7"), ("grpc-message", "not you")]));
        respond.send_response(head, true).unwrap();
    })
    .await;
    let status = get_feature(address).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::PERMISSION_DENIED, "not you"));
}

/// A response of three features: a head with `in_head`, and trailers with `in_trailers`.
async fn three_features(in_head: &'static str, in_trailers: &'static str) -> (usize, Result<(), Status>) {
    let address = server(move |_, mut respond| {
        let mut head = ok_head();
        head.headers_mut().extend(trailers(&[("grpc-status", in_head), ("grpc-message", "too early")]));
        let mut stream = respond.send_response(head, false).unwrap();
        for _ in 0..3 {
            stream.send_data(frame(&feature()), false).unwrap();
        }
        stream.send_trailers(trailers(&[("grpc-status", in_trailers)])).unwrap();
    })
    .await;
    let client = RouteGuideClient::new(common::channel(address));
    let mut features = soon(client.list_features(Default::default())).await.unwrap();
    let mut count = 0;
    loop {
        match soon(features.next()).await {
            Ok(Some(_)) => count += 1,
            Ok(None) => return (count, Ok(())),
            Err(status) => return (count, Err(status)),
        }
    }
}

#[tokio::test]
async fn grpc_status_in_a_head_that_does_not_end_the_stream_does_not_count() {
    let (count, end) = three_features("0", "13").await;
    assert_eq!((count, end.unwrap_err().code()), (3, Code::INTERNAL));
    let (count, end) = three_features("7", "0").await;
    assert_eq!((count, end.is_ok()), (3, true), "{end:?}");
}

#[tokio::test]
async fn grpc_status_in_a_head_that_is_followed_by_trailers_alone_does_not_count() {
    for (in_head, in_trailers, code) in [("0", "13", Code::INTERNAL), ("7", "0", Code::OK)] {
        let address = server(move |_, mut respond| {
            let mut head = ok_head();
            head.headers_mut().extend(trailers(&[("grpc-status", in_head)]));
            let mut stream = respond.send_response(head, false).unwrap();
            stream.send_trailers(trailers(&[("grpc-status", in_trailers)])).unwrap();
        })
        .await;
        let client = RouteGuideClient::new(common::channel(address));
        let mut features = soon(client.list_features(Default::default())).await.unwrap();
        let end = soon(features.next()).await;
        assert_eq!(end.as_ref().map_or_else(|status| status.code(), |_| Code::OK), code, "{end:?}");
    }
}

#[tokio::test]
async fn unknown_status_codes_are_kept() {
    let status = get_feature(answering(vec![], &[("grpc-status", "4242")]).await).await.unwrap_err();
    assert_eq!(status.code(), Code::from_u32(4242));
}

#[tokio::test]
async fn http_status_is_mapped_where_there_is_no_grpc_status() {
    for (http, code) in [
        (400, Code::INTERNAL),
        (401, Code::UNAUTHENTICATED),
        (403, Code::PERMISSION_DENIED),
        (404, Code::UNIMPLEMENTED),
        (429, Code::UNAVAILABLE),
        (502, Code::UNAVAILABLE),
        (503, Code::UNAVAILABLE),
        (504, Code::UNAVAILABLE),
        (500, Code::UNKNOWN),
        (302, Code::UNKNOWN),
    ] {
        let address = server(move |_, mut respond| {
            let head = Response::builder().status(http).header("content-type", "text/html").body(()).unwrap();
            respond.send_response(head, true).unwrap();
        })
        .await;
        let status = get_feature(address).await.unwrap_err();
        assert_eq!(status.code(), code, "{http}");
        assert!(status.message().contains(&http.to_string()), "{status}");
    }
}

#[tokio::test]
async fn grpc_status_counts_whatever_the_http_status() {
    let address = server(|_, mut respond| {
        let head = Response::builder().status(503).header("content-type", "text/html").header("grpc-status", "5");
        respond.send_response(head.body(()).unwrap(), true).unwrap();
    })
    .await;
    assert_eq!(get_feature(address).await.unwrap_err().code(), Code::NOT_FOUND);
}

#[tokio::test]
async fn informational_heads_are_skipped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut server = RawServer::accept_wide(stream, &[]).await.unwrap();
        let (stream, _) = server.next_request().await.unwrap();
        for status in ["100", "103"] {
            server.send(raw::HEADERS, raw::END_HEADERS, stream, &raw::field(":status", status)).await;
        }
        server.answer(stream, &feature()).await;
        server.until_closed().await;
    });
    assert_eq!(get_feature(address).await.unwrap(), feature());
}

#[tokio::test]
async fn encoding_that_was_not_offered_is_internal_and_named() {
    let address = server(|_, mut respond| {
        let mut head = ok_head();
        head.headers_mut().extend(trailers(&[("grpc-encoding", "gzip")]));
        let mut stream = respond.send_response(head, false).unwrap();
        stream.send_data(frame_of(1, b"not read"), false).unwrap();
        stream.send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
    })
    .await;
    let status = get_feature(address).await.unwrap_err();
    assert_eq!(status.code(), Code::INTERNAL, "{status}");
    assert!(status.message().contains("gzip") && status.message().contains("identity"), "{status}");
}

#[tokio::test]
async fn content_type_that_is_not_grpc_is_unknown() {
    let address = server(|_, mut respond| {
        let head = Response::builder().header("content-type", "text/plain").body(()).unwrap();
        let mut stream = respond.send_response(head, false).unwrap();
        stream.send_data(Bytes::from_static(b"hello"), true).unwrap();
    })
    .await;
    let status = get_feature(address).await.unwrap_err();
    assert_eq!(status.code(), Code::UNKNOWN);
    assert!(status.message().contains("text/plain"), "{status}");
}

#[tokio::test]
async fn missing_grpc_status_is_unknown() {
    let address = answering(vec![frame(&feature())], &[("other", "thing")]).await;
    assert_eq!(get_feature(address).await.unwrap_err().code(), Code::UNKNOWN);
    let address = server(|_, mut respond| {
        let mut stream = respond.send_response(ok_head(), false).unwrap();
        stream.send_data(frame(&feature()), true).unwrap();
    })
    .await;
    assert_eq!(get_feature(address).await.unwrap_err().code(), Code::UNKNOWN);
}

#[tokio::test]
async fn unary_answer_without_message_or_with_two_is_unimplemented() {
    for body in [vec![], vec![frame(&feature()), frame(&feature())]] {
        let status = get_feature(answering(body, &[("grpc-status", "0")]).await).await.unwrap_err();
        assert_eq!(status.code(), Code::UNIMPLEMENTED, "{status}");
    }
}

#[tokio::test]
async fn reset_streams_map_by_the_table() {
    for (reason, code) in [
        (h2::Reason::NO_ERROR, Code::INTERNAL),
        (h2::Reason::PROTOCOL_ERROR, Code::INTERNAL),
        (h2::Reason::INTERNAL_ERROR, Code::INTERNAL),
        (h2::Reason::REFUSED_STREAM, Code::UNAVAILABLE),
        (h2::Reason::CANCEL, Code::CANCELLED),
        (h2::Reason::ENHANCE_YOUR_CALM, Code::RESOURCE_EXHAUSTED),
        (h2::Reason::INADEQUATE_SECURITY, Code::PERMISSION_DENIED),
    ] {
        let address = server(move |_, mut respond| respond.send_reset(reason)).await;
        let status = get_feature(address).await.unwrap_err();
        assert_eq!(status.code(), code, "{reason:?}: {status}");
        assert!(status.message().contains(&format!("{reason:?}")), "{status}");
    }
}

#[tokio::test]
async fn broken_frames_in_an_answer_are_internal() {
    for body in
        [vec![frame_of(9, b"")], vec![frame(&feature()).slice(..7)], vec![frame_of(0, &[0xff])], vec![frame_of(1, b"")]]
    {
        let status = get_feature(answering(body, &[("grpc-status", "0")]).await).await.unwrap_err();
        assert_eq!(status.code(), Code::INTERNAL, "{status}");
    }
}

#[tokio::test]
async fn head_that_comes_after_the_first_message_is_waited_for() {
    let address = server(|request, mut respond| {
        tokio::spawn(async move {
            let mut body = request.into_body();
            let first = body.data().await.unwrap().unwrap();
            let mut stream = respond.send_response(ok_head(), false).unwrap();
            stream.send_data(first, false).unwrap();
            stream.send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
        });
    })
    .await;
    let client = RouteGuideClient::new(common::channel(address));
    let (mut notes, mut answers) = soon(client.route_chat()).await.unwrap();
    notes.send(RouteNote { location: None, message: "first".to_owned() }).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap().unwrap().message, "first");
    assert_eq!(soon(answers.next()).await.unwrap(), None);
}

#[tokio::test]
async fn lost_connection_is_unavailable_and_names_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let _call = connection.accept().await;
    });
    let status = get_feature(address).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
    assert!(status.message().contains(&address.to_string()), "{status}");
}

/// A server that says `answer` to each connection and closes, before it has read anything or after. What is unread
/// resets the connection.
async fn other_protocol(answer: &'static [u8], reads_first: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if reads_first {
                let _ = stream.read(&mut [0; 4096]).await;
            }
            let _ = stream.write_all(answer).await;
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_speaks_another_protocol_is_unavailable_and_told_by_name() {
    let http1 = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let alert = b"\x15\x03\x03\x00\x02\x02\x28"; // TLS: a fatal alert, handshake_failure
    for (answer, words) in [(&http1[..], "the server speaks HTTP/1.1"), (&alert[..], "the server speaks TLS")] {
        for reads_first in [true, false] {
            let address = other_protocol(answer, reads_first).await;
            for run in 0..20 {
                let status = get_feature(address).await.unwrap_err();
                assert_eq!(status.code(), Code::UNAVAILABLE, "{words}, {reads_first}, {run}: {status}");
                assert!(status.message().contains(words), "{words}, {reads_first}, {run}: {status}");
                assert!(status.message().contains(&address.to_string()), "{status}");
            }
        }
    }
}

#[tokio::test]
async fn connection_that_is_going_away_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        // Each connection answers one call, and is then shut down.
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                let Some(Ok((_, mut respond))) = connection.accept().await else { return };
                let mut stream = respond.send_response(ok_head(), false).unwrap();
                stream.send_data(frame(&feature()), false).unwrap();
                stream.send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
                connection.graceful_shutdown();
                while connection.accept().await.is_some() {}
            });
        }
    });
    let client = RouteGuideClient::new(common::channel(address));
    for _ in 0..10 {
        assert_eq!(soon(client.get_feature(Point::default())).await.unwrap().message, feature());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[test]
fn address_that_is_none_is_refused_with_what_was_expected() {
    for address in
        ["", "localhost", "https://localhost:1", "http://localhost:1/path", "http://", "localhost:x", "a b:1"]
    {
        let status = address.parse::<h2grpc::client::Target>().unwrap_err();
        assert_eq!(status.code(), Code::INVALID_ARGUMENT);
        assert!(status.message().contains("http://host:port"), "{status}");
    }
    assert_eq!("[::1]:50051".parse::<h2grpc::client::Target>().unwrap().to_string(), "http://[::1]:50051");
}

#[tokio::test]
async fn calls_on_a_fresh_connection_wait_for_the_servers_limit_of_streams() {
    for limit in [1, 10] {
        let few = common::limits(|limits| limits.max_concurrent_streams = limit);
        let guide = Guide::new(Features::embedded()).into_service();
        let running = common::Running::start(Server::new().add(guide).limits(few));
        let client = running.client();
        let calls = (0..300).map(|_| client.get_feature(Point { latitude: 1, longitude: 2 }));
        let lost = soon(join_all(calls)).await.into_iter().filter_map(Result::err).collect::<Vec<_>>();
        assert!(lost.is_empty(), "{} of 300 with a limit of {limit}: {}", lost.len(), lost[0]);
    }
}

#[tokio::test]
async fn reset_after_the_deadline_is_deadline_exceeded() {
    for reason in [h2::Reason::NO_ERROR, h2::Reason::CANCEL] {
        let address = server(move |_, mut respond| {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                respond.send_reset(reason);
            });
        })
        .await;
        let client = RouteGuideClient::new(common::channel(address));
        let client = client.with(CallOptions::new().timeout(Duration::from_millis(50)));
        let mut features = client.list_features(Rectangle::default()).await.unwrap();
        // Read only when both are over, so that the reset is seen first.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let status = soon(features.next()).await.unwrap_err();
        assert_eq!(status.code(), Code::DEADLINE_EXCEEDED, "{reason:?}: {status}");
    }
}

#[tokio::test]
async fn response_that_is_cut_short_with_no_error_after_the_deadline_is_deadline_exceeded() {
    let address = server(|_, mut respond| {
        tokio::spawn(async move {
            let mut stream = respond.send_response(ok_head(), false).unwrap();
            stream.send_data(frame(&feature()), false).unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            stream.send_reset(h2::Reason::NO_ERROR);
        });
    })
    .await;
    let client = RouteGuideClient::new(common::channel(address));
    let client = client.with(CallOptions::new().timeout(Duration::from_millis(100)));
    let mut features = client.list_features(Rectangle::default()).await.unwrap();
    assert_eq!(soon(features.next()).await.unwrap(), Some(feature()));
    tokio::time::sleep(Duration::from_millis(400)).await;
    let status = soon(features.next()).await.unwrap_err();
    assert_eq!(status.code(), Code::DEADLINE_EXCEEDED, "{status}");
}

#[tokio::test]
async fn reset_before_the_deadline_or_for_another_reason_maps_by_the_table() {
    for (reason, timeout, code) in [
        (h2::Reason::CANCEL, Duration::from_secs(60), Code::CANCELLED),
        (h2::Reason::NO_ERROR, Duration::from_secs(60), Code::INTERNAL),
        (h2::Reason::ENHANCE_YOUR_CALM, Duration::from_millis(50), Code::RESOURCE_EXHAUSTED),
    ] {
        let address = server(move |_, mut respond| respond.send_reset(reason)).await;
        let client = RouteGuideClient::new(common::channel(address));
        let client = client.with(CallOptions::new().timeout(timeout));
        let mut features = client.list_features(Rectangle::default()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let status = soon(features.next()).await.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
    }
}

#[tokio::test]
async fn grpc_timeout_is_what_dialling_has_left_of_the_deadline() {
    let (tell, told) = std::sync::mpsc::channel();
    let address = server(move |request, mut respond| {
        tell.send(request.headers()["grpc-timeout"].to_str().unwrap().to_owned()).unwrap();
        respond.send_reset(h2::Reason::CANCEL);
    })
    .await;
    let connect = move || async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        TcpStream::connect(address).await
    };
    let channel = Channel::with_connector(address.to_string().parse().unwrap(), ClientLimits::default(), connect);
    let channel = checked::calling(channel);
    let client = RouteGuideClient::new(channel).with(CallOptions::new().timeout(Duration::from_secs(5)));
    let _ = soon(client.get_feature(Point::default())).await;
    let left = told.recv().unwrap();
    let micros: u64 = left.strip_suffix('u').unwrap().parse().unwrap();
    assert!(micros <= 4_700_000, "{left}");
}

#[tokio::test]
async fn call_given_up_after_finish_began_is_cancelled() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let address = server(move |request, mut respond| {
        let tell = tell.clone();
        tokio::spawn(async move {
            let _unread = request; // its window stays closed
            let reason = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
            let _ = tell.send(reason.unwrap());
        });
    })
    .await;
    let client = RouteGuideClient::new(common::channel(address));
    let (mut notes, answers) = soon(client.route_chat()).await.unwrap();
    let long = RouteNote { location: None, message: "x".repeat(1 << 20) };
    let sending = tokio::spawn(async move {
        let _ = notes.send(long).await;
        notes.finish().await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(answers);
    assert_eq!(soon(told.recv()).await, Some(h2::Reason::CANCEL));
    assert!(soon(sending).await.unwrap().is_err());
}

#[tokio::test]
async fn request_whose_finish_is_not_waited_for_is_sent_whole() {
    let address = server(|request, mut respond| {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await; // its window stays closed until then
            let (mut body, mut length) = (request.into_body(), 0);
            while let Some(chunk) = body.data().await {
                let chunk = chunk.unwrap();
                length += chunk.len();
                body.flow_control().release_capacity(chunk.len()).unwrap();
            }
            let mut stream = respond.send_response(ok_head(), false).unwrap();
            let note = RouteNote { location: None, message: length.to_string() };
            stream.send_data(frame(&note), false).unwrap();
            stream.send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
        });
    })
    .await;
    let client = RouteGuideClient::new(common::channel(address));
    let (mut notes, mut answers) = soon(client.route_chat()).await.unwrap();
    let long = RouteNote { location: None, message: "x".repeat(1 << 20) };
    soon(notes.send(&long)).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(50), notes.finish()).await.is_err(), "the window is closed");
    let answer = soon(answers.next()).await.unwrap().unwrap();
    assert_eq!(answer.message, frame(&long).len().to_string());
}

#[tokio::test]
async fn send_after_an_early_answer_is_told_to_read_the_response_and_cannot_hide_its_status() {
    let address = server(|_, mut respond| {
        let mut head = ok_head();
        head.headers_mut().extend(trailers(&[("grpc-status", "7"), ("grpc-message", "not you")]));
        respond.send_response(head, true).unwrap(); // and h2 adds RST_STREAM with NO_ERROR
    })
    .await;
    let client = RouteGuideClient::new(common::channel(address));
    let (mut points, summary) = soon(client.record_route()).await.unwrap();
    let ended: CallEnded = soon(async {
        loop {
            if let Err(ended) = points.send(Point::default()).await {
                break ended;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(ended.to_string().contains("read the response"), "{ended}");
    assert_eq!(soon(points.finish()).await, Err(CallEnded));
    let status = soon(summary.response()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::PERMISSION_DENIED, "not you"));
}

#[tokio::test]
async fn reset_by_the_server_is_not_taken_for_a_request_that_was_dropped() {
    let address = server(|_, mut respond| respond.send_reset(h2::Reason::CANCEL)).await;
    let client = RouteGuideClient::new(common::channel(address));
    let (mut points, summary) = soon(client.record_route()).await.unwrap();
    soon(async {
        while points.send(Point::default()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(points);
    let status = soon(summary.response()).await.unwrap_err();
    assert_eq!(status.code(), Code::CANCELLED, "{status}");
    assert!(status.message().contains("the peer reset the stream"), "{status}");
}

/// A message that says it has more bytes than a prefix can announce.
#[derive(Debug, Default)]
struct Huge;

impl Payload for Huge {
    fn encoded_len(&self) -> usize {
        5 << 30
    }

    fn encode(&self, _: &mut impl BufMut) {
        panic!("it must not be asked for its bytes");
    }

    fn decode(&mut self, _: &[u8], _: impl FnOnce() -> Bytes) -> Result<(), Status> {
        Ok(())
    }
}

#[tokio::test]
async fn message_that_is_too_long_to_be_sent_ends_the_call_and_the_response_says_so() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let address = server(move |request, mut respond| {
        let tell = tell.clone();
        tokio::spawn(async move {
            let _unread = request;
            let reason = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
            let _ = tell.send(reason.unwrap());
        });
    })
    .await;
    let channel = common::channel(address);
    let (path, options) = (Path::new("test.v1.Far", "Away").unwrap(), CallOptions::new());
    let (mut requests, mut responses) = soon(channel.bidirectional::<Huge, Huge>(&path, &options)).await.unwrap();
    assert_eq!(soon(requests.send(Huge)).await, Err(CallEnded));
    let status = soon(responses.next()).await.unwrap_err();
    assert_eq!(status.code(), Code::RESOURCE_EXHAUSTED, "{status}");
    assert!(status.message().contains("5368709120"), "{status}");
    assert_eq!(soon(told.recv()).await, Some(h2::Reason::CANCEL));
}

#[tokio::test]
async fn late_reader_of_many_empty_messages_keeps_its_connection() {
    const COUNT: usize = 200_000;
    let address = answering(vec![frame_of(0, b""); COUNT], &[("grpc-status", "0")]).await;
    let client = RouteGuideClient::new(common::channel(address));
    let mut features = soon(client.list_features(Rectangle::default())).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut count = 0;
    while soon(features.next()).await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, COUNT);
}

#[tokio::test]
async fn sender_that_waits_learns_that_the_connection_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (lose, lost) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let _unread = connection.accept().await;
        let closed = tokio::spawn(async move { while connection.accept().await.is_some() {} });
        let _ = lost.await;
        closed.abort();
    });
    let client = RouteGuideClient::new(common::channel(address));
    let (mut notes, mut answers) = soon(client.route_chat()).await.unwrap();
    let long = RouteNote { location: None, message: "x".repeat(100_000) };
    let waiting = tokio::spawn(async move { while notes.send(&long).await.is_ok() {} });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "the window is full");
    lose.send(()).unwrap();
    soon(waiting).await.unwrap();
    let status = soon(answers.next()).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
}

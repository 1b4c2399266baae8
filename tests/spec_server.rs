//! The server's rules of "gRPC over HTTP/2", one test each, told to it by a client of bare h2.

mod common;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use common::raw::{DATA, END_STREAM, GOAWAY, HEADERS, NO_ERROR, RST_STREAM, Raw, SETTINGS, kinds};
use common::{Running, call, checked, connect, connect_with, frame, frame_of, head, limits, read, soon};
use h2grpc::route_guide::{Feature, Features, Guide, Point, Rectangle, RouteGuide, RouteSummary};
use h2grpc::server::Server;
use http::{Method, StatusCode};
use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const GET: &str = "/routeguide.RouteGuide/GetFeature";
const LIST: &str = "/routeguide.RouteGuide/ListFeatures";
const RECORD: &str = "/routeguide.RouteGuide/RecordRoute";
const TRAIL: Point = Point { latitude: 409_146_138, longitude: -746_188_906 };

fn serve() -> Running {
    Running::route_guide(Features::embedded())
}

/// As many features on one line as asked for.
fn many(count: i32) -> Features {
    Features::from_entries(
        (0..count).map(|index| (Point { latitude: index, longitude: 7 }, format!("Feature {index}"))),
    )
}

fn everything() -> Bytes {
    let lo = Some(Point { latitude: i32::MIN, longitude: i32::MIN });
    let hi = Some(Point { latitude: i32::MAX, longitude: i32::MAX });
    frame(&Rectangle { lo, hi })
}

#[tokio::test]
async fn unary_answer_is_head_message_trailers() {
    let running = serve();
    let answer = call(&mut connect(running.address).await, head(GET).body(()).unwrap(), [frame(&TRAIL)]).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.head["content-type"], "application/grpc");
    assert!(!answer.trailers_only);
    assert_eq!(answer.code(), 0);
    let feature = Feature::decode(&answer.body[5..]).unwrap();
    assert_eq!(feature.name, "Berkshire Valley Management Area Trail, Jefferson, NJ, USA");
    assert_eq!(answer.body[..5], [0, 0, 0, 0, answer.body.len() as u8 - 5]);
}

#[tokio::test]
async fn content_type_other_than_grpc_is_http_415() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for (content_type, expected) in [
        ("application/grpc", StatusCode::OK),
        ("application/grpc+proto", StatusCode::OK),
        ("application/grpc;charset=utf-8", StatusCode::OK),
        ("application/grpc+json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/grpcfoo", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let mut request = head(GET).body(()).unwrap();
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        let answer = call(&mut requests, request, [frame(&TRAIL)]).await.unwrap();
        assert_eq!(answer.status, expected, "{content_type}");
    }
}

#[tokio::test]
async fn method_other_than_post_is_http_405() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = call(&mut requests, head(GET).method(method).body(()).unwrap(), []).await.unwrap();
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.head["allow"], "POST");
    }
}

#[tokio::test]
async fn missing_te_is_told() {
    let running = serve();
    let mut request = head(GET).body(()).unwrap();
    request.headers_mut().remove("te");
    let answer = call(&mut connect(running.address).await, request, [frame(&TRAIL)]).await.unwrap();
    assert_eq!((answer.status, answer.code()), (StatusCode::OK, 13));
    assert!(answer.trailer("grpc-message").contains("te: trailers"), "{answer:?}");
}

#[tokio::test]
async fn malformed_timeout_is_refused_and_quoted() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for timeout in ["", "1", "S", "1s", "-1S", "1.5S", "123456789S", "1 S", "0x1S"] {
        let request = head(GET).header("grpc-timeout", timeout).body(()).unwrap();
        let answer = call(&mut requests, request, [frame(&TRAIL)]).await.unwrap();
        assert_eq!(answer.code(), 13, "{timeout}");
        let told = format!("malformed grpc-timeout \"{timeout}\": expected 1 to 8 digits");
        assert!(answer.trailer("grpc-message").starts_with(&told), "{told} in {answer:?}");
    }
    for timeout in ["1H", "1M", "1S", "10000m", "10000000u", "99999999n", "99999999H"] {
        let request = head(GET).header("grpc-timeout", timeout).body(()).unwrap();
        let answer = call(&mut requests, request, [frame(&TRAIL)]).await.unwrap();
        assert_eq!(answer.code(), 0, "{timeout}");
    }
}

#[tokio::test]
async fn unknown_service_or_method_is_unimplemented_with_the_path_and_trailers_only() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for path in ["/routeguide.RouteGuide/Nothing", "/no.Service/GetFeature", "/routeguide.RouteGuide/getFeature"] {
        let answer = call(&mut requests, head(path).body(()).unwrap(), [frame(&TRAIL)]).await.unwrap();
        assert_eq!((answer.status, answer.code()), (StatusCode::OK, 12));
        assert!(answer.trailers_only, "{answer:?}");
        assert!(answer.trailer("grpc-message").contains(path), "{answer:?}");
    }
    for path in ["/", "/nothing", "/routeguide.RouteGuide/", "//GetFeature"] {
        let answer = call(&mut requests, head(path).body(()).unwrap(), []).await.unwrap();
        assert_eq!((answer.status, answer.code()), (StatusCode::OK, 12), "{path}");
    }
}

#[tokio::test]
async fn service_answers_under_both_of_its_names() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let request = head("/RouteGuide/GetFeature").body(()).unwrap();
    assert_eq!(call(&mut requests, request, [frame(&TRAIL)]).await.unwrap().code(), 0);
}

#[tokio::test]
async fn unary_request_without_message_or_with_two_is_unimplemented() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let empty = frame(&Point::default());
    for path in [GET, LIST] {
        for body in [vec![], vec![empty.clone(), empty.clone()], vec![[&empty[..], &empty[..]].concat().into()]] {
            let answer = call(&mut requests, head(path).body(()).unwrap(), body).await.unwrap();
            assert_eq!(answer.code(), 12, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn request_ending_in_its_headers_frame_has_no_message() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let (response, _) = requests.send_request(head(GET).body(()).unwrap(), true).unwrap();
    assert_eq!(read(response).await.unwrap().code(), 12);
    let mut requests = requests.ready().await.unwrap();
    let (response, _) = requests.send_request(head(RECORD).body(()).unwrap(), true).unwrap();
    let answer = read(response).await.unwrap();
    assert_eq!(answer.code(), 0);
    assert_eq!(RouteSummary::decode(&answer.body[5..]).unwrap(), RouteSummary::default());
}

#[tokio::test]
async fn any_cut_of_the_request_gives_the_same_answer() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let request = frame(&TRAIL);
    for cut in 1..request.len() {
        let body = [request.slice(..cut), request.slice(cut..)];
        let answer = call(&mut requests, head(GET).body(()).unwrap(), body).await.unwrap();
        assert_eq!((answer.code(), answer.body.len()), (0, 84));
    }
}

#[tokio::test]
async fn flag_bytes_other_than_0_and_1_are_internal() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for flag in [2, 128, 255] {
        let body = [frame_of(flag, &TRAIL.encode_to_vec())];
        let answer = call(&mut requests, head(GET).body(()).unwrap(), body).await.unwrap();
        assert_eq!(answer.code(), 13);
        assert!(answer.trailer("grpc-message").contains(&format!("{flag:#04x}")), "{answer:?}");
    }
}

#[tokio::test]
async fn compressed_flag_without_grpc_encoding_is_internal() {
    let running = serve();
    let body = [frame_of(1, &TRAIL.encode_to_vec())];
    let answer = call(&mut connect(running.address).await, head(GET).body(()).unwrap(), body).await.unwrap();
    assert_eq!(answer.code(), 13);
}

#[tokio::test]
async fn unknown_grpc_encoding_is_unimplemented_and_the_known_ones_are_listed() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let request = head(GET).header("grpc-encoding", "gzip").body(()).unwrap();
    let answer = call(&mut requests, request, [frame(&TRAIL)]).await.unwrap();
    assert_eq!(answer.code(), 12);
    assert_eq!(answer.head["grpc-accept-encoding"], "identity");
    let told = answer.trailer("grpc-message");
    assert!(told.contains("gzip") && told.contains("identity"), "{told}");
    let request = head(GET).header("grpc-encoding", "identity").body(()).unwrap();
    assert_eq!(call(&mut requests, request, [frame(&TRAIL)]).await.unwrap().code(), 0);
}

#[tokio::test]
async fn end_of_stream_inside_a_frame_is_internal() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for path in [GET, RECORD] {
        let whole = frame(&TRAIL);
        for length in [1, 4, 5, whole.len() - 1] {
            let body = [whole.slice(..length)];
            let answer = call(&mut requests, head(path).body(()).unwrap(), body).await.unwrap();
            assert_eq!(answer.code(), 13, "{path} {length}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn message_over_the_limit_is_resource_exhausted_before_it_has_come() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let (response, mut stream) = requests.send_request(head(GET).body(()).unwrap(), false).unwrap();
    stream.send_data(Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff]), false).unwrap(); // 4 GiB - 1 announced
    let answer = read(response).await.unwrap();
    assert_eq!(answer.code(), 8);
    assert!(answer.trailer("grpc-message").contains("4194304"), "{answer:?}");
}

#[tokio::test]
async fn bytes_that_are_no_message_are_internal() {
    let running = serve();
    let body = [frame_of(0, &[0x08])];
    let answer = call(&mut connect(running.address).await, head(GET).body(()).unwrap(), body).await.unwrap();
    assert_eq!(answer.code(), 13);
    assert!(answer.trailer("grpc-message").contains("Point"), "{answer:?}");
}

#[tokio::test]
async fn refusals_leave_the_connection_alive() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for _ in 0..500 {
        let answer = call(&mut requests, head("/no/way").body(()).unwrap(), [frame(&TRAIL)]).await.unwrap();
        assert_eq!(answer.code(), 12);
    }
    assert_eq!(call(&mut requests, head(GET).body(()).unwrap(), [frame(&TRAIL)]).await.unwrap().code(), 0);
}

#[tokio::test]
async fn metadata_names_of_the_protocol_are_no_burden() {
    let running = serve();
    let request = head(GET)
        .header("grpc-accept-encoding", "gzip, identity")
        .header("grpc-previous-rpc-attempts", "1")
        .header("x-custom", "\u{20}text")
        .header("x-bytes-bin", "AAEC,AAE=")
        .body(())
        .unwrap();
    assert_eq!(call(&mut connect(running.address).await, request, [frame(&TRAIL)]).await.unwrap().code(), 0);
}

#[tokio::test]
async fn value_that_only_http_allows_is_no_error() {
    let running = serve();
    let mut requests = connect(running.address).await;
    for value in [&b"caf\xc3\xa9"[..], b"a\tb", b"\xff", b""] {
        let value = http::HeaderValue::from_bytes(value).unwrap();
        let request = head(GET).header("x-odd", value).body(()).unwrap();
        assert_eq!(call(&mut requests, request, [frame(&TRAIL)]).await.unwrap().code(), 0);
    }
}

#[tokio::test]
async fn answer_before_the_end_of_its_request_is_followed_by_rst_stream_no_error() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send_head(1, "/routeguide.RouteGuide/Nothing").await;
    let seen = raw.until_quiet().await;
    assert_eq!(kinds(&seen, 1), [HEADERS, RST_STREAM], "{seen:?}");
    let reset = seen.iter().find(|frame| frame.kind == RST_STREAM).unwrap();
    assert_eq!(reset.payload, NO_ERROR.to_be_bytes());
}

#[tokio::test]
async fn deadline_ends_a_stream_whose_client_sends_nothing() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let request = head(RECORD).header("grpc-timeout", "100m").body(()).unwrap();
    let (response, _stream) = requests.send_request(request, false).unwrap();
    assert_eq!(read(response).await.unwrap().code(), 4);
}

#[tokio::test]
async fn deadline_resets_a_stream_that_flow_control_blocks() {
    let running = Running::route_guide(many(100_000));
    let mut requests = connect(running.address).await;
    let request = head(LIST).header("grpc-timeout", "200m").body(()).unwrap();
    let (response, mut stream) = requests.send_request(request, false).unwrap();
    stream.send_data(everything(), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    let mut received = 0;
    let error = soon(async {
        loop {
            match body.data().await {
                Some(Ok(chunk)) => received += chunk.len(), // and never released
                Some(Err(error)) => break error,
                None => panic!("the stream ended after {received} bytes"),
            }
        }
    })
    .await;
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
    assert!(received <= 65_535);
}

#[tokio::test]
async fn one_unread_stream_does_not_hold_up_the_others() {
    let running = Running::route_guide(many(100_000));
    let mut settings = h2::client::Builder::new();
    settings.initial_connection_window_size(1 << 20);
    let mut requests = connect_with(running.address, &settings).await;
    let (response, mut stream) = requests.send_request(head(LIST).body(()).unwrap(), false).unwrap();
    stream.send_data(everything(), true).unwrap();
    let _unread = soon(response).await.unwrap();
    let mut requests = requests.ready().await.unwrap();
    for _ in 0..1000 {
        let answer = call(&mut requests, head(GET).body(()).unwrap(), [frame(&TRAIL)]).await.unwrap();
        assert_eq!(answer.code(), 0);
    }
}

#[tokio::test]
async fn answer_larger_than_every_window_arrives_whole() {
    let running = Running::route_guide(many(100_000));
    let answer = call(&mut connect(running.address).await, head(LIST).body(()).unwrap(), [everything()]).await.unwrap();
    assert_eq!(answer.code(), 0);
    let mut rest = &answer.body[..];
    let mut count = 0;
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        let feature = Feature::decode(&rest[5..5 + length]).unwrap();
        assert_eq!(feature.location.unwrap().latitude, count);
        rest = &rest[5 + length..];
        count += 1;
    }
    assert_eq!(count, 100_000);
}

#[tokio::test]
async fn a_hundred_thousand_points_in_a_data_frame_each_are_counted() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let (response, mut stream) = requests.send_request(head(RECORD).body(()).unwrap(), false).unwrap();
    let point = frame(&TRAIL);
    soon(async {
        for _ in 0..100_000 {
            stream.reserve_capacity(point.len());
            while stream.capacity() < point.len() {
                std::future::poll_fn(|cx| stream.poll_capacity(cx)).await.unwrap().unwrap();
            }
            stream.send_data(point.clone(), false).unwrap();
        }
        stream.send_data(Bytes::new(), true).unwrap();
    })
    .await;
    let answer = read(response).await.unwrap();
    assert_eq!(answer.code(), 0, "{answer:?}");
    let summary = RouteSummary::decode(&answer.body[5..]).unwrap();
    assert_eq!((summary.point_count, summary.feature_count, summary.distance), (100_000, 100_000, 0));
}

#[tokio::test]
async fn header_list_over_its_limit_is_http_431() {
    let running = serve();
    let mut requests = connect(running.address).await;
    let request = head(GET).header("x-large", "x".repeat(20_000)).body(()).unwrap();
    let answer = call(&mut requests, request, [frame(&TRAIL)]).await;
    assert_eq!(answer.unwrap().status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(call(&mut requests, head(GET).body(()).unwrap(), [frame(&TRAIL)]).await.unwrap().code(), 0);
}

#[tokio::test]
async fn silent_connection_is_closed_after_the_handshake_timeout() {
    let hasty = limits(|limits| limits.handshake_timeout = Duration::from_millis(100));
    let running = Running::start(Server::new().limits(hasty));
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut half = TcpStream::connect(running.address).await.unwrap();
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    for stream in [&mut silent, &mut half] {
        soon(until_closed(stream)).await;
    }
}

#[tokio::test]
async fn peer_that_does_not_answer_a_ping_is_closed() {
    let running = Running::start(Server::new().limits(limits(|limits| {
        limits.keepalive_interval = Some(Duration::from_millis(50));
        limits.keepalive_timeout = Duration::from_millis(100);
    })));
    let mut deaf = TcpStream::connect(running.address).await.unwrap();
    deaf.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await.unwrap();
    soon(until_closed(&mut deaf)).await;
}

#[tokio::test]
async fn header_block_that_never_ends_is_closed() {
    let hasty = limits(|limits| limits.header_timeout = Duration::from_millis(100));
    let running = Running::start(Server::new().limits(hasty));
    let mut drip = TcpStream::connect(running.address).await.unwrap();
    drip.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await.unwrap();
    drip.write_all(b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x83").await.unwrap(); // HEADERS without END_HEADERS
    soon(async {
        let mut buffer = [0; 1024];
        loop {
            // One more octet of a CONTINUATION frame that is 100 octets long, now and then.
            let _ = drip.write_all(b"\x00").await;
            match tokio::time::timeout(Duration::from_millis(20), drip.read(&mut buffer)).await {
                Ok(Ok(0)) | Ok(Err(_)) => break,
                _ => {}
            }
        }
    })
    .await;
}

/// A server that sends away who has no call for 100 ms, and sends no PING.
fn impatient() -> Server {
    Server::new().add(Guide::new(Features::embedded()).into_service()).limits(limits(|limits| {
        limits.keepalive_interval = None;
        limits.idle_timeout = Duration::from_millis(100);
    }))
}

#[tokio::test]
async fn idle_connection_is_sent_away_with_goaway_no_error() {
    let running = Running::start(impatient());
    let mut raw = Raw::connect(running.address).await;
    let goaway = raw.next_of(GOAWAY).await;
    assert_eq!((goaway.stream, &goaway.payload[4..]), (0, &[0; 4][..]), "NO_ERROR, without a word more: {goaway:?}");
}

/// How a connection ends for a server whose client does this with it.
async fn end_of(client: impl AsyncFnOnce(TcpStream)) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (io, _) = listener.accept().await.unwrap();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let server = Server::new();
    soon(async { tokio::join!(server.serve_connection(checked::server(io), None, stopped), client(stream)) }).await.0
}

#[tokio::test]
async fn connection_that_its_client_ends_is_a_failure_only_if_it_breaks_a_rule() {
    end_of(async |probe| drop(probe)).await.expect("a probe, which says nothing");
    end_of(async |stream| drop(Raw::begin(stream).await)).await.expect("a client that closes");
    let resets = async |stream: TcpStream| {
        let mut raw = Raw::begin(stream).await;
        raw.next_of(SETTINGS).await;
        socket2::SockRef::from(&raw.stream).set_linger(Some(Duration::ZERO)).unwrap();
    };
    end_of(resets).await.expect("a client that resets its connection");
    let leaves = async |stream: TcpStream| {
        let mut raw = Raw::begin(stream).await;
        raw.send(GOAWAY, 0, 0, &[0; 8]).await; // NO_ERROR
        while raw.next().await.is_some() {}
    };
    end_of(leaves).await.expect("a client that says GOAWAY");

    let falls_silent = async |mut stream: TcpStream| stream.write_all(b"PRI * HT").await.unwrap();
    end_of(falls_silent).await.expect_err("a part of a preface");
    let breaks_a_rule = async |stream: TcpStream| {
        let mut raw = Raw::begin(stream).await;
        raw.send(DATA, 0, 0, b"").await; // of no stream
        while raw.next().await.is_some() {}
    };
    end_of(breaks_a_rule).await.expect_err("DATA of the connection");
}

#[tokio::test]
async fn connection_with_an_open_call_is_not_idle() {
    let running = Running::start(impatient());
    let mut busy = Raw::connect(running.address).await;
    busy.send_head(1, RECORD).await;
    assert_eq!(kinds(&busy.until_quiet().await, 1), [0_u8; 0]);
    // Others come later, and are sent away.
    for _ in 0..3 {
        Raw::connect(running.address).await.next_of(GOAWAY).await;
    }
    let seen = busy.until_quiet().await;
    assert!(seen.iter().all(|frame| frame.kind != GOAWAY), "{seen:?}");
    busy.send(DATA, END_STREAM, 1, &frame(&TRAIL)).await;
    let answer = busy.next_of(HEADERS).await;
    assert_eq!(answer.stream, 1);
    busy.next_of(GOAWAY).await; // now it is idle
}

#[tokio::test]
async fn bytes_that_are_not_http2_close_the_connection() {
    let running = serve();
    for bytes in
        ["GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\x08\x03\x03hello, TLS here"]
    {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        soon(until_closed(&mut stream)).await;
    }
}

/// A byte stream that has nothing to read and yet wakes its reader at once, as Tokio does to a task whose budget is
/// spent.
struct Restless(&'static [u8]);

impl AsyncRead for Restless {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.0.is_empty() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (now, later) = self.0.split_at(self.0.len().min(into.remaining()));
        into.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Restless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(flavor = "current_thread")]
async fn connection_that_is_always_busy_lets_the_others_of_its_thread_run() {
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let busy = tokio::spawn(async move {
        let client = Restless(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00");
        let _ = Arc::new(Server::new()).serve_connection(client, None, stopped).await;
    });
    for _ in 0..100 {
        tokio::task::yield_now().await; // it returns only when the connection's task has yielded too
    }
    assert!(!busy.is_finished());
    busy.abort();
}

/// Reads until the server closes.
async fn until_closed(stream: &mut TcpStream) {
    let mut buffer = [0; 1024];
    while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
}

//! Bytes pass unchanged, as do ends, resets and pauses.

use std::net::SocketAddr;
use std::time::Duration;

use h2grpc::client::{Channel, Target};
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::{Features, Guide, RouteGuide, RouteGuideClient};
use h2grpc::server::Server;
use h2grpc::transcript::{Direction, Recorded, Recording};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::common::{checked, soon};
use super::{Folder, Tap, tour};

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A tap, and both ends of a connection through it.
async fn connected() -> (Tap, TcpStream, TcpStream) {
    let (listener, address) = listener().await;
    let tap = Tap::start(address, &[]);
    let client = TcpStream::connect(tap.address).await.unwrap();
    let (server, _) = soon(listener.accept()).await.unwrap();
    (tap, client, server)
}

/// The four calls through a tap, recorded at both ends, and what the tap has saved.
async fn both_ends() -> [Recorded; 3] {
    let (listener, address) = listener().await;
    let (at_client, at_server) = (Recording::new(1 << 24), Recording::new(1 << 24));
    let recording = at_server.clone();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let server = Server::new().add(Guide::new(Features::embedded()).into_service());
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let _ = server.serve_connection(checked::server(recording.server(stream)), None, stopped).await;
    });
    let folder = Folder::new();
    let saved = folder.path("saved.txt");
    let tap = Tap::start(address, &["--connections", "1", "--save", &saved]);
    let to = tap.address;
    let recording = at_client.clone();
    let connect = move || {
        let recording = recording.clone();
        async move { Ok(checked::client(recording.client(TcpStream::connect(to).await?))) }
    };
    let target: Target = "127.0.0.1:1".parse().unwrap();
    let channel = Channel::with_connector(target, ClientLimits::default(), connect);
    let client = RouteGuideClient::new(channel);
    tour(&client).await;
    // What was sent last may be on its way. A client that is gone reads nothing more.
    let equal = |direction| at_client.snapshot().bytes(direction) == at_server.snapshot().bytes(direction);
    soon(async {
        while !Direction::BOTH.into_iter().all(equal) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let ends = [at_client.snapshot(), at_server.snapshot()];
    drop(client);
    soon(serving).await.unwrap();
    assert!(tap.ended().succeeded());
    let saved = Recorded::parse(&std::fs::read_to_string(&saved).unwrap()).unwrap();
    let [client, server] = ends;
    [client, server, saved]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_see_the_same_bytes_and_the_tap_sees_them_too() {
    let [client, server, saved] = both_ends().await;
    for direction in Direction::BOTH {
        let bytes = client.bytes(direction);
        assert!(bytes.len() > 500);
        assert!(bytes == server.bytes(direction), "{direction:?}");
        // At its end the tap has seen how the connection was closed, too.
        assert!(saved.bytes(direction).starts_with(&bytes), "{direction:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_any_kind_pass_unchanged_both_ways_at_once() {
    let (tap, client, server) = connected().await;
    let random = |seed: u64| {
        (0..3_000_000).map({
            let mut random = StdRng::seed_from_u64(seed);
            move |_| random.random::<u8>()
        })
    };
    let (to_server, to_client): (Vec<u8>, Vec<u8>) = (random(1).collect(), random(2).collect());
    let exchange = |stream: TcpStream, sent: Vec<u8>, seed: u64| async move {
        let (mut from, mut to) = stream.into_split();
        let sending = async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut rest = &sent[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(random.random_range(1..=rest.len().min(100_000)));
                to.write_all(piece).await.unwrap();
                rest = after;
            }
            to.shutdown().await.unwrap();
        };
        let mut received = Vec::new();
        tokio::join!(sending, async { from.read_to_end(&mut received).await.unwrap() });
        received
    };
    let both =
        futures_util::future::join(exchange(client, to_server.clone(), 3), exchange(server, to_client.clone(), 4));
    let (at_client, at_server) = soon(both).await;
    assert!(at_client == to_client && at_server == to_server);
    let output = tap.stop();
    assert!(output.stdout.contains("the client speaks no HTTP/2"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_that_has_said_all_may_still_be_answered() {
    let (_tap, mut client, mut server) = connected().await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut question = Vec::new();
    soon(server.read_to_end(&mut question)).await.unwrap();
    assert_eq!(question, b"question");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let mut answer = Vec::new();
    soon(client.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_of_one_side_is_one_of_the_other() {
    for from_client in [true, false] {
        let (mut tap, mut client, mut server) = connected().await;
        // Both ends know that they are connected.
        client.write_all(b"a").await.unwrap();
        soon(server.read_u8()).await.unwrap();
        let (resetting, mut other) = if from_client { (client, server) } else { (server, client) };
        resetting.set_zero_linger().unwrap();
        drop(resetting);
        let error = soon(other.read(&mut [0; 8])).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        tap.until(if from_client { "reset by the client" } else { "reset by the server" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_read_stops_its_sender() {
    const MORE_THAN_ANY_BUFFER: usize = 256 * 1024 * 1024;
    let (tap, client, mut server) = connected().await;
    let written = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = written.clone();
    let mut client = client;
    let writing = tokio::spawn(async move {
        let piece = vec![7; 1024 * 1024];
        for _ in 0..MORE_THAN_ANY_BUFFER / piece.len() {
            client.write_all(&piece).await.unwrap();
            count.fetch_add(piece.len(), std::sync::atomic::Ordering::Relaxed);
        }
    });
    // Until no more is taken. However long that is, it must not be everything.
    let mut before = usize::MAX;
    while before != written.load(std::sync::atomic::Ordering::Relaxed) {
        before = written.load(std::sync::atomic::Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(before < MORE_THAN_ANY_BUFFER, "{before} bytes were taken");
    let mut taken = 0;
    let mut buffer = vec![0; 1 << 20];
    while taken < MORE_THAN_ANY_BUFFER {
        taken += soon(server.read(&mut buffer)).await.unwrap();
    }
    soon(writing).await.unwrap();
    drop(tap);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_turned_away_where_no_server_is() {
    let (listener, address) = listener().await;
    drop(listener);
    let mut tap = Tap::start(address, &[]);
    // The reset may come before it knows that it was connected.
    if let Ok(mut client) = TcpStream::connect(tap.address).await {
        let end = soon(client.read(&mut [0; 8])).await;
        assert!(!matches!(end, Ok(1..)), "{end:?}");
    }
    let line = tap.until("no server at");
    assert!(line.contains(&format!("no server at {address}: ")) && line.contains("is --to right?"), "{line}");
}

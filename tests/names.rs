//! The names of servers: how a target's text becomes a connection, and what a call names its server by.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::peer::{ok_head, server, trailers};
use common::{Running, checked, soon};
use h2grpc::call::CallOptions;
use h2grpc::client::{Channel, Target};
use h2grpc::route_guide::{Feature, Features, Guide, Point, RouteGuide, RouteGuideClient};
use h2grpc::server::{Server, listen};
use h2grpc::status::Status;
use h2grpc::wire::Code;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

async fn get_feature(target: Target) -> Result<Feature, Status> {
    let client = RouteGuideClient::new(checked::calling(Channel::new(target)));
    Ok(soon(client.get_feature(Point { latitude: 1, longitude: 2 })).await?.message)
}

/// The authority that a call to a [`telling`] server names it by.
async fn authority(target: Target) -> String {
    let status = get_feature(target).await.unwrap_err();
    assert_eq!(status.code(), Code::NOT_FOUND, "{status}");
    status.message().to_owned()
}

/// Answers with a status whose message is the authority that the call came for.
fn tell(request: http::Request<h2::RecvStream>, mut respond: h2::server::SendResponse<bytes::Bytes>) {
    let mut stream = respond.send_response(ok_head(), false).unwrap();
    let authority = request.uri().authority().unwrap().as_str();
    stream.send_trailers(trailers(&[("grpc-status", "5"), ("grpc-message", authority)])).unwrap();
}

async fn telling() -> SocketAddr {
    server(tell).await
}

/// A port that refuses connections, and is nobody else's meanwhile: nobody listens on it.
fn dead() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn dns_target_is_found_by_the_systems_resolver() {
    let server = Running::route_guide(Features::embedded());
    let port = server.address.port();
    for text in [format!("dns:///localhost:{port}"), format!("dns:localhost:{port}"), format!("localhost:{port}")] {
        get_feature(target(&text)).await.unwrap();
    }
}

#[tokio::test]
async fn ipv4_target_with_a_dead_first_address_is_found_by_its_second() {
    let server = Running::route_guide(Features::embedded());
    let (_socket, dead) = dead();
    get_feature(target(&format!("ipv4:{dead},{}", server.address))).await.unwrap();
    let several = [dead, server.address].map(|address| target(&address.to_string()));
    get_feature(Target::several(several).unwrap()).await.unwrap();
}

/// An address that swallows SYNs: its listen queue is full, and nobody accepts. It lasts as long as what is returned.
async fn black_hole() -> (Vec<TcpStream>, TcpListener, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        queue.push(connected.unwrap());
    }
    (queue, listener, address)
}

#[tokio::test]
async fn first_address_that_swallows_syns_or_stays_silent_does_not_keep_a_call_from_the_second_within_its_deadline() {
    let server = Running::route_guide(Features::embedded());
    let (_queue, _full, swallows) = black_hole().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for first in [swallows, silent.local_addr().unwrap()] {
        let channel = common::channel(format!("ipv4:{first},{}", server.address));
        let client = RouteGuideClient::new(channel).with(CallOptions::new().timeout(Duration::from_secs(3)));
        soon(client.get_feature(Point { latitude: 1, longitude: 2 })).await.unwrap();
    }
}

#[tokio::test]
async fn ipv6_target_is_found() {
    let loopback = "[::1]:0".parse().unwrap();
    let listener = listen(loopback).expect("this test needs the IPv6 loopback address ::1");
    let address = listener.local_addr().unwrap();
    let service = Guide::new(Features::embedded()).into_service();
    let server = checked::serving(Server::new().add(service));
    let server = tokio::spawn(server.serve([listener], std::future::pending()));
    for text in [format!("ipv6:{address}"), format!("dns:///{address}"), format!("http://{address}")] {
        get_feature(target(&text)).await.unwrap();
    }
    server.abort();
}

#[tokio::test]
async fn authority_is_the_host_unless_it_is_set_apart() {
    let address = telling().await;
    let port = address.port();
    for (text, due) in [
        (format!("dns:///localhost:{port}"), format!("localhost:{port}")),
        (format!("http://localhost:{port}"), format!("localhost:{port}")),
        (format!("ipv4:{address},127.0.0.1:1"), address.to_string()),
    ] {
        assert_eq!(authority(target(&text)).await, due);
        let named = target(&text).authority("example.org:443").unwrap();
        assert_eq!(authority(named).await, "example.org:443");
    }
}

#[tokio::test]
async fn every_address_that_refuses_is_told_with_its_reason() {
    let ((_one, first), (_other, second)) = (dead(), dead());
    let text = format!("ipv4:{first},{second}");
    let status = get_feature(target(&text)).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE);
    assert!(status.message().starts_with(&format!("can't connect to {text}: {first}: ")), "{status}");
    assert!(status.message().contains(&format!(", {second}: ")), "{status}");
    assert_eq!(status.message().matches("is the server running?").count(), 2, "{status}");
}

#[tokio::test]
async fn host_without_an_address_is_named_with_what_to_do() {
    // A label of a host's name has at most 63 bytes, so nobody has this one.
    let host = "x".repeat(64);
    let status = get_feature(target(&format!("dns:///{host}:50051"))).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE);
    assert!(status.message().contains(&format!("no address is known for the host {host}: ")), "{status}");
    assert!(status.message().contains("check the name"), "{status}");
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::path::PathBuf;

    use tokio::net::UnixListener;

    use super::*;

    /// The path of a socket, which is gone when its test is over.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            Scratch(std::env::temp_dir().join(format!("h2grpc-{}-{name}", std::process::id())))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    /// A server that tells the authority of a call, on a Unix socket.
    fn telling(path: PathBuf) {
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        tell(request, respond);
                    }
                });
            }
        });
    }

    #[tokio::test]
    async fn unix_target_is_found_by_its_path_and_called_localhost() {
        let socket = Scratch::new("found");
        telling(socket.0.clone());
        for text in [format!("unix:{}", socket.0.display()), format!("unix://{}", socket.0.display())] {
            assert_eq!(authority(target(&text)).await, "localhost");
            assert_eq!(authority(target(&text).authority("example.org").unwrap()).await, "example.org");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn abstract_unix_target_is_found_by_its_name_and_called_localhost() {
        let name = format!("h2grpc-{}-found", std::process::id());
        telling(format!("\0{name}").into());
        assert_eq!(authority(target(&format!("unix-abstract:{name}"))).await, "localhost");
    }

    #[tokio::test]
    async fn unix_socket_that_cannot_be_connected_to_is_named_with_the_reason() {
        let (absent, left, long) = (Scratch::new("absent"), Scratch::new("left"), Scratch::new(&"x".repeat(200)));
        drop(UnixListener::bind(&left.0).unwrap());
        for (socket, why) in
            [(&absent, "is the server running?"), (&left, "is the server running?"), (&long, "SUN_LEN")]
        {
            let text = format!("unix:{}", socket.0.display());
            let status = get_feature(target(&text)).await.unwrap_err();
            assert_eq!(status.code(), Code::UNAVAILABLE);
            assert!(status.message().starts_with(&format!("can't connect to {text}: {text}: ")), "{status}");
            assert!(status.message().contains(why), "{status}");
        }
    }
}

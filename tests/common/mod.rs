//! What the tests share: a server on a free port, and a client of bare h2 that says whatever it is told to.

#![allow(dead_code)]

pub mod attack;
pub mod peer;
pub mod pipes;
pub mod raw;
pub mod raw_server;
pub mod transcript;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use h2grpc::client::Channel;
use h2grpc::limits::Limits;
use h2grpc::route_guide::{Features, Guide, RouteGuide, RouteGuideClient};
use h2grpc::server::{Server, listen};
use http::{HeaderMap, Request, StatusCode, request};
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that runs in this process until it is stopped or dropped.
pub struct Running {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Starts `server` on a free port of 127.0.0.1.
    pub fn start(server: Server) -> Running {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.serve([listener], async {
            let _ = stopped.await;
        }));
        Running { address, stop: Some(stop), task }
    }

    /// RouteGuide over `features`, under both of its names.
    pub fn route_guide(features: Features) -> Running {
        Running::start(Server::new().add(Guide::new(features).into_service().also_as("RouteGuide")))
    }

    /// A channel to it.
    pub fn channel(&self) -> Channel {
        Channel::new(self.address.to_string().parse().unwrap())
    }

    /// A RouteGuide client to it.
    pub fn client(&self) -> RouteGuideClient {
        RouteGuideClient::new(self.channel())
    }

    /// Asks it to stop; the result comes when every connection is closed.
    pub fn stop(mut self) -> JoinHandle<std::io::Result<()>> {
        let _ = self.stop.take().unwrap().send(());
        std::mem::replace(&mut self.task, tokio::spawn(async { Ok(()) }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits for something that must come, and fails the test where it would otherwise hang.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it should have come within a minute")
}

/// Limits for tests that change one or two of them.
pub fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// The message of the services that tests declare.
#[derive(Clone, PartialEq, Message)]
pub struct Text {
    #[prost(string, tag = "1")]
    pub text: String,
}

/// The message with this text.
pub fn text(text: impl Into<String>) -> Text {
    Text { text: text.into() }
}

/// A message in its frame.
pub fn frame(message: &impl Message) -> Bytes {
    frame_of(0, &message.encode_to_vec())
}

/// A frame with any flag and payload.
pub fn frame_of(flag: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(flag);
    frame.put_u32(payload.len() as u32);
    frame.put_slice(payload);
    frame.freeze()
}

/// A connection of bare h2 with `settings`.
pub async fn connect_with(address: SocketAddr, settings: &h2::client::Builder) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (requests, connection) = settings.handshake(stream).await.unwrap();
    tokio::spawn(async move {
        let _ = connection.await;
    });
    requests.ready().await.unwrap()
}

/// A connection of bare h2.
pub async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    connect_with(address, &h2::client::Builder::new()).await
}

/// The head of a proper request, to be made improper.
pub fn head(path: &str) -> request::Builder {
    Request::post(format!("http://localhost{path}")).header("te", "trailers").header("content-type", "application/grpc")
}

/// A whole answer, as it was on the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub head: HeaderMap,
    /// END_STREAM stood in the first HEADERS frame.
    pub trailers_only: bool,
    pub body: Vec<u8>,
    pub trailers: HeaderMap,
}

impl Answer {
    /// The value of `name` in the trailers, wherever those stand.
    pub fn trailer(&self, name: &str) -> &str {
        let trailers = if self.trailers_only { &self.head } else { &self.trailers };
        trailers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The gRPC status code's number.
    pub fn code(&self) -> u32 {
        self.trailer("grpc-status").parse().unwrap_or_else(|_| panic!("no grpc-status in {self:?}"))
    }
}

/// Sends a request with `body`, and reads its answer to the end.
pub async fn call(
    requests: &mut SendRequest<Bytes>, head: Request<()>, body: impl IntoIterator<Item = Bytes>,
) -> Result<Answer, h2::Error> {
    let mut ready = requests.clone().ready().await?;
    let (response, mut stream) = ready.send_request(head, false)?;
    for chunk in body {
        // The server may have answered already, and closed the stream.
        let _ = stream.send_data(chunk, false);
    }
    let _ = stream.send_data(Bytes::new(), true);
    read(response).await
}

/// Reads an answer to its end.
pub async fn read(response: h2::client::ResponseFuture) -> Result<Answer, h2::Error> {
    soon(async {
        let (parts, mut body) = response.await?.into_parts();
        let trailers_only = body.is_end_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        let trailers = body.trailers().await?.unwrap_or_default();
        Ok(Answer { status: parts.status, head: parts.headers, trailers_only, body: bytes, trailers })
    })
    .await
}

//! A client of bare h2 that says whatever it is told to. Nothing in here needs h2grpc.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request, StatusCode, request};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Waits for something that must come, and fails the test where it would otherwise hang.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it should have come within a minute")
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
    over(stream, settings).await
}

/// The same over any byte stream.
pub async fn over<IO>(stream: IO, settings: &h2::client::Builder) -> SendRequest<Bytes>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
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

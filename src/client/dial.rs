//! How the byte stream to a server is had.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use http::uri::Authority;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::endpoint::Endpoint;
use crate::connection::{ByteStream, prepare};

/// How long one address may take to connect: gRPC's MIN_CONNECT_TIMEOUT (connection-backoff.md).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A byte stream to the server, whatever it is made of.
pub(super) type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn ByteStream>>> + Send>>;

/// How a byte stream to the server is had.
pub(super) type Dial = Arc<dyn Fn() -> Dialled + Send + Sync>;

/// Dials over TCP.
pub(super) fn tcp(endpoint: &Endpoint) -> Dial {
    let authority = endpoint.authority.clone();
    Arc::new(move || Box::pin(connect(authority.clone())))
}

/// Tries every address that the host's name has, in the resolver's order, until one answers.
async fn connect(authority: Authority) -> io::Result<Box<dyn ByteStream>> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in lookup_host(authority.as_str()).await? {
        match connect_to(address).await {
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Connects to one address, or says which one it was that could not be connected to.
async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let failure = |kind, text: String| io::Error::new(kind, format!("{address}: {text}"));
    match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => prepare(&stream).map(|()| stream),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(failure(error.kind(), format!("{error}; is the server running?")))
        }
        Ok(Err(error)) => Err(failure(error.kind(), error.to_string())),
        Err(_) => Err(failure(io::ErrorKind::TimedOut, format!("no answer within {CONNECT_TIMEOUT:?}"))),
    }
}

//! Where a server is, and how its byte stream is had.

use std::{fmt, future::Future, io, pin::Pin, str::FromStr, sync::Arc, time::Duration};

use http::Uri;
use http::uri::{Authority, InvalidUri, Scheme};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::connection::{ByteStream, prepare};
use crate::status::Status;

/// How long one address may take to connect: gRPC's MIN_CONNECT_TIMEOUT (connection-backoff.md).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The address of a server: `http://host:port`, or `host:port` for short. HTTP/2 in cleartext, by prior knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
}

impl FromStr for Endpoint {
    type Err = Status;

    /// Reads an address.
    ///
    /// # Errors
    /// INVALID_ARGUMENT that quotes what came and says what was expected.
    fn from_str(address: &str) -> Result<Self, Status> {
        let expected = |why: &str| {
            Status::invalid_argument(format!("\"{address}\" is no server address: {why}; expected http://host:port"))
        };
        let text = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let uri: Uri = text.parse().map_err(|error: InvalidUri| expected(&error.to_string()))?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(expected("only http:// is spoken here"));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(expected("a path has no meaning here"));
        }
        let authority = uri.authority().filter(|found| found.port_u16().is_some() && !found.as_str().contains('@'));
        let authority = authority.ok_or_else(|| expected("there is no port"))?.clone();
        Ok(Endpoint { scheme: Scheme::HTTP, authority })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

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
        let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {CONNECT_TIMEOUT:?}")));
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await.unwrap_or_else(late) {
            Ok(stream) => return prepare(&stream).map(|()| Box::new(stream) as _),
            Err(error) => failure = io::Error::new(error.kind(), format!("{address}: {error}")),
        }
    }
    Err(failure)
}

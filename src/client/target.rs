//! A target: the server that a channel is for, read from text.

use std::{fmt, io, str::FromStr};

use http::uri::{Authority, Scheme};

use super::naming::{self, Naming};
use super::resolve::{self, Address, Place};
use crate::status::Status;

/// The server that a channel is for: where it is, and the authority that calls name it by. HTTP/2 in cleartext, by
/// prior knowledge.
///
/// It is read from text as gRPC's naming document has it, save that the port must be told:
///
/// | text | addresses | authority |
/// |---|---|---|
/// | `http://host:port`, or `host:port` for short | those that the system's resolver knows for the host | `host:port` |
/// | `dns:///host:port`, `dns:host:port` | the same | `host:port` |
/// | `ipv4:192.0.2.1:50051,192.0.2.2:50051` | these | the first address |
/// | `ipv6:[2001:db8::1]:50051,[2001:db8::2]:50051` | these | the first address |
/// | `unix:path`, `unix:///absolute/path` | a Unix socket; the path is taken as it stands | `localhost` |
/// | `unix-abstract:name` | a Unix socket outside of the file system, on Linux | `localhost` |
///
/// ```
/// use h2grpc::client::Target;
///
/// let target: Target = "localhost:50051".parse().unwrap();
/// assert_eq!(target.to_string(), "http://localhost:50051");
/// let refusal = "http://localhost".parse::<Target>().unwrap_err();
/// assert_eq!(
///     refusal.message(),
///     "\"http://localhost\" is no server address: there is no port; expected http://host:port"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// The target as text.
    text: String,
    places: Vec<Place>,
}

impl Target {
    /// Makes one target of several: it has the addresses of all, in this order, and the authority of the first.
    ///
    /// # Errors
    /// INVALID_ARGUMENT when there is none.
    pub fn several(targets: impl IntoIterator<Item = Target>) -> Result<Self, Status> {
        let join = |mut all: Target, next: Target| {
            all.text = format!("{all}, {next}");
            all.places.extend(next.places);
            all
        };
        targets.into_iter().reduce(join).ok_or_else(|| Status::invalid_argument("there is no server address"))
    }

    /// Sets the `:authority` that calls name the server by, apart from where it is. It may have a port.
    ///
    /// ```
    /// # use h2grpc::client::Target;
    /// # fn main() -> Result<(), h2grpc::status::Status> {
    /// let target: Target = "unix:/run/echo.sock".parse()?;
    /// let target = target.authority("echo.example.org")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// INVALID_ARGUMENT that quotes the authority, without a password, and says what is wrong in it.
    pub fn authority(self, authority: &str) -> Result<Self, Status> {
        let refuse = |why| {
            let shown = naming::without_password(authority);
            Status::invalid_argument(format!("\"{shown}\" is no authority: {why}; expected host or host:port"))
        };
        Ok(Target { authority: naming::authority(authority).map_err(refuse)?, ..self })
    }

    /// Looks up where the server can be dialled: at least one address, each of them once.
    ///
    /// # Errors
    /// Which host no address is known for, and why.
    pub(super) async fn resolve(&self) -> io::Result<Vec<Address>> {
        resolve::resolve(&self.places).await
    }
}

impl FromStr for Target {
    type Err = Status;

    /// Reads a target.
    ///
    /// # Errors
    /// INVALID_ARGUMENT that quotes the text, without a password, and says which part of it is wrong.
    fn from_str(text: &str) -> Result<Self, Status> {
        let Naming { text, authority, places } = naming::read(text).map_err(Status::invalid_argument)?;
        Ok(Target { scheme: Scheme::HTTP, authority, text, places })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().expect(text)
    }

    #[test]
    fn an_authority_is_set_apart_from_the_address() {
        for authority in ["example.org", "example.org:443", "[::1]", "[::1]:80", "10.0.0.1"] {
            let named = target("ipv4:127.0.0.1:1").authority(authority).expect(authority);
            assert_eq!((named.authority.as_str(), named.to_string().as_str()), (authority, "ipv4:127.0.0.1:1"));
        }
    }

    #[test]
    fn a_wrong_authority_is_refused_with_what_is_wrong_in_it() {
        for (authority, why) in [
            ("", "there is no host"),
            (":80", "there is no host"),
            ("a:", "there is no port"),
            ("a:b", "the port \"b\" is not a number"),
            ("a:65536", "the port 65536 is not within 1 to 65535"),
            ("::1", "an IPv6 address needs brackets, as in [::1]:50051"),
            ("[fe80::1%3]", "fe80::1%3 is no IPv6 address"),
            ("a b", "invalid uri character in \"a b\""),
            ("a/b", "invalid uri character in \"a/b\""),
            ("a\r\nb", "invalid uri character in \"a\r\nb\""),
        ] {
            let status = target("localhost:1").authority(authority).expect_err(authority);
            let expected = format!("\"{authority}\" is no authority: {why}; expected host or host:port");
            assert_eq!(status.message(), expected);
        }
        let status = target("localhost:1").authority("me:secret@host").expect_err("user info");
        assert!(status.message().contains("\"..@host\"") && !status.message().contains("secret"), "{status}");
    }

    #[tokio::test]
    async fn several_targets_have_the_addresses_of_all_and_the_authority_of_the_first() {
        let first = target("ipv4:127.0.0.1:1,127.0.0.1:2").authority("example.org").expect("an authority");
        let all = Target::several([first, target("unix:/tmp/x"), target("127.0.0.1:1")]).expect("a target");
        assert_eq!(all.authority, "example.org");
        assert_eq!(all.to_string(), "ipv4:127.0.0.1:1,127.0.0.1:2, unix:/tmp/x, http://127.0.0.1:1");
        let addresses = all.resolve().await.expect("addresses");
        let texts: Vec<String> = addresses.iter().map(Address::to_string).collect();
        assert_eq!(texts, ["127.0.0.1:1", "127.0.0.1:2", "unix:/tmp/x"]);
        assert_eq!(Target::several([]).expect_err("none").message(), "there is no server address");
    }
}

//! The address of a server, read from text.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use http::uri::{Authority, Scheme};

use crate::status::Status;

/// The address of a server: `http://host:port`, or `host:port` for short. HTTP/2 in cleartext, by prior knowledge.
///
/// ```
/// use h2grpc::client::Endpoint;
///
/// let endpoint: Endpoint = "localhost:50051".parse().unwrap();
/// assert_eq!(endpoint.to_string(), "http://localhost:50051");
/// let refusal = "http://localhost".parse::<Endpoint>().unwrap_err();
/// assert_eq!(
///     refusal.message(),
///     "\"http://localhost\" is no server address: there is no port; expected http://host:port"
/// );
/// ```
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
    /// INVALID_ARGUMENT that quotes the address, without a password, and says which part of it is wrong.
    fn from_str(address: &str) -> Result<Self, Status> {
        let authority = authority(address).map_err(|why| {
            let shown = address.rsplit_once('@').map_or_else(|| address.to_owned(), |(_, host)| format!("..@{host}"));
            Status::invalid_argument(format!("\"{shown}\" is no server address: {why}; expected http://host:port"))
        })?;
        Ok(Endpoint { scheme: Scheme::HTTP, authority })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// The host and port that an address names, or what is wrong with it.
fn authority(address: &str) -> Result<Authority, String> {
    if address.starts_with("unix:") {
        return Err("Unix sockets are not supported yet".into());
    }
    let rest = match address.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => return Err("TLS is not supported yet".into()),
        Some((scheme, _)) => return Err(format!("the scheme {scheme} is not supported")),
        None => address,
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if !matches!(path, "" | "/") {
        return Err(format!("nothing may follow the port, and \"{path}\" does"));
    }
    if authority.contains('@') {
        return Err("user info, the part before the @, is not allowed".into());
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => return Err("there is no port".into()),
    };
    check_port(port)?;
    check_host(host)?;
    authority.parse().map_err(|error| format!("{error} in \"{authority}\""))
}

fn check_port(port: &str) -> Result<(), String> {
    match port.parse::<u16>() {
        _ if port.is_empty() => Err("there is no port".into()),
        _ if !port.bytes().all(|byte| byte.is_ascii_digit()) => Err(format!("the port \"{port}\" is not a number")),
        Ok(1..) => Ok(()),
        _ => Err(format!("the port {port} is not within 1 to 65535")),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err("there is no host".into());
    }
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) if address.parse::<Ipv6Addr>().is_err() => Err(format!("{address} is no IPv6 address")),
        None if host.contains(':') => Err("an IPv6 address needs brackets, as in [::1]:50051".into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (address, full) in [
            ("http://localhost:50051", "http://localhost:50051"),
            ("HTTP://localhost:50051/", "http://localhost:50051"),
            ("localhost:1", "http://localhost:1"),
            ("127.0.0.1:65535", "http://127.0.0.1:65535"),
            ("[::1]:50051", "http://[::1]:50051"),
            ("http://[2001:db8::7]:443", "http://[2001:db8::7]:443"),
        ] {
            assert_eq!(address.parse::<Endpoint>().expect(address).to_string(), full);
        }
    }

    #[test]
    fn a_wrong_address_is_refused_with_what_is_wrong_in_it() {
        for (address, why) in [
            ("", "there is no port"),
            ("localhost", "there is no port"),
            ("http://localhost", "there is no port"),
            ("http://localhost:", "there is no port"),
            ("http://[::1]", "there is no port"),
            ("http://localhost:99999", "the port 99999 is not within 1 to 65535"),
            ("localhost:0", "the port 0 is not within 1 to 65535"),
            ("localhost:http", "the port \"http\" is not a number"),
            ("localhost:+80", "the port \"+80\" is not a number"),
            (":50051", "there is no host"),
            ("http://:50051", "there is no host"),
            ("::1:50051", "an IPv6 address needs brackets, as in [::1]:50051"),
            ("[::g]:50051", "::g is no IPv6 address"),
            ("a host:50051", "invalid uri character in \"a host:50051\""),
            ("unix:/tmp/x", "Unix sockets are not supported yet"),
            ("unix:///tmp/x", "Unix sockets are not supported yet"),
            ("https://localhost:50051", "TLS is not supported yet"),
            ("dns:///localhost:50051", "the scheme dns is not supported"),
            ("http://localhost:50051/path", "nothing may follow the port, and \"/path\" does"),
            ("localhost:50051?x=1", "nothing may follow the port, and \"?x=1\" does"),
            ("localhost:50051#x", "nothing may follow the port, and \"#x\" does"),
        ] {
            let status = address.parse::<Endpoint>().expect_err(address);
            let expected = format!("\"{address}\" is no server address: {why}; expected http://host:port");
            assert_eq!(status.message(), expected);
        }
    }

    #[test]
    fn user_info_is_refused_and_not_repeated() {
        let status = "http://me:secret@host:1".parse::<Endpoint>().expect_err("user info");
        assert!(status.message().contains("user info, the part before the @, is not allowed"), "{status}");
        assert!(status.message().contains("\"..@host:1\"") && !status.message().contains("secret"), "{status}");
    }
}

//! From the names that a target consists of to the addresses that can be dialled.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::{fmt, io};

use tokio::net::lookup_host;
use tokio::task::JoinSet;

use super::failures;

/// Where one server can be dialled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp(SocketAddr),
    /// A Unix socket at a path of the file system.
    Unix(PathBuf),
    /// A Unix socket in Linux's namespace apart from the file system.
    Abstract(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Abstract(name) => write!(f, "unix-abstract:{name}"),
        }
    }
}

/// Where addresses come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Known(Address),
    /// The system's resolver knows them.
    Host {
        name: String,
        port: u16,
    },
}

impl Place {
    async fn addresses(self) -> io::Result<Vec<Address>> {
        let (name, port) = match self {
            Place::Known(address) => return Ok(vec![address]),
            Place::Host { name, port } => (name, port),
        };
        let unknown = |kind, why: &dyn fmt::Display| {
            let advice = "check the name and this machine's DNS settings";
            io::Error::new(kind, format!("no address is known for the host {name}: {why}; {advice}"))
        };
        let found = lookup_host((name.as_str(), port)).await.map_err(|error| unknown(error.kind(), &error))?;
        let addresses: Vec<Address> = found.map(Address::Tcp).collect();
        match addresses.is_empty() {
            true => Err(unknown(io::ErrorKind::NotFound, &"the resolver has none")),
            false => Ok(addresses),
        }
    }
}

/// The addresses of all places, in their order and each of them once. A host without any is passed over when
/// others have some.
pub(super) async fn resolve(places: &[Place]) -> io::Result<Vec<Address>> {
    let mut lookups = JoinSet::new();
    for (index, place) in places.iter().cloned().enumerate() {
        lookups.spawn(async move { (index, place.addresses().await) });
    }
    let mut results = Vec::new();
    while let Some(lookup) = lookups.join_next().await {
        results.push(lookup?);
    }
    results.sort_by_key(|(index, _)| *index);

    let (mut addresses, mut unknown) = (Vec::new(), Vec::new());
    for (_, result) in results {
        match result {
            Ok(found) => addresses.extend(found),
            Err(error) => unknown.push(error),
        }
    }
    if addresses.is_empty() {
        return Err(failures::together(unknown));
    }
    let mut seen = HashSet::new();
    addresses.retain(|address| seen.insert(address.clone()));
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than a label of a host's name may be (RFC 1035, section 2.3.4): no resolver has an address for it.
    fn nowhere() -> Place {
        Place::Host { name: "x".repeat(64), port: 1 }
    }

    fn known(address: &str) -> Place {
        Place::Known(Address::Tcp(address.parse().expect(address)))
    }

    #[tokio::test]
    async fn known_addresses_keep_their_order_and_come_once() {
        let places = ["127.0.0.1:2", "127.0.0.1:1", "[::1]:1", "127.0.0.1:2"].map(known);
        let addresses = resolve(&places).await.expect("addresses");
        let texts: Vec<String> = addresses.iter().map(Address::to_string).collect();
        assert_eq!(texts, ["127.0.0.1:2", "127.0.0.1:1", "[::1]:1"]);
    }

    #[tokio::test]
    async fn an_unknown_host_is_named_with_what_to_do() {
        let error = resolve(&[nowhere()]).await.expect_err("no address").to_string();
        let begin = format!("no address is known for the host {}: ", "x".repeat(64));
        assert!(error.starts_with(&begin), "{error}");
        assert!(error.ends_with("; check the name and this machine's DNS settings"), "{error}");
    }

    #[tokio::test]
    async fn an_unknown_host_is_passed_over_when_another_has_an_address() {
        let addresses = resolve(&[nowhere(), known("127.0.0.1:1")]).await.expect("addresses");
        assert_eq!(addresses, [Address::Tcp(([127, 0, 0, 1], 1).into())]);
    }
}

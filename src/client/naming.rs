//! The text of a target, as gRPC's naming document (naming.md) has it: `scheme:path` or `scheme://authority/path`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use http::uri::Authority;

use super::resolve::{Address, Place};

/// What the text of a target says.
#[derive(Debug)]
pub(super) struct Naming {
    /// The text in full.
    pub(super) text: String,
    /// What the server is called when nobody says otherwise.
    pub(super) authority: Authority,
    pub(super) places: Vec<Place>,
}

/// The default authority and the places, or what is wrong.
type Read = Result<(Authority, Vec<Place>), String>;

/// A scheme that is recognized by its name and a colon.
struct Scheme {
    name: &'static str,
    /// Reads what follows the colon.
    read: fn(&str) -> Read,
    expected: &'static str,
}

const SCHEMES: [Scheme; 5] = [
    Scheme { name: "dns", read: dns, expected: "dns:///host:port" },
    Scheme { name: "ipv4", read: ipv4, expected: "ipv4:a.b.c.d:port, or several of a.b.c.d:port with commas" },
    Scheme { name: "ipv6", read: ipv6, expected: "ipv6:[address]:port, or several of [address]:port with commas" },
    Scheme { name: "unix", read: unix, expected: "unix:path" },
    Scheme { name: "unix-abstract", read: unix_abstract, expected: "unix-abstract:name" },
];

/// Reads the text of a target. The error quotes it, and says what is wrong in it and what was expected.
pub(super) fn read(text: &str) -> Result<Naming, String> {
    let scheme = text.split_once(':').and_then(|(name, rest)| {
        SCHEMES.iter().find(|scheme| scheme.name.eq_ignore_ascii_case(name)).map(|scheme| (scheme, rest))
    });
    let (result, expected) = match scheme {
        Some((scheme, rest)) => {
            let named = |(authority, places)| Naming { text: text.to_owned(), authority, places };
            ((scheme.read)(rest).map(named), scheme.expected)
        }
        None => (http(text), "http://host:port"),
    };
    result.map_err(|why| format!("\"{}\" is no server address: {why}; expected {expected}", without_password(text)))
}

/// The text without what precedes an @.
pub(super) fn without_password(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("..@{host}"))
}

/// Reads an authority: a host, and a port if there is one.
pub(super) fn authority(text: &str) -> Result<Authority, String> {
    check_user_info(text)?;
    let (host, port) = split_port(text);
    port.map_or(Ok(0), port_number)?;
    check_host(host)?;
    text.parse().map_err(|error| format!("{error} in \"{text}\""))
}

/// `http://host:port`, or `host:port` for short.
fn http(text: &str) -> Result<Naming, String> {
    check_user_info(text)?;
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => return Err("TLS is not supported yet".into()),
        Some((scheme, _)) => {
            let known = SCHEMES.map(|scheme| scheme.name).join(", ");
            return Err(format!("the scheme {scheme} is not supported, only http, {known}"));
        }
        None => text,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (authority, place) = host_and_port(rest)?;
    Ok(Naming { text: format!("http://{rest}"), authority, places: vec![place] })
}

/// `dns:host:port` or `dns:///host:port`.
fn dns(rest: &str) -> Read {
    check_user_info(rest)?;
    let host = path(rest).map_err(|server| {
        format!("\"{server}\" stands where a DNS server is named, and it is always the system's resolver that is asked")
    })?;
    let (authority, place) = host_and_port(host)?;
    Ok((authority, vec![place]))
}

/// `ipv4:a.b.c.d:port`, and more of them after commas.
fn ipv4(rest: &str) -> Read {
    literals(rest, |host, port| {
        let ip: Ipv4Addr = host.parse().map_err(|_| format!("\"{host}\" is no IPv4 address"))?;
        Ok(SocketAddrV4::new(ip, port).into())
    })
}

/// `ipv6:[address]:port`, and more of them after commas.
fn ipv6(rest: &str) -> Read {
    literals(rest, |host, port| match host.starts_with('[') {
        true => Ok(ipv6_address(host, port)?.into()),
        false => Err(format!("\"{host}\" is no IPv6 address in brackets")),
    })
}

fn literals(rest: &str, read: fn(&str, u16) -> Result<SocketAddr, String>) -> Read {
    check_user_info(rest)?;
    let list = path(rest).map_err(|authority| format!("\"{authority}\" stands where there must be nothing"))?;
    let address = |text| {
        let (host, port) = split_port(text);
        read(host, port_number(port.unwrap_or_default())?)
    };
    let addresses = list.split(',').map(address).collect::<Result<Vec<_>, String>>()?;
    let first = addresses.first().map(authority_of).ok_or("there is no address")??;
    Ok((first, addresses.into_iter().map(|address| Place::Known(Address::Tcp(address))).collect()))
}

/// `unix:path` or `unix:///absolute/path`. How long the path may be is the system's business.
fn unix(rest: &str) -> Read {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.len() < rest.len() && !path.is_empty() && !path.starts_with('/') {
        return Err("the path after unix:// must be absolute, as in unix:///tmp/x".into());
    }
    check_socket("path", path)?;
    Ok((localhost(), vec![Place::Known(Address::Unix(path.into()))]))
}

/// `unix-abstract:name`.
fn unix_abstract(name: &str) -> Read {
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return Err("only Linux has abstract Unix sockets".into());
    }
    check_socket("name", name)?;
    Ok((localhost(), vec![Place::Known(Address::Abstract(name.to_owned()))]))
}

/// The authority of a server that has no host's name.
fn localhost() -> Authority {
    Authority::from_static("localhost")
}

fn check_socket(what: &str, text: &str) -> Result<(), String> {
    match text {
        "" => Err(format!("there is no {what}")),
        _ if text.contains('\0') => Err(format!("there is a NUL in the {what}")),
        _ => Ok(()),
    }
}

/// What follows the authority, which must be empty: `rest` of `scheme:rest` and of `scheme:///rest`. The error is an
/// authority that is there.
fn path(rest: &str) -> Result<&str, &str> {
    let Some(rest) = rest.strip_prefix("//") else { return Ok(rest) };
    match rest.split_once('/').unwrap_or((rest, "")) {
        ("", path) => Ok(path),
        (authority, _) => Err(authority),
    }
}

/// Reads `host:port`.
fn host_and_port(text: &str) -> Result<(Authority, Place), String> {
    let (text, path) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
    if !path.is_empty() {
        return Err(format!("nothing may follow the port, and \"{path}\" does"));
    }
    let (host, port) = split_port(text);
    let port = port_number(port.unwrap_or_default())?;
    if host.starts_with('[') && host.ends_with(']') {
        let address = SocketAddr::from(ipv6_address(host, port)?);
        return Ok((authority_of(&address)?, Place::Known(Address::Tcp(address))));
    }
    check_host(host)?;
    let authority = text.parse().map_err(|error| format!("{error} in \"{text}\""))?;
    let place = match host.parse::<Ipv4Addr>() {
        Ok(ip) => Place::Known(Address::Tcp((ip, port).into())),
        Err(_) => Place::Host { name: host.to_owned(), port },
    };
    Ok((authority, place))
}

/// The authority that an address makes. A scope is of this machine alone, and no part of it.
fn authority_of(address: &SocketAddr) -> Result<Authority, String> {
    let text = SocketAddr::new(address.ip(), address.port()).to_string();
    text.parse().map_err(|error| format!("{error} in \"{text}\""))
}

/// Reads `[address]` or, with the number of a scope, `[address%3]`.
fn ipv6_address(host: &str, port: u16) -> Result<SocketAddrV6, String> {
    let wrong = |_| format!("{} is no IPv6 address", host.trim_matches(['[', ']']));
    let address: SocketAddrV6 = format!("{host}:{port}").parse().map_err(wrong)?;
    Ok(address)
}

/// The host, and the port if there is a colon for it.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

fn port_number(port: &str) -> Result<u16, String> {
    match port.parse::<u16>() {
        _ if port.is_empty() => Err("there is no port".into()),
        _ if !port.bytes().all(|byte| byte.is_ascii_digit()) => Err(format!("the port \"{port}\" is not a number")),
        Ok(number @ 1..) => Ok(number),
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

fn check_user_info(text: &str) -> Result<(), String> {
    match text.contains('@') {
        true => Err("user info, the part before the @, is not allowed".into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The places of a target: a host's name ends with a question mark, an address stands as it is.
    fn places(naming: &Naming) -> String {
        let text = |place: &Place| match place {
            Place::Known(address) => address.to_string(),
            Place::Host { name, port } => format!("{name}:{port}?"),
        };
        naming.places.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_target_says_where_the_server_is_and_what_it_is_called() {
        for (target, places_due, authority) in [
            ("dns:///localhost:50051", "localhost:50051?", "localhost:50051"),
            ("dns:localhost:50051", "localhost:50051?", "localhost:50051"),
            ("DNS:///localhost:50051", "localhost:50051?", "localhost:50051"),
            ("dns:///127.0.0.1:50051", "127.0.0.1:50051", "127.0.0.1:50051"),
            ("dns:///[::1]:50051", "[::1]:50051", "[::1]:50051"),
            ("dns:[fe80::1%3]:50051", "[fe80::1%3]:50051", "[fe80::1]:50051"),
            ("ipv4:127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:1"),
            ("ipv4:///127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:1"),
            ("ipv4:127.0.0.1:1,127.0.0.2:2", "127.0.0.1:1 127.0.0.2:2", "127.0.0.1:1"),
            ("ipv6:[::1]:1", "[::1]:1", "[::1]:1"),
            ("ipv6:[2001:db8::7]:1,[::1]:2", "[2001:db8::7]:1 [::1]:2", "[2001:db8::7]:1"),
            ("ipv6:[fe80::1%3]:1", "[fe80::1%3]:1", "[fe80::1]:1"),
            ("unix:run/x.sock", "unix:run/x.sock", "localhost"),
            ("unix:/tmp/x", "unix:/tmp/x", "localhost"),
            ("unix:///tmp/x", "unix:/tmp/x", "localhost"),
            ("unix:/tmp/a@b?c%20d", "unix:/tmp/a@b?c%20d", "localhost"),
            #[cfg(target_os = "linux")]
            ("unix-abstract:a name", "unix-abstract:a name", "localhost"),
        ] {
            let naming = read(target).expect(target);
            assert_eq!((places(&naming).as_str(), naming.authority.as_str()), (places_due, authority), "{target}");
            assert_eq!(naming.text, target);
        }
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (address, full, places_due) in [
            ("http://localhost:50051", "http://localhost:50051", "localhost:50051?"),
            ("HTTP://localhost:50051/", "http://localhost:50051", "localhost:50051?"),
            ("localhost:1", "http://localhost:1", "localhost:1?"),
            ("dnsserver:1", "http://dnsserver:1", "dnsserver:1?"),
            ("127.0.0.1:65535", "http://127.0.0.1:65535", "127.0.0.1:65535"),
            ("[::1]:50051", "http://[::1]:50051", "[::1]:50051"),
            ("http://[2001:db8::7]:443", "http://[2001:db8::7]:443", "[2001:db8::7]:443"),
            ("[fe80::1%3]:50051", "http://[fe80::1%3]:50051", "[fe80::1%3]:50051"),
        ] {
            let naming = read(address).expect(address);
            assert_eq!((naming.text.as_str(), places(&naming).as_str()), (full, places_due));
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
            ("[::1:50051", "an IPv6 address needs brackets, as in [::1]:50051"),
            ("[::g]:50051", "::g is no IPv6 address"),
            ("[fe80::1%eth0]:50051", "fe80::1%eth0 is no IPv6 address"),
            ("a host:50051", "invalid uri character in \"a host:50051\""),
            ("https://localhost:50051", "TLS is not supported yet"),
            (
                "xds:///localhost:50051",
                "the scheme xds is not supported, only http, dns, ipv4, ipv6, unix, unix-abstract",
            ),
            ("http://localhost:50051/path", "nothing may follow the port, and \"/path\" does"),
            ("localhost:50051?x=1", "nothing may follow the port, and \"?x=1\" does"),
            ("localhost:50051#x", "nothing may follow the port, and \"#x\" does"),
        ] {
            let expected = format!("\"{address}\" is no server address: {why}; expected http://host:port");
            assert_eq!(read(address).expect_err(address), expected);
        }
    }

    #[test]
    fn a_wrong_target_is_refused_with_what_its_scheme_expects() {
        const SERVER: &str = "stands where a DNS server is named, and it is always the system's resolver that is asked";
        for (target, why, scheme) in [
            ("dns:", "there is no port", 0),
            ("dns:///", "there is no port", 0),
            ("dns:///localhost", "there is no port", 0),
            ("dns:///:1", "there is no host", 0),
            ("dns:///localhost:1/x", "nothing may follow the port, and \"/x\" does", 0),
            ("dns://8.8.8.8/localhost:1", &*format!("\"8.8.8.8\" {SERVER}"), 0),
            ("dns://localhost:1", &*format!("\"localhost:1\" {SERVER}"), 0),
            ("ipv4:", "there is no port", 1),
            ("ipv4:127.0.0.1", "there is no port", 1),
            ("ipv4:localhost:1", "\"localhost\" is no IPv4 address", 1),
            ("ipv4:[::1]:1", "\"[::1]\" is no IPv4 address", 1),
            ("ipv4:127.0.0.1:0", "the port 0 is not within 1 to 65535", 1),
            ("ipv4:127.0.0.1:1,", "there is no port", 1),
            ("ipv4:127.0.0.1:1, 127.0.0.1:2", "\" 127.0.0.1\" is no IPv4 address", 1),
            ("ipv4://127.0.0.1:1", "\"127.0.0.1:1\" stands where there must be nothing", 1),
            ("ipv6:[::1]", "there is no port", 2),
            ("ipv6:::1:1", "\"::1\" is no IPv6 address in brackets", 2),
            ("ipv6:127.0.0.1:1", "\"127.0.0.1\" is no IPv6 address in brackets", 2),
            ("ipv6:[::g]:1", "::g is no IPv6 address", 2),
            ("ipv6:[::1:1", "::1 is no IPv6 address", 2),
            ("unix:", "there is no path", 3),
            ("unix://", "there is no path", 3),
            ("unix://tmp/x", "the path after unix:// must be absolute, as in unix:///tmp/x", 3),
            ("unix:/tmp/\0", "there is a NUL in the path", 3),
            #[cfg(target_os = "linux")]
            ("unix-abstract:", "there is no name", 4),
        ] {
            let expected = SCHEMES[scheme].expected;
            let expected = format!("\"{target}\" is no server address: {why}; expected {expected}");
            assert_eq!(read(target).expect_err(target), expected);
        }
    }

    #[test]
    fn user_info_is_refused_and_not_repeated() {
        for scheme in ["http://", "", "dns:///", "dns://", "ipv4:", "ipv6:", "https://", "xds://"] {
            let error = read(&format!("{scheme}me:secret@host:1")).expect_err("user info");
            assert!(error.contains("user info, the part before the @, is not allowed"), "{error}");
            assert!(error.contains("\"..@host:1\"") && !error.contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_was_read_reads_the_same_again(
            scheme in "(|dns|ipv4|ipv6|unix|unix-abstract|http|https|xds):?/{0,4}", rest in "[\\PC]{0,9}|[a1.:,/%@\\[\\]]{0,20}",
        ) {
            let Ok(naming) = read(&(scheme + &rest)) else { return Ok(()) };
            let again = read(&naming.text).expect("what was read once");
            prop_assert_eq!(again.text, naming.text);
            prop_assert_eq!(again.authority, naming.authority);
            prop_assert_eq!(again.places, naming.places);
        }
    }
}

//! How the programs `server` and `client` read what is on their command lines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// Reads a number of seconds, which may have a fraction.
///
/// # Errors
/// What was expected.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let positive = seconds.filter(|seconds| !seconds.is_zero());
    positive.ok_or_else(|| "expected a positive number of seconds, such as 1.5".to_owned())
}

/// The same, where 0 has a meaning too.
///
/// # Errors
/// What was expected.
pub fn seconds_or_0(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { seconds(text).map_err(|expected| format!("{expected}, or 0")) }
}

/// Reads a number of bytes, which may end with K, M or G for units of 1024, 1024^2 or 1024^3.
///
/// ```
/// use h2grpc::route_guide::arguments::bytes;
///
/// assert_eq!(bytes("256M"), Ok(268435456));
/// ```
///
/// # Errors
/// What was expected.
pub fn bytes(text: &str) -> Result<usize, String> {
    let units = [("K", 10), ("M", 20), ("G", 30)];
    let unit = units.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
    let (digits, bits) = unit.unwrap_or((text, 0));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(1 << bits));
    bytes
        .filter(|_| is_number)
        .ok_or_else(|| "expected a number of bytes, such as 268435456, 262144K, 256M or 2G".to_owned())
}

/// Reads a coordinate in units of 10^-7 degrees, RouteGuide's own, from either of two forms: an integer is in those
/// units, and a number with a decimal point or an exponent is in degrees, which are rounded to them.
///
/// ```
/// use h2grpc::route_guide::arguments::coordinate;
///
/// assert_eq!(coordinate("409146138"), Ok(409146138));
/// assert_eq!(coordinate("40.9146138"), Ok(409146138));
/// assert_eq!(coordinate("-7.4e1"), Ok(-740000000));
/// ```
///
/// # Errors
/// Both forms, and the bound that was passed.
pub fn coordinate(text: &str) -> Result<i32, String> {
    let is_degrees = text.contains(['.', 'e', 'E']);
    // A 64-bit float has 15 digits, a coordinate has 10, so rounding gives the integer that is meant.
    let degrees = || text.parse::<f64>().ok().map(|degrees| (degrees * 1e7).round());
    let units = || text.parse::<i128>().ok().map(|units| units as f64);
    let number = if is_degrees { degrees() } else { units() };
    match number {
        Some(units) if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&units) => Ok(units as i32),
        Some(_) => Err("it is beyond int32, which ends at 2147483647 units or 214.7483647 degrees".to_owned()),
        None => Err("expected degrees, such as 40.9146138, or units of 10^-7 degrees, such as 409146138".to_owned()),
    }
}

/// The socket addresses that one address to listen on stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen(pub Vec<SocketAddr>);

impl Listen {
    /// The port on both loopback addresses, so that "localhost" works whichever of them a client tries.
    pub fn loopback(port: u16) -> Self {
        let hosts: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        Listen(hosts.map(|host| SocketAddr::new(host, port)).into())
    }

    /// Reads `IP:PORT`, `HOST:PORT` (every address of that name), or `PORT` and `:PORT` (both loopback addresses).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Listen(vec![address]));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((_, port)) if port.ends_with(']') => return Err(format!("there is no port; {EXPECTED}")),
            Some((host, _)) if host.contains("://") => return Err(format!("a scheme has no meaning here; {EXPECTED}")),
            Some((host, _)) if host.contains(':') => {
                return Err(format!("an IPv6 address needs brackets, as in [::1]:50051; {EXPECTED}"));
            }
            Some((host, port)) => (host, port),
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => ("", text),
            None => return Err(format!("there is no port; {EXPECTED}")),
        };
        let port = read_port(port)?;
        if host.is_empty() {
            return Ok(Listen::loopback(port));
        }
        let mut addresses: Vec<_> =
            (host, port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?.collect();
        addresses.sort();
        addresses.dedup(); // a resolver may name an address twice
        if addresses.is_empty() { Err(format!("{host} has no address")) } else { Ok(Listen(addresses)) }
    }
}

const EXPECTED: &str = "expected IP:PORT, HOST:PORT or PORT";

fn read_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        _ if text.is_empty() => Err(format!("there is no port; {EXPECTED}")),
        _ if !text.bytes().all(|byte| byte.is_ascii_digit()) => Err(format!("the port \"{text}\" is not a number")),
        Ok(port) => Ok(port),
        Err(_) => Err(format!("the port {text} is not within 0 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_are_positive_and_may_have_a_fraction() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(seconds("3600"), Ok(Duration::from_secs(3600)));
        assert_eq!(seconds_or_0("0"), Ok(Duration::ZERO));
        for text in ["", "x", "-1", "0", "nan", "inf", "1e400", "1e-400", "1s"] {
            assert_eq!(seconds(text), Err("expected a positive number of seconds, such as 1.5".to_owned()), "{text}");
        }
        assert_eq!(seconds_or_0("-1"), Err("expected a positive number of seconds, such as 1.5, or 0".to_owned()));
    }

    #[test]
    fn bytes_may_have_a_unit() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("3K"), Ok(3072));
        assert_eq!(bytes("2G"), Ok(2 << 30));
        for text in ["", "M", "1T", "1m", "-1", "+1", "1.5M", "18446744073709551616", "18446744073709551615K"] {
            assert!(bytes(text).unwrap_err().contains("256M"), "{text}");
        }
    }

    #[test]
    fn a_coordinate_is_in_degrees_or_in_units() {
        for (text, units) in [
            ("0", 0),
            ("40", 40),
            ("-746188906", -746_188_906),
            ("+7", 7),
            ("40.91", 409_100_000),
            ("-74.6", -746_000_000),
            (".5", 5_000_000),
            ("9e1", 900_000_000),
            ("1E-7", 1),
            ("40.91461384", 409_146_138),
            ("2147483647", i32::MAX),
            ("-214.7483648", i32::MIN),
        ] {
            assert_eq!(coordinate(text), Ok(units), "{text}");
        }
        for text in ["2147483648", "-2147483649", "214.7483648", "1e400", "-1e9", "99999999999999999999"] {
            assert!(coordinate(text).is_err_and(|error| error.contains("int32")), "{text}");
        }
        for text in ["", "x", "nan", "inf", "40,91", "40.9N", "1.2.3", "e", "0x10"] {
            let error = coordinate(text).expect_err(text);
            assert!(error.contains("degrees, such as 40.9146138") && error.contains("409146138"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn degrees_with_seven_digits_are_exact(units: i32) {
            let degrees = format!("{}{}.{:07}", if units < 0 { "-" } else { "" }, units.unsigned_abs() / 10_000_000, units.unsigned_abs() % 10_000_000);
            prop_assert_eq!(coordinate(&degrees), Ok(units));
        }
    }

    #[test]
    fn an_address_to_listen_on_may_be_a_name_or_a_port() {
        let address = |text: &str| text.parse::<SocketAddr>().expect(text);
        assert_eq!(Listen::read("0.0.0.0:1"), Ok(Listen(vec![address("0.0.0.0:1")])));
        assert_eq!(Listen::read("[::]:0"), Ok(Listen(vec![address("[::]:0")])));
        for text in ["50051", ":50051"] {
            assert_eq!(Listen::read(text), Ok(Listen(vec![address("127.0.0.1:50051"), address("[::1]:50051")])));
        }
        let localhost = Listen::read("localhost:50051").expect("every machine knows it").0;
        assert!(localhost.iter().all(|address| address.ip().is_loopback() && address.port() == 50051), "{localhost:?}");
    }

    #[test]
    fn a_wrong_address_to_listen_on_is_refused_with_what_is_wrong_in_it() {
        for (text, why) in [
            ("", "there is no port"),
            ("localhost", "there is no port"),
            ("127.0.0.1", "there is no port"),
            ("[::1]", "there is no port"),
            ("localhost:", "there is no port"),
            ("99999", "the port 99999 is not within 0 to 65535"),
            ("127.0.0.1:99999", "the port 99999 is not within 0 to 65535"),
            ("localhost:http", "the port \"http\" is not a number"),
            ("::1:50051", "an IPv6 address needs brackets, as in [::1]:50051"),
            ("http://localhost:50051", "a scheme has no meaning here"),
        ] {
            let error = Listen::read(text).expect_err(text);
            assert!(error.starts_with(why), "{text}: {error}");
        }
        let too_long = "x".repeat(300);
        let error = Listen::read(&format!("{too_long}:1")).expect_err("no resolver takes such a name");
        assert!(error.starts_with(&too_long), "{error}");
    }
}

//! The first bytes of a connection: whether the peer speaks HTTP/2 at all.
//!
//! A client begins with a preface, and a server's first frame is SETTINGS (RFC 9113, section 3.4; rules
//! h2.client-preface and h2.server-preface). Peers that speak something else are common (a browser, a health check, a
//! client that wants TLS), and an error should say which it is.

use std::io;

use crate::wire::quoted;

/// "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" (RFC 9113, section 3.4; rule h2.client-preface).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The type of a SETTINGS frame, and where a frame's header has it (RFC 9113, sections 4.1 and 6.5; rules
/// h2.frame-header and h2.settings).
const SETTINGS: u8 = 4;
const TYPE: usize = 3;

/// Whose first bytes are checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Greeting {
    OfClient,
    OfServer,
}

impl Greeting {
    /// How many bytes are enough for the check.
    pub(crate) const LENGTH: usize = PREFACE.len() + TYPE + 1;

    /// How many bytes come before the first frame.
    pub(crate) fn preface(self) -> usize {
        if self == Greeting::OfClient { PREFACE.len() } else { 0 }
    }

    /// Checks the first bytes, as far as they have arrived. True when they are enough, and HTTP/2.
    ///
    /// # Errors
    /// InvalidData, with what the peer speaks instead.
    pub(crate) fn check(self, first: &[u8]) -> io::Result<bool> {
        let (preface, frame) = first.split_at(first.len().min(self.preface()));
        if preface != &PREFACE[..preface.len()] {
            return Err(self.refusal(first));
        }
        // "The preface MUST be followed by a SETTINGS frame" (RFC 9113, section 3.4; rule h2.client-preface). h2 serves
        // clients without one.
        match (frame.get(TYPE), self) {
            (None, _) => Ok(false),
            (Some(&SETTINGS), _) => Ok(true),
            (Some(kind), Greeting::OfClient) => Err(not_settings(*kind)),
            (Some(_), Greeting::OfServer) => Err(self.refusal(first)),
        }
    }

    fn refusal(self, first: &[u8]) -> io::Error {
        let peer = if self == Greeting::OfClient { "client" } else { "server" };
        let text = match first {
            [b'H', b'T', b'T', b'P', b'/' | b'0'..=b'9', ..] | [b'A'..=b'Z', ..] => {
                format!("the {peer} speaks HTTP/1.1, but gRPC needs HTTP/2")
            }
            [0x15 | 0x16] | [0x15 | 0x16, 3, ..] => {
                format!("the {peer} speaks TLS, but this connection is in cleartext (\"plaintext\", \"insecure\")")
            }
            other => format!("the {peer} does not speak HTTP/2: its first bytes are {}", quoted(other)),
        };
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}

fn not_settings(kind: u8) -> io::Error {
    let text = format!("the client's first frame is of type {kind}, expected SETTINGS (type {SETTINGS})");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(greeting: Greeting, first: &[u8]) -> String {
        greeting.check(first).unwrap_err().to_string()
    }

    #[test]
    fn http2_is_recognised_however_its_first_bytes_are_cut() {
        for cut in 0..PREFACE.len() {
            assert!(!Greeting::OfClient.check(&PREFACE[..cut]).unwrap());
        }
        assert!(!Greeting::OfClient.check(PREFACE).unwrap());
        assert!(Greeting::OfClient.check(&[PREFACE, b"\x00\x00\x00\x04"].concat()).unwrap());
        let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0];
        assert!(!Greeting::OfServer.check(&settings[..3]).unwrap());
        assert!(Greeting::OfServer.check(&settings).unwrap());
    }

    #[test]
    fn a_client_whose_first_frame_is_not_settings_is_told_so() {
        let told = refused(Greeting::OfClient, &[PREFACE, b"\x00\x00\x01\x01"].concat());
        assert_eq!(told, "the client's first frame is of type 1, expected SETTINGS (type 4)");
    }

    #[test]
    fn other_protocols_are_told_by_name() {
        let http1 = "the client speaks HTTP/1.1, but gRPC needs HTTP/2";
        assert_eq!(refused(Greeting::OfClient, b"GET / HTTP/1.1\r\n"), http1);
        assert_eq!(refused(Greeting::OfClient, b"POST"), http1);
        assert_eq!(refused(Greeting::OfServer, b"HTTP/1.1 400"), http1.replace("client", "server"));
        assert!(refused(Greeting::OfClient, b"\x16\x03\x01\x02").starts_with("the client speaks TLS"));
        assert!(refused(Greeting::OfServer, b"\x15\x03\x03\x00\x02\x02\x16").starts_with("the server speaks TLS"));
        assert!(
            refused(Greeting::OfServer, b"\x00\x00\x00\xff").ends_with("its first bytes are \"\\x00\\x00\\x00\\xff\"")
        );
    }
}

//! What an HTTP/2 error means for a call: its [`Status`], in words that say who did what.

use std::sync::Arc;

use crate::{status::Status, wire::code::Code};

/// The status of a call that ended because of `error`. `doing` completes "while ..": "the request was read".
///
/// A reset stream maps by the table of the gRPC-over-HTTP/2 specification, section Errors. A lost connection and one
/// that the peer is shutting down (GOAWAY with NO_ERROR) are UNAVAILABLE: another attempt may succeed.
pub(crate) fn status_of(error: h2::Error, doing: &str) -> Status {
    let who = if error.is_remote() { "the peer" } else { "this side" };
    let (code, what) = match error.reason() {
        _ if error.is_io() => (Code::UNAVAILABLE, "the connection was lost".to_owned()),
        Some(reason) if error.is_go_away() => {
            let leaving = reason == h2::Reason::NO_ERROR;
            let code = if leaving { Code::UNAVAILABLE } else { Code::from_reset(reason.into()) };
            (code, format!("{who} closed the connection with GOAWAY {reason:?}"))
        }
        Some(reason) => (Code::from_reset(reason.into()), format!("{who} reset the stream with {reason:?}")),
        None => (Code::INTERNAL, "HTTP/2 failed".to_owned()),
    };
    Status::new(code, format!("{what} while {doing}: {error}")).with_source(Arc::new(error))
}

/// The status of a call whose stream the peer has reset.
pub(crate) fn status_of_reset(reason: h2::Reason, doing: &str) -> Status {
    Status::new(Code::from_reset(reason.into()), format!("the peer reset the stream with {reason:?} while {doing}"))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const HEADERS: u8 = 1;

    /// The error of a call whose server says `frames` when the request's head has come, and closes.
    async fn error_of(frames: &[u8]) -> h2::Error {
        let (io, mut server) = duplex(4096);
        let (mut requests, connection) = h2::client::handshake(io).await.unwrap();
        let connection = tokio::spawn(connection);
        let (response, _request) =
            requests.send_request(Request::post("http://a/b/C").body(()).unwrap(), false).unwrap();
        server.read_exact(&mut [0; 24]).await.unwrap(); // the preface
        let mut kind = 0;
        while kind != HEADERS {
            let mut head = [0; 9];
            server.read_exact(&mut head).await.unwrap();
            kind = head[3];
            server.read_exact(&mut vec![0; usize::from(head[2])]).await.unwrap();
        }
        server.write_all(&[b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", frames].concat()).await.unwrap();
        drop(server);
        let error = response.await.unwrap_err();
        let _ = connection.await;
        error
    }

    #[tokio::test]
    async fn each_end_of_a_stream_has_its_status_and_says_who_did_what() {
        for (frames, code, text) in [
            (&b""[..], Code::UNAVAILABLE, "the connection was lost while it was tested: "),
            (
                // RST_STREAM of stream 1, CANCEL
                b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08",
                Code::CANCELLED,
                "the peer reset the stream with CANCEL while it was tested: ",
            ),
            (
                // GOAWAY: no stream is processed, NO_ERROR
                b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                Code::UNAVAILABLE,
                "the peer closed the connection with GOAWAY NO_ERROR while it was tested: ",
            ),
            (
                // GOAWAY: no stream is processed, ENHANCE_YOUR_CALM
                b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b",
                Code::RESOURCE_EXHAUSTED,
                "the peer closed the connection with GOAWAY ENHANCE_YOUR_CALM while it was tested: ",
            ),
            (
                // DATA of stream 0, which there must not be
                b"\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                Code::INTERNAL,
                "this side closed the connection with GOAWAY PROTOCOL_ERROR while it was tested: ",
            ),
        ] {
            let status = status_of(error_of(frames).await, "it was tested");
            assert_eq!(status.code(), code, "{status}");
            assert!(status.message().starts_with(text), "{status}");
        }
    }
}

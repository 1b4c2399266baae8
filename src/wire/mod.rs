//! Bytes to values and back, exactly as the gRPC specification writes them: pure functions and one incremental decoder.
//!
//! A gRPC call is an HTTP/2 stream ("gRPC over HTTP/2", section Outline):
//!
//! ```text
//! Request  -> Request-Headers *Length-Prefixed-Message EOS
//! Response -> (Response-Headers *Length-Prefixed-Message Trailers) / Trailers-Only
//! ```
//!
//! Each production has its file here: [`head`] the headers and trailers, [`path`] the method's name in them, [`frame`]
//! the messages between them, and [`timeout`], [`percent`], [`binary`] and [`code`] the values that headers hold. In come
//! header maps and chunks of DATA; out go values, or an error that says what was expected and what came. Nothing here
//! waits, does I/O or knows about protobuf, so every other module may use it, and it is tested and fuzzed by itself.
//!
//! The smallest answer there is, an empty message and an OK status:
//!
//! ```text
//! HEADERS  :status: 200, content-type: application/grpc
//! DATA     00 00 00 00 00        flag 0 (not compressed), length 0
//! HEADERS  grpc-status: 0        END_STREAM
//! ```

pub mod binary;
pub mod code;
pub mod frame;
pub mod head;
pub mod path;
pub mod percent;
pub mod timeout;

pub use code::Code;

/// What a peer sent, fit for an error text: escaped, quoted, and cut after 64 bytes.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(64)];
    let more = if shown.len() < bytes.len() { "..." } else { "" };
    format!("\"{}{more}\"", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_a_peer_sent_is_quoted_escaped_and_cut_after_64_bytes() {
        assert_eq!(quoted(b"a\n\"b\""), r#""a\n\"b\"""#);
        assert_eq!(quoted(&[b'x'; 64]), format!("\"{}\"", "x".repeat(64)));
        assert_eq!(quoted(&[b'x'; 65]), format!("\"{}...\"", "x".repeat(64)));
    }
}

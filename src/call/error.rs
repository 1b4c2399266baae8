//! What an HTTP/2 error means for a call: its [`Status`], in words that say who did what.

use std::{io, sync::Arc};

use crate::{status::Status, wire::code::Code};

/// The status of a call that ended because of `error`. `doing` completes "while ..": "the request was read".
///
/// A reset stream maps by the table of the gRPC-over-HTTP/2 specification, section Errors (rule grpc.reset-closes). A lost connection and one
/// that the peer is shutting down (GOAWAY with NO_ERROR) are UNAVAILABLE: another attempt may succeed.
pub(crate) fn status_of(error: h2::Error, doing: &str) -> Status {
    let who = if error.is_remote() { "the peer" } else { "this side" };
    let (code, what) = match error.reason() {
        _ if error.is_io() => (Code::UNAVAILABLE, lost(&error)),
        Some(reason) if error.is_go_away() => {
            let leaving = reason == h2::Reason::NO_ERROR;
            let code = if leaving { Code::UNAVAILABLE } else { Code::from_reset(reason.into()) };
            (code, format!("{who} closed the connection with GOAWAY {reason:?}"))
        }
        Some(reason) => (Code::from_reset(reason.into()), format!("{who} reset the stream with {reason:?}")),
        None if error.to_string().contains("not a result of an error") => {
            (Code::UNAVAILABLE, "the connection is shutting down".to_owned())
        }
        None => (Code::INTERNAL, "HTTP/2 failed".to_owned()),
    };
    Status::new(code, format!("{what} while {doing}: {error}")).with_source(Arc::new(error))
}

/// What an I/O error means. The transport reports a peer that does not speak HTTP/2 as InvalidData, with a text that
/// says what it speaks.
pub(super) fn lost(error: &h2::Error) -> String {
    match error.get_io() {
        Some(error) if error.kind() == io::ErrorKind::InvalidData => error.to_string(),
        _ => "the connection was lost".to_owned(),
    }
}

/// The status of a call whose stream the peer has reset.
pub(crate) fn status_of_reset(reason: h2::Reason, doing: &str) -> Status {
    Status::new(Code::from_reset(reason.into()), format!("the peer reset the stream with {reason:?} while {doing}"))
}

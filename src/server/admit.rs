//! From a request's head to a call, or to the answer that refuses it.

use std::{net::SocketAddr, sync::Arc};

use h2::RecvStream;
use h2::server::SendResponse;
use http::{Extensions, HeaderValue, Request, Response, request};
use tracing::info;

use super::route::Route;
use super::setup::Setup;
use crate::call::{CallContext, CallHead, Deadline, IncomingCall, Outlet, Piece};
use crate::limits::PUSH_BACK;
use crate::memory::Account;
use crate::wire::head::{self, Refusal};
use crate::{metadata::Metadata, status::Status};

/// A call, and where it goes.
pub(super) struct Admitted<'a> {
    pub(super) call: IncomingCall,
    pub(super) route: &'a Arc<Route>,
}

/// Makes a call of a request. None if the request is refused, which is answered here.
pub(super) fn admit<'a>(
    setup: &'a Setup, peer: Option<SocketAddr>, account: &Arc<Account>, request: Request<RecvStream>,
    mut respond: SendResponse<Piece>,
) -> Option<Admitted<'a>> {
    let (parts, body) = request.into_parts();
    let read = match account.is_exhausted() {
        true => Err(exhausted(parts.uri.path())),
        false => read(setup, peer, parts),
    };
    let (head, route) = match read {
        Ok(read) => read,
        Err(Refused { answer, status, path }) => {
            info!(path, peer = peer.map(tracing::field::display), %status, "call refused");
            // It fails only when the peer has reset the stream, and then nobody waits for it.
            let _ = respond.send_response(answer, true);
            return None;
        }
    };
    let max_message = route.max_message(&setup.limits);
    let context = CallContext { outlet: Outlet::response(respond, head, account), extensions: Extensions::new() };
    Some(Admitted { call: IncomingCall { body, context, max_message }, route })
}

/// The answer to a new call of a connection that holds its part of the memory or more. The client may try again, but not
/// at once.
fn exhausted(path: &str) -> Refused {
    let text = "the calls of this connection hold too much of the server's memory: end some, or read their answers";
    let status = Status::resource_exhausted(text);
    let mut answer = status.to_trailers_only();
    answer.headers_mut().insert(head::GRPC_RETRY_PUSHBACK_MS, (PUSH_BACK.as_millis() as u64).into());
    Refused { answer, status, path: Some(path.to_owned()) }
}

/// The answer to a request that is refused: a head without a body.
struct Refused {
    answer: Response<()>,
    status: Status,
    /// For the log; none where the status quotes it.
    path: Option<String>,
}

/// Checks the request's head, and finds the method.
fn read(setup: &Setup, peer: Option<SocketAddr>, parts: request::Parts) -> Result<(CallHead, &Arc<Route>), Refused> {
    let refused = |refusal: Refusal, path| Refused { answer: head::refuse(&refusal), status: refusal.into(), path };
    let read = head::read_request(&parts).map_err(|refusal| refused(refusal, Some(parts.uri.path().to_owned())))?;
    if let Some(encoding) = read.encoding {
        return Err(unknown_encoding(encoding, parts.uri.path()));
    }
    let deadline = read.timeout.map(Deadline::after);
    let path = head::read_path(parts.uri).map_err(|refusal| refused(refusal, None))?;
    let route =
        setup.router.find(&path).map_err(|status| Refused { answer: status.to_trailers_only(), status, path: None })?;
    Ok((CallHead::new(path, Metadata::from_headers(parts.headers), deadline, peer), route))
}

/// "If the message encoding is not supported, the server MUST return UNIMPLEMENTED and tell in grpc-accept-encoding
/// what it supports" (gRPC, compression.md; rules compression.request-unsupported and compression.accept-told).
fn unknown_encoding(encoding: &[u8], path: &str) -> Refused {
    let encoding = String::from_utf8_lossy(encoding);
    let status =
        Status::unimplemented(format!("messages compressed with {encoding} are not read here, expected identity"));
    let mut answer = status.to_trailers_only();
    let identity = const { HeaderValue::from_static("identity") };
    answer.headers_mut().insert(head::GRPC_ACCEPT_ENCODING, identity);
    Refused { answer, status, path: Some(path.to_owned()) }
}

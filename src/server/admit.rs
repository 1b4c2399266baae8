//! From a request's head to a call: or to the answer that refuses it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Extensions, HeaderValue, Request, Response, request};
use tracing::info;

use super::router::Route;
use super::setup::Setup;
use crate::call::{CallContext, CallHead, Deadline, IncomingCall, Outlet};
use crate::wire::head::{self, RequestHead};
use crate::{metadata::Metadata, status::Status};

/// A call, and where it goes.
pub(super) struct Admitted {
    pub(super) call: IncomingCall,
    pub(super) route: Arc<Route>,
}

/// Makes a call of a request; none where it is refused, which is answered here.
pub(super) fn admit(
    setup: &Setup, peer: Option<SocketAddr>, request: Request<RecvStream>, mut respond: SendResponse<Bytes>,
) -> Option<Admitted> {
    let (parts, body) = request.into_parts();
    let (head, route) = match read(setup, &parts) {
        Ok(read) => read,
        Err(Refused { answer, status }) => {
            let path = parts.uri.path();
            info!(path, peer = peer.map(tracing::field::display), %status, "call refused");
            // It fails only when the peer has reset the stream, and then nobody waits for it.
            let _ = respond.send_response(answer, true);
            return None;
        }
    };
    let max_message = route.max_message(&setup.limits);
    let deadline = head.timeout.map(Deadline::after);
    let head = CallHead::new(head.path, Metadata::from_headers(parts.headers), deadline, peer);
    let context =
        CallContext { head: Arc::new(head), outlet: Outlet::response(respond), extensions: Extensions::new() };
    Some(Admitted { call: IncomingCall { body, context, max_message }, route })
}

/// What answers a request that is no call of ours: all of it is in its head.
struct Refused {
    answer: Response<()>,
    status: Status,
}

/// Checks the request's head, and finds the method.
fn read<'a>(setup: &Setup, parts: &'a request::Parts) -> Result<(RequestHead<'a>, Arc<Route>), Refused> {
    let head = head::read_request(parts)
        .map_err(|refusal| Refused { answer: head::refuse(&refusal), status: refusal.into() })?;
    if let Some(encoding) = head.encoding {
        return Err(unknown_encoding(encoding));
    }
    let found = setup.router.find(&head.path).map(Arc::clone);
    let route = found.map_err(|status| Refused { answer: status.to_trailers_only(), status })?;
    Ok((head, route))
}

/// "If the message encoding is not supported, the server MUST return UNIMPLEMENTED and tell in grpc-accept-encoding what
/// it supports" (gRPC, compression.md).
fn unknown_encoding(encoding: &[u8]) -> Refused {
    let encoding = String::from_utf8_lossy(encoding);
    let status = Status::unimplemented(format!("messages compressed with {encoding} are not read here"));
    let mut answer = status.to_trailers_only();
    let identity = const { HeaderValue::from_static("identity") };
    answer.headers_mut().insert(head::GRPC_ACCEPT_ENCODING, identity);
    Refused { answer, status }
}

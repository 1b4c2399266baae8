//! Rules of header blocks: those of HTTP/2, and those of gRPC for heads and trailers.

use bytes::Bytes;

use super::super::event::Event;
use super::super::grpc::Role;
use super::super::hpack::Block;
use super::fields;
use super::found::{Found, who};
use crate::wire::timeout;

pub(super) fn check(event: &Event, found: &mut Found<'_>) {
    let Some(block) = event.block.as_deref().filter(|block| block.broken().is_none()) else { return };
    // A block of which something is unknown, because the recording began later, is not judged as a whole.
    let whole = block.is_known();
    fields::check(block, who(event.direction), found);
    match event.role {
        Role::RequestHead if whole => request(block, found),
        Role::ResponseHead | Role::TrailersOnly if whole => response(event, block, found),
        Role::Trailers if whole => trailers(block, found),
        Role::RequestTrailers => {
            found.add("grpc.request-end", "the client sends trailers, which gRPC requests do not have")
        }
        _ => {}
    }
}

fn text(value: Option<&Bytes>) -> String {
    value.map_or_else(|| "none".into(), |value| format!("\"{}\"", super::super::text::printable(value)))
}

fn request(block: &Block, found: &mut Found<'_>) {
    let get = |name: &str| block.get(name);
    let is = |name: &str, wanted: &[&str]| get(name).is_some_and(|value| wanted.iter().any(|wanted| value == wanted));
    found.add_if(!is(":method", &["POST"]), "grpc.method-post", || {
        format!("the method of a gRPC request is POST, and this one's is {}", text(get(":method")))
    });
    found.add_if(!is(":scheme", &["http", "https"]), "grpc.scheme", || {
        format!("the scheme is http or https, and this one is {}", text(get(":scheme")))
    });
    let path = get(":path").is_some_and(|path| names_method(path));
    found.add_if(!path, "grpc.path", || format!("a path is /service/method, and this one is {}", text(get(":path"))));
    found.add_if(!is("te", &["trailers"]), "grpc.te-trailers", || {
        format!("a request says \"te: trailers\", and this one's te is {}", text(get("te")))
    });
    found.add_if(!is_grpc(get("content-type")), "grpc.content-type", || {
        format!(
            "the content type of a request begins with application/grpc, and this one is {}",
            text(get("content-type"))
        )
    });
    if let Some(Err(error)) = get("grpc-timeout").map(|value| timeout::parse(value)) {
        let rule = if error.is_too_long() { "grpc.timeout-digits" } else { "grpc.timeout" };
        let value = text(get("grpc-timeout"));
        found.add(rule, format!("a timeout is up to eight digits and a unit, and this one is {value}"));
    }
}

fn response(event: &Event, block: &Block, found: &mut Found<'_>) {
    // What somebody else than a gRPC server answers is HTTP's affair.
    if block.get(":status").is_none_or(|status| status != "200") {
        return;
    }
    found.add_if(!is_grpc(block.get("content-type")), "grpc.response-headers", || {
        format!(
            "the content type of a response begins with application/grpc, and this one is {}",
            text(block.get("content-type"))
        )
    });
    if event.role == Role::TrailersOnly {
        trailers(block, found);
    }
}

fn trailers(block: &Block, found: &mut Found<'_>) {
    let status = block.get("grpc-status");
    found.add_if(status.is_none(), "grpc.status-always", || {
        "the server ends the call without a grpc-status; the client must make up UNKNOWN".into()
    });
    let number = |value: &Bytes| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    found.add_if(status.is_some_and(|status| !number(status)), "grpc.status-digits", || {
        format!("a grpc-status is a number, and this one is {}", text(status))
    });
    let message = block.get("grpc-message");
    let plain = |byte: &u8| matches!(byte, 0x20..=0x7e);
    found.add_if(message.is_some_and(|message| !message.iter().all(plain)), "grpc.percent-plain", || {
        format!("a grpc-message is percent-encoded ASCII, and this one is {}", text(message))
    });
}

fn is_grpc(kind: Option<&Bytes>) -> bool {
    kind.and_then(|kind| kind.strip_prefix(b"application/grpc"))
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// `/service/method`: a name each.
fn names_method(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    let begins = parts.next().is_some_and(<[u8]>::is_empty);
    let names: Vec<&[u8]> = parts.collect();
    begins && names.len() >= 2 && names.iter().all(|name| !name.is_empty())
}

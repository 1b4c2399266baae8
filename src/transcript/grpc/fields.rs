//! What the header fields of a call say, in plain English.

use super::super::text::quotable;
use crate::wire::Code;

/// Whether a field's value must not be shown to everybody who sees a transcript: credentials and cookies.
pub fn is_secret(name: &[u8]) -> bool {
    const SECRET: [&[u8]; 6] = [
        b"authorization",
        b"proxy-authorization",
        b"cookie",
        b"set-cookie",
        b"x-api-key",
        b"x-goog-iam-authorization-token",
    ];
    SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// What a field says.
pub(in super::super) fn sentence(name: &[u8], value: &[u8]) -> String {
    let text = if value.is_empty() { "\"\"".into() } else { quotable(value) };
    match name {
        b":method" if value == b"POST" => "gRPC calls are always POST.".into(),
        b":method" => format!("The request's method is {text}."),
        b":scheme" if value == b"http" => "The connection is not encrypted.".into(),
        b":scheme" => format!("The scheme of the connection: {text}."),
        b":path" => path(&text),
        b":authority" => format!("The server that the client means: {text}."),
        b":status" if value == b"200" => {
            "HTTP says 200 for whatever gRPC says: how the call ended is told in its trailers.".into()
        }
        b":status" => format!("HTTP status {text}: somebody on the way may have answered, and not a gRPC server."),
        b"content-type" if value.starts_with(b"application/grpc") => {
            "The body is gRPC: messages with a prefix of five bytes each.".into()
        }
        b"content-type" => format!("The body is {text}, which is not gRPC."),
        b"te" => "The client takes trailers. A proxy that cannot pass them on is found out by this field.".into(),
        b"grpc-timeout" => timeout(&text),
        b"grpc-encoding" => format!("Messages whose compressed flag is 1 are compressed with {text}."),
        b"grpc-accept-encoding" => format!("Compressions that this side can read: {text}."),
        b"grpc-message-type" => format!("The name of the message's type: {text}."),
        b"grpc-status" => status(&text),
        b"grpc-message" => {
            "A text for people about the status. Bytes that are no plain ASCII are percent-encoded.".into()
        }
        b"grpc-status-details-bin" => "More about the status as a google.rpc.Status message, in base64.".into(),
        b"grpc-retry-pushback-ms" => {
            format!("The server asks for a pause of {text} ms before the call is tried again.")
        }
        b"grpc-previous-rpc-attempts" => format!("The call was tried {text} times before."),
        b"user-agent" => format!("The client's program: {text}."),
        b"server" => format!("The server's program: {text}."),
        b"date" => "When the answer was made.".into(),
        b"authorization" | b"proxy-authorization" => "Credentials of the caller.".into(),
        b"cookie" | b"set-cookie" => "A cookie. It may identify the caller.".into(),
        b"traceparent" | b"tracestate" | b"grpc-trace-bin" => "Which trace the call belongs to.".into(),
        b"grpc-tags-bin" => "Labels for the call's statistics.".into(),
        b"" => String::new(),
        _ if name.ends_with(b"-bin") => {
            "Metadata of the application: bytes, written in base64 because the name ends with -bin.".into()
        }
        _ if name.starts_with(b":") => "A pseudo-header field that gRPC does not know.".into(),
        _ => "Metadata of the application.".into(),
    }
}

/// The name of a number in a field's value.
pub(in super::super) fn hint(name: &[u8], value: &[u8]) -> Option<&'static str> {
    let status = (name == b"grpc-status").then(|| std::str::from_utf8(value).ok()?.parse().ok())?;
    Some(status.and_then(|code| Code::from_u32(code).name()).unwrap_or("not a code"))
}

fn path(text: &str) -> String {
    match text.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if !method.contains('/') => {
            format!("The call goes to the method {method} of the service {service}.")
        }
        _ => format!("The path {text} is not /service/method, so it names no method."),
    }
}

fn timeout(text: &str) -> String {
    let units = [
        ('H', "hours"),
        ('M', "minutes"),
        ('S', "seconds"),
        ('m', "milliseconds"),
        ('u', "microseconds"),
        ('n', "nanoseconds"),
    ];
    let mut letters = text.chars();
    let unit = letters.next_back().and_then(|last| units.iter().find(|(letter, _)| *letter == last));
    let digits = letters.as_str();
    match unit {
        Some((_, unit)) if (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
            format!("The caller waits for at most {} {unit}; the server may stop then too.", digits)
        }
        _ => format!("{text} is no timeout: up to eight digits and one of H, M, S, m, u, n."),
    }
}

fn status(text: &str) -> String {
    match text.parse().ok().map(Code::from_u32) {
        Some(code) if text == "0" => format!("The call succeeded: {}.", code.name().unwrap_or_default()),
        Some(code) => match code.name() {
            Some(name) => format!("The call failed with {name}."),
            None => format!("{text} is no status code that gRPC defines; it counts as UNKNOWN."),
        },
        None => format!("{text} is no number, so the status counts as UNKNOWN."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_empty_or_has_spaces_at_its_ends_can_be_seen_in_its_sentence() {
        assert_eq!(sentence(b":authority", b" a"), "The server that the client means: \\x20a.");
        assert_eq!(sentence(b":path", b""), "The path \"\" is not /service/method, so it names no method.");
    }

    #[test]
    fn fields_are_told_in_sentences() {
        for (name, value, expected) in [
            (":path", "/routeguide.RouteGuide/GetFeature", "method GetFeature of the service routeguide.RouteGuide"),
            (":path", "/", "names no method"),
            ("grpc-timeout", "20m", "at most 20 milliseconds"),
            ("grpc-timeout", "20x", "is no timeout"),
            ("grpc-status", "5", "NOT_FOUND"),
            ("grpc-status", "99", "counts as UNKNOWN"),
            ("x-mine-bin", "aGk=", "base64"),
            (":status", "503", "HTTP status 503"),
        ] {
            let said = sentence(name.as_bytes(), value.as_bytes());
            assert!(said.contains(expected), "{name}: {said}");
        }
    }

    #[test]
    fn credentials_are_secret_whatever_their_case() {
        assert!(is_secret(b"Authorization") && is_secret(b"cookie"));
        assert!(!is_secret(b"user-agent"));
    }
}

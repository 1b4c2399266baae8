//! Headers and trailers: where a call says what it wants, and how it went.
//!
//! Sections Requests and Responses of "gRPC over HTTP/2". A unary call of the RouteGuide example, and the two shapes
//! that an answer has:
//!
//! ```text
//! HEADERS  :method: POST   :scheme: http   :path: /routeguide.RouteGuide/GetFeature   :authority: localhost:50051
//!          grpc-timeout: 1000000u   te: trailers   content-type: application/grpc   user-agent: h2grpc/0.1.0
//!
//! HEADERS  :status: 200   content-type: application/grpc             Response-Headers
//! DATA     00 00 00 00 11 ...
//! HEADERS  grpc-status: 0                           END_STREAM       Trailers
//!
//! HEADERS  :status: 200   content-type: application/grpc             Trailers-Only
//!          grpc-status: 5   grpc-message: no such place   END_STREAM
//! ```

use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request, response};

use super::path::{Path, PathError};
use super::{Code, binary, percent, quoted, timeout};

/// `grpc-status`: the number of the status code.
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// `grpc-message`: the text of the status, percent-encoded.
pub const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// `grpc-status-details-bin`: a `google.rpc.Status` message, base64.
pub const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
/// `grpc-timeout`: see [`timeout`].
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// `grpc-encoding`: how messages with Compressed-Flag 1 are compressed.
pub const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// `grpc-accept-encoding`: the compressions that the sender of this head can read, joined by commas.
pub const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// `grpc-retry-pushback-ms`: after how many milliseconds a failed call may be tried again; negative for never.
pub const GRPC_RETRY_PUSHBACK_MS: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
/// `grpc-previous-rpc-attempts`: how many attempts of this call came before; absent for none.
pub const GRPC_PREVIOUS_RPC_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");
/// `application/grpc`: protobuf messages, as `application/grpc+proto` says in full.
pub const CONTENT_TYPE_GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
/// `trailers`, the only value of `te` in HTTP/2 (RFC 9113, section 8.2.2).
pub const TE_TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
/// `h2grpc/` and the version of this crate.
pub const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("h2grpc/", env!("CARGO_PKG_VERSION")));

/// A status with its text, details and metadata may take this many bytes of a header block, counted as RFC 9113,
/// section 6.5.2 does (32 more a field). 8 KiB is the smallest limit in common use, and a peer that finds its limit
/// passed ends the stream or the connection before it sees the status. What does not fit is left out: metadata that
/// fills more than half, then details; a message is cut.
pub const MAX_STATUS_LEN: usize = 8 * 1024;

/// What a server needs to know of a request's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHead<'a> {
    /// How long the caller waits, if it said so.
    pub timeout: Option<Duration>,
    /// `grpc-encoding`, unless absent or `identity`.
    pub encoding: Option<&'a [u8]>,
}

/// Why a request's head is not that of a gRPC call, and what to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// 405 or 415 for what is not gRPC: an HTTP status that other HTTP clients understand too. 200 for what is gRPC,
    /// and wrong.
    pub status: StatusCode,
    /// For `grpc-status`, which goes with an HTTP error too, should a gRPC client have asked.
    pub code: Code,
    /// For `grpc-message`.
    pub message: String,
}

/// Checks the head of a request, and reads what the call needs of it.
///
/// - Not POST: HTTP 405. Only POST is a gRPC call ("Method -> `:method POST`").
/// - `content-type` other than `application/grpc` and `application/grpc+proto`, parameters after `;` aside: HTTP 415
///   ("If Content-Type does not begin with `application/grpc`, gRPC servers SHOULD respond with HTTP status of 415").
///   Other formats, such as `+json`, are refused alike: nothing here reads them.
/// - No `te: trailers`: INTERNAL ("Used to detect incompatible proxies": one that removed it may drop trailers as
///   well).
/// - A malformed `grpc-timeout`: INTERNAL. Other implementations differ: some ignore a malformed value, and the
///   deadline with it.
pub fn read_request(head: &request::Parts) -> Result<RequestHead<'_>, Refusal> {
    let refused = |status, code, message| Refusal { status, code, message };
    if head.method != Method::POST {
        let message = format!("gRPC calls are POST requests, not {}", quoted(head.method.as_str().as_bytes()));
        return Err(refused(StatusCode::METHOD_NOT_ALLOWED, Code::INTERNAL, message));
    }
    let fields = Fields::of(&head.headers);
    if !fields.is_grpc() {
        let message = format!("{}: expected application/grpc or application/grpc+proto", fields.named_content_type());
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::INVALID_ARGUMENT, message));
    }
    if fields.te != Some(b"trailers") {
        let message = "the header te: trailers is missing: a proxy on the way may not pass on trailers";
        return Err(refused(StatusCode::OK, Code::INTERNAL, message.to_owned()));
    }
    let malformed = |error: timeout::TimeoutError| refused(StatusCode::OK, Code::INTERNAL, error.to_string());
    let timeout = fields.timeout.map(timeout::parse).transpose().map_err(malformed)?;
    Ok(RequestHead { timeout, encoding: fields.encoding })
}

/// The path of a request, which says what is called. Without service and method it is UNIMPLEMENTED.
pub fn read_path(uri: Uri) -> Result<Path, Refusal> {
    // A request for "*" alone has no path.
    let path = uri.into_parts().path_and_query.unwrap_or_else(|| PathAndQuery::from_static("*"));
    Path::parse(path).map_err(|error: PathError| Refusal {
        status: StatusCode::OK,
        code: Code::UNIMPLEMENTED,
        message: error.to_string(),
    })
}

/// The head of a client's call. `metadata` is sent without its reserved names.
///
/// "Implementations should send Timeout immediately after the reserved headers and they should send the Call-Definition
/// headers before sending Custom-Metadata."
pub fn request(
    scheme: &Scheme, authority: &Authority, path: &Path, timeout: Option<Duration>, metadata: Option<&HeaderMap>,
) -> Request<()> {
    let path = path.as_path_and_query().clone();
    let uri = Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query(path);
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.build().unwrap_or_default(); // all three parts are there: cannot fail
    let headers = request.headers_mut();
    if let Some(timeout) = timeout {
        headers.insert(GRPC_TIMEOUT, timeout::format(timeout));
    }
    headers.insert(header::TE, TE_TRAILERS);
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE_GRPC);
    headers.insert(header::USER_AGENT, USER_AGENT);
    copy_custom(metadata, headers, usize::MAX);
    request
}

/// Response-Headers: HTTP status 200 and the content-type, ready for metadata.
pub fn response_head() -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = HeaderMap::with_capacity(1);
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE_GRPC);
    response
}

/// The whole answer to a request that is refused: send it with END_STREAM.
pub fn refuse(refusal: &Refusal) -> Response<()> {
    let mut response = trailers_only(refusal.code, &refusal.message, &[], None);
    *response.status_mut() = refusal.status;
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, const { HeaderValue::from_static("POST") });
    }
    response
}

/// Trailers-Only: an answer without messages, in one HEADERS frame. Send it with END_STREAM.
pub fn trailers_only(code: Code, message: &str, details: &[u8], metadata: Option<&HeaderMap>) -> Response<()> {
    let mut response = response_head();
    put_status(response.headers_mut(), code, message, details, metadata);
    response
}

/// Writes what Trailers say: the status first, then what it says and `metadata` without its reserved names, within
/// [`MAX_STATUS_LEN`].
pub fn put_status(headers: &mut HeaderMap, code: Code, message: &str, details: &[u8], metadata: Option<&HeaderMap>) {
    headers.insert(GRPC_STATUS, code.to_header_value());
    if message.is_empty() && details.is_empty() && metadata.is_none_or(HeaderMap::is_empty) {
        return;
    }
    let custom = metadata.map_or(0, |map| map.iter().map(|(name, value)| field_len(name, value.len())).sum());
    let for_metadata = custom.min(MAX_STATUS_LEN / 2);
    let mut left = MAX_STATUS_LEN - for_metadata - field_len(&GRPC_STATUS, 10);
    if !message.is_empty() {
        let text = percent::encode_within(message, left - field_len(&GRPC_MESSAGE, 0));
        left -= field_len(&GRPC_MESSAGE, text.len());
        headers.extend(HeaderValue::from_str(&text).map(|value| (GRPC_MESSAGE, value)));
    }
    let details_len = field_len(&GRPC_STATUS_DETAILS, binary::encoded_len(details.len()));
    if !details.is_empty() && details_len <= left {
        left -= details_len;
        headers.extend(HeaderValue::try_from(binary::encode(details)).map(|value| (GRPC_STATUS_DETAILS, value)));
    }
    copy_custom(metadata, headers, left + for_metadata);
}

/// What a client needs to know of a response's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead<'a> {
    /// `grpc-encoding`, unless absent or `identity`.
    pub encoding: Option<&'a [u8]>,
    /// The status, when it stands in the head: Trailers-Only, and no messages or trailers follow.
    pub status: Option<WireStatus>,
}

/// A status as it stands in trailers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireStatus {
    /// `grpc-status`.
    pub code: Code,
    /// `grpc-message`, decoded.
    pub message: String,
    /// `grpc-status-details-bin`, decoded; empty when absent or not base64.
    pub details: Bytes,
}

/// Checks the head of a response. The error is the status of the call.
///
/// A `grpc-status` counts only in the header block that ends the stream (`ends_stream`), and there whatever surrounds
/// it: "Trailers-Only" is one HEADERS frame with END_STREAM, and in any other head a status says nothing about the
/// messages that follow. Without one, an HTTP status other than 200 is mapped by [`Code::from_http_status`], and a
/// content-type that is not gRPC's is UNKNOWN: it was not a gRPC server that answered.
pub fn read_response(head: &response::Parts, ends_stream: bool) -> Result<ResponseHead<'_>, WireStatus> {
    let fields = Fields::of(&head.headers);
    let status = if ends_stream { fields.status() } else { None };
    if status.is_some() || head.status == StatusCode::OK && fields.is_grpc() {
        return Ok(ResponseHead { encoding: fields.encoding, status });
    }
    let (code, what) = match head.status {
        StatusCode::OK => (Code::UNKNOWN, "not an answer of a gRPC server".to_owned()),
        other => (Code::from_http_status(other), format!("HTTP status {other} without grpc-status")),
    };
    let message = format!("{what}: {}", fields.named_content_type());
    Err(WireStatus { code, message, details: Bytes::new() })
}

/// The status in trailers or in the head of a Trailers-Only answer; `None` when there is no `grpc-status`.
pub fn read_status(headers: &HeaderMap) -> Option<WireStatus> {
    Fields::of(headers).status()
}

/// Why metadata must not have this name (in lower case), if it must not: the call itself speaks through it.
pub fn reserved(name: &str) -> Option<&'static str> {
    match name {
        _ if name.starts_with("grpc-") => Some("it is reserved, names that start with grpc- belong to the protocol"),
        _ if name.starts_with(':') => Some("it is reserved, names that start with ':' are HTTP/2 pseudo-headers"),
        "content-type" | "te" | "user-agent" | "content-length" => Some("it is reserved, the call itself sets it"),
        "host" => Some("it is reserved, HTTP/2 has :authority in its place"),
        "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" => {
            Some("it is reserved, HTTP/2 forbids headers about the connection (RFC 9113, section 8.2.2)")
        }
        _ => None,
    }
}

/// The fields that gRPC gives a meaning, found in one pass without hashing; of a field that came twice, the first.
#[derive(Default)]
struct Fields<'a> {
    content_type: Option<&'a [u8]>,
    te: Option<&'a [u8]>,
    timeout: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    message: Option<&'a [u8]>,
    details: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn of(headers: &'a HeaderMap) -> Fields<'a> {
        let mut fields = Fields::default();
        for (name, value) in headers {
            let field = match name.as_str() {
                "content-type" => &mut fields.content_type,
                "te" => &mut fields.te,
                "grpc-timeout" => &mut fields.timeout,
                "grpc-encoding" if value != "identity" => &mut fields.encoding,
                "grpc-status" => &mut fields.status,
                "grpc-message" => &mut fields.message,
                "grpc-status-details-bin" => &mut fields.details,
                _ => continue,
            };
            field.get_or_insert(value.as_bytes());
        }
        fields
    }

    /// Whether messages are protobuf in gRPC's framing.
    fn is_grpc(&self) -> bool {
        let format = self.content_type.and_then(|value| value.strip_prefix(b"application/grpc"));
        let format = format.map(|format| format.strip_prefix(b"+proto").unwrap_or(format).trim_ascii_start());
        matches!(format, Some([] | [b';', ..]))
    }

    /// The content-type as an error text shows it.
    fn named_content_type(&self) -> String {
        self.content_type.map_or("no content-type".into(), |value| format!("content-type {}", quoted(value)))
    }

    fn status(&self) -> Option<WireStatus> {
        let code = Code::parse(self.status?);
        let message = self.message.map(|value| percent::decode(value).into_owned()).unwrap_or_default();
        let details = self.details.and_then(|value| binary::decode(value).ok()).unwrap_or_default().into();
        Some(WireStatus { code, message, details })
    }
}

/// Copies the entries of `metadata` that are not reserved, as far as they fit `left` bytes.
fn copy_custom(metadata: Option<&HeaderMap>, headers: &mut HeaderMap, mut left: usize) {
    for (name, value) in metadata.into_iter().flatten() {
        let len = field_len(name, value.len());
        if len <= left && reserved(name.as_str()).is_none() && headers.try_append(name, value.clone()).is_ok() {
            left -= len;
        }
    }
}

/// The size of a field as SETTINGS_MAX_HEADER_LIST_SIZE counts it (RFC 9113, section 6.5.2).
fn field_len(name: &HeaderName, value_len: usize) -> usize {
    name.as_str().len() + value_len + 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(fields: &HeaderMap) -> usize {
        fields.iter().map(|(name, value)| field_len(name, value.len())).sum()
    }

    fn status_fields(code: Code, message: &str, details: &[u8], metadata: Option<&HeaderMap>) -> HeaderMap {
        let mut fields = HeaderMap::new();
        put_status(&mut fields, code, message, details, metadata);
        fields
    }

    /// A request as a gRPC client sends it, then changed.
    fn request_with(change: impl FnOnce(&mut Request<()>)) -> request::Parts {
        let path = Path::new("routeguide.RouteGuide", "GetFeature").unwrap();
        let authority = Authority::from_static("localhost:50051");
        let mut request = request(&Scheme::HTTP, &authority, &path, Some(Duration::from_secs(1)), None);
        change(&mut request);
        request.into_parts().0
    }

    fn refusal_of(change: impl FnOnce(&mut Request<()>)) -> (Option<u16>, Code, String) {
        let Refusal { status, code, message } = read_request(&request_with(change)).unwrap_err();
        (Some(status.as_u16()).filter(|status| *status != 200), code, message)
    }

    #[test]
    fn a_request_has_the_fields_of_call_definition_in_order() {
        let mut metadata = HeaderMap::new();
        metadata.insert("trace-id", 7.into());
        metadata.insert("grpc-status", 7.into());
        let path = Path::new("routeguide.RouteGuide", "GetFeature").unwrap();
        let authority = Authority::from_static("localhost:50051");
        let request = request(&Scheme::HTTP, &authority, &path, Some(Duration::from_secs(1)), Some(&metadata));
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), "http://localhost:50051/routeguide.RouteGuide/GetFeature");
        let fields: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(
            fields,
            [
                ("grpc-timeout", "1000000u"),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                ("user-agent", "h2grpc/0.1.0"),
                ("trace-id", "7"),
            ]
        );
    }

    #[test]
    fn a_request_head_says_what_the_call_needs() {
        let parts = request_with(|request| {
            request.headers_mut().insert(GRPC_ENCODING, HeaderValue::from_static("gzip"));
            request.headers_mut().insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip"));
        });
        let expected = RequestHead { timeout: Some(Duration::from_secs(1)), encoding: Some(b"gzip") };
        assert_eq!(read_request(&parts), Ok(expected));
        let plain = request_with(|request| {
            request.headers_mut().remove(GRPC_TIMEOUT);
            request.headers_mut().insert(GRPC_ENCODING, HeaderValue::from_static("identity"));
        });
        assert_eq!(read_request(&plain), Ok(RequestHead { timeout: None, encoding: None }));
    }

    #[test]
    fn a_method_other_than_post_is_http_405() {
        let (status, _, message) = refusal_of(|request| *request.method_mut() = Method::GET);
        assert_eq!((status, message.as_str()), (Some(405), "gRPC calls are POST requests, not \"GET\""));
        let refusal = read_request(&request_with(|request| *request.method_mut() = Method::GET)).unwrap_err();
        let response = refuse(&refusal);
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &HeaderValue::from_static("POST"))
        );
        assert_eq!(response.headers()[GRPC_STATUS], "13");
    }

    #[test]
    fn a_content_type_other_than_grpc_is_http_415() {
        for value in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;charset=utf-8",
            "application/grpc+proto ; a=b",
        ] {
            let parts = request_with(|request| {
                _ = request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(value))
            });
            assert!(read_request(&parts).is_ok(), "{value}");
        }
        for value in [
            "",
            "application/json",
            "application/grpcfoo",
            "application/grpc+json",
            "application/grpc-web",
            "application/grpc+proto2",
        ] {
            let (status, code, message) = refusal_of(|request| {
                _ = request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(value))
            });
            assert_eq!((status, code), (Some(415), Code::INVALID_ARGUMENT));
            assert!(message.starts_with(&format!("content-type \"{value}\": expected")), "{message}");
        }
        let (status, _, message) = refusal_of(|request| _ = request.headers_mut().remove(header::CONTENT_TYPE));
        assert_eq!(status, Some(415));
        assert!(message.starts_with("no content-type: expected"), "{message}");
    }

    #[test]
    fn a_missing_te_is_internal_and_named() {
        let (status, code, message) = refusal_of(|request| _ = request.headers_mut().remove(header::TE));
        assert_eq!((status, code), (None, Code::INTERNAL));
        assert!(message.contains("te: trailers"), "{message}");
    }

    #[test]
    fn a_malformed_timeout_is_internal_and_quoted() {
        let (status, code, message) =
            refusal_of(|request| _ = request.headers_mut().insert(GRPC_TIMEOUT, HeaderValue::from_static("soon")));
        assert_eq!((status, code), (None, Code::INTERNAL));
        assert!(message.contains("\"soon\""), "{message}");
    }

    #[test]
    fn a_path_without_service_and_method_is_unimplemented() {
        let Refusal { status, code, message } = read_path(Uri::from_static("http://localhost/GetFeature")).unwrap_err();
        assert_eq!((status, code), (StatusCode::OK, Code::UNIMPLEMENTED));
        assert_eq!(message, "malformed path \"/GetFeature\": expected /service/method");
    }

    #[test]
    fn trailers_start_with_the_status_and_have_no_reserved_names() {
        let ok = status_fields(Code::OK, "", &[], None);
        assert_eq!((ok.len(), &ok[GRPC_STATUS]), (1, &HeaderValue::from_static("0")));
        let mut metadata = HeaderMap::new();
        for name in ["tried", "grpc-status", "content-type", "connection"] {
            metadata.insert(name, 3.into());
        }
        let all = status_fields(Code::NOT_FOUND, "50% caf\u{e9}", &[8, 5], Some(&metadata));
        let fields: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let expected = [
            ("grpc-status", "5"),
            ("grpc-message", "50%25 caf%C3%A9"),
            ("grpc-status-details-bin", "CAU"),
            ("tried", "3"),
        ];
        assert_eq!(fields, expected);
        assert_eq!(
            read_status(&all),
            Some(WireStatus {
                code: Code::NOT_FOUND,
                message: "50% caf\u{e9}".into(),
                details: Bytes::from_static(&[8, 5])
            })
        );
    }

    #[test]
    fn a_huge_status_is_cut_so_that_the_peer_can_read_it() {
        let mut metadata = HeaderMap::new();
        metadata.insert("tried", 3.into());
        let cut = status_fields(Code::INTERNAL, &"\u{e9}".repeat(10_000), &[7; 100], Some(&metadata));
        assert!(size(&cut) <= MAX_STATUS_LEN && size(&cut) > MAX_STATUS_LEN - 100);
        assert!(cut.get(GRPC_STATUS_DETAILS).is_none());
        assert_eq!(cut["tried"], "3");
        assert!(read_status(&cut).unwrap().message.chars().all(|character| character == '\u{e9}'));

        let without_details = status_fields(Code::INTERNAL, "short", &[7; 7000], Some(&metadata));
        assert_eq!((without_details.len(), &without_details[GRPC_MESSAGE]), (3, &HeaderValue::from_static("short")));

        for number in 0..1000 {
            metadata.append("tried", number.into());
        }
        assert!(size(&status_fields(Code::INTERNAL, &"x".repeat(10_000), &[], Some(&metadata))) <= MAX_STATUS_LEN);
    }

    proptest! {
        #[test]
        fn a_status_that_fits_is_sent_whole_and_one_that_does_not_is_cut_to_what_fits(
            message in 0..5000usize, details in 0..4000usize, fields in prop::collection::vec(0..1500usize, 0..8),
        ) {
            let field = |character: &str, len| HeaderValue::from_str(&character.repeat(len)).unwrap();
            let mut metadata = HeaderMap::new();
            for len in fields {
                metadata.append("note", field("n", len));
            }
            let mut whole = HeaderMap::from_iter([(GRPC_STATUS, Code::INTERNAL.to_header_value())]);
            if message > 0 {
                whole.insert(GRPC_MESSAGE, field("m", message));
            }
            if details > 0 {
                whole.insert(GRPC_STATUS_DETAILS, field("A", binary::encoded_len(details)));
            }
            whole.extend(metadata.clone());
            // Room is kept for the longest code there is.
            let fits = size(&whole) + 10 - "13".len() <= MAX_STATUS_LEN;
            let sent = status_fields(Code::INTERNAL, &"m".repeat(message), &vec![0; details], Some(&metadata));
            prop_assert!(size(&sent) <= MAX_STATUS_LEN, "{} bytes", size(&sent));
            prop_assert_eq!(sent == whole, fits);
        }
    }

    fn response_with(status: u16, fields: &[(&'static str, &'static str)]) -> response::Parts {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in fields {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        response.into_parts().0
    }

    #[test]
    fn an_http_status_without_grpc_status_is_mapped_and_named() {
        let error = read_response(&response_with(503, &[("content-type", "text/html")]), true).unwrap_err();
        assert_eq!(error.code, Code::UNAVAILABLE);
        assert_eq!(
            error.message,
            "HTTP status 503 Service Unavailable without grpc-status: content-type \"text/html\""
        );
        let fields = [("content-type", "application/grpc"), ("grpc-status", "5")];
        let head = response_with(503, &fields);
        assert_eq!(read_response(&head, true).unwrap().status.unwrap().code, Code::NOT_FOUND);
    }

    #[test]
    fn a_response_content_type_other_than_grpc_is_unknown_and_named() {
        let error = read_response(&response_with(200, &[("content-type", "text/html")]), true).unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (Code::UNKNOWN, "not an answer of a gRPC server: content-type \"text/html\"")
        );
        assert_eq!(read_response(&response_with(200, &[]), true).unwrap_err().code, Code::UNKNOWN);
    }

    #[test]
    fn trailers_only_is_recognised() {
        let head = response_head().into_parts().0;
        assert_eq!(read_response(&head, true), Ok(ResponseHead { encoding: None, status: None }));
        let head = trailers_only(Code::NOT_FOUND, "no such place", &[], None).into_parts().0;
        let status = read_response(&head, true).unwrap().status.unwrap();
        assert_eq!((status.code, status.message.as_str()), (Code::NOT_FOUND, "no such place"));
    }
    #[test]
    fn grpc_status_counts_only_in_the_block_that_ends_the_stream() {
        let head = response_with(200, &[("content-type", "application/grpc"), ("grpc-status", "5")]);
        assert_eq!(read_response(&head, false).unwrap().status, None);
        let head = response_with(503, &[("content-type", "text/html"), ("grpc-status", "5")]);
        assert_eq!(read_response(&head, false).unwrap_err().code, Code::UNAVAILABLE);
    }
}
